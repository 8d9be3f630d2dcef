// SPDX-License-Identifier: GPL-2.0
/*
 * pktshow.c - show a recording: its packets, one packet's path, the path in words, drops, functions, its state.
 *
 * This file reads the command line and chooses the view; each view is a show_*.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "select.h"
#include "show.h"

#define TROUBLE 2		/* exit status, as diff(1) */

static const char usage[] =
	"usage: pktshow [options] FILE [pcap-filter]        (- is standard input)\n"
	"\n"
	"Shows what a recording of pktrec holds: without options a header and one line a packet.\n"
	"A pcap-filter selects packets, as for pktrec; when one is left, its path is shown.\n"
	"\n"
	"  -p, --packet N     the path of packet N, one hop a line\n"
	"  -e, --explain      in words: packet N, or the packets that matter\n"
	"      --paths        packets grouped by the way they took: the same functions in the same order\n"
	"      --path N       only the packets that took way N of --paths; with --explain, that way in words\n"
	"  -d, --drops        what was dropped, grouped by reason and place\n"
	"  -f, --functions    what was probed, hit, never hit, refused\n"
	"  -l, --latency      where the time went: running, in queues, from function to function\n"
	"      --slowest N    the same, with the N slowest packets (5)\n"
	"  -x, --hex          with --packet: its first bytes as well\n"
	"      --stack        with --packet: the kernel stack of each hop that has one\n"
	"      --snapshot WHAT  what the recorder noted of network namespaces: routes, …\n"
	"      --info         everything known about the recording\n"
	"      --verify       check every unit and every count; exit status 2 when damaged\n"
	"  -a, --all, -v      fold nothing: every hop and return on its own line\n"
	"      --json         one object a line (packets, --packet, --explain, --drops, …)\n"
	"      --color WHEN   auto, always, never (NO_COLOR is honoured)\n"
	"      --no-pager     write to the terminal directly\n"
	"      --version, --help\n";

enum { OPT_PATHS = 256, OPT_PATH, OPT_STACK, OPT_SLOWEST, OPT_SNAPSHOT, OPT_INFO, OPT_VERIFY, OPT_JSON, OPT_COLOR, OPT_NO_PAGER, OPT_VERSION };

static const struct option long_options[] = {
	{ "packet", required_argument, NULL, 'p' },
	{ "explain", no_argument, NULL, 'e' },
	{ "paths", no_argument, NULL, OPT_PATHS },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "drops", no_argument, NULL, 'd' },
	{ "functions", no_argument, NULL, 'f' },
	{ "latency", no_argument, NULL, 'l' },
	{ "slowest", required_argument, NULL, OPT_SLOWEST },
	{ "hex", no_argument, NULL, 'x' },
	{ "stack", no_argument, NULL, OPT_STACK },
	{ "snapshot", required_argument, NULL, OPT_SNAPSHOT },
	{ "info", no_argument, NULL, OPT_INFO },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ "all", no_argument, NULL, 'a' },
	{ "verbose", no_argument, NULL, 'a' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "no-pager", no_argument, NULL, OPT_NO_PAGER },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{},
};

static int fail(const char *what)
{
	fprintf(stderr, "pktshow: %s\n", what);
	return TROUBLE;
}

/* 0, or the exit status. */
static int parse_count(uint32_t *out, const char *text, const char *wrong)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || n == 0 || n > UINT32_MAX)
		return fail(wrong);
	*out = n;
	return 0;
}

static int parse_packet(struct show_options *o, const char *text)
{
	return parse_count(&o->packet, text, "--packet wants the number of a packet, as the list shows it: 1, 2, …");
}

static int parse_slowest(struct show_options *o, const char *text)
{
	return parse_count(&o->slowest, text, "--slowest wants how many packets to show: 1, 2, …");
}

static int parse_path(struct show_options *o, const char *text)
{
	return parse_count(&o->path, text, "--path wants the number of a path, as --paths shows it: 1, 2, …");
}

static int set_view(struct show_options *o, int view)
{
	if (o->view != SHOW_LIST && (int)o->view != view)
		return fail("--drops, --functions, --info, --latency, --paths, --snapshot and --verify exclude each other; choose one");
	o->view = view;
	return 0;
}

/* 0: taken; positive: the exit status to end with. */
static int parse_option(struct show_options *o, int c)
{
	switch (c) {
	case 'p': return parse_packet(o, optarg);
	case 'd': return set_view(o, SHOW_DROPS);
	case 'f': return set_view(o, SHOW_FUNCTIONS);
	case 'l': return set_view(o, SHOW_LATENCY);
	case OPT_PATHS: return set_view(o, SHOW_PATHS);
	case OPT_PATH: return parse_path(o, optarg);
	case OPT_SLOWEST: return parse_slowest(o, optarg) ?: set_view(o, SHOW_LATENCY);
	case OPT_INFO: return set_view(o, SHOW_INFO);
	case OPT_VERIFY: return set_view(o, SHOW_VERIFY);
	case 'x': o->hex = true; return 0;
	case OPT_STACK: o->stack = true; return 0;
	case OPT_SNAPSHOT: o->snapshot = optarg; return set_view(o, SHOW_SNAPSHOT);
	case 'e': o->explain = true; return 0;
	case 'a':
	case 'v': o->every = true; return 0;
	case OPT_JSON: o->json = true; return 0;
	case OPT_NO_PAGER: o->no_pager = true; return 0;
	case OPT_COLOR: return color_parse(optarg, &o->color) ? fail("--color wants auto, always or never") : 0;
	default: return TROUBLE;
	}
}

static int check_options(const struct show_options *o, int nfiles)
{
	if (nfiles == 0)
		return fail("no recording given; try pktshow --help");
	if (nfiles > 1 && (o->view == SHOW_FUNCTIONS || o->view == SHOW_INFO || o->view == SHOW_SNAPSHOT || o->view == SHOW_VERIFY))
		return fail("--functions, --info, --snapshot and --verify are about the recording: a filter selects nothing there");
	if (nfiles > 1 && o->packet)
		return fail("--packet and a filter both select packets; use one of them");
	if (o->view != SHOW_LIST && (o->packet || o->explain))
		return fail("--packet and --explain do not go with --drops, --functions, --info, --latency, --paths, --snapshot or --verify");
	if (o->path && (o->packet || o->view == SHOW_FUNCTIONS || o->view == SHOW_INFO || o->view == SHOW_SNAPSHOT || o->view == SHOW_VERIFY))
		return fail("--path selects packets: it goes with the list, --explain, --drops, --latency and --paths");
	if ((o->stack || o->hex) && (!o->packet || o->explain))
		return fail("--stack and --hex show more of one packet: use them with --packet N");
	return 0;
}

/* An option getopt does not know, in our words: its own message is off so that errors look the same everywhere. */
static int bad_option(char **argv, int c)
{
	const char *arg = argv[optind > 0 ? optind - 1 : 0];
	char letter[] = { '-', optopt, '\0' };

	/* in a cluster of letters optind has not moved on yet, so a letter is named by itself */
	if (optopt > 0 && optopt < 256 && strncmp(arg, "--", 2))
		arg = letter;
	if (c == ':')
		fprintf(stderr, "pktshow: option %s wants a value; try pktshow --help\n", arg);
	else
		fprintf(stderr, "pktshow: option %s is not known here; try pktshow --help\n", arg);
	return TROUBLE;
}

/* To be freed; NULL: no memory */
static char *words_join(char **word, int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (int i = 0; i < n; i++)
		fprintf(out, "%s%s", i ? " " : "", word[i]);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* -1: go on; otherwise the exit status. */
static int show_parse(struct show_options *o, int argc, char **argv)
{
	int c, status;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":p:edflavxh", long_options, NULL)) != -1) {
		if (c == 'h' || c == OPT_VERSION) {
			fputs(c == 'h' ? usage : "pktshow 0.1\n", stdout);
			return fflush(stdout) ? fail("cannot write to standard output") : 0;
		}
		if (c == ':' || c == '?')
			return bad_option(argv, c);
		status = parse_option(o, c);
		if (status)
			return status;
	}
	status = check_options(o, argc - optind);
	if (status)
		return status;
	o->file = argv[optind++];
	o->filter = optind < argc ? words_join(argv + optind, argc - optind) : NULL;
	return optind < argc && !o->filter ? fail(strerror(ENOMEM)) : -1;
}

static int show_packet(const struct term *t, const struct show_options *o, const struct model *m, const struct packet *p)
{
	unsigned int how = (o->every ? PATH_EVERY : 0) | (o->stack ? PATH_STACKS : 0);
	int err = o->json ? show_path_json(t, m, p, how) : show_path(t, m, p, how);

	if (!err && o->hex && !o->json)
		show_hex(t, m, p);
	return err;
}

/* The one packet that a filter left; NULL: there are more, or none, or no filter. */
static const struct packet *the_only(const struct model *m)
{
	size_t i = 0;

	if (m->npackets == 1 || packets_selected(m) != 1)
		return NULL;
	while (m->packets[i].left_out)
		i++;
	return &m->packets[i];
}

static int show_view(const struct term *t, const struct show_options *o, const struct model *m)
{
	const struct packet *p = o->packet ? &m->packets[o->packet - 1] : o->json ? NULL : the_only(m);

	if (o->view == SHOW_DROPS)
		return show_drops(t, m, o->json);
	if (o->view == SHOW_FUNCTIONS)
		return o->json ? show_functions_json(t, m) : show_functions(t, m);
	if (o->view == SHOW_LATENCY)
		return show_latency(t, m, o);
	if (o->view == SHOW_INFO)
		return o->json ? show_info_json(t, m) : show_info(t, m);
	if (o->view == SHOW_SNAPSHOT)
		return show_snapshot(t, m, o->snapshot, o->json);
	if (o->view == SHOW_PATHS)
		return show_paths(t, m, o->json);
	if (o->explain && o->path)
		return show_explain_path(t, m, o->path, o->json);
	if (o->explain)
		return p ? show_explain(t, m, p, o->json) : show_explain_main(t, m, o->json);
	if (p)
		return show_packet(t, o, m, p);
	if (o->json) {
		show_list_json(t, m);
	} else {
		show_header(t, m);
		putc('\n', t->out);
		show_list(t, m);
	}
	return 0;
}

static int finish(struct term *t, int err)
{
	int closed = term_close(t);

	if (err == -ENOENT)
		return fail("no snapshot of that name in this recording; pktshow --info lists them");
	if (err) {
		fprintf(stderr, "pktshow: cannot show this: %s\n", strerror(-err));
		return TROUBLE;
	}
	if (closed) {
		fprintf(stderr, "pktshow: cannot write to standard output: %s\n", strerror(-closed));
		return TROUBLE;
	}
	return 0;
}

static int run_verify(const struct show_options *o)
{
	char trouble[512] = "";
	struct term t;
	int err;

	term_open(&t, o->color, false);
	err = show_verify(&t, o->file, o->json, trouble, sizeof(trouble));
	if (err) {
		term_close(&t);		/* the places first, then what they come to */
		fprintf(stderr, "pktshow: %s: %s\n", o->file, trouble);
		return TROUBLE;
	}
	return finish(&t, 0);
}

static int run_live(const struct show_options *o, const struct selector *s)
{
	char trouble[512] = "";
	struct term t;
	int err;

	term_open(&t, o->color, false);
	err = show_live(&t, o, s, trouble, sizeof(trouble));
	if (*trouble)
		fprintf(stderr, "pktshow: standard input: %s\n", trouble);
	return finish(&t, 0) || err ? TROUBLE : 0;
}

static int run_file(const struct show_options *o, const struct selector *s)
{
	char error[512];
	struct model *m;
	struct term t;
	int err;

	if (model_load(&m, o->file, error, sizeof(error)))
		return fail(error);
	if (s && selector_apply(s, m)) {
		model_free(m);
		return fail(strerror(ENOMEM));
	}
	err = o->path ? path_select(m, o->path) : 0;
	if (err) {
		model_free(m);
		return fail(err == -ENOENT ? "no path of that number; --paths lists them" : strerror(-err));
	}
	if (o->packet > m->npackets) {
		fprintf(stderr, "pktshow: no packet %u: %s has %zu; pktshow %s lists them\n", o->packet, m->file, m->npackets, m->file);
		model_free(m);
		return TROUBLE;
	}
	if (*m->trouble)
		fprintf(stderr, "pktshow: %s: %s; showing what can be read\n", m->file, m->trouble);
	term_open(&t, o->color, !o->no_pager);
	err = finish(&t, show_view(&t, o, m));
	model_free(m);
	return err;
}

static int show_run(const struct show_options *o)
{
	struct selector *s = NULL;
	char error[512] = "out of memory";
	int status;

	if (o->view == SHOW_VERIFY)
		return run_verify(o);
	if (o->filter && selector_open(&s, o->filter, error, sizeof(error)))
		return fail(error);
	status = show_is_live(o) ? run_live(o, s) : run_file(o, s);
	selector_free(s);
	return status;
}

int main(int argc, char **argv)
{
	struct show_options o = {};
	int status = show_parse(&o, argc, argv);

	if (status < 0)
		status = show_run(&o);
	free(o.filter);
	return status;
}

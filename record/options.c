// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - parse the command line: options, then the words of the filter, then "--" and the command.
 *
 * Nothing is done with the options here.  What cannot go together is in a table; an option without effect is an
 * error, not a surprise.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "filter.h"
#include "options.h"
#include "pkttrace.h"
#include "values.h"

#define RING_MAX (1u << 30)
#define FILES_MAX 1000000
#define FILTER_MAX 65536

/* Behind every letter; OPT_WORDS and OPT_COMMAND stand for what is no option in the table of conflicts. */
enum { OPT_NETNS = 256, OPT_MARK, OPT_FUNC, OPT_PROFILE, OPT_LIGHT, OPT_BACKEND, OPT_DURATION, OPT_NO_PAYLOAD, OPT_STACK,
	OPT_TUNNEL, OPT_COMPRESS, OPT_READY, OPT_CHECK, OPT_LIST, OPT_VERSION, OPT_HELP, OPT_WORDS, OPT_COMMAND, OPT_LAST };

/* "+": the first word that is no option begins the filter */
static const char shorts[] = "+:o:w:i:c:s:C:W:B:F:Z:qv";

static const struct option longs[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "interface", required_argument, NULL, 'i' },
	{ "netns", required_argument, NULL, OPT_NETNS },
	{ "mark", required_argument, NULL, OPT_MARK },
	{ "func", required_argument, NULL, OPT_FUNC },
	{ "profile", required_argument, NULL, OPT_PROFILE },
	{ "light", no_argument, NULL, OPT_LIGHT },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "count", required_argument, NULL, 'c' },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "snapshot-length", required_argument, NULL, 's' },
	{ "no-payload", no_argument, NULL, OPT_NO_PAYLOAD },
	{ "stack", no_argument, NULL, OPT_STACK },
	{ "tunnel", required_argument, NULL, OPT_TUNNEL },
	{ "rotate-size", required_argument, NULL, 'C' },
	{ "rotate-files", required_argument, NULL, 'W' },
	{ "buffer-size", required_argument, NULL, 'B' },
	{ "filter-file", required_argument, NULL, 'F' },
	{ "user", required_argument, NULL, 'Z' },
	{ "compress", required_argument, NULL, OPT_COMPRESS },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "list-functions", no_argument, NULL, OPT_LIST },
	{ "ready-fd", required_argument, NULL, OPT_READY },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{}
};

static const char help[] =
	"usage: pktrec [options] [pcap-filter] [-- command ...]\n"
	"Record what the kernel does with every packet, until the command ends or Ctrl-C.\n"
	"\n"
	"  -o, --output FILE      write here (pktrec.trc; - is standard output); -w is the same\n"
	"  -i, --interface IF     packets of this interface (of --netns, or else of our own namespace)\n"
	"      --netns NS         packets of this network namespace: NAME, PID or PATH\n"
	"      --mark M[/MASK]    packets with this mark\n"
	"      --func GLOB        probe only functions that match (repeatable)\n"
	"      --profile NAME     all, path (functions that mark a path) or drop\n"
	"      --light            tracepoints and few stacks: little cost, fewer hops\n"
	"      --backend NAME     kprobe-multi, kprobe or tracepoint; default: the best that works here\n"
	"  -c, --count N          stop after N packets\n"
	"      --duration TIME    stop after a time: 10s, 500ms, 2m\n"
	"  -s, --snapshot-length BYTES\n"
	"                         of each packet that are kept (128; 0 is the whole packet)\n"
	"      --no-payload       keep no bytes of packets\n"
	"      --stack            a kernel stack with every hop\n"
	"      --tunnel FILTER    packets with such a packet inside (VXLAN, GENEVE, IPIP, GRE)\n"
	"  -C, --rotate-size SIZE begin a new file after so many millions of bytes, or with a unit (64M)\n"
	"  -W, --rotate-files N   keep the last N of them\n"
	"  -B, --buffer-size SIZE ring buffer of each CPU, in KiB or with a unit (4M)\n"
	"  -F, --filter-file FILE read the pcap-filter from a file\n"
	"  -Z, --user USER        become this user after attaching; default: the one who called sudo\n"
	"      --compress LEVEL   1 (fast, the default) to 19 (small)\n"
	"      --check            print what is needed, what was found and how to fix it\n"
	"      --list-functions   print what would be probed, and why the rest is not\n"
	"      --ready-fd N       write a newline to descriptor N when every probe is attached\n"
	"  -q, --quiet            no status line and no notes\n"
	"  -v, --verbose          say what is being done; twice: libbpf's messages too\n"
	"      --version, --help\n";

static const struct conflict {
	int one, other;
	const char *why;
} conflicts[] = {
	{ 'F', OPT_WORDS, "-F and filter words: give the filter in one of the two" },
	{ 's', OPT_NO_PAYLOAD, "-s and --no-payload: keep some bytes of packets or none" },
	{ OPT_LIGHT, OPT_STACK, "--light and --stack: --light takes few stacks; leave one of them out" },
	{ OPT_LIGHT, OPT_FUNC, "--light and --func: --light probes no functions; leave one of them out" },
	{ OPT_LIGHT, OPT_PROFILE, "--light and --profile: --light probes no functions; leave one of them out" },
	{ OPT_FUNC, OPT_PROFILE, "--func and --profile: both choose the functions; leave one of them out" },
	{ OPT_CHECK, OPT_LIST, "--check and --list-functions: one at a time" },
	{ OPT_CHECK, OPT_WORDS, "--check records nothing; leave the filter out" },
	{ OPT_CHECK, OPT_COMMAND, "--check records nothing; leave the command out" },
	{ OPT_LIST, OPT_WORDS, "--list-functions records nothing; leave the filter out" },
	{ OPT_LIST, OPT_COMMAND, "--list-functions records nothing; leave the command out" },
};

static int complain(const char *option, const char *value, const char *expected)
{
	fprintf(stderr, "pktrec: %s %s: give %s\n", option, value, expected);
	return 2;
}

static int refuse(const char *why)
{
	fprintf(stderr, "pktrec: %s\n", why);
	return 2;
}

static int ring_parse(struct options *o, const char *text)
{
	uint64_t bytes;

	if (number_parse(text, units_buffer, &bytes) || !bytes || bytes > RING_MAX)
		return complain("-B", text, "a size in KiB, or with a unit, of at most 1G");
	o->ring_bytes = bytes;
	return 0;
}

static int backend_parse(struct options *o, const char *text)
{
	static const enum backend all[] = { BACKEND_KPROBE_MULTI, BACKEND_KPROBE, BACKEND_TRACEPOINT };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (strcmp(text, backend_name(all[i])))
			continue;
		o->backend = all[i];
		return 0;
	}
	return complain("--backend", text, "kprobe-multi, kprobe or tracepoint");
}

static int profile_parse(struct options *o, const char *text)
{
	if (!strcmp(text, "all"))
		o->profile = PROFILE_ALL;
	else if (!strcmp(text, "path"))
		o->profile = PROFILE_PATH;
	else if (!strcmp(text, "drop"))
		o->profile = PROFILE_DROP;
	else
		return complain("--profile", text, "all, path or drop");
	return 0;
}

static int glob_add(struct options *o, char *glob)
{
	size_t n = 0;
	char **grown;

	while (o->globs && o->globs[n])
		n++;
	grown = realloc(o->globs, (n + 2) * sizeof(*grown));
	if (!grown)
		return refuse("out of memory");
	o->globs = grown;
	o->globs[n] = glob;
	o->globs[n + 1] = NULL;
	return 0;
}

static int mark_take(struct options *o, const char *text)
{
	int err = mark_parse(text, &o->mark, &o->mark_mask);

	if (err == -EDOM)
		return complain("--mark", text, "a mark with no bits outside its mask: this one matches nothing");
	if (err)
		return complain("--mark", text, "a mark such as 7, 0x10 or 0x10/0xf0");
	o->mark_set = true;
	return 0;
}

static int rotate_parse(struct options *o, int option, const char *text)
{
	uint64_t number;

	if (option == 'C') {
		if (number_parse(text, units_file, &o->rotate_bytes) || o->rotate_bytes < ROTATE_LEAST)
			return complain("-C", text, "a size in millions of bytes, or with a unit (64M), of at least 64K");
		return 0;
	}
	if (number_parse(text, units_none, &number) || !number || number > FILES_MAX)
		return complain("-W", text, "how many files to keep, at most 1000000");
	o->rotate_files = number;
	return 0;
}

/* A filter over several lines is one expression; libpcap takes the newlines. */
static int filter_read(struct options *o, const char *path)
{
	char error[512];
	size_t size;

	free(o->filter);
	o->filter = NULL;
	if (filter_read_file(path, &o->filter, error, sizeof(error))) {
		fprintf(stderr, "pktrec: %s\n", error);
		return 2;
	}
	size = strlen(o->filter);
	if (size > FILTER_MAX)
		return complain("-F", path, "a text file of at most 64 KiB");
	while (size && strchr(" \t\r\n", o->filter[size - 1]))
		o->filter[--size] = 0;
	return size ? 0 : complain("-F", path, "a file with a filter in it; this one is empty");
}

/* Options whose value is a number. */
static int number_take(struct options *o, int option, const char *value)
{
	uint64_t number;

	switch (option) {
	case 'c':
		if (number_parse(value, units_none, &o->count) || !o->count)
			return complain("-c", value, "a number of packets");
		return 0;
	case 's':
		if (number_parse(value, units_none, &number) || number > UINT32_MAX)
			return complain("-s", value, "a number of bytes; 0 is the whole packet");
		o->snap_bytes = number ? number : SNAP_WHOLE;
		return 0;
	case OPT_DURATION:
		if (number_parse(value, units_time, &o->duration_ns) || !o->duration_ns)
			return complain("--duration", value, "a time such as 10s, 500ms or 2m");
		return 0;
	case OPT_COMPRESS:
		if (number_parse(value, units_none, &number) || number < TRC_LEVEL_MIN || number > TRC_LEVEL_MAX)
			return complain("--compress", value, "a level from 1 (fast) to 19 (small)");
		o->level = number;
		return 0;
	case OPT_READY:
		if (number_parse(value, units_none, &number) || number > 65535)
			return complain("--ready-fd", value, "the number of an open descriptor");
		o->ready_fd = number;
		return 0;
	}
	return 2;
}

static int text_take(struct options *o, int option, char *value)
{
	static const struct { int option; size_t at; } texts[] = {
		{ 'o', offsetof(struct options, output) }, { 'w', offsetof(struct options, output) },
		{ 'i', offsetof(struct options, interface) }, { OPT_NETNS, offsetof(struct options, netns_name) },
		{ OPT_TUNNEL, offsetof(struct options, tunnel) }, { 'Z', offsetof(struct options, user) },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i].option != option)
			continue;
		if (!*value)
			return refuse("an option has an empty value; leave it out or say what you want");
		*(const char **)((char *)o + texts[i].at) = value;
		return 0;
	}
	return 2;
}

static int option_take(struct options *o, int option, char *value)
{
	switch (option) {
	case OPT_MARK:
		return mark_take(o, value);
	case OPT_FUNC:
		return glob_add(o, value);
	case OPT_PROFILE:
		return profile_parse(o, value);
	case OPT_LIGHT:
		o->light = true;
		return 0;
	case OPT_BACKEND:
		return backend_parse(o, value);
	case OPT_NO_PAYLOAD:
		o->payload = false;
		return 0;
	case OPT_STACK:
		o->stacks = true;
		return 0;
	case 'C':
	case 'W':
		return rotate_parse(o, option, value);
	case 'B':
		return ring_parse(o, value);
	case 'F':
		return filter_read(o, value);
	case OPT_CHECK:
		o->check = true;
		return 0;
	case OPT_LIST:
		o->list = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case 'v':
		o->verbose++;
		return 0;
	case OPT_VERSION:
		printf("pktrec %s\n", PKTREC_VERSION);
		return 1;
	case OPT_HELP:
		fputs(help, stdout);
		return 1;
	case 'c':
	case 's':
	case OPT_DURATION:
	case OPT_COMPRESS:
	case OPT_READY:
		return number_take(o, option, value);
	default:
		return text_take(o, option, value);
	}
}

static int words_join(struct options *o, char *const *words, int n)
{
	size_t length = 0;
	int i;

	for (i = 0; i < n; i++) {
		/* no word of a filter is like this but "-" itself */
		if (words[i][0] == '-' && words[i][1] && (words[i][1] < '0' || words[i][1] > '9')) {
			fprintf(stderr, "pktrec: %s: options come before the filter\n", words[i]);
			return 2;
		}
		length += strlen(words[i]) + 1;
	}
	o->filter = calloc(1, length + 1);
	if (!o->filter)
		return refuse("out of memory");
	for (i = 0; i < n; i++) {
		strcat(o->filter, i ? " " : "");
		strcat(o->filter, words[i]);
	}
	return 0;
}

static int conflicts_look(const struct options *o, const bool *given)
{
	const struct conflict *c;

	for (c = conflicts; c < conflicts + sizeof(conflicts) / sizeof(*conflicts); c++)
		if (given[c->one] && given[c->other])
			return refuse(c->why);
	if (o->light && o->backend != BACKEND_AUTO && o->backend != BACKEND_TRACEPOINT)
		return refuse("--light and --backend: --light is of the tracepoint backend; leave one of them out");
	if (o->rotate_files && !o->rotate_bytes)
		return refuse("-W keeps the last files of a rotation; say with -C when a new one begins");
	if (o->rotate_bytes && !strcmp(o->output, "-"))
		return refuse("-C makes several files; give their name with -o FILE");
	return 0;
}

static int options_read(struct options *o, int argc, char **argv, bool *given)
{
	int option, err;

	opterr = 0;
	while ((option = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (option == '?' || option == ':') {
			fprintf(stderr, "pktrec: %s %s; see pktrec --help\n", argv[optind - 1],
				option == ':' ? "needs a value" : "is no option that pktrec knows");
			return 2;
		}
		err = option_take(o, option, optarg);
		if (err)
			return err;
		given[option] = true;
	}
	given[OPT_WORDS] = optind < argc;
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	bool given[OPT_LAST] = {};
	int err, own = 1;

	*o = (struct options){ .output = "pktrec.trc", .ready_fd = -1, .netns_fd = -1,
		.payload = true, .snap_bytes = SNAP_DEFAULT, .argc = argc, .argv = argv };
	/* getopt would stop at "--" and forget where: give it only what is before */
	while (own < argc && strcmp(argv[own], "--"))
		own++;
	if (own < argc) {
		o->command = argv + own + 1;
		given[OPT_COMMAND] = true;
		if (!*o->command)
			return refuse("no command after --; leave both out to record until Ctrl-C");
	}
	err = options_read(o, own, argv, given);
	if (!err)
		err = conflicts_look(o, given);
	if (!err && given[OPT_WORDS])
		err = words_join(o, argv + optind, own - optind);
	if (!err && o->light)
		o->backend = BACKEND_TRACEPOINT;
	return err;
}

void options_free(struct options *o)
{
	free(o->globs);
	free(o->filter);
	if (o->netns_fd >= 0)
		close(o->netns_fd);
}

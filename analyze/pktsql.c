// SPDX-License-Identifier: GPL-2.0
/*
 * pktsql.c - SQL over recordings: reads the command line, loads the recordings, and has the query run.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sanitize.h"
#include "sql.h"
#include "sql_shell.h"

#ifndef VERSION
#define VERSION "0.1"
#endif
#define TROUBLE 2
#define QUERY_MAX (1u << 20)

static const char usage[] =
	"usage: pktsql [options] FILE... [QUERY]        (- is standard input)\n"
	"\n"
	"SQL over recordings of pktrec, or over a database that -o made.  QUERY is SQL or @NAME of a ready one.\n"
	"Without a query: a prompt on a terminal, otherwise the query is read from standard input.\n"
	"\n"
	"  -o DB              make a database that any SQLite client opens\n"
	"      --schema       list tables, views, functions, queries; with a NAME: its columns\n"
	"      --queries      list the ready queries\n"
	"      --table        aligned columns (the default on a terminal)\n"
	"      --box          the same in a box\n"
	"      --tabs         tab-separated lines (the default otherwise)\n"
	"      --csv, --json  comma-separated lines; one JSON object a line\n"
	"      --version, --help\n";

enum { OPT_SCHEMA = 256, OPT_QUERIES, OPT_FORMAT };

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "schema", no_argument, NULL, OPT_SCHEMA },
	{ "queries", no_argument, NULL, OPT_QUERIES },
	{ "table", no_argument, NULL, OPT_FORMAT + FORMAT_TABLE },
	{ "tabs", no_argument, NULL, OPT_FORMAT + FORMAT_TABS },
	{ "csv", no_argument, NULL, OPT_FORMAT + FORMAT_CSV },
	{ "json", no_argument, NULL, OPT_FORMAT + FORMAT_JSON },
	{ "box", no_argument, NULL, OPT_FORMAT + FORMAT_BOX },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{},
};

struct sql_options {
	const char *output;
	bool schema;
	enum sql_format format;
	char **files;
	size_t nfiles;
	const char *query;
	char *typed;		/* query read from standard input */
};

static int fail(const char *text)
{
	fprintf(stderr, "pktsql: %s\n", text);
	return TROUBLE;
}

static int fail_about(const char *text, const char *about)
{
	char clean[256];

	sanitize(clean, sizeof(clean), about);
	fprintf(stderr, "pktsql: %s: %s\n", clean, text);
	return TROUBLE;
}

static int queries_print(void)
{
	sql_list(stdout);
	return 0;
}

/* 0: go on; otherwise exit with status - 1 */
static int parse_options(struct sql_options *o, int argc, char **argv)
{
	int c;

	opterr = 0;
	o->format = isatty(STDOUT_FILENO) ? FORMAT_TABLE : FORMAT_TABS;
	while ((c = getopt_long(argc, argv, ":o:h", long_options, NULL)) != -1) {
		switch (c) {
		case 'o':
			o->output = optarg;
			break;
		case OPT_SCHEMA:
			o->schema = true;
			break;
		case OPT_QUERIES:
			return 1 + queries_print();
		case OPT_FORMAT ... OPT_FORMAT + FORMAT_BOX:
			o->format = c - OPT_FORMAT;
			break;
		case 'V':
			puts("pktsql " VERSION);
			return 1;
		case 'h':
			fputs(usage, stdout);
			return 1;
		default:
			return 1 + fail_about(c == ':' ? "wants a value; see pktsql --help" : "is no option of pktsql; see "
					      "pktsql --help", argv[optind - 1]);
		}
	}
	return 0;
}

/* The last argument is a query if it looks like one and is no file. */
static bool is_query(const char *arg)
{
	return access(arg, F_OK) && (*arg == '@' || arg[strcspn(arg, " \t\n;(")]);
}

static int parse_arguments(struct sql_options *o, int argc, char **argv)
{
	o->files = argv + optind;
	o->nfiles = argc - optind;
	if (o->nfiles && (is_query(argv[argc - 1]) || (o->schema && access(argv[argc - 1], F_OK) && strcmp(argv[argc - 1], "-")))) {
		o->query = argv[argc - 1];
		o->nfiles--;
	}
	if (!o->nfiles && !o->schema)
		return fail(argc > optind ? "no recording given; see pktsql --help" : "no file given; see pktsql --help");
	if (o->output && (o->query || o->schema))
		return fail("-o makes a database and runs no query; leave one of them out");
	return 0;
}

static int stdin_read(struct sql_options *o)
{
	size_t n;

	o->typed = malloc(QUERY_MAX + 1);
	if (!o->typed)
		return fail("out of memory");
	n = fread(o->typed, 1, QUERY_MAX + 1, stdin);
	if (n > QUERY_MAX)
		return fail("the query on standard input is longer than 1 MiB");
	if (memchr(o->typed, 0, n))
		return fail("the query on standard input is not text");
	o->typed[n] = 0;
	o->query = o->typed;
	return 0;
}

static int recordings_load(struct recordings *recs, const struct sql_options *o)
{
	char error[DB_ERROR_MAX];
	size_t i;

	recs->models = calloc(o->nfiles + 1, sizeof(*recs->models));
	if (!recs->models)
		return fail("out of memory");
	for (i = 0; i < o->nfiles; i++) {
		if (db_is_file(o->files[i]))
			return fail_about("is a database; give it alone, without other files and without -o", o->files[i]);
		if (model_load(&recs->models[i], o->files[i], error, sizeof(error)))
			return fail(error);
		recs->n++;
		if (*recs->models[i]->trouble)
			fprintf(stderr, "pktsql: %s: %s\n", recs->models[i]->file, recs->models[i]->trouble);
	}
	return 0;
}

static int query_run(sqlite3 *db, const struct sql_options *o)
{
	char error[DB_ERROR_MAX];
	int err;

	db_forbid(db);
	err = o->schema ? sql_describe(db, o->query, stdout, error) : sql_run(db, o->query, o->format, stdout, error);
	sqlite3_close(db);
	if (err)
		return fail(error);
	if (fflush(stdout) || ferror(stdout))
		return fail_about(strerror(errno), "standard output");
	return 0;
}

static int status_of(int status, const char *error)
{
	return status < 0 ? fail(error) : status;
}

static int run_file(struct sql_options *o)
{
	char error[DB_ERROR_MAX];
	sqlite3 *db;

	if (db_open_file(&db, o->files[0], error))
		return fail(error);
	if (o->query || o->schema || !isatty(STDIN_FILENO))
		return (!o->query && !o->schema && stdin_read(o)) ? TROUBLE : query_run(db, o);
	sqlite3_close(db);
	return status_of(shell_on_file(o->files[0], error), error);
}

static int run_recordings(struct sql_options *o, const struct recordings *recs)
{
	char error[DB_ERROR_MAX];
	sqlite3 *db;

	if (o->output)
		return db_write(recs, o->output, error) ? fail(error) : 0;
	if (!o->query && !o->schema) {
		if (isatty(STDIN_FILENO))
			return status_of(shell_on_recordings(recs, error), error);
		if (stdin_read(o))
			return TROUBLE;
	}
	if (db_open_live(&db, recs, error))
		return fail(error);
	return query_run(db, o);
}

int main(int argc, char **argv)
{
	struct sql_options o = {};
	struct recordings recs = {};
	int status = parse_options(&o, argc, argv);
	size_t i;

	setlocale(LC_CTYPE, "C.UTF-8");	/* for widths: all text is UTF-8, whatever the user's locale */
	if (status)
		return status - 1;
	status = parse_arguments(&o, argc, argv);
	if (status)
		return status;
	if (o.nfiles == 1 && !o.output && db_is_file(o.files[0]))
		status = run_file(&o);
	else
		status = recordings_load(&recs, &o) ?: run_recordings(&o, &recs);
	for (i = 0; i < recs.n; i++)
		model_free(recs.models[i]);
	free(recs.models);
	free(o.typed);
	return status;
}

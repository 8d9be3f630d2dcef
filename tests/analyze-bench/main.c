// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - what the analyzer costs: loading a recording, asking it, and making a database of it.
 *
 *	analyze-bench FILE.trc [FOLDER]
 *
 * Each figure is from a process of its own, so that its peak of memory is its own, but for the scans, which follow one
 * another in one; time is CPU time of the one thread.  Beside them stands what plain insertion of the same rows, of the
 * first ten million, into an SQLite table takes.  FOLDER is for databases, which are removed.  Nothing is judged: the
 * figures are for people.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "embedded.h"
#include "sql.h"

#define PLAIN_MOST 10000000	/* more rows tell no more of it */

struct bench {
	const char *file, *folder;
	char path[4096];	/* of the database */
};

/* What a process says of what it did. */
struct figure {
	double seconds;
	size_t rows, bytes, peak_kib;
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
	fprintf(stderr, "analyze-bench: %s: %s\n", what, why);
	exit(2);
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct model *load(const struct bench *b)
{
	char error[DB_ERROR_MAX];
	struct model *m;

	if (model_load(&m, b->file, error, sizeof(error)))
		die("cannot load", error);
	return m;
}

static void load_measure(const struct bench *b, struct figure *f)
{
	double start = cpu_s();
	struct model *m = load(b);

	f->seconds = cpu_s() - start;
	f->rows = m->nhops;
	f->bytes = m->npackets;
}

static void tables_measure(const struct bench *b, struct figure *f)
{
	struct model *m = load(b);
	struct recordings recs = { &m, 1 };
	char error[DB_ERROR_MAX];
	double start = cpu_s();
	sqlite3 *db;

	if (db_open_live(&db, &recs, error))
		die("cannot make the tables", error);
	f->seconds = cpu_s() - start;
	f->rows = m->nhops;
}

static const struct { const char *name, *sql; } scans[] = {
	{ "scan: all hops, two columns", "SELECT count(*), sum(len_bytes), max(func) FROM hop_row" },
	{ "scan: in the order of time", "SELECT count(*), sum(x) FROM (SELECT time_ns & 1 AS x FROM hop_row ORDER BY time_ns LIMIT -1)" },
	{ "scan: a hundredth of the time", "SELECT count(*), sum(len_bytes) FROM hop_row WHERE time_ns BETWEEN "
	  "(SELECT first_ns + (last_ns - first_ns) / 2 FROM recording) AND (SELECT first_ns + (last_ns - first_ns) / 100 * 51 FROM recording)" },
	{ "scan: of one function", "SELECT count(*), sum(len_bytes) FROM hop_row WHERE func = "
	  "(SELECT func FROM function WHERE hits > 0 ORDER BY hits LIMIT 1)" },
};

#define SCANS (sizeof(scans) / sizeof(scans[0]))

/* f has room for all. */
static void scans_measure(const struct bench *b, struct figure *f)
{
	struct model *m = load(b);
	struct recordings recs = { &m, 1 };
	char error[DB_ERROR_MAX];
	sqlite3_stmt *stmt = NULL;
	double start;
	sqlite3 *db;
	size_t i;

	if (db_open_live(&db, &recs, error))
		die("cannot make the tables", error);
	for (i = 0; i < SCANS; i++, f++) {
		start = cpu_s();
		if (sqlite3_prepare_v2(db, scans[i].sql, -1, &stmt, NULL) || sqlite3_step(stmt) != SQLITE_ROW)
			die(scans[i].sql, sqlite3_errmsg(db));
		f->bytes = sqlite3_column_int64(stmt, 0);	/* rows that it found */
		sqlite3_finalize(stmt);
		f->seconds = cpu_s() - start;
		f->rows = m->nhops;
	}
}

static size_t file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_size;
}

static void database_measure(const struct bench *b, struct figure *f)
{
	struct model *m = load(b);
	struct recordings recs = { &m, 1 };
	char error[DB_ERROR_MAX];
	double start = cpu_s();

	if (db_write(&recs, b->path, error))
		die("cannot write", error);
	f->seconds = cpu_s() - start;
	f->rows = m->nhops;
	f->bytes = file_size(b->path);
}

/* The same columns, as numbers and blobs, one row after the other and no key: as fast as SQLite takes rows. */
static void plain_insert(sqlite3_stmt *s, const struct trc_hop *h, uint32_t hop)
{
	const sqlite3_int64 numbers[] = {
		1, h->packet, hop, h->time_ns, 0, 0, h->kind, h->func, h->cpu, h->seq, h->context, h->pid, h->netns, h->ifindex,
		h->len_bytes, h->paged_bytes, h->mark, h->ethertype, h->l4proto, h->sport, h->dport, h->ttl, h->ip_id, h->frag,
		h->tcp_flags, h->tcp_seq, h->gso_size, h->gso_segs, h->hook, h->family, h->value, h->stack,
	};
	int i, n = sizeof(numbers) / sizeof(numbers[0]);

	for (i = 0; i < n; i++)
		sqlite3_bind_int64(s, i + 1, numbers[i]);
	sqlite3_bind_blob(s, n + 1, h->saddr, 4, SQLITE_STATIC);
	sqlite3_bind_blob(s, n + 2, h->daddr, 4, SQLITE_STATIC);
	sqlite3_step(s);
	if (sqlite3_reset(s) != SQLITE_OK)
		die("cannot insert", "SQLite refuses");
}

static void plain_measure(const struct bench *b, struct figure *f)
{
	char sql[1024] = "CREATE TABLE t (c0", more[16];
	struct model *m = load(b);
	sqlite3_stmt *stmt;
	double start = cpu_s();
	sqlite3 *db;
	size_t i, rows = 0;
	uint32_t k;

	for (i = 1; i < 34; i++) {
		snprintf(more, sizeof(more), ",c%zu", i);
		strcat(sql, more);
	}
	strcat(sql, ")");
	unlink(b->path);
	if (sqlite3_open(b->path, &db) || sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL) ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) || sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) ||
	    sqlite3_prepare_v2(db, "INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", -1, &stmt, NULL))
		die(b->path, sqlite3_errmsg(db));
	for (i = 0; i < m->npackets; i++)
		for (k = 0; k < m->packets[i].nhops && rows < PLAIN_MOST; k++, rows++)
			plain_insert(stmt, packet_hop(m, &m->packets[i], k), k + 1);
	sqlite3_finalize(stmt);
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) || sqlite3_close(db))
		die(b->path, "cannot commit");
	f->seconds = cpu_s() - start;
	f->rows = rows;
	f->bytes = file_size(b->path);
}

/* One figure, or n that come from one process. */
static void measure_all(const struct bench *b, void (*what)(const struct bench *, struct figure *), struct figure *f, size_t n)
{
	struct rusage usage;
	int fds[2], status;
	pid_t child = -1;
	size_t i;

	fflush(stdout);
	if (pipe(fds) || (child = fork()) < 0)
		die("cannot begin", "no process");
	if (!child) {
		what(b, f);
		_exit(write(fds[1], f, n * sizeof(*f)) != (ssize_t)(n * sizeof(*f)));
	}
	close(fds[1]);
	if (read(fds[0], f, n * sizeof(*f)) != (ssize_t)(n * sizeof(*f)) || wait4(child, &status, 0, &usage) != child || status)
		die(b->file, "a measurement failed");
	close(fds[0]);
	for (i = 0; i < n; i++)
		f[i].peak_kib = usage.ru_maxrss;
}

static struct figure measure(const struct bench *b, void (*what)(const struct bench *, struct figure *))
{
	struct figure f = {};

	measure_all(b, what, &f, 1);
	return f;
}

static void line(const char *name, const struct figure *f, const char *rest)
{
	printf("  %-34s %8.2f M hops/s  %8.3f s  %7zu MiB peak%s\n", name, f->rows / f->seconds / 1e6, f->seconds, f->peak_kib >> 10, rest);
}

static void scans_print(const struct bench *b)
{
	struct figure f[SCANS] = {};
	char rest[64];
	size_t i;

	measure_all(b, scans_measure, f, SCANS);
	for (i = 0; i < SCANS; i++) {
		snprintf(rest, sizeof(rest), "  %zu rows", f[i].bytes);
		line(scans[i].name, &f[i], rest);
	}
}

int main(int argc, char **argv)
{
	struct bench b = { argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "/tmp" };
	struct figure f, plain, whole;
	char rest[96];

	if (argc < 2 || argc > 3)
		die("usage", "analyze-bench FILE.trc [FOLDER]");
	snprintf(b.path, sizeof(b.path), "%s/analyze-bench-%d.db", b.folder, (int)getpid());
	f = measure(&b, load_measure);
	printf("%s: %zu hops of %zu packets, %.1f bytes of file a hop\n", b.file, f.rows, f.bytes, (double)file_size(b.file) / f.rows);
	snprintf(rest, sizeof(rest), "  %.1f bytes of memory a hop", f.peak_kib * 1024.0 / f.rows);
	line("load: packets, paths, fates", &f, rest);
	f = measure(&b, tables_measure);
	line("its tables for SQL", &f, "");
	scans_print(&b);
	whole = measure(&b, database_measure);
	snprintf(rest, sizeof(rest), "  %.1f bytes a hop", (double)whole.bytes / whole.rows);
	line("-o x.db: everything", &whole, rest);
	plain = measure(&b, plain_measure);
	snprintf(rest, sizeof(rest), "  %.1f bytes a hop", (double)plain.bytes / plain.rows);
	line(plain.rows < whole.rows ? "plain insertion of 10 M hops alone" : "plain insertion of the hops alone", &plain, rest);
	printf("  -o x.db takes %.2f times as long as plain insertion%s\n", whole.seconds / whole.rows / (plain.seconds / plain.rows),
	       plain.rows < whole.rows ? ", of which only the first 10 M hops were measured" : "");
	unlink(b.path);
	return 0;
}

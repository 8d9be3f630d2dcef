// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - what the analyzer costs: loading a recording, asking it, and making a database of it.
 *
 *	analyze-bench FILE.trc [FOLDER]
 *
 * Each figure is from a process of its own, so that its peak of memory is its own; time is CPU time of the one thread.
 * Beside them stands what plain insertion of the same rows into an SQLite table takes.  FOLDER is for databases, which
 * are removed.  Nothing is judged: the figures are for people.
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

static const char *query;

static void query_measure(const struct bench *b, struct figure *f)
{
	struct model *m = load(b);
	struct recordings recs = { &m, 1 };
	char error[DB_ERROR_MAX];
	sqlite3_stmt *stmt = NULL;
	double start;
	sqlite3 *db;

	if (db_open_live(&db, &recs, error) || sqlite3_prepare_v2(db, query, -1, &stmt, NULL))
		die(query, error);
	start = cpu_s();
	if (sqlite3_step(stmt) != SQLITE_ROW)
		die(query, sqlite3_errmsg(db));
	f->seconds = cpu_s() - start;
	f->rows = m->nhops;
	f->bytes = sqlite3_column_int64(stmt, 0);	/* rows that it found */
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
	uint32_t k;
	size_t i;

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
		for (k = 0; k < m->packets[i].nhops; k++)
			plain_insert(stmt, packet_hop(m, &m->packets[i], k), k + 1);
	sqlite3_finalize(stmt);
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) || sqlite3_close(db))
		die(b->path, "cannot commit");
	f->seconds = cpu_s() - start;
	f->rows = m->nhops;
	f->bytes = file_size(b->path);
}

static struct figure measure(const struct bench *b, void (*what)(const struct bench *, struct figure *))
{
	struct figure f = {};
	struct rusage usage;
	int fds[2], status;
	pid_t child = -1;

	fflush(stdout);
	if (pipe(fds) || (child = fork()) < 0)
		die("cannot begin", "no process");
	if (!child) {
		what(b, &f);
		_exit(write(fds[1], &f, sizeof(f)) != sizeof(f));
	}
	close(fds[1]);
	if (read(fds[0], &f, sizeof(f)) != sizeof(f) || wait4(child, &status, 0, &usage) != child || status)
		die(b->file, "a measurement failed");
	close(fds[0]);
	f.peak_kib = usage.ru_maxrss;
	return f;
}

static void line(const char *name, const struct figure *f, const char *rest)
{
	printf("  %-34s %8.2f M hops/s  %8.3f s  %7zu MiB peak%s\n", name, f->rows / f->seconds / 1e6, f->seconds, f->peak_kib >> 10, rest);
}

static void scan(const struct bench *b, const char *name, const char *sql)
{
	struct figure f;
	char rest[64];

	query = sql;
	f = measure(b, query_measure);
	snprintf(rest, sizeof(rest), "  %zu rows", f.bytes);
	line(name, &f, rest);
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
	scan(&b, "scan: all hops, two columns", "SELECT count(*), sum(len_bytes), max(func) FROM hop_row");
	scan(&b, "scan: in the order of time", "SELECT count(*), sum(x) FROM (SELECT time_ns & 1 AS x FROM hop_row ORDER BY time_ns LIMIT -1)");
	scan(&b, "scan: a hundredth of the time", "SELECT count(*), sum(len_bytes) FROM hop_row WHERE time_ns BETWEEN "
	     "(SELECT first_ns + (last_ns - first_ns) / 2 FROM recording) AND (SELECT first_ns + (last_ns - first_ns) / 100 * 51 FROM recording)");
	scan(&b, "scan: of one function", "SELECT count(*), sum(len_bytes) FROM hop_row WHERE func = "
	     "(SELECT func FROM function WHERE hits > 0 ORDER BY hits LIMIT 1)");
	whole = measure(&b, database_measure);
	snprintf(rest, sizeof(rest), "  %.1f bytes a hop", (double)whole.bytes / whole.rows);
	line("-o x.db: everything", &whole, rest);
	plain = measure(&b, plain_measure);
	snprintf(rest, sizeof(rest), "  %.1f bytes a hop", (double)plain.bytes / plain.rows);
	line("plain insertion of the hops alone", &plain, rest);
	printf("  -o x.db takes %.2f times as long as plain insertion\n", whole.seconds / plain.seconds);
	unlink(b.path);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * sql_db.c - databases of recordings: in memory over the models, and files that any SQLite client opens.
 *
 * A file is built under a temporary name beside its final one and renamed when it is whole; an existing file is kept as
 * .old.  Files from strangers are opened read only, with SQLite's guards up.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded.h"
#include "sanitize.h"
#include "spill.h"
#include "sql.h"

#define CACHE "cache_size = -65536"	/* KiB of a database that are in memory; sorts larger than that go to a temporary file */

static int fail(char *error, const char *what, const char *why)
{
	char raw[DB_ERROR_MAX];

	snprintf(raw, sizeof(raw), "%.300s%s%.200s", what, *what ? ": " : "", why);
	sanitize(error, DB_ERROR_MAX, raw);
	return -1;
}

static int fail_db(sqlite3 *db, char *error, const char *what)
{
	const char *memory = spill_trouble() ?: "out of memory";

	return fail(error, what, db && sqlite3_errcode(db) != SQLITE_NOMEM ? sqlite3_errmsg(db) : memory);
}

static int exec(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* No code of ours or SQLite's runs because a file says so, and no page is believed unchecked. */
static void guards_up(sqlite3 *db)
{
	sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);	/* a misspelt "column" is no string */
	exec(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA " CACHE);
}

static int authorize(void *arg, int action, const char *a, const char *b, const char *database, const char *trigger)
{
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return strcmp(b, "load_extension") ? SQLITE_OK : SQLITE_DENY;
	case SQLITE_PRAGMA:	/* those that only look */
		return !strcmp(a, "table_info") || !strcmp(a, "table_xinfo") || !strcmp(a, "table_list") ||
		       !strcmp(a, "function_list") || !strcmp(a, "compile_options") ? SQLITE_OK : SQLITE_DENY;
	}
	return SQLITE_DENY;
}

void db_forbid(sqlite3 *db)
{
	/* tables that are functions are declared at their first use, which would be refused later */
	exec(db, "SELECT 1 FROM json_each('[]'), json_tree('[]')");
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_set_authorizer(db, authorize, NULL);
}

static int tables_fill(sqlite3 *db, const struct recordings *recs)
{
	size_t i;
	int rc = exec(db, embedded_tables);

	for (i = 0; i < recs->n && rc == SQLITE_OK; i++)
		rc = rows_load(db, recs->models[i], i + 1);
	rc = rc ?: same_load(db, recs);
	return rc ?: exec(db, embedded_snapshots);
}

int db_open_live(sqlite3 **out, const struct recordings *recs, char *error)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open("", &db);	/* in memory, and in a temporary file as far as it is larger than the cache */

	rc = rc ?: functions_add(db);
	rc = rc ?: hop_module_add(db, recs);
	rc = rc ?: exec(db, "PRAGMA journal_mode = OFF; PRAGMA " CACHE);
	rc = rc ?: exec(db, "BEGIN");
	rc = rc ?: tables_fill(db, recs);
	rc = rc ?: exec(db, "CREATE VIRTUAL TABLE hop_row USING pkt_hops");
	rc = rc ?: exec(db, embedded_views);
	rc = rc ?: exec(db, "COMMIT");
	if (rc != SQLITE_OK) {
		fail_db(db, error, (rc & 0xff) == SQLITE_FULL || (rc & 0xff) == SQLITE_IOERR ?
			"cannot make the tables in the folder for temporary files, which TMPDIR names" : "cannot make the tables");
		sqlite3_close(db);
		return -1;
	}
	guards_up(db);
	*out = db;
	return 0;
}

bool db_is_file(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	char head[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool is = fd >= 0 && read(fd, head, sizeof(head)) == sizeof(head) && !memcmp(head, magic, sizeof(magic));

	if (fd >= 0)
		close(fd);
	return is;
}

/* The number that a one-row statement answers; -1: it failed */
static int ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int n = -1;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int(stmt, 0);
	return sqlite3_finalize(stmt) == SQLITE_OK ? n : -1;
}

static int application_check(sqlite3 *db, const char *path, char *error)
{
	/* reading the schema shows whether the file is a whole database at all */
	if (ask(db, "SELECT count(*) FROM sqlite_schema") < 0)
		return fail_db(db, error, path);
	if (ask(db, "PRAGMA application_id") != DB_APPLICATION_ID)
		return fail(error, path, "is a database, but not one that pktsql -o made");
	if (ask(db, "PRAGMA user_version") > DB_VERSION)
		return fail(error, path, "was made by a newer pktsql");
	return 0;
}

int db_open_file(sqlite3 **out, const char *path, char *error)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL);

	if (rc != SQLITE_OK) {
		fail_db(db, error, path);
		sqlite3_close(db);
		return -1;
	}
	guards_up(db);
	if (functions_add(db) != SQLITE_OK) {
		fail_db(db, error, path);
		sqlite3_close(db);
		return -1;
	}
	if (application_check(db, path, error)) {
		sqlite3_close(db);
		return -1;
	}
	*out = db;
	return 0;
}

/* The hops come through the virtual table in the order of the key, so that the file is written from front to back. */
static int file_fill(sqlite3 *db, const struct recordings *recs)
{
	char pragmas[128];
	int rc;

	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %d", DB_APPLICATION_ID, DB_VERSION);
	rc = exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 4096; PRAGMA " CACHE);
	rc = rc ?: exec(db, pragmas);
	rc = rc ?: functions_add(db);
	rc = rc ?: hop_module_add(db, recs);
	rc = rc ?: exec(db, "BEGIN");
	rc = rc ?: tables_fill(db, recs);
	rc = rc ?: exec(db, embedded_hop);
	rc = rc ?: exec(db, "CREATE VIRTUAL TABLE temp.hop_source USING pkt_hops");
	rc = rc ?: exec(db, "INSERT INTO hop_row SELECT * FROM hop_source ORDER BY recording, packet, hop");
	rc = rc ?: exec(db, "DROP TABLE temp.hop_source");
	rc = rc ?: exec(db, embedded_views);
	rc = rc ?: exec(db, "COMMIT");
	return rc ?: exec(db, "ANALYZE");
}

int db_write_to(const struct recordings *recs, const char *path, char *error)
{
	sqlite3 *db = NULL;
	int fd, err = 0, rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

	rc = rc ?: file_fill(db, recs);
	if (rc != SQLITE_OK)
		fail_db(db, error, path);
	if (sqlite3_close(db) != SQLITE_OK || rc != SQLITE_OK)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		err = fail(error, path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

/* The half-made file, removed when a signal ends the program. */
static char half_made[4096];

static void half_made_remove(void)
{
	unlink(half_made);
}

static void on_signal(int sig)
{
	half_made_remove();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void signals_catch(void (*handler)(int))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], handler);
}

/* An existing file, or what a symbolic link is called, is kept as .old; nothing is ever written through a link. */
static int keep_old(const char *path, char *error)
{
	char old[4096 + 8];
	struct stat st;

	if (lstat(path, &st))
		return 0;
	if (S_ISDIR(st.st_mode))
		return fail(error, path, "is a directory");
	snprintf(old, sizeof(old), "%s.old", path);
	/* at every moment there is a database of this name; not all filesystems have links */
	unlink(old);
	return link(path, old) && rename(path, old) ? fail(error, old, strerror(errno)) : 0;
}

int db_write(const struct recordings *recs, const char *path, char *error)
{
	void (*too_large)(int);
	int fd, err;

	if ((size_t)snprintf(half_made, sizeof(half_made), "%s.XXXXXX", path) >= sizeof(half_made))
		return fail(error, "", "the name of the database is too long");
	fd = mkstemp(half_made);
	if (fd < 0)
		return fail(error, path, strerror(errno));
	close(fd);
	signals_catch(on_signal);
	spill_on_loss(half_made_remove);
	too_large = signal(SIGXFSZ, SIG_IGN);	/* a limit on sizes is an error like a full disk */
	err = db_write_to(recs, half_made, error);
	if (!err)
		err = keep_old(path, error);
	if (!err && rename(half_made, path))
		err = fail(error, path, strerror(errno));
	if (err)
		half_made_remove();
	spill_on_loss(NULL);
	signals_catch(SIG_DFL);
	signal(SIGXFSZ, too_large);
	return err;
}

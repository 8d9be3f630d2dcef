// SPDX-License-Identifier: GPL-2.0
/*
 * sql_files.c - database files: made whole or not at all, old ones kept, strangers' ones distrusted.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sql_support.h"

struct place {
	struct tape t;
	struct model *m;
	struct recordings recs;
	char folder[64], path[96], old[100];
};

static int place_setup(void **state)
{
	static struct place p;

	memset(&p, 0, sizeof(p));
	tape_open(&p.t);
	tape_scene(&p.t);
	p.m = tape_load(&p.t);
	p.recs = (struct recordings){ &p.m, 1 };
	strcpy(p.folder, "/tmp/sql_files.XXXXXX");
	assert_non_null(mkdtemp(p.folder));
	snprintf(p.path, sizeof(p.path), "%s/x.db", p.folder);
	snprintf(p.old, sizeof(p.old), "%s.old", p.path);
	*state = &p;
	return 0;
}

static int place_teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	unlink(p->old);
	assert_int_equal(rmdir(p->folder), 0);		/* and nothing else was left in it */
	tape_close(&p->t, p->m);
	return 0;
}

static void write_db(struct place *p)
{
	char error[DB_ERROR_MAX] = "";

	if (db_write(&p->recs, p->path, error))
		fail_msg("%s", error);
}

static void database_opens_without_us(void **state)
{
	struct place *p = *state;
	sqlite3 *db;

	write_db(p);
	assert_int_equal(sqlite3_open_v2(p->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_answer(db, "PRAGMA integrity_check", "ok");
	assert_answer(db, "SELECT count(*) FROM hop WHERE function = 'ip_send_skb'", "2");
	assert_answer(db, "SELECT count(*) FROM dropped", "1");
	assert_answer(db, "SELECT count(*) FROM verdict", "1");
	assert_answer(db, "SELECT count(*) FROM path_hop WHERE meaning <> ''", "17");
	sqlite3_close(db);
}

static void database_is_private_and_an_old_one_is_kept(void **state)
{
	struct place *p = *state;
	struct stat st;
	int fd = open(p->path, O_CREAT | O_WRONLY, 0644);

	assert_int_equal(write(fd, "precious", 8), 8);
	close(fd);
	write_db(p);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(p->old, &st), 0);
	assert_int_equal(st.st_size, 8);
}

static void symbolic_link_is_replaced_and_never_followed(void **state)
{
	struct place *p = *state;
	char target[96];
	struct stat st;

	snprintf(target, sizeof(target), "%s/target", p->folder);
	close(open(target, O_CREAT | O_WRONLY, 0644));
	assert_int_equal(symlink(target, p->path), 0);
	write_db(p);
	assert_int_equal(lstat(p->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(target, &st), 0);
	assert_int_equal(st.st_size, 0);
	unlink(target);
}

static void database_that_cannot_be_made_leaves_nothing(void **state)
{
	struct place *p = *state;
	char error[DB_ERROR_MAX] = "", path[128];

	snprintf(path, sizeof(path), "%s/none/x.db", p->folder);
	assert_int_equal(db_write(&p->recs, path, error), -1);
	assert_non_null(strstr(error, "none/x.db"));
	assert_int_equal(mkdir(p->path, 0700), 0);	/* a directory stands where the database should be */
	assert_int_equal(db_write(&p->recs, p->path, error), -1);
	assert_non_null(strstr(error, "directory"));
	rmdir(p->path);
}

static int files_in(const char *folder)
{
	DIR *d = opendir(folder);
	int n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Many hops, so that it takes a while to write them. */
static void place_enlarge(struct place *p)
{
	tape_close(&p->t, p->m);
	tape_open(&p->t);
	for (int i = 0; i < 100000; i++) {
		struct trc_hop h = tape_hop(&p->t, 1 + i / 50, "ip_rcv");

		tape_write(&p->t, &h);
	}
	p->m = tape_load(&p->t);
}

static bool is_whole(const char *path)
{
	char error[DB_ERROR_MAX];
	sqlite3 *db;
	bool whole;

	if (db_open_file(&db, path, error))
		return false;
	whole = !strcmp(ask(db, "SELECT count(*) FROM hop_row"), "100000") && !strcmp(ask(db, "PRAGMA integrity_check"), "ok");
	sqlite3_close(db);
	return whole;
}

static void full_disk_leaves_nothing_and_the_old_one_where_it_was(void **state)
{
	struct place *p = *state;
	char error[DB_ERROR_MAX] = "";
	int status, sizes[] = { 0, 1, 4096, 100000, 1 << 20, 5 << 20 };

	place_enlarge(p);
	write_db(p);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pid_t child = fork();

		if (!child) {
			setrlimit(RLIMIT_FSIZE, &(struct rlimit){ sizes[i], sizes[i] });
			_exit(db_write(&p->recs, p->path, error) != -1 || !*error || strchr(error, '\n'));
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		assert_int_equal(files_in(p->folder), 1);
	}
	assert_true(is_whole(p->path));
}

/* Killed at any moment: what is under the final name is whole, the new one or the old; and who may tidy up does. */
static void killed_midway_the_final_name_is_whole(void **state)
{
	struct place *p = *state;
	int status, rounds = 0, killed = 0;
	char command[200];

	place_enlarge(p);
	write_db(p);
	for (int us = 0; rounds - killed < 2 && rounds < 200; us += us / 4 + 500, rounds++) {
		bool polite = rounds % 2;
		pid_t child = fork();

		if (!child) {
			write_db(p);
			_exit(0);
		}
		usleep(us);
		kill(child, polite ? SIGTERM : SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		killed += WIFSIGNALED(status);
		assert_true(is_whole(p->path));
		if (polite)
			assert_int_equal(files_in(p->folder), 1 + !access(p->old, F_OK));
		snprintf(command, sizeof(command), "rm -f %s/x.db.??????", p->folder);
		assert_int_equal(system(command), 0);
	}
	assert_true(killed >= 4);
}

static void refused(struct place *p, const char *words)
{
	char error[DB_ERROR_MAX] = "";
	sqlite3 *db = NULL;
	int err = db_open_file(&db, p->path, error);

	if (!err) {	/* what the first pages do not show, a query does */
		FILE *out = fopen("/dev/null", "w");

		err = sql_run(db, "SELECT * FROM hop", FORMAT_TABS, out, error);
		fclose(out);
		sqlite3_close(db);
	}
	assert_int_equal(err, -1);
	assert_true(*error && !strchr(error, '\n'));
	if (!strstr(error, words))
		fail_msg("%s: not in: %s", words, error);
}

static void patch(const char *path, off_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void malformed_database_is_an_error(void **state)
{
	struct place *p = *state;
	struct stat st;
	char junk[4096];
	off_t at;

	write_db(p);
	memset(junk, 0xa5, sizeof(junk));
	assert_int_equal(stat(p->path, &st), 0);
	for (at = 4096; at < st.st_size; at += 4096)
		patch(p->path, at, junk, sizeof(junk));
	refused(p, "malformed");
	patch(p->path, 100, junk, 200);
	refused(p, p->path);
}

static void cut_database_is_an_error(void **state)
{
	struct place *p = *state;

	write_db(p);
	assert_int_equal(truncate(p->path, 20000), 0);
	refused(p, "malformed");
}

static void database_of_somebody_else_is_refused(void **state)
{
	struct place *p = *state;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE hop (x)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_true(db_is_file(p->path));
	refused(p, "not one that pktsql -o made");
}

static void hostile_database_runs_no_code_and_shows_no_escapes(void **state)
{
	struct place *p = *state;
	char error[DB_ERROR_MAX] = "", *text = NULL;
	size_t size;
	FILE *out;
	sqlite3 *db;

	write_db(p);
	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE process SET process = char(27) || '[2J';"
				      "CREATE VIEW evil AS SELECT load_extension('/tmp/x.so');"
				      "PRAGMA user_version = 1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(db_open_file(&db, p->path, error), 0);
	db_forbid(db);
	out = open_memstream(&text, &size);
	assert_int_equal(sql_run(db, "SELECT * FROM process", FORMAT_TABLE, out, error), 0);
	assert_int_equal(sql_run(db, "SELECT * FROM process", FORMAT_TABS, out, error), 0);
	assert_int_equal(sql_run(db, "SELECT * FROM process", FORMAT_JSON, out, error), 0);
	assert_int_equal(sql_run(db, "SELECT * FROM evil", FORMAT_TABS, out, error), -1);
	fclose(out);
	assert_null(strchr(text, 27));
	assert_non_null(strstr(text, "\\x1b[2J"));
	free(text);
	sqlite3_close(db);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)
	const struct CMUnitTest tests[] = {
		TEST(database_opens_without_us),
		TEST(database_is_private_and_an_old_one_is_kept),
		TEST(symbolic_link_is_replaced_and_never_followed),
		TEST(database_that_cannot_be_made_leaves_nothing),
		TEST(full_disk_leaves_nothing_and_the_old_one_where_it_was),
		TEST(killed_midway_the_final_name_is_whole),
		TEST(malformed_database_is_an_error),
		TEST(cut_database_is_an_error),
		TEST(database_of_somebody_else_is_refused),
		TEST(hostile_database_runs_no_code_and_shows_no_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

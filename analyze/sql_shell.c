// SPDX-License-Identifier: GPL-2.0
/*
 * sql_shell.c - run the sqlite3 shell: on a database given, or on one made for the occasion in a folder of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sql_shell.h"

static int fail(char *error, const char *what, int err)
{
	snprintf(error, DB_ERROR_MAX, "%.300s: %.200s", what, strerror(err));
	return -1;
}

/* Safe mode: the shell then runs no commands and touches no other files, whatever a database talks somebody into. */
static int shell_run(const char *path, char *error)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return fail(error, "cannot start the sqlite3 shell", errno);
	if (!pid) {
		execlp("sqlite3", "sqlite3", "-safe", "-readonly", "-header", "-column", path, (char *)NULL);
		_exit(127);
	}
	signal(SIGINT, SIG_IGN);	/* Ctrl-C is for the shell */
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(error, "cannot wait for the sqlite3 shell", errno);
	signal(SIGINT, SIG_DFL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		snprintf(error, DB_ERROR_MAX, "no query, and no sqlite3 shell to ask for one; "
			 "give a query, or install the package sqlite3");
		return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

int shell_on_file(const char *path, char *error)
{
	return shell_run(path, error);
}

int shell_on_recordings(const struct recordings *recs, char *error)
{
	const char *tmp = getenv("TMPDIR");
	char folder[4000], path[4096];
	int fd, status = -1;

	if ((size_t)snprintf(folder, sizeof(folder), "%s/pktsql.XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp") >= sizeof(folder))
		return fail(error, "$TMPDIR", ENAMETOOLONG);
	if (!mkdtemp(folder))
		return fail(error, folder, errno);
	snprintf(path, sizeof(path), "%s/recordings.db", folder);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail(error, path, errno);
	} else {
		close(fd);
		if (!db_write_to(recs, path, error))
			status = shell_run(path, error);
		unlink(path);
	}
	rmdir(folder);
	return status;
}

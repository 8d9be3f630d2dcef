// SPDX-License-Identifier: GPL-2.0
/*
 * command.c - fork and exec; the child reports through a close-on-exec pipe when exec fails.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

static int program_check(const char *path)
{
	struct stat st;

	if (access(path, X_OK) || stat(path, &st))
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EACCES;
}

int command_check(const char *name)
{
	const char *path = getenv("PATH"), *end;
	int err = -ENOENT, found;
	char full[PATH_MAX];

	if (strchr(name, '/'))
		return program_check(name);
	for (path = path ? path : "/bin:/usr/bin"; err && *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		found = snprintf(full, sizeof(full), "%.*s/%s", (int)(end - path), end > path ? path : ".", name);
		if (found < 0 || (size_t)found >= sizeof(full))
			continue;
		found = program_check(full);
		if (found != -ENOENT && found != -ENOTDIR)
			err = found;
	}
	return err;
}

/* sudo says root's home to what it starts; a program of the user would look for its settings there. */
static int environment_set(const struct invoker *who)
{
	if (!who->other || !who->name[0])
		return 0;
	if (setenv("HOME", who->home, 1) || setenv("USER", who->name, 1) || setenv("LOGNAME", who->name, 1))
		return -errno;
	return 0;
}

static void child(char *const argv[], const struct invoker *who, int out, int report)
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	err = out >= 0 && dup2(out, STDOUT_FILENO) < 0 ? -errno : environment_set(who);
	if (!err) {
		execvp(argv[0], argv);
		err = -errno;
	}
	if (write(report, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(127);
}

int command_start(char *const argv[], const struct invoker *who, int out, pid_t *pid)
{
	int ends[2], err = 0;
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	*pid = fork();
	if (*pid < 0) {
		err = -errno;
		close(ends[0]);
		close(ends[1]);
		return err;
	}
	if (!*pid)
		child(argv, who, out, ends[1]);
	close(ends[1]);
	do
		n = read(ends[0], &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	close(ends[0]);
	if (n != sizeof(err))
		return 0;
	waitpid(*pid, NULL, 0);
	return err;
}

bool command_ended(pid_t pid, int *status)
{
	int raw;

	if (waitpid(pid, &raw, WNOHANG) != pid)
		return false;
	*status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
	return true;
}

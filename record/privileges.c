// SPDX-License-Identifier: GPL-2.0
/*
 * privileges.c - from root to the user who called us.
 *
 * Seen on 6.1, 6.12 and 6.18 with unprivileged_bpf_disabled=2, without any capability: reading and writing maps through
 * their descriptors, mapping them, asking for a program's counters, and closing links all work; loading does not.  So
 * nothing is kept.  Before 5.19 every bpf() call needed CAP_BPF; that is found out by trying.
 *
 * The bounding set stays as it is: the command may be a set-user-id program, and root's own command is root's.
 */
#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privileges.h"

static void invoker_set(struct invoker *who, const struct passwd *pw)
{
	who->uid = pw->pw_uid;
	who->gid = pw->pw_gid;
	snprintf(who->name, sizeof(who->name), "%s", pw->pw_name);
	snprintf(who->home, sizeof(who->home), "%s", pw->pw_dir);
}

/* A number as sudo leaves it in the environment; false when it is none. */
static bool id_read(const char *variable, unsigned int *id)
{
	const char *text = getenv(variable);
	unsigned long value;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value >= (unsigned int)-1)
		return false;
	*id = value;
	return true;
}

/* Somebody of that number without a name, as in a container, is no less to be changed to. */
static void invoker_sudo(struct invoker *who)
{
	unsigned int uid, gid;
	struct passwd *pw;

	if (!id_read("SUDO_UID", &uid))
		return;
	pw = getpwuid(uid);
	if (pw) {
		invoker_set(who, pw);
	} else if (id_read("SUDO_GID", &gid)) {
		who->uid = uid;
		who->gid = gid;
	}
}

int invoker_find(struct invoker *who, const char *user, char *error, size_t size)
{
	struct passwd *pw;

	memset(who, 0, sizeof(*who));
	who->uid = getuid();
	who->gid = getgid();
	if (user) {
		pw = getpwnam(user);
		if (!pw) {
			snprintf(error, size, "-Z %s: there is no such user", user);
			return -1;
		}
		invoker_set(who, pw);
	} else if (!who->uid) {
		invoker_sudo(who);
	}
	who->other = who->uid != getuid() || who->uid != geteuid();
	if (who->other && geteuid()) {
		snprintf(error, size, "-Z %s: only root may become another user", user);
		return -1;
	}
	return 0;
}

static int change(const struct invoker *who)
{
	capng_flags_t groups = who->name[0] ? CAPNG_INIT_SUPP_GRP : CAPNG_DROP_SUPP_GRP;

	return who->other ? capng_change_id(who->uid, who->gid, groups) : capng_apply(CAPNG_SELECT_CAPS);
}

int privileges_drop(const struct invoker *who, bool (*works)(void *data), void *data, char *error, size_t size)
{
	bool may;
	int err;

	capng_get_caps_process();
	may = capng_have_capability(CAPNG_PERMITTED, CAP_BPF);
	capng_clear(CAPNG_SELECT_CAPS);
	if (may)
		capng_update(CAPNG_ADD, CAPNG_PERMITTED, CAP_BPF);
	err = change(who);
	if (err) {
		snprintf(error, size, "cannot become user %s (uid %u) after attaching: %s; name another one with -Z USER",
			 who->name, who->uid, errno ? strerror(errno) : "refused");
		return -1;
	}
	if (!may)
		return 0;
	if (works(data))
		capng_update(CAPNG_DROP, CAPNG_PERMITTED, CAP_BPF);
	else
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_BPF);
	if (capng_apply(CAPNG_SELECT_CAPS)) {
		snprintf(error, size, "cannot give up capabilities: %s", strerror(errno));
		return -1;
	}
	return 0;
}

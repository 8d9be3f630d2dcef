// SPDX-License-Identifier: GPL-2.0
/*
 * place.c - from the name, process or path of a network namespace to its inode number, and from an interface's name to
 * its number there.
 *
 * The kernel's programs compare inode numbers.  One is given out again once its namespace is gone, so the namespace is
 * kept by an open descriptor as long as we record.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"

#define OWN "/proc/self/ns/net"

static int netns_open(const char *text)
{
	char path[PATH_MAX];
	int fd;

	if (strchr(text, '/'))
		return open(text, O_RDONLY | O_CLOEXEC);
	/* names before processes, as ip-netns(8) has it: a name may be a number */
	snprintf(path, sizeof(path), "/run/netns/%s", text);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || text[strspn(text, "0123456789")] || errno != ENOENT)
		return fd;
	snprintf(path, sizeof(path), "/proc/%s/ns/net", text);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int netns_find(struct options *o, char *error, size_t size)
{
	struct stat st;

	o->netns_fd = netns_open(o->netns_name);
	if (o->netns_fd < 0) {
		if (errno == ENOENT)
			snprintf(error, size, "--netns %s: there is no such network namespace; see ip netns list, or lsns -t net",
				 o->netns_name);
		else
			snprintf(error, size, "--netns %s: %s; run as root", o->netns_name, strerror(errno));
		return -1;
	}
	if (ioctl(o->netns_fd, NS_GET_NSTYPE) != CLONE_NEWNET || fstat(o->netns_fd, &st)) {
		snprintf(error, size, "--netns %s: is no network namespace", o->netns_name);
		return -1;
	}
	o->netns = st.st_ino;
	return 0;
}

/* The number of an interface in that namespace, which only somebody inside can ask for; 0 = none, or -errno. */
static int ifindex_in(int netns_fd, const char *name)
{
	int home, found, err = 0;

	if (netns_fd < 0)
		return if_nametoindex(name);
	home = open(OWN, O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	if (setns(netns_fd, CLONE_NEWNET)) {
		err = -errno;
		close(home);
		return err;
	}
	found = if_nametoindex(name);
	if (setns(home, CLONE_NEWNET))
		err = -errno;
	close(home);
	return err ? err : found;
}

static int interface_find(struct options *o, char *error, size_t size)
{
	struct stat st;
	int found = ifindex_in(o->netns_fd, o->interface);

	if (found <= 0) {
		if (found)
			snprintf(error, size, "-i %s: cannot look into --netns %s: %s; run as root", o->interface, o->netns_name,
				 strerror(-found));
		else
			snprintf(error, size, "-i %s: there is no such interface in %s%s; see ip link, or record all with -i any",
				 o->interface, o->netns_name ? "--netns " : "this network namespace",
				 o->netns_name ? o->netns_name : "");
		return -1;
	}
	o->ifindex = found;
	if (o->netns_fd >= 0)
		return 0;
	if (stat(OWN, &st)) {
		snprintf(error, size, "%s: %s", OWN, strerror(errno));
		return -1;
	}
	o->netns = st.st_ino;
	return 0;
}

int place_find(struct options *o, char *error, size_t size)
{
	if (o->interface && !strcmp(o->interface, "any"))
		o->interface = NULL;
	if (o->netns_name && netns_find(o, error, size))
		return -1;
	return o->interface ? interface_find(o, error, size) : 0;
}

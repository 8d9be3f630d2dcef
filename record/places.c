// SPDX-License-Identifier: GPL-2.0
/*
 * places.c - every network namespace that can be found: those of processes and of /run/netns.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "places.h"

#define NETNS_DIR "/run/netns"

/* The first path to a namespace wins, the first name too: init and named ones are looked at first. */
static int place_add(struct places *p, const char *path, const char *name, bool known)
{
	struct place *grown;
	struct stat st;
	size_t i;

	if (stat(path, &st))
		return 0;	/* the process is gone */
	for (i = 0; i < p->n; i++)
		if (p->v[i].inode == st.st_ino)
			return 0;
	grown = realloc(p->v, (p->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	p->v = grown;
	p->v[p->n].inode = st.st_ino;
	p->v[p->n].known = known;
	snprintf(p->v[p->n].name, sizeof(p->v->name), "%s", name);
	snprintf(p->v[p->n].path, sizeof(p->v->path), "%s", path);
	p->n++;
	return 0;
}

static int places_under(struct places *p, const char *dir_path, const char *tail, bool named)
{
	DIR *dir = opendir(dir_path);
	struct dirent *entry;
	char path[600];
	int err = 0;

	if (!dir)
		return 0;
	while (!err && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || (!named && !isdigit((unsigned char)entry->d_name[0])))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir_path, entry->d_name, tail);
		err = place_add(p, path, named ? entry->d_name : "", named);
	}
	closedir(dir);
	return err;
}

int places_find(struct places *p)
{
	char own[64];
	int err;

	/* not /proc/self: who looks goes into other namespaces, and its parent stays where the recorder was started */
	snprintf(own, sizeof(own), "/proc/%d/ns/net", getppid());
	*p = (struct places){};
	err = place_add(p, "/proc/1/ns/net", "init", true);
	err = err ? err : places_under(p, NETNS_DIR, "", true);
	err = err ? err : place_add(p, own, "", true);
	err = err ? err : places_under(p, "/proc", "/ns/net", false);
	if (err)
		places_free(p);
	return err;
}

/* A process may have gone and its number been given out again since: it must still be the namespace that was found. */
int place_open(const struct place *p)
{
	int fd = open(p->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && st.st_ino == p->inode)
		return fd;
	close(fd);
	return -ESTALE;
}

int place_enter(const struct place *p)
{
	int fd = place_open(p), err;

	if (fd < 0)
		return fd;
	err = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	return err;
}

void places_free(struct places *p)
{
	free(p->v);
	*p = (struct places){};
}

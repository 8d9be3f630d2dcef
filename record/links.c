// SPDX-License-Identifier: GPL-2.0
/*
 * links.c - every interface of every network namespace that can be found: those of processes and of /run/netns.
 *
 * The recorder enters each namespace for one netlink dump.  The thread that does so comes back; others stay at home.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot.h"

#define NETNS_DIR "/run/netns"

struct place {
	ino_t inode;
	char name[256];		/* "" = unnamed */
	char path[300];
};

struct places {
	struct place *v;
	size_t n;
};

struct dump {
	struct trc_writer *writer;
	uint32_t netns;
	int err;
};

/* The first path to a namespace wins, the first name too: init and named ones are looked at first. */
static int place_add(struct places *p, const char *path, const char *name)
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
		err = place_add(p, path, named ? entry->d_name : "");
	}
	closedir(dir);
	return err;
}

static int attribute(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	int type = mnl_attr_get_type(attr);

	if (type <= IFLA_MAX)
		tb[type] = attr;
	return MNL_CB_OK;
}

static int kind_attribute(const struct nlattr *attr, void *data)
{
	const char **kind = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		*kind = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

static void address_text(const struct nlattr *attr, char *buf, size_t size)
{
	const unsigned char *bytes = mnl_attr_get_payload(attr);
	size_t n = mnl_attr_get_payload_len(attr), used = 0, i;

	for (i = 0; i < n && used + 4 < size; i++)
		used += snprintf(buf + used, size - used, "%s%02x", i ? ":" : "", bytes[i]);
}

/*
 * A veth names its peer's ifindex, and the peer's namespace by a number that only this namespace knows.  Only a peer
 * in the same namespace is certain here; for others both ends are in the file, each with the other's ifindex.
 */
static int link_message(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFLA_MAX + 1] = {};
	struct dump *d = data;
	struct trc_record rec = { .kind = TRC_LINK };
	struct trc_link *l = &rec.link;
	char address[128] = "";
	const char *kind = "";

	mnl_attr_parse(nlh, sizeof(*info), attribute, tb);
	if (tb[IFLA_LINKINFO])
		mnl_attr_parse_nested(tb[IFLA_LINKINFO], kind_attribute, &kind);
	if (tb[IFLA_ADDRESS])
		address_text(tb[IFLA_ADDRESS], address, sizeof(address));
	l->netns = d->netns;
	l->ifindex = info->ifi_index;
	l->name = tb[IFLA_IFNAME] ? mnl_attr_get_str(tb[IFLA_IFNAME]) : "";
	l->kind = kind;
	l->address = address;
	l->mtu = tb[IFLA_MTU] ? mnl_attr_get_u32(tb[IFLA_MTU]) : 0;
	l->flags = info->ifi_flags;
	if (tb[IFLA_LINK] && !strcmp(kind, "veth")) {
		l->peer_ifindex = mnl_attr_get_u32(tb[IFLA_LINK]);
		l->peer_netns = tb[IFLA_LINK_NETNSID] ? 0 : d->netns;
	}
	d->err = trc_write(d->writer, &rec);
	return d->err ? MNL_CB_ERROR : MNL_CB_OK;
}

static int links_dump(struct dump *d)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info;
	ssize_t n;
	int more = MNL_CB_OK;

	if (!nl)
		return 0;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	if (!mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) && mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0) {
		while (more == MNL_CB_OK && (n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) > 0)
			more = mnl_cb_run(buf, n, 1, mnl_socket_get_portid(nl), link_message, d);
	}
	mnl_socket_close(nl);
	return d->err;
}

static int place_dump(struct trc_writer *w, const struct place *p)
{
	struct trc_record rec = { .kind = TRC_NETNS, .netns = { .netns = p->inode, .name = p->name } };
	struct dump d = { .writer = w, .netns = p->inode };
	int fd, err;

	err = trc_write(w, &rec);
	if (err)
		return err;
	fd = open(p->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	err = setns(fd, CLONE_NEWNET) ? 0 : links_dump(&d);
	close(fd);
	return err;
}

int snapshot_links(struct trc_writer *w)
{
	struct places p = {};
	int home, err;
	size_t i;

	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	err = place_add(&p, "/proc/1/ns/net", "init");
	err = err ? err : places_under(&p, NETNS_DIR, "", true);
	err = err ? err : place_add(&p, "/proc/self/ns/net", "");
	err = err ? err : places_under(&p, "/proc", "/ns/net", false);
	for (i = 0; i < p.n && !err; i++)
		err = place_dump(w, &p.v[i]);
	/* who may not come back could not go away */
	if (setns(home, CLONE_NEWNET) && !err && errno != EPERM)
		err = -errno;
	close(home);
	free(p.v);
	return err;
}

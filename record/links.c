// SPDX-License-Identifier: GPL-2.0
/*
 * links.c - every interface of every network namespace: one netlink dump in each, of which pairs of veth know each other.
 *
 * Whoever calls this goes into each namespace and stays in the last.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "snapshot.h"

struct dump {
	struct trc_writer *writer;
	const struct places *places;
	uint32_t netns;		/* the one we are in */
	int32_t *ids;		/* what it calls the first `asked` places: -1 = nothing */
	size_t asked;
	int err;
};

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

static int id_attribute(const struct nlattr *attr, void *data)
{
	int32_t *id = data;

	if (mnl_attr_get_type(attr) == NETNSA_NSID)
		*id = (int32_t)mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int id_message(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct rtgenmsg), id_attribute, data);
}

/* What the namespace we are in calls another one; a question alone gives it no name that it did not have. */
static int32_t id_ask(const struct place *p)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int fd = place_open(p);
	int32_t id = -1;
	ssize_t n;

	if (nl && fd >= 0 && !mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID)) {
		nlh->nlmsg_type = RTM_GETNSID;
		nlh->nlmsg_flags = NLM_F_REQUEST;
		nlh->nlmsg_seq = 1;
		mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtgenmsg));
		mnl_attr_put_u32(nlh, NETNSA_FD, fd);
		if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0 && (n = mnl_socket_recvfrom(nl, buf, sizeof(buf))) > 0)
			mnl_cb_run(buf, n, 1, mnl_socket_get_portid(nl), id_message, &id);
	}
	if (fd >= 0)
		close(fd);
	if (nl)
		mnl_socket_close(nl);
	return id;
}

/*
 * A veth names its peer's namespace by a number that only its own namespace knows.  The places are asked for theirs one
 * after the other, until it is found: that is soon, most peers are in init's.  0 = in none that we know.
 */
static uint32_t peer_netns(struct dump *d, int32_t id)
{
	size_t i;

	if (id < 0)
		return 0;
	if (!d->ids)
		d->ids = calloc(d->places->n, sizeof(*d->ids));
	for (i = 0; d->ids && i < d->places->n; i++) {
		if (i == d->asked)
			d->ids[d->asked++] = id_ask(&d->places->v[i]);
		if (d->ids[i] == id)
			return d->places->v[i].inode;
	}
	return 0;
}

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
		l->peer_netns = d->netns;
		if (tb[IFLA_LINK_NETNSID])
			l->peer_netns = peer_netns(d, (int32_t)mnl_attr_get_u32(tb[IFLA_LINK_NETNSID]));
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

static int place_dump(struct trc_writer *w, const struct places *places, const struct place *p)
{
	struct trc_record rec = { .kind = TRC_NETNS, .netns = { .netns = p->inode, .name = p->name } };
	struct dump d = { .writer = w, .places = places, .netns = p->inode };
	int err;

	err = trc_write(w, &rec);
	if (err || place_enter(p))
		return err;	/* a namespace that is gone, or closed to us, at least has its name */
	err = links_dump(&d);
	free(d.ids);
	return err;
}

int snapshot_links(struct trc_writer *w, const struct places *p)
{
	size_t i;
	int err = 0;

	for (i = 0; i < p->n && !err; i++)
		err = place_dump(w, p, &p->v[i]);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * system_netlink.c - interfaces, addresses, routes, rules and neighbours where there is no ip(8), and what bridges know: one dump each.
 *
 * Which attributes are told, and under which of ip's names, is the table.  Numbers stay numbers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "system_look.h"

enum form { NUMBER, TEXT, ADDRESS, LINK_ADDRESS, DEVICE, NUMBER64 };

struct attribute {
	uint16_t type;
	enum form form;
	const char *key;
};

/* a number of the message's own header */
struct head {
	const char *key;
	uint8_t offset, size;
	enum form form;		/* NUMBER or DEVICE */
};

struct dump {
	const char *name;
	uint16_t request;
	uint8_t family;
	uint8_t header;		/* bytes */
	struct head heads[8];
	struct attribute attributes[12];
};

#define HEAD(key, type, field) { key, offsetof(struct type, field), sizeof(((struct type *)0)->field), NUMBER }
#define HEAD_DEVICE(key, type, field) { key, offsetof(struct type, field), sizeof(((struct type *)0)->field), DEVICE }

#define ROUTE_HEADS { HEAD("dst_len", rtmsg, rtm_dst_len), HEAD("tos", rtmsg, rtm_tos), HEAD("protocol", rtmsg, rtm_protocol), \
	HEAD("scope", rtmsg, rtm_scope), HEAD("type", rtmsg, rtm_type), HEAD("flags", rtmsg, rtm_flags) }
#define ROUTE_ATTRIBUTES { { RTA_DST, ADDRESS, "dst" }, { RTA_GATEWAY, ADDRESS, "gateway" }, { RTA_OIF, DEVICE, "dev" }, \
	{ RTA_TABLE, NUMBER, "table" }, { RTA_PRIORITY, NUMBER, "metric" }, { RTA_PREFSRC, ADDRESS, "prefsrc" }, \
	{ RTA_SRC, ADDRESS, "from" }, { RTA_NH_ID, NUMBER, "nhid" } }
#define RULE_HEADS { HEAD("dstlen", fib_rule_hdr, dst_len), HEAD("srclen", fib_rule_hdr, src_len), HEAD("tos", fib_rule_hdr, tos), \
	HEAD("action", fib_rule_hdr, action), HEAD("flags", fib_rule_hdr, flags) }
#define RULE_ATTRIBUTES { { FRA_PRIORITY, NUMBER, "priority" }, { FRA_SRC, ADDRESS, "src" }, { FRA_DST, ADDRESS, "dst" }, \
	{ FRA_TABLE, NUMBER, "table" }, { FRA_FWMARK, NUMBER, "fwmark" }, { FRA_FWMASK, NUMBER, "fwmask" }, \
	{ FRA_IIFNAME, TEXT, "iif" }, { FRA_OIFNAME, TEXT, "oif" }, { FRA_GOTO, NUMBER, "goto" } }

static const struct dump dumps[] = {
	{ "addresses", RTM_GETLINK, AF_UNSPEC, sizeof(struct ifinfomsg),
	  { HEAD("ifindex", ifinfomsg, ifi_index), HEAD("flags", ifinfomsg, ifi_flags) },
	  { { IFLA_IFNAME, TEXT, "ifname" }, { IFLA_MTU, NUMBER, "mtu" }, { IFLA_QDISC, TEXT, "qdisc" },
	    { IFLA_ADDRESS, LINK_ADDRESS, "address" }, { IFLA_MASTER, DEVICE, "master" }, { IFLA_LINK, NUMBER, "link_index" },
	    { IFLA_LINK_NETNSID, NUMBER, "link_netnsid" }, { IFLA_TXQLEN, NUMBER, "txqlen" } } },
	/* the second part of "addresses" */
	{ "addresses", RTM_GETADDR, AF_UNSPEC, sizeof(struct ifaddrmsg),
	  { HEAD_DEVICE("dev", ifaddrmsg, ifa_index), HEAD("prefixlen", ifaddrmsg, ifa_prefixlen), HEAD("scope", ifaddrmsg, ifa_scope) },
	  { { IFA_LOCAL, ADDRESS, "local" }, { IFA_ADDRESS, ADDRESS, "address" }, { IFA_LABEL, TEXT, "label" },
	    { IFA_FLAGS, NUMBER, "flags" } } },
	{ "routes", RTM_GETROUTE, AF_INET, sizeof(struct rtmsg), ROUTE_HEADS, ROUTE_ATTRIBUTES },
	{ "routes6", RTM_GETROUTE, AF_INET6, sizeof(struct rtmsg), ROUTE_HEADS, ROUTE_ATTRIBUTES },
	{ "rules", RTM_GETRULE, AF_INET, sizeof(struct fib_rule_hdr), RULE_HEADS, RULE_ATTRIBUTES },
	{ "rules6", RTM_GETRULE, AF_INET6, sizeof(struct fib_rule_hdr), RULE_HEADS, RULE_ATTRIBUTES },
	{ "neighbours", RTM_GETNEIGH, AF_UNSPEC, sizeof(struct ndmsg),
	  { HEAD_DEVICE("dev", ndmsg, ndm_ifindex), HEAD("state", ndmsg, ndm_state), HEAD("flags", ndmsg, ndm_flags) },
	  { { NDA_DST, ADDRESS, "dst" }, { NDA_LLADDR, LINK_ADDRESS, "lladdr" } } },
	{ "fdb", RTM_GETNEIGH, AF_BRIDGE, sizeof(struct ndmsg),
	  { HEAD_DEVICE("dev", ndmsg, ndm_ifindex), HEAD("state", ndmsg, ndm_state), HEAD("flags", ndmsg, ndm_flags) },
	  { { NDA_LLADDR, LINK_ADDRESS, "lladdr" }, { NDA_DST, ADDRESS, "dst" }, { NDA_VLAN, NUMBER, "vlan" }, { NDA_MASTER, DEVICE, "master" } } },
};

#define ATTRIBUTES_MAX (sizeof(dumps->attributes) / sizeof(*dumps->attributes))
#define HEADS_MAX (sizeof(dumps->heads) / sizeof(*dumps->heads))

struct answer {
	const struct dump *dump;
	struct text *out;
	bool first;
	int err;
};

/* --- one message ---------------------------------------------------------------------------------------------------- */

static int key_put(struct answer *a, const char *key, bool *first)
{
	int err = text_print(a->out, "%s\"%s\":", *first ? "" : ",", key);

	*first = false;
	return err;
}

static int device_put(struct answer *a, uint32_t ifindex)
{
	char name[IF_NAMESIZE];

	return if_indextoname(ifindex, name) ? text_json(a->out, name) : text_print(a->out, "%u", ifindex);
}

static int bytes_put(struct answer *a, const unsigned char *bytes, size_t n)
{
	char text[3 * 32 + 1] = "";
	size_t i;

	for (i = 0; i < n && i < 32; i++)
		snprintf(text + strlen(text), 4, "%s%02x", i ? ":" : "", bytes[i]);
	return text_json(a->out, text);
}

static int value_put(struct answer *a, const struct nlattr *attr, enum form form)
{
	const void *payload = mnl_attr_get_payload(attr);
	size_t n = mnl_attr_get_payload_len(attr);
	char text[INET6_ADDRSTRLEN];

	if (form == TEXT && n && strnlen(payload, n) < n)
		return text_json(a->out, payload);
	if (form == ADDRESS && (n == 4 || n == 16))
		return text_json(a->out, inet_ntop(n == 4 ? AF_INET : AF_INET6, payload, text, sizeof(text)));
	if (form == DEVICE && n == 4)
		return device_put(a, mnl_attr_get_u32(attr));
	if (form == NUMBER && (n == 4 || n == 2))
		return text_print(a->out, "%u", n == 4 ? mnl_attr_get_u32(attr) : mnl_attr_get_u16(attr));
	return bytes_put(a, payload, n);
}

static int heads_put(struct answer *a, const uint8_t *header, bool *first)
{
	const struct head *h;
	int err = 0;

	for (h = a->dump->heads; h < a->dump->heads + HEADS_MAX && h->key && !err; h++) {
		uint32_t number = 0;

		memcpy(&number, header + h->offset, h->size);	/* of little-endian machines, where BPF is built for */
		err = key_put(a, h->key, first);
		if (!err)
			err = h->form == DEVICE ? device_put(a, number) : text_print(a->out, "%u", number);
	}
	return err;
}

static int message(const struct nlmsghdr *nlh, void *data)
{
	struct answer *a = data;
	const struct attribute *known;
	const struct nlattr *attr;
	bool first = true;

	if (mnl_nlmsg_get_payload_len(nlh) < a->dump->header)
		return MNL_CB_OK;
	a->err = text_add(a->out, a->first ? "{" : ",\n{", a->first ? 1 : 3);
	a->first = false;
	a->err = a->err ? a->err : heads_put(a, mnl_nlmsg_get_payload(nlh), &first);
	mnl_attr_for_each(attr, nlh, a->dump->header) {
		known = a->dump->attributes;
		while (known < a->dump->attributes + ATTRIBUTES_MAX && known->key && known->type != mnl_attr_get_type(attr))
			known++;
		if (a->err || known == a->dump->attributes + ATTRIBUTES_MAX || !known->key)
			continue;
		a->err = key_put(a, known->key, &first);
		a->err = a->err ? a->err : value_put(a, attr, known->form);
	}
	a->err = a->err ? a->err : text_add(a->out, "}", 1);
	return a->err || a->out->cut ? MNL_CB_ERROR : MNL_CB_OK;
}

/* --- one dump --------------------------------------------------------------------------------------------------------- */

static int dump_run(struct answer *a)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int more = MNL_CB_OK, err = 0;
	uint8_t *header;
	ssize_t n;

	if (!nl)
		return -errno;
	nlh->nlmsg_type = a->dump->request;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	header = mnl_nlmsg_put_extra_header(nlh, a->dump->header);
	*header = a->dump->family;	/* each of these headers begins with it */
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) || mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		err = -errno;
	while (!err && more == MNL_CB_OK) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		more = n > 0 ? mnl_cb_run(buf, n, 1, mnl_socket_get_portid(nl), message, a) : MNL_CB_ERROR;
		if (more == MNL_CB_ERROR && !a->out->cut)
			err = a->err ? a->err : errno ? -errno : -EIO;
	}
	mnl_socket_close(nl);
	return err;
}

int system_netlink(struct text *out, const char *name)
{
	struct answer a = { .out = out, .first = true };
	int err = -EINVAL;
	size_t i;

	for (i = 0; i < sizeof(dumps) / sizeof(*dumps); i++) {
		if (strcmp(dumps[i].name, name))
			continue;
		a.dump = &dumps[i];
		err = a.first && !out->size ? text_add(out, "[", 1) : 0;
		err = err ? err : dump_run(&a);
		if (err) {
			out->size = 0;	/* a part of it would look like the whole */
			return err;
		}
	}
	return err ? err : text_add(out, "]\n", 2);
}

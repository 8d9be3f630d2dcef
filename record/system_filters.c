// SPDX-License-Identifier: GPL-2.0
/*
 * system_filters.c - filters of traffic control: where there can be some is asked from the kernel, what they are from tc.
 *
 * A filter hangs on a queueing discipline, and tc shows those of one at a time.  So all is asked of one tc, by a batch:
 * the text's first line says the places, as JSON, and line N after it is the list of what hangs on place N.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "system_look.h"

#define PLACES_MAX 256
#define COMMAND "filter show dev %s "

struct places {
	struct text *out, batch;
	size_t n;
	int err;
};

/* Disciplines that filters can hang on; one that the kernel made by itself has no number, and nobody hung any there. */
static bool takes_filters(const char *kind, uint32_t handle)
{
	static const char *const kinds[] = { "htb", "prio", "hfsc", "drr", "qfq", "ets", "multiq", "cbq", "dsmark", "atm", "sfq", "sfb", "choke",
					     "fq_codel", "cake" };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (handle && !strcmp(kind, kinds[i]))
			return true;
	return false;
}

/* tc takes a batch apart as a shell does: a device may be called what is no word then */
static bool is_word(const char *name)
{
	return *name && !name[strcspn(name, "\"'#\\ \t")];
}

static void place_add(struct places *p, const char *device, const char *parent)
{
	if (p->err || p->n == PLACES_MAX)
		return;
	p->err = text_print(p->out, "%s{\"dev\":", p->n++ ? "," : "[");
	p->err = p->err ? p->err : text_json(p->out, device);
	p->err = p->err ? p->err : text_print(p->out, ",\"parent\":\"%s\"}", parent);
	p->err = p->err ? p->err : text_print(&p->batch, COMMAND "%s%s\n", device, strchr(parent, ':') ? "parent " : "", parent);
}

static int discipline(const struct nlmsghdr *nlh, void *data)
{
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	const char *kind = "";
	struct places *p = data;
	char device[IF_NAMESIZE], handle[16];
	const struct nlattr *attr;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*tcm) || !if_indextoname(tcm->tcm_ifindex, device) || !is_word(device))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*tcm))
		if (mnl_attr_get_type(attr) == TCA_KIND && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			kind = mnl_attr_get_str(attr);
	if (!strcmp(kind, "clsact") || !strcmp(kind, "ingress"))
		place_add(p, device, "ingress");
	if (!strcmp(kind, "clsact"))
		place_add(p, device, "egress");
	snprintf(handle, sizeof(handle), "%x:", tcm->tcm_handle >> 16);
	if (takes_filters(kind, tcm->tcm_handle))
		place_add(p, device, handle);
	return MNL_CB_OK;
}

static int places_ask(struct places *p)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int more = MNL_CB_OK, err = 0;
	ssize_t n;

	if (!nl)
		return -errno;
	nlh->nlmsg_type = RTM_GETQDISC;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct tcmsg));
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) || mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		err = -errno;
	while (!err && more == MNL_CB_OK) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		more = n > 0 ? mnl_cb_run(buf, n, 1, mnl_socket_get_portid(nl), discipline, p) : MNL_CB_ERROR;
		if (more == MNL_CB_ERROR)
			err = errno ? -errno : -EIO;
	}
	mnl_socket_close(nl);
	return err ? err : p->err;
}

static int batch_file(const struct text *batch)
{
	int fd = memfd_create("pktrec-filters", MFD_CLOEXEC);

	if (fd >= 0 && write(fd, batch->data, batch->size) == (ssize_t)batch->size && !lseek(fd, 0, SEEK_SET))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int system_filters(struct tool *t, const char *command, uint64_t deadline_ns)
{
	struct places p = { .out = t->text, .batch.limit = PLACES_MAX * 64 };
	int input = -1, err = places_ask(&p);

	if (!err && !p.n)
		err = text_print(t->text, "[]\n");
	else if (!err)
		err = text_print(t->text, "]\n");
	if (!err && p.n)
		input = batch_file(&p.batch);
	if (!err && p.n)
		err = input < 0 ? -errno : tool_start_with(t, command, input, deadline_ns);
	if (input >= 0)
		close(input);
	if (err)
		t->text->size = 0;
	text_free(&p.batch);
	return err;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * words.c - the words that all renderers share: a packet's tuple, hooks, verdicts, fates.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "model.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *protocol_name(uint8_t proto)
{
	static const struct { uint8_t proto; const char *name; } names[] = {
		{ 1, "ICMP" }, { 2, "IGMP" }, { 4, "IPIP" }, { 6, "TCP" }, { 17, "UDP" }, { 33, "DCCP" }, { 41, "SIT" },
		{ 46, "RSVP" }, { 47, "GRE" }, { 50, "ESP" }, { 51, "AH" }, { 58, "ICMPv6" }, { 89, "OSPF" },
		{ 103, "PIM" }, { 112, "VRRP" }, { 132, "SCTP" }, { 136, "UDP-Lite" },
	};
	size_t i;

	for (i = 0; i < COUNT(names); i++)
		if (names[i].proto == proto)
			return names[i].name;
	return NULL;
}

const char *tuple_protocol(const struct tuple *t)
{
	if (t->have & TRC_HAVE_ARP)
		return "ARP";
	return t->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6) ? protocol_name(t->l4proto) ?: "" : "";
}

static const char *icmp_name(uint8_t type)
{
	switch (type) {
	case 0: return "echo reply";
	case 3: return "unreachable";
	case 5: return "redirect";
	case 8: return "echo request";
	case 11: return "time exceeded";
	case 12: return "parameter problem";
	}
	return NULL;
}

static const char *icmp6_name(uint8_t type)
{
	switch (type) {
	case 1: return "unreachable";
	case 2: return "packet too big";
	case 3: return "time exceeded";
	case 4: return "parameter problem";
	case 128: return "echo request";
	case 129: return "echo reply";
	case 130: return "MLD query";
	case 131: return "MLD report";
	case 132: return "MLD done";
	case 133: return "router solicitation";
	case 134: return "router advertisement";
	case 135: return "neighbour solicitation";
	case 136: return "neighbour advertisement";
	case 137: return "redirect";
	case 143: return "MLDv2 report";
	}
	return NULL;
}

static void kind_text(const struct tuple *t, char *buf, size_t size)
{
	const char *proto = protocol_name(t->l4proto), *icmp = NULL;
	uint8_t type = t->sport >> 8;

	if (t->l4proto == 1)
		icmp = icmp_name(type);
	else if (t->l4proto == 58)
		icmp = icmp6_name(type);
	if (t->have & TRC_HAVE_L4 && icmp)
		snprintf(buf, size, "%s %s", proto, icmp);
	else if (t->have & TRC_HAVE_L4 && (t->l4proto == 1 || t->l4proto == 58))
		snprintf(buf, size, "%s type %u", proto, type);
	else if (proto)
		snprintf(buf, size, "%s", proto);
	else
		snprintf(buf, size, "%s protocol %u", t->have & TRC_HAVE_IP4 ? "IPv4" : "IPv6", t->l4proto);
}

static bool has_ports(const struct tuple *t)
{
	return t->have & TRC_HAVE_L4 && t->l4proto != 1 && t->l4proto != 58;
}

/* An IPv6 address with a port needs brackets. */
static void end_text(const struct tuple *t, const uint8_t *address, uint16_t port, char *buf, size_t size)
{
	char ip[INET6_ADDRSTRLEN] = "?";
	bool six = t->have & TRC_HAVE_IP6;

	inet_ntop(six ? AF_INET6 : AF_INET, address, ip, sizeof(ip));
	if (has_ports(t))
		snprintf(buf, size, six ? "[%s]:%u" : "%s:%u", ip, port);
	else
		snprintf(buf, size, "%s", ip);
}

static const char *arp_text(const struct tuple *t, char *buf, size_t size)
{
	char from[INET_ADDRSTRLEN] = "?", to[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, t->saddr, from, sizeof(from));
	inet_ntop(AF_INET, t->daddr, to, sizeof(to));
	if (t->sport == 1)
		snprintf(buf, size, "ARP who has %s, asks %s", to, from);
	else if (t->sport == 2)
		snprintf(buf, size, "ARP reply %s > %s", from, to);
	else
		snprintf(buf, size, "ARP operation %u %s > %s", t->sport, from, to);
	return buf;
}

const char *tuple_text(const struct tuple *t, char *buf, size_t size)
{
	char kind[48], from[64], to[64];

	if (t->have & TRC_HAVE_ARP)
		return arp_text(t, buf, size);
	if (t->have & (TRC_HAVE_IP4 | TRC_HAVE_IP6)) {
		kind_text(t, kind, sizeof(kind));
		end_text(t, t->saddr, t->sport, from, sizeof(from));
		end_text(t, t->daddr, t->dport, to, sizeof(to));
		snprintf(buf, size, "%s %s > %s", kind, from, to);
	} else if (t->ethertype == 0x0800 || t->ethertype == 0x86dd) {
		snprintf(buf, size, "%s, no header seen", t->ethertype == 0x0800 ? "IPv4" : "IPv6");
	} else if (t->ethertype) {
		snprintf(buf, size, "ethertype 0x%04x", t->ethertype);
	} else {
		snprintf(buf, size, "no header seen");
	}
	return buf;
}

const char *hook_name(uint8_t family, uint8_t hook)
{
	static const char *const inet[] = { "PRE_ROUTING", "LOCAL_IN", "FORWARD", "LOCAL_OUT", "POST_ROUTING", "INGRESS" };
	static const char *const bridge[] = { "PRE_ROUTING", "LOCAL_IN", "FORWARD", "LOCAL_OUT", "POST_ROUTING", "BROUTING" };
	static const char *const arp[] = { "IN", "OUT", "FORWARD" };
	static const char *const netdev[] = { "INGRESS", "EGRESS" };

	switch (family) {
	case 3:
		return hook < COUNT(arp) ? arp[hook] : "unknown hook";
	case 5:
		return hook < COUNT(netdev) ? netdev[hook] : "unknown hook";
	case 7:
		return hook < COUNT(bridge) ? bridge[hook] : "unknown hook";
	}
	return hook < COUNT(inet) ? inet[hook] : "unknown hook";
}

const char *family_name(uint8_t family)
{
	switch (family) {
	case 1: return "inet";
	case 2: return "IPv4";
	case 3: return "ARP";
	case 5: return "netdev";
	case 7: return "bridge";
	case 10: return "IPv6";
	}
	return "unknown family";
}

/* nf_hook_slow(): 1 lets the packet go on; a negative errno was a drop; 0 is stolen, or queued to user space. */
const char *verdict_name(int32_t value)
{
	return value == 1 ? "ACCEPT" : value < 0 ? "DROP" : value == 0 ? "STOLEN" : "unknown verdict";
}

const char *fate_name(enum fate f)
{
	static const char *const names[] = {
		[FATE_IN_FLIGHT] = "in flight", [FATE_DELIVERED] = "delivered", [FATE_SENT] = "sent",
		[FATE_DROPPED] = "dropped", [FATE_CONSUMED] = "consumed", [FATE_MERGED] = "merged",
	};

	return (size_t)f < COUNT(names) ? names[f] : "unknown";
}

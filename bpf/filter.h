/* SPDX-License-Identifier: GPL-2.0 */
/*
 * filter.h - the places where the recorder puts the user's filter in, and the way to a packet inside a tunnel.
 *
 *     if (constants.filter && !filter_l3(l3, end - l3, len)) return 0;
 *     if (constants.tunnel && !filter_tunnel(l3, end - l3, len)) return 0;
 *
 * The stack frames of a chain of calls have 512 bytes together, in steps of 32.  Those that lead here leave room for a
 * filter, or for filter_tunnel() and a smaller one: FILTER_FRAME of record/filter_translate.h.
 *
 * Each stub is a function of its own whose body record/filter_splice.c finds by its mark and replaces when the
 * program is loaded.  A stub that was not replaced lets every packet pass.
 */
#ifndef PKT_FILTER_STUBS_H
#define PKT_FILTER_STUBS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "filter_mark.h"

/*
 * The assembler text needs all three arguments and nobody but it knows what comes out, so the compiler can neither
 * drop or move an argument nor guess the result.
 */
#define FILTER_STUB(name, mark)									\
	static __attribute__((noinline, unused)) int name(__u64 base, __u64 readable, __u64 length)	\
	{											\
		__u64 accept;									\
												\
		asm volatile("%0 = %1 ll"							\
			     : "=r"(accept) : "i"(mark), "r"(base), "r"(readable), "r"(length));	\
		return accept;									\
	}

/* base: address of the packet's first byte; readable: linear bytes from there; length: of the whole packet */
FILTER_STUB(filter_l2, FILTER_MARK_L2)
FILTER_STUB(filter_l3, FILTER_MARK_L3)
FILTER_STUB(filter_inner_l2, FILTER_MARK_INNER_L2)
FILTER_STUB(filter_inner_l3, FILTER_MARK_INNER_L3)

/* --- packets whose beginning is not in one piece ---------------------------------------------------------------- */

/*
 * The kernel keeps a packet's outer VLAN tag in the sk_buff, and expressions look for it in its place; some drivers leave
 * the headers in pages.  Of such a packet the beginning is copied, as it would lie on the wire.
 */
#define TAG_PLACE 12
#define TAG_BYTES 4
#define COPY_BYTES 512		/* what is seen of it */
#define COPY_LEVELS 5		/* programs that may interrupt each other: enum context */

struct beginning {
	__u64 address;		/* of bytes: as a number, which the verifier lets us calculate with */
	__u32 readable, tag;	/* bytes in the copy, and how many of them are the tag's */
	__u64 length;		/* of the whole packet, with the tag */
	__u8 bytes[COPY_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COPY_LEVELS);
	__type(key, __u32);
	__type(value, struct beginning);
} beginnings SEC(".maps");

/* tag: as it stands in a packet, its first byte lowest; 0 = there is none.  The copy's address, 0 = there is none. */
static __attribute__((noinline, unused)) __u64 beginning_copy(__u64 base, __u64 readable, __u64 length, __u32 tag, __u32 level)
{
	struct beginning *b = bpf_map_lookup_elem(&beginnings, &level);
	__u32 size = tag ? TAG_BYTES : 0;

	if (!b || readable <= TAG_PLACE)
		return 0;
	b->length = length + size;
	b->tag = size;
	readable -= TAG_PLACE;
	if (readable > COPY_BYTES - TAG_PLACE - TAG_BYTES)
		readable = COPY_BYTES - TAG_PLACE - TAG_BYTES;
	if (bpf_probe_read_kernel(b->bytes, TAG_PLACE, (void *)base))
		return 0;
	*(__u32 *)(b->bytes + TAG_PLACE) = tag;
	if (bpf_probe_read_kernel(b->bytes + TAG_PLACE + (tag ? TAG_BYTES : 0), readable, (void *)(base + TAG_PLACE)))
		return 0;
	b->readable = TAG_PLACE + size + readable;
	*(volatile __u64 *)&b->address = (__u64)b->bytes;
	return *(volatile __u64 *)&b->address;
}

/* --- tunnels ---------------------------------------------------------------------------------------------------- */

enum { PROTO_IPIP = 4, PROTO_UDP = 17, PROTO_IPV6 = 41, PROTO_GRE = 47 };
enum { PORT_VXLAN = 4789, PORT_VXLAN_LINUX = 8472, PORT_GENEVE = 6081 };
enum { TYPE_IP = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_ETHERNET = 0x6558 };
enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000, GRE_VERSION = 7 };

struct outer {
	__u64 base, readable;
	__u64 at;		/* offset of what comes next */
	__u32 proto;		/* and what it is */
	__u64 word;		/* the eight bytes read last, the first one highest: a register, the stack is short */
};

/* The next eight bytes of the packet. */
static __always_inline bool outer_read(struct outer *o)
{
	__u64 word;

	if (o->at + sizeof(word) > o->readable || bpf_probe_read_kernel(&word, sizeof(word), (void *)(o->base + o->at)))
		return false;
	o->word = bpf_be64_to_cpu(word);
	return true;
}

static __always_inline __u8 outer_byte(const struct outer *o, int i)
{
	return o->word >> (56 - 8 * i);
}

static __always_inline __u16 outer_be16(const struct outer *o, int i)
{
	return o->word >> (48 - 8 * i);
}

/* Extension headers: hop-by-hop 0, routing 43, fragment 44, destination options 60 (RFC 8200); at most four. */
static __always_inline bool outer_ip6(struct outer *o)
{
	int i;

	o->proto = outer_byte(o, 6);
	o->at = 40;
	for (i = 0; i < 4; i++) {
		if (o->proto != 0 && o->proto != 43 && o->proto != 44 && o->proto != 60)
			return true;
		if (!outer_read(o))
			return false;
		if (o->proto == 44 && outer_be16(o, 2) & 0xfff8)
			return false;
		o->at += o->proto == 44 ? 8 : 8 + outer_byte(o, 1) * 8;
		o->proto = outer_byte(o, 0);
	}
	return true;
}

/* Past the outer IP header.  Not of a later fragment: no tunnel header follows there. */
static __always_inline bool outer_ip(struct outer *o)
{
	__u64 header;

	if (!outer_read(o))
		return false;
	if (outer_byte(o, 0) >> 4 == 6)
		return outer_ip6(o);
	header = (outer_byte(o, 0) & 15) * 4;
	if (outer_byte(o, 0) >> 4 != 4 || header < 20 || outer_be16(o, 6) & 0x1fff)
		return false;
	o->at = 8;
	if (!outer_read(o))
		return false;
	o->proto = outer_byte(o, 1);
	o->at = header;
	return true;
}

/* Past UDP and VXLAN (RFC 7348) or GENEVE (RFC 8926): the type of what is inside, 0 = no such tunnel. */
static __always_inline __u32 outer_udp(struct outer *o)
{
	__u32 port;

	if (!outer_read(o))
		return 0;
	port = outer_be16(o, 2);
	o->at += 8;
	if ((port != PORT_VXLAN && port != PORT_VXLAN_LINUX && port != PORT_GENEVE) || !outer_read(o))
		return 0;
	o->at += 8;
	if (port != PORT_GENEVE)
		return outer_byte(o, 0) & 8 ? TYPE_ETHERNET : 0;
	if (outer_byte(o, 0) >> 6)
		return 0;
	o->at += (outer_byte(o, 0) & 63) * 4;
	return outer_be16(o, 2);
}

/* Past GRE (RFC 2784, 2890); source routes (RFC 1701) are not followed. */
static __always_inline __u32 outer_gre(struct outer *o)
{
	__u16 flags, type;

	/* four bytes are enough for a header, but no IP packet inside is that short */
	if (!outer_read(o))
		return 0;
	flags = outer_be16(o, 0);
	type = outer_be16(o, 2);
	if (flags & (GRE_VERSION | GRE_ROUTING))
		return 0;
	o->at += 4;
	o->at += flags & GRE_CHECKSUM ? 4 : 0;
	o->at += flags & GRE_KEY ? 4 : 0;
	o->at += flags & GRE_SEQUENCE ? 4 : 0;
	return type;
}

/* Does the packet inside the tunnel pass the second filter?  Not if there is no tunnel. */
static __attribute__((noinline, unused)) int filter_tunnel(__u64 base, __u64 readable, __u64 length)
{
	struct outer o = { .base = base, .readable = readable };
	__u32 type;

	if (!outer_ip(&o))
		return 0;
	if (o.proto == PROTO_UDP)
		type = outer_udp(&o);
	else if (o.proto == PROTO_GRE)
		type = outer_gre(&o);
	else
		type = o.proto == PROTO_IPIP ? TYPE_IP : o.proto == PROTO_IPV6 ? TYPE_IPV6 : 0;
	if (o.at > readable || o.at > length)
		return 0;
	if (type == TYPE_ETHERNET)
		return filter_inner_l2(base + o.at, readable - o.at, length - o.at);
	if (type == TYPE_IP || type == TYPE_IPV6)
		return filter_inner_l3(base + o.at, readable - o.at, length - o.at);
	return 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cookie.h - what the recorder tells a program about the function that it is attached to.
 *
 * From the flags of schema/functions.tsv, the rows of schema/lineage.tsv and the function's prototype in BTF.  Functions
 * with no flag at all are most; they have programs of their own, because asking for the cookie takes time.
 */
#ifndef PKT_COOKIE_H
#define PKT_COOKIE_H

enum cookie {
	COOKIE_STATE = 1,	/* the argument after the sk_buff is a struct nf_hook_state * */
	COOKIE_BEGIN = 2,	/* d: the release of the sk_buff begins here */
	COOKIE_TAIL = 4,	/* t: part of the release */
	COOKIE_END = 8,		/* e: nothing of this sk_buff comes after it */
	COOKIE_RETURN = 16,	/* r: its return is probed as well */
	COOKIE_REFERENCE = 32,	/* the argument points to a pointer to the sk_buff */
	COOKIE_LIST = 64,	/* the argument is the head of a list of them */
	COOKIE_VERIFY = 128,	/* the argument may be something else: only known sk_buffs count */
	COOKIE_BORN = 256,	/* b: the sk_buff is fresh from its allocator, nothing in it is set yet */
	COOKIE_KIN_JOINS = 512,	/* the child goes on with what the parent brought: it is not born here */
	COOKIE_KIN_INSIDE = 1024,	/* no edge: of what kind those are that are noticed in here for this parent */
	COOKIE_FLAGS = 2047,
	COOKIE_AROUND = 1 << 26,	/* a: the argument after the sk_buff is the buffer that it is put around */
	COOKIE_BLANK = 1 << 30,	/* for the program itself: nothing is in this sk_buff yet */
};

/* Positions are 1 to 5; a kinship is an enum trc_edge_kind, which the programs only pass on, 0 = none. */
#define COOKIE_ARG_SHIFT 11
#define COOKIE_CHILD_SHIFT 14
#define COOKIE_PARENT_SHIFT 17
#define COOKIE_KIN_SHIFT 20
#define COOKIE_POSITION(cookie, shift) ((cookie) >> (shift) & 7)
#define COOKIE_WHEN_SHIFT 27	/* enum kin_when */
#define COOKIE_KIN(cookie) ((cookie) >> COOKIE_KIN_SHIFT & 15)

/*
 * A kinship holds as soon as the function is entered, or by what it returns: a bool, or an int; or as it returns, with
 * the packet that is then where the child was, or with all that then hang in the child.
 */
enum kin_when { KIN_ENTRY, KIN_TRUE, KIN_NONZERO, KIN_ZERO, KIN_AFTER, KIN_CHAINED };
#define COOKIE_WHEN(cookie) ((cookie) >> COOKIE_WHEN_SHIFT & 7)

/* At a function's return the stack pointer is past the return address, where the architecture pushes it. */
#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#define RETURN_SP_SHIFT 8
#else
#define RETURN_SP_SHIFT 0
#endif

#endif

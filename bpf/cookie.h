/* SPDX-License-Identifier: GPL-2.0 */
/*
 * cookie.h - what the recorder tells a program about the function that it is attached to.
 *
 * The bits come from the flags of schema/functions.tsv, from schema/hidden.tsv and from the function's prototype in BTF.
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
	COOKIE_LIST = 64,	/* the argument is the head of a list of sk_buffs */
	COOKIE_VERIFY = 128,	/* it counts only if the sk_buff is followed already */
	COOKIE_BIRTH = 256,	/* b: entered with an sk_buff fresh from an allocator */
};

/* At a function's return the stack pointer is past the return address, where the architecture pushes it. */
#if defined(__TARGET_ARCH_x86) || defined(__x86_64__)
#define RETURN_SP_SHIFT 8
#else
#define RETURN_SP_SHIFT 0
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * select.h - which packets a pcap-filter selects.
 */
#ifndef PKT_SELECT_H
#define PKT_SELECT_H

#include "model.h"

struct selector;

/* 0; -EINVAL and one sentence in error[size]; or -ENOMEM. */
int selector_open(struct selector **out, const char *expression, char *error, size_t size);
void selector_free(struct selector *s);		/* NULL is fine */
/* Does it select this packet, at any of its hops?  d: its recorded bytes, NULL = there are none. */
bool selector_matches(const struct selector *s, const struct model *m, const struct packet *p, const struct data *d);
/* Sets .left_out of every packet; 0 or -ENOMEM. */
int selector_apply(const struct selector *s, struct model *m);

#endif

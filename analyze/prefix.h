/* SPDX-License-Identifier: GPL-2.0 */
/* prefix.h - addresses with a length, as rules and routes have them: "10.0.0.0/8", "fe80::1". */
#ifndef PKT_PREFIX_H
#define PKT_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

struct prefix {
	uint8_t family;		/* AF_INET or AF_INET6 */
	uint8_t bits;
	uint8_t address[16];
};

/* false: that is none */
bool prefix_parse(struct prefix *p, const char *text);
/* address: of the same family, in network order */
bool prefix_covers(const struct prefix *p, const uint8_t *address);

#endif

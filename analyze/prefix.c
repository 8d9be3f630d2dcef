// SPDX-License-Identifier: GPL-2.0
/*
 * prefix.c - addresses with a length, read and compared.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "prefix.h"

bool prefix_parse(struct prefix *p, const char *text)
{
	char address[INET6_ADDRSTRLEN], *end;
	size_t n = strcspn(text, "/");
	unsigned long bits;

	if (n >= sizeof(address))
		return false;
	memcpy(address, text, n);
	address[n] = '\0';
	p->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	p->bits = p->family == AF_INET6 ? 128 : 32;
	if (inet_pton(p->family, address, p->address) != 1)
		return false;
	if (!text[n])
		return true;
	text += n + 1;
	bits = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || bits > p->bits)
		return false;
	p->bits = bits;
	return true;
}

bool prefix_covers(const struct prefix *p, const uint8_t *address)
{
	unsigned int bytes = p->bits / 8, rest = p->bits % 8;

	return !memcmp(p->address, address, bytes) && (!rest || !((p->address[bytes] ^ address[bytes]) >> (8 - rest)));
}

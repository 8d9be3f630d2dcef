// SPDX-License-Identifier: GPL-2.0
/*
 * sql_functions.c - what SQLite lacks for packets:
 *
 *	percentile(X, P)     the P-th percentile (0..100) of X over the rows, interpolated; NULLs are left out
 *	ip_in(ADDRESS, NET)  1 if an address lies in a network such as 10.0.0.0/8 or fd00::/8
 *	duration(NS)         nanoseconds for people: 850 ns, 12.3 µs, 1.52 ms, 2.31 s
 *
 * Queries of schema/queries may use them; views may not, because files must open without us.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "sql.h"

struct sample {
	double *v;
	size_t n, room;
	double percent;
};

static void percentile_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct sample *s = sqlite3_aggregate_context(ctx, sizeof(*s));
	double *v;

	if (!s)
		return sqlite3_result_error_nomem(ctx);
	s->percent = sqlite3_value_double(argv[1]);
	if (!(s->percent >= 0 && s->percent <= 100))
		return sqlite3_result_error(ctx, "percentile(X, P): P must be between 0 and 100", -1);
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (s->n == s->room) {
		v = reallocarray(s->v, s->room ? 2 * s->room : 64, sizeof(*v));
		if (!v)
			return sqlite3_result_error_nomem(ctx);
		s->v = v;
		s->room = s->room ? 2 * s->room : 64;
	}
	s->v[s->n++] = sqlite3_value_double(argv[0]);
}

static int compare_doubles(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void percentile_final(sqlite3_context *ctx)
{
	struct sample *s = sqlite3_aggregate_context(ctx, 0);
	double at, part;
	size_t i;

	if (!s || !s->n) {
		sqlite3_result_null(ctx);
	} else {
		qsort(s->v, s->n, sizeof(*s->v), compare_doubles);
		at = s->percent / 100 * (s->n - 1);
		i = at;
		part = i + 1 < s->n ? (at - i) * (s->v[i + 1] - s->v[i]) : 0;
		sqlite3_result_double(ctx, s->v[i] + part);
	}
	if (s)
		free(s->v);
}

/* 4 or 16 bytes of an address; 0 = it is none */
static int address_parse(const char *text, uint8_t *bytes)
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
	int rest = bits % 8;

	if (memcmp(a, b, bits / 8))
		return false;
	return !rest || !((a[bits / 8] ^ b[bits / 8]) >> (8 - rest));
}

static void ip_in(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *address = (const char *)sqlite3_value_text(argv[0]), *text = (const char *)sqlite3_value_text(argv[1]);
	char net[64], *slash, *end = "";
	uint8_t a[16], b[16];
	int size, bits;

	if (!address || !text)
		return;
	snprintf(net, sizeof(net), "%s", text);
	slash = strchr(net, '/');
	if (slash)
		*slash++ = 0;
	size = address_parse(net, b);
	bits = slash ? strtol(slash, &end, 10) : 8 * size;
	if (!size || *end || bits < 0 || bits > 8 * size)
		return sqlite3_result_error(ctx, "ip_in(ADDRESS, NET): NET must be like 10.0.0.0/8 or fd00::/8", -1);
	sqlite3_result_int(ctx, address_parse(address, a) == size && same_bits(a, b, bits));
}

static void duration(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	sqlite3_int64 ns = sqlite3_value_int64(argv[0]);
	char text[32] = "-";

	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	duration_text(ns < 0 ? -(uint64_t)ns : (uint64_t)ns, text + (ns < 0), sizeof(text) - 1);
	sqlite3_result_text(ctx, text, -1, SQLITE_TRANSIENT);
}

int functions_add(sqlite3 *db)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function(db, "percentile", 2, flags, NULL, NULL, percentile_step, percentile_final);

	rc = rc ?: sqlite3_create_function(db, "ip_in", 2, flags, NULL, ip_in, NULL, NULL);
	return rc ?: sqlite3_create_function(db, "duration", 1, flags, NULL, duration, NULL, NULL);
}

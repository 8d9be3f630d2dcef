// SPDX-License-Identifier: GPL-2.0
/*
 * diff_fuzz.c - two recordings made of arbitrary bytes, compared, and their packets explained (libFuzzer; make fuzz).
 *
 *     input := length of the first (2 bytes, little-endian; 0: there is but one) and both, as model_fuzz.c takes them
 *
 * A recording compared with itself is never different.
 */
#include "diff.h"
#include "explain.h"
#include "make.h"
#include "random.h"

#define EXPLAINED_MAX 32

static struct model *load(const uint8_t *data, size_t size)
{
	char path[64], error[256] = "";
	struct model *m;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", random_fd(data, size));
	return model_load(&m, path, error, sizeof(error)) ? NULL : m;
}

static void explain(const struct model *m)
{
	struct explain e;

	for (size_t i = 0; i < m->npackets && i < EXPLAINED_MAX; i++) {
		CHECK(!explain_packet(&e, m, &m->packets[i], &(struct explain_system){}));
		explain_free(&e);
	}
}

/* What the tool would write, to nowhere. */
static int compare(const struct model *a, const struct model *b)
{
	static FILE *nowhere;
	char error[512] = "";
	struct diff d = {};
	int ret = diff_run(&d, a, b, error, sizeof(error));

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	CHECK(nowhere && (ret >= 0 || *error));
	if (ret >= 0)
		diff_json(&d, nowhere);
	diff_free(&d);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = { (uint8_t *)data, (uint8_t *)data + size };
	const uint8_t *first = cursor_take(&in, 2);
	size_t length = first ? (first[0] | first[1] << 8) : 0;
	struct model *a, *b = NULL;

	if (!first)
		return 0;
	if (!length || length > cursor_left(&in))
		length = cursor_left(&in);
	first = cursor_take(&in, length);
	a = load(first, length);
	if (cursor_left(&in))
		b = load(in.at, cursor_left(&in));
	if (a)
		explain(a);
	if (a && b)
		compare(a, b);
	else if (a)
		CHECK(compare(a, a) != 1);
	model_free(a);
	model_free(b);
	return 0;
}

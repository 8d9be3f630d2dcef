// SPDX-License-Identifier: GPL-2.0
/*
 * diff_random.c - what must hold for pktdiff whatever the recordings hold: no trouble, no order, no false alarm.
 *
 * Recordings of random packets that wander through random functions: hooks without returns, returns without entries,
 * drops in the middle, repeated and nested work.  Seeds are fixed, so that a failure can be seen again.
 */
#include "diff_world.h"

#define SEEDS 150
#define WORDS 60

static uint32_t lot;

static uint32_t draw(uint32_t n)
{
	lot = lot * 1664525 + 1013904223;
	return (lot >> 8) % n;
}

/* A script of words that occur in real ones, in any order. */
static void random_script(char *script, size_t size)
{
	static const char all[] = QUERY_UNCACHED " " QUERY_LEGACY " " QUERY_NFT " " QUERY_NO_SOCKET " " ARP_SEEN
		" nf_hook_slow@0 nf_hook_slow@1 nf_hook_slow@2 <nf_hook_slow=0 <nf_hook_slow=-1 !nf_hook_slow=2 !ip_rcv_finish_core=15 %3 #1 #2 +80";
	static const char *words[400];
	static size_t n;
	size_t used = 0, length = 1 + draw(WORDS), from = 0;

	for (const char *at = n ? "" : all; *at; at += strspn(at, " ")) {
		assert_true(n < 400);
		words[n++] = at;
		at += strcspn(at, " ");
	}
	script[0] = '\0';
	while (length--) {
		/* mostly in order, so that some get far */
		from = draw(4) ? (from + 1) % n : draw(n);
		used += snprintf(script + used, size - used, "%.*s ", (int)strcspn(words[from], " "), words[from]);
	}
	snprintf(script + used, size - used, "ip_rcv");	/* at least one hop */
}

static void random_flow(struct flow *f)
{
	static const uint8_t protocols[] = { 17, 17, 6, 1, 58, 0 };

	*f = (struct flow){ protocols[draw(6)], draw(2) ? 40000 + draw(5) : draw(100), draw(2) ? 53 : 32768 + draw(9), 1 + draw(2), 2,
			    draw(3) ? 100 : 0, draw(6) ? 0 : 0x0806, draw(5) == 0, draw(32) };
}

/* The same seed makes the same recording, on another boot when salt differs. */
static void random_world(struct world *w, uint32_t seed, uint32_t salt)
{
	lot = seed;
	world_open(w, salt);
	for (uint32_t i = 1 + draw(40); i; i--) {
		char script[WORDS * 40];
		struct flow f;

		random_flow(&f);
		random_script(script, sizeof(script));
		for (uint32_t times = draw(3) ? 1 : 8; times; times--)
			world_play(w, &f, script);
		if (!draw(20))
			w->seq += draw(3);
	}
	world_model(w, draw(4));
}

static char verdict[VERDICT_MAX];

static int compare(const struct world *a, const struct world *b)
{
	struct diff d;
	char error[700] = "";
	FILE *null = fopen("/dev/null", "w");
	int status = diff_run(&d, a->model, b->model, error, sizeof(error));

	assert_non_null(null);
	if (status >= 0) {
		say_verdict(&d, verdict, sizeof(verdict));
		assert_true(*verdict && !strchr(verdict, '\n'));
		assert_true((status == 0) == !strncmp(verdict, "No difference", 13));
		diff_json(&d, null);
	} else {
		assert_true(*error && !strchr(error, '\n'));
	}
	fclose(null);
	diff_free(&d);
	return status;
}

static void a_recording_never_differs_from_its_like(void **state)
{
	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		struct world a, b;
		int status;

		random_world(&a, seed, 0);
		random_world(&b, seed, 5);
		status = compare(&a, &b);
		if (status == 1)
			fail_msg("seed %u: %s", seed, verdict);
		world_close(&a);
		world_close(&b);
	}
}

static void the_order_of_the_files_does_not_matter(void **state)
{
	int seen[3] = {};

	for (uint32_t seed = 1; seed <= SEEDS; seed++) {
		struct world a, b;
		int status;

		random_world(&a, seed, 0);
		random_world(&b, seed + 1000, 2);
		status = compare(&a, &b);
		if (status != compare(&b, &a))
			fail_msg("seed %u: the other order says: %s", seed, verdict);
		seen[status + 1 > 0 ? status + 1 : 0]++;
		world_close(&a);
		world_close(&b);
	}
	/* the test would be worth nothing if all were alike */
	assert_true(seen[2] > SEEDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recording_never_differs_from_its_like),
		cmocka_unit_test(the_order_of_the_files_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

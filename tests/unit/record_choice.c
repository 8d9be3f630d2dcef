// SPDX-License-Identifier: GPL-2.0
/*
 * record_choice.c - what the recorder decides before it touches the kernel: symbols, knowledge, options, output file.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "cookie.h"
#include "functions.h"
#include "options.h"
#include "output.h"
#include "pkttrace.h"
#include "symbols.h"
#include "traceable.h"

static const char kallsyms[] =
	"0000000000000000 A fixed_percpu_data\n"
	"ffffffff81000000 T _stext\n"
	"ffffffff81000100 T ip_rcv\n"
	"ffffffff81000200 t ip_rcv_core.isra.0\n"
	"ffffffff81000300 t dst_output\n"
	"ffffffff81000400 t dst_output\n"
	"ffffffff81000500 D some_data\n"
	"ffffffff81000600 D my_page_offset_base\n"
	"ffffffff81000700 R page_offset_base\n"
	"ffffffff81000800 d page_offset_base_too\n"
	"ffffffffc0000000 t ipt_do_table\t[ip_tables]\n"
	"ffffffffc0000100 t dst_output\t[bridge]\n";

/* A file of this content; its name is static. */
static const char *file_with(const char *text)
{
	static char path[] = "/tmp/record_choice_file";
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void symbols_know_their_module(void **state)
{
	const struct symbol *found;
	struct symbols s;

	assert_int_equal(symbols_load(&s, file_with(kallsyms)), 0);
	found = symbols_named(&s, "ipt_do_table", NULL);
	assert_string_equal(found->module, "ip_tables");
	assert_null(symbols_named(&s, "ipt_do_table", found));
	found = symbols_named(&s, "dst_output", NULL);
	assert_int_equal(found->addr, 0xffffffff81000300);
	assert_string_equal(found->module, "");
	found = symbols_named(&s, "dst_output", symbols_named(&s, "dst_output", found));
	assert_string_equal(found->module, "bridge");
	assert_null(symbols_named(&s, "dst_output", found));
	assert_null(symbols_named(&s, "some_data", NULL));
	assert_int_equal(s.page_offset_base, 0xffffffff81000700);
	assert_int_equal(s.vmemmap_base, 0);
	assert_null(symbols_named(&s, "ip_rcv_core", NULL));
	symbols_free(&s);
}

static void symbols_resolve_inside_a_function(void **state)
{
	struct symbols s;

	assert_int_equal(symbols_load(&s, file_with(kallsyms)), 0);
	assert_int_equal(s.text_base, 0xffffffff81000000);
	assert_string_equal(symbols_at(&s, 0xffffffff81000100)->name, "ip_rcv");
	assert_string_equal(symbols_at(&s, 0xffffffff810001ff)->name, "ip_rcv");
	assert_string_equal(symbols_at(&s, 0xffffffff81000200)->name, "ip_rcv_core.isra.0");
	assert_null(symbols_at(&s, 0x1000));
	symbols_free(&s);
}

static void symbols_find_the_compilers_variant(void **state)
{
	struct symbols s;

	assert_int_equal(symbols_load(&s, file_with(kallsyms)), 0);
	assert_string_equal(symbols_variant(&s, "ip_rcv_core", NULL)->name, "ip_rcv_core.isra.0");
	assert_null(symbols_variant(&s, "ip_rcv_core", symbols_variant(&s, "ip_rcv_core", NULL)));
	assert_null(symbols_variant(&s, "ip_rcv", NULL));
	assert_null(symbols_variant(&s, "ip_rc", NULL));
	symbols_free(&s);
}

static void symbols_hidden_are_refused(void **state)
{
	struct symbols s;

	assert_true(symbols_load(&s, file_with("0000000000000000 T _stext\n0000000000000000 T ip_rcv\n")) < 0);
	assert_true(symbols_load(&s, file_with("")) < 0);
	assert_true(symbols_load(&s, "/nonexistent") < 0);
}

static void knowledge_marks_what_the_recorder_relies_on(void **state)
{
	assert_non_null(strchr(knowledge_flags("skb_release_head_state"), 'd'));
	assert_non_null(strchr(knowledge_flags("kfree_skbmem"), 'e'));
	assert_string_equal(knowledge_flags("__build_skb_around"), "ba");	/* or XDP's frames have no children */
	assert_non_null(strchr(knowledge_flags("skb_release_data"), 't'));
	assert_non_null(strchr(knowledge_flags("nf_hook_slow"), 'r'));
	assert_non_null(strchr(knowledge_flags("nf_hook_slow"), 'p'));
	assert_non_null(strchr(knowledge_flags("__traceiter_qdisc_enqueue"), 'x'));
	assert_non_null(strchr(knowledge_flags("__bpf_trace_kfree_skb"), 'x'));
	assert_null(strchr(knowledge_flags("ip_rcv"), 'x'));
	assert_string_equal(knowledge_flags("no such function"), "");
}

static void traceable_tells_modules_apart(void **state)
{
	struct traceable t;

	assert_int_equal(traceable_load(&t, file_with("ip_rcv\ndst_output\ndst_output [bridge]\ndst_output\n"
						      "ip_rcv_core.isra.0 (ip_rcv+0x10)\nlast [mod]\n")), 0);
	assert_true(t.known);
	assert_int_equal(traceable_count(&t, "ip_rcv", ""), 1);
	assert_int_equal(traceable_count(&t, "ip_rcv", "bridge"), 0);
	assert_int_equal(traceable_count(&t, "ip_rc", ""), 0);
	assert_int_equal(traceable_count(&t, "ip_rcv_core.isra.0", ""), 1);
	assert_int_equal(traceable_count(&t, "dst_output", ""), 2);
	assert_int_equal(traceable_count(&t, "dst_output", "bridge"), 1);
	assert_int_equal(traceable_count(&t, "dst_output", "bridg"), 0);
	assert_int_equal(traceable_count(&t, "dst_output", "bridge]"), 0);
	assert_int_equal(traceable_count(&t, "last", "mod"), 1);
	traceable_free(&t);
	assert_int_equal(traceable_load(&t, "/nonexistent"), 0);
	assert_false(t.known);
	traceable_free(&t);
}

static void hidden_packets_are_found_or_verified(void **state)
{
	const struct hidden *h = hidden_of("__netif_receive_skb_core.constprop.0"), *rows;
	size_t n, i;

	assert_non_null(h);
	assert_int_equal(h->arg, 1);
	assert_int_equal(h->by, BY_REFERENCE);
	assert_false(h->verify);
	h = hidden_of("ip_rcv_finish_core.constprop.0");
	assert_int_equal(h->arg, 2);
	assert_int_equal(h->by, BY_POINTER);
	assert_true(h->verify);
	assert_int_equal(hidden_of("ip_list_rcv")->by, BY_LIST);
	assert_int_equal(hidden_of("bond_handle_frame")->by, BY_REFERENCE);
	assert_null(hidden_of("ip_rcv"));
	assert_null(hidden_of("ip_rcv_finish_core"));
	assert_null(hidden_of("__netif_receive_skb_core.constprop.0.isra.0"));
	rows = hidden_rows(&n);
	for (i = 0; i < n; i++)		/* the compiler may have moved all but a first argument, and that too for .isra */
		if (strchr(rows[i].name, '.') && !rows[i].verify)
			assert_true(rows[i].arg == 1 && strstr(rows[i].name, ".constprop."));
}

static const struct function *function_named(const struct functions *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (!strcmp(f->v[i].name, name))
			return &f->v[i];
	fail_msg("%s was not found", name);
	return NULL;
}

/* On the kernel that runs here, whichever it is. */
static void functions_have_their_packet_where_btf_says(void **state)
{
	const struct function_choice choice = { .profile = PROFILE_ALL, .uncovered = true };
	const struct function *fn;
	struct functions f;
	struct symbols s;
	const char *where;

	if (functions_find(&f, &s, &choice, &where)) {
		functions_free(&f);
		symbols_free(&s);
		print_message("no functions: %s\n", where);
		skip();		/* no BTF, or not root */
	}
	fn = function_named(&f, "nf_hook_slow");
	assert_int_equal(fn->arg, 1);
	assert_true(fn->cookie & COOKIE_STATE && fn->cookie & COOKIE_RETURN);
	assert_int_equal(COOKIE_POSITION(fn->cookie, COOKIE_ARG_SHIFT), 1);
	fn = function_named(&f, "udp_queue_rcv_skb");
	assert_int_equal(fn->arg, 2);
	assert_int_equal(fn->by, BY_POINTER);
	assert_int_equal(fn->cookie, 0);
	fn = function_named(&f, "netif_receive_skb_list");
	assert_int_equal(fn->by, BY_LIST);
	assert_true(fn->wanted && fn->cookie & COOKIE_LIST);
	fn = function_named(&f, "skb_dequeue");
	assert_int_equal(fn->by, BY_NOTHING);
	assert_false(fn->wanted);
	assert_non_null(fn->why);
	functions_free(&f);
	symbols_free(&s);
}

static void lineage_names_child_and_parent(void **state)
{
	const struct lineage *l = lineage_of("skb_split"), *rows;
	size_t n, i, j;

	assert_non_null(l);
	assert_int_equal(l->kind, TRC_EDGE_SPLIT);
	assert_int_equal(l->child, 2);
	assert_int_equal(l->parent, 1);
	assert_int_equal(l->when, LINEAGE_ENTRY);
	assert_int_equal(lineage_of("skb_gro_receive")->when, LINEAGE_ZERO);
	assert_int_equal(lineage_of("skb_clone")->when, LINEAGE_INSIDE);
	assert_null(lineage_of("ip_rcv"));
	rows = lineage_rows(&n);
	assert_true(n > 10);
	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(rows[i].function, rows[j].function);
}

static int parse(struct options *o, char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	optind = 1;
	return options_parse(o, argc, argv);
}

#define ARGS(...) ((char *[]){ "pktrec", __VA_ARGS__, NULL })

static void options_split_at_the_dashes(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, ARGS("-o", "x.trc", "-c", "3", "--", "dig", "-p", "53")), 0);
	assert_string_equal(o.output, "x.trc");
	assert_int_equal(o.count, 3);
	assert_string_equal(o.command[0], "dig");
	assert_string_equal(o.command[1], "-p");
	assert_int_equal(parse(&o, ARGS("-q")), 0);
	assert_null(o.command);
}

static void options_read_sizes_and_times(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, ARGS("-B", "64", "--duration", "500ms")), 0);
	assert_int_equal(o.ring_bytes, 65536);
	assert_int_equal(o.duration_ns, 500000000);
	assert_int_equal(parse(&o, ARGS("-B", "3M", "--duration", "2m")), 0);
	assert_int_equal(o.ring_bytes, 3 << 20);
	assert_int_equal(o.duration_ns, 120000000000);
	assert_int_equal(parse(&o, ARGS("--duration", "7")), 0);
	assert_int_equal(o.duration_ns, 7000000000);
}

static void options_that_make_no_sense_are_refused(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, ARGS("--no-such-option")), 2);
	assert_int_equal(parse(&o, ARGS("-o")), 2);
	assert_int_equal(parse(&o, ARGS("-c", "0")), 2);
	assert_int_equal(parse(&o, ARGS("-c", "-1")), 2);
	assert_int_equal(parse(&o, ARGS("-c", "99999999999999999999")), 2);
	assert_int_equal(parse(&o, ARGS("-B", "4x")), 2);
	assert_int_equal(parse(&o, ARGS("-B", "9999G")), 2);
	assert_int_equal(parse(&o, ARGS("--duration", "soon")), 2);
	assert_int_equal(parse(&o, ARGS("--backend", "magic")), 2);
	assert_int_equal(parse(&o, ARGS("--")), 2);
}

static void output_keeps_the_old_file(void **state)
{
	char dir[] = "/tmp/record_outputXXXXXX", path[64], old[64], error[256];
	struct invoker nobody = {};
	struct stat st;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.trc", dir);
	snprintf(old, sizeof(old), "%s/a.trc.old", dir);
	fd = output_open(path, &nobody, error, sizeof(error));
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fd = output_open(path, &nobody, error, sizeof(error));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, 1);
	unlink(path);
	unlink(old);
	rmdir(dir);
}

static void output_never_follows_a_link(void **state)
{
	char dir[] = "/tmp/record_outputXXXXXX", path[64], target[64], error[256] = "";
	struct invoker nobody = {};

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/link.trc", dir);
	snprintf(target, sizeof(target), "%s/target", dir);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(output_check(path, &nobody, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "symbolic link"));
	assert_int_equal(output_open(path, &nobody, error, sizeof(error)), -1);
	assert_int_not_equal(access(target, F_OK), 0);
	unlink(path);
	rmdir(dir);
}

static void output_leaves_a_strangers_file_alone(void **state)
{
	char dir[] = "/tmp/record_outputXXXXXX", path[64], error[256] = "";
	struct invoker nobody = {};
	int fd;

	if (geteuid())
		skip();		/* only root can make somebody else's file */
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.trc", dir);
	fd = output_open(path, &nobody, error, sizeof(error));
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(output_check(path, &nobody, error, sizeof(error)), 0);	/* nobody else can have put it there */
	assert_int_equal(chmod(dir, 01777), 0);
	assert_int_equal(output_check(path, &nobody, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "belongs to another user"));
	nobody.uid = 65534;
	assert_int_equal(output_check(path, &nobody, error, sizeof(error)), 0);	/* the invoker's own */
	unlink(path);
	rmdir(dir);
}

static void output_knows_when_its_reader_left(void **state)
{
	int ends[2], file = open("/dev/null", O_WRONLY);

	assert_int_equal(pipe(ends), 0);
	assert_false(output_left(ends[1]));
	assert_false(output_left(file));
	close(ends[0]);
	assert_true(output_left(ends[1]));
	close(ends[1]);
	close(file);
}

static void options_know_compression(void **state)
{
	struct options o;

	assert_int_equal(parse(&o, ARGS("-q")), 0);
	assert_int_equal(o.level, 0);
	assert_int_equal(parse(&o, ARGS("--compress", "19")), 0);
	assert_int_equal(o.level, 19);
	assert_int_equal(parse(&o, ARGS("--compress", "0")), 2);
	assert_int_equal(parse(&o, ARGS("--compress", "20")), 2);
	assert_int_equal(parse(&o, ARGS("--compress", "fast")), 2);
}

static void command_is_looked_for_before_attaching(void **state)
{
	assert_int_equal(command_check("sh"), 0);
	assert_int_equal(command_check("/bin/sh"), 0);
	assert_int_equal(command_check("no-such-program-anywhere"), -ENOENT);
	assert_true(command_check("/tmp") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_know_their_module),
		cmocka_unit_test(symbols_resolve_inside_a_function),
		cmocka_unit_test(symbols_find_the_compilers_variant),
		cmocka_unit_test(symbols_hidden_are_refused),
		cmocka_unit_test(knowledge_marks_what_the_recorder_relies_on),
		cmocka_unit_test(traceable_tells_modules_apart),
		cmocka_unit_test(hidden_packets_are_found_or_verified),
		cmocka_unit_test(functions_have_their_packet_where_btf_says),
		cmocka_unit_test(lineage_names_child_and_parent),
		cmocka_unit_test(options_split_at_the_dashes),
		cmocka_unit_test(options_read_sizes_and_times),
		cmocka_unit_test(options_that_make_no_sense_are_refused),
		cmocka_unit_test(output_keeps_the_old_file),
		cmocka_unit_test(output_never_follows_a_link),
		cmocka_unit_test(output_leaves_a_strangers_file_alone),
		cmocka_unit_test(output_knows_when_its_reader_left),
		cmocka_unit_test(options_know_compression),
		cmocka_unit_test(command_is_looked_for_before_attaching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

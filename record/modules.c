// SPDX-License-Identifier: GPL-2.0
/*
 * modules.c - which kernel modules came and went while recording.
 *
 * A firewall rule may load a module: the functions in it are not probed, and their absence proves nothing.  One that
 * is unloaded takes its probes with it.  Both are facts of the recording.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "modules.h"

#define MODULES "/proc/modules"

char *modules_names(void)
{
	char *text, *from, *to, *end;

	if (file_read(MODULES, &text, NULL))
		return NULL;
	for (from = to = text; *from; from = *end ? end + 1 : end) {
		size_t length = strcspn(from, " \n");

		end = from + strcspn(from, "\n");
		memmove(to, from, length);
		to += length;
		*to++ = '\n';
	}
	*to = 0;
	return text;
}

static bool has_line(const char *text, const char *line, size_t length)
{
	while (*text) {
		if (!strncmp(text, line, length) && text[length] == '\n')
			return true;
		text = strchrnul(text, '\n');
		text += *text == '\n';
	}
	return false;
}

/* Those of `names` that are not in `others`, separated by blanks; NULL: no memory. */
static char *difference(const char *names, const char *others)
{
	char *out = calloc(1, strlen(names) + 1), *to = out;
	size_t length;

	for (; out && *names; names += length + 1) {
		length = strcspn(names, "\n");
		if (has_line(others, names, length))
			continue;
		if (to != out)
			*to++ = ' ';
		to = mempcpy(to, names, length);
	}
	return out;
}

static bool was_probed(const struct functions *f, const char *module)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->v[i].attached && !strcmp(f->v[i].module, module))
			return true;
	return false;
}

static int fact(struct trc_writer *w, const char *key, const char *value)
{
	struct trc_record rec = { .kind = TRC_FACT, .fact = { .key = key, .value = value } };

	return *value ? trc_write(w, &rec) : 0;
}

/* Only modules that had probes are missed. */
static char *only_probed(char *names, const struct functions *f)
{
	char *kept = names ? calloc(1, strlen(names) + 2) : NULL, *name, *save = NULL;

	for (name = kept ? strtok_r(names, " ", &save) : NULL; name; name = strtok_r(NULL, " ", &save)) {
		if (!was_probed(f, name))
			continue;
		if (*kept)
			strcat(kept, " ");
		strcat(kept, name);
	}
	free(names);
	return kept;
}

int modules_compare(struct trc_writer *w, const char *before, const char *after, const struct functions *f)
{
	char *came, *went;
	int err = -ENOMEM;

	if (!before || !after)
		return 0;
	came = difference(after, before);
	went = only_probed(difference(before, after), f);
	if (came && went)
		err = fact(w, "modules.loaded", came);
	if (!err)
		err = fact(w, "modules.unloaded", went);
	free(came);
	free(went);
	return err;
}

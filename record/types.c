// SPDX-License-Identifier: GPL-2.0
/*
 * types.c - parsing the types of vmlinux takes a tenth of a second, and a start needs them in several places at once.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <pthread.h>

#include "types.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct btf *kernel;

struct btf *types_kernel(void)
{
	struct btf *btf;
	int err = 0;

	pthread_mutex_lock(&mutex);
	if (!kernel) {
		kernel = btf__load_vmlinux_btf();
		err = kernel ? 0 : errno;
	}
	btf = kernel;
	pthread_mutex_unlock(&mutex);
	if (!btf)
		errno = err;
	return btf;
}

void types_free(void)
{
	pthread_mutex_lock(&mutex);
	btf__free(kernel);
	kernel = NULL;
	pthread_mutex_unlock(&mutex);
}

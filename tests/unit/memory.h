/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memory.h - is memory watched by a sanitizer (SANITIZED); and, where MEMORY_FAILS is defined before and it is not, this
 * program's own malloc() and mmap(), which count, note the largest request, and fail on command.
 */
#ifndef TEST_MEMORY_H
#define TEST_MEMORY_H

#if defined(__SANITIZE_ADDRESS__)	/* as gcc says it */
#define SANITIZED 1
#elif defined(__has_feature)		/* as clang does */
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

#if defined(MEMORY_FAILS) && !SANITIZED

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

static struct {
	bool on;
	long left;		/* requests until one fails */
	bool once;		/* only that one; else all after it too */
	size_t largest, total;	/* bytes that were asked for */
	long live;		/* blocks and mappings that are there */
} memory;

static void memory_watch(long left)
{
	memory.left = left;
	memory.largest = memory.total = 0;
	memory.on = true;
}

static bool memory_denied(size_t size)
{
	if (!memory.on)
		return false;
	if (size > memory.largest)
		memory.largest = size;
	memory.total += size;
	if (memory.left-- > 0 || (memory.once && memory.left < -1))
		return false;
	errno = ENOMEM;
	return true;
}

static void *memory_counted(void *p)
{
	memory.live += p != NULL;
	return p;
}

void *malloc(size_t size)
{
	return memory_denied(size) ? NULL : memory_counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return memory_denied(n * size) ? NULL : memory_counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
	void *q = memory_denied(size) ? NULL : __libc_realloc(p, size);

	memory.live += !p && q;
	return q;
}

void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : realloc(p, bytes);
}

void free(void *p)
{
	memory.live -= p != NULL;
	__libc_free(p);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (memory_denied(size))
		return MAP_FAILED;
	memory.live++;
	return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}

int munmap(void *at, size_t size)
{
	memory.live--;
	return syscall(SYS_munmap, at, size);
}

/* a temporary file's disk is full */
int posix_fallocate(int fd, off_t offset, off_t size)
{
	return memory_denied(size) ? ENOSPC : ftruncate(fd, offset + size) ? errno : 0;
}

#endif
#endif

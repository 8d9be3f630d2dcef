// SPDX-License-Identifier: GPL-2.0
/*
 * spill.c - memory for what grows with a recording: what is too much of it lies in a temporary file.
 *
 * The first 192 MiB are plain memory.  What is asked for beyond is mapped from a file without a name, in the folder that
 * SQLite would take for its own, and given room on the disk at once, so that a full one is an error here and not a signal
 * later.  The kernel writes such pages when it needs their memory; they are also taken off the process itself each time
 * that 64 MiB of them were looked at, so that a recording of any size is analyzed in bounded memory.  To all others this
 * is memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spill.h"

struct spill_limits spill_limits = { 192u << 20, 1u << 20, 64u << 20 };

/* One mapping; those in the file are listed, the newest first. */
struct region {
	struct region *next, **link;
	void *at;
	size_t size;
	off_t offset;			/* -1: plain memory */
};

/* Before the bytes that are given out. */
struct head {
	struct region *region;		/* NULL: from malloc() */
	size_t size;			/* of the bytes */
};

static struct {
	struct region *in_file;
	size_t held;			/* bytes of plain memory */
	size_t looked;
	off_t end;			/* of the file; room that was given back is not used again, but is a hole */
	int fd;				/* plus 1; 0 = there is none */
	void (*on_loss)(void);
	char folder[512];
	char trouble[700];
} spill;

/* --- the file ------------------------------------------------------------------------------------------------------ */

static const char *folder_find(void)
{
	const char *folders[] = { getenv("SQLITE_TMPDIR"), getenv("TMPDIR"), "/var/tmp", "/tmp" };
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (folders[i] && *folders[i] && !access(folders[i], W_OK | X_OK))
			return folders[i];
	return "/tmp";
}

static int trouble(int error)
{
	snprintf(spill.trouble, sizeof(spill.trouble), "what memory does not hold goes to a temporary file in %s: %s (TMPDIR names another "
		 "folder)", spill.folder, strerror(error));
	return -error;
}

/* The disk broke, or somebody cut the file: what was there cannot be had again, and nothing may be said without it. */
static void on_bus_error(int sig)
{
	static const char text[] = ": the temporary file cannot be read any more\n";
	const char *name = program_invocation_short_name;

	if (spill.on_loss)
		spill.on_loss();
	if (write(STDERR_FILENO, name, strlen(name)) < 0 || write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(3);
	_exit(2);
}

static int file_open(void)
{
	char name[sizeof(spill.folder) + 16];
	int fd;

	if (spill.fd)
		return 0;
	snprintf(spill.folder, sizeof(spill.folder), "%s", folder_find());
	fd = open(spill.folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT)) {	/* not all filesystems can */
		snprintf(name, sizeof(name), "%s/pktXXXXXX", spill.folder);
		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	if (fd < 0)
		return trouble(errno);
	signal(SIGBUS, on_bus_error);
	spill.fd = fd + 1;
	return 0;
}

static size_t whole_pages(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (size + page - 1) / page * page;
}

static int region_in_file(struct region *r)
{
	int err = file_open();

	if (err)
		return err;
	signal(SIGXFSZ, SIG_IGN);	/* a limit on sizes is an error like a full disk */
	do {
		err = posix_fallocate(spill.fd - 1, spill.end, r->size);
	} while (err == EINTR);
	if (err)
		return trouble(err);
	r->at = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, spill.fd - 1, spill.end);
	if (r->at == MAP_FAILED)
		return -errno;
	r->offset = spill.end;
	spill.end += r->size;
	r->next = spill.in_file;
	r->link = &spill.in_file;
	if (r->next)
		r->next->link = &r->next;
	spill.in_file = r;
	return 0;
}

static int region_in_memory(struct region *r)
{
	r->at = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (r->at == MAP_FAILED)
		return -errno;
	r->offset = -1;
	spill.held += r->size;
	return 0;
}

static void region_free(struct region *r)
{
	munmap(r->at, r->size);
	if (r->offset < 0) {
		spill.held -= r->size;
	} else {
		*r->link = r->next;
		if (r->next)
			r->next->link = r->link;
		/* a filesystem without holes gives the room back when the program ends */
		fallocate(spill.fd - 1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, r->offset, r->size);
	}
	free(r);
}

/* --- giving it out -------------------------------------------------------------------------------------------------- */

void *spill_alloc(size_t size)
{
	size_t whole = size + sizeof(struct head);
	struct region *r = NULL;
	struct head *h;

	if (whole < size || whole > SIZE_MAX / 2)
		return NULL;
	if (whole < spill_limits.least) {
		h = malloc(whole);
		if (!h)
			return NULL;
	} else {
		r = malloc(sizeof(*r));
		if (!r)
			return NULL;
		*r = (struct region){ .size = whole_pages(whole) };
		if (spill.held + r->size <= spill_limits.held ? region_in_memory(r) : region_in_file(r)) {
			free(r);
			return NULL;
		}
		h = r->at;
	}
	*h = (struct head){ r, size };
	return h + 1;
}

void spill_free(void *p)
{
	struct head *h = p;

	if (!p)
		return;
	h--;
	if (h->region)
		region_free(h->region);
	else
		free(h);
}

void *spill_realloc(void *p, size_t size)
{
	struct head *h = p;
	void *to = spill_alloc(size);
	size_t n, at, step = spill_limits.resident / 4 + 1;

	if (!to || !p)
		return to;
	h--;
	n = h->size < size ? h->size : size;
	for (at = 0; at < n; at += step) {
		memcpy((char *)to + at, (char *)p + at, n - at < step ? n - at : step);
		spill_look(2 * step);
	}
	spill_free(p);
	return to;
}

void *spill_array(size_t n, size_t size)
{
	size_t bytes;
	void *p = __builtin_mul_overflow(n, size, &bytes) ? NULL : spill_alloc(bytes);

	/* what is mapped is zero */
	if (p && !((struct head *)p - 1)->region)
		memset(p, 0, bytes);
	return p;
}

int spill_grow(void **v, size_t n, size_t *room, size_t size)
{
	size_t wanted = *room ? 2 * *room : 64, bytes;
	void *p;

	if (n < *room)
		return 0;
	p = __builtin_mul_overflow(wanted, size, &bytes) ? NULL : spill_realloc(*v, bytes);
	if (!p)
		return -ENOMEM;
	*v = p;
	*room = wanted;
	return 0;
}

/* --- bounding what is in memory of the file ----------------------------------------------------------------------------- */

void spill_look(size_t bytes)
{
	struct region *r;

	spill.looked += bytes;
	if (spill.looked < spill_limits.resident)
		return;
	spill.looked = 0;
	for (r = spill.in_file; r; r = r->next)
		madvise(r->at, r->size, MADV_DONTNEED);
}

const char *spill_trouble(void)
{
	return *spill.trouble ? spill.trouble : NULL;
}

void spill_on_loss(void (*f)(void))
{
	spill.on_loss = f;
}

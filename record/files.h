/* SPDX-License-Identifier: GPL-2.0 */
/* files.h - whole files of proc, sysfs and tracefs, read and written in one go. */
#ifndef PKT_FILES_H
#define PKT_FILES_H

#include <stddef.h>

/* The whole of a file, with a NUL behind it; *out is the caller's to free.  0 or -errno. */
int file_read(const char *path, char **out, size_t *size);
/* Write text with one write(); flags are added to O_WRONLY.  0 or -errno. */
int file_write(const char *path, int flags, const char *text);

#endif

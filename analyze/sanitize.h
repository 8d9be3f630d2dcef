/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sanitize.h - text from strangers made harmless to terminals and to readers.
 *
 * Control bytes, invalid UTF-8, invisible and direction-changing characters become visible escapes: \x1b, \u202e.
 * What a format such as HTML or JSON needs besides is its renderer's job.
 */
#ifndef PKT_SANITIZE_H
#define PKT_SANITIZE_H

#include <stddef.h>

/* Like snprintf: answers the length of the whole result, writes at most size bytes with the final zero. */
size_t sanitize(char *dst, size_t size, const char *src);

#endif

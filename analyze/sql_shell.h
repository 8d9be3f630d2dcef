/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sql_shell.h - the prompt: sqlite3's own shell on a database of the recordings.
 */
#ifndef PKT_SQL_SHELL_H
#define PKT_SQL_SHELL_H

#include "sql.h"

/* The shell's exit status, or -1 with error. */
int shell_on_recordings(const struct recordings *recs, char *error);	/* on a database that is removed afterwards */
int shell_on_file(const char *path, char *error);

#endif

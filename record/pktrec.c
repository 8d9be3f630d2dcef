// SPDX-License-Identifier: GPL-2.0
/*
 * pktrec.c - the recorder's main: parse, run, return the status.
 */
#include "options.h"
#include "session.h"

int main(int argc, char **argv)
{
	struct options o;
	int status = options_parse(&o, argc, argv);

	if (!status)
		status = session_run(&o);
	else if (status == 1)
		status = 0;
	options_free(&o);
	return status;
}

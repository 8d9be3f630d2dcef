/* SPDX-License-Identifier: GPL-2.0 */
/* drain.h - from the rings to the spool. */
#ifndef PKT_DRAIN_H
#define PKT_DRAIN_H

#include "pkttrace.h"
#include "probes.h"
#include "spool.h"

struct drain;

/* Everything is borrowed and must outlive the drain.  Writes the function table.  0 or -errno. */
int drain_open(struct drain **out, struct probes *p, struct functions *f, const struct symbols *s, struct spool *spool);
/*
 * Take what is in the rings, a bounded amount of each, and no more than the spool has room for: this never waits.
 * Number of records, or -errno of the writer.
 */
void drain_own_command(struct drain *d, pid_t pid, char *const argv[]);	/* of what the recorder started itself */
int drain_once(struct drain *d);
/* After the programs were disabled: take all that they still deliver, and give the loss records.  0 or -errno. */
int drain_finish(struct drain *d);
/* The network namespaces that packets were in, as many as are noted; borrowed. */
const uint32_t *drain_netns(const struct drain *d, size_t *n);
void drain_free(struct drain *d);

struct drain_totals {
	uint64_t hops;		/* given to the spool: in the file, unless writing fails */
	uint64_t packets;	/* with at least one of them */
	uint64_t lost;		/* hops that were produced but not taken */
	uint64_t untracked;	/* of them because the map of packets was full */
	uint64_t missed;
	uint64_t others_lost;
	uint64_t unpaired;
	uint64_t unexplained;	/* produced - recorded - lost: 0, or the recorder is wrong */
};

const struct drain_totals *drain_totals(struct drain *d);	/* as of now; the losses are read from the kernel */

#endif

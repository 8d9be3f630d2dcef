/* SPDX-License-Identifier: GPL-2.0 */
/* filter_mark.h - how the recorder knows the stubs of filter.h: a constant that no compiler makes by itself. */
#ifndef PKT_FILTER_MARK_H
#define PKT_FILTER_MARK_H

#define FILTER_MARK_L2		0x706b74666c747201
#define FILTER_MARK_L3		0x706b74666c747202
#define FILTER_MARK_INNER_L2	0x706b74666c747203
#define FILTER_MARK_INNER_L3	0x706b74666c747204

#endif

/* SPDX-License-Identifier: MIT
 * scan_segment: the half of scan that opens files. Private to scan.c and scan_segment.c. */
#ifndef LOCUS_TXLOG_SCAN_SEGMENT_H
#define LOCUS_TXLOG_SCAN_SEGMENT_H

#include "services/txlog/scan.h"

/* Forget what was read of the present segment, and look again how long it is. */
void scan_refresh(struct scan *scan);

/* Does the stream go on in the next file? 1: that one is the present segment now, and hashing was started as wanted. 0: no.
 * -errno: that could not be found out. */
int scan_move_on(struct scan *scan);

/* Read the trailer that ends at this place afresh: is it sealed? */
bool scan_sealed_now(struct scan *scan, struct log_position end);

#endif

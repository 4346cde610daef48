/* SPDX-License-Identifier: MIT
 * bitmap: what the files of the bit commands share. Rows are in bitmap.c; BITFIELD is in bitmap_field.c. */
#ifndef LOCUS_REDISD_COMMANDS_BITMAP_H
#define LOCUS_REDISD_COMMANDS_BITMAP_H

#include "redisd/command.h"

/* A bit offset; "#n" means n times `width` where width is not 0. False, with the error answered, when it is none or lies beyond the largest string. */
bool bitmap_parse_offset(struct call *c, struct slice text, int width, uint64_t *offset);

void bitmap_bitfield(struct call *c);
void bitmap_bitfield_ro(struct call *c);

#endif

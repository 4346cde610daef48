/* SPDX-License-Identifier: MIT
 * score: doubles as the shortest decimal text that reads back as the same double: what a packed sorted set keeps.
 *
 * Most scores are prices, times and ratings: few digits. Both directions have a way for those that needs neither printf nor
 * strtod: a decimal of at most 15 digits and at most 22 places is a quotient of two exactly representable numbers, and one
 * correctly rounded division gives the same double as strtod. */
#ifndef LOCUS_KEYSPACE_SCORE_H
#define LOCUS_KEYSPACE_SCORE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/slice.h"

#define SCORE_TEXT_MAX 32 /* bytes, NUL included: "-2.2250738585072014e-308" */

/* True, and *integer set, when Redis stores this score as an integer in a listpack: whole, and within half of 64 bits. */
bool score_is_integer(double score, int64_t *integer);

/* Write the text and a NUL; returns its size without the NUL. Infinities are "inf" and "-inf"; not for NaN. */
size_t score_print(char text[SCORE_TEXT_MAX], double score);

/* Read any text that strtod reads (others give 0). */
double score_parse(struct slice text);

#endif

/* SPDX-License-Identifier: MIT
 * histogram: how often which value occurred, in buckets that are one sixteenth of their value wide at most.
 *
 * Values below 16 have a bucket each; above, every power of two is cut into 16 equal parts (log-linear). 60 powers of two cover
 * all of uint64. Recording is a count-leading-zeros and an addition. */
#ifndef LOCUS_KERNEL_HISTOGRAM_H
#define LOCUS_KERNEL_HISTOGRAM_H

#include <stdint.h>

enum {
    HISTOGRAM_PARTS = 16,                                     /* buckets per power of two: at most 6.25% error */
    HISTOGRAM_BUCKETS = HISTOGRAM_PARTS + 60 * HISTOGRAM_PARTS, /* 976: 7.6 KiB */
};

/* Zeros are an empty histogram. */
struct histogram {
    uint64_t count;
    uint64_t sum;
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* The bucket of a value, and the largest value of a bucket. */
unsigned histogram_bucket(uint64_t value);
uint64_t histogram_bucket_max(unsigned bucket);

void histogram_record(struct histogram *histogram, uint64_t value);
/* Add everything that was recorded in `other`. */
void histogram_merge(struct histogram *histogram, const struct histogram *other);
/* A value that at least `percent` (0 to 100) of the recorded ones do not exceed, exact to the bucket; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif

/* SPDX-License-Identifier: MIT
 * histogram: see histogram.h. */
#include "kernel/histogram.h"

enum { PARTS_LOG2 = 4 };
_Static_assert(1 << PARTS_LOG2 == HISTOGRAM_PARTS, "the parts are a power of two");

/* Values below 16 are their own bucket. Above, with e the position of the highest bit, the bucket is 16 * (e - 3) plus the four
 * bits below the highest. */
unsigned histogram_bucket(uint64_t value)
{
    if (value < HISTOGRAM_PARTS)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - PARTS_LOG2;
    return shift * HISTOGRAM_PARTS + (unsigned)(value >> shift);
}

uint64_t histogram_bucket_max(unsigned bucket)
{
    if (bucket < HISTOGRAM_PARTS)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_PARTS - 1;
    uint64_t base = HISTOGRAM_PARTS + bucket % HISTOGRAM_PARTS;
    return (base << shift) + ((1ull << shift) - 1);
}

void histogram_record(struct histogram *histogram, uint64_t value)
{
    histogram->buckets[histogram_bucket(value)]++;
    histogram->count++;
    histogram->sum += value;
    if (value > histogram->max)
        histogram->max = value;
}

void histogram_merge(struct histogram *histogram, const struct histogram *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        histogram->buckets[i] += other->buckets[i];
    histogram->count += other->count;
    histogram->sum += other->sum;
    if (other->max > histogram->max)
        histogram->max = other->max;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
    if (histogram->count == 0)
        return 0;
    uint64_t wanted = (uint64_t)(percent / 100.0 * (double)histogram->count + 0.5), seen = 0;
    if (wanted < 1)
        wanted = 1;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted) {
            uint64_t value = histogram_bucket_max(i);
            return value < histogram->max ? value : histogram->max;
        }
    }
    return histogram->max;
}

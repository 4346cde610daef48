/* SPDX-License-Identifier: MIT
 * cycles: the processor's own counter, for durations that are only looked at (slow log, latency), never for time that decides something. A
 * reading takes a third of a call to the clock. cycles_scale turns differences into nanoseconds; its owner refreshes it now and then from
 * the os clock, so no speed is assumed for longer than the first moments. */
#ifndef LOCUS_KERNEL_CYCLES_H
#define LOCUS_KERNEL_CYCLES_H

#include <stdint.h>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <time.h>
#endif

static inline uint64_t cycles_now(void)
{
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t value;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
    return value;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

struct cycles_scale {
    uint64_t cycles, ns; /* the readings that the scale counts from */
    double ns_per_cycle;
};

/* Start, or go on, with one reading of each clock taken together. */
static inline void cycles_calibrate(struct cycles_scale *scale, uint64_t cycles, uint64_t ns)
{
    if (scale->cycles == 0) {
        *scale = (struct cycles_scale){cycles, ns, 0.4};
    } else if (ns - scale->ns > 10000000 && cycles > scale->cycles) {
        scale->ns_per_cycle = (double)(ns - scale->ns) / (double)(cycles - scale->cycles);
        /* Keep the span at about a second or more, so that one reading's jitter does not show. */
        if (ns - scale->ns > 4000000000u) {
            scale->cycles = cycles;
            scale->ns = ns;
        }
    }
}

#endif

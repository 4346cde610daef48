/* SPDX-License-Identifier: MIT
 * prefetch: ask for a cache line without waiting for it.
 *
 * Not __builtin_prefetch: gcc holds a function that does nothing else for pure and, since nobody uses its result, drops the calls (seen with
 * gcc 12: every prefetch of a pipeline was gone). A volatile asm is an effect that it must keep. */
#ifndef LOCUS_KERNEL_PREFETCH_H
#define LOCUS_KERNEL_PREFETCH_H

static inline __attribute__((always_inline)) void prefetch(const void *address)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetcht0 %0" : : "m"(*(const char *)address));
#elif defined(__aarch64__)
    __asm__ volatile("prfm pldl1keep, %0" : : "Q"(*(const char *)address));
#else
    __builtin_prefetch(address);
#endif
}

#endif

/* SPDX-License-Identifier: MIT
 * os_sim: the os seam simulated: a clock that tests turn, randomness from a seed, and a disk that loses power.
 *
 * Each file has two contents: what programs see, and what is on stable storage. A write changes the first and remembers a copy
 * of every 4 KiB page that it touched; datasync moves the copies over. Names work alike: creations, renames and removals reach
 * stable storage with sync_dir, in order.
 *
 *      pwrite --> seen --+-- pending: page 7 (1st), page 8, page 7 (2nd) --datasync--> stable
 *                        |
 *      power loss        +--> each page: stable, any pending copy, or 512-byte pieces of several; then seen = stable
 *
 * So at a loss of power each unsynced write is kept, dropped, torn or overtaken by a later one, as a seed decides. A datasync
 * that fails drops the pending copies and leaves what programs see, as Linux does: a second one succeeds and saves nothing.
 *
 * Operations that change the disk are counted, and one of them can be made to fail, or to be the last before the power goes.
 * Sockets and pollers answer -ENOSYS. All calls may come from any thread. */
#ifndef LOCUS_KERNEL_OS_SIM_H
#define LOCUS_KERNEL_OS_SIM_H

#include "kernel/os.h"

struct os_sim;

/* A machine with an empty disk; its clocks start at a fixed time. */
struct os_sim *os_sim_new(uint64_t seed);
void os_sim_free(struct os_sim *sim);
struct os *os_sim_os(struct os_sim *sim); /* Borrowed until os_sim_free */

/* Both clocks go on by so much; they do not move by themselves. */
void os_sim_advance(struct os_sim *sim, uint64_t ns);
/* The wall clock alone, forwards or backwards. */
void os_sim_jump(struct os_sim *sim, int64_t us);

/* Kinds of operation, for counting and failing. */
enum {
    OS_SIM_WRITE = 1, /* pwrite */
    OS_SIM_SYNC = 2,  /* datasync, sync_dir */
    OS_SIM_FILL = 4,  /* zero_fill */
    OS_SIM_NAME = 8,  /* open that creates or truncates, rename, unlink, truncate, make_dir */
    OS_SIM_ALL = 15,  /* what changes the disk; power cuts count these */
    OS_SIM_READ = 16, /* pread, and open of a file that is there */
};

/* How many operations of these kinds were asked for. */
uint64_t os_sim_operations(const struct os_sim *sim, unsigned kinds);

/* From the n-th operation of these kinds on, counted from now and from 1, `times` operations of them fail with -error; n = 0:
 * none. A failing pwrite writes nothing, a failing zero_fill may have filled a part. */
void os_sim_fail(struct os_sim *sim, unsigned kinds, uint64_t n, uint64_t times, int error);
bool os_sim_fail_hit(const struct os_sim *sim); /* the failure asked for has happened */

/* The power goes during the n-th operation counted from now (n = 0: never): a write still becomes pending, a sync does not
 * happen; that operation and all later ones return -EIO until os_sim_power_on. */
void os_sim_cut(struct os_sim *sim, uint64_t n);
bool os_sim_is_cut(const struct os_sim *sim);

enum os_sim_loss {
    OS_SIM_KEEP_ALL, /* only the process ended: the kernel's cache survives */
    OS_SIM_LOSE_ALL, /* nothing unsynced survives */
    OS_SIM_MIX,      /* per page and seed: kept, dropped, torn, reordered */
};

/* What the disk holds after the machine comes back: descriptors and locks are gone, failures and cuts are forgotten. */
void os_sim_power_on(struct os_sim *sim, enum os_sim_loss loss, uint64_t seed);

/* The bytes that programs see of a file, to read and to damage; NULL when there is none. Valid until the file changes. */
uint8_t *os_sim_file(struct os_sim *sim, const char *path, uint64_t *size);

#endif

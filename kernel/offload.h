/* SPDX-License-Identifier: MIT
 * offload: threads for what truly blocks: fsync, long statements, index builds.
 *
 * Jobs of one offload start in the order in which they were given; with one thread they also end in it (a log's flusher is an
 * offload of one thread). `done` comes back to the reactor that gave the job, as a post: the micro-thread that waits is woken
 * there. Jobs are embedded by whoever gives them: nothing is allocated. */
#ifndef LOCUS_KERNEL_OFFLOAD_H
#define LOCUS_KERNEL_OFFLOAD_H

#include <stdbool.h>

#include "kernel/reactor.h"

/* Zero it, set run and done. Borrowed from offload_give until done is called (until run returned, when done is NULL). */
struct offload_job {
    struct post post;             /* Ours */
    struct offload_job *next;     /* Ours */
    struct reactor *reactor;      /* Ours */
    void (*run)(struct offload_job *job);                          /* on a thread of the offload */
    void (*done)(struct reactor *reactor, struct offload_job *job); /* on the reactor's thread; NULL: nobody is told */
};

struct offload;

/* Start `threads` threads (1 to 64). 0 or -errno. They take no signals. */
int offload_new(struct offload **offload, unsigned threads);
/* Finish every job that was given, then end the threads. `done` of the last jobs may still lie in the reactor's posts: free the
 * offload before the reactor. */
void offload_free(struct offload *offload);

/* Queue a job; its done goes to `reactor` (may be NULL when done is NULL). From any thread. */
void offload_give(struct offload *offload, struct reactor *reactor, struct offload_job *job);

/* A job that wakes an actor when it is done; it may lie in the actor's root (not under isolation_mask: the thread writes into it).
 * Zero it, set job.run, offload_wait_give, then AWAIT(offload_wait(...)). */
struct offload_wait {
    struct offload_job job;
    uint64_t actor;   /* handle of who waits */
    bool finished;
};
void offload_wait_give(struct offload *offload, struct actor *actor, struct offload_wait *wait);
/* Awaitable: 0 when the job is done. Cannot be cancelled: the job uses the memory. */
int offload_wait(struct offload_wait *wait);

#endif

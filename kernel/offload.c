/* SPDX-License-Identifier: MIT
 * offload: see offload.h. A mutex and a condition are enough: jobs take tens of microseconds at least. */
#include "kernel/offload.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "kernel/actor.h"

enum { THREADS_MAX = 64 };

struct offload {
    pthread_mutex_t mutex;    /* of what follows */
    pthread_cond_t arrived;   /* a job was queued, or it is time to end */
    struct offload_job *head; /* Borrowed: waiting jobs, the oldest first */
    struct offload_job *tail;
    bool ending;
    unsigned thread_count;
    pthread_t threads[THREADS_MAX];
};

/* The oldest job, waiting for one; NULL when it is time to end and none is left. */
static struct offload_job *take_job(struct offload *o)
{
    pthread_mutex_lock(&o->mutex);
    while (!o->head && !o->ending)
        pthread_cond_wait(&o->arrived, &o->mutex);
    struct offload_job *job = o->head;
    if (job) {
        o->head = job->next;
        if (!o->head)
            o->tail = NULL;
    }
    pthread_mutex_unlock(&o->mutex);
    return job;
}

static void *work(void *context)
{
    struct offload_job *job;
    while ((job = take_job(context))) {
        struct reactor *reactor = job->done ? job->reactor : NULL; /* a job that nobody is told of may free itself in run */
        job->run(job);
        if (reactor)
            reactor_post_node(reactor, &job->post);
    }
    return NULL;
}

int offload_new(struct offload **out, unsigned threads)
{
    assert(threads >= 1 && threads <= THREADS_MAX);
    struct offload *o = calloc(1, sizeof *o);
    if (!o)
        return -ENOMEM;
    pthread_mutex_init(&o->mutex, NULL);
    pthread_cond_init(&o->arrived, NULL);
    /* Signals are the reactor's business. Faults are not blocked: a blocked SIGSEGV that happens kills without a word. */
    sigset_t blocked, previous;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &blocked, &previous);
    int error = 0;
    while (o->thread_count < threads && !error) {
        error = pthread_create(&o->threads[o->thread_count], NULL, work, o);
        o->thread_count += !error;
    }
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (error) {
        offload_free(o);
        return -error;
    }
    *out = o;
    return 0;
}

void offload_free(struct offload *o)
{
    pthread_mutex_lock(&o->mutex);
    o->ending = true;
    pthread_cond_broadcast(&o->arrived);
    pthread_mutex_unlock(&o->mutex);
    for (unsigned i = 0; i < o->thread_count; i++)
        pthread_join(o->threads[i], NULL);
    pthread_cond_destroy(&o->arrived);
    pthread_mutex_destroy(&o->mutex);
    free(o);
}

static void job_done(struct reactor *reactor, struct post *post)
{
    struct offload_job *job = (struct offload_job *)(void *)((char *)post - offsetof(struct offload_job, post));
    job->done(reactor, job);
}

void offload_give(struct offload *o, struct reactor *reactor, struct offload_job *job)
{
    assert(reactor || !job->done);
    job->reactor = reactor;
    job->post.run = job_done;
    job->next = NULL;
    pthread_mutex_lock(&o->mutex);
    *(o->tail ? &o->tail->next : &o->head) = job;
    o->tail = job;
    pthread_cond_signal(&o->arrived);
    pthread_mutex_unlock(&o->mutex);
}

static void wait_done(struct reactor *reactor, struct offload_job *job)
{
    struct offload_wait *wait = (struct offload_wait *)(void *)((char *)job - offsetof(struct offload_wait, job));
    wait->finished = true;
    reactor_wake(reactor, wait->actor);
}

void offload_wait_give(struct offload *o, struct actor *actor, struct offload_wait *wait)
{
    wait->actor = actor_handle(actor);
    wait->finished = false;
    wait->job.done = wait_done;
    offload_give(o, actor_reactor(actor), &wait->job);
}

int offload_wait(struct offload_wait *wait)
{
    return wait->finished ? 0 : CO_WAIT;
}

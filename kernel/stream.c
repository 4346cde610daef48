/* SPDX-License-Identifier: MIT
 * stream: see stream.h. Here: opening, input, closing. Output and the gate are in stream_output.c.
 *
 * The life of a stream and who makes each move:
 *
 *      stream_open --> open --stream_close--> closing: sending --stream_close_step--> closing: waiting for the peer's end --> destroyed
 *                        \                        \ (broken, or out of time)                                            /
 *                         `---- stream_abort ------`---------------------------------------------------------------> --' */
#include "kernel/stream.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>

#include "kernel/internal.h"

/* ---- opening ---- */

static void stream_ready(struct reactor *r, struct source *source, uint32_t events)
{
    (void)r;
    struct stream *s = (struct stream *)source;
    if (events & (OS_READABLE | OS_HANGUP)) {
        s->readable = true;
        s->hangup = s->hangup || (events & OS_HANGUP);
        if (s->actor)
            actor_wake(s->actor);
    }
    if (s->blocked && (events & (OS_WRITABLE | OS_HANGUP)))
        stream_writable(s); /* goes on with closing by itself */
    else if (s->closing)
        stream_close_step(s);
}

static void close_source(struct reactor *r, struct source *source)
{
    (void)r;
    stream_destroy((struct stream *)source);
}

static const struct source_class stream_class = {stream_ready, close_source};

static struct stream *make(struct reactor *r, int in_fd, int out_fd)
{
    struct stream *s = slab_new(&r->sources);
    s->source.class = &stream_class;
    s->reactor = r;
    s->in_fd = in_fd;
    s->out_fd = out_fd;
    r->counters.streams_open++;
    return s;
}

struct stream *stream_open(struct reactor *r, int fd)
{
    struct stream *s = make(r, fd, fd);
    if (r->os->ops->poller_add(r->os->self, r->poller, fd, OS_READABLE | OS_EDGE, slab_handle(s)) < 0) {
        stream_destroy(s);
        return NULL;
    }
    return s;
}

struct stream *stream_open_pair(struct reactor *r, int in_fd, int out_fd)
{
    const struct os_ops *ops = r->os->ops;
    struct stream *s = make(r, in_fd, out_fd);
    if (ops->adopt) {
        ops->adopt(r->os->self, in_fd);
        ops->adopt(r->os->self, out_fd);
    }
    int error = ops->poller_add(r->os->self, r->poller, in_fd, OS_READABLE | OS_EDGE, slab_handle(s));
    if (error == -EPERM) { /* a regular file is always ready, so epoll does not want it */
        s->readable = true;
    } else if (error < 0) {
        stream_destroy(s);
        return NULL;
    }
    return s;
}

void stream_give(struct stream *s, struct actor *actor)
{
    assert(!s->actor);
    assert(!s->closing);
    s->actor = actor;
    s->actor_next = actor->streams;
    actor->streams = s;
    if (s->readable)
        actor_wake(actor);
}

struct stream *stream_of(struct reactor *r, uint64_t handle)
{
    struct stream *s = slab_get(&r->sources, handle);
    return s && s->source.class == &stream_class && !s->closing ? s : NULL;
}

/* ---- input ---- */

static size_t unconsumed(const struct stream *s)
{
    assert(s->in_at <= s->in.size);
    return s->in.size - s->in_at;
}

static void give_back_input(struct stream *s)
{
    s->in.size = s->in_at = 0;
    pool_take_back(&s->reactor->buffers, &s->in);
}

/* Move what is unconsumed to the front, so that the whole rest of the buffer is free. */
static void move_down(struct stream *s)
{
    if (s->in_at == 0)
        return;
    buffer_consume(&s->in, s->in_at);
    s->in_at = 0;
}

/* Make free room behind the unconsumed bytes. A peer that announces much gets memory as its bytes arrive, not before. */
static void make_room(struct stream *s, size_t need)
{
    if (unconsumed(s) == 0)
        s->in.size = s->in_at = 0;
    pool_fill(&s->reactor->buffers, &s->in);
    if (s->in.capacity - s->in.size < s->in.capacity / 2)
        move_down(s);
    size_t have = s->in.size - s->in_at, wanted = need < STREAM_TRUSTED_NEED ? need : STREAM_TRUSTED_NEED;
    if (wanted > s->in.capacity - s->in_at) {
        move_down(s);
        if (wanted > s->in.capacity)
            buffer_grow(&s->in, wanted - have);
    }
    if (s->in.size == s->in.capacity)
        buffer_grow(&s->in, 1);
}

/* Nothing to read. What was written goes out before anybody waits for an answer to it. */
static int wait_for_input(struct stream *s)
{
    if (s->list)
        stream_flush(s);
    if (unconsumed(s) == 0)
        give_back_input(s);
    return CO_WAIT;
}

/* The input is over: with 0 or -errno, now and for every later question. */
static int end_input(struct stream *s, int error)
{
    s->ended = true;
    s->read_error = error;
    if (unconsumed(s) == 0)
        give_back_input(s);
    return error;
}

int stream_fill(struct stream *s, size_t need)
{
    struct reactor *r = s->reactor;
    struct actor *actor = s->actor;
    if (actor && actor->cancelled)
        return actor->cancelled;
    if (s->ended)
        return s->read_error;
    if (!s->readable)
        return wait_for_input(s);
    if (actor && actor->budget_left == 0)
        return CO_AGAIN;
    make_room(s, need);
    size_t room = s->in.capacity - s->in.size;
    ssize_t n = r->os->ops->read(r->os->self, s->in_fd, s->in.base + s->in.size, room < INT_MAX ? room : INT_MAX);
    r->counters.reads++;
    if (n == -EAGAIN) {
        s->readable = s->hangup = false;
        return wait_for_input(s);
    }
    if (n <= 0)
        return end_input(s, (int)n);
    /* A short read emptied the socket, and a new edge will tell of more; but the end of the input, once told, is not told again. What is
     * not a socket (a terminal gives a line at a time, a file no edges at all) is asked until it says that there is nothing. */
    if ((size_t)n < room && !s->hangup && s->in_fd == s->out_fd)
        s->readable = false;
    s->in.size += (size_t)n;
    r->counters.bytes_in += (uint64_t)n;
    if (actor)
        actor->bytes_in += (uint64_t)n;
    return (int)n;
}

bool streams_quiet(struct actor *actor)
{
    for (struct stream *s = actor->streams; s; s = s->actor_next) {
        if (unconsumed(s) || stream_pending(s) || s->readable || s->ended)
            return false;
        give_back_input(s);
        stream_drop_output(s); /* empty: only its buffer goes back */
    }
    return true;
}

/* ---- closing ---- */

static void leave_actor(struct stream *s)
{
    if (!s->actor)
        return;
    struct stream **link = &s->actor->streams;
    while (*link != s)
        link = &(*link)->actor_next;
    *link = s->actor_next;
    s->actor = NULL;
    s->actor_next = NULL;
}

static void unlinger(struct stream *s)
{
    struct reactor *r = s->reactor;
    if (!s->linger_prev && r->lingering.head != s)
        return;
    *(s->linger_prev ? &s->linger_prev->linger_next : &r->lingering.head) = s->linger_next;
    *(s->linger_next ? &s->linger_next->linger_prev : &r->lingering.tail) = s->linger_prev;
    r->counters.streams_lingering--;
}

static void linger(struct stream *s)
{
    struct reactor *r = s->reactor;
    s->close_deadline_ns = r->now_ns + r->options.linger_ns;
    s->linger_prev = r->lingering.tail;
    *(r->lingering.tail ? &r->lingering.tail->linger_next : &r->lingering.head) = s;
    r->lingering.tail = s;
    r->counters.streams_lingering++;
    sweep_arm(r);
}

void stream_destroy(struct stream *s)
{
    struct reactor *r = s->reactor;
    const struct os_ops *ops = r->os->ops;
    leave_actor(s);
    unlinger(s);
    stream_drop_output(s);
    give_back_input(s);
    if (s->out_fd != s->in_fd) {
        /* Closing ends a registration only with the last copy of the descriptor, and inherited ones have copies elsewhere. */
        ops->poller_remove(r->os->self, r->poller, s->in_fd);
        ops->poller_remove(r->os->self, r->poller, s->out_fd);
        ops->close(r->os->self, s->out_fd);
    }
    ops->close(r->os->self, s->in_fd);
    r->counters.streams_open--;
    slab_free(&r->sources, s);
}

/* Read and forget what is there. True when the peer has ended its side. */
static bool discard_input(struct stream *s)
{
    struct reactor *r = s->reactor;
    ssize_t n = 1;
    give_back_input(s);
    pool_fill(&r->buffers, &s->in);
    /* Bounded: a peer that sends without end must not hold the turn. */
    for (int i = 0; i < 16 && n > 0; i++)
        n = r->os->ops->read(r->os->self, s->in_fd, s->in.base, s->in.capacity);
    give_back_input(s);
    return n <= 0 && n != -EAGAIN;
}

void stream_close_step(struct stream *s)
{
    struct reactor *r = s->reactor;
    assert(s->closing);
    if (stream_pending(s) && !s->broken && !(s->hurried && s->blocked))
        return;
    if (!s->shut && !s->broken && !s->ended && s->in_fd == s->out_fd) {
        s->shut = true;
        if (r->os->ops->shutdown_write(r->os->self, s->out_fd) < 0)
            s->ended = true; /* the peer is gone altogether */
    }
    /* Closing a socket with unread input resets the connection, and a reset overtakes replies that the peer has not read yet. */
    if (s->broken || s->ended || s->in_fd != s->out_fd || discard_input(s) || s->hurried)
        stream_destroy(s);
}

void stream_close(struct stream *s)
{
    assert(!s->closing);
    leave_actor(s);
    s->closing = true;
    linger(s);
    if (s->list)
        stream_flush(s); /* steps on by itself when nothing stays behind */
    else
        stream_close_step(s);
}

void stream_abort(struct stream *s)
{
    assert(!s->closing);
    stream_destroy(s);
}

void streams_leave(struct actor *actor, bool abort)
{
    while (actor->streams) {
        if (abort)
            stream_abort(actor->streams);
        else
            stream_close(actor->streams);
    }
}

void streams_end_lingering(struct reactor *r)
{
    while (r->lingering.head && r->lingering.head->close_deadline_ns <= r->now_ns)
        stream_destroy(r->lingering.head);
}

int stream_local_name(struct stream *s, char *name, size_t size)
{
    return s->reactor->os->ops->local_name(s->reactor->os->self, s->in_fd, name, size);
}

int stream_keepalive(struct stream *s, int seconds)
{
    return s->reactor->os->ops->keepalive(s->reactor->os->self, s->in_fd, seconds);
}

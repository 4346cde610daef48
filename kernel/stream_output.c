/* SPDX-License-Identifier: MIT
 * stream_output: the sending half of streams: marks, the gate, writes. See stream.h.
 *
 * 1. A stream is in reactor->dirty when bytes were appended that nobody has tried to send; in reactor->gated when bytes are left that
 *    only the gate holds back. When only the peer holds them back (blocked) it is in neither: the poller will tell.
 * 2. sent <= size, and every mark's end is greater than `released` and at most size; marks are in ascending order of both end and tx.
 * 3. mark_count > 0: bytes from `released` on wait, but for those that were sent before the first mark. mark_count == 0: everything may
 *    leave. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "kernel/internal.h"

/* Sent bytes at the front that are worth moving the rest down for: amortised, each byte moves less than once. */
enum { COMPACT_BYTES = 64 * 1024 };

/* ---- lists ---- */

static struct stream_list *list_of(struct stream *s)
{
    return s->list == STREAM_DIRTY ? &s->reactor->dirty : &s->reactor->gated;
}

static void enlist(struct stream *s, enum stream_list_kind kind)
{
    assert(s->list == STREAM_UNLISTED);
    s->list = (uint8_t)kind;
    struct stream_list *list = list_of(s);
    s->list_prev = list->tail;
    s->list_next = NULL;
    *(list->tail ? &list->tail->list_next : &list->head) = s;
    list->tail = s;
}

void stream_unlist(struct stream *s)
{
    if (s->list == STREAM_UNLISTED)
        return;
    struct stream_list *list = list_of(s);
    *(s->list_prev ? &s->list_prev->list_next : &list->head) = s->list_next;
    *(s->list_next ? &s->list_next->list_prev : &list->tail) = s->list_prev;
    s->list = STREAM_UNLISTED;
}

/* ---- appending ---- */

struct buffer *stream_output_begin(struct stream *s)
{
    pool_fill(&s->reactor->buffers, &s->out);
    if (s->list == STREAM_UNLISTED)
        enlist(s, STREAM_DIRTY);
    return &s->out;
}

void stream_mark(struct stream *s, uint64_t tx)
{
    if (stream_pending(s) == 0 || (s->mark_count == 0 && tx <= s->reactor->gate))
        return;
    struct stream_mark *last = s->mark_count ? &s->marks[s->mark_count - 1] : NULL;
    if (last && (tx <= last->tx || s->mark_count == STREAM_MARKS_MAX)) {
        last->end = s->out.size;
        last->tx = tx > last->tx ? tx : last->tx;
        return;
    }
    s->marks[s->mark_count++] = (struct stream_mark){s->out.size, tx};
}

/* ---- sending ---- */

static void forget_output(struct stream *s)
{
    s->out.size = s->sent = s->released = 0;
    s->mark_count = 0;
    pool_take_back(&s->reactor->buffers, &s->out);
}

void stream_drop_output(struct stream *s)
{
    stream_unlist(s);
    forget_output(s);
}

/* Take away the marks that the gate has reached. */
static void pass_marks(struct stream *s)
{
    unsigned passed = 0;
    while (passed < s->mark_count && s->marks[passed].tx <= s->reactor->gate)
        s->released = s->marks[passed++].end;
    if (passed == 0)
        return;
    s->mark_count = (uint8_t)(s->mark_count - passed);
    memmove(s->marks, s->marks + passed, s->mark_count * sizeof s->marks[0]);
}

void stream_discard_gated(struct stream *s)
{
    pass_marks(s);
    if (s->mark_count == 0)
        return;
    s->out.size = s->released > s->sent ? s->released : s->sent;
    s->mark_count = 0;
}

/* Ask the poller for OS_WRITABLE, or stop asking. */
static void want_writable(struct stream *s, bool wanted)
{
    const struct os_ops *ops = s->reactor->os->ops;
    void *os = s->reactor->os->self;
    uint64_t tag = slab_handle(s);
    if (s->in_fd == s->out_fd) {
        ops->poller_change(os, s->reactor->poller, s->out_fd, OS_READABLE | OS_EDGE | (wanted ? OS_WRITABLE : 0u), tag);
        return;
    }
    uint32_t events = OS_EDGE | (wanted ? OS_WRITABLE : 0u);
    int error = s->out_polled ? ops->poller_change(os, s->reactor->poller, s->out_fd, events, tag)
                              : ops->poller_add(os, s->reactor->poller, s->out_fd, events, tag);
    s->out_polled = s->out_polled || error == 0;
}

/* The peer will take nothing more. The owner learns it from its next read, which also gives it what the peer still sent. */
static void break_output(struct stream *s)
{
    s->broken = true;
    s->blocked = false;
    s->readable = true;
    forget_output(s);
}

/* Write until limit, or until the peer's window is full. */
static void write_until(struct stream *s, size_t limit)
{
    struct reactor *r = s->reactor;
    while (s->sent < limit) {
        size_t size = limit - s->sent < INT_MAX ? limit - s->sent : INT_MAX;
        ssize_t n = r->os->ops->write(r->os->self, s->out_fd, s->out.base + s->sent, size);
        r->counters.writes++;
        if (n < 0 && n != -EAGAIN) {
            break_output(s);
            return;
        }
        if (n > 0) {
            s->sent += (size_t)n;
            r->counters.bytes_out += (uint64_t)n;
            if (s->actor)
                s->actor->bytes_out += (uint64_t)n;
        }
        if (n < (ssize_t)size) {
            if (!s->blocked)
                want_writable(s, true);
            s->blocked = true;
            return;
        }
    }
}

/* Move unsent bytes to the front of a buffer that is mostly sent. */
static void compact(struct stream *s)
{
    if (s->sent < COMPACT_BYTES || s->sent < s->out.size / 2)
        return;
    for (unsigned i = 0; i < s->mark_count; i++)
        s->marks[i].end -= s->sent;
    s->released -= s->released < s->sent ? s->released : s->sent;
    buffer_consume(&s->out, s->sent);
    s->sent = 0;
}

/* What is left waits for the gate, for the peer, or is nothing. */
static void settle(struct stream *s)
{
    if (s->sent == s->out.size)
        forget_output(s);
    else {
        compact(s);
        if (s->mark_count)
            enlist(s, STREAM_GATED);
    }
    if (s->draining) {
        s->draining = false;
        if (s->actor)
            actor_wake(s->actor);
    } else if (s->broken && s->actor) {
        actor_wake(s->actor);
    }
}

/* Send what may leave, as far as the peer takes it. */
static void send_released(struct stream *s)
{
    stream_unlist(s);
    if (s->broken)
        forget_output(s);
    pass_marks(s);
    size_t limit = s->mark_count ? s->released : s->out.size;
    if (limit > s->sent && !s->blocked)
        write_until(s, limit);
}

void stream_flush(struct stream *s)
{
    send_released(s);
    settle(s);
    if (s->closing)
        stream_close_step(s); /* may destroy it */
}

void stream_writable(struct stream *s)
{
    s->blocked = false;
    send_released(s);
    if (!s->blocked && !s->broken)
        want_writable(s, false);
    settle(s);
    if (s->closing)
        stream_close_step(s);
}

int stream_drain(struct stream *s, size_t below)
{
    if (s->actor && s->actor->cancelled)
        return s->actor->cancelled;
    if (s->list)
        stream_flush(s);
    if (s->broken || stream_pending(s) < below)
        return 0;
    s->draining = true;
    return CO_WAIT;
}

/* ---- the end of the turn ---- */

void streams_flush_all(struct reactor *r)
{
    while (r->dirty.head)
        stream_flush(r->dirty.head);
    if (!r->gate_moved)
        return;
    r->gate_moved = false;
    /* Those that must go on waiting join the list's end: look at each one that is there now, once. */
    struct stream *last = r->gated.tail;
    for (struct stream *s = r->gated.head, *next; s; s = next) {
        next = s == last ? NULL : s->list_next;
        stream_flush(s);
    }
}

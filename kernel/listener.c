/* SPDX-License-Identifier: MIT
 * listener: see listener.h. */
#include "kernel/listener.h"

#include <errno.h>
#include <stdlib.h>

/* Without descriptors, even the spare one: how long to leave the backlog alone, instead of being woken for it again and again. */
static const uint64_t pause_ns = 100000000u;

_Static_assert(sizeof(struct listener) <= sizeof(struct stream), "sources share one slab");

static int open_spare(struct reactor *r)
{
    return r->os->ops->open(r->os->self, "/dev/null", OS_READ);
}

static void set_accepting(struct listener *l, bool accepting)
{
    struct os *os = l->reactor->os;
    os->ops->poller_change(os->self, l->reactor->poller, l->fd, accepting ? OS_READABLE : 0u, slab_handle(l));
}

static void pause_accepting(struct listener *l)
{
    set_accepting(l, false);
    timer_set(&l->reactor->timers, &l->retry, l->reactor->now_ns + pause_ns);
}

static void retry_fire(void *context)
{
    struct listener *l = context;
    if (l->spare_fd < 0)
        l->spare_fd = open_spare(l->reactor);
    set_accepting(l, true);
}

static int accept_one(struct listener *l, char *peer)
{
    struct os *os = l->reactor->os;
    return os->ops->accept(os->self, l->fd, peer, LISTENER_PEER_MAX);
}

/* A connection that can only be told that there is no room. */
static int accept_on_spare(struct listener *l, char *peer)
{
    struct os *os = l->reactor->os;
    if (l->spare_fd < 0)
        return -EMFILE;
    os->ops->close(os->self, l->spare_fd);
    l->spare_fd = -1;
    return accept_one(l, peer);
}

static void hand_on(struct listener *l, int fd, const char *peer, int error)
{
    struct reactor *r = l->reactor;
    struct stream *stream = stream_open(r, fd);
    r->counters.accepted++;
    if (error || !stream)
        r->counters.refused++;
    if (!stream)
        return;
    stream->hurried = error != 0;
    l->accepted(l->context, stream, peer, error);
}

static void listener_ready(struct reactor *r, struct source *source, uint32_t events)
{
    (void)r, (void)events;
    struct listener *l = (struct listener *)source;
    char peer[LISTENER_PEER_MAX];
    for (int i = 0; i < REACTOR_ACCEPTS_PER_TURN; i++) {
        int error = 0, fd = accept_one(l, peer);
        if (fd == -EMFILE || fd == -ENFILE) {
            fd = accept_on_spare(l, peer);
            error = -EMFILE;
        }
        if (fd == -EAGAIN)
            break;
        if (fd < 0) {
            pause_accepting(l);
            break;
        }
        hand_on(l, fd, peer, error);
        if (l->spare_fd < 0)
            l->spare_fd = open_spare(l->reactor);
    }
    if (l->spare_fd < 0)
        l->spare_fd = open_spare(l->reactor);
}

static void close_source(struct reactor *r, struct source *source)
{
    (void)r;
    listener_close((struct listener *)source);
}

static const struct source_class listener_class = {listener_ready, close_source};

int listener_open(struct listener **out, struct reactor *r, int fd, listener_accept_fn accepted, void *context)
{
    struct listener *l = slab_new(&r->sources);
    l->source.class = &listener_class;
    l->reactor = r;
    l->fd = fd;
    l->spare_fd = open_spare(r);
    l->accepted = accepted;
    l->context = context;
    l->retry = (struct timer){.fire = retry_fire, .context = l};
    /* Not by edges: what one turn does not accept is reported again. */
    int error = r->os->ops->poller_add(r->os->self, r->poller, fd, OS_READABLE, slab_handle(l));
    if (error < 0) {
        listener_close(l);
        return error;
    }
    *out = l;
    return 0;
}

void listener_close(struct listener *l)
{
    struct reactor *r = l->reactor;
    timer_cancel(&r->timers, &l->retry);
    if (l->spare_fd >= 0)
        r->os->ops->close(r->os->self, l->spare_fd);
    r->os->ops->close(r->os->self, l->fd);
    slab_free(&r->sources, l);
}

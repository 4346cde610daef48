/* SPDX-License-Identifier: MIT
 * stream: bytes from and to a peer: a socket, or a pair of pipes, behind one interface; buffers from the reactor's pool.
 *
 * Input, contiguous:                          Output, contiguous:
 *
 *      base     in_at        size                  base      sent       released     marks[0].end  ...  size
 *       | consumed | unconsumed | free ->           | sent      | may leave | waits for marks[0].tx |     | free ->
 *
 * 1. A stream holds an input buffer only while unconsumed bytes are in it, and an output buffer only while unsent ones are.
 * 2. The poller reports edges: `readable` stays set until a read came back short. One registration per connection.
 * 3. Reading. stream_fill reads once into the free room. When nothing is there it first flushes what may leave, then waits.
 *    A pipeline of requests that arrived together is so answered by one write.
 * 4. The gate. stream_mark(s, tx) says that everything appended so far depends on transaction tx; bytes leave only when
 *    reactor->gate has reached the tx of the mark that covers them. Bytes behind the last mark wait only for those before them. So mark
 *    after appending and before the next await. Marks never go down; when there are more than MARKS_MAX the newest two become one.
 * 5. Anybody on the reactor's thread may append to any open stream (stream_output, append, stream_mark): it is sent at the end
 *    of the turn. One write per stream and turn, unless it is short.
 * 6. A peer that shut down its side: stream_fill returns 0 once the last byte is consumed; replies still go out. When the peer
 *    is gone for good, output is dropped silently and stream_fill returns what the read says (0 or -ECONNRESET).
 * 7. stream_close sends what is pending (gate included), shuts down, and waits at most options.linger_ns for the peer's end before
 *    the kernel closes the descriptor: a last error reply is not lost to a reset. stream_abort closes at once. */
#ifndef LOCUS_KERNEL_STREAM_H
#define LOCUS_KERNEL_STREAM_H

#include "kernel/actor.h"
#include "kernel/buffer.h"
#include "kernel/reactor.h"
#include "kernel/slice.h"

enum {
    STREAM_MARKS_MAX = 4,
    STREAM_TRUSTED_NEED = 1 << 20, /* an announced size up to this is allocated at once; beyond it as the bytes arrive */
};

enum stream_list_kind { STREAM_UNLISTED, STREAM_DIRTY, STREAM_GATED };

struct stream_mark {
    size_t end;   /* offset in out.base: the bytes before it ... */
    uint64_t tx;  /* ... may leave when the gate has reached this */
};

struct stream {
    struct source source;
    struct reactor *reactor;
    struct actor *actor;          /* woken by its events; NULL: lingering, or not given to one yet */
    struct stream *actor_next;    /* next stream of the same actor */
    struct stream *list_prev, *list_next;     /* in reactor->dirty or reactor->gated */
    struct stream *linger_prev, *linger_next; /* in reactor->lingering, while closing */
    int in_fd, out_fd;            /* Ours; equal for sockets; -1 when closed */
    uint8_t list;                 /* enum stream_list_kind: which of the two it is in */
    bool readable;                /* a read may find something */
    bool hangup;                  /* the peer ended its side: after the last byte a read returns 0 at once, without a new edge */
    bool ended;                   /* a read returned 0 or an error */
    bool broken;                  /* a write failed: output is dropped */
    bool blocked;                 /* a write was short: waiting for OS_WRITABLE */
    bool draining;                /* stream_drain waits: wake the actor when output leaves */
    bool closing;                 /* stream_close was called */
    bool shut;                    /* our side is shut down */
    bool hurried;                 /* its descriptor is needed: closing does not wait for the peer's end */
    bool out_polled;              /* out_fd has a registration of its own */
    uint8_t mark_count;
    int read_error;               /* -errno that ended reading, 0 otherwise */
    size_t in_at;                 /* consumed bytes at the front of `in` */
    struct buffer in;
    struct buffer out;
    size_t sent;                  /* bytes of out that have left */
    size_t released;              /* end of the last mark that the gate has passed */
    uint64_t close_deadline_ns;   /* while lingering */
    struct stream_mark marks[STREAM_MARKS_MAX];
};

/* Make a stream of a connected socket (as os->accept returns it); takes the descriptor, also when it fails. NULL: the poller
 * refused. */
struct stream *stream_open(struct reactor *reactor, int fd);
/* Make one of two descriptors (standard input and output); takes both. They become non-blocking. */
struct stream *stream_open_pair(struct reactor *reactor, int in_fd, int out_fd);

/* Have its events wake this actor. Streams of an actor that ends are closed (stream_close). */
void stream_give(struct stream *stream, struct actor *actor);

/* Its handle, for whoever may outlive it; the stream of a handle, NULL when it is closed. */
static inline uint64_t stream_handle(const struct stream *stream) { return slab_handle(stream); }
struct stream *stream_of(struct reactor *reactor, uint64_t handle);

/* Awaitable: more input. Reads what is there, once; `need`: how many unconsumed bytes the caller wants to see in the end (0: not
 * known): the buffer grows to hold them. Returns the number of bytes read (at least 1), 0 at the end of the input, CO_WAIT,
 * -errno, or what actor_cancel said. Slices into the input are invalid afterwards. When the actor's budget is used up it returns CO_AGAIN: others go first. */
int stream_fill(struct stream *stream, size_t need);

/* What has been read and not been consumed. Valid until the next stream_fill or until it is consumed and the actor awaits. */
static inline struct slice stream_input(const struct stream *stream)
{
    return slice_of(stream->in.base + stream->in_at, stream->in.size - stream->in_at);
}

/* Mark the first `size` bytes of the input as done. The bytes stay readable until the next stream_fill. */
static inline void stream_consume(struct stream *stream, size_t size)
{
    stream->in_at += size;
}

/* The slow path of stream_output. */
struct buffer *stream_output_begin(struct stream *stream);

/* Where to append output. The buffer's address is the stream's; the memory behind it comes from the pool and goes back when everything is
 * sent, so ask again after every await. Appending to a stream that is broken is harmless. */
static inline struct buffer *stream_output(struct stream *stream)
{
    return stream->list && stream->out.capacity ? &stream->out : stream_output_begin(stream);
}

/* Everything appended so far depends on transaction tx. */
void stream_mark(struct stream *stream, uint64_t tx);

/* Drop the pending output that the gate holds back: what it depended on will not come about. */
void stream_discard_gated(struct stream *stream);

/* Send now what may leave. Called by the kernel before a read waits and at the end of each turn. */
void stream_flush(struct stream *stream);

/* Bytes appended and not yet sent, those behind the gate included. */
static inline size_t stream_pending(const struct stream *stream)
{
    return stream->out.size - stream->sent;
}

/* Awaitable: 0 when fewer than `below` bytes are pending (or the peer is gone). For back-pressure. */
int stream_drain(struct stream *stream, size_t below);

/* Whether the peer has ended its side, or is gone. Pending input may still be there. */
static inline bool stream_peer_ended(const struct stream *stream) { return stream->ended || stream->hangup; }

/* Send what is pending, then close. The stream may not be used afterwards. */
void stream_close(struct stream *stream);
/* Close at once; pending output is lost. To end another actor's session, actor_cancel it instead. */
void stream_abort(struct stream *stream);

/* The descriptor's own name ("127.0.0.1:6379" or a path) and keep-alive. 0 or -errno. */
int stream_local_name(struct stream *stream, char *name, size_t size);
int stream_keepalive(struct stream *stream, int seconds);

#endif

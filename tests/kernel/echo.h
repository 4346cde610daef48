/* SPDX-License-Identifier: MIT
 * echo: the smallest daemon that the kernel can carry, and the worked example: a session that sends back what it gets. */
#ifndef LOCUS_TESTS_KERNEL_ECHO_H
#define LOCUS_TESTS_KERNEL_ECHO_H

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/listener.h"
#include "tests/support.h"

struct echo {
    struct co co;
    struct actor *actor;
    struct stream *stream;
    uint64_t served; /* bytes; survives parking */
};

static inline int echo_run(struct actor *actor, void *root)
{
    struct echo *self = root;
    (void)actor;
    CO_BEGIN(self);
    for (;;) {
        TRY(stream_fill(self->stream, 0)); /* parks until something is here */
        if (CO_RESULT == 0)
            break;
        struct slice input = stream_input(self->stream);
        buffer_append_slice(stream_output(self->stream), input);
        self->served += input.size;
        stream_consume(self->stream, input.size);
    }
    CO_FINALLY;
    stream_close(self->stream);
    CO_END;
}

/* All that an idle session must remember: whose stream it is, and its counter. */
struct echo_record {
    struct stream *stream;
    uint64_t served;
};

static inline int echo_park(struct actor *actor, void *root, void *record)
{
    (void)actor;
    struct echo *self = root;
    memcpy(record, &(struct echo_record){self->stream, self->served}, sizeof(struct echo_record));
    return sizeof(struct echo_record);
}

static inline void echo_unpark(struct actor *actor, void *root, const void *record, size_t size)
{
    struct echo *self = root;
    struct echo_record kept;
    assert_int_equal(size, sizeof kept);
    memcpy(&kept, record, size);
    self->actor = actor;
    self->stream = kept.stream;
    self->served = kept.served;
}

static const struct actor_class echo_class = {
    .name = "echo", .root_size = sizeof(struct echo), .run = echo_run, .park = echo_park, .unpark = echo_unpark};

/* A session on a connected descriptor. */
static inline struct echo *echo_spawn_on(struct stream *stream)
{
    struct actor *actor = actor_spawn(stream->reactor, &echo_class);
    assert_non_null(actor);
    struct echo *self = actor_root(actor);
    self->actor = actor;
    self->stream = stream;
    stream_give(stream, actor);
    return self;
}

/* What a daemon does with a connection: refuse it clearly, or give it a session. */
static inline void echo_accepted(void *context, struct stream *stream, const char *peer, int error)
{
    (void)context, (void)peer;
    if (error) {
        buffer_append_slice(stream_output(stream), SLICE("-ERR max number of clients reached\r\n"));
        stream_close(stream);
        return;
    }
    echo_spawn_on(stream);
}

/* ---- helpers of the tests ---- */

static inline struct reactor *new_reactor(const struct reactor_options *options)
{
    struct reactor *r;
    assert_int_equal(reactor_new(&r, os_linux(), options), 0);
    return r;
}

/* A connected pair: one end as a stream, the other for the test, non-blocking. */
static inline struct stream *open_pair(struct reactor *r, int *peer)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    *peer = fds[1];
    struct stream *stream = stream_open(r, fds[0]);
    assert_non_null(stream);
    return stream;
}

static inline void turns(struct reactor *r, int count)
{
    while (count--)
        assert_int_equal(reactor_turn(r, 0), 0);
}

static inline void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What can be read from fd now, as text; "" for nothing, "END" when the peer has closed. */
static inline const char *receive_text(int fd, char *text, size_t size)
{
    ssize_t n = recv(fd, text, size - 1, MSG_DONTWAIT);
    if (n == 0)
        return "END";
    text[n < 0 ? 0 : n] = 0;
    return text;
}

#define assert_receives(fd, expected)                                                  \
    do {                                                                               \
        char text_[256];                                                               \
        assert_string_equal(receive_text((fd), text_, sizeof text_), (expected));      \
    } while (0)

static inline int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

#endif

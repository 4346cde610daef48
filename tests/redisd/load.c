/* SPDX-License-Identifier: MIT
 * load: see load.h. */
#include "tests/redisd/load.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    SET_KEYS = 16,
    LIST_LONG = 5000, /* elements from which on a list is emptied after a check, to keep checks short */
    REPLY_LINES = 6,  /* of a pair: OK, QUEUED, QUEUED, *2, OK, OK */
    SETTLE_MS = 10000,
};

void load_init(struct load *load, uint64_t seed)
{
    *load = (struct load){.depth = 32, .seed = seed};
    for (int i = 0; i < LOAD_WRITERS; i++)
        load->writers[i] = (struct writer){.kind = (enum load_kind)(i % LOAD_KINDS), .number = i, .fd = -1};
}

void load_free(struct load *load)
{
    for (int i = 0; i < LOAD_WRITERS; i++) {
        struct writer *w = &load->writers[i];
        if (w->fd >= 0)
            close(w->fd);
        buffer_free(&w->out);
        buffer_free(&w->in);
    }
}

void load_connect(struct load *load, const struct daemon *daemon)
{
    for (int i = 0; i < LOAD_WRITERS; i++) {
        struct writer *w = &load->writers[i];
        w->fd = raw_open(daemon);
        fcntl(w->fd, F_SETFL, O_NONBLOCK);
        w->out.size = w->in.size = 0;
        w->lines = 0;
        w->sent = w->acknowledged;
    }
}

static void disconnect(struct writer *w)
{
    close(w->fd);
    w->fd = -1;
}

/* ---- requests out ---- */

static void add_request(struct writer *w)
{
    unsigned long long n = ++w->sent;
    switch (w->kind) {
    case LOAD_SETS: buffer_format(&w->out, "SET set:%d:%llu %llu\r\n", w->number, n % SET_KEYS, n); break;
    case LOAD_COUNTER: buffer_format(&w->out, "INCR counter:%d\r\n", w->number); break;
    case LOAD_LIST: buffer_format(&w->out, "LPUSH list:%d %llu\r\n", w->number, n); break;
    case LOAD_PAIR: buffer_format(&w->out, "MULTI\r\nSET pair:%d:a %llu\r\nSET pair:%d:b %llu\r\nEXEC\r\n", w->number, n, w->number, n); break;
    case LOAD_KINDS: break;
    }
}

/* False: the other side is gone. */
static bool write_some(struct load *load, struct writer *w)
{
    while (w->sent - w->acknowledged < (uint64_t)load->depth)
        add_request(w);
    while (w->out.size) {
        ssize_t got = send(w->fd, w->out.base, w->out.size, MSG_NOSIGNAL);
        if (got <= 0)
            return errno == EAGAIN;
        buffer_consume(&w->out, (size_t)got);
    }
    return true;
}

/* ---- replies in ---- */

/* A counter and a list tell their length, which must be the request's own number. */
static void take_line(const struct load *load, struct writer *w, const char *line)
{
    int last = w->kind == LOAD_PAIR ? REPLY_LINES : 1;
    if (*line == '-') {
        fail_msg("seed %llu: writer %d got \"%.200s\"", (unsigned long long)load->seed, w->number, line);
    } else if (*line == ':') {
        uint64_t number = strtoull(line + 1, NULL, 10), expected = w->acknowledged + 1 - (w->kind == LOAD_LIST ? w->first : 0);
        if (number != expected)
            fail_msg("seed %llu: writer %d was told %llu instead of %llu", (unsigned long long)load->seed, w->number, (unsigned long long)number, (unsigned long long)expected);
    }
    if (++w->lines < last)
        return;
    w->lines = 0;
    w->acknowledged++;
}

static bool read_some(struct load *load, struct writer *w)
{
    ssize_t got = recv(w->fd, buffer_room(&w->in, 65536), 65536, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    w->in.size += (size_t)got;
    size_t used = 0;
    char *end;
    while ((end = memchr(w->in.base + used, '\n', w->in.size - used))) {
        *end = 0;
        take_line(load, w, w->in.base + used);
        used = (size_t)(end + 1 - w->in.base);
    }
    buffer_consume(&w->in, used);
    return true;
}

/* ---- running ---- */

/* One round of poll over all writers; wrote: whether new requests may leave. False when nobody is connected any more. */
static bool turn(struct load *load, bool writing, int timeout_ms)
{
    struct pollfd polls[LOAD_WRITERS];
    bool any = false;
    for (int i = 0; i < LOAD_WRITERS; i++) {
        struct writer *w = &load->writers[i];
        bool room = w->out.size || (writing && w->sent - w->acknowledged < (uint64_t)load->depth);
        polls[i] = (struct pollfd){.fd = w->fd, .events = (short)(POLLIN | (room ? POLLOUT : 0))};
        any |= w->fd >= 0;
    }
    if (!any || poll(polls, LOAD_WRITERS, timeout_ms) <= 0)
        return any;
    for (int i = 0; i < LOAD_WRITERS; i++) {
        struct writer *w = &load->writers[i];
        if ((polls[i].revents & (POLLIN | POLLERR | POLLHUP)) && !read_some(load, w))
            disconnect(w);
        else if ((polls[i].revents & POLLOUT) && writing && !write_some(load, w))
            disconnect(w);
    }
    return true;
}

void load_run(struct load *load, int ms)
{
    int64_t end = daemon_now_ms() + ms;
    while (daemon_now_ms() < end && turn(load, true, 1))
        continue;
}

void load_drain(struct load *load)
{
    for (int i = 0; i < LOAD_WRITERS; i++)
        load->writers[i].out.size = 0;
    int64_t end = daemon_now_ms() + SETTLE_MS;
    while (turn(load, false, 100))
        if (daemon_now_ms() > end)
            fail_msg("seed %llu: a connection survived its daemon", (unsigned long long)load->seed);
}

void load_settle(struct load *load)
{
    int64_t end = daemon_now_ms() + SETTLE_MS;
    for (int i = 0; i < LOAD_WRITERS; i++) {
        struct writer *w = &load->writers[i];
        while (w->acknowledged < w->sent || w->out.size) {
            struct pollfd wait = {.fd = w->fd, .events = (short)(POLLIN | (w->out.size ? POLLOUT : 0))};
            if (daemon_now_ms() > end)
                fail_msg("seed %llu: writer %d waits for %llu replies", (unsigned long long)load->seed, w->number, (unsigned long long)(w->sent - w->acknowledged));
            if (poll(&wait, 1, 100) <= 0)
                continue;
            ssize_t got = w->out.size ? send(w->fd, w->out.base, w->out.size, MSG_NOSIGNAL) : 0;
            if (got > 0)
                buffer_consume(&w->out, (size_t)got);
            if (!read_some(load, w))
                fail_msg("seed %llu: writer %d lost its connection", (unsigned long long)load->seed, w->number);
        }
        disconnect(w);
    }
}

/* ---- checking ---- */

static uint64_t check_sets(const struct load *load, const struct writer *w, redisContext *peer)
{
    uint64_t values[SET_KEYS], applied = 0;
    for (uint64_t k = 0; k < SET_KEYS; k++) {
        values[k] = (uint64_t)peer_number(peer, "GET set:%d:%d", w->number, (int)k);
        applied = values[k] > applied ? values[k] : applied;
    }
    for (uint64_t n = applied; n > 0 && n + SET_KEYS > applied; n--)
        if (values[n % SET_KEYS] != n)
            fail_msg("seed %llu: set:%d:%llu holds %llu, although %llu was set after %llu", (unsigned long long)load->seed, w->number, (unsigned long long)(n % SET_KEYS),
                     (unsigned long long)values[n % SET_KEYS], (unsigned long long)applied, (unsigned long long)n);
    return applied;
}

static uint64_t check_list(const struct load *load, struct writer *w, redisContext *peer)
{
    redisReply *list = redisCommand(peer, "LRANGE list:%d 0 -1", w->number);
    assert_true(list && list->type == REDIS_REPLY_ARRAY);
    uint64_t applied = w->first + list->elements;
    for (size_t i = 0; i < list->elements; i++)
        if (strtoull(list->element[i]->str, NULL, 10) != applied - i)
            fail_msg("seed %llu: list:%d has %s at %zu, %zu elements, from %llu on", (unsigned long long)load->seed, w->number, list->element[i]->str, i, list->elements, (unsigned long long)w->first);
    if (list->elements > LIST_LONG) {
        peer_expect(peer, "1", "DEL list:%d", w->number);
        w->first = applied;
    }
    freeReplyObject(list);
    return applied;
}

static uint64_t check_pair(const struct load *load, const struct writer *w, redisContext *peer)
{
    long long a = peer_number(peer, "GET pair:%d:a", w->number), b = peer_number(peer, "GET pair:%d:b", w->number);
    if (a != b)
        fail_msg("seed %llu: half a transaction: pair:%d:a is %lld, b is %lld", (unsigned long long)load->seed, w->number, a, b);
    return (uint64_t)a;
}

static uint64_t check(const struct load *load, struct writer *w, redisContext *peer)
{
    switch (w->kind) {
    case LOAD_SETS: return check_sets(load, w, peer);
    case LOAD_COUNTER: return (uint64_t)peer_number(peer, "GET counter:%d", w->number);
    case LOAD_LIST: return check_list(load, w, peer);
    case LOAD_PAIR: return check_pair(load, w, peer);
    case LOAD_KINDS: break;
    }
    return 0;
}

uint64_t load_check(struct load *load, redisContext *peer)
{
    uint64_t beyond = 0;
    for (int i = 0; i < LOAD_WRITERS; i++) {
        struct writer *w = &load->writers[i];
        uint64_t applied = check(load, w, peer);
        if (applied < w->acknowledged || applied > w->sent)
            fail_msg("seed %llu: writer %d: %llu acknowledged, %llu there, %llu sent", (unsigned long long)load->seed, w->number, (unsigned long long)w->acknowledged, (unsigned long long)applied,
                     (unsigned long long)w->sent);
        beyond += applied - w->acknowledged;
        w->sent = w->acknowledged = applied;
    }
    return beyond;
}

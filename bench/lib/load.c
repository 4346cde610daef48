/* SPDX-License-Identifier: MIT
 * load: see load.h. */
#include "bench/lib/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { READ_SIZE = 1 << 18, EVENTS_MAX = 64, LINE_MAX_KEPT = 31, STALL_MS = 30000 };

struct connection {
    int fd;
    bool wants_write;
    char *out;            /* Ours: depth requests */
    size_t out_sent;      /* bytes of them written */
    unsigned outstanding; /* replies still to come */
    uint64_t sent_ns;     /* when the batch began */
    /* Where reading stands within a reply. */
    uint64_t skip;        /* bytes of a bulk string still to come */
    uint64_t items;       /* elements still to come; 1 between replies */
    unsigned line_size;
    char line[LINE_MAX_KEPT + 1];
};

struct load_run {
    struct load load;
    int poller;
    struct connection *connections; /* Ours */
    char *in;                       /* Ours: scratch for reading */
    uint64_t state;                 /* of the random numbers */
    uint64_t number;                /* of the next request, in order */
    uint64_t issued;
    int busy;                       /* connections with replies to come */
    struct load_result *result;
};

/* ---- times ---- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void histogram_add(struct histogram *h, uint64_t ns, unsigned weight)
{
    unsigned shift = ns < 64 ? 0 : 58 - (unsigned)__builtin_clzll(ns); /* leaves six bits, 32 to 63 */
    h->counts[shift * 64 + (ns >> shift)] += weight;
    h->total += weight;
}

uint64_t histogram_at(const struct histogram *h, double fraction)
{
    uint64_t wanted = (uint64_t)((double)h->total * fraction), seen = 0;
    for (size_t i = 0; i < sizeof h->counts / sizeof *h->counts; i++) {
        seen += h->counts[i];
        if (seen > wanted)
            return (uint64_t)(i % 64) << (i / 64);
    }
    return 0;
}

/* ---- replies ---- */

static void item_done(struct connection *c, struct load_result *result)
{
    if (--c->items)
        return;
    c->items = 1;
    c->outstanding--;
    result->replies++;
}

/* One line of a reply is whole: what does it announce? */
static void take_line(struct connection *c, struct load_result *result)
{
    c->line[c->line_size] = 0;
    long long n = c->line[0] == '$' || c->line[0] == '*' ? atoll(c->line + 1) : 0;
    result->errors += c->line[0] == '-';
    if (c->line[0] == '$' && n >= 0) {
        c->skip = (uint64_t)n + 2;
        return;
    }
    if (c->line[0] == '*' && n > 0)
        c->items += (uint64_t)n;
    item_done(c, result);
}

static void take_bytes(struct connection *c, const char *p, size_t size, struct load_result *result)
{
    result->reply_bytes += size;
    for (const char *end = p + size; p < end;) {
        size_t there = (size_t)(end - p);
        if (c->skip) {
            size_t n = there < c->skip ? there : c->skip;
            c->skip -= n;
            p += n;
            if (c->skip == 0)
                item_done(c, result);
            continue;
        }
        const char *newline = memchr(p, '\n', there);
        size_t n = newline ? (size_t)(newline - p) + 1 : there;
        for (size_t i = 0; i < n && c->line_size < LINE_MAX_KEPT; i++)
            c->line[c->line_size++] = p[i];
        p += n;
        if (newline) {
            take_line(c, result);
            c->line_size = 0;
        }
    }
}

/* The echo server's answers have no form, only a size. */
static void take_counted(struct connection *c, size_t size, unsigned reply_size, struct load_result *result)
{
    result->reply_bytes += size;
    c->skip += size;
    unsigned replies = (unsigned)(c->skip / reply_size);
    c->skip %= reply_size;
    c->outstanding -= replies;
    result->replies += replies;
}

/* ---- batches ---- */

static void watch(struct load_run *run, struct connection *c, bool write)
{
    struct epoll_event event = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = c};
    if (write != c->wants_write)
        epoll_ctl(run->poller, EPOLL_CTL_MOD, c->fd, &event);
    c->wants_write = write;
}

static int write_batch(struct load_run *run, struct connection *c)
{
    size_t size = run->load.workload->request.size * (size_t)run->load.depth;
    while (c->out_sent < size) {
        ssize_t n = send(c->fd, c->out + c->out_sent, size - c->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return -errno;
        c->out_sent += (size_t)n;
    }
    watch(run, c, c->out_sent < size);
    return 0;
}

static int begin_batch(struct load_run *run, struct connection *c)
{
    const struct workload *work = run->load.workload;
    for (int i = 0; i < run->load.depth; i++) {
        char *copy = c->out + (size_t)i * work->request.size;
        if (run->load.in_order)
            workload_fill_number(work, copy, run->number++ % WORKLOAD_KEYS);
        else
            workload_fill(work, copy, &run->state);
    }
    c->outstanding = (unsigned)run->load.depth;
    c->out_sent = 0;
    run->issued += (unsigned)run->load.depth;
    run->busy++;
    c->sent_ns = now_ns();
    return write_batch(run, c);
}

static int serve(struct load_run *run, struct connection *c, uint32_t events)
{
    int error = 0;
    if (events & EPOLLOUT)
        error = write_batch(run, c);
    if (error < 0 || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return error;
    ssize_t n = recv(c->fd, run->in, READ_SIZE, 0);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n <= 0)
        return n < 0 ? -errno : -ECONNRESET;
    if (run->load.reply_size)
        take_counted(c, (size_t)n, run->load.reply_size, run->result);
    else
        take_bytes(c, run->in, (size_t)n, run->result);
    if (c->outstanding)
        return 0;
    histogram_add(&run->result->latency, now_ns() - c->sent_ns, (unsigned)run->load.depth);
    run->busy--;
    return run->issued < run->load.requests ? begin_batch(run, c) : 0;
}

/* ---- the whole ---- */

static int open_connection(struct load_run *run, struct connection *c)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)run->load.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    const struct buffer *request = &run->load.workload->request;
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->items = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    c->out = malloc(request->size * (size_t)run->load.depth);
    if (c->fd < 0 || !c->out || connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    for (int i = 0; i < run->load.depth; i++)
        memcpy(c->out + (size_t)i * request->size, request->base, request->size);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    uint32_t sizes[2] = {(uint32_t)request->size, run->load.reply_size};
    if (run->load.reply_size && send(c->fd, sizes, sizeof sizes, MSG_NOSIGNAL) != sizeof sizes)
        return -errno;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return epoll_ctl(run->poller, EPOLL_CTL_ADD, c->fd, &event) < 0 ? -errno : 0;
}

int load_open(struct load_run **out, const struct load *load)
{
    struct load_run *run = calloc(1, sizeof *run);
    if (!run)
        return -ENOMEM;
    *out = run;
    run->load = *load;
    run->state = load->seed;
    run->in = malloc(READ_SIZE);
    run->connections = calloc((size_t)load->connections, sizeof *run->connections);
    run->poller = epoll_create1(EPOLL_CLOEXEC);
    if (!run->in || !run->connections || run->poller < 0)
        return -ENOMEM;
    for (int i = 0; i < load->connections; i++)
        run->connections[i].fd = -1;
    for (int i = 0; i < load->connections; i++) {
        int error = open_connection(run, &run->connections[i]);
        if (error < 0) {
            fprintf(stderr, "load: cannot connect to port %d: %s\n", load->port, strerror(-error));
            return error;
        }
    }
    return 0;
}

int load_run(struct load_run *run, struct load_result *result)
{
    struct epoll_event events[EVENTS_MAX];
    int error = 0;
    *result = (struct load_result){0};
    run->result = result;
    uint64_t started = now_ns();
    for (int i = 0; i < run->load.connections && error == 0 && run->issued < run->load.requests; i++)
        error = begin_batch(run, &run->connections[i]);
    while (error == 0 && run->busy > 0) {
        int n = epoll_wait(run->poller, events, EVENTS_MAX, STALL_MS);
        if (n == 0)
            error = -ETIMEDOUT;
        for (int i = 0; i < n && error == 0; i++)
            error = serve(run, events[i].data.ptr, events[i].events);
    }
    result->seconds = (double)(now_ns() - started) / 1e9;
    if (error < 0)
        fprintf(stderr, "load: %s on port %d: %s\n", run->load.workload->name, run->load.port, strerror(-error));
    return error;
}

void load_close(struct load_run *run)
{
    if (!run)
        return;
    for (int i = 0; run->connections && i < run->load.connections; i++) {
        if (run->connections[i].fd >= 0)
            close(run->connections[i].fd);
        free(run->connections[i].out);
    }
    if (run->poller >= 0)
        close(run->poller);
    free(run->connections);
    free(run->in);
    free(run);
}

int load_fill(int port, const struct workload *workload, uint64_t requests, bool in_order)
{
    static struct load_result result;
    struct load load = {.port = port, .connections = 8, .depth = 64, .workload = workload, .requests = requests,
                        .in_order = in_order, .seed = 1};
    struct load_run *run = NULL;
    int error = load_open(&run, &load);
    if (error == 0)
        error = load_run(run, &result);
    load_close(run);
    return error;
}

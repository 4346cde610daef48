/* SPDX-License-Identifier: MIT
 * echo: the floor of a machine: epoll, read, count, write; no parsing, no data. What a server costs above this is its own.
 *
 *      echo --port N            (other options are read over, so that it starts like a server)
 *
 * A connection begins with two 32-bit sizes: of a request and of a reply. From then on each request's worth of bytes that
 * arrives is answered with a reply's worth, everything that one read brought in one write. A connection that begins with PING
 * gets PONG: whoever started the server asks that. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FDS_MAX = 4096, EVENTS_MAX = 128, READ_SIZE = 1 << 16, REPLIES_SIZE = 1 << 20 };

struct connection {
    uint32_t request_size, reply_size; /* 0: not told yet */
    uint64_t pending;                  /* bytes of an unfinished request */
    uint64_t owed;                     /* bytes of replies that the socket did not take */
};

static struct connection connections[FDS_MAX];
static char in[READ_SIZE], replies[REPLIES_SIZE];

/* Write what is owed, as far as the socket takes it. */
static int pay(int fd, struct connection *c)
{
    while (c->owed > 0) {
        ssize_t n = write(fd, replies, c->owed < REPLIES_SIZE ? c->owed : REPLIES_SIZE);
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        c->owed -= (uint64_t)n;
    }
    return 0;
}

static int greet(int fd, struct connection *c, ssize_t size)
{
    uint32_t sizes[2];
    if (in[0] == '*')
        return write(fd, "+PONG\r\n", 7) == 7 ? 0 : -EIO;
    if (size < (ssize_t)sizeof sizes)
        return -EPROTO;
    memcpy(sizes, in, sizeof sizes);
    c->request_size = sizes[0];
    c->reply_size = sizes[1];
    c->pending = (uint64_t)size - sizeof sizes;
    return c->request_size ? 0 : -EPROTO;
}

static int serve(int poller, int fd, uint32_t events)
{
    struct connection *c = &connections[fd];
    uint64_t owed = c->owed;
    int error = 0;
    if (events & EPOLLIN) {
        ssize_t n = read(fd, in, READ_SIZE);
        if (n <= 0)
            return -1;
        if (c->request_size)
            c->pending += (uint64_t)n;
        else if ((error = greet(fd, c, n)) < 0 || !c->request_size)
            return error;
        c->owed += c->pending / c->request_size * c->reply_size;
        c->pending %= c->request_size;
    }
    error = pay(fd, c);
    if ((owed == 0) != (c->owed == 0)) {
        struct epoll_event event = {.events = EPOLLIN | (c->owed ? EPOLLOUT : 0u), .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_MOD, fd, &event);
    }
    return error;
}

static void admit(int poller, int listener)
{
    int one = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0)
        return;
    if (fd >= FDS_MAX) {
        close(fd);
        return;
    }
    connections[fd] = (struct connection){0};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct epoll_event events[EVENTS_MAX], event = {.events = EPOLLIN};
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), poller = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--port") == 0)
            address.sin_port = htons((uint16_t)atoi(argv[i + 1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 512) < 0) {
        perror("echo");
        return 1;
    }
    event.data.fd = listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    memset(replies, 'x', sizeof replies);
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                admit(poller, listener);
            else if (serve(poller, events[i].data.fd, events[i].events) < 0)
                close(events[i].data.fd);
        }
    }
}

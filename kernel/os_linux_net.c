/* SPDX-License-Identifier: MIT
 * os_linux_net: the os seam over Linux: sockets, epoll, eventfd, signalfd.
 *
 * Reads and writes go through read(2) and send(2): send, because it can be told not to raise SIGPIPE. A descriptor that is no
 * socket (--stdio) answers ENOTSOCK once per write and gets write(2); the reactor ignores SIGPIPE for that case. */
#include "kernel/os_linux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { WAIT_EVENTS_MAX = 256 };

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

static int close_with(int fd, int error)
{
    close(fd);
    return error;
}

/* Numeric addresses only: a name server has no place in a listener's start. "*" and "" mean every IPv4 address. */
static int parse_address(const char *text, int port, union any_address *address, socklen_t *size)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)port);
        *size = sizeof address->v6;
        return 0;
    }
    if (!*text || strcmp(text, "*") == 0)
        text = "0.0.0.0";
    else if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) != 1)
        return -EINVAL;
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = htons((uint16_t)port);
    *size = sizeof address->v4;
    return 0;
}

int linux_listen_tcp(void *self, const char *address, int port, int backlog, int *bound_port)
{
    (void)self;
    union any_address any;
    socklen_t size;
    int error = parse_address(address, port, &any, &size);
    if (error < 0)
        return error;
    int fd = socket(any.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (any.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on); /* so that "::" and "0.0.0.0" can both be given */
    if (bind(fd, &any.any, size) < 0 || listen(fd, backlog) < 0)
        return close_with(fd, -errno);
    size = sizeof any;
    if (bound_port && getsockname(fd, &any.any, &size) == 0)
        *bound_port = ntohs(any.any.sa_family == AF_INET6 ? any.v6.sin6_port : any.v4.sin_port);
    return fd;
}

int linux_listen_unix(void *self, const char *path, int mode, int backlog)
{
    (void)self;
    union any_address any = {0};
    if (strlen(path) >= sizeof any.local.sun_path)
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    any.local.sun_family = AF_UNIX;
    memcpy(any.local.sun_path, path, strlen(path) + 1);
    unlink(path); /* a socket left behind by a process that was killed */
    if (bind(fd, &any.any, sizeof any.local) < 0 || (mode && chmod(path, (mode_t)mode) < 0) || listen(fd, backlog) < 0)
        return close_with(fd, -errno);
    return fd;
}

static void print_address(const union any_address *any, char *name, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    if (any->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &any->v4.sin_addr, text, sizeof text);
        snprintf(name, size, "%s:%u", text, ntohs(any->v4.sin_port));
    } else if (any->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &any->v6.sin6_addr, text, sizeof text);
        snprintf(name, size, "[%s]:%u", text, ntohs(any->v6.sin6_port));
    } else {
        snprintf(name, size, "%.*s", (int)sizeof any->local.sun_path, any->local.sun_path);
    }
}

int linux_local_name(void *self, int fd, char *name, size_t size)
{
    (void)self;
    union any_address any = {0};
    socklen_t length = sizeof any;
    if (getsockname(fd, &any.any, &length) < 0)
        return -errno;
    print_address(&any, name, size);
    return 0;
}

int linux_accept(void *self, int fd, char *peer, size_t peer_size)
{
    union any_address any = {0};
    socklen_t size = sizeof any;
    int accepted;
    do
        accepted = accept4(fd, &any.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (accepted < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (accepted < 0)
        return -errno;
    if (any.any.sa_family == AF_UNIX) {
        linux_local_name(self, accepted, peer, peer_size); /* clients bind no name of their own: theirs is the server's */
    } else {
        int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        print_address(&any, peer, peer_size);
    }
    return accepted;
}

ssize_t linux_read(void *self, int fd, void *bytes, size_t size)
{
    (void)self;
    ssize_t n;
    do
        n = read(fd, bytes, size);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t linux_write(void *self, int fd, const void *bytes, size_t size)
{
    (void)self;
    ssize_t n;
    do {
        n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK)
            n = write(fd, bytes, size);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t linux_writev(void *self, int fd, const struct iovec *parts, int count)
{
    (void)self;
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = (size_t)count};
    ssize_t n;
    do {
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == ENOTSOCK)
            n = writev(fd, parts, count);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int linux_shutdown_write(void *self, int fd)
{
    (void)self;
    return shutdown(fd, SHUT_WR) < 0 ? -errno : 0;
}

/* As Redis does it: the first probe after `seconds`, then every third of that, three times. */
int linux_keepalive(void *self, int fd, int seconds)
{
    (void)self;
    int on = seconds > 0, interval = seconds / 3 > 0 ? seconds / 3 : 1, count = 3;
    if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) < 0)
        return -errno;
    if (on) {
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    }
    return 0;
}

/* ---- readiness ---- */

int linux_poller_open(void *self)
{
    (void)self;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int poller_control(int poller, int operation, int fd, uint32_t events, uint64_t tag)
{
    struct epoll_event event = {.data.u64 = tag};
    event.events |= events & OS_READABLE ? EPOLLIN | EPOLLRDHUP : 0u;
    event.events |= events & OS_WRITABLE ? EPOLLOUT : 0u;
    event.events |= events & OS_EDGE ? EPOLLET : 0u;
    return epoll_ctl(poller, operation, fd, &event) < 0 ? -errno : 0;
}

int linux_poller_add(void *self, int poller, int fd, uint32_t events, uint64_t tag)
{
    (void)self;
    return poller_control(poller, EPOLL_CTL_ADD, fd, events, tag);
}

int linux_poller_change(void *self, int poller, int fd, uint32_t events, uint64_t tag)
{
    (void)self;
    return poller_control(poller, EPOLL_CTL_MOD, fd, events, tag);
}

int linux_poller_remove(void *self, int poller, int fd)
{
    (void)self;
    return epoll_ctl(poller, EPOLL_CTL_DEL, fd, NULL) < 0 ? -errno : 0;
}

/* Milliseconds, rounded up: waking a moment before a deadline would turn the reactor twice for one timer. */
static int wait_ms(int64_t timeout_ns)
{
    if (timeout_ns <= 0)
        return timeout_ns < 0 ? -1 : 0;
    int64_t ms = (timeout_ns + 999999) / 1000000;
    return ms > 3600000 ? 3600000 : (int)ms;
}

int linux_poller_wait(void *self, int poller, struct os_event *events, int max, int64_t timeout_ns)
{
    (void)self;
    struct epoll_event ready[WAIT_EVENTS_MAX];
    int n = epoll_wait(poller, ready, max < WAIT_EVENTS_MAX ? max : WAIT_EVENTS_MAX, wait_ms(timeout_ns));
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++) {
        uint32_t e = ready[i].events;
        uint32_t is = e & EPOLLIN ? OS_READABLE : 0u;
        is |= e & EPOLLOUT ? OS_WRITABLE : 0u;
        is |= e & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? OS_HANGUP : 0u;
        events[i] = (struct os_event){.tag = ready[i].data.u64, .events = is};
    }
    return n;
}

int linux_wake_open(void *self)
{
    (void)self;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int linux_wake_signal(void *self, int fd)
{
    (void)self;
    uint64_t one = 1;
    return write(fd, &one, sizeof one) < 0 && errno != EAGAIN ? -errno : 0;
}

int linux_wake_clear(void *self, int fd)
{
    (void)self;
    uint64_t count;
    return read(fd, &count, sizeof count) < 0 && errno != EAGAIN ? -errno : 0;
}

/* ---- the process ---- */

int linux_signal_open(void *self, const int *signals, int count)
{
    (void)self;
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++)
        sigaddset(&set, signals[i]);
    int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (error)
        return -error;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int linux_signal_read(void *self, int fd)
{
    (void)self;
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n < 0)
        return -errno;
    return n == sizeof info ? (int)info.ssi_signo : -EIO;
}

int linux_adopt(void *self, int fd)
{
    (void)self;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -errno;
    return 0;
}

/* SPDX-License-Identifier: MIT
 * os: the one seam between locus and the world: clock, randomness, files, sockets, readiness.
 *
 * Whoever needs one of these gets a `struct os *` and calls through it; nothing else makes system calls. Two implementations:
 * os_linux (os_linux.c), and os_sim (os_sim.h), where tests own time, disk, network and randomness, and can lose power.
 *
 * Conventions: 0 or positive is success, negative is -errno. Descriptors are small integers of the implementation; only the
 * kernel and the log's storage hold them. Calls that transfer bytes may transfer fewer than asked, as read(2) and write(2) may,
 * except pwrite_all and pread_all. All calls may be made from any thread, on different descriptors at the same time. */
#ifndef LOCUS_KERNEL_OS_H
#define LOCUS_KERNEL_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Readiness of one descriptor, as the poller reports it. */
struct os_event {
    uint64_t tag;    /* what was given to poller_add: the kernel's generation-tagged handle */
    uint32_t events; /* OS_READABLE | OS_WRITABLE | OS_HANGUP */
};
enum { OS_READABLE = 1, OS_WRITABLE = 2, OS_HANGUP = 4, OS_EDGE = 8 };

/* open flags */
enum { OS_READ = 1, OS_WRITE = 2, OS_CREATE = 4, OS_EXCLUSIVE = 8, OS_TRUNCATE = 16, OS_APPEND = 32 };

struct os_stat {
    uint64_t size;      /* bytes */
    int64_t mtime_us;   /* microseconds since 1970 */
};

struct os_ops {
    /* ---- time and randomness ---- */
    uint64_t (*monotonic_ns)(void *self); /* never goes back; origin unspecified */
    int64_t (*wall_us)(void *self);       /* microseconds since 1970; may jump */
    void (*random)(void *self, void *bytes, size_t size);

    /* ---- files ---- */
    int (*open)(void *self, const char *path, int flags); /* descriptor or -errno; created files get mode 0600 */
    int (*close)(void *self, int fd);
    ssize_t (*pread)(void *self, int fd, void *bytes, size_t size, uint64_t offset);
    ssize_t (*pwrite)(void *self, int fd, const void *bytes, size_t size, uint64_t offset);
    int (*datasync)(void *self, int fd);                   /* fdatasync: what was written before is on stable storage */
    int (*zero_fill)(void *self, int fd, uint64_t offset, uint64_t size); /* write zeros, so that later writes allocate nothing */
    int (*truncate)(void *self, int fd, uint64_t size);
    int (*stat)(void *self, const char *path, struct os_stat *stat);
    int (*rename)(void *self, const char *from, const char *to);
    int (*unlink)(void *self, const char *path);
    int (*make_dir)(void *self, const char *path);         /* 0 also when it exists */
    int (*sync_dir)(void *self, const char *path);         /* names created, renamed and removed in it are on stable storage */
    /* Names in a directory, in byte order, "." and ".." left out: calls visit for each. */
    int (*list_dir)(void *self, const char *path, void (*visit)(void *context, const char *name), void *context);
    int (*lock)(void *self, int fd);                       /* exclusive advisory lock; -EWOULDBLOCK when another process has it */

    /* ---- sockets: all non-blocking ---- */
    int (*listen_tcp)(void *self, const char *address, int port, int backlog, int *bound_port);
    int (*listen_unix)(void *self, const char *path, int mode, int backlog);
    int (*accept)(void *self, int fd, char *peer, size_t peer_size); /* peer: "ip:port" or the socket's path; TCP_NODELAY is set */
    ssize_t (*read)(void *self, int fd, void *bytes, size_t size);
    ssize_t (*write)(void *self, int fd, const void *bytes, size_t size);  /* no SIGPIPE: -EPIPE */
    ssize_t (*writev)(void *self, int fd, const struct iovec *parts, int count);
    int (*shutdown_write)(void *self, int fd);
    int (*local_name)(void *self, int fd, char *name, size_t size);
    int (*keepalive)(void *self, int fd, int seconds);

    /* ---- readiness ---- */
    int (*poller_open)(void *self);
    int (*poller_add)(void *self, int poller, int fd, uint32_t events, uint64_t tag);
    int (*poller_change)(void *self, int poller, int fd, uint32_t events, uint64_t tag);
    int (*poller_remove)(void *self, int poller, int fd);
    /* Wait at most timeout_ns (-1: for ever, 0: do not wait). Returns how many events were stored. */
    int (*poller_wait)(void *self, int poller, struct os_event *events, int max, int64_t timeout_ns);
    /* A descriptor that becomes readable when another thread signals it. */
    int (*wake_open)(void *self);
    int (*wake_signal)(void *self, int fd);
    int (*wake_clear)(void *self, int fd);

    /* ---- the process: NULL where there is none to speak of (simulation) ---- */
    /* Block these signals for the calling thread and return a descriptor that becomes readable when one arrives. */
    int (*signal_open)(void *self, const int *signals, int count);
    int (*signal_read)(void *self, int fd);                /* the number of a signal that arrived, -EAGAIN when none did */
    /* Make a descriptor that was inherited (standard input, a pipe) non-blocking. */
    int (*adopt)(void *self, int fd);
};

struct os {
    const struct os_ops *ops;
    void *self;
};

/* The Linux implementation; the same value at every call. */
struct os *os_linux(void);

/* Write or read all of it, going on after short transfers. pread_all returns -EIO at end of file. */
int os_pwrite_all(struct os *os, int fd, const void *bytes, size_t size, uint64_t offset);
int os_pread_all(struct os *os, int fd, void *bytes, size_t size, uint64_t offset);

static inline uint64_t os_monotonic_ns(struct os *os) { return os->ops->monotonic_ns(os->self); }
static inline int64_t os_wall_us(struct os *os) { return os->ops->wall_us(os->self); }
static inline void os_random(struct os *os, void *bytes, size_t size) { os->ops->random(os->self, bytes, size); }

#endif

/* SPDX-License-Identifier: MIT
 * os_linux: the os seam over Linux: clocks, randomness and files. Sockets and readiness are in os_linux_net.c.
 *
 * Every function is one system call and its error, retried after EINTR (close excepted: Linux has closed the descriptor by then). */
#include "kernel/os_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MODE = 0600, DIR_MODE = 0700 };

static uint64_t linux_monotonic_ns(void *self)
{
    (void)self;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int64_t linux_wall_us(void *self)
{
    (void)self;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void linux_random(void *self, void *bytes, size_t size)
{
    (void)self;
    char *at = bytes;
    while (size) {
        ssize_t n = getrandom(at, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            perror("getrandom"); /* no identifier that is unique can be made without it */
            abort();
        }
        at += n;
        size -= (size_t)n;
    }
}

static int linux_open(void *self, const char *path, int flags)
{
    (void)self;
    int how = O_CLOEXEC;
    if ((flags & OS_READ) && (flags & OS_WRITE))
        how |= O_RDWR;
    else
        how |= flags & OS_WRITE ? O_WRONLY : O_RDONLY;
    how |= flags & OS_CREATE ? O_CREAT : 0;
    how |= flags & OS_EXCLUSIVE ? O_EXCL : 0;
    how |= flags & OS_TRUNCATE ? O_TRUNC : 0;
    how |= flags & OS_APPEND ? O_APPEND : 0;
    int fd;
    do
        fd = open(path, how, FILE_MODE);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static int linux_close(void *self, int fd)
{
    (void)self;
    return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

static ssize_t linux_pread(void *self, int fd, void *bytes, size_t size, uint64_t offset)
{
    (void)self;
    ssize_t n;
    do
        n = pread(fd, bytes, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static ssize_t linux_pwrite(void *self, int fd, const void *bytes, size_t size, uint64_t offset)
{
    (void)self;
    ssize_t n;
    do
        n = pwrite(fd, bytes, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static int linux_datasync(void *self, int fd)
{
    (void)self;
    /* Not retried, not even after EINTR's kin: after a failure the page cache may claim that lost pages are clean. */
    return fdatasync(fd) < 0 ? -errno : 0;
}

/* Zeros are written, not only allocated: fallocate leaves unwritten extents, whose first write costs a journal commit at the flush. */
static int linux_zero_fill(void *self, int fd, uint64_t offset, uint64_t size)
{
    static const char zeros[64 * 1024];
    struct os os = {os_linux()->ops, self};
    while (size) {
        size_t part = size < sizeof zeros ? (size_t)size : sizeof zeros;
        int error = os_pwrite_all(&os, fd, zeros, part, offset);
        if (error < 0)
            return error;
        offset += part;
        size -= part;
    }
    return 0;
}

static int linux_truncate(void *self, int fd, uint64_t size)
{
    (void)self;
    int error;
    do
        error = ftruncate(fd, (off_t)size);
    while (error < 0 && errno == EINTR);
    return error < 0 ? -errno : 0;
}

static int linux_stat(void *self, const char *path, struct os_stat *out)
{
    (void)self;
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    out->size = (uint64_t)st.st_size;
    out->mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    return 0;
}

static int linux_rename(void *self, const char *from, const char *to)
{
    (void)self;
    return rename(from, to) < 0 ? -errno : 0;
}

static int linux_unlink(void *self, const char *path)
{
    (void)self;
    return unlink(path) < 0 ? -errno : 0;
}

static int linux_make_dir(void *self, const char *path)
{
    (void)self;
    if (mkdir(path, DIR_MODE) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int linux_sync_dir(void *self, const char *path)
{
    (void)self;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int linux_list_dir(void *self, const char *path, void (*visit)(void *context, const char *name), void *context)
{
    (void)self;
    struct dirent **names;
    int count = scandir(path, &names, is_not_dots, by_bytes);
    if (count < 0)
        return -errno;
    for (int i = 0; i < count; i++) {
        visit(context, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    return 0;
}

static int linux_lock(void *self, int fd)
{
    (void)self;
    return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

static const struct os_ops ops = {
    .monotonic_ns = linux_monotonic_ns,
    .wall_us = linux_wall_us,
    .random = linux_random,
    .open = linux_open,
    .close = linux_close,
    .pread = linux_pread,
    .pwrite = linux_pwrite,
    .datasync = linux_datasync,
    .zero_fill = linux_zero_fill,
    .truncate = linux_truncate,
    .stat = linux_stat,
    .rename = linux_rename,
    .unlink = linux_unlink,
    .make_dir = linux_make_dir,
    .sync_dir = linux_sync_dir,
    .list_dir = linux_list_dir,
    .lock = linux_lock,
    .listen_tcp = linux_listen_tcp,
    .listen_unix = linux_listen_unix,
    .accept = linux_accept,
    .read = linux_read,
    .write = linux_write,
    .writev = linux_writev,
    .shutdown_write = linux_shutdown_write,
    .local_name = linux_local_name,
    .keepalive = linux_keepalive,
    .poller_open = linux_poller_open,
    .poller_add = linux_poller_add,
    .poller_change = linux_poller_change,
    .poller_remove = linux_poller_remove,
    .poller_wait = linux_poller_wait,
    .wake_open = linux_wake_open,
    .wake_signal = linux_wake_signal,
    .wake_clear = linux_wake_clear,
    .signal_open = linux_signal_open,
    .signal_read = linux_signal_read,
    .adopt = linux_adopt,
};

struct os *os_linux(void)
{
    static struct os os = {&ops, NULL};
    return &os;
}

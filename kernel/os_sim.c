/* SPDX-License-Identifier: MIT
 * os_sim: the simulated machine: clocks, randomness, descriptors, counting and failing. The disk itself is os_sim_disk.c. */
#include "kernel/os_sim.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/os_sim_disk.h"

enum { DESCRIPTORS_MAX = 256, KINDS = 5, FIRST_DESCRIPTOR = 3 };

struct descriptor {
    struct sim_file *file; /* NULL: free */
    int flags;             /* OS_READ | OS_WRITE ... */
    bool locks;            /* holds the file's lock */
};

struct os_sim {
    struct os os;
    pthread_mutex_t mutex; /* guards everything below */
    struct sim_disk disk;
    uint64_t random; /* splitmix64 state */
    uint64_t now_ns;
    int64_t wall_us;
    struct descriptor descriptors[DESCRIPTORS_MAX];

    uint64_t counts[KINDS];
    unsigned fail_kinds;
    uint64_t fail_in; /* the failure comes with the n-th operation; 0: none */
    uint64_t fail_times;
    int fail_error;
    bool fail_hit;
    uint64_t cut_in; /* likewise */
    bool cut;
};

enum verdict { GO, FAIL, CUT };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Count an operation and say what becomes of it. CUT: it is the one during which the power goes. */
static enum verdict count(struct os_sim *sim, unsigned kind)
{
    sim->counts[__builtin_ctz(kind)]++;
    if (sim->cut)
        return kind == OS_SIM_READ ? GO : FAIL;
    if (sim->cut_in && kind != OS_SIM_READ && --sim->cut_in == 0) {
        sim->cut = true;
        return CUT;
    }
    if (!(sim->fail_kinds & kind) || !sim->fail_in)
        return GO;
    if (sim->fail_in > 1) {
        sim->fail_in--;
        return GO;
    }
    if (sim->fail_times == 0)
        return GO;
    sim->fail_times--;
    sim->fail_hit = true;
    return FAIL;
}

static int failure(const struct os_sim *sim)
{
    return sim->cut ? -EIO : -sim->fail_error;
}

static struct descriptor *descriptor(struct os_sim *sim, int fd)
{
    if (fd < FIRST_DESCRIPTOR || fd >= DESCRIPTORS_MAX || !sim->descriptors[fd].file)
        return NULL;
    return &sim->descriptors[fd];
}

static struct os_sim *enter(void *self)
{
    struct os_sim *sim = self;
    pthread_mutex_lock(&sim->mutex);
    return sim;
}

static ssize_t leave(struct os_sim *sim, ssize_t result)
{
    pthread_mutex_unlock(&sim->mutex);
    return result;
}

/* ---- time and randomness ---- */

static uint64_t sim_monotonic_ns(void *self)
{
    struct os_sim *sim = enter(self);
    uint64_t now = sim->now_ns;
    leave(sim, 0);
    return now;
}

static int64_t sim_wall_us(void *self)
{
    struct os_sim *sim = enter(self);
    int64_t now = sim->wall_us;
    leave(sim, 0);
    return now;
}

static void sim_random(void *self, void *bytes, size_t size)
{
    struct os_sim *sim = enter(self);
    uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)next_random(&sim->random);
    leave(sim, 0);
}

/* ---- descriptors ---- */

static int open_file(struct os_sim *sim, const char *path, int flags)
{
    int fd = FIRST_DESCRIPTOR;
    while (fd < DESCRIPTORS_MAX && sim->descriptors[fd].file)
        fd++;
    if (fd == DESCRIPTORS_MAX)
        return -EMFILE;
    struct sim_file *file = sim_disk_find(&sim->disk, path);
    if (file && (flags & OS_CREATE) && (flags & OS_EXCLUSIVE))
        return -EEXIST;
    if (!file && !(flags & OS_CREATE))
        return -ENOENT;
    if (!file || (flags & OS_TRUNCATE)) {
        if (count(sim, OS_SIM_NAME) != GO)
            return failure(sim);
        if (!file)
            file = sim_disk_create(&sim->disk, path);
        else
            sim_file_truncate(file, 0);
    } else if (count(sim, OS_SIM_READ) != GO) {
        return failure(sim);
    }
    sim->descriptors[fd] = (struct descriptor){.file = file, .flags = flags};
    return fd;
}

static int sim_open(void *self, const char *path, int flags)
{
    struct os_sim *sim = enter(self);
    return (int)leave(sim, open_file(sim, path, flags));
}

static int sim_close(void *self, int fd)
{
    struct os_sim *sim = enter(self);
    struct descriptor *d = descriptor(sim, fd);
    if (!d)
        return (int)leave(sim, -EBADF);
    if (d->locks)
        d->file->locked = false;
    *d = (struct descriptor){0};
    return (int)leave(sim, 0);
}

static ssize_t sim_pread(void *self, int fd, void *bytes, size_t size, uint64_t offset)
{
    struct os_sim *sim = enter(self);
    struct descriptor *d = descriptor(sim, fd);
    if (!d || !(d->flags & OS_READ))
        return leave(sim, -EBADF);
    if (count(sim, OS_SIM_READ) != GO)
        return leave(sim, failure(sim));
    if (offset >= d->file->seen.size)
        return leave(sim, 0);
    size_t there = d->file->seen.size - offset;
    size_t n = size < there ? size : there;
    memcpy(bytes, d->file->seen.bytes + offset, n);
    return leave(sim, (ssize_t)n);
}

static ssize_t write_file(struct os_sim *sim, int fd, const void *bytes, size_t size, uint64_t offset)
{
    struct descriptor *d = descriptor(sim, fd);
    if (!d || !(d->flags & OS_WRITE))
        return -EBADF;
    enum verdict verdict = count(sim, OS_SIM_WRITE);
    if (verdict != FAIL)
        sim_file_write(d->file, bytes, size, offset);
    return verdict == GO ? (ssize_t)size : failure(sim);
}

static ssize_t sim_pwrite(void *self, int fd, const void *bytes, size_t size, uint64_t offset)
{
    struct os_sim *sim = enter(self);
    return leave(sim, write_file(sim, fd, bytes, size, offset));
}

static int sync_file(struct os_sim *sim, int fd)
{
    struct descriptor *d = descriptor(sim, fd);
    if (!d)
        return -EBADF;
    enum verdict verdict = count(sim, OS_SIM_SYNC);
    if (verdict == GO) {
        sim_file_sync(d->file);
        return 0;
    }
    if (!sim->cut)
        sim_file_forget(d->file); /* Linux marks the pages clean, though they never reached the disk */
    return failure(sim);
}

static int sim_datasync(void *self, int fd)
{
    struct os_sim *sim = enter(self);
    return (int)leave(sim, sync_file(sim, fd));
}

static int fill_file(struct os_sim *sim, int fd, uint64_t offset, uint64_t size)
{
    struct descriptor *d = descriptor(sim, fd);
    if (!d || !(d->flags & OS_WRITE))
        return -EBADF;
    enum verdict verdict = count(sim, OS_SIM_FILL);
    uint64_t filled = verdict == GO ? size : size / 2;
    uint8_t *zeros = calloc(1, filled ? filled : 1);
    assert(zeros);
    sim_file_write(d->file, zeros, filled, offset);
    free(zeros);
    return verdict == GO ? 0 : failure(sim);
}

static int sim_zero_fill(void *self, int fd, uint64_t offset, uint64_t size)
{
    struct os_sim *sim = enter(self);
    return (int)leave(sim, fill_file(sim, fd, offset, size));
}

static int sim_truncate(void *self, int fd, uint64_t size)
{
    struct os_sim *sim = enter(self);
    struct descriptor *d = descriptor(sim, fd);
    if (!d || !(d->flags & OS_WRITE))
        return (int)leave(sim, -EBADF);
    if (count(sim, OS_SIM_NAME) != GO)
        return (int)leave(sim, failure(sim));
    sim_file_truncate(d->file, size);
    return (int)leave(sim, 0);
}

static int sim_lock(void *self, int fd)
{
    struct os_sim *sim = enter(self);
    struct descriptor *d = descriptor(sim, fd);
    if (!d)
        return (int)leave(sim, -EBADF);
    if (d->file->locked && !d->locks)
        return (int)leave(sim, -EWOULDBLOCK);
    d->file->locked = d->locks = true;
    return (int)leave(sim, 0);
}

/* ---- names ---- */

static int sim_stat(void *self, const char *path, struct os_stat *stat)
{
    struct os_sim *sim = enter(self);
    const struct sim_file *file = sim_disk_find(&sim->disk, path);
    if (!file)
        return (int)leave(sim, -ENOENT);
    *stat = (struct os_stat){.size = file->seen.size, .mtime_us = sim->wall_us};
    return (int)leave(sim, 0);
}

static int sim_rename(void *self, const char *from, const char *to)
{
    struct os_sim *sim = enter(self);
    if (!sim_disk_find(&sim->disk, from))
        return (int)leave(sim, -ENOENT);
    if (count(sim, OS_SIM_NAME) == FAIL)
        return (int)leave(sim, failure(sim));
    sim_disk_rename(&sim->disk, from, to);
    return (int)leave(sim, sim->cut ? -EIO : 0);
}

static int sim_unlink(void *self, const char *path)
{
    struct os_sim *sim = enter(self);
    if (!sim_disk_find(&sim->disk, path))
        return (int)leave(sim, -ENOENT);
    if (count(sim, OS_SIM_NAME) == FAIL)
        return (int)leave(sim, failure(sim));
    sim_disk_unlink(&sim->disk, path);
    return (int)leave(sim, sim->cut ? -EIO : 0);
}

/* Directories are there whenever somebody names them: only files can be lost. */
static int sim_make_dir(void *self, const char *path)
{
    struct os_sim *sim = enter(self);
    (void)path;
    return (int)leave(sim, count(sim, OS_SIM_NAME) == GO ? 0 : failure(sim));
}

static int sim_sync_dir(void *self, const char *path)
{
    struct os_sim *sim = enter(self);
    (void)path;
    if (count(sim, OS_SIM_SYNC) != GO)
        return (int)leave(sim, failure(sim));
    sim_disk_sync_names(&sim->disk);
    return (int)leave(sim, 0);
}

static int sim_list_dir(void *self, const char *path, void (*visit)(void *context, const char *name), void *context)
{
    struct os_sim *sim = enter(self);
    size_t names;
    char **list = sim_disk_list(&sim->disk, path, &names);
    leave(sim, 0);
    for (size_t i = 0; i < names; i++) {
        visit(context, list[i]);
        free(list[i]);
    }
    free(list);
    return 0;
}

/* ---- what is not simulated ---- */

static int no_listen_tcp(void *self, const char *address, int port, int backlog, int *bound)
{
    (void)self, (void)address, (void)port, (void)backlog, (void)bound;
    return -ENOSYS;
}
static int no_listen_unix(void *self, const char *path, int mode, int backlog)
{
    (void)self, (void)path, (void)mode, (void)backlog;
    return -ENOSYS;
}
static int no_accept(void *self, int fd, char *peer, size_t size)
{
    (void)self, (void)fd, (void)peer, (void)size;
    return -ENOSYS;
}
static ssize_t no_read(void *self, int fd, void *bytes, size_t size)
{
    (void)self, (void)fd, (void)bytes, (void)size;
    return -ENOSYS;
}
static ssize_t no_write(void *self, int fd, const void *bytes, size_t size)
{
    (void)self, (void)fd, (void)bytes, (void)size;
    return -ENOSYS;
}
static ssize_t no_writev(void *self, int fd, const struct iovec *parts, int parts_count)
{
    (void)self, (void)fd, (void)parts, (void)parts_count;
    return -ENOSYS;
}
static int no_descriptor(void *self, int fd)
{
    (void)self, (void)fd;
    return -ENOSYS;
}
static int no_local_name(void *self, int fd, char *name, size_t size)
{
    (void)self, (void)fd, (void)name, (void)size;
    return -ENOSYS;
}
static int no_two(void *self, int a, int b)
{
    (void)self, (void)a, (void)b;
    return -ENOSYS;
}
static int no_open(void *self)
{
    (void)self;
    return -ENOSYS;
}
static int no_poller_add(void *self, int poller, int fd, uint32_t events, uint64_t tag)
{
    (void)self, (void)poller, (void)fd, (void)events, (void)tag;
    return -ENOSYS;
}
static int no_poller_wait(void *self, int poller, struct os_event *events, int max, int64_t timeout_ns)
{
    (void)self, (void)poller, (void)events, (void)max, (void)timeout_ns;
    return -ENOSYS;
}

static const struct os_ops sim_ops = {
    .monotonic_ns = sim_monotonic_ns,
    .wall_us = sim_wall_us,
    .random = sim_random,
    .open = sim_open,
    .close = sim_close,
    .pread = sim_pread,
    .pwrite = sim_pwrite,
    .datasync = sim_datasync,
    .zero_fill = sim_zero_fill,
    .truncate = sim_truncate,
    .stat = sim_stat,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .make_dir = sim_make_dir,
    .sync_dir = sim_sync_dir,
    .list_dir = sim_list_dir,
    .lock = sim_lock,
    .listen_tcp = no_listen_tcp,
    .listen_unix = no_listen_unix,
    .accept = no_accept,
    .read = no_read,
    .write = no_write,
    .writev = no_writev,
    .shutdown_write = no_descriptor,
    .local_name = no_local_name,
    .keepalive = no_two,
    .poller_open = no_open,
    .poller_add = no_poller_add,
    .poller_change = no_poller_add,
    .poller_remove = no_two,
    .poller_wait = no_poller_wait,
    .wake_open = no_open,
    .wake_signal = no_descriptor,
    .wake_clear = no_descriptor,
};

/* ---- for tests ---- */

struct os_sim *os_sim_new(uint64_t seed)
{
    struct os_sim *sim = calloc(1, sizeof *sim);
    assert(sim);
    sim->os = (struct os){&sim_ops, sim};
    pthread_mutex_init(&sim->mutex, NULL);
    sim->random = seed;
    sim->now_ns = 1000000000u;
    sim->wall_us = 1700000000000000; /* some day in 2023 */
    return sim;
}

void os_sim_free(struct os_sim *sim)
{
    sim_disk_deinit(&sim->disk);
    pthread_mutex_destroy(&sim->mutex);
    free(sim);
}

struct os *os_sim_os(struct os_sim *sim)
{
    return &sim->os;
}

void os_sim_advance(struct os_sim *sim, uint64_t ns)
{
    enter(sim);
    sim->now_ns += ns;
    sim->wall_us += (int64_t)(ns / 1000);
    leave(sim, 0);
}

void os_sim_jump(struct os_sim *sim, int64_t us)
{
    enter(sim);
    sim->wall_us += us;
    leave(sim, 0);
}

uint64_t os_sim_operations(const struct os_sim *sim, unsigned kinds)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < KINDS; i++)
        if (kinds & (1u << i))
            sum += sim->counts[i];
    return sum;
}

void os_sim_fail(struct os_sim *sim, unsigned kinds, uint64_t n, uint64_t times, int error)
{
    enter(sim);
    sim->fail_kinds = kinds;
    sim->fail_in = n;
    sim->fail_times = times;
    sim->fail_error = error;
    sim->fail_hit = false;
    leave(sim, 0);
}

bool os_sim_fail_hit(const struct os_sim *sim)
{
    return sim->fail_hit;
}

void os_sim_cut(struct os_sim *sim, uint64_t n)
{
    enter(sim);
    sim->cut_in = n;
    leave(sim, 0);
}

bool os_sim_is_cut(const struct os_sim *sim)
{
    return sim->cut;
}

void os_sim_power_on(struct os_sim *sim, enum os_sim_loss loss, uint64_t seed)
{
    enter(sim);
    memset(sim->descriptors, 0, sizeof sim->descriptors);
    sim->fail_in = sim->cut_in = 0;
    sim->cut = sim->fail_hit = false;
    sim_disk_lose(&sim->disk, loss, seed);
    leave(sim, 0);
}

uint8_t *os_sim_file(struct os_sim *sim, const char *path, uint64_t *size)
{
    enter(sim);
    struct sim_file *file = sim_disk_find(&sim->disk, path);
    if (file && size)
        *size = file->seen.size;
    leave(sim, 0);
    return file ? file->seen.bytes : NULL;
}

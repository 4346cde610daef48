/* SPDX-License-Identifier: MIT
 * os_linux: the socket half of the Linux implementation, for os_linux.c's table alone. What each does: os.h. */
#ifndef LOCUS_KERNEL_OS_LINUX_H
#define LOCUS_KERNEL_OS_LINUX_H

#include "kernel/os.h"

int linux_listen_tcp(void *self, const char *address, int port, int backlog, int *bound_port);
int linux_listen_unix(void *self, const char *path, int mode, int backlog);
int linux_accept(void *self, int fd, char *peer, size_t peer_size);
ssize_t linux_read(void *self, int fd, void *bytes, size_t size);
ssize_t linux_write(void *self, int fd, const void *bytes, size_t size);
ssize_t linux_writev(void *self, int fd, const struct iovec *parts, int count);
int linux_shutdown_write(void *self, int fd);
int linux_local_name(void *self, int fd, char *name, size_t size);
int linux_keepalive(void *self, int fd, int seconds);
int linux_poller_open(void *self);
int linux_poller_add(void *self, int poller, int fd, uint32_t events, uint64_t tag);
int linux_poller_change(void *self, int poller, int fd, uint32_t events, uint64_t tag);
int linux_poller_remove(void *self, int poller, int fd);
int linux_poller_wait(void *self, int poller, struct os_event *events, int max, int64_t timeout_ns);
int linux_wake_open(void *self);
int linux_wake_signal(void *self, int fd);
int linux_wake_clear(void *self, int fd);
int linux_signal_open(void *self, const int *signals, int count);
int linux_signal_read(void *self, int fd);
int linux_adopt(void *self, int fd);

#endif

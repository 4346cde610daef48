/* SPDX-License-Identifier: MIT
 * os: what every implementation of the seam shares: whole transfers made of partial ones. */
#include "kernel/os.h"

#include <errno.h>

int os_pwrite_all(struct os *os, int fd, const void *bytes, size_t size, uint64_t offset)
{
    const char *at = bytes;
    while (size) {
        ssize_t n = os->ops->pwrite(os->self, fd, at, size, offset);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return -EIO; /* a write that neither moves on nor says why would loop for ever */
        at += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int os_pread_all(struct os *os, int fd, void *bytes, size_t size, uint64_t offset)
{
    char *at = bytes;
    while (size) {
        ssize_t n = os->ops->pread(os->self, fd, at, size, offset);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return -EIO;
        at += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

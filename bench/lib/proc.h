/* SPDX-License-Identifier: MIT
 * proc: what a server costs, read from outside: processor time from /proc, memory, bytes on disk. */
#ifndef LOCUS_BENCH_PROC_H
#define LOCUS_BENCH_PROC_H

#include <stdint.h>
#include <sys/types.h>

/* Nanoseconds on a processor so far (schedstat: exact while a thread sleeps), the first thread and all others apart. */
struct proc_cpu {
    uint64_t main_ns, other_ns;
};
struct proc_cpu proc_cpu(pid_t pid);

/* Resident memory that is its own, in bytes (RssAnon and RssShmem: mapped files, program text among them, are not counted). */
uint64_t proc_memory(pid_t pid);

/* Bytes of data in the files below a directory, up to each file's last byte that is not zero: files filled with zeros ahead
 * count for what was written. A file called "log", the server's chatter, is left out. */
uint64_t proc_dir_bytes(const char *path);

#endif

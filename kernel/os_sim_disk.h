/* SPDX-License-Identifier: MIT
 * os_sim_disk: files and names with two contents each: seen, and stable (os_sim.h has the picture). Used by os_sim.c alone. */
#ifndef LOCUS_KERNEL_OS_SIM_DISK_H
#define LOCUS_KERNEL_OS_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/os_sim.h"

#define SIM_PAGE 4096u /* what a write is remembered in */
#define SIM_PIECE 512u /* what may be torn from a page */

struct sim_content {
    uint8_t *bytes; /* Ours */
    uint64_t size, capacity;
};

/* A page as some unsynced write left it. */
struct sim_page {
    uint64_t number;
    uint8_t *bytes; /* Ours: SIM_PAGE bytes */
};

struct sim_file {
    struct sim_content seen, stable;
    struct sim_page *pending; /* Ours: in the order of the writes */
    size_t pending_count, pending_capacity;
    bool locked;
    struct sim_file *next; /* all files ever made, named or not */
};

struct sim_name {
    char *path;            /* Ours */
    struct sim_file *file; /* Borrowed from the disk */
};

struct sim_names {
    struct sim_name *list; /* Ours: in byte order of paths */
    size_t count, capacity;
};

/* A change of names that has not reached stable storage. */
struct sim_change {
    char *from, *to;       /* Ours; creation: from only; removal: to is NULL, file is NULL */
    struct sim_file *file; /* creation: the file */
};

struct sim_disk {
    struct sim_file *files;
    struct sim_names seen, stable;
    struct sim_change *changes; /* Ours */
    size_t changes_count, changes_capacity;
};

void sim_disk_deinit(struct sim_disk *disk);
struct sim_file *sim_disk_find(const struct sim_disk *disk, const char *path); /* NULL: no such name */
struct sim_file *sim_disk_create(struct sim_disk *disk, const char *path);
void sim_disk_rename(struct sim_disk *disk, const char *from, const char *to);
void sim_disk_unlink(struct sim_disk *disk, const char *path);
void sim_disk_sync_names(struct sim_disk *disk);
/* Names in a directory in byte order; list and names are the caller's to free. */
char **sim_disk_list(const struct sim_disk *disk, const char *dir, size_t *count);

void sim_file_write(struct sim_file *file, const void *bytes, uint64_t size, uint64_t offset);
void sim_file_truncate(struct sim_file *file, uint64_t size);
void sim_file_sync(struct sim_file *file);
void sim_file_forget(struct sim_file *file); /* a sync failed: what was pending will never be written */

/* Lose power and come back. */
void sim_disk_lose(struct sim_disk *disk, enum os_sim_loss loss, uint64_t seed);

#endif

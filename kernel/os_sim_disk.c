/* SPDX-License-Identifier: MIT
 * os_sim_disk: see os_sim_disk.h. */
#include "kernel/os_sim_disk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Room for one more element of an array. */
static void *one_more(void *list, size_t count, size_t *capacity, size_t element)
{
    if (count < *capacity)
        return list;
    *capacity = *capacity ? *capacity * 2 : 16;
    list = realloc(list, *capacity * element);
    assert(list);
    return list;
}

/* ---- contents ---- */

static void content_resize(struct sim_content *content, uint64_t size)
{
    if (size > content->capacity) {
        content->capacity = size * 2;
        content->bytes = realloc(content->bytes, content->capacity);
        assert(content->bytes);
    }
    if (size > content->size)
        memset(content->bytes + content->size, 0, size - content->size);
    content->size = size;
}

static void content_copy(struct sim_content *to, const struct sim_content *from)
{
    content_resize(to, from->size);
    if (from->size)
        memcpy(to->bytes, from->bytes, from->size);
}

void sim_file_forget(struct sim_file *file)
{
    for (size_t i = 0; i < file->pending_count; i++)
        free(file->pending[i].bytes);
    file->pending_count = 0;
}

static void remember_page(struct sim_file *file, uint64_t number)
{
    file->pending = one_more(file->pending, file->pending_count, &file->pending_capacity, sizeof *file->pending);
    uint8_t *copy = calloc(1, SIM_PAGE);
    assert(copy);
    uint64_t start = number * SIM_PAGE;
    uint64_t there = file->seen.size - start;
    memcpy(copy, file->seen.bytes + start, there < SIM_PAGE ? there : SIM_PAGE);
    file->pending[file->pending_count++] = (struct sim_page){number, copy};
}

void sim_file_write(struct sim_file *file, const void *bytes, uint64_t size, uint64_t offset)
{
    if (size == 0)
        return;
    if (offset + size > file->seen.size)
        content_resize(&file->seen, offset + size);
    memcpy(file->seen.bytes + offset, bytes, size);
    for (uint64_t page = offset / SIM_PAGE; page <= (offset + size - 1) / SIM_PAGE; page++)
        remember_page(file, page);
}

/* A truncated file's pending pages are forgotten; the stable size changes with the next sync. */
void sim_file_truncate(struct sim_file *file, uint64_t size)
{
    content_resize(&file->seen, size);
    size_t kept = 0;
    for (size_t i = 0; i < file->pending_count; i++) {
        if (file->pending[i].number * SIM_PAGE < size)
            file->pending[kept++] = file->pending[i];
        else
            free(file->pending[i].bytes);
    }
    file->pending_count = kept;
}

/* Pages that a failed sync forgot stay as they are on stable storage: only what is pending moves over. */
void sim_file_sync(struct sim_file *file)
{
    content_resize(&file->stable, file->seen.size);
    for (size_t i = 0; i < file->pending_count; i++) {
        uint64_t start = file->pending[i].number * SIM_PAGE;
        if (start >= file->stable.size)
            continue;
        uint64_t there = file->stable.size - start;
        memcpy(file->stable.bytes + start, file->pending[i].bytes, there < SIM_PAGE ? there : SIM_PAGE);
    }
    sim_file_forget(file);
}

/* ---- names ---- */

/* Where the path is or would be. */
static size_t names_place(const struct sim_names *names, const char *path)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(names->list[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct sim_file *names_find(const struct sim_names *names, const char *path)
{
    size_t place = names_place(names, path);
    bool found = place < names->count && strcmp(names->list[place].path, path) == 0;
    return found ? names->list[place].file : NULL;
}

static void names_put(struct sim_names *names, const char *path, struct sim_file *file)
{
    size_t place = names_place(names, path);
    if (place < names->count && strcmp(names->list[place].path, path) == 0) {
        names->list[place].file = file;
        return;
    }
    names->list = one_more(names->list, names->count, &names->capacity, sizeof *names->list);
    memmove(&names->list[place + 1], &names->list[place], (names->count - place) * sizeof *names->list);
    names->list[place] = (struct sim_name){strdup(path), file};
    names->count++;
}

static void names_remove(struct sim_names *names, const char *path)
{
    size_t place = names_place(names, path);
    if (place == names->count || strcmp(names->list[place].path, path) != 0)
        return;
    free(names->list[place].path);
    names->count--;
    memmove(&names->list[place], &names->list[place + 1], (names->count - place) * sizeof *names->list);
}

static void names_clear(struct sim_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i].path);
    names->count = 0;
}

static void change_apply(struct sim_names *names, const struct sim_change *change)
{
    if (change->file) {
        names_put(names, change->from, change->file);
        return;
    }
    struct sim_file *file = names_find(names, change->from);
    names_remove(names, change->from);
    if (change->to && file)
        names_put(names, change->to, file);
}

/* Names change for programs at once, for the disk later. */
static void change(struct sim_disk *disk, const char *from, const char *to, struct sim_file *file)
{
    disk->changes = one_more(disk->changes, disk->changes_count, &disk->changes_capacity, sizeof *disk->changes);
    struct sim_change *added = &disk->changes[disk->changes_count++];
    *added = (struct sim_change){strdup(from), to ? strdup(to) : NULL, file};
    change_apply(&disk->seen, added);
}

static void changes_clear(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->changes_count; i++) {
        free(disk->changes[i].from);
        free(disk->changes[i].to);
    }
    disk->changes_count = 0;
}

struct sim_file *sim_disk_find(const struct sim_disk *disk, const char *path)
{
    return names_find(&disk->seen, path);
}

struct sim_file *sim_disk_create(struct sim_disk *disk, const char *path)
{
    struct sim_file *file = calloc(1, sizeof *file);
    assert(file);
    file->next = disk->files;
    disk->files = file;
    change(disk, path, NULL, file);
    return file;
}

void sim_disk_rename(struct sim_disk *disk, const char *from, const char *to)
{
    change(disk, from, to, NULL);
}

void sim_disk_unlink(struct sim_disk *disk, const char *path)
{
    change(disk, path, NULL, NULL);
}

void sim_disk_sync_names(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->changes_count; i++)
        change_apply(&disk->stable, &disk->changes[i]);
    changes_clear(disk);
}

char **sim_disk_list(const struct sim_disk *disk, const char *dir, size_t *count)
{
    size_t prefix = strlen(dir);
    char **list = calloc(disk->seen.count + 1, sizeof *list);
    assert(list);
    *count = 0;
    for (size_t i = 0; i < disk->seen.count; i++) {
        const char *path = disk->seen.list[i].path;
        bool inside = strncmp(path, dir, prefix) == 0 && path[prefix] == '/' && !strchr(path + prefix + 1, '/');
        if (inside)
            list[(*count)++] = strdup(path + prefix + 1);
    }
    return list;
}

/* ---- loss of power ---- */

/* The copy of page `number` that survives in the piece at `piece`: one of the pending ones, or -1 for the stable one. */
static ptrdiff_t choose_copy(const struct sim_file *file, uint64_t number, uint64_t *random)
{
    ptrdiff_t chosen = -1;
    uint64_t copies = 1;
    for (size_t i = 0; i < file->pending_count; i++)
        if (file->pending[i].number == number && next_random(random) % ++copies == 0)
            chosen = (ptrdiff_t)i;
    return chosen;
}

static void keep_piece(struct sim_file *file, ptrdiff_t copy, uint64_t start, uint64_t piece, uint64_t size)
{
    if (copy < 0)
        return;
    uint64_t end = start + piece + size;
    uint64_t seen = file->seen.size < end ? file->seen.size : end;
    if (seen > file->stable.size)
        content_resize(&file->stable, seen);
    if (start + piece < seen)
        memcpy(file->stable.bytes + start + piece, file->pending[copy].bytes + piece, seen - start - piece);
}

static void lose_page(struct sim_file *file, uint64_t number, uint64_t *random)
{
    uint64_t start = number * SIM_PAGE;
    if (next_random(random) % 3) { /* whole: the newest half of the time, else any */
        ptrdiff_t copy = choose_copy(file, number, random);
        keep_piece(file, copy, start, 0, SIM_PAGE);
        return;
    }
    for (uint64_t piece = 0; piece < SIM_PAGE; piece += SIM_PIECE)
        keep_piece(file, choose_copy(file, number, random), start, piece, SIM_PIECE);
}

static bool page_seen_before(const struct sim_file *file, size_t i)
{
    for (size_t before = 0; before < i; before++)
        if (file->pending[before].number == file->pending[i].number)
            return true;
    return false;
}

static void lose_file(struct sim_file *file, enum os_sim_loss loss, uint64_t *random)
{
    if (loss == OS_SIM_MIX) {
        for (size_t i = 0; i < file->pending_count; i++)
            if (!page_seen_before(file, i))
                lose_page(file, file->pending[i].number, random);
    }
    sim_file_forget(file);
    content_copy(&file->seen, &file->stable);
    file->seen.size = file->stable.size;
}

void sim_disk_lose(struct sim_disk *disk, enum os_sim_loss loss, uint64_t seed)
{
    uint64_t random = seed;
    for (struct sim_file *file = disk->files; file; file = file->next) {
        file->locked = false;
        if (loss != OS_SIM_KEEP_ALL)
            lose_file(file, loss, &random);
    }
    if (loss == OS_SIM_KEEP_ALL)
        return;
    size_t kept = loss == OS_SIM_MIX ? next_random(&random) % (disk->changes_count + 1) : 0;
    for (size_t i = 0; i < kept; i++)
        change_apply(&disk->stable, &disk->changes[i]);
    changes_clear(disk);
    names_clear(&disk->seen);
    for (size_t i = 0; i < disk->stable.count; i++)
        names_put(&disk->seen, disk->stable.list[i].path, disk->stable.list[i].file);
}

void sim_disk_deinit(struct sim_disk *disk)
{
    while (disk->files) {
        struct sim_file *file = disk->files;
        disk->files = file->next;
        sim_file_forget(file);
        free(file->pending);
        free(file->seen.bytes);
        free(file->stable.bytes);
        free(file);
    }
    names_clear(&disk->seen);
    names_clear(&disk->stable);
    changes_clear(disk);
    free(disk->seen.list);
    free(disk->stable.list);
    free(disk->changes);
}

/* SPDX-License-Identifier: MIT
 * scan_segment: finding, opening and searching segment files for a scan. */
#include "services/txlog/scan_segment.h"

#include <errno.h>
#include <stdlib.h>

#include "services/txlog/crc32c.h"
#include "services/txlog/varint.h"

#define WINDOW_BYTES ((size_t)1 << 20) /* read at a time; larger records make it larger */

/* ---- the directory ---- */

struct listing {
    uint64_t *numbers;
    size_t count, capacity;
};

static void visit_name(void *context, const char *name)
{
    struct listing *list = context;
    uint64_t number = segment_number(name);
    if (!number)
        return;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->numbers = realloc(list->numbers, list->capacity * sizeof *list->numbers);
        if (!list->numbers)
            abort();
    }
    list->numbers[list->count++] = number; /* names of one width: byte order is numeric order */
}

int scan_list(struct os *os, const char *dir, uint64_t **numbers, size_t *count)
{
    struct listing list = {0};
    int error = os->ops->list_dir(os->self, dir, visit_name, &list);
    *numbers = list.numbers;
    *count = list.count;
    return error;
}

/* ---- reading ---- */

static void path_of(const char *dir, uint64_t number, struct buffer *path)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(number, name);
    path->size = 0;
    buffer_format(path, "%s/%s", dir, name);
}

static uint64_t size_of(const struct scan *s, uint64_t number)
{
    struct buffer path = {0};
    struct os_stat stat = {0};
    path_of(s->dir.base, number, &path);
    int error = s->os->ops->stat(s->os->self, path.base, &stat);
    buffer_free(&path);
    return error ? 0 : stat.size;
}

static int open_number(struct os *os, const char *dir, uint64_t number)
{
    struct buffer path = {0};
    path_of(dir, number, &path);
    int fd = os->ops->open(os->self, path.base, OS_READ);
    buffer_free(&path);
    return fd;
}

static int open_file(const struct scan *s, uint64_t number)
{
    return open_number(s->os, s->dir.base, number);
}

void scan_refresh(struct scan *s)
{
    s->window.size = 0;
    s->size = size_of(s, s->header.number);
}

const uint8_t *scan_view(struct scan *s, uint64_t offset, size_t size)
{
    bool inside = offset >= s->window_offset && offset + size <= s->window_offset + s->window.size;
    if (!inside) {
        if (offset + size > s->size)
            return NULL;
        uint64_t rest = s->size - offset;
        size_t want = size > WINDOW_BYTES ? size : WINDOW_BYTES;
        want = want < rest ? want : rest;
        s->window.size = 0;
        char *room = buffer_room(&s->window, want);
        s->read_error = os_pread_all(s->os, s->fd, room, want, offset);
        if (s->read_error)
            return NULL;
        s->window.size = want;
        s->window_offset = offset;
    }
    return (const uint8_t *)s->window.base + (offset - s->window_offset);
}

/* All of it, or as much as the file has: how many bytes, or -errno. */
static ssize_t read_start(struct os *os, int fd, uint64_t offset, uint8_t *bytes, size_t size)
{
    size_t had = 0;
    while (had < size) {
        ssize_t got = os->ops->pread(os->self, fd, bytes + had, size - had, offset + had);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        had += (size_t)got;
    }
    return (ssize_t)had;
}

/* Either copy of a header; of two valid ones, one whose opened part is valid. */
static int read_header(struct os *os, int fd, uint64_t number, struct segment_header *header)
{
    uint8_t bytes[SEGMENT_HEADER_BYTES] = {0};
    struct segment_header copies[2];
    ssize_t got = read_start(os, fd, 0, bytes, sizeof bytes);
    if (got < 0)
        return (int)got;
    bool valid[2];
    for (int i = 0; i < 2; i++)
        valid[i] = segment_header_decode(bytes + i * SECTOR_BYTES, &copies[i]) == 0 && copies[i].number == number;
    if (!valid[0] && !valid[1])
        return -EBADMSG;
    bool second = !valid[0] || (valid[1] && !copies[0].opened && copies[1].opened);
    *header = copies[second];
    return 0;
}

int segment_read_header(struct os *os, const char *dir, uint64_t number, struct segment_header *header)
{
    int fd = open_number(os, dir, number);
    if (fd < 0)
        return fd;
    int error = read_header(os, fd, number, header);
    os->ops->close(os->self, fd);
    return error;
}

bool segment_is_blank(struct os *os, const char *dir, uint64_t number)
{
    int fd = open_number(os, dir, number);
    if (fd < 0)
        return true;
    uint8_t first = 0;
    bool blank = read_start(os, fd, SEGMENT_HEADER_BYTES, &first, 1) >= 0 && first == 0;
    os->ops->close(os->self, fd);
    return blank;
}

static int header_of(const struct scan *s, uint64_t number, struct segment_header *header)
{
    return segment_read_header(s->os, s->dir.base, number, header);
}

bool scan_sealed_now(struct scan *s, struct log_position end)
{
    int fd = open_file(s, end.segment);
    uint8_t bytes[TRAILER_BYTES];
    struct trailer trailer;
    bool sealed = fd >= 0 && os_pread_all(s->os, fd, bytes, sizeof bytes, end.offset - TRAILER_BYTES) == 0 &&
                  trailer_decode(bytes, &trailer) == TRAILER_SEALED;
    if (fd >= 0)
        s->os->ops->close(s->os->self, fd);
    return sealed;
}

/* ---- moving ---- */

static void start_hashing(struct scan *s)
{
    if (s->hashing || s->header.number < s->hash_from || !(s->header.opened || s->next_tx == 1))
        return;
    s->hashing = true;
    if (s->header.opened)
        s->tree = s->header.tree;
    else
        merkle_init(&s->tree);
    s->batch_tree = s->tree;
}

static void enter(struct scan *s, int fd, const struct segment_header *header)
{
    if (s->fd >= 0)
        s->os->ops->close(s->os->self, s->fd);
    s->fd = fd;
    s->header = *header;
    s->offset = s->batch_offset = SEGMENT_HEADER_BYTES;
    s->segments++;
    scan_refresh(s);
    start_hashing(s);
}

/* Is what begins a file that was never opened the record that has to come next? 1, 0 or -errno. */
static int begins_with_record(struct scan *s, int fd, const struct segment_header *header, const uint8_t *start)
{
    const char *at = (const char *)start;
    uint64_t length;
    if (varint_get(&at, at + RECORD_PREFIX_MAX, &length) || length > size_of(s, header->number))
        return 0;
    uint32_t crc = load_u32(at);
    struct buffer body = {0};
    uint64_t offset = SEGMENT_HEADER_BYTES + (uint64_t)(at + 4 - (const char *)start);
    char *room = buffer_room(&body, length + 1);
    ssize_t got = read_start(s->os, fd, offset, (uint8_t *)room, length);
    bool valid = got == (ssize_t)length && crc32c(record_crc_start(header->salt, s->next_tx, length), room, length) == crc;
    buffer_free(&body);
    return got < 0 ? (int)got : valid;
}

/* Likewise, or the seal of an empty batch. */
static int begins_with(struct scan *s, int fd, const struct segment_header *header)
{
    uint8_t bytes[SECTOR_BYTES];
    struct trailer trailer;
    ssize_t got = read_start(s->os, fd, SEGMENT_HEADER_BYTES, bytes, sizeof bytes);
    if (got < (ssize_t)sizeof bytes)
        return got < 0 ? (int)got : 0;
    if (bytes[0])
        return begins_with_record(s, fd, header, bytes);
    return trailer_decode(bytes + SECTOR_BYTES - TRAILER_BYTES, &trailer) != TRAILER_NONE && trailer.salt == header->salt &&
           trailer.first_tx == s->next_tx;
}

static int follows(struct scan *s, int fd, uint64_t number, struct segment_header *header)
{
    int error = read_header(s->os, fd, number, header);
    if (error)
        return error == -EBADMSG ? 0 : error;
    if (memcmp(header->uuid, s->header.uuid, sizeof header->uuid) != 0)
        return 0;
    return header->opened ? header->first_tx == s->next_tx : begins_with(s, fd, header);
}

int scan_move_on(struct scan *s)
{
    uint64_t number = s->header.number + 1;
    int fd = open_file(s, number);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    struct segment_header header;
    int next = follows(s, fd, number, &header);
    if (next > 0)
        enter(s, fd, &header);
    else
        s->os->ops->close(s->os->self, fd);
    return next;
}

/* ---- judging ---- */

/* One file: a sealed trailer behind `from` whose watermark lies behind `place`. */
static bool attests(struct scan *s, uint64_t number, uint64_t from, struct log_position place, struct log_position *by)
{
    struct scan other = {.os = s->os, .dir = s->dir, .fd = open_file(s, number), .size = size_of(s, number)};
    if (other.fd < 0) {
        s->read_error = other.fd == -ENOENT ? 0 : other.fd;
        return false;
    }
    struct segment_header header;
    bool known = read_header(s->os, other.fd, number, &header) == 0;
    bool found = false;
    for (uint64_t end = (from / SECTOR_BYTES + 1) * SECTOR_BYTES; end <= other.size && !found; end += SECTOR_BYTES) {
        struct trailer trailer;
        const uint8_t *sector = scan_view(&other, end - SECTOR_BYTES, SECTOR_BYTES);
        if (!sector || trailer_decode(sector + SECTOR_BYTES - TRAILER_BYTES, &trailer) != TRAILER_SEALED)
            continue;
        bool ours = trailer.segment == number && (!known || trailer.salt == header.salt);
        found = ours && log_position_compare(trailer.watermark, place) > 0;
        *by = (struct log_position){number, end};
    }
    s->read_error = other.read_error;
    s->os->ops->close(s->os->self, other.fd);
    buffer_free(&other.window);
    return found;
}

bool scan_attested(struct scan *s, struct log_position place, struct log_position *by)
{
    if (log_position_compare(s->attested, place) > 0) {
        *by = (struct log_position){s->header.number, s->batch_offset};
        return true;
    }
    for (size_t i = 0; i < s->count; i++) {
        uint64_t from = s->numbers[i] == place.segment ? place.offset : SEGMENT_HEADER_BYTES;
        if (s->numbers[i] >= place.segment && (attests(s, s->numbers[i], from, place, by) || s->read_error))
            return !s->read_error;
    }
    return false;
}

/* ---- opening ---- */

void scan_hash_all(struct scan *s)
{
    s->hash_from = 0;
    start_hashing(s);
}

void scan_hash_last(struct scan *s)
{
    s->hash_from = s->header.number;
    for (size_t i = s->count; i-- > 0 && s->numbers[i] > s->header.number;) {
        struct segment_header header;
        if (header_of(s, s->numbers[i], &header) == 0 && header.opened) {
            s->hash_from = s->numbers[i];
            break;
        }
    }
    start_hashing(s);
}

/* The last segment that begins at or before from_tx. A log's very first one begins at 1, opened or not. */
static int find_start(struct scan *s, uint64_t from_tx, struct segment_header *header)
{
    bool any = false;
    for (size_t i = s->count; i-- > 0;) {
        if (from_tx == 0 && i > 0)
            continue;
        int error = header_of(s, s->numbers[i], header);
        if (error == -EBADMSG || error == -ENOENT)
            continue;
        if (error)
            return error;
        any = true;
        if (!header->opened && header->number == 1)
            header->first_tx = 1;
        if (header->first_tx && (from_tx == 0 || header->first_tx <= from_tx))
            return 0;
    }
    return any ? -ERANGE : -EBADMSG;
}

static int complain_start(struct scan *s, int error, uint64_t from_tx)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(s->numbers[0], name);
    if (error == -ERANGE)
        buffer_format(s->error, "%s: transaction %llu is no longer in the log, which begins with %s", s->dir.base,
                      (unsigned long long)from_tx, name);
    else if (error != -EBADMSG)
        buffer_format(s->error, "%s: a segment cannot be read: %s", s->dir.base, strerror(-error));
    else
        buffer_format(s->error, "%s/%s is corrupt at offset 0: neither copy of its header is valid", s->dir.base, name);
    s->damaged_start = error == -EBADMSG;
    return error;
}

int scan_open(struct scan *s, struct os *os, const char *dir, uint64_t from_tx, struct buffer *error)
{
    memset(s, 0, sizeof *s);
    s->os = os;
    s->error = error;
    s->fd = -1;
    s->hash_from = UINT64_MAX;
    buffer_format(&s->dir, "%s", dir);
    int result = scan_list(os, dir, &s->numbers, &s->count);
    if (result == 0 && s->count == 0)
        result = -ENOENT;
    if (result) {
        buffer_format(error, "%s: %s", dir, result == -ENOENT ? "there is no log here" : strerror(-result));
        return result;
    }
    struct segment_header header;
    result = find_start(s, from_tx, &header);
    if (result)
        return complain_start(s, result, from_tx);
    int fd = open_file(s, header.number);
    if (fd < 0) {
        buffer_format(error, "%s: a segment cannot be opened: %s", dir, strerror(-fd));
        return fd;
    }
    s->next_tx = s->batch_tx = header.first_tx;
    s->logged = s->batch_before = header.admission;
    enter(s, fd, &header);
    return 0;
}

void scan_close(struct scan *s)
{
    if (s->fd >= 0)
        s->os->ops->close(s->os->self, s->fd);
    buffer_free(&s->window);
    buffer_free(&s->dir);
    free(s->numbers);
    s->numbers = NULL;
    s->fd = -1;
}

/* SPDX-License-Identifier: MIT
 * manifest: the files of checkpoints, read side; see checkpoint.h. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/txlog/checkpoint.h"
#include "services/txlog/crc32c.h"
#include "services/txlog/reader.h"
#include "services/txlog/varint.h"

enum { MANIFEST_HEAD = 56, MANIFEST_ENTRY = 64 };

static const char manifest_magic[8] = "LOCUSCKP";

struct tx_digest tx_delta_digest(struct slice delta)
{
    XXH128_hash_t hash = XXH3_128bits(delta.base, delta.size);
    struct tx_digest digest;
    memcpy(digest.bytes, &hash, sizeof digest.bytes);
    return digest;
}

/* ---- the manifest's bytes ---- */

void manifest_encode(const struct manifest *m, struct buffer *bytes)
{
    size_t size = MANIFEST_HEAD + m->count * MANIFEST_ENTRY;
    bytes->size = 0;
    char *at = buffer_room(bytes, size + 4);
    memset(at, 0, size);
    memcpy(at, manifest_magic, 8);
    store_u32(at + 8, 1);
    store_u32(at + 12, m->count | (m->adopted ? 1u << 16 : 0));
    memcpy(at + 16, m->about.uuid, 16);
    store_u64(at + 32, m->about.tx);
    store_u64(at + 40, m->about.admission.cmd_seq);
    store_u64(at + 48, (uint64_t)m->about.admission.time_us);
    for (uint32_t i = 0; i < m->count; i++) {
        const struct manifest_entry *entry = &m->entries[i];
        char *to = at + MANIFEST_HEAD + i * MANIFEST_ENTRY;
        store_u32(to, entry->service);
        memcpy(to + 8, entry->suffix, sizeof entry->suffix);
        store_u64(to + 24, entry->size);
        memcpy(to + 32, entry->content.bytes, 16);
        memcpy(to + 48, entry->state.bytes, 16);
    }
    store_u32(at + size, crc32c(0, at, size));
    bytes->size = size + 4;
}

int manifest_decode(struct slice bytes, struct manifest *m)
{
    const char *at = bytes.base;
    memset(m, 0, sizeof *m);
    if (bytes.size < MANIFEST_HEAD + 4 || memcmp(at, manifest_magic, 8) != 0 || load_u32(at + 8) != 1)
        return -EBADMSG;
    m->count = load_u32(at + 12) & 0xffff;
    m->adopted = load_u32(at + 12) >> 16 & 1;
    if (m->count > CHECKPOINT_SERVICES_MAX || bytes.size != MANIFEST_HEAD + m->count * MANIFEST_ENTRY + 4)
        return -EBADMSG;
    if (crc32c(0, at, bytes.size - 4) != load_u32(at + bytes.size - 4))
        return -EBADMSG;
    memcpy(m->about.uuid, at + 16, 16);
    m->about.tx = load_u64(at + 32);
    m->about.admission.cmd_seq = load_u64(at + 40);
    m->about.admission.time_us = (int64_t)load_u64(at + 48);
    for (uint32_t i = 0; i < m->count; i++) {
        struct manifest_entry *entry = &m->entries[i];
        const char *from = at + MANIFEST_HEAD + i * MANIFEST_ENTRY;
        entry->service = (uint16_t)load_u32(from);
        memcpy(entry->suffix, from + 8, CHECKPOINT_SUFFIX_MAX);
        entry->size = load_u64(from + 24);
        memcpy(entry->content.bytes, from + 32, 16);
        memcpy(entry->state.bytes, from + 48, 16);
    }
    return 0;
}

/* ---- names ---- */

void checkpoint_name(uint64_t tx, const char *suffix, char name[CHECKPOINT_NAME_BYTES])
{
    int size = snprintf(name, CHECKPOINT_NAME_BYTES, "checkpoint-%020llu.%s", (unsigned long long)tx, suffix);
    assert(size > 0 && (size_t)size < CHECKPOINT_NAME_BYTES);
}

bool checkpoint_parse(const char *name, uint64_t *tx, const char **suffix)
{
    if (strncmp(name, "checkpoint-", 11) != 0 || strspn(name + 11, "0123456789") != 20 || name[31] != '.')
        return false;
    *tx = strtoull(name + 11, NULL, 10);
    *suffix = name + 32;
    return true;
}

struct listing {
    uint64_t *txs;
    size_t count, capacity;
};

static void visit_name(void *context, const char *name)
{
    struct listing *list = context;
    uint64_t tx;
    const char *suffix;
    if (!checkpoint_parse(name, &tx, &suffix) || strcmp(suffix, "manifest") != 0)
        return;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->txs = realloc(list->txs, list->capacity * sizeof *list->txs);
        if (!list->txs)
            abort();
    }
    list->txs[list->count++] = tx;
}

int checkpoint_list(struct os *os, const char *dir, uint64_t **txs, size_t *count)
{
    struct listing list = {0};
    int error = os->ops->list_dir(os->self, dir, visit_name, &list);
    for (size_t i = 0; i < list.count / 2; i++) {
        uint64_t tx = list.txs[i];
        list.txs[i] = list.txs[list.count - 1 - i];
        list.txs[list.count - 1 - i] = tx;
    }
    *txs = list.txs;
    *count = list.count;
    return error;
}

/* ---- reading ---- */

/* A checkpoint's file, read from front to end. */
struct file_source {
    struct tx_source source;
    struct os *os;
    int fd;
    uint64_t offset, size; /* bytes */
};

static ssize_t file_read(struct tx_source *source, void *bytes, size_t size)
{
    struct file_source *file = (struct file_source *)source;
    uint64_t rest = file->size - file->offset;
    size_t want = size < rest ? size : rest;
    if (want == 0)
        return 0;
    ssize_t got = file->os->ops->pread(file->os->self, file->fd, bytes, want, file->offset);
    if (got == 0)
        return -EIO; /* shorter than it was a moment ago */
    if (got > 0)
        file->offset += (uint64_t)got;
    return got;
}

static int source_open(struct os *os, const char *dir, const char *name, struct file_source *file)
{
    struct buffer path = {0};
    struct os_stat stat;
    buffer_format(&path, "%s/%s", dir, name);
    int error = os->ops->stat(os->self, path.base, &stat);
    if (!error)
        *file = (struct file_source){{file_read}, os, os->ops->open(os->self, path.base, OS_READ), 0, stat.size};
    buffer_free(&path);
    if (error)
        return error;
    return file->fd < 0 ? file->fd : 0;
}

static void source_close(struct file_source *file)
{
    file->os->ops->close(file->os->self, file->fd);
}

static int hash_source(struct file_source *file, struct tx_digest *digest)
{
    char *bytes = malloc(CHECKPOINT_IO_BYTES);
    XXH3_state_t *state = XXH3_createState();
    if (!bytes || !state)
        abort();
    XXH3_128bits_reset(state);
    ssize_t got;
    while ((got = file_read(&file->source, bytes, CHECKPOINT_IO_BYTES)) > 0)
        XXH3_128bits_update(state, bytes, (size_t)got);
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    memcpy(digest->bytes, &hash, sizeof digest->bytes);
    XXH3_freeState(state);
    free(bytes);
    return (int)got;
}

static int check_file(struct os *os, const char *dir, uint64_t tx, const struct manifest_entry *entry)
{
    char name[CHECKPOINT_NAME_BYTES];
    struct file_source file;
    struct tx_digest digest;
    checkpoint_name(tx, entry->suffix, name);
    int error = source_open(os, dir, name, &file);
    if (error)
        return error;
    error = file.size == entry->size ? hash_source(&file, &digest) : -EBADMSG;
    source_close(&file);
    if (error)
        return error;
    return memcmp(digest.bytes, entry->content.bytes, sizeof digest.bytes) == 0 ? 0 : -EBADMSG;
}

static int read_manifest(struct os *os, const char *dir, uint64_t tx, struct manifest *manifest)
{
    char name[CHECKPOINT_NAME_BYTES];
    char bytes[MANIFEST_HEAD + CHECKPOINT_SERVICES_MAX * MANIFEST_ENTRY + 4];
    struct file_source file;
    checkpoint_name(tx, "manifest", name);
    int error = source_open(os, dir, name, &file);
    if (error)
        return error;
    size_t size = file.size;
    error = size > sizeof bytes ? -EBADMSG : os_pread_all(os, file.fd, bytes, size, 0);
    source_close(&file);
    if (!error)
        error = manifest_decode(slice_of(bytes, size), manifest);
    return error ? error : manifest->about.tx == tx ? 0 : -EBADMSG;
}

int checkpoint_check(struct os *os, const char *dir, uint64_t tx, bool content, struct manifest *manifest)
{
    int error = read_manifest(os, dir, tx, manifest);
    for (uint32_t i = 0; i < manifest->count && !error && content; i++)
        error = check_file(os, dir, tx, &manifest->entries[i]);
    return error;
}

/* ---- restoring ---- */

static const struct service *find_service(const struct service *services, int count, uint16_t id)
{
    for (int i = 0; i < count; i++)
        if (services[i].id == id)
            return &services[i];
    return NULL;
}

static int restore_entry(struct os *os, const char *dir, uint64_t tx, const struct service *service,
                         const struct manifest_entry *entry, struct buffer *error)
{
    char name[CHECKPOINT_NAME_BYTES];
    struct file_source file;
    checkpoint_name(tx, entry->suffix, name);
    int result = source_open(os, dir, name, &file);
    if (result) {
        buffer_format(error, "%s/%s cannot be opened: %s", dir, name, strerror(-result));
        return result;
    }
    struct buffer why = {0};
    result = service->restore(service->state, &file.source, &why);
    source_close(&file);
    if (result)
        buffer_format(error, "%s/%s cannot be restored: %.*s (%s)", dir, name, (int)why.size, why.base ? why.base : "",
                      strerror(-result));
    buffer_free(&why);
    return result;
}

int checkpoint_load(struct os *os, const char *dir, const struct service *services, int count, const struct manifest *manifest,
                    struct buffer *error)
{
    services_identify(services, count, manifest->about.uuid);
    for (uint32_t i = 0; i < manifest->count; i++) {
        const struct manifest_entry *entry = &manifest->entries[i];
        const struct service *service = find_service(services, count, entry->service);
        if (!service) {
            buffer_format(error, "%s: checkpoint %llu holds a service (%u) that this program does not have", dir,
                          (unsigned long long)manifest->about.tx, entry->service);
            return -ENOTSUP;
        }
        int result = restore_entry(os, dir, manifest->about.tx, service, entry, error);
        if (result)
            return result;
    }
    return 0;
}

int checkpoint_restore(struct os *os, const char *dir, const struct service *services, int count, uint64_t until,
                       struct manifest *manifest, uint64_t *tx, struct buffer *error)
{
    uint64_t *txs;
    size_t there;
    int result = checkpoint_list(os, dir, &txs, &there);
    *tx = 0;
    for (size_t i = 0; i < there && !result && !*tx; i++) {
        if (until && txs[i] > until)
            continue;
        result = checkpoint_check(os, dir, txs[i], true, manifest);
        if (result == -EBADMSG || result == -ENOENT) {
            result = 0; /* not whole: the one before will do */
            continue;
        }
        if (result) {
            buffer_format(error, "%s: the checkpoint at transaction %llu cannot be read: %s", dir, (unsigned long long)txs[i],
                          strerror(-result));
            break;
        }
        result = checkpoint_load(os, dir, services, count, manifest, error);
        *tx = txs[i];
    }
    free(txs);
    return result;
}

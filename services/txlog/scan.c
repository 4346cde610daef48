/* SPDX-License-Identifier: MIT
 * scan: walking the stream; see scan.h. Opening and moving between segments, and judging what is not valid, are in
 * scan_segment.c; this file takes records and trailers apart. */
#include "services/txlog/scan.h"

#include <errno.h>
#include <stdio.h>

#include "services/txlog/crc32c.h"
#include "services/txlog/reader.h"
#include "services/txlog/scan_segment.h"
#include "services/txlog/txlog.h"
#include "services/txlog/varint.h"

/* What an item at the present place turned out to be. */
enum item { ITEM_RECORD, ITEM_TRAILER, ITEM_INVALID, ITEM_BAD_ROOT };

/* ---- records ---- */

/* The length prefix and the crc at the place; false when they cannot be right. */
static bool read_prefix(struct scan *s, uint64_t *length, uint64_t *body, uint32_t *crc)
{
    uint64_t rest = s->size - s->offset;
    size_t want = rest < RECORD_PREFIX_MAX ? rest : RECORD_PREFIX_MAX;
    const char *start = (const char *)scan_view(s, s->offset, want);
    const char *at = start;
    if (!start || varint_get(&at, start + want, length) || (size_t)(start + want - at) < 4)
        return false;
    *crc = load_u32(at);
    *body = s->offset + (uint64_t)(at + 4 - start);
    bool sane = *length > 0 && *length <= TXLOG_RECORD_MAX + RECORD_FIELDS_MAX + 33;
    return sane && *body + *length + TRAILER_BYTES <= s->size;
}

static void hash_record(struct scan *s, uint8_t flags, struct slice sections)
{
    struct merkle_hash leaf;
    record_leaf(&s->record, flags, sections, &leaf);
    merkle_add(&s->tree, &leaf);
}

static enum item read_record(struct scan *s)
{
    uint64_t length, body;
    uint32_t crc;
    if (!read_prefix(s, &length, &body, &crc))
        return ITEM_INVALID;
    const char *bytes = (const char *)scan_view(s, body, length);
    if (!bytes || crc32c(record_crc_start(s->header.salt, s->next_tx, length), bytes, length) != crc)
        return ITEM_INVALID;
    uint8_t flags;
    struct slice sections;
    struct tx_admission none = {0};
    s->record.admission = s->next_tx == s->batch_tx ? none : s->logged;
    if (record_decode(slice_of(bytes, length), &s->record, &flags, &sections))
        return ITEM_INVALID;
    s->record.tx = s->next_tx;
    s->record.segment = s->header.number;
    s->record.offset = s->offset;
    s->record.seed = tx_seed(s->header.uuid, s->record.admission.cmd_seq);
    if (s->hashing)
        hash_record(s, flags, sections);
    s->logged = s->record.admission;
    if (s->next_tx == s->batch_tx)
        s->batch_time_us = s->logged.time_us;
    s->next_tx++;
    s->records++;
    s->bytes += body + length - s->offset;
    s->offset = body + length;
    return ITEM_RECORD;
}

/* ---- trailers ---- */

static bool padding_is_zero(struct scan *s, uint64_t end)
{
    size_t size = end - TRAILER_BYTES - s->offset;
    const uint8_t *at = size ? scan_view(s, s->offset, size) : NULL;
    for (size_t i = 0; i < size; i++)
        if (!at || at[i])
            return false;
    return true;
}

static bool trailer_fits(const struct scan *s, const struct trailer *trailer, uint64_t end)
{
    return trailer->salt == s->header.salt && trailer->segment == s->header.number && trailer->first_tx == s->batch_tx &&
           trailer->count == s->next_tx - s->batch_tx && trailer->length == end - s->batch_offset;
}

static void begin_batch(struct scan *s, uint64_t offset)
{
    s->offset = s->batch_offset = offset;
    s->batch_tx = s->next_tx;
    s->batch_before = s->logged;
    if (s->hashing)
        s->batch_tree = s->tree;
}

static bool root_agrees(struct scan *s, const struct trailer *trailer)
{
    if (!s->hashing)
        return true;
    struct merkle_hash root;
    merkle_root(&s->tree, &root);
    s->roots_checked++;
    return memcmp(root.bytes, trailer->root.bytes, sizeof root.bytes) == 0;
}

static void note_sealed(struct scan *s, const struct trailer *trailer)
{
    s->sealed_batches++;
    s->root = trailer->root;
    s->root_size = trailer->first_tx + trailer->count - 1;
    if (log_position_compare(trailer->watermark, s->attested) > 0) {
        s->attested = trailer->watermark;
        s->attested_tx = trailer->watermark_tx;
    }
}

static enum item read_trailer(struct scan *s)
{
    uint64_t end = batch_end(s->offset);
    const uint8_t *bytes = end <= s->size ? scan_view(s, end - TRAILER_BYTES, TRAILER_BYTES) : NULL;
    struct trailer trailer;
    enum trailer_state state = bytes ? trailer_decode(bytes, &trailer) : TRAILER_NONE;
    if (state == TRAILER_NONE || state == TRAILER_DAMAGED)
        return ITEM_INVALID;
    if (!trailer_fits(s, &trailer, end) || !padding_is_zero(s, end))
        return ITEM_INVALID;
    if (trailer.sealed && !root_agrees(s, &trailer))
        return ITEM_BAD_ROOT;
    if (trailer.sealed)
        note_sealed(s, &trailer);
    else if (!s->unsealed.segment)
        s->unsealed = (struct log_position){s->header.number, end};
    s->trailer = trailer;
    s->trailer_end = end;
    s->epoch = trailer.epoch;
    s->batches++;
    begin_batch(s, end);
    return ITEM_TRAILER;
}

/* ---- the walk ---- */

static enum item read_item(struct scan *s)
{
    const uint8_t *first = s->offset < s->size ? scan_view(s, s->offset, 1) : NULL;
    if (!first)
        return ITEM_INVALID;
    return *first ? read_record(s) : read_trailer(s);
}

/* A batch below a watermark must be sealed. One that was not when it was read may have been sealed since. */
static bool unsealed_is_corrupt(struct scan *s)
{
    if (!s->unsealed.segment || log_position_compare(s->attested, s->unsealed) < 0)
        return false;
    bool sealed = scan_sealed_now(s, s->unsealed);
    s->unsealed.segment = 0;
    return !sealed;
}

static int complain(struct scan *s, uint64_t segment, uint64_t offset, const char *what)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(segment, name);
    buffer_format(s->error, "%s/%s is corrupt at offset %llu (transaction %llu): %s", s->dir.base, name,
                  (unsigned long long)offset, (unsigned long long)s->next_tx, what);
    return -EBADMSG;
}

static int accept(struct scan *s, enum item item)
{
    struct log_position unsealed = s->unsealed;
    if (item == ITEM_BAD_ROOT)
        return complain(s, s->header.number, s->offset, "the records do not have the Merkle root that the batch was sealed with");
    if (item == ITEM_RECORD)
        return SCAN_RECORD;
    if (unsealed_is_corrupt(s))
        return complain(s, unsealed.segment, unsealed.offset - TRAILER_BYTES, "a batch that was durable is not sealed");
    return SCAN_BATCH;
}

static int complain_unread(struct scan *s, int error)
{
    char name[SEGMENT_NAME_BYTES];
    segment_name(s->header.number, name);
    buffer_format(s->error, "%s/%s or the segment after it cannot be read (at offset %llu): %s", s->dir.base, name,
                  (unsigned long long)s->offset, strerror(-error));
    return error;
}

static int go_on(struct scan *s)
{
    int moved = s->offset == s->batch_offset ? scan_move_on(s) : 0;
    if (moved > 0)
        begin_batch(s, SEGMENT_HEADER_BYTES);
    return moved > 0 ? SCAN_SEGMENT : moved;
}

int scan_next(struct scan *s)
{
    enum item item = read_item(s);
    if (item != ITEM_INVALID)
        return accept(s, item);
    scan_refresh(s);
    item = read_item(s);
    if (item != ITEM_INVALID)
        return accept(s, item);
    int moved = s->read_error ? s->read_error : go_on(s);
    if (moved)
        return moved > 0 ? moved : complain_unread(s, moved);
    struct log_position here = {s->header.number, s->offset}, by;
    bool attested = scan_attested(s, here, &by);
    if (s->read_error)
        return complain_unread(s, s->read_error);
    if (!attested)
        return SCAN_END;
    scan_refresh(s); /* a daemon may have written here before it wrote there */
    item = read_item(s);
    if (item != ITEM_INVALID)
        return accept(s, item);
    if (s->read_error)
        return complain_unread(s, s->read_error);
    char name[SEGMENT_NAME_BYTES], text[160];
    segment_name(by.segment, name);
    snprintf(text, sizeof text, "what was there had reached the disk, says the batch that ends at %s offset %llu", name,
             (unsigned long long)by.offset);
    return complain(s, here.segment, here.offset, text);
}

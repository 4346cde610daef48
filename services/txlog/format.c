/* SPDX-License-Identifier: MIT
 * format: encoding and decoding of headers, trailers and records; format.h draws the bytes. */
#include "services/txlog/format.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/txlog/crc32c.h"
#include "services/txlog/varint.h"

static const uint8_t header_magic[8] = "LOCUSLOG";
static const uint8_t trailer_magic[8] = {0x00, 0xb5, 'L', 'o', 'c', 'S', 'e', 'l'};

enum {
    PREPARED_CRC = 128,
    OPENED = 256,
    FRONTIER = 304,
    OPENED_ADMISSION = FRONTIER + MERKLE_LEVELS * 32,
    OPENED_CRC = OPENED_ADMISSION + 16,
    STATIC_CRC = 68,
    SEALED = 72,
    SEALED_CRC = 140,
};

int log_position_compare(struct log_position a, struct log_position b)
{
    if (a.segment != b.segment)
        return a.segment < b.segment ? -1 : 1;
    return (a.offset > b.offset) - (a.offset < b.offset);
}

/* ---- segment header ---- */

static void opened_encode(const struct segment_header *header, uint8_t *bytes)
{
    struct merkle_hash root;
    merkle_root(&header->tree, &root);
    store_u64(bytes + OPENED, header->first_tx);
    memcpy(bytes + OPENED + 8, root.bytes, 32);
    store_u32(bytes + OPENED + 40, header->tree.depth);
    for (uint32_t i = 0; i < header->tree.depth; i++)
        memcpy(bytes + FRONTIER + i * 32, header->tree.frontier[i].bytes, 32);
    store_u64(bytes + OPENED_ADMISSION, header->admission.cmd_seq);
    store_u64(bytes + OPENED_ADMISSION + 8, (uint64_t)header->admission.time_us);
    store_u32(bytes + OPENED_CRC, crc32c(load_u32(bytes + PREPARED_CRC), bytes + OPENED, OPENED_CRC - OPENED));
}

void segment_header_encode(const struct segment_header *header, uint8_t bytes[SECTOR_BYTES])
{
    memset(bytes, 0, SECTOR_BYTES);
    memcpy(bytes, header_magic, 8);
    store_u32(bytes + 8, FORMAT_VERSION);
    memcpy(bytes + 16, header->uuid, 16);
    store_u64(bytes + 32, header->number);
    store_u64(bytes + 40, header->salt);
    store_u64(bytes + 48, header->key_id);
    store_u64(bytes + 56, header->epoch);
    memcpy(bytes + 64, header->release, strnlen(header->release, 63));
    store_u32(bytes + PREPARED_CRC, crc32c(0, bytes, PREPARED_CRC));
    if (header->opened)
        opened_encode(header, bytes);
}

static bool opened_decode(const uint8_t *bytes, struct segment_header *header)
{
    uint32_t crc = crc32c(load_u32(bytes + PREPARED_CRC), bytes + OPENED, OPENED_CRC - OPENED);
    if (crc != load_u32(bytes + OPENED_CRC))
        return false;
    header->first_tx = load_u64(bytes + OPENED);
    header->tree.size = header->first_tx - 1;
    header->tree.depth = load_u32(bytes + OPENED + 40);
    if (header->first_tx == 0 || header->tree.depth != (uint32_t)__builtin_popcountll(header->tree.size))
        return false;
    for (uint32_t i = 0; i < header->tree.depth; i++)
        memcpy(header->tree.frontier[i].bytes, bytes + FRONTIER + i * 32, 32);
    header->admission.cmd_seq = load_u64(bytes + OPENED_ADMISSION);
    header->admission.time_us = (int64_t)load_u64(bytes + OPENED_ADMISSION + 8);
    struct merkle_hash root;
    merkle_root(&header->tree, &root);
    return memcmp(root.bytes, bytes + OPENED + 8, 32) == 0;
}

int segment_header_decode(const uint8_t bytes[SECTOR_BYTES], struct segment_header *header)
{
    memset(header, 0, sizeof *header);
    if (memcmp(bytes, header_magic, 8) != 0 || load_u32(bytes + 8) != FORMAT_VERSION)
        return -EBADMSG;
    if (crc32c(0, bytes, PREPARED_CRC) != load_u32(bytes + PREPARED_CRC))
        return -EBADMSG;
    memcpy(header->uuid, bytes + 16, 16);
    header->number = load_u64(bytes + 32);
    header->salt = load_u64(bytes + 40);
    header->key_id = load_u64(bytes + 48);
    header->epoch = load_u64(bytes + 56);
    memcpy(header->release, bytes + 64, 63);
    header->opened = opened_decode(bytes, header);
    return 0;
}

/* ---- trailer ---- */

void trailer_encode_static(const struct trailer *trailer, uint8_t bytes[TRAILER_BYTES])
{
    memset(bytes, 0, TRAILER_BYTES);
    memcpy(bytes, trailer_magic, 8);
    store_u64(bytes + 8, trailer->length);
    store_u64(bytes + 16, trailer->epoch);
    store_u64(bytes + 24, trailer->first_tx);
    store_u64(bytes + 32, trailer->count);
    store_u64(bytes + 40, (uint64_t)trailer->base_time_us);
    store_u64(bytes + 48, trailer->salt);
    store_u64(bytes + 56, trailer->segment);
    store_u32(bytes + STATIC_CRC, crc32c(0, bytes, STATIC_CRC));
}

void trailer_encode_sealed(const struct trailer *trailer, uint8_t bytes[TRAILER_BYTES])
{
    memcpy(bytes + SEALED, trailer->root.bytes, 32);
    memcpy(bytes + SEALED + 32, trailer->previous_tag, 8);
    store_u64(bytes + SEALED + 40, trailer->watermark.segment);
    store_u64(bytes + SEALED + 48, trailer->watermark.offset);
    store_u64(bytes + SEALED + 56, trailer->watermark_tx);
    store_u32(bytes + SEALED + 64, 0);
    store_u32(bytes + SEALED_CRC, crc32c(load_u32(bytes + STATIC_CRC), bytes + SEALED, SEALED_CRC - SEALED));
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

enum trailer_state trailer_decode(const uint8_t bytes[TRAILER_BYTES], struct trailer *trailer)
{
    memset(trailer, 0, sizeof *trailer);
    if (memcmp(bytes, trailer_magic, 8) != 0 || crc32c(0, bytes, STATIC_CRC) != load_u32(bytes + STATIC_CRC))
        return TRAILER_NONE;
    trailer->length = load_u64(bytes + 8);
    trailer->epoch = load_u64(bytes + 16);
    trailer->first_tx = load_u64(bytes + 24);
    trailer->count = load_u64(bytes + 32);
    trailer->base_time_us = (int64_t)load_u64(bytes + 40);
    trailer->salt = load_u64(bytes + 48);
    trailer->segment = load_u64(bytes + 56);
    if (all_zero(bytes + SEALED, TRAILER_BYTES - SEALED))
        return TRAILER_STATIC;
    if (crc32c(load_u32(bytes + STATIC_CRC), bytes + SEALED, SEALED_CRC - SEALED) != load_u32(bytes + SEALED_CRC))
        return TRAILER_DAMAGED;
    trailer->sealed = true;
    memcpy(trailer->root.bytes, bytes + SEALED, 32);
    memcpy(trailer->previous_tag, bytes + SEALED + 32, 8);
    trailer->watermark.segment = load_u64(bytes + SEALED + 40);
    trailer->watermark.offset = load_u64(bytes + SEALED + 48);
    trailer->watermark_tx = load_u64(bytes + SEALED + 56);
    return TRAILER_SEALED;
}

/* ---- record ---- */

uint32_t record_crc_start(uint64_t salt, uint64_t tx, uint64_t length)
{
    /* Odd multipliers spread numbers that differ little over the 32 bits that start the checksum. */
    uint64_t mixed = salt ^ (tx * 0x9e3779b97f4a7c15u) ^ (length * 0xc2b2ae3d27d4eb4fu);
    return (uint32_t)(mixed ^ (mixed >> 32));
}

static int sections_decode(const char *at, const char *end, struct tx_record *record)
{
    bool delta = false;
    record->input = record->delta = record->events = slice_of(NULL, 0);
    while (at < end) {
        uint8_t type = (uint8_t)*at++;
        uint64_t size;
        if (varint_get(&at, end, &size) || size > (uint64_t)(end - at))
            return -EBADMSG;
        struct slice bytes = slice_of(at, size);
        at += size;
        if (type == SECTION_INPUT)
            record->input = bytes;
        else if (type == SECTION_DELTA)
            record->delta = bytes, delta = true;
        else if (type == SECTION_EVENTS)
            record->events = bytes;
    }
    if (!delta)
        record->delta = record->input;
    return 0;
}

/* The fields between the flags and the sections; *at moves behind them. */
static int fields_decode(const char **at, const char *end, uint8_t flags, struct tx_record *record)
{
    uint64_t service, database, seq, time, client = 0, request = 0;
    if (varint_get(at, end, &service) || service > UINT16_MAX)
        return -EBADMSG;
    if (varint_get(at, end, &database) || database > UINT32_MAX)
        return -EBADMSG;
    if (varint_get(at, end, &seq) || varint_get(at, end, &time))
        return -EBADMSG;
    if ((flags & RECORD_CLIENT) && varint_get(at, end, &client))
        return -EBADMSG;
    if ((flags & RECORD_REQUEST) && varint_get(at, end, &request))
        return -EBADMSG;
    record->service = (uint16_t)service;
    record->database = (uint32_t)database;
    record->admission.cmd_seq += (uint64_t)unzigzag(seq);
    record->admission.time_us = (int64_t)((uint64_t)record->admission.time_us + (uint64_t)unzigzag(time));
    record->client = client;
    record->request_id = request;
    return 0;
}

int record_decode(struct slice body, struct tx_record *record, uint8_t *kind_flags, struct slice *sections)
{
    const char *at = body.base;
    const char *end = at + body.size;
    if (at == end)
        return -EBADMSG;
    uint8_t flags = (uint8_t)*at++;
    if (fields_decode(&at, end, flags, record))
        return -EBADMSG;
    record->kind = (enum tx_kind)(flags & RECORD_KIND);
    record->delta_only = flags & RECORD_DELTA_ONLY;
    *kind_flags = flags;
    *sections = slice_of(at, (size_t)(end - at));
    return sections_decode(at, end, record);
}

void record_leaf(const struct tx_record *record, uint8_t kind_flags, struct slice sections, struct merkle_hash *leaf)
{
    struct merkle_hash payload;
    struct merkle_part inner = {sections.base, sections.size};
    merkle_sha256(&inner, 1, &payload);
    uint8_t head[1 + 8 + 1 + 6 * 8 + 32] = {0};
    store_u64(head + 1, record->tx);
    head[9] = kind_flags;
    store_u64(head + 10, record->service);
    store_u64(head + 18, record->database);
    store_u64(head + 26, record->admission.cmd_seq);
    store_u64(head + 34, (uint64_t)record->admission.time_us);
    store_u64(head + 42, record->client);
    store_u64(head + 50, record->request_id);
    memcpy(head + 58, payload.bytes, 32);
    struct merkle_part outer = {head, sizeof head};
    merkle_sha256(&outer, 1, leaf);
}

/* ---- names ---- */

void segment_name(uint64_t number, char name[SEGMENT_NAME_BYTES])
{
    int size = snprintf(name, SEGMENT_NAME_BYTES, "segment-%012llu.log", (unsigned long long)number);
    assert(size > 0 && (size_t)size < SEGMENT_NAME_BYTES);
}

uint64_t segment_number(const char *name)
{
    if (strncmp(name, "segment-", 8) != 0 || strlen(name) >= SEGMENT_NAME_BYTES)
        return 0;
    uint64_t number = strtoull(name + 8, NULL, 10);
    char again[SEGMENT_NAME_BYTES];
    if (number > 999999999999u)
        return 0;
    segment_name(number, again);
    return strcmp(again, name) == 0 ? number : 0;
}

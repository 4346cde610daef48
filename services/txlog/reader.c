/* SPDX-License-Identifier: MIT
 * reader: records out of a scan; see reader.h. */
#include "services/txlog/reader.h"

#include <errno.h>
#include <stdlib.h>

#include "services/txlog/scan.h"

struct txlog_reader {
    struct scan scan;
    uint64_t from_tx;
    uint64_t first_tx; /* of the first record returned; 0: none yet */
};

int txlog_reader_open(struct os *os, const char *dir, uint64_t from_tx, struct buffer *error, struct txlog_reader **opened)
{
    struct txlog_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        abort();
    reader->from_tx = from_tx;
    int result = scan_open(&reader->scan, os, dir, from_tx, error);
    if (result) {
        txlog_reader_close(reader);
        return result;
    }
    *opened = reader;
    return 0;
}

void txlog_reader_close(struct txlog_reader *reader)
{
    scan_close(&reader->scan);
    free(reader);
}

int txlog_reader_next(struct txlog_reader *reader, struct tx_record *record)
{
    struct scan *s = &reader->scan;
    for (;;) {
        int item = scan_next(s);
        if (item <= 0)
            return item;
        if (item != SCAN_RECORD || s->record.tx < reader->from_tx)
            continue;
        if (!reader->first_tx)
            reader->first_tx = s->record.tx;
        *record = s->record;
        return 1;
    }
}

const uint8_t *txlog_reader_uuid(const struct txlog_reader *reader)
{
    return reader->scan.header.uuid;
}

void txlog_reader_verify_hashes(struct txlog_reader *reader)
{
    scan_hash_all(&reader->scan);
}

void txlog_reader_stats(const struct txlog_reader *reader, struct txlog_reader_stats *stats)
{
    const struct scan *s = &reader->scan;
    *stats = (struct txlog_reader_stats){
        .segments = s->segments,
        .batches = s->batches,
        .sealed_batches = s->sealed_batches,
        .records = s->records,
        .bytes = s->bytes,
        .first_tx = reader->first_tx,
        .last_tx = s->next_tx - 1,
        .end = {s->header.number, s->offset},
        .watermark = s->attested,
        .watermark_tx = s->attested_tx,
        .epoch = s->epoch,
        .roots_checked = s->roots_checked,
        .root = s->root,
        .root_size = s->root_size,
    };
}

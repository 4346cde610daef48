/* SPDX-License-Identifier: MIT
 * retention: which old files stay. Runs when a checkpoint has just been put in place.
 *
 *   segments:     | 1 | 2 | 3 | 4 | 5 (written to) |      checkpoint at a transaction in 4
 *                 |<- wholly below ->|                    of these, the newest `retain_bytes` stay
 *   checkpoints:  the newest CHECKPOINTS_KEPT stay, as long as the log still goes on from them
 *
 * What cannot be removed stays: the next checkpoint tries again. */
#include <stdlib.h>

#include "services/txlog/checkpoint.h"
#include "services/txlog/core.h"
#include "services/txlog/scan.h"

#define CHECKPOINTS_KEPT 2 /* the newest, and one more in case that one cannot be read */

static int remove_name(struct txlog_core *core, const char *name)
{
    struct buffer path = {0};
    int error = core->os->ops->unlink(core->os->self, core_path(&path, core->dir, name));
    buffer_free(&path);
    return error;
}

/* ---- checkpoints ---- */

struct doomed {
    struct txlog_core *core;
    uint64_t tx;
    bool manifest; /* this pass removes the manifest; the next one the rest */
};

static void remove_doomed(void *context, const char *name)
{
    const struct doomed *doomed = context;
    uint64_t tx;
    const char *suffix;
    if (!checkpoint_parse(name, &tx, &suffix) || tx != doomed->tx)
        return;
    if ((strcmp(suffix, "manifest") == 0) == doomed->manifest)
        remove_name(doomed->core, name);
}

/* The manifest goes first: a checkpoint without its files must not be found. */
static void remove_checkpoint(struct txlog_core *core, uint64_t tx)
{
    struct doomed doomed = {core, tx, true};
    core->os->ops->list_dir(core->os->self, core->dir, remove_doomed, &doomed);
    core->os->ops->sync_dir(core->os->self, core->dir);
    doomed.manifest = false;
    core->os->ops->list_dir(core->os->self, core->dir, remove_doomed, &doomed);
}

static void trim_checkpoints(struct txlog_core *core, uint64_t first_tx)
{
    uint64_t *txs;
    size_t count;
    if (checkpoint_list(core->os, core->dir, &txs, &count) == 0) {
        for (size_t i = 1; i < count; i++)
            if (i >= CHECKPOINTS_KEPT || txs[i] + 1 < first_tx)
                remove_checkpoint(core, txs[i]);
    }
    free(txs);
}

/* ---- segments ---- */

static uint64_t file_size(struct txlog_core *core, uint64_t number)
{
    char name[SEGMENT_NAME_BYTES];
    struct buffer path = {0};
    struct os_stat stat = {0};
    segment_name(number, name);
    int error = core->os->ops->stat(core->os->self, core_path(&path, core->dir, name), &stat);
    buffer_free(&path);
    return error ? 0 : stat.size;
}

static uint64_t first_tx_of(struct txlog_core *core, uint64_t number)
{
    struct segment_header header;
    int error = segment_read_header(core->os, core->dir, number, &header);
    return error ? 0 : header.opened ? header.first_tx : number == 1;
}

/* How many of the oldest segments end at or before the transaction: the one behind each begins at or before the next. */
static size_t count_below(struct txlog_core *core, const uint64_t *numbers, size_t count, uint64_t tx)
{
    size_t below = 0;
    while (below + 1 < count) {
        uint64_t next = first_tx_of(core, numbers[below + 1]);
        if (next == 0 || next > tx + 1)
            break;
        below++;
    }
    return below;
}

/* Remove from the oldest on, and no further than it works: a gap would look like damage. Returns the first transaction left. */
static uint64_t trim_segments(struct txlog_core *core, const uint64_t *numbers, size_t count, uint64_t tx)
{
    size_t below = count_below(core, numbers, count, tx);
    uint64_t kept = 0;
    size_t first = below;
    while (first > 0) {
        kept += file_size(core, numbers[first - 1]);
        if (kept > core->retain_bytes)
            break;
        first--;
    }
    size_t removed = 0;
    for (int error = 0; removed < first && !error; removed += !error) {
        char name[SEGMENT_NAME_BYTES];
        segment_name(numbers[removed], name);
        error = remove_name(core, name);
    }
    return count ? first_tx_of(core, numbers[removed]) : 0;
}

void retention_apply(struct txlog_core *core, uint64_t checkpoint_tx)
{
    uint64_t *numbers;
    size_t count;
    uint64_t first_tx = 0;
    if (core->retain_bytes != TXLOG_RETAIN_ALL && scan_list(core->os, core->dir, &numbers, &count) == 0) {
        first_tx = trim_segments(core, numbers, count, checkpoint_tx);
        free(numbers);
    }
    trim_checkpoints(core, first_tx);
    core->os->ops->sync_dir(core->os->self, core->dir);
}

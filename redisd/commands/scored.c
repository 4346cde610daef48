/* SPDX-License-Identifier: MIT
 * scored: see scored.h. */
#include "redisd/commands/scored.h"

#include <assert.h>
#include <stdlib.h>

void scored_free(struct scored *scored)
{
    buffer_free(&scored->bytes);
    free(scored->rows);
    free(scored->slots);
    *scored = (struct scored){0};
}

static struct scored_row *append(struct scored *scored, struct slice member, double score)
{
    if (scored->count == scored->capacity) {
        scored->capacity = scored->capacity ? scored->capacity * 2 : 16;
        scored->rows = realloc(scored->rows, scored->capacity * sizeof(scored->rows[0]));
        assert(scored->rows);
    }
    struct scored_row *row = &scored->rows[scored->count++];
    *row = (struct scored_row){.offset = scored->bytes.size, .size = member.size, .score = score};
    buffer_append_slice(&scored->bytes, member);
    return row;
}

void scored_append(struct scored *scored, struct slice member, double score)
{
    assert(!scored->slots);
    append(scored, member, score);
}

struct scored_row *scored_find(const struct scored *scored, struct slice member, uint64_t hash)
{
    if (!scored->slots)
        return NULL;
    size_t mask = scored->slots_count - 1;
    for (size_t at = hash & mask; scored->slots[at]; at = (at + 1) & mask) {
        struct scored_row *row = &scored->rows[scored->slots[at] - 1];
        if (row->hash == hash && slice_equal(scored_member(scored, row), member))
            return row;
    }
    return NULL;
}

static void occupy(struct scored *scored, size_t number)
{
    size_t mask = scored->slots_count - 1, at = scored->rows[number].hash & mask;
    while (scored->slots[at])
        at = (at + 1) & mask;
    scored->slots[at] = number + 1;
}

void scored_add(struct scored *scored, struct slice member, uint64_t hash, double score)
{
    append(scored, member, score)->hash = hash;
    if (scored->count * 2 <= scored->slots_count) {
        occupy(scored, scored->count - 1);
        return;
    }
    free(scored->slots);
    scored->slots_count = scored->slots_count ? scored->slots_count * 2 : 64;
    scored->slots = calloc(scored->slots_count, sizeof(scored->slots[0]));
    assert(scored->slots);
    for (size_t i = 0; i < scored->count; i++)
        occupy(scored, i);
}

static int by_score_then_bytes(const void *a, const void *b, void *context)
{
    const struct scored_row *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return slice_compare(scored_member(context, x), scored_member(context, y));
}

void scored_sort(struct scored *scored)
{
    if (scored->count > 1)
        qsort_r(scored->rows, scored->count, sizeof(scored->rows[0]), by_score_then_bytes, scored);
}

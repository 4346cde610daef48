/* SPDX-License-Identifier: MIT
 * deadlines: see deadlines.h. A cell holds  reference << 1 | 1  for an entry alone in its millisecond, else the root of a JudyL by
 * hash, whose cells hold references; two entries with the same hash (one pair in 2^64) take neighbouring places. */
#include "services/keyspace/deadlines.h"

#include <Judy.h>
#include <assert.h>
#include <stdlib.h>

static Word_t alone(arena_ref ref)
{
    return (Word_t)ref << 1 | 1;
}

static PPvoid_t checked(PPvoid_t cell)
{
    if (cell == NULL || cell == PPJERR)
        abort();
    return cell;
}

/* A new place at or behind this hash. */
static void group_insert(struct deadlines *deadlines, void **group, uint64_t hash, arena_ref ref)
{
    Word_t before = JudyLMemUsed(*group), at = hash;
    int found = JudyLFirstEmpty(*group, &at, PJE0);
    assert(found == 1);
    *checked(JudyLIns(group, at, PJE0)) = (void *)(Word_t)ref;
    deadlines->bytes += JudyLMemUsed(*group) - before;
}

/* The place of a reference; *at becomes its index. */
static PPvoid_t group_locate(const void *group, Word_t *at, arena_ref ref)
{
    PPvoid_t cell = JudyLGet(group, *at, PJE0);
    while (cell && (Word_t)*cell != ref)
        cell = JudyLNext(group, at, PJE0);
    assert(cell);
    return cell;
}

void deadlines_add(struct deadlines *deadlines, int64_t deadline_ms, uint64_t hash, arena_ref ref, index_hash_fn rehash,
                   const void *context)
{
    assert(deadline_ms >= 0);
    Word_t before = JudyLMemUsed(deadlines->map);
    PPvoid_t cell = checked(JudyLIns(&deadlines->map, (Word_t)deadline_ms, PJE0));
    deadlines->bytes += JudyLMemUsed(deadlines->map) - before;
    deadlines->count++;
    deadlines->sum += deadline_ms;
    if (!*cell) {
        *cell = (void *)alone(ref);
        return;
    }
    if ((Word_t)*cell & 1) {
        arena_ref other = (arena_ref)((Word_t)*cell >> 1);
        *cell = NULL;
        group_insert(deadlines, cell, rehash(context, other), other);
    }
    group_insert(deadlines, cell, hash, ref);
}

void deadlines_remove(struct deadlines *deadlines, int64_t deadline_ms, uint64_t hash, arena_ref ref)
{
    PPvoid_t cell = JudyLGet(deadlines->map, (Word_t)deadline_ms, PJE0);
    assert(cell);
    deadlines->count--;
    deadlines->sum -= deadline_ms;
    if (!((Word_t)*cell & 1)) {
        Word_t before = JudyLMemUsed(*cell), at = hash;
        group_locate(*cell, &at, ref);
        JudyLDel(cell, at, PJE0);
        deadlines->bytes += JudyLMemUsed(*cell) - before;
        if (*cell)
            return;
    }
    Word_t before = JudyLMemUsed(deadlines->map);
    JudyLDel(&deadlines->map, (Word_t)deadline_ms, PJE0);
    deadlines->bytes += JudyLMemUsed(deadlines->map) - before;
}

void deadlines_replace(struct deadlines *deadlines, int64_t deadline_ms, uint64_t hash, arena_ref old_ref, arena_ref new_ref)
{
    PPvoid_t cell = JudyLGet(deadlines->map, (Word_t)deadline_ms, PJE0);
    assert(cell);
    if ((Word_t)*cell & 1) {
        *cell = (void *)alone(new_ref);
        return;
    }
    Word_t at = hash;
    *group_locate(*cell, &at, old_ref) = (void *)(Word_t)new_ref;
}

arena_ref deadlines_first(const struct deadlines *deadlines)
{
    Word_t at = 0;
    PPvoid_t cell = JudyLFirst(deadlines->map, &at, PJE0);
    if (!cell)
        return 0;
    if ((Word_t)*cell & 1)
        return (arena_ref)((Word_t)*cell >> 1);
    at = 0;
    return (arena_ref)(Word_t)*JudyLFirst(*cell, &at, PJE0);
}

void deadlines_free(struct deadlines *deadlines)
{
    Word_t at = 0;
    for (PPvoid_t cell = JudyLFirst(deadlines->map, &at, PJE0); cell; cell = JudyLNext(deadlines->map, &at, PJE0))
        if (!((Word_t)*cell & 1))
            JudyLFreeArray(cell, PJE0);
    JudyLFreeArray(&deadlines->map, PJE0);
    *deadlines = (struct deadlines){0};
}

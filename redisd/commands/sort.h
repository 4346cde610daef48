/* SPDX-License-Identifier: MIT
 * sort: the inside of SORT, between its two files: what is sorted and by what (sort_order.c), and what is asked and answered (sort.c). */
#ifndef LOCUS_REDISD_COMMANDS_SORT_H
#define LOCUS_REDISD_COMMANDS_SORT_H

#include "redisd/command.h"

struct sort_options {
    bool descending;
    bool alpha;             /* by bytes, not by number */
    bool unsorted;          /* BY without a '*': in the collection's own order */
    bool weighted;          /* BY was given */
    bool stores;            /* STORE was given */
    struct slice by;        /* pattern; valid when weighted */
    struct slice store;     /* key; valid when it stores */
    int64_t limit_start;
    int64_t limit_count;    /* negative: no limit */
    size_t gets;            /* how many GET patterns */
};

struct sort_element {
    struct item item;       /* Borrowed from the collection; does not move, since item.base may point into it */
    double score;           /* weight, when sorting by number */
    size_t weight_at;       /* weight, when sorting by bytes: offset in run->weights; SIZE_MAX: there is none */
    size_t weight_size;     /* bytes */
};

#define SORT_NO_WEIGHT SIZE_MAX

struct sort_run {
    struct call *call;
    struct sort_options options;
    struct sort_element *elements; /* Ours; in the collection's order */
    struct sort_element **order;   /* Ours; as they will be answered */
    size_t count;                  /* elements loaded */
    size_t first, end;             /* the part of `order` that LIMIT leaves: [first, end) */
    struct buffer weights;         /* Ours: bytes of the weights */
    struct buffer scratch;         /* Ours: a key or a number's text */
};

/* Load the elements of a collection (NULL: of none), and find out which part of them is asked for. */
void sort_load(struct sort_run *run, const struct entry *e);

/* Put run->order in order. False: something that should be a number is none. */
bool sort_order(struct sort_run *run);

/* What a pattern leads to for an element: the first '*' replaced by the element names a key; behind "->" the pattern names a field of the
 * hash there; "#" is the element itself. False: nothing is there. The value is valid until the database changes; it may be in `scratch`. */
bool sort_lookup(struct sort_run *run, struct slice pattern, struct slice element, struct item *scratch, struct slice *value);

void sort_free(struct sort_run *run);

#endif

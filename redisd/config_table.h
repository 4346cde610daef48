/* SPDX-License-Identifier: MIT
 * config_table: the directives; private to config*.c. */
#ifndef LOCUS_REDISD_CONFIG_TABLE_H
#define LOCUS_REDISD_CONFIG_TABLE_H

#include "redisd/config.h"

enum directive_type {
    CONFIG_BOOL,    /* yes, no                             bool */
    CONFIG_INTEGER, /* decimal                             int64_t */
    CONFIG_OCTAL,   /* a file mode                         int64_t */
    CONFIG_MEMORY,  /* bytes with a unit                   int64_t */
    CONFIG_ENUM,    /* one of names, its position          int64_t */
    CONFIG_EVENTS,  /* letters of notify-keyspace-events   int64_t */
    CONFIG_TEXT,    /*                                     struct buffer */
    CONFIG_INERT,   /* kept and given back, acts on nothing */
    CONFIG_FIXED,   /* only its initial value is accepted: anything else would promise what is not there */
};

struct directive {
    const char *name, *alias;
    enum directive_type type;
    size_t offset;           /* in struct config; unused by CONFIG_INERT and CONFIG_FIXED */
    const char *initial;     /* in the syntax of the file */
    int64_t min, max;        /* of numbers; both 0 for CONFIG_INERT: any text */
    const char *const *names; /* of CONFIG_ENUM, ended by NULL; of CONFIG_INERT: NULL, or the words allowed */
    bool immutable;          /* only at start */
    bool protected;          /* CONFIG SET only with enable-protected-configs yes */
    const char *refusal;     /* of CONFIG_FIXED: why */
};

/* Ended by a row whose name is NULL. */
extern const struct directive config_directives[];

bool config_is_default(const struct config *config, const struct directive *d);
bool config_parse_memory(struct slice text, int64_t *bytes);

/* config_derived.c: check and apply a directive whose text has a grammar of its own (save, client-output-buffer-limit) when its value was just set;
 * the text may be completed. 0, or -EINVAL with the reason. */
int config_derive(struct config *config, const struct directive *d, struct buffer *error);

#endif

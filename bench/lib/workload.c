/* SPDX-License-Identifier: MIT
 * workload: see workload.h. */
#include "bench/lib/workload.h"

#include <assert.h>

#include "protocols/resp.h"

enum { WORDS_MAX = 32 };

/* redis-benchmark's tests, in an order in which each finds what it needs. */
const struct test bench_tests[] = {
    {"PING", "PING", NULL, NULL, 0, false},
    {"GET", "GET %k", NULL, NULL, 0, false},
    {"SET", "SET %k %v", NULL, NULL, 0, true},
    {"INCR", "INCR counter:%n", NULL, NULL, 0, true},
    {"LPUSH", "LPUSH mylist %v", "DEL mylist", NULL, 0, true},
    {"RPUSH", "RPUSH mylist %v", "DEL mylist", NULL, 0, true},
    {"LPOP", "LPOP mylist", "DEL mylist", "RPUSH mylist %v", 0, true},
    {"HSET", "HSET myhash %e %v", NULL, NULL, 0, true},
    {"SADD", "SADD myset %e", NULL, NULL, 0, true},
    {"ZADD", "ZADD myzset %n %e", NULL, NULL, 0, true},
    {"MSET_10", "MSET %k %v %k %v %k %v %k %v %k %v %k %v %k %v %k %v %k %v %k %v", NULL, NULL, 0, true},
    {"LRANGE_100", "LRANGE mylist 0 99", "DEL mylist", "RPUSH mylist %v", 1000, false},
};
const int bench_test_count = sizeof bench_tests / sizeof *bench_tests;

/* The bytes of one word into `text`; a hole's offset among them, or -1. */
static int expand_word(struct slice word, unsigned value_size, struct buffer *text)
{
    for (size_t i = 0; i < word.size; i++) {
        if (word.base[i] != '%') {
            buffer_append_char(text, word.base[i]);
            continue;
        }
        char kind = word.base[++i];
        if (kind == 'v') {
            memset(buffer_room(text, value_size), 'x', value_size);
            text->size += value_size;
            return -1;
        }
        const char *prefix = kind == 'k' ? "key:" : kind == 'e' ? "element:" : "";
        buffer_append(text, prefix, strlen(prefix));
        buffer_append(text, "000000000000", 12);
        return (int)text->size - WORKLOAD_DIGITS;
    }
    return -1;
}

void workload_init(struct workload *workload, const char *name, const char *words, unsigned value_size)
{
    struct buffer text = {0};
    struct resp_writer w = {.out = &workload->request, .protocol = 2};
    size_t count = 1;
    *workload = (struct workload){.name = name};
    for (const char *p = words; *p; p++)
        count += *p == ' ';
    assert(count <= WORDS_MAX);
    resp_array(&w, count);
    for (const char *p = words; *p;) {
        size_t size = strcspn(p, " ");
        text.size = 0;
        int hole = expand_word(slice_of(p, size), value_size, &text);
        resp_bulk(&w, buffer_slice(&text));
        if (hole >= 0) {
            assert(workload->hole_count < WORKLOAD_HOLES_MAX);
            workload->holes[workload->hole_count++] = workload->request.size - 2 - text.size + (size_t)hole;
        }
        p += size + (p[size] == ' ');
    }
    buffer_free(&text);
}

void workload_free(struct workload *workload)
{
    buffer_free(&workload->request);
}

static void put_digits(char *at, uint64_t number)
{
    for (int i = WORKLOAD_DIGITS - 1; i >= 0; i--, number /= 10)
        at[i] = (char)('0' + number % 10);
}

void workload_fill(const struct workload *workload, char *copy, uint64_t *state)
{
    for (int i = 0; i < workload->hole_count; i++) {
        uint64_t z = (*state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z ^= z >> 31;
        put_digits(copy + workload->holes[i], (uint32_t)((z >> 32) * WORKLOAD_KEYS >> 32));
    }
}

void workload_fill_number(const struct workload *workload, char *copy, uint64_t number)
{
    if (workload->hole_count)
        put_digits(copy + workload->holes[0], number);
}

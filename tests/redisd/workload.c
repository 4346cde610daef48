/* SPDX-License-Identifier: MIT
 * workload: see workload.h. */
#include "tests/redisd/workload.h"

enum { WORDS_MAX = 64, PIPELINE = 100, DATABASES = 3 };

/* ---- commands ----
 *
 * One letter words stand for something random; a letter is drawn anew for each word.
 *
 *      K string key   L list key   S set key   H hash key   Z sorted set key   A any of these
 *      V value        M member or field         N small number, also negative     P small positive number    R score, also fractional   B bit offset
 *      D a deadline in seconds far away         Q a deadline in milliseconds that is soon over               X database
 */
static const char *const templates[] = {
    "SET K V", "SET K V EX D", "SET K V PX Q", "SET K V KEEPTTL", "SET K V NX", "SET K V XX GET", "SETNX K V", "SETEX K D V", "PSETEX K Q V", "GETSET K V", "GETDEL K", "GETEX K EX D", "GETEX K PERSIST", "APPEND K V", "SETRANGE K P V",
    "MSET K V K V", "MSETNX K V K V", "INCR K", "DECR K", "INCRBY K N", "DECRBY K N", "INCRBYFLOAT K R", "SETBIT K B 1", "SETBIT K B 0", "BITOP AND K K K", "BITOP NOT K K", "BITFIELD K INCRBY u8 B N", "GET K", "SET K N", "SET K N",
    "LPUSH L V V", "RPUSH L V V V", "LPUSHX L V", "RPUSHX L V", "LPOP L", "RPOP L P", "LINSERT L BEFORE V V", "LSET L N V", "LREM L N V", "LTRIM L P N", "LMOVE L L LEFT RIGHT", "RPOPLPUSH L L", "LMPOP 2 L L LEFT COUNT P", "LPUSH L V V V V V V V V V V V V",
    "SADD S M M M", "SADD S N N", "SREM S M M", "SPOP S", "SPOP S P", "SMOVE S S M", "SINTERSTORE S S S", "SUNIONSTORE S S S", "SDIFFSTORE S S S", "SRANDMEMBER S", "SRANDMEMBER S N", "SADD S M M M M M M M M M M M M M M M M",
    "HSET H M V M V", "HSETNX H M V", "HDEL H M M", "HINCRBY H M N", "HINCRBYFLOAT H M R", "HMSET H M V", "HRANDFIELD H N", "HSET H M V M V M V M V M V M V M V M V",
    "ZADD Z R M R M", "ZADD Z GT CH R M", "ZADD Z NX R M", "ZINCRBY Z R M", "ZREM Z M M", "ZPOPMIN Z", "ZPOPMAX Z P", "ZREMRANGEBYRANK Z P N", "ZREMRANGEBYSCORE Z N P", "ZUNIONSTORE Z 2 Z Z", "ZINTERSTORE Z 2 Z S WEIGHTS P P", "ZDIFFSTORE Z 2 Z Z",
    "ZRANGESTORE Z Z 0 P", "ZMPOP 2 Z Z MIN", "ZRANDMEMBER Z N", "ZADD Z R M R M R M R M R M R M R M R M R M R M R M R M",
    "DEL A A", "UNLINK A", "EXPIRE A D", "PEXPIRE A Q", "PERSIST A", "EXPIRE A -1", "RENAME A A", "RENAMENX A A", "COPY A A REPLACE", "COPY A A DB X", "MOVE A X", "TOUCH A", "RANDOMKEY", "SORT L ALPHA STORE L", "SORT S ALPHA DESC STORE L", "SELECT X",
    "MULTI", "EXEC", "MULTI", "EXEC", "DISCARD", "WATCH A", "UNWATCH", "FLUSHDB", "SWAPDB X X", "PUBLISH news V", "DBSIZE",
};

/* Rare on purpose: they empty or exchange whole databases. */
static bool is_rare(const char *template)
{
    return strcmp(template, "FLUSHDB") == 0 || strncmp(template, "SWAPDB", 6) == 0;
}

static void add_value(struct test_random *random, struct buffer *text)
{
    uint64_t r = test_random_next(random), kind = r % 8;
    if (kind == 0)
        buffer_format(text, "%lld", (long long)(r >> 32) - (1ll << 31));
    else if (kind == 1)
        for (uint64_t i = 0; i < 70 + r / 8 % 200; i++)
            buffer_append_char(text, (char)('a' + (r >> i % 32) % 26));
    else if (kind == 2)
        for (uint64_t i = 0; i < r / 8 % 12; i++)
            buffer_append_char(text, (char)(r >> i % 48));
    else
        buffer_format(text, "value:%llu", (unsigned long long)(r / 8 % 40));
}

static void add_key(struct test_random *random, char type, struct buffer *text)
{
    static const char types[] = "KLSHZ";
    if (type == 'A' || test_random_below(random, 40) == 0)
        type = types[test_random_below(random, 5)];
    buffer_format(text, "%c:%llu", type, (unsigned long long)test_random_below(random, 12));
}

static void add_random(struct test_random *random, char letter, struct buffer *text)
{
    uint64_t r = test_random_next(random) >> 8;
    switch (letter) {
    case 'V': add_value(random, text); break;
    case 'M': buffer_format(text, r % 16 ? "member:%llu" : "%llu", (unsigned long long)(r / 16 % 200)); break;
    case 'N': buffer_format(text, "%d", (int)(r % 40) - 20); break;
    case 'P': buffer_format(text, "%d", (int)(r % 5) + 1); break;
    case 'R': buffer_format(text, r % 3 ? "%g" : "%.3f", (double)((int)(r / 4 % 4000) - 2000) / (r % 3 ? 2 : 7)); break;
    case 'B': buffer_format(text, "%d", (int)(r % 300)); break;
    case 'D': buffer_format(text, "%d", 10000 + (int)(r % 100000)); break;
    case 'Q': buffer_format(text, "%d", 1 + (int)(r % 30)); break;
    case 'X': buffer_format(text, "%d", (int)(r % DATABASES)); break;
    default: add_key(random, letter, text); break;
    }
}

static void append_command(redisContext *peer, struct test_random *random, const char *template)
{
    struct buffer text = {0};
    size_t starts[WORDS_MAX], sizes[WORDS_MAX];
    const char *argv[WORDS_MAX];
    int argc = 0;
    for (const char *at = template; *at; argc++) {
        size_t size = strcspn(at, " ");
        starts[argc] = text.size;
        if (size == 1 && strchr("KLSHZAVMNPRBDQX", *at))
            add_random(random, *at, &text);
        else
            buffer_append(&text, at, size);
        sizes[argc] = text.size - starts[argc];
        at += size + (at[size] == ' ');
    }
    for (int i = 0; i < argc; i++)
        argv[i] = text.base + starts[i];
    assert_int_equal(redisAppendCommandArgv(peer, argc, argv, sizes), REDIS_OK);
    buffer_free(&text);
}

static void take_reply(redisContext *peer)
{
    redisReply *reply;
    if (redisGetReply(peer, (void **)&reply) != REDIS_OK)
        fail_msg("the connection ended during the workload: %s", peer->errstr);
    freeReplyObject(reply);
}

void workload_run(redisContext *peer, struct test_random *random, int commands)
{
    for (int done = 0; done < commands; done += PIPELINE) {
        for (int i = 0; i < PIPELINE; i++) {
            const char *template;
            do
                template = templates[test_random_below(random, sizeof(templates) / sizeof(templates[0]))];
            while (is_rare(template) && test_random_below(random, 20));
            append_command(peer, random, template);
        }
        for (int i = 0; i < PIPELINE; i++)
            take_reply(peer);
    }
    struct buffer ignored = {0};
    peer_ask(peer, &ignored, "DISCARD");
    buffer_free(&ignored);
}

/* ---- portraits ---- */

/* The reply of one command on one key, as a line. */
static void add_line(redisContext *peer, struct buffer *text, const char *format, const redisReply *key)
{
    redisReply *reply = redisCommand(peer, format, key->str, key->len);
    assert_non_null(reply);
    buffer_append_char(text, ' ');
    peer_render(reply, text);
    freeReplyObject(reply);
}

static void add_key_portrait(redisContext *peer, struct buffer *text, const redisReply *key)
{
    static const struct {
        const char *type, *format;
    } listings[] = {{"string", "GET %b"}, {"list", "LRANGE %b 0 -1"}, {"set", "SMEMBERS %b"}, {"hash", "HGETALL %b"}, {"zset", "ZRANGE %b 0 -1 WITHSCORES"}};
    redisReply *reply = redisCommand(peer, "TYPE %b", key->str, key->len);
    assert_non_null(reply);
    buffer_append(text, key->str, key->len);
    add_line(peer, text, "OBJECT ENCODING %b", key);
    add_line(peer, text, "PEXPIRETIME %b", key);
    for (size_t i = 0; i < sizeof(listings) / sizeof(listings[0]); i++)
        if (strcmp(reply->str, listings[i].type) == 0)
            add_line(peer, text, listings[i].format, key);
    buffer_append_char(text, '\n');
    freeReplyObject(reply);
}

static void add_database(redisContext *peer, struct buffer *text, int database)
{
    char cursor[32] = "0";
    peer_expect(peer, "OK", "SELECT %d", database);
    buffer_format(text, "database %d\n", database);
    do {
        redisReply *reply = redisCommand(peer, "SCAN %s COUNT 20", cursor);
        assert_true(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
        snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);
        for (size_t i = 0; i < reply->element[1]->elements; i++)
            add_key_portrait(peer, text, reply->element[1]->element[i]);
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
}

void workload_portrait(redisContext *peer, struct buffer *text)
{
    struct buffer digest = {0};
    peer_ask(peer, &digest, "DEBUG DIGEST");
    text->size = 0;
    buffer_format(text, "digest %s\n", digest.base);
    for (int database = 0; database < DATABASES; database++)
        add_database(peer, text, database);
    peer_expect(peer, "OK", "SELECT 0");
    *buffer_room(text, 1) = 0;
    buffer_free(&digest);
}

void workload_compare(const struct buffer *before, const struct buffer *after, const char *when, uint64_t seed)
{
    size_t at = 0, line = 0;
    while (at < before->size && at < after->size && before->base[at] == after->base[at]) {
        if (before->base[at] == '\n')
            line = at + 1;
        at++;
    }
    if (at == before->size && at == after->size)
        return;
    if (line == 0) /* the digests differ: the line after tells more, if another one does too */
        print_error("digests: %.50s and %.50s\n", before->base, after->base);
    fail_msg("seed %llu: after %s the data differs: it was \"%.*s\" and is \"%.*s\"", (unsigned long long)seed, when, (int)strcspn(before->base + line, "\n"), before->base + line,
             (int)strcspn(after->base + line, "\n"), after->base + line);
}

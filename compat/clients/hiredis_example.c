/* SPDX-License-Identifier: MIT
 * hiredis_example: hiredis against a server on 127.0.0.1:PORT: plain commands, a pipeline, a transaction, pub/sub (Debian's hiredis 0.14
 * speaks version 2 of the protocol only). Checks what comes back; ends with "N passed, N failed". */
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int passed, failed;

static void check(bool good, const char *what)
{
    good ? passed++ : failed++;
    if (!good)
        printf("FAILED %s\n", what);
}

/* Send a command and keep its reply; never NULL. */
static redisReply *call(redisContext *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(c, format, args);
    va_end(args);
    if (!reply) {
        printf("FAILED %s: %s\n%d passed, %d failed\n", format, c->errstr, passed, failed + 1);
        exit(1);
    }
    return reply;
}

static void plain_commands(redisContext *c)
{
    redisReply *r = call(c, "SET hiredis:k %b", "a\0b", (size_t)3);
    check(r->type == REDIS_REPLY_STATUS && strcmp(r->str, "OK") == 0, "SET of binary bytes");
    freeReplyObject(r);
    r = call(c, "GET hiredis:k");
    check(r->type == REDIS_REPLY_STRING && r->len == 3 && memcmp(r->str, "a\0b", 3) == 0, "GET of binary bytes");
    freeReplyObject(r);
    r = call(c, "GET hiredis:none");
    check(r->type == REDIS_REPLY_NIL, "GET of nothing");
    freeReplyObject(r);
    r = call(c, "LPUSH hiredis:k x");
    check(r->type == REDIS_REPLY_ERROR && strncmp(r->str, "WRONGTYPE ", 10) == 0, "an error of type");
    freeReplyObject(r);
    r = call(c, "RPUSH hiredis:l a b c");
    check(r->type == REDIS_REPLY_INTEGER && r->integer == 3, "RPUSH");
    freeReplyObject(r);
    r = call(c, "LRANGE hiredis:l 0 -1");
    check(r->type == REDIS_REPLY_ARRAY && r->elements == 3 && strcmp(r->element[2]->str, "c") == 0, "LRANGE");
    freeReplyObject(r);
}

static void pipeline(redisContext *c)
{
    enum { COUNT = 10000 };
    long long wrong = 0;
    for (int i = 1; i <= COUNT; i++)
        redisAppendCommand(c, "INCR hiredis:n");
    for (int i = 1; i <= COUNT; i++) {
        redisReply *r = NULL;
        if (redisGetReply(c, (void **)&r) != REDIS_OK || r->integer != i)
            wrong++;
        freeReplyObject(r);
    }
    check(wrong == 0, "ten thousand INCR in one pipeline, in order");
}

static void transaction(redisContext *c)
{
    freeReplyObject(call(c, "MULTI"));
    redisReply *r = call(c, "SET hiredis:t 1");
    check(r->type == REDIS_REPLY_STATUS && strcmp(r->str, "QUEUED") == 0, "QUEUED");
    freeReplyObject(r);
    freeReplyObject(call(c, "INCR hiredis:t"));
    r = call(c, "EXEC");
    check(r->type == REDIS_REPLY_ARRAY && r->elements == 2 && r->element[1]->integer == 2, "EXEC");
    freeReplyObject(r);
}

static void publish(redisContext *c, int port)
{
    redisContext *listener = redisConnect("127.0.0.1", port);
    redisReply *r = call(listener, "SUBSCRIBE hiredis:channel");
    check(r->type == REDIS_REPLY_ARRAY && r->elements == 3, "SUBSCRIBE");
    freeReplyObject(r);
    r = call(c, "PUBLISH hiredis:channel hello");
    check(r->type == REDIS_REPLY_INTEGER && r->integer == 1, "PUBLISH reaches one");
    freeReplyObject(r);
    r = NULL;
    check(redisGetReply(listener, (void **)&r) == REDIS_OK && r->elements == 3 && strcmp(r->element[2]->str, "hello") == 0,
          "the message arrives");
    freeReplyObject(r);
    redisFree(listener);
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 6379;
    struct timeval limit = {.tv_sec = 10};
    redisContext *c = redisConnectWithTimeout("127.0.0.1", port, limit);
    if (!c || c->err) {
        printf("cannot connect to port %d\n0 passed, 1 failed\n", port);
        return 1;
    }
    redisSetTimeout(c, limit);
    plain_commands(c);
    pipeline(c);
    transaction(c);
    publish(c, port);
    redisFree(c);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

/* SPDX-License-Identifier: MIT
 * peer: see peer.h. */
#include "tests/redisd/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_S = 10 };

/* ---- through hiredis ---- */

redisContext *peer_open(const struct daemon *daemon)
{
    redisContext *peer = redisConnectWithTimeout("127.0.0.1", daemon->port, (struct timeval){.tv_sec = PATIENCE_S});
    assert_non_null(peer);
    if (peer->err)
        fail_msg("cannot connect: %s", peer->errstr);
    redisSetTimeout(peer, (struct timeval){.tv_sec = PATIENCE_S});
    return peer;
}

void peer_render(const redisReply *reply, struct buffer *text)
{
    switch (reply->type) {
    case REDIS_REPLY_NIL: buffer_format(text, "(nil)"); break;
    case REDIS_REPLY_INTEGER: buffer_format(text, "%lld", reply->integer); break;
    case REDIS_REPLY_ERROR: buffer_append_char(text, '-'); /* fall through */
    default: buffer_append(text, reply->str, reply->len); break;
    case REDIS_REPLY_ARRAY:
        buffer_append_char(text, '[');
        for (size_t i = 0; i < reply->elements; i++) {
            if (i)
                buffer_append_char(text, ' ');
            peer_render(reply->element[i], text);
        }
        buffer_append_char(text, ']');
        break;
    }
}

/* What came, as text; takes the reply. */
static void take(redisReply *reply, struct buffer *text)
{
    text->size = 0;
    if (reply)
        peer_render(reply, text);
    else
        buffer_format(text, "(closed)");
    *buffer_room(text, 1) = 0;
    if (reply)
        freeReplyObject(reply);
}

void peer_ask(redisContext *peer, struct buffer *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    take(redisvCommand(peer, format, args), text);
    va_end(args);
}

void peer_expect(redisContext *peer, const char *expected, const char *format, ...)
{
    struct buffer text = {0};
    va_list args;
    va_start(args, format);
    take(redisvCommand(peer, format, args), &text);
    va_end(args);
    if (strcmp(text.base, expected) != 0)
        fail_msg("%s: got \"%.500s\", expected \"%.500s\"", format, text.base, expected);
    buffer_free(&text);
}

void peer_expect_prefix(redisContext *peer, const char *expected, const char *format, ...)
{
    struct buffer text = {0};
    va_list args;
    va_start(args, format);
    take(redisvCommand(peer, format, args), &text);
    va_end(args);
    if (strncmp(text.base, expected, strlen(expected)) != 0)
        fail_msg("%s: got \"%.500s\", expected \"%.500s...\"", format, text.base, expected);
    buffer_free(&text);
}

long long peer_number(redisContext *peer, const char *format, ...)
{
    struct buffer text = {0};
    va_list args;
    va_start(args, format);
    take(redisvCommand(peer, format, args), &text);
    va_end(args);
    char *end;
    long long number = strtoll(text.base, &end, 10);
    if (strcmp(text.base, "(nil)") == 0)
        number = 0;
    else if (end == text.base || *end)
        fail_msg("%s: got \"%.500s\", expected a number", format, text.base);
    buffer_free(&text);
    return number;
}

void peer_expect_push(redisContext *peer, const char *expected)
{
    struct buffer text = {0};
    redisReply *reply = NULL;
    if (redisGetReply(peer, (void **)&reply) != REDIS_OK)
        reply = NULL;
    take(reply, &text);
    if (strcmp(text.base, expected) != 0)
        fail_msg("got \"%.500s\", expected \"%.500s\"", text.base, expected);
    buffer_free(&text);
}

long long peer_info(redisContext *peer, const char *field)
{
    struct buffer text = {0};
    char line[64];
    peer_ask(peer, &text, "INFO");
    snprintf(line, sizeof(line), "\n%s:", field);
    const char *at = strstr(text.base, line);
    long long value = at ? strtoll(at + strlen(line), NULL, 10) : -1;
    buffer_free(&text);
    return value;
}

long long peer_await_info(redisContext *peer, const char *field, long long value)
{
    int64_t end = daemon_now_ms() + PATIENCE_S * 1000;
    long long last;
    while ((last = peer_info(peer, field)) != value && daemon_now_ms() < end)
        daemon_nap_ms(5);
    return last;
}

/* ---- raw ---- */

int raw_open(const struct daemon *daemon)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)daemon->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail_msg("cannot connect: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    return fd;
}

bool raw_send(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        if (got < 0 && (errno == EPIPE || errno == ECONNRESET))
            return false;
        if (got <= 0)
            fail_msg("cannot send: %s", strerror(errno));
        done += (size_t)got;
    }
    return true;
}

void raw_send_text(int fd, const char *text)
{
    assert_true(raw_send(fd, text, strlen(text)));
}

void raw_expect(int fd, const char *text)
{
    size_t size = strlen(text), done = 0;
    char *got = calloc(1, size + 1);
    assert_non_null(got);
    while (done < size && memcmp(got, text, done) == 0) {
        ssize_t more = recv(fd, got + done, size - done, 0);
        if (more <= 0)
            fail_msg("got \"%s\" and then %s, expected \"%s\"", got, more == 0 ? "the end" : strerror(errno), text);
        done += (size_t)more;
    }
    if (memcmp(got, text, done) != 0)
        fail_msg("got \"%s\", expected \"%s\"", got, text);
    free(got);
}

void raw_expect_end(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    if (got > 0)
        fail_msg("got '%c', expected the end of the connection", byte);
    if (got < 0 && errno != ECONNRESET)
        fail_msg("the connection stays open: %s", strerror(errno));
}

bool raw_read_rest(int fd, int timeout_ms, struct buffer *text)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    bool closed = false;
    while (!closed && poll(&wait, 1, timeout_ms) > 0) {
        ssize_t got = recv(fd, buffer_room(text, 65536), 65536, 0);
        closed = got <= 0;
        text->size += got > 0 ? (size_t)got : 0;
    }
    *buffer_room(text, 1) = 0;
    return closed;
}

void raw_reset(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

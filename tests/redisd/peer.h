/* SPDX-License-Identifier: MIT
 * peer: connections to a daemon under test: polite ones through hiredis, with replies as text, and raw sockets for those who misbehave.
 *
 * Replies as text, so that a test states what it expects in one line:
 *
 *      +OK -> OK      :3 -> 3      $3 abc -> abc      nil -> (nil)      -ERR x -> -ERR x      [a, [b, 1]] -> [a [b 1]]
 *
 * Everything here fails the running test when the connection does what it should not. */
#ifndef LOCUS_TESTS_REDISD_PEER_H
#define LOCUS_TESTS_REDISD_PEER_H

#include <hiredis/hiredis.h>

#include "tests/redisd/daemon.h"

/* ---- through hiredis ---- */

/* A connection, to be freed with redisFree. */
redisContext *peer_open(const struct daemon *daemon);
/* Send one command (hiredis's format: words separated by spaces, %s and %b) and put its reply into `text`, replacing what was there, with a
 * NUL behind it. A connection that ends instead gives "(closed)". */
void peer_ask(redisContext *peer, struct buffer *text, const char *format, ...);
/* The same, and the reply must be this text. */
void peer_expect(redisContext *peer, const char *reply, const char *format, ...);
/* The same, and the reply must begin with this text. */
void peer_expect_prefix(redisContext *peer, const char *reply, const char *format, ...);
/* The reply as a number. */
long long peer_number(redisContext *peer, const char *format, ...);
/* Wait for one more reply or push, and it must be this text. */
void peer_expect_push(redisContext *peer, const char *reply);
/* A number from INFO, -1 when there is no such field. */
long long peer_info(redisContext *peer, const char *field);
/* Ask for the field until it has the value or ten seconds are over; returns what it had last. */
long long peer_await_info(redisContext *peer, const char *field, long long value);
/* A reply as text, appended. */
void peer_render(const redisReply *reply, struct buffer *text);

/* ---- raw ---- */

/* A connected blocking socket whose reads give up after ten seconds. */
int raw_open(const struct daemon *daemon);
/* Send everything; false when the other side has closed. */
bool raw_send(int fd, const void *bytes, size_t size);
void raw_send_text(int fd, const char *text);
/* The next bytes must be these. */
void raw_expect(int fd, const char *text);
/* The other side must close (or reset) without another word. */
void raw_expect_end(int fd);
/* Read whatever comes until the other side closes or `timeout_ms` pass without a byte; appended with a NUL behind it. True: closed. */
bool raw_read_rest(int fd, int timeout_ms, struct buffer *text);
/* Close with a reset instead of a farewell. */
void raw_reset(int fd);

#endif

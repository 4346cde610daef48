/* SPDX-License-Identifier: MIT
 * resp_fuzz: any bytes, cut anywhere, give the same requests, or the same refusal; and no reply makes the reader fall over.
 *
 * The first byte of an input says where to cut: the pieces are (byte % 61) + 1 bytes long, and its top bit stands for a client
 * that has not authenticated. The rest is what the client sends. */
#include <stdlib.h>

#include "protocols/resp.h"
#include "protocols/resp_reply.h"
#include "tests/fuzz/fuzz.h"

static void describe(struct buffer *out, const struct resp_args *args, const struct resp_request *request)
{
    const struct slice *argv = resp_argv(args, request);
    resp_header_long(out, '*', request->argc);
    for (int i = 0; i < request->argc; i++) {
        resp_header_long(out, '$', (int64_t)argv[i].size);
        buffer_append_slice(out, argv[i]);
    }
}

/* Parse in pieces of `step` bytes. Each piece lives in an allocation of exactly its size, so that a sanitizer sees every byte
 * read behind it; the request that is not whole moves on to the next. */
static void parse(struct slice input, size_t step, bool unauthenticated, struct buffer *out)
{
    struct resp_parser parser;
    struct resp_args args = {0};
    struct resp_request request;
    enum resp_result got = RESP_MORE;
    struct buffer held = {0};
    resp_parser_init(&parser);
    parser.unauthenticated = unauthenticated;
    for (size_t at = 0; at < input.size && got != RESP_ERROR; at += step) {
        size_t more = input.size - at < step ? input.size - at : step, used = 0;
        buffer_append(&held, input.base + at, more);
        char *bytes = malloc(held.size);
        memcpy(bytes, held.base, held.size);
        while ((got = resp_parse(&parser, bytes + used, held.size - used, &args, &request)) == RESP_REQUEST) {
            describe(out, &args, &request);
            used += request.bytes;
        }
        args.size = 0;
        buffer_consume(&held, used);
        free(bytes);
    }
    if (got == RESP_ERROR)
        resp_parse_error(&(struct resp_writer){out, 2}, &parser);
    buffer_free(&held);
    resp_args_free(&args);
    resp_parser_deinit(&parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 16)
        return 0;
    struct slice input = slice_of(data + 1, size - 1);
    struct buffer whole = {0}, split = {0};
    parse(input, input.size, data[0] >> 7, &whole);
    parse(input, data[0] % 61 + 1u, data[0] >> 7, &split);
    if (!slice_equal(buffer_slice(&whole), buffer_slice(&split)))
        abort();

    struct resp_reply reply = {0};
    if (resp_reply_read(&reply, input) > 0) {
        struct buffer text = {0};
        resp_node_print(&reply.nodes[0], &text);
        buffer_free(&text);
    }
    resp_reply_free(&reply);
    buffer_free(&whole);
    buffer_free(&split);
    return 0;
}

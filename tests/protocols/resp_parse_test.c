/* SPDX-License-Identifier: MIT
 * resp_parse_test: requests: every form, every refusal, every limit, and the property that any split parses alike. */
#include "tests/support.h"

#include "protocols/resp.h"

/* What came of an input: the requests as text, one per line, and the error. Two ways of cutting one input must give one text. */
static void describe(struct buffer *out, const struct resp_args *args, const struct resp_request *request)
{
    const struct slice *argv = resp_argv(args, request);
    buffer_format(out, "%d:", request->argc);
    for (int i = 0; i < request->argc; i++) {
        buffer_format(out, " %zu=", argv[i].size);
        buffer_append_slice(out, argv[i]);
    }
    buffer_append_char(out, '\n');
}

/* Give `input` to a parser in pieces, piece i ending at cuts[i]; each time in a fresh allocation, so that the bytes move and a
 * read behind them is caught. */
static void parse_in_pieces(struct slice input, const size_t *cuts, size_t count, bool unauthenticated, struct buffer *out)
{
    struct resp_parser parser;
    struct resp_args args = {0};
    resp_parser_init(&parser);
    parser.unauthenticated = unauthenticated;
    char *held = NULL;
    size_t held_size = 0, sent = 0;
    enum resp_result got = RESP_MORE;
    for (size_t i = 0; i < count && got != RESP_ERROR; i++) {
        char *bytes = malloc(held_size + cuts[i] - sent + 1);
        memcpy(bytes, held ? held : "", held_size);
        memcpy(bytes + held_size, input.base + sent, cuts[i] - sent);
        size_t size = held_size + cuts[i] - sent, used = 0;
        sent = cuts[i];
        free(held);
        bytes = realloc(bytes, size ? size : 1);
        struct resp_request request;
        while ((got = resp_parse(&parser, bytes + used, size - used, &args, &request)) == RESP_REQUEST) {
            describe(out, &args, &request);
            used += request.bytes;
        }
        args.size = 0;
        held_size = size - used;
        memmove(bytes, bytes + used, held_size);
        held = bytes;
    }
    if (got == RESP_ERROR) {
        struct resp_writer w = {.out = out, .protocol = 2};
        resp_parse_error(&w, &parser);
    }
    free(held);
    resp_args_free(&args);
    resp_parser_deinit(&parser);
}

static void parse_whole(struct slice input, bool unauthenticated, struct buffer *out)
{
    parse_in_pieces(input, &input.size, 1, unauthenticated, out);
}

static void expect(struct slice input, const char *expected)
{
    struct buffer out = {0};
    parse_whole(input, false, &out);
    buffer_append_char(&out, 0);
    assert_string_equal(out.base, expected);
    buffer_free(&out);
}
#define EXPECT(input, expected) expect(SLICE(input), expected)

static void multibulk_requests_are_read(void **state)
{
    (void)state;
    EXPECT("*1\r\n$4\r\nPING\r\n", "1: 4=PING\n");
    EXPECT("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", "3: 3=SET 1=k 0=\n");
    EXPECT("*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\r\n\r\n*1\r\n$1\r\nx\r\n", "2: 4=ECHO 4=\r\n\r\n\n1: 1=x\n");
    EXPECT("*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n", "0:\n0:\n1: 4=PING\n");
    EXPECT("*1\r\n$4\r\nPI", "");
    /* Redis does not look at the two bytes behind an argument. */
    EXPECT("*1\r\n$4\r\nPINGxx*1\r\n$1\r\nx\r\n", "1: 4=PING\n1: 1=x\n");
}

static void inline_requests_are_split_like_a_shell_line(void **state)
{
    (void)state;
    EXPECT("PING\r\n", "1: 4=PING\n");
    EXPECT("\r\n\n  \n", "0:\n0:\n0:\n");
    EXPECT("  set\tk  v  \n", "3: 3=set 1=k 1=v\n");
    EXPECT("set k \"a b\\n\\x41\\\"\\q\"\r\n", "3: 3=set 1=k 7=a b\nA\"q\n");
    EXPECT("set k 'a \\' \\n'\r\n", "3: 3=set 1=k 6=a ' \\n\n");
    EXPECT("set k\"x y\" '' \"\"\n", "4: 3=set 4=kx y 0= 0=\n");
    EXPECT("echo \"\\xzz\\x4\"\n", "2: 4=echo 5=xzzx4\n");
}

static void malformed_requests_are_refused_in_redis_words(void **state)
{
    (void)state;
    EXPECT("*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT("*\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT("*+1\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT("*01\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT("*-0\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT("*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT("*99999999999999999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n");
    EXPECT("*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT("*1\r\n$\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT("*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT("*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT("*1\r\n$18446744073709551617\r\n", "-ERR Protocol error: invalid bulk length\r\n");
    EXPECT("*2\r\n$1\r\na\r\n:1\r\n", "-ERR Protocol error: expected '$', got ':'\r\n");
    EXPECT("*1\r\n\r\n", "-ERR Protocol error: expected '$', got ' '\r\n");
    EXPECT("PING \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT("PING 'a'b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT("PING \"a\"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n");
    EXPECT("PING\r\n*x\r\nPING\r\n", "1: 4=PING\n-ERR Protocol error: invalid multibulk length\r\n");
}

static void an_unexpected_byte_of_any_value_is_quoted(void **state)
{
    (void)state;
    struct buffer out = {0};
    parse_whole(SLICE("*1\r\n\0abc\r\n"), false, &out);
    struct slice expected = SLICE("-ERR Protocol error: expected '$', got '\0'\r\n");
    assert_true(slice_equal(buffer_slice(&out), expected));
    buffer_free(&out);
}

/* A line of `size` bytes that starts with `start`, filled with zeros' digits, without an end. */
static void expect_too_big(const char *start, const char *expected)
{
    struct buffer input = {0}, out = {0};
    buffer_append(&input, start, strlen(start));
    const char *line = strrchr(start, '\n') ? strrchr(start, '\n') + 1 : start;
    size_t more = RESP_LINE_MAX - strlen(line);
    memset(buffer_room(&input, more + 1), '1', more + 1);
    input.size += more;
    parse_whole(buffer_slice(&input), false, &out);
    assert_int_equal(out.size, 0); /* at the limit: wait for more */
    input.size++;
    parse_whole(buffer_slice(&input), false, &out);
    buffer_append_char(&out, 0);
    assert_string_equal(out.base, expected);
    buffer_free(&input);
    buffer_free(&out);
}

static void endless_lines_are_refused(void **state)
{
    (void)state;
    expect_too_big("PING", "-ERR Protocol error: too big inline request\r\n");
    expect_too_big("*", "-ERR Protocol error: too big mbulk count string\r\n");
    expect_too_big("*1\r\n$", "-ERR Protocol error: too big bulk count string\r\n");
}

static void before_authentication_requests_are_small(void **state)
{
    (void)state;
    struct buffer out = {0};
    parse_whole(SLICE("*11\r\n"), true, &out);
    parse_whole(SLICE("*1\r\n$16385\r\n"), true, &out);
    parse_whole(SLICE("*1\r\n$4\r\nPING\r\n"), true, &out);
    buffer_append_char(&out, 0);
    assert_string_equal(out.base, "-ERR Protocol error: unauthenticated multibulk length\r\n"
                                  "-ERR Protocol error: unauthenticated bulk length\r\n"
                                  "1: 4=PING\n");
    buffer_free(&out);
}

static void the_owner_sets_the_largest_argument(void **state)
{
    (void)state;
    struct resp_parser parser;
    struct resp_args args = {0};
    struct resp_request request;
    char fits[] = "*1\r\n$4\r\nPING\r\n", large[] = "*1\r\n$5\r\nPINGX\r\n";
    resp_parser_init(&parser);
    parser.bulk_max = 4;
    assert_int_equal(resp_parse(&parser, fits, strlen(fits), &args, &request), RESP_REQUEST);
    assert_int_equal(resp_parse(&parser, large, strlen(large), &args, &request), RESP_ERROR);
    assert_int_equal(parser.error, RESP_INVALID_BULK_LENGTH);
    assert_int_equal(resp_parse(&parser, fits, strlen(fits), &args, &request), RESP_ERROR); /* final */
    resp_args_free(&args);
    resp_parser_deinit(&parser);
}

static void an_announced_count_costs_nothing(void **state)
{
    (void)state;
    struct resp_parser parser;
    struct resp_args args = {0};
    struct resp_request request;
    char bytes[] = "*2147483647\r\n$1\r\na\r\n$1\r\nb\r\n$536870912\r\nxyz";
    resp_parser_init(&parser);
    assert_int_equal(resp_parse(&parser, bytes, strlen(bytes), &args, &request), RESP_MORE);
    assert_int_equal(parser.partial.size, 2);
    assert_true(parser.partial.capacity <= 64);
    assert_int_equal(args.capacity, 0);
    assert_true(resp_wanted(&parser) > (size_t)512 << 20);
    resp_parser_deinit(&parser);
}

static void a_large_argument_in_pieces_is_not_read_again(void **state)
{
    (void)state;
    /* A byte of the argument that was seen may change afterwards: nobody looks at it before the request is whole. What is
     * counted here is work: `offset` stays behind the length's line while bytes arrive. */
    struct resp_parser parser;
    struct resp_args args = {0};
    struct resp_request request;
    size_t size = 1 << 20;
    char *bytes = malloc(size + 32);
    size_t head = (size_t)sprintf(bytes, "*1\r\n$%zu\r\n", size);
    memset(bytes + head, '\r', size);
    memcpy(bytes + head + size, "\r\n", 2);
    resp_parser_init(&parser);
    for (size_t there = 0; there < head + size + 1; there += 4093) {
        assert_int_equal(resp_parse(&parser, bytes, there, &args, &request), RESP_MORE);
        if (there > head)
            assert_int_equal(parser.offset, head);
    }
    assert_int_equal(resp_wanted(&parser), head + size + 2);
    assert_int_equal(resp_parse(&parser, bytes, head + size + 2, &args, &request), RESP_REQUEST);
    assert_int_equal(request.bytes, head + size + 2);
    assert_ptr_equal(resp_argv(&args, &request)->base, bytes + head);
    assert_int_equal(parser.partial.capacity, 0);
    free(bytes);
    resp_args_free(&args);
    resp_parser_deinit(&parser);
}

static void a_million_arguments_arrive_in_pieces(void **state)
{
    (void)state;
    struct resp_parser parser;
    struct resp_args args = {0};
    struct resp_request request;
    struct buffer input = {0};
    int count = 1000000;
    buffer_format(&input, "*%d\r\n", count);
    for (int i = 0; i < count; i++)
        buffer_append(&input, "$1\r\nx\r\n", 7);
    resp_parser_init(&parser);
    for (size_t there = 0; there < input.size; there += 16384)
        assert_int_equal(resp_parse(&parser, input.base, there, &args, &request), RESP_MORE);
    assert_int_equal(resp_parse(&parser, input.base, input.size, &args, &request), RESP_REQUEST);
    assert_int_equal(request.argc, count);
    assert_int_equal(resp_argv(&args, &request)[count - 1].size, 1);
    buffer_free(&input);
    resp_args_free(&args);
    resp_parser_deinit(&parser);
}

/* ---- any split ---- */

static const char *const pieces[] = {
    "*1\r\n$4\r\nPING\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nhello\r\nworld\r\n", "*0\r\n", "*-1\r\n", "\r\n", "PING\r\n",
    "set k \"a b\\x41\" 'c'\n", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "*1\r\n", "$4\r\n", "*", "$", "\r", "\n", "12", "-", "\"", "PING", "\\x",
};

/* Mostly well-formed, with a broken piece, a lost byte or a random one now and then. */
static void random_input(struct test_random *random, struct buffer *input)
{
    input->size = 0;
    size_t well_formed = test_random_below(random, 3) ? 8 : sizeof pieces / sizeof *pieces;
    for (size_t n = 1 + test_random_below(random, 8); n > 0; n--) {
        const char *piece = pieces[test_random_below(random, well_formed)];
        buffer_append(input, piece, strlen(piece));
    }
    if (test_random_below(random, 3) == 0)
        input->base[test_random_below(random, input->size)] = (char)test_random_next(random);
}

static void any_split_parses_alike(void **state)
{
    (void)state;
    uint64_t seed = test_seed(0x5e5b);
    struct test_random random = {seed};
    struct buffer input = {0}, whole = {0}, split = {0};
    for (unsigned round = 0; round < 20000 * test_long_factor(); round++) {
        random_input(&random, &input);
        bool unauthenticated = test_random_below(&random, 4) == 0;
        size_t cuts[512], count = 0, most = 1 + test_random_below(&random, 24);
        for (size_t at = 0; at < input.size && count < 510; cuts[count++] = at)
            at += test_random_below(&random, most) + (most == 1);
        if (count && cuts[count - 1] > input.size)
            count--;
        cuts[count++] = input.size;
        whole.size = split.size = 0;
        parse_whole(buffer_slice(&input), unauthenticated, &whole);
        parse_in_pieces(buffer_slice(&input), cuts, count, unauthenticated, &split);
        if (!slice_equal(buffer_slice(&whole), buffer_slice(&split)))
            fail_msg("seed %#llx round %u: split input parsed differently", (unsigned long long)seed, round);
    }
    buffer_free(&input);
    buffer_free(&whole);
    buffer_free(&split);
}

static void a_line_that_is_too_long_is_refused_however_it_arrives(void **state)
{
    (void)state;
    struct buffer input = {0}, out = {0};
    memset(buffer_room(&input, RESP_LINE_MAX + 3), 'a', RESP_LINE_MAX + 3);
    input.base[RESP_LINE_MAX + 1] = '\n'; /* one too far */
    parse_whole(slice_of(input.base, RESP_LINE_MAX + 2), false, &out);
    assert_memory_equal(out.base, "-ERR Protocol error: too big inline", 35);
    out.size = 0;
    input.base[RESP_LINE_MAX] = '\n';
    parse_whole(slice_of(input.base, RESP_LINE_MAX + 1), false, &out);
    assert_memory_equal(out.base, "1: 65536=", 9);
    buffer_free(&input);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multibulk_requests_are_read),
        cmocka_unit_test(inline_requests_are_split_like_a_shell_line),
        cmocka_unit_test(malformed_requests_are_refused_in_redis_words),
        cmocka_unit_test(an_unexpected_byte_of_any_value_is_quoted),
        cmocka_unit_test(endless_lines_are_refused),
        cmocka_unit_test(before_authentication_requests_are_small),
        cmocka_unit_test(the_owner_sets_the_largest_argument),
        cmocka_unit_test(an_announced_count_costs_nothing),
        cmocka_unit_test(a_large_argument_in_pieces_is_not_read_again),
        cmocka_unit_test(a_million_arguments_arrive_in_pieces),
        cmocka_unit_test(any_split_parses_alike),
        cmocka_unit_test(a_line_that_is_too_long_is_refused_however_it_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

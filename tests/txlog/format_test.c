/* SPDX-License-Identifier: MIT
 * format_test: the codecs by themselves: numbers, words, checksums, hashes, headers, trailers. */
#include "tests/support.h"

#include <errno.h>

#include "services/txlog/argv.h"
#include "services/txlog/checkpoint.h"
#include "services/txlog/clients.h"
#include "services/txlog/crc32c.h"
#include "services/txlog/format.h"

static void numbers_come_back(void **state)
{
    (void)state;
    struct test_random random = {test_seed(1)};
    for (int i = 0; i < 20000; i++) {
        uint64_t value = test_random_next(&random) >> test_random_below(&random, 64), got = 0;
        char bytes[VARINT_MAX];
        char *end = varint_put(bytes, value);
        const char *at = bytes;
        assert_int_equal(end - bytes, varint_size(value));
        assert_int_equal(varint_get(&at, end, &got), 0);
        assert_true(got == value && at == end);
        at = bytes;
        assert_int_equal(varint_get(&at, end - 1, &got), -1);
        assert_true(unzigzag(zigzag((int64_t)value)) == (int64_t)value);
    }
}

static void numbers_have_one_form(void **state)
{
    (void)state;
    const char *const wrong[] = {"\x80", "\x81\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"};
    const size_t sizes[] = {1, 2, 10};
    for (int i = 0; i < 3; i++) {
        uint64_t value;
        const char *at = wrong[i];
        if (i == 1) /* a second byte that adds nothing */
            assert_int_equal(wrong[i][1], 0);
        assert_int_equal(varint_get(&at, wrong[i] + sizes[i], &value), -1);
    }
}

static void both_checksums_agree(void **state)
{
    (void)state;
    struct test_random random = {test_seed(2)};
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283); /* RFC 3720 */
    char bytes[257];
    for (int i = 0; i < 500; i++) {
        size_t size = test_random_below(&random, sizeof bytes);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (char)test_random_next(&random);
        uint32_t start = (uint32_t)test_random_next(&random);
        assert_int_equal(crc32c(start, bytes, size), crc32c_portable(start, bytes, size));
        size_t cut = test_random_below(&random, size + 1);
        assert_int_equal(crc32c(crc32c(start, bytes, cut), bytes + cut, size - cut), crc32c(start, bytes, size));
    }
}

static void words_come_back(void **state)
{
    (void)state;
    struct test_random random = {test_seed(3)};
    struct buffer sequence = {0};
    struct argv_reader reader = {0};
    char text[300];
    memset(text, 'w', sizeof text);
    for (int round = 0; round < 200; round++) {
        struct slice words[40];
        size_t argc = test_random_below(&random, 40);
        for (size_t i = 0; i < argc; i++)
            words[i] = slice_of(text, test_random_below(&random, sizeof text));
        sequence.size = 0;
        argv_append(&sequence, words, argc);
        argv_append(&sequence, words, argc);
        argv_reader_begin(&reader, buffer_slice(&sequence));
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(argv_reader_next(&reader), 1);
            assert_int_equal(reader.argc, argc);
            for (size_t i = 0; i < argc; i++)
                assert_true(slice_equal(reader.argv[i], words[i]));
        }
        assert_int_equal(argv_reader_next(&reader), 0);
        argv_reader_begin(&reader, slice_of(sequence.base, sequence.size - 1));
        assert_int_equal(argv_reader_next(&reader), argc ? 1 : 1);
        assert_int_equal(argv_reader_next(&reader), argc ? -EBADMSG : 0);
    }
    buffer_free(&sequence);
    argv_reader_free(&reader);
}

static void a_forged_word_count_is_refused(void **state)
{
    (void)state;
    struct argv_reader reader = {0};
    argv_reader_begin(&reader, SLICE("\xff\xff\xff\xff\x07" "abc"));
    assert_int_equal(argv_reader_next(&reader), -EBADMSG);
    argv_reader_free(&reader);
}

/* RFC 6962, by its definition: split at the largest power of two below n. */
static void define_root(const struct merkle_hash *leaves, size_t n, struct merkle_hash *root)
{
    if (n == 0) {
        merkle_sha256(NULL, 0, root);
        return;
    }
    if (n == 1) {
        *root = leaves[0];
        return;
    }
    size_t k = 1;
    while (k * 2 < n)
        k *= 2;
    struct merkle_hash left, right;
    define_root(leaves, k, &left);
    define_root(leaves + k, n - k, &right);
    struct merkle_part parts[] = {{"\x01", 1}, {left.bytes, 32}, {right.bytes, 32}};
    merkle_sha256(parts, 3, root);
}

static void the_tree_is_the_one_of_rfc_6962(void **state)
{
    (void)state;
    struct merkle tree;
    struct merkle_hash leaves[70], root, defined;
    merkle_init(&tree);
    for (size_t n = 0; n < 70; n++) {
        merkle_root(&tree, &root);
        define_root(leaves, n, &defined);
        assert_memory_equal(&root, &defined, sizeof root);
        struct merkle_part part = {&n, sizeof n};
        merkle_sha256(&part, 1, &leaves[n]);
        merkle_add(&tree, &leaves[n]);
    }
}

static void any_bit_flipped_in_a_header_is_noticed(void **state)
{
    (void)state;
    struct segment_header header = {.number = 7, .salt = 99, .epoch = 3, .release = "r", .opened = true, .first_tx = 6};
    struct segment_header got;
    uint8_t bytes[SECTOR_BYTES];
    merkle_init(&header.tree);
    for (int i = 0; i < 5; i++)
        merkle_add(&header.tree, &(struct merkle_hash){{(uint8_t)i}});
    segment_header_encode(&header, bytes);
    assert_int_equal(segment_header_decode(bytes, &got), 0);
    assert_true(got.opened && got.first_tx == 6 && got.number == 7 && got.tree.depth == header.tree.depth);
    assert_memory_equal(got.tree.frontier, header.tree.frontier, 32 * header.tree.depth);
    for (size_t bit = 0; bit < 128 * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(segment_header_decode(bytes, &got), -EBADMSG);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 256 * 8; bit < 2372 * 8; bit += 3) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_true(segment_header_decode(bytes, &got) || !got.opened);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void any_bit_flipped_in_a_trailer_is_noticed(void **state)
{
    (void)state;
    struct trailer trailer = {.length = 4096, .epoch = 2, .first_tx = 5, .count = 3, .salt = 8, .segment = 1, .watermark = {1, 8192}};
    struct trailer got;
    uint8_t bytes[TRAILER_BYTES];
    trailer_encode_static(&trailer, bytes);
    assert_int_equal(trailer_decode(bytes, &got), TRAILER_STATIC);
    trailer_encode_sealed(&trailer, bytes);
    assert_int_equal(trailer_decode(bytes, &got), TRAILER_SEALED);
    assert_true(got.count == 3 && got.watermark.offset == 8192 && got.sealed);
    for (size_t bit = 0; bit < TRAILER_BYTES * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        enum trailer_state found = trailer_decode(bytes, &got);
        assert_true(found == TRAILER_NONE || found == TRAILER_DAMAGED);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void manifests_come_back(void **state)
{
    (void)state;
    struct manifest manifest = {.about = {.tx = 12, .admission = {34, 56}}, .adopted = true, .count = 2}, got;
    manifest.entries[1] = (struct manifest_entry){.service = 3, .suffix = "rdb", .size = 99};
    struct buffer bytes = {0};
    manifest_encode(&manifest, &bytes);
    assert_int_equal(manifest_decode(buffer_slice(&bytes), &got), 0);
    assert_memory_equal(&manifest.about, &got.about, sizeof got.about);
    assert_true(got.adopted && got.count == 2 && got.entries[1].size == 99);
    assert_string_equal(got.entries[1].suffix, "rdb");
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        bytes.base[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(manifest_decode(buffer_slice(&bytes), &got), -EBADMSG);
        bytes.base[bit / 8] ^= (char)(1 << bit % 8);
    }
    buffer_free(&bytes);
}

static void names_come_back(void **state)
{
    (void)state;
    char name[SEGMENT_NAME_BYTES], file[CHECKPOINT_NAME_BYTES];
    uint64_t tx;
    const char *suffix;
    segment_name(42, name);
    assert_string_equal(name, "segment-000000000042.log");
    assert_int_equal(segment_number(name), 42);
    assert_int_equal(segment_number("segment-42.log"), 0);
    assert_int_equal(segment_number("segment-000000000042.logx"), 0);
    checkpoint_name(7, "rdb", file);
    assert_true(checkpoint_parse(file, &tx, &suffix) && tx == 7 && strcmp(suffix, "rdb") == 0);
    assert_false(checkpoint_parse("checkpoint-7.rdb", &tx, &suffix));
}

static void a_client_is_new_once(void **state)
{
    (void)state;
    struct clients clients = {0};
    for (uint64_t i = 1; i < 5000; i++)
        assert_true(clients_add(&clients, i * 7919));
    for (uint64_t i = 1; i < 5000; i++)
        assert_false(clients_add(&clients, i * 7919));
    clients_clear(&clients);
    assert_true(clients_add(&clients, 7919));
    clients_free(&clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back),
        cmocka_unit_test(numbers_have_one_form),
        cmocka_unit_test(both_checksums_agree),
        cmocka_unit_test(words_come_back),
        cmocka_unit_test(a_forged_word_count_is_refused),
        cmocka_unit_test(the_tree_is_the_one_of_rfc_6962),
        cmocka_unit_test(any_bit_flipped_in_a_header_is_noticed),
        cmocka_unit_test(any_bit_flipped_in_a_trailer_is_noticed),
        cmocka_unit_test(manifests_come_back),
        cmocka_unit_test(names_come_back),
        cmocka_unit_test(a_client_is_new_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 * heap_test: micro-heaps, their pool, and the slab of handles. */
#include "kernel/heap.h"
#include "kernel/slab.h"
#include "tests/support.h"

static void blocks_do_not_overlap_and_keep_their_bytes(void **state)
{
    (void)state;
    enum { BLOCKS = 400 };
    uint64_t seed = test_seed(3);
    struct test_random random = {seed};
    struct heap_pool pool;
    heap_pool_init(&pool, 0, 2);
    struct heap *heap = heap_take(&pool);
    struct { unsigned char *at; size_t size; unsigned char fill; } blocks[BLOCKS] = {0};
    for (int step = 0; step < 20000; step++) {
        int i = (int)test_random_below(&random, BLOCKS);
        if (blocks[i].at) {
            for (size_t b = 0; b < blocks[i].size; b++)
                if (blocks[i].at[b] != blocks[i].fill)
                    fail_msg("block %d was overwritten in step %d, seed %llu", i, step, (unsigned long long)seed);
            heap_free(heap, blocks[i].at, blocks[i].size);
            blocks[i].at = NULL;
            continue;
        }
        blocks[i].size = test_random_below(&random, 20) ? test_random_below(&random, 300) : test_random_below(&random, 20000);
        blocks[i].at = heap_alloc(heap, blocks[i].size);
        blocks[i].fill = (unsigned char)step;
        assert_int_equal((uintptr_t)blocks[i].at % 16, 0);
        memset(blocks[i].at, blocks[i].fill, blocks[i].size);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].at && i % 2)
            heap_free(heap, blocks[i].at, blocks[i].size);
    heap_give(&pool, heap); /* the other half is freed with it: the sanitizer would tell */
    heap_pool_deinit(&pool);
}

static void freeing_everything_brings_the_count_to_zero(void **state)
{
    (void)state;
    struct heap_pool pool;
    heap_pool_init(&pool, 0, 2);
    struct heap *heap = heap_take(&pool);
    void *small = heap_alloc(heap, 17), *large = heap_alloc(heap, 100000), *other = heap_alloc(heap, 5000);
    assert_int_equal(heap->bytes_now, 32 + 100000 + 5000);
    heap_free(heap, large, 100000);
    heap_free(heap, small, 17);
    heap_free(heap, other, 5000);
    assert_int_equal(heap->bytes_now, 0);
    assert_int_equal(heap->bytes_peak, 32 + 100000 + 5000);
    assert_ptr_equal(heap_alloc(heap, 30), small); /* its class's list */
    heap_give(&pool, heap);
    heap_pool_deinit(&pool);
}

static void heaps_beyond_the_warm_ones_lose_their_pages(void **state)
{
    (void)state;
    struct heap_pool pool;
    heap_pool_init(&pool, 0, 1);
    struct heap *a = heap_take(&pool), *b = heap_take(&pool);
    memset(heap_alloc(a, 4096), 1, 4096);
    char *in_b = heap_alloc(b, 4096);
    memset(in_b, 1, 4096);
    heap_give(&pool, a);
    heap_give(&pool, b);
    assert_int_equal(pool.warm_count, 1);
    assert_int_equal(pool.cold_count, 1);
    assert_int_equal(in_b[0], 0); /* a fresh page */
    assert_ptr_equal(heap_take(&pool), a);
    assert_ptr_equal(heap_take(&pool), b);
    assert_int_equal(pool.used_peak, 2);
    heap_give(&pool, a);
    heap_give(&pool, b);
    heap_pool_deinit(&pool);
}

static void the_root_is_zeroed_at_the_base_of_a_used_heap(void **state)
{
    (void)state;
    struct heap_pool pool;
    heap_pool_init(&pool, 0, 1);
    struct heap *heap = heap_take(&pool);
    memset(heap_root(heap, 1000), 0xff, 1000);
    heap_give(&pool, heap);
    assert_ptr_equal(heap_take(&pool), heap);
    char *root = heap_root(heap, 500);
    assert_ptr_equal(root, heap->base);
    for (int i = 0; i < 500; i++)
        assert_int_equal(root[i], 0);
    heap_give(&pool, heap);
    heap_pool_deinit(&pool);
}

struct thing {
    struct slab_slot slot;
    int value;
};

static void a_stale_handle_finds_nobody(void **state)
{
    (void)state;
    struct slab slab;
    slab_init(&slab, sizeof(struct thing));
    assert_null(slab_get(&slab, 0));
    struct thing *a = slab_new(&slab);
    uint64_t old = slab_handle(a);
    assert_true(old != 0);
    assert_ptr_equal(slab_get(&slab, old), a);
    slab_free(&slab, a);
    assert_null(slab_get(&slab, old));
    struct thing *b = slab_new(&slab);
    assert_ptr_equal(a, b);
    assert_int_equal(b->value, 0);
    assert_null(slab_get(&slab, old));
    assert_ptr_equal(slab_get(&slab, slab_handle(b)), b);
    slab_free(&slab, b);
    slab_deinit(&slab);
}

static void objects_stay_where_they_are_while_the_slab_grows(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    static struct thing *things[COUNT];
    struct slab slab;
    slab_init(&slab, sizeof(struct thing));
    for (int i = 0; i < COUNT; i++) {
        things[i] = slab_new(&slab);
        things[i]->value = i;
    }
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(things[i]->value, i);
        assert_ptr_equal(slab_get(&slab, slab_handle(things[i])), things[i]);
    }
    for (int i = 0; i < COUNT; i++)
        slab_free(&slab, things[i]);
    for (int i = 0; i < COUNT; i++)
        slab_free(&slab, slab_new(&slab)); /* the place freed last, again and again */
    assert_int_equal(slab.used, COUNT);
    slab_deinit(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap_and_keep_their_bytes),
        cmocka_unit_test(freeing_everything_brings_the_count_to_zero),
        cmocka_unit_test(heaps_beyond_the_warm_ones_lose_their_pages),
        cmocka_unit_test(the_root_is_zeroed_at_the_base_of_a_used_heap),
        cmocka_unit_test(a_stale_handle_finds_nobody),
        cmocka_unit_test(objects_stay_where_they_are_while_the_slab_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

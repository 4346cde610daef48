/* SPDX-License-Identifier: MIT
 * ring_test: many senders, one receiver: every message once, each sender's in order, and a full ring says so. */
#include <pthread.h>
#include <sched.h>

#include "kernel/ring.h"
#include "tests/support.h"

enum { SENDERS = 3, MESSAGES = 30000 };

struct message {
    int sender;
    int number;
    char fill[40]; /* a message of more than one word can be torn */
};

static void a_full_ring_says_so_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct ring *ring = ring_new(4, sizeof(int));
    int out;
    for (int round = 0; round < 10; round++) {
        assert_false(ring_pop(ring, &out));
        for (int i = 0; i < 4; i++)
            assert_true(ring_push(ring, &i));
        assert_false(ring_push(ring, &round));
        for (int i = 0; i < 4; i++) {
            assert_true(ring_pop(ring, &out));
            assert_int_equal(out, i);
        }
    }
    ring_free(ring);
}

struct sender {
    struct ring *ring;
    int number;
};

static void *send_all(void *context)
{
    struct sender *s = context;
    struct message m = {.sender = s->number};
    for (m.number = 0; m.number < MESSAGES; m.number++) {
        memset(m.fill, m.number, sizeof m.fill);
        while (!ring_push(s->ring, &m))
            sched_yield();
    }
    return NULL;
}

static void every_message_arrives_whole_once_and_in_order(void **state)
{
    (void)state;
    struct ring *ring = ring_new(64, sizeof(struct message));
    pthread_t threads[SENDERS];
    struct sender senders[SENDERS];
    int next[SENDERS] = {0};
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ring, i};
        pthread_create(&threads[i], NULL, send_all, &senders[i]);
    }
    for (int got = 0; got < SENDERS * MESSAGES;) {
        struct message m;
        if (!ring_pop(ring, &m)) {
            sched_yield();
            continue;
        }
        assert_int_equal(m.number, next[m.sender]++);
        for (size_t i = 0; i < sizeof m.fill; i++)
            assert_int_equal(m.fill[i], (char)m.number);
        got++;
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    ring_free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_ring_says_so_and_keeps_what_it_has),
        cmocka_unit_test(every_message_arrives_whole_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

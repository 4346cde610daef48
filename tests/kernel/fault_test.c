/* SPDX-License-Identifier: MIT
 * fault_test: a fault in pure session code ends that session alone; any other fault ends the process with a word about it. */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/kernel/echo.h"

enum misdeed { BEHAVE, WRITE_NULL, RECURSE, LEAVE_HEAP, FAULT_UNARMED };

struct patient {
    struct co co;
    struct stream *stream;
    enum misdeed misdeed;
};

static volatile int sink;
static volatile int recursion_end = -1; /* never reached, which the compiler cannot know */

__attribute__((noinline)) static int recurse(int depth)
{
    volatile char frame[512];
    if (depth == recursion_end)
        return 0;
    frame[depth & 511] = (char)depth;
    int below = recurse(depth + 1); /* not a tail call: the frame is used afterwards */
    return below + frame[depth & 511];
}

/* Not inlined, and told through a volatile: the compiler must not see the fault coming. */
__attribute__((noinline)) static void misbehave(enum misdeed misdeed, struct patient *self)
{
    volatile int *volatile nowhere = NULL;
    switch (misdeed) {
    case WRITE_NULL:
    case FAULT_UNARMED:
        *nowhere = 1; /* NOLINT(clang-analyzer-core.NullDereference): what the test is about */
        break;
    case RECURSE:
        sink = recurse(0);
        break;
    case LEAVE_HEAP:
        for (volatile char *at = (volatile char *)self;; at--)
            *at = 0; /* the root is the heap's first block: the page before it is the guard */
        break;
    case BEHAVE:
        break;
    }
}

static int patient_run(struct actor *actor, void *root)
{
    struct patient *self = root;
    CO_BEGIN(self);
    for (;;) {
        TRY(stream_fill(self->stream, 0));
        if (CO_RESULT == 0)
            break;
        if (self->misdeed == FAULT_UNARMED)
            misbehave(self->misdeed, self);
        actor_pure_begin(actor);
        misbehave(self->misdeed, self);
        actor_pure_end(actor);
        buffer_append_slice(stream_output(self->stream), stream_input(self->stream));
        stream_consume(self->stream, stream_input(self->stream).size);
    }
    CO_FINALLY;
    CO_END;
}

static void patient_cleanup(struct actor *actor, void *root, bool faulted)
{
    (void)actor, (void)root;
    sink += faulted;
}

static const struct actor_class patient_class = {
    .name = "patient", .root_size = sizeof(struct patient), .run = patient_run, .cleanup = patient_cleanup, .guarded = true};

static struct actor *spawn_patient(struct reactor *r, enum misdeed misdeed, int *peer)
{
    struct actor *actor = actor_spawn(r, &patient_class);
    struct patient *self = actor_root(actor);
    self->misdeed = misdeed;
    self->stream = open_pair(r, peer);
    stream_give(self->stream, actor);
    return actor;
}

/* The handler runs on an alternate stack that reactor_run puts in place: the tests go through it, stopped by a post. */
static void stop(struct reactor *r, void *arg)
{
    (void)arg;
    reactor_stop(r);
}

static void run_a_turn(struct reactor *r)
{
    reactor_post(r, stop, NULL);
    assert_int_equal(reactor_run(r), 0);
}

static void faults_end_one_session_each_and_peers_never_notice(struct reactor *r)
{
    int peers[4];
    spawn_patient(r, BEHAVE, &peers[0]);
    spawn_patient(r, WRITE_NULL, &peers[1]);
    spawn_patient(r, RECURSE, &peers[2]);
    spawn_patient(r, BEHAVE, &peers[3]);
    for (int i = 0; i < 4; i++)
        send_text(peers[i], "hello");
    sink = 0;
    run_a_turn(r);
    assert_int_equal(r->counters.faults_contained, 2);
    assert_int_equal(r->counters.actors_live, 2);
    assert_int_equal(r->heaps.used_count, 2);
    assert_receives(peers[0], "hello");
    assert_receives(peers[3], "hello");
    char text[16];
    assert_string_not_equal(receive_text(peers[1], text, sizeof text), "hello");
    send_text(peers[0], "still here");
    run_a_turn(r);
    assert_receives(peers[0], "still here");
    for (int i = 0; i < 4; i++)
        close(peers[i]);
    run_a_turn(r);
    assert_int_equal(r->counters.actors_live, 0);
}

static const struct reactor_options containing = {.contain_faults = true};

static void a_null_write_and_a_stack_overflow_are_contained(void **state)
{
    (void)state;
    if (!fault_available())
        skip();
    struct reactor *r = new_reactor(&containing);
    faults_end_one_session_each_and_peers_never_notice(r);
    reactor_free(r);
}

static void *contain_on_thread(void *context)
{
    faults_end_one_session_each_and_peers_never_notice(context);
    return NULL;
}

static void they_are_contained_on_any_thread_that_runs_a_reactor(void **state)
{
    (void)state;
    if (!fault_available())
        skip();
    struct reactor *r = new_reactor(&containing);
    pthread_t thread;
    pthread_create(&thread, NULL, contain_on_thread, r);
    pthread_join(thread, NULL);
    reactor_free(r);
}

static void a_guard_page_stops_an_overrun(void **state)
{
    (void)state;
    if (!fault_available())
        skip();
    int peer;
    struct reactor *r = new_reactor(&containing);
    char *base = spawn_patient(r, LEAVE_HEAP, &peer)->heap->base;
    send_text(peer, "x");
    run_a_turn(r);
    assert_int_equal(r->counters.faults_contained, 1);
    assert_ptr_equal(r->fault.address, base - 1);
    close(peer);
    reactor_free(r);
}

static void many_faults_leak_nothing(void **state)
{
    (void)state;
    if (!fault_available())
        skip();
    struct reactor *r = new_reactor(&containing);
    int before = count_descriptors();
    for (int i = 0; i < 200; i++) {
        int peer;
        spawn_patient(r, i % 2 ? WRITE_NULL : LEAVE_HEAP, &peer);
        send_text(peer, "x");
        run_a_turn(r);
        close(peer);
    }
    assert_int_equal(r->counters.faults_contained, 200);
    assert_int_equal(r->counters.actors_live, 0);
    assert_int_equal(r->heaps.used_count, 0);
    assert_int_equal(count_descriptors(), before);
    reactor_free(r);
}

static void a_fault_outside_pure_code_stops_the_process_with_a_word(void **state)
{
    (void)state;
    if (!fault_available())
        skip();
    int words[2];
    assert_int_equal(pipe(words), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int peer;
        dup2(words[1], STDERR_FILENO);
        struct reactor *r;
        reactor_new(&r, os_linux(), &containing);
        spawn_patient(r, FAULT_UNARMED, &peer);
        ssize_t ignored = write(peer, "x", 1);
        (void)ignored;
        reactor_run(r);
        _exit(0);
    }
    int status;
    char text[200] = {0};
    close(words[1]);
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_true(read(words[0], text, sizeof text - 1) > 0);
    assert_string_equal(text, "fatal: SIGSEGV at address 0x0, while running a patient\n");
    close(words[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_write_and_a_stack_overflow_are_contained),
        cmocka_unit_test(they_are_contained_on_any_thread_that_runs_a_reactor),
        cmocka_unit_test(a_guard_page_stops_an_overrun),
        cmocka_unit_test(many_faults_leak_nothing),
        cmocka_unit_test(a_fault_outside_pure_code_stops_the_process_with_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

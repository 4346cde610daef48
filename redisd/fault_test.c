/* SPDX-License-Identifier: MIT
 * fault_test: see fault_test.h. */
#include "redisd/fault_test.h"

#include "kernel/actor.h"
#include "redisd/client.h"

/* Not a tail call, and its frame is in use after the call returns: the compiler can neither loop nor drop it. */
static __attribute__((noinline)) int recurse(volatile char *above)
{
    volatile char frame[256];
    frame[0] = (char)(above[0] + 1);
    return above[0] == 0 || frame[0] != above[0] ? recurse(frame) + frame[0] : 0;
}

void fault_test_run(struct actor *actor, const struct client *client)
{
    if (client->fault_test == FAULT_TEST_NONE)
        return;
    volatile char start = 0;
    volatile char *volatile nowhere = NULL; /* twice volatile: else the compiler knows that nobody may read what is written there */
    actor_pure_begin(actor);
    if (client->fault_test == FAULT_TEST_NULL)
        *nowhere = 1; /* NOLINT(clang-analyzer-core.NullDereference): the fault is what is asked for */
    else
        recurse(&start);
    actor_pure_end(actor);
}

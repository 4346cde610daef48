/* SPDX-License-Identifier: MIT
 * fault_test: DEBUG SESSION-FAULT: faults on purpose in pure session code, so that tests and operators can see them contained. */
#ifndef LOCUS_REDISD_FAULT_TEST_H
#define LOCUS_REDISD_FAULT_TEST_H

struct actor;
struct client;

enum fault_test { FAULT_TEST_NONE, FAULT_TEST_NULL, FAULT_TEST_STACK };

/* Commit the fault that the client asked for; returns when it asked for none. */
void fault_test_run(struct actor *actor, const struct client *client);

#endif

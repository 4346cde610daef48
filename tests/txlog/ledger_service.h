/* SPDX-License-Identifier: MIT
 * ledger_service: a small service whose transactions take several commands; it proves the shape of struct service.
 *
 *   session:  deposit 3 100 | transfer 3 7 40 | bonus 7 | commit
 *             `------------- staged, nothing changed ---' `- executed as one, pushed as one result
 *
 * State: 256 accounts, and a digest of all notes ever taken. Inputs and deltas are sequences of commands (argv.h):
 *   input: deposit A N, transfer A B N, bonus A SEED, note BYTES        delta: set A BALANCE, notes DIGEST */
#ifndef LOCUS_TESTS_LEDGER_SERVICE_H
#define LOCUS_TESTS_LEDGER_SERVICE_H

#include "services/txlog/service.h"

#define LEDGER_SERVICE_ID 9
#define LEDGER_ACCOUNTS 256

struct ledger {
    int64_t balances[LEDGER_ACCOUNTS];
    struct tx_digest notes;
    int restores, applies, executions; /* how often each was called */
};

struct ledger_session {
    uint64_t client;
    struct buffer staged;
};

void ledger_init(struct ledger *ledger);
struct service ledger_service(struct ledger *ledger);
struct tx_digest ledger_digest(const struct ledger *ledger);

void ledger_deposit(struct ledger_session *session, unsigned account, int64_t amount);
void ledger_transfer(struct ledger_session *session, unsigned from, unsigned to, int64_t amount);
void ledger_bonus(struct ledger_session *session, unsigned account, uint64_t seed); /* seed: of this command's own admission */
void ledger_note(struct ledger_session *session, struct slice bytes);
/* Execute what is staged and push it. Returns the transaction's number. */
uint64_t ledger_commit(struct ledger *ledger, struct ledger_session *session, struct tx_admission admission,
                       struct tx_receiver receiver);

#endif

/* SPDX-License-Identifier: MIT
 * ledger_service: see ledger_service.h. */
#include "tests/txlog/ledger_service.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/txlog/argv.h"
#include "services/txlog/reader.h"

/* ---- words ---- */

static struct slice number_word(char text[24], int64_t value)
{
    return slice_of(text, (size_t)snprintf(text, 24, "%" PRId64, value));
}

static int64_t word_number(struct slice word)
{
    char text[24] = {0};
    memcpy(text, word.base, word.size < 23 ? word.size : 23);
    return (int64_t)strtoll(text, NULL, 10);
}

static void stage(struct buffer *sequence, struct slice verb, int count, const int64_t *numbers)
{
    char texts[3][24];
    struct slice words[4] = {verb};
    for (int i = 0; i < count; i++)
        words[1 + i] = number_word(texts[i], numbers[i]);
    argv_append(sequence, words, 1 + (size_t)count);
}

/* ---- executing and applying ---- */

static void set_balance(struct ledger *ledger, struct buffer *delta, int64_t account, int64_t balance)
{
    ledger->balances[account] = balance;
    stage(delta, SLICE("set"), 2, (int64_t[]){account, balance});
}

static void take_note(struct ledger *ledger, struct buffer *delta, struct slice bytes)
{
    struct buffer both = {0};
    buffer_append(&both, ledger->notes.bytes, sizeof ledger->notes.bytes);
    buffer_append_slice(&both, bytes);
    ledger->notes = tx_delta_digest(buffer_slice(&both));
    buffer_free(&both);
    struct slice words[] = {SLICE("notes"), slice_of(ledger->notes.bytes, sizeof ledger->notes.bytes)};
    argv_append(delta, words, 2);
}

static int64_t account_word(struct slice word)
{
    int64_t account = word_number(word);
    return account >= 0 && account < LEDGER_ACCOUNTS ? account : 0;
}

static int execute_one(struct ledger *ledger, const struct argv_reader *c, struct buffer *delta)
{
    const struct slice *argv = c->argv;
    if (c->argc == 2 && slice_equal(argv[0], SLICE("note"))) {
        take_note(ledger, delta, argv[1]);
        return 0;
    }
    if (c->argc < 3)
        return -EBADMSG;
    int64_t a = account_word(argv[1]);
    if (slice_equal(argv[0], SLICE("deposit"))) {
        set_balance(ledger, delta, a, ledger->balances[a] + word_number(argv[2]));
    } else if (slice_equal(argv[0], SLICE("bonus"))) {
        set_balance(ledger, delta, a, ledger->balances[a] + (int64_t)((uint64_t)word_number(argv[2]) % 97));
    } else if (slice_equal(argv[0], SLICE("transfer")) && c->argc == 4) {
        int64_t b = account_word(argv[2]), amount = word_number(argv[3]);
        set_balance(ledger, delta, a, ledger->balances[a] - amount);
        set_balance(ledger, delta, b, ledger->balances[b] + amount);
    } else {
        return -EBADMSG;
    }
    return 0;
}

static int apply_one(struct ledger *ledger, const struct argv_reader *c)
{
    if (c->argc == 3 && slice_equal(c->argv[0], SLICE("set"))) {
        ledger->balances[account_word(c->argv[1])] = word_number(c->argv[2]);
        return 0;
    }
    if (c->argc == 2 && slice_equal(c->argv[0], SLICE("notes")) && c->argv[1].size == sizeof ledger->notes.bytes) {
        memcpy(ledger->notes.bytes, c->argv[1].base, sizeof ledger->notes.bytes);
        return 0;
    }
    return -EBADMSG;
}

/* Run an input and push its result with those fields. */
static int run(struct ledger *ledger, struct slice input, struct tx_result *result, struct tx_receiver *receiver, uint64_t *tx)
{
    struct argv_reader commands = {0};
    struct buffer delta = {0};
    int got = 0;
    argv_reader_begin(&commands, input);
    while ((got = argv_reader_next(&commands)) > 0)
        if (execute_one(ledger, &commands, &delta)) {
            got = -EBADMSG;
            break;
        }
    result->input = tx_body_bytes(input);
    result->delta = tx_body_bytes(buffer_slice(&delta));
    if (!got)
        *tx = receiver->push(receiver->context, result);
    argv_reader_free(&commands);
    buffer_free(&delta);
    return got;
}

/* ---- struct service ---- */

static int service_apply(void *state, const struct tx_record *record)
{
    struct ledger *ledger = state;
    struct argv_reader commands = {0};
    int got;
    ledger->applies++;
    argv_reader_begin(&commands, record->delta);
    while ((got = argv_reader_next(&commands)) > 0)
        if (apply_one(ledger, &commands)) {
            got = -EBADMSG;
            break;
        }
    argv_reader_free(&commands);
    return got;
}

static int service_execute(void *state, const struct tx_record *record, struct tx_receiver *receiver)
{
    struct ledger *ledger = state;
    struct tx_result result = {.kind = record->kind,
                               .service = record->service,
                               .admission = record->admission,
                               .client = record->client};
    uint64_t tx;
    ledger->executions++;
    return run(ledger, record->input, &result, receiver, &tx);
}

struct image {
    struct ledger copy;
    size_t next; /* account to write */
};

static void *service_begin(void *state, const struct tx_checkpoint *about)
{
    (void)about;
    struct image *image = calloc(1, sizeof *image);
    assert(image);
    image->copy = *(struct ledger *)state;
    return image;
}

static int service_step(void *state, void *handle, struct tx_sink *sink, size_t budget)
{
    (void)state;
    struct image *image = handle;
    for (size_t written = 0; image->next < LEDGER_ACCOUNTS && written < budget; written += sizeof(int64_t)) {
        int error = sink->write(sink, &image->copy.balances[image->next++], sizeof(int64_t));
        if (error)
            return error;
    }
    if (image->next < LEDGER_ACCOUNTS)
        return 1;
    return sink->write(sink, image->copy.notes.bytes, sizeof image->copy.notes.bytes);
}

static void service_step_digest(void *state, void *handle, struct tx_digest *digest)
{
    (void)state;
    const struct image *image = handle;
    *digest = ledger_digest(&image->copy);
}

static void service_end(void *state, void *handle)
{
    (void)state;
    free(handle);
}

static int read_all(struct tx_source *source, void *bytes, size_t size)
{
    for (size_t had = 0; had < size;) {
        ssize_t got = source->read(source, (char *)bytes + had, size - had);
        if (got <= 0)
            return got < 0 ? (int)got : -EBADMSG;
        had += (size_t)got;
    }
    return 0;
}

static int service_restore(void *state, struct tx_source *source, struct buffer *error)
{
    struct ledger *ledger = state;
    ledger->restores++;
    int result = read_all(source, ledger->balances, sizeof ledger->balances);
    if (!result)
        result = read_all(source, ledger->notes.bytes, sizeof ledger->notes.bytes);
    if (result)
        buffer_format(error, "the ledger's image is too short");
    return result;
}

static void service_reset(void *state)
{
    ledger_init(state);
}

static void service_digest(void *state, struct tx_digest *digest)
{
    *digest = ledger_digest(state);
}

void ledger_init(struct ledger *ledger)
{
    memset(ledger, 0, sizeof *ledger);
}

struct tx_digest ledger_digest(const struct ledger *ledger)
{
    return tx_delta_digest(slice_of(ledger, offsetof(struct ledger, restores)));
}

struct service ledger_service(struct ledger *ledger)
{
    return (struct service){
        .id = LEDGER_SERVICE_ID,
        .name = "ledger",
        .suffix = "ledger",
        .state = ledger,
        .apply = service_apply,
        .execute = service_execute,
        .checkpoint_begin = service_begin,
        .checkpoint_step = service_step,
        .checkpoint_digest = service_step_digest,
        .checkpoint_end = service_end,
        .restore = service_restore,
        .reset = service_reset,
        .digest = service_digest,
    };
}

/* ---- the live side ---- */

void ledger_deposit(struct ledger_session *session, unsigned account, int64_t amount)
{
    stage(&session->staged, SLICE("deposit"), 2, (int64_t[]){account, amount});
}

void ledger_transfer(struct ledger_session *session, unsigned from, unsigned to, int64_t amount)
{
    stage(&session->staged, SLICE("transfer"), 3, (int64_t[]){from, to, amount});
}

void ledger_bonus(struct ledger_session *session, unsigned account, uint64_t seed)
{
    stage(&session->staged, SLICE("bonus"), 2, (int64_t[]){account, (int64_t)(seed >> 1)});
}

void ledger_note(struct ledger_session *session, struct slice bytes)
{
    struct slice words[] = {SLICE("note"), bytes};
    argv_append(&session->staged, words, 2);
}

uint64_t ledger_commit(struct ledger *ledger, struct ledger_session *session, struct tx_admission admission,
                       struct tx_receiver receiver)
{
    struct tx_result result = {
        .kind = TX_COMMAND, .service = LEDGER_SERVICE_ID, .admission = admission, .client = session->client};
    uint64_t tx = 0;
    int error = run(ledger, buffer_slice(&session->staged), &result, &receiver, &tx);
    assert(!error);
    session->staged.size = 0;
    return tx;
}

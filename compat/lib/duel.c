/* SPDX-License-Identifier: MIT
 * duel: see duel.h. */
#include "compat/lib/duel.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "protocols/resp.h"

enum { SCAN_CALLS_MAX = 100000 };

/* ---- connections ---- */

static int open_side(struct client *clients, int port, int protocol)
{
    for (int i = 0; i < DUEL_CONNECTIONS; i++) {
        int error = client_open(&clients[i], port);
        if (error < 0)
            return error;
        const struct resp_node *reply = protocol == 3 ? client_command(&clients[i], "HELLO 3") : NULL;
        if (protocol == 3 && (!reply || reply->type != RESP_MAP))
            return -EPROTO;
    }
    return 0;
}

static void close_side(struct client *clients)
{
    for (int i = 0; i < DUEL_CONNECTIONS; i++)
        client_close(&clients[i]);
}

int duel_open(struct duel *duel, int our_port, int their_port, int protocol)
{
    *duel = (struct duel){.our_port = our_port, .their_port = their_port, .protocol = protocol};
    for (int i = 0; i < DUEL_CONNECTIONS; i++)
        duel->ours[i].fd = duel->theirs[i].fd = -1;
    return duel_reset(duel);
}

static void queue_clear(struct queued *queue)
{
    while (queue->count > 0)
        free(queue->texts[--queue->count]);
}

void duel_close(struct duel *duel)
{
    for (int i = 0; i < DUEL_CONNECTIONS; i++)
        queue_clear(&duel->queues[i]);
    close_side(duel->ours);
    close_side(duel->theirs);
    for (int i = 0; i < duel->difference_count; i++) {
        free(duel->differences[i].command);
        free(duel->differences[i].ours);
        free(duel->differences[i].theirs);
    }
    buffer_free(&duel->command_text);
    buffer_free(&duel->our_text);
    buffer_free(&duel->their_text);
}

int duel_reset(struct duel *duel)
{
    close_side(duel->ours);
    close_side(duel->theirs);
    for (int i = 0; i < DUEL_CONNECTIONS; i++)
        queue_clear(&duel->queues[i]);
    int error = open_side(duel->ours, duel->our_port, duel->protocol);
    if (error == 0)
        error = open_side(duel->theirs, duel->their_port, duel->protocol);
    if (error < 0)
        return error;
    if (!client_command(&duel->ours[0], "FLUSHALL") || !client_command(&duel->theirs[0], "FLUSHALL"))
        return -errno;
    return 0;
}

/* ---- known differences ---- */

static char *trimmed(const char *start, size_t size)
{
    while (size && (*start == ' ' || *start == '\t'))
        start++, size--;
    while (size && (start[size - 1] == ' ' || start[size - 1] == '\n' || start[size - 1] == '\t'))
        size--;
    return strndup(start, size);
}

int duel_load_differences(struct duel *duel, const char *path)
{
    char line[1024];
    FILE *file = fopen(path, "r");
    if (!file)
        return -errno;
    while (fgets(line, sizeof line, file) && duel->difference_count < DUEL_DIFFERENCES_MAX) {
        char *first = strstr(line, " | "), *second = first ? strstr(first + 3, " | ") : NULL;
        if (line[0] == '#' || !second)
            continue;
        struct difference *d = &duel->differences[duel->difference_count++];
        d->command = trimmed(line, (size_t)(first - line));
        d->ours = trimmed(first + 3, (size_t)(second - first - 3));
        d->theirs = trimmed(second + 3, strlen(second + 3));
    }
    fclose(file);
    return 0;
}

static void terminate(struct buffer *text)
{
    buffer_append_char(text, 0);
    text->size--;
}

/* Are such a command and such replies among the known differences? */
static bool is_known(const struct duel *duel, const char *command, struct buffer *ours, struct buffer *theirs)
{
    terminate(ours);
    terminate(theirs);
    for (int i = 0; i < duel->difference_count; i++) {
        const struct difference *d = &duel->differences[i];
        if (fnmatch(d->command, command, FNM_NOESCAPE | FNM_CASEFOLD) == 0 &&
            fnmatch(d->ours, ours->base, FNM_NOESCAPE) == 0 && fnmatch(d->theirs, theirs->base, FNM_NOESCAPE) == 0)
            return true;
    }
    return false;
}

/* ---- elements of replies, as sorted texts ---- */

struct texts {
    char **items; /* Ours, each too */
    size_t count, capacity;
};

static void texts_free(struct texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct texts){0};
}

static void texts_add(struct texts *texts, struct slice text)
{
    if (texts->count == texts->capacity) {
        texts->capacity = texts->capacity ? texts->capacity * 2 : 64;
        texts->items = realloc(texts->items, texts->capacity * sizeof *texts->items);
        if (!texts->items)
            abort();
    }
    texts->items[texts->count++] = strndup(text.size ? text.base : "", text.size);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, each once: a scan may visit an element twice. */
static void texts_sort(struct texts *texts)
{
    size_t kept = 0;
    if (texts->count == 0)
        return;
    qsort(texts->items, texts->count, sizeof *texts->items, by_text);
    for (size_t i = 1; i < texts->count; i++) {
        if (strcmp(texts->items[kept], texts->items[i]) == 0)
            free(texts->items[i]);
        else
            texts->items[++kept] = texts->items[i];
    }
    texts->count = kept + 1;
}

static bool texts_contain(const struct texts *sorted, const char *text)
{
    return sorted->count && bsearch(&text, sorted->items, sorted->count, sizeof text, by_text);
}

/* Every leaf below the node; doubles in one form, whichever the server prefers. */
static void add_leaves(struct texts *texts, const struct resp_node *node, bool scores)
{
    for (size_t i = 0; i < node->span; i++) {
        struct buffer text = {0};
        char number[64], *end = number, shortest[RESP_DOUBLE_MAX];
        if (resp_node_is_aggregate(&node[i]))
            continue;
        if (scores && node[i].text.size && node[i].text.size < sizeof number) {
            memcpy(number, node[i].text.base, node[i].text.size);
            number[node[i].text.size] = 0;
            double value = strtod(number, &end);
            if (*end == 0)
                buffer_append(&text, shortest, resp_format_double(shortest, value));
        }
        if (text.size == 0)
            resp_node_print(&(struct resp_node){.type = RESP_BULK, .span = 1, .text = node[i].text}, &text);
        texts_add(texts, buffer_slice(&text));
        buffer_free(&text);
    }
}

static void print_texts(const struct texts *texts, struct buffer *out)
{
    for (size_t i = 0; i < texts->count; i++)
        buffer_format(out, "%s%s", i ? " " : "", texts->items[i]);
}

/* ---- the three kinds that need more than two replies ---- */

/* Run a scan from cursor 0 to its end. 1: all elements are in `texts`. 0: the reply was something else, an error for instance;
 * it is still in client->reply. -errno: the connection broke. */
static int scan_all(struct client *client, const struct command *command, struct texts *texts)
{
    struct slice argv[COMMAND_WORDS_MAX];
    int cursor = slice_equal_nocase(command->argv[0], SLICE("scan")) ? 1 : 2;
    bool pairs = !slice_equal_nocase(command->argv[0], SLICE("scan")) && !slice_equal_nocase(command->argv[0], SLICE("sscan"));
    char at[32] = "0";
    memcpy(argv, command->argv, (size_t)command->argc * sizeof *argv);
    for (int calls = 0; calls < SCAN_CALLS_MAX; calls++) {
        if (cursor < command->argc)
            argv[cursor] = calls ? slice_from_string(at) : argv[cursor];
        const struct resp_node *reply = client_call(client, argv, command->argc);
        if (!reply)
            return -errno;
        if (reply->type != RESP_ARRAY || reply->count != 2)
            return 0;
        const struct resp_node *elements = resp_reply_next(reply + 1), *child = elements + 1;
        for (int64_t i = 0; i < elements->count; i += 1 + pairs) {
            struct texts one = {0};
            struct buffer text = {0};
            add_leaves(&one, child, false);
            child = resp_reply_next(child);
            if (pairs && i + 1 < elements->count) {
                add_leaves(&one, child, (command->argv[0].base[0] | 0x20) == 'z');
                child = resp_reply_next(child);
            }
            print_texts(&one, &text);
            texts_add(texts, buffer_slice(&text));
            texts_free(&one);
            buffer_free(&text);
        }
        if (reply[1].text.size >= sizeof at)
            return 0;
        memcpy(at, reply[1].text.base, reply[1].text.size);
        at[reply[1].text.size] = 0;
        if (strcmp(at, "0") == 0)
            break;
    }
    texts_sort(texts);
    return 1;
}

/* Does the command start an iteration? Other cursors mean something to the server that gave them out alone. */
static bool starts_scan(const struct command *command)
{
    int cursor = slice_equal_nocase(command->argv[0], SLICE("scan")) ? 1 : 2;
    return command->argc <= cursor || slice_equal(command->argv[cursor], SLICE("0"));
}

static int duel_scan(struct duel *duel, const struct command *command)
{
    struct client *ours = &duel->ours[command->connection], *theirs = &duel->theirs[command->connection];
    struct texts a = {0}, b = {0};
    int here = scan_all(ours, command, &a), there = here < 0 ? here : scan_all(theirs, command, &b), same = there;
    if (here >= 0 && there >= 0) {
        if (here == 0 || there == 0) {
            same = here == there && compare_replies(ours->reply.nodes, theirs->reply.nodes, COMPARE_EXACT, false);
            resp_node_print(ours->reply.nodes, &duel->our_text);
            resp_node_print(theirs->reply.nodes, &duel->their_text);
        } else {
            print_texts(&a, &duel->our_text);
            print_texts(&b, &duel->their_text);
            same = slice_equal(buffer_slice(&duel->our_text), buffer_slice(&duel->their_text));
        }
    }
    texts_free(&a);
    texts_free(&b);
    return same;
}

/* Everything that theirs could choose from. */
static int choose_from(struct client *client, const struct command *command, struct texts *texts)
{
    bool keys = slice_equal_nocase(command->argv[0], SLICE("randomkey"));
    char kind = (char)(command->argv[0].base[0] | 0x20);
    struct slice argv[5] = {SLICE("SMEMBERS"), command->argv[1]};
    int argc = 2;
    if (keys) {
        argv[0] = SLICE("KEYS"), argv[1] = SLICE("*");
    } else if (kind == 'h') {
        argv[0] = SLICE("HGETALL");
    } else if (kind == 'z') {
        argv[0] = SLICE("ZRANGE"), argv[2] = SLICE("0"), argv[3] = SLICE("-1"), argv[4] = SLICE("WITHSCORES"), argc = 5;
    }
    const struct resp_node *reply = client_call(client, argv, argc);
    if (!reply)
        return -errno;
    add_leaves(texts, reply, kind == 'z');
    texts_sort(texts);
    return 0;
}

/* Ours has chosen: is all of it there to choose, and no member twice where each may come only once? */
static bool chosen_well(const struct resp_node *reply, const struct texts *source, const struct command *command)
{
    struct texts chosen = {0};
    add_leaves(&chosen, reply, (command->argv[0].base[0] | 0x20) == 'z');
    bool good = true;
    for (size_t i = 0; i < chosen.count; i++)
        good = good && texts_contain(source, chosen.items[i]);
    size_t count = chosen.count;
    texts_sort(&chosen);
    if (command->argc == 3 && command->argv[2].size && command->argv[2].base[0] != '-')
        good = good && chosen.count == count;
    texts_free(&chosen);
    return good;
}

static int duel_choice(struct duel *duel, const struct command *command)
{
    struct client *ours = &duel->ours[command->connection], *theirs = &duel->theirs[command->connection];
    struct texts source = {0};
    if (command->argc > 1 || slice_equal_nocase(command->argv[0], SLICE("randomkey"))) {
        int error = choose_from(theirs, command, &source);
        if (error < 0)
            return error;
    }
    const struct resp_node *a = client_call(ours, command->argv, command->argc);
    const struct resp_node *b = a ? client_call(theirs, command->argv, command->argc) : NULL;
    if (!a || !b) {
        texts_free(&source);
        return -errno;
    }
    resp_node_print(a, &duel->our_text);
    resp_node_print(b, &duel->their_text);
    bool same = a->type == b->type && a->count == b->count && a->span == b->span;
    if (a->type == RESP_FAULT || resp_node_is_null(a))
        same = compare_replies(a, b, COMPARE_EXACT, false);
    else
        same = same && chosen_well(a, &source, command);
    texts_free(&source);
    return same;
}

/* Ours pops; theirs must have had what ours took, and as much must have been taken as Redis would have. */
static int duel_pop(struct duel *duel, const struct command *command)
{
    struct client *ours = &duel->ours[command->connection], *theirs = &duel->theirs[command->connection];
    const struct resp_node *a = client_call(ours, command->argv, command->argc);
    if (!a)
        return -errno;
    resp_node_print(a, &duel->our_text);
    bool nothing = a->type == RESP_FAULT || resp_node_is_null(a) || (resp_node_is_aggregate(a) && a->count == 0);
    if (nothing) {
        const struct resp_node *b = client_call(theirs, command->argv, command->argc);
        if (!b)
            return -errno;
        resp_node_print(b, &duel->their_text);
        return compare_replies(a, b, COMPARE_EXACT, false);
    }
    struct slice argv[COMMAND_WORDS_MAX] = {SLICE("SREM"), command->argv[1]};
    int argc = 2;
    for (size_t i = 0; i < a->span && argc < COMMAND_WORDS_MAX; i++)
        if (!resp_node_is_aggregate(&a[i]))
            argv[argc++] = a[i].text;
    const struct resp_node *b = client_call(theirs, argv, argc);
    if (!b)
        return -errno;
    buffer_format(&duel->their_text, "(SREM of it) ");
    resp_node_print(b, &duel->their_text);
    int64_t wanted = command->argc > 2 ? atoll(command->argv[2].base) : 1;
    if (b->type != RESP_INTEGER || b->integer != argc - 2)
        return 0;
    /* Fewer than asked for only when that emptied the set. */
    int64_t removed = b->integer;
    argv[0] = SLICE("SCARD");
    b = client_call(theirs, argv, 2);
    return b && (removed == wanted || (removed < wanted && b->integer == 0));
}

/* ---- one command ---- */

/* One of the replies in EXEC's, as the command it belongs to would compare it. */
static bool same_element(struct duel *duel, const struct queued *queue, int i, const struct resp_node *a, const struct resp_node *b)
{
    if (compare_replies(a, b, queue->modes[i], queue->scores[i]))
        return true;
    struct buffer ours = {0}, theirs = {0};
    resp_node_print(a, &ours);
    resp_node_print(b, &theirs);
    bool known = is_known(duel, queue->texts[i], &ours, &theirs);
    duel->accepted += known;
    buffer_free(&ours);
    buffer_free(&theirs);
    return known;
}

static bool same_elements(struct duel *duel, const struct queued *queue, const struct resp_node *a, const struct resp_node *b)
{
    if (a->count != b->count || a->count != queue->count)
        return false;
    const struct resp_node *x = a + 1, *y = b + 1;
    for (int i = 0; i < queue->count; i++, x = resp_reply_next(x), y = resp_reply_next(y))
        if (!same_element(duel, queue, i, x, y))
            return false;
    return true;
}

/* Remember what was queued; compare what EXEC answers command by command. */
static bool same_reply(struct duel *duel, const struct command *command, const struct resp_node *a, const struct resp_node *b)
{
    struct queued *queue = &duel->queues[command->connection];
    enum compare_mode mode = compare_mode_of(command->argv, command->argc);
    if (a->type == RESP_SIMPLE && slice_equal(a->text, SLICE("QUEUED")) && queue->count < DUEL_QUEUE_MAX) {
        queue->modes[queue->count] = mode;
        queue->texts[queue->count] = strndup(duel->command_text.base, duel->command_text.size);
        queue->scores[queue->count++] = compare_has_scores(command->argv, command->argc);
        return compare_replies(a, b, COMPARE_EXACT, false);
    }
    bool same, all = mode == COMPARE_EXEC && a->type == RESP_ARRAY && b->type == RESP_ARRAY && a->count >= 0 && b->count >= 0;
    if (all)
        same = same_elements(duel, queue, a, b);
    else
        same = compare_replies(a, b, mode == COMPARE_EXEC ? COMPARE_EXACT : mode, compare_has_scores(command->argv, command->argc));
    if (mode == COMPARE_EXEC || slice_equal_nocase(command->argv[0], SLICE("discard")))
        queue_clear(queue);
    return same;
}

static void print_command(const struct command *command, struct buffer *out)
{
    if (command->connection)
        buffer_format(out, "%d> ", command->connection + 1);
    for (int i = 0; i < command->argc; i++) {
        struct slice word = command->argv[i];
        bool plain = word.size > 0;
        for (size_t j = 0; j < word.size; j++)
            plain = plain && word.base[j] > ' ' && word.base[j] < 127 && !strchr("\"'\\", word.base[j]);
        if (i)
            buffer_append_char(out, ' ');
        if (plain)
            buffer_append_slice(out, word);
        else
            resp_node_print(&(struct resp_node){.type = RESP_BULK, .span = 1, .text = word}, out);
    }
}

static int duel_plain(struct duel *duel, const struct command *command)
{
    struct client *ours = &duel->ours[command->connection], *theirs = &duel->theirs[command->connection];
    const struct resp_node *a = client_call(ours, command->argv, command->argc);
    if (!a) {
        int error = errno;
        buffer_format(&duel->our_text, "(%s)", strerror(error));
        return -error;
    }
    const struct resp_node *b = client_call(theirs, command->argv, command->argc);
    if (!b) {
        int error = errno;
        buffer_format(&duel->their_text, "(%s)", strerror(error));
        return -error;
    }
    resp_node_print(a, &duel->our_text);
    resp_node_print(b, &duel->their_text);
    return same_reply(duel, command, a, b);
}

int duel_command(struct duel *duel, const struct command *command)
{
    enum compare_mode mode = compare_mode_of(command->argv, command->argc);
    bool multi = duel->queues[command->connection].count > 0;
    duel->command_text.size = duel->our_text.size = duel->their_text.size = 0;
    print_command(command, &duel->command_text);
    duel->compared++;
    int same;
    if (mode == COMPARE_SCAN && !multi && starts_scan(command))
        same = duel_scan(duel, command);
    else if (mode == COMPARE_CHOICE && !multi)
        same = duel_choice(duel, command);
    else if (mode == COMPARE_POP && !multi)
        same = duel_pop(duel, command);
    else
        same = duel_plain(duel, command);
    terminate(&duel->command_text);
    if (same == 0 && is_known(duel, duel->command_text.base, &duel->our_text, &duel->their_text)) {
        duel->accepted++;
        same = 1;
    }
    return same;
}

int duel_digest(struct duel *duel)
{
    struct command command = {.connection = DUEL_CONNECTIONS - 1, .argc = 2, .argv = {SLICE("DEBUG"), SLICE("DIGEST")}};
    int same = duel_command(duel, &command);
    duel->compared--; /* not a command of the stream */
    return same;
}

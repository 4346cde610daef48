/* SPDX-License-Identifier: MIT
 * config_derived: the directives whose text is a small language: `save` (pairs of seconds and changes) and `client-output-buffer-limit`
 * (class, hard limit, soft limit, seconds; one or several classes, the others keep theirs). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "redisd/command.h"
#include "redisd/config_table.h"
#include "redisd/words.h"

static int refuse(struct buffer *error, const char *why)
{
    error->size = 0;
    buffer_format(error, "%s", why);
    return -EINVAL;
}

/* Seconds of at least 1, changes of at least 0. */
static int check_save(const struct words *words, struct buffer *error)
{
    bool good = words->count % 2 == 0;
    for (size_t i = 0; good && i < words->count; i++) {
        int64_t number;
        good = slice_to_i64(words->at[i], &number) && number >= (i % 2 == 0);
    }
    return good ? 0 : refuse(error, "Invalid save parameters");
}

/* ---- output limits ---- */

static const char *const class_names[CONFIG_OUTPUT_CLASSES] = {"normal", "slave", "pubsub"};

static int class_of(struct slice word)
{
    if (slice_equal_nocase(word, SLICE("replica")))
        return 1;
    for (int i = 0; i < CONFIG_OUTPUT_CLASSES; i++)
        if (slice_equal_nocase(word, slice_from_string(class_names[i])))
            return i;
    return -1;
}

/* words[0..4): class hard soft seconds. */
static int parse_limit(const struct slice *words, struct config_output_limit limits[CONFIG_OUTPUT_CLASSES], struct buffer *error)
{
    int class = class_of(words[0]);
    if (class < 0)
        return refuse(error, "Invalid client class specified in buffer limit configuration.");
    struct config_output_limit limit;
    if (!config_parse_memory(words[1], &limit.hard) || !config_parse_memory(words[2], &limit.soft) || !slice_to_i64(words[3], &limit.seconds) ||
        limit.hard < 0 || limit.soft < 0 || limit.seconds < 0)
        return refuse(error, "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    limits[class] = limit;
    return 0;
}

static int derive_output_limit(struct config *config, const struct words *words, struct buffer *error)
{
    struct config_output_limit limits[CONFIG_OUTPUT_CLASSES];
    memcpy(limits, config->output_limits, sizeof(limits));
    if (words->count == 0 || words->count % 4)
        return refuse(error, "Wrong number of arguments in buffer limit configuration.");
    for (size_t i = 0; i < words->count; i += 4) {
        int got = parse_limit(&words->at[i], limits, error);
        if (got < 0)
            return got;
    }
    memcpy(config->output_limits, limits, sizeof(limits));
    config->pubsub_output_limit = (size_t)limits[2].hard;
    struct buffer *text = &config->client_output_buffer_limit;
    text->size = 0;
    for (int i = 0; i < CONFIG_OUTPUT_CLASSES; i++)
        buffer_format(text, "%s%s %" PRId64 " %" PRId64 " %" PRId64, i ? " " : "", class_names[i], limits[i].hard, limits[i].soft, limits[i].seconds);
    *buffer_room(text, 1) = 0;
    return 0;
}

int config_derive(struct config *config, const struct directive *d, struct buffer *error)
{
    bool save = strcmp(d->name, "save") == 0, limit = strcmp(d->name, "client-output-buffer-limit") == 0;
    if (!save && !limit)
        return 0;
    struct words words = {0};
    int got = words_split(&words, buffer_slice(save ? &config->save : &config->client_output_buffer_limit));
    if (got < 0)
        got = refuse(error, "Invalid argument");
    else
        got = save ? check_save(&words, error) : derive_output_limit(config, &words, error);
    words_free(&words);
    return got;
}

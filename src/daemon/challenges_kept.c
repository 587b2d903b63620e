/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The challenges that there are, and what DNS threads see of them: a table that is made anew with each change
 * and lives until nobody reads the one before. Writes nothing to the store. */
#include "config.h"

#include "daemon/challenges_inside.h"

#include "daemon/reclaim.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

/* ---- the table ---- */

static int compare(const struct challenge_item *item, const char *name, const char *value)
{
    int by = strcmp(item->name, name);
    return by != 0 || value == NULL ? by : strcmp(item->what.value, value);
}

size_t challenges_seek(const struct challenges *challenges, const char *name, const char *value)
{
    size_t low = 0, high = challenges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(challenges->items[middle], name, value == NULL ? "" : value) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct challenge_item *challenges_find(const struct challenges *challenges, const char *name,
                                       const char *value)
{
    size_t at = challenges_seek(challenges, name, value);
    bool is_there = at < challenges->count && compare(challenges->items[at], name, value) == 0;
    return is_there ? challenges->items[at] : NULL;
}

void challenges_put(struct challenges *challenges, const char *name, const struct challenge_value *what)
{
    struct challenge_item *item = challenges_find(challenges, name, what->value);
    if (item == NULL) {
        size_t at = challenges_seek(challenges, name, what->value);
        challenges->items = memory_grow(challenges->items, challenges->count, &challenges->capacity,
                                        sizeof(struct challenge_item *));
        memmove(challenges->items + at + 1, challenges->items + at,
                (challenges->count++ - at) * sizeof(struct challenge_item *));
        item = challenges->items[at] = memory_alloc(sizeof *item);
        item->name = memory_copy_text(name);
    }
    item->what = *what;
    item->has_ended = what->expires_ms <= clock_wall_ms(&challenges->server->clock);
    challenges_touch(challenges);
}

void challenges_take_out(struct challenges *challenges, const char *name, const char *value)
{
    size_t at = challenges_seek(challenges, name, value);
    if (challenges_find(challenges, name, value) == NULL) {
        return;
    }
    free(challenges->items[at]->name);
    free(challenges->items[at]);
    challenges->count--;
    memmove(challenges->items + at, challenges->items + at + 1,
            (challenges->count - at) * sizeof(struct challenge_item *));
    challenges_touch(challenges);
}

static void clear(struct challenges *challenges)
{
    while (challenges->count != 0) {
        struct challenge_item *item = challenges->items[--challenges->count];
        free(item->name);
        free(item);
    }
    challenges_touch(challenges);
}

void challenges_touch(struct challenges *challenges)
{
    challenges->is_stale = true;
    event_active(challenges->timer, EV_TIMEOUT, 1);
}

/* ---- what answers ---- */

static void retire(void *table)
{
    answer_challenges_release(table);
}

/* Those in force of the name of number `at`. Returns the number of the first one behind them. */
static size_t gather(const struct challenges *challenges, size_t at, const char **values, size_t *count)
{
    const char *name = challenges->items[at]->name;
    *count = 0;
    for (; at < challenges->count && strcmp(challenges->items[at]->name, name) == 0; at++) {
        if (!challenges->items[at]->has_ended) {
            values[(*count)++] = challenges->items[at]->what.value;
        }
    }
    return at;
}

static struct answer_challenges *make_table(struct challenges *challenges)
{
    size_t count = 0, values = 0;
    struct answer_challenge *list = memory_alloc_array(challenges->count, sizeof *list);
    uint8_t(*owners)[DNS_NAME_MAX] = memory_alloc_array(challenges->count, sizeof *owners);
    const char **texts = memory_alloc_array(challenges->count, sizeof *texts);
    for (size_t at = 0; at < challenges->count;) {
        struct answer_challenge *to = &list[count];
        bool is_name = dns_name_parse(challenges->items[at]->name, NULL, owners[count]) > 0;
        *to = (struct answer_challenge){.owner = owners[count], .values = texts + values};
        at = gather(challenges, at, texts + values, &to->value_count);
        values += to->value_count;
        count += is_name && to->value_count != 0;
    }
    struct answer_challenges *table = answer_challenges_new(list, count);
    atomic_store_explicit(&challenges->names, count, memory_order_relaxed);
    atomic_store_explicit(&challenges->values, values, memory_order_relaxed);
    free(list);
    free(owners);
    free(texts);
    return table;
}

void challenges_publish(struct challenges *challenges)
{
    if (!challenges->is_stale) {
        return;
    }
    challenges->is_stale = false;
    const struct answer_challenges *before =
        atomic_exchange_explicit(&challenges->slot.current, make_table(challenges), memory_order_acq_rel);
    if (before != NULL) {
        reclaim_add(challenges->server->reclaim, (void *)(uintptr_t)before, retire);
    }
}

/* ---- from the store, and from other nodes ---- */

static void put_object(struct challenges *challenges, const char *key, const char *text, bool stays)
{
    struct challenge_value value;
    const char *why;
    char *name;
    if (challenge_read(key, text, &name, &value, &why) != 0) {
        log_error("challenge not understood key=%s why=\"%s\" effect=\"it is not answered\"", key, why);
        return;
    }
    if (!stays || challenges_find(challenges, name, value.value) == NULL) {
        challenges_put(challenges, name, &value);
    }
    free(name);
}

void challenges_follow(struct challenges *challenges, const char *key, const char *text)
{
    char *name, value[CHALLENGE_VALUE_SIZE];
    if (text != NULL) {
        put_object(challenges, key, text, false);
    } else if (challenge_read_key(key, &name, value) == 0) {
        challenges_take_out(challenges, name, value);
        free(name);
    }
}

void challenges_regain(struct challenges *challenges, const char *key, const char *text)
{
    put_object(challenges, key, text, true);
}

struct learning {
    struct challenges *challenges;
    bool has_begun;
};

static bool read_one(void *context, const struct store_object *object)
{
    struct learning *learning = context;
    if (!learning->has_begun) {
        clear(learning->challenges);
        learning->has_begun = true;
    }
    put_object(learning->challenges, object->key, object->value, false);
    return true;
}

void challenges_learn(struct challenges *challenges, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    struct learning learning = {.challenges = challenges};
    int error = folder == NULL ? ERROR_NOT_FOUND : store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, CHALLENGE_KIND, "", NULL, read_one, &learning);
        store_reader_close(reader);
        if (error == 0 && !learning.has_begun) {
            clear(challenges);
        }
    }
    report_free(report);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_error("challenges cannot be read why=\"%s\" effect=\"none of them is answered until they can\"",
                  error_text(error));
    }
    challenges_publish(challenges);
}

/* ---- life ---- */

void challenges_free(struct challenges *challenges)
{
    if (challenges == NULL) {
        return;
    }
    if (challenges->timer != NULL) {
        clear(challenges);
        event_free(challenges->timer);
    }
    answer_challenges_release(challenges->slot.current);
    free(challenges->items);
    free(challenges);
}

const struct answer_challenges *challenges_hold(const struct challenges *challenges)
{
    return answer_challenges_hold(answer_read_challenges(&challenges->slot));
}

const struct answer_challenge_slot *challenges_get_slot(const struct challenges *challenges)
{
    return &challenges->slot;
}

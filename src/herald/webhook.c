/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See webhook.h. */
#include "config.h"

#include "herald/webhook.h"

#include "base/arena.h"
#include "base/memory.h"
#include "post/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_MS = 1000,
    MOST_MS = 60000,
    DOUBLINGS = 6,
    ASKED_MOST_S = 3600, /* that a receiver may ask for */
    HEAD_ROOM = 512,     /* of a body, around its events */
};

/* ---- life ---- */

void webhook_configure(struct webhook *webhook, const struct conf_webhook *conf)
{
    struct arena *arena = arena_new(0);
    struct conf_webhook copy = *conf;
    copy.name = arena_copy_text(arena, conf->name);
    copy.url = arena_copy_text(arena, conf->url);
    copy.ca = arena_copy_text(arena, conf->ca);
    copy.filter = arena_copy(arena, conf->filter, sizeof *conf->filter);
    for (size_t i = 0; i < conf->secret_count; i++) {
        copy.secrets[i].bytes = arena_copy(arena, conf->secrets[i].bytes, conf->secrets[i].len);
    }
    arena_free(webhook->arena);
    webhook->arena = arena;
    webhook->conf = copy;
}

struct webhook *webhook_new(const struct conf_webhook *conf)
{
    struct webhook *webhook = memory_alloc(sizeof *webhook);
    buffer_init(&webhook->body);
    webhook_configure(webhook, conf);
    return webhook;
}

void webhook_free(struct webhook *webhook)
{
    letters_fini(&webhook->queue);
    letters_fini(&webhook->dead);
    buffer_fini(&webhook->body);
    arena_free(webhook->arena);
    free(webhook);
}

/* ---- what comes ---- */

/* Not of itself: its failure would be the next thing that it cannot deliver. */
bool webhook_wants(const struct webhook *webhook, const struct change *change)
{
    static const char own[] = "webhook:";
    bool is_own = change->name != NULL && strncmp(change->name, own, sizeof own - 1) == 0 &&
                  strcmp(change->name + sizeof own - 1, webhook->conf.name) == 0;
    return !is_own && filter_passes(webhook->conf.filter, change);
}

void webhook_miss(struct webhook *webhook, uint64_t count)
{
    webhook->missed += count;
    webhook->lost += count;
}

void webhook_take(struct webhook *webhook, struct letter *letter)
{
    if (webhook->queue.count >= WEBHOOK_QUEUE_MAX) {
        letters_drop(&webhook->queue, webhook->sending, 1);
        webhook_miss(webhook, 1);
    }
    letters_add(&webhook->queue, letter_hold(letter));
}

/* ---- batches ---- */

/* How many of the first ones go together: of one run, and as many as fit. */
static size_t count_batch(const struct webhook *webhook)
{
    const struct letters *queue = &webhook->queue;
    size_t count = 0, len = HEAD_ROOM;
    while (count < queue->count && count < webhook->conf.batch &&
           queue->items[count]->run == queue->items[0]->run &&
           (count == 0 || len + queue->items[count]->len + 1 <= POST_BODY_MAX)) {
        len += queue->items[count++]->len + 1;
    }
    return count;
}

static void write_body(struct webhook *webhook)
{
    const struct letter *first = webhook->queue.items[0], *last = webhook->queue.items[webhook->sending - 1];
    struct buffer *body = &webhook->body;
    (void)snprintf(webhook->id, sizeof webhook->id, "%016" PRIx64 "-%" PRIu64 "-%" PRIu64, first->run,
                   first->seq, last->seq);
    buffer_remove_front(body, body->len);
    buffer_print(body,
                 "{\"id\":\"%s\",\"webhook\":\"%s\",\"run\":\"%016" PRIx64 "\",\"missed\":", webhook->id,
                 webhook->conf.name, first->run);
    if (webhook->body_unsure) {
        buffer_add_text(body, "null");
    } else {
        buffer_print(body, "%" PRIu64, webhook->body_missed);
    }
    buffer_add_text(body, ",\"events\":[");
    for (size_t i = 0; i < webhook->sending; i++) {
        buffer_add_text(body, i == 0 ? "" : ",");
        buffer_add(body, webhook->queue.items[i]->text, webhook->queue.items[i]->len);
    }
    buffer_add_text(body, "]}");
}

bool webhook_prepare(struct webhook *webhook)
{
    if (webhook->queue.count == 0) {
        return false;
    }
    if (webhook->sending == 0) {
        webhook->sending = count_batch(webhook);
        webhook->body_missed = webhook->missed;
        webhook->body_unsure = webhook->is_unsure;
        write_body(webhook);
    }
    return true;
}

void webhook_call_off(struct webhook *webhook)
{
    webhook->sending = 0;
}

/* ---- ends ---- */

/* Doubles from a second to a minute; the half of it by chance, so that receivers that were away are not met
 * by everybody at once. */
static int64_t find_delay(const struct webhook *webhook, uint32_t asked_s, struct random *random)
{
    unsigned doublings = webhook->failures - 1 < DOUBLINGS ? webhook->failures - 1 : DOUBLINGS;
    int64_t most = (int64_t)FIRST_MS << doublings;
    most = most < MOST_MS ? most : MOST_MS;
    int64_t asked = (int64_t)(asked_s < ASKED_MOST_S ? asked_s : ASKED_MOST_S) * 1000;
    int64_t delay = most / 2 + (int64_t)random_below(random, (uint64_t)most / 2 + 1);
    return delay > asked ? delay : asked;
}

static void bury(struct webhook *webhook, size_t count)
{
    letters_move(&webhook->queue, count, &webhook->dead);
    webhook->given_up += count;
    if (webhook->dead.count > WEBHOOK_DEAD_MAX) {
        letters_drop(&webhook->dead, 0, webhook->dead.count - WEBHOOK_DEAD_MAX);
    }
}

/* Of the batch; the rest is tried again. Returns how many. */
static size_t give_up(struct webhook *webhook, int64_t wall_ms)
{
    size_t count = 0;
    while (count < webhook->sending &&
           wall_ms - webhook->queue.items[count]->wall_ms >= (int64_t)webhook->conf.give_up_ms) {
        count++;
    }
    if (count != 0) {
        bury(webhook, count);
        webhook->sending = 0;
    }
    return count;
}

static enum webhook_turn succeed(struct webhook *webhook, const struct webhook_outcome *outcome)
{
    const struct letter *last = webhook->queue.items[webhook->sending - 1];
    bool was_failing = webhook->is_failing;
    webhook->acked_run = last->run;
    webhook->acked_seq = last->seq;
    webhook->acked_wall_ms = outcome->wall_ms;
    webhook->delivered += webhook->sending;
    webhook->missed -= webhook->body_missed;
    webhook->is_unsure = webhook->is_unsure && !webhook->body_unsure;
    webhook->failures = 0;
    webhook->is_failing = false;
    webhook->why[0] = '\0';
    webhook->due_ms = outcome->now_ms;
    letters_move(&webhook->queue, webhook->sending, NULL);
    webhook->sending = 0;
    return was_failing ? WEBHOOK_DELIVERS : WEBHOOK_AS_BEFORE;
}

enum webhook_turn webhook_end(struct webhook *webhook, const struct webhook_outcome *outcome,
                              struct random *random, size_t *given_up)
{
    *given_up = 0;
    webhook->attempts++;
    webhook->status = outcome->status;
    webhook->tried_wall_ms = outcome->wall_ms;
    if (outcome->status >= 200 && outcome->status < 300) {
        return succeed(webhook, outcome);
    }
    webhook->failed++;
    webhook->failures++;
    (void)snprintf(webhook->why, sizeof webhook->why, "%s", outcome->why);
    webhook->due_ms = outcome->now_ms + find_delay(webhook, outcome->retry_after_s, random);
    *given_up = give_up(webhook, outcome->wall_ms);
    if (!webhook->is_failing && (webhook->failures >= WEBHOOK_FAILING_AT || *given_up != 0)) {
        webhook->is_failing = true;
        return WEBHOOK_FAILS;
    }
    return WEBHOOK_AS_BEFORE;
}

size_t webhook_retry(struct webhook *webhook, int64_t now_ms)
{
    size_t count = webhook->dead.count;
    if (webhook->sending == 0) {
        letters_put_before(&webhook->queue, &webhook->dead);
    } else { /* what is under way stays the first */
        struct letters under_way = {.items = NULL};
        letters_move(&webhook->queue, webhook->sending, &under_way);
        letters_put_before(&webhook->queue, &webhook->dead);
        letters_put_before(&webhook->queue, &under_way);
        letters_fini(&under_way);
    }
    webhook->due_ms = now_ms;
    return count;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where one of several servers tells receivers (share.h): what comes is held until it is in a record, and
 * that is sent as one batch by who works. */
#include "config.h"

#include "herald/inside.h"

#include "base/buffer.h"
#include "base/hash.h"

#include <string.h>

static bool is_shared(const struct courier *courier, const struct letter *letter)
{
    return letter->run == courier->share.run;
}

/* Those of the record, but for what is under way. Returns whether there are any left. */
static bool drop_handed(struct courier *courier)
{
    struct webhook *webhook = courier->webhook;
    for (size_t i = webhook->sending; i < webhook->queue.count;) {
        if (is_shared(courier, webhook->queue.items[i])) {
            letters_drop(&webhook->queue, i, 1);
        } else {
            i++;
        }
    }
    return webhook->sending != 0 && is_shared(courier, webhook->queue.items[0]);
}

static bool has_handed(const struct courier *courier)
{
    const struct letters *queue = &courier->webhook->queue;
    size_t i = 0;
    while (i < queue->count && !is_shared(courier, queue->items[i])) {
        i++;
    }
    return i < queue->count;
}

static void write_record(struct courier *courier, const struct buffer *text)
{
    const struct herald *herald = courier->herald;
    herald->sharing.write(herald->sharing.context, courier->webhook->conf.name, text->bytes);
}

static void hand_over(struct courier *courier)
{
    courier->is_handed = true;
    for (size_t i = 0; i < courier->share.open.count; i++) {
        webhook_take(courier->webhook, courier->share.open.items[i]);
    }
}

static void begin_record(struct courier *courier)
{
    struct buffer text;
    buffer_init(&text);
    int64_t wall_ms = clock_wall_ms(&courier->herald->clock);
    if (share_record(&courier->share, courier->webhook->conf.batch, wall_ms, &text)) {
        courier->is_writing = true;
        write_record(courier, &text);
    }
    buffer_fini(&text);
}

/* What nobody else has seen is this server's own to tell. */
static void take_alone(struct courier *courier)
{
    size_t before = courier->webhook->queue.count;
    share_find_alone(&courier->share, &courier->webhook->queue);
    if (courier->webhook->queue.count != before) {
        herald_note_changed(courier->herald);
    }
}

void courier_share(struct courier *courier)
{
    const struct herald *herald = courier->herald;
    if (herald->part == HERALD_ALONE || herald->is_frozen) {
        return;
    }
    take_alone(courier);
    if (herald->part != HERALD_WORKS || courier->is_writing || courier->is_handed) {
        return;
    }
    if (courier->share.open.count != 0) {
        hand_over(courier);
    } else {
        begin_record(courier);
    }
}

void courier_take(struct courier *courier, struct letter *letter)
{
    uint64_t lost = courier->share.lost;
    if (courier->herald->part == HERALD_ALONE || !share_concerns(letter->text, letter->len)) {
        webhook_take(courier->webhook, letter);
        return;
    }
    share_take(&courier->share, letter);
    webhook_miss(courier->webhook, courier->share.lost - lost);
}

/* Delivered, or given up: the next server need not. */
void courier_note_end(struct courier *courier)
{
    struct buffer text;
    if (!courier->is_handed || has_handed(courier)) {
        return;
    }
    courier->is_handed = false;
    if (courier->share.open.count != 0) {
        buffer_init(&text);
        share_end(&courier->share, &text);
        if (courier->herald->part == HERALD_WORKS) {
            write_record(courier, &text);
        }
        buffer_fini(&text);
    }
}

void courier_note_written(struct courier *courier, int error)
{
    if (!courier->is_writing) {
        return;
    }
    courier->is_writing = false;
    if (error != 0 && courier->share.is_mine) {
        share_undo(&courier->share); /* again with the next look */
    }
    courier->share.is_mine = false;
}

void courier_hear(struct courier *courier, const char *text)
{
    uint64_t last = courier->share.last;
    (void)share_hear(&courier->share, text);
    if (courier->share.last != last || courier->share.open.count == 0) {
        courier->is_handed = drop_handed(courier);
    }
}

static uint64_t hash_name(uint64_t salt, const char *name)
{
    return hash_finish(hash_bytes(hash_bytes(HASH_START, &salt, sizeof salt), name, strlen(name))) | 1;
}

/* All that waits is this server's from now on; by the ID of the record where it is in one, since others may
 * tell it as well. */
static void be_alone(struct courier *courier)
{
    struct share *share = &courier->share;
    if (!courier->is_handed) {
        letters_move(&share->open, share->open.count, &courier->webhook->queue);
    }
    letters_drop(&share->open, 0, share->open.count);
    letters_move(&share->held, share->held.count, &courier->webhook->queue);
    courier->is_handed = courier->is_writing = share->is_mine = false;
    herald_note_changed(courier->herald);
}

void courier_set_part(struct courier *courier, enum herald_part before)
{
    struct herald *herald = courier->herald;
    struct share *share = &courier->share;
    if (herald->part != HERALD_ALONE) {
        share->run = hash_name(herald->sharing.salt, courier->webhook->conf.name);
        share->since_ms = share->since_ms == 0 ? clock_wall_ms(&herald->clock) : share->since_ms;
    }
    if (herald->part == HERALD_ALONE && before != HERALD_ALONE) {
        be_alone(courier);
    } else if (herald->part == HERALD_HOLDS && before == HERALD_WORKS) {
        courier->is_handed = drop_handed(courier);
    }
}

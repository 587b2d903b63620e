/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See feed.h. */
#include "config.h"

#include "etcd/feed.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 8 << 20, HELD_MAX = 8 << 20 };

void feed_init(struct feed *feed)
{
    *feed = (struct feed){.context = NULL};
}

static void let_go(struct feed *feed)
{
    arena_free(feed->arena);
    feed->arena = NULL;
    feed->held_count = feed->held_len = 0;
}

void feed_fini(struct feed *feed)
{
    let_go(feed);
    free(feed->held);
    buffer_fini(&feed->in);
}

static void hold(struct feed *feed, const struct etcd_change *change)
{
    feed->arena = feed->arena == NULL ? arena_new(0) : feed->arena;
    feed->held = memory_grow(feed->held, feed->held_count, &feed->held_capacity, sizeof *feed->held);
    struct etcd_change *copy = &feed->held[feed->held_count++];
    *copy = *change;
    copy->kv.key = arena_copy(feed->arena, change->kv.key, change->kv.key_len + 1);
    copy->kv.value = arena_copy(feed->arena, change->kv.value, change->kv.value_len + 1);
    feed->held_len += change->kv.key_len + change->kv.value_len + sizeof *copy;
}

/* What is held is of one revision; the first ones of the line may be as well. */
static size_t join_held(struct feed *feed, const struct etcd_line *line)
{
    size_t n = 0;
    while (feed->held_count != 0 && n < line->count &&
           line->changes[n].kv.mod_revision == feed->held[0].kv.mod_revision) {
        hold(feed, &line->changes[n++]);
    }
    return n;
}

static void tell_held(struct feed *feed)
{
    if (feed->held_count != 0) {
        feed->changed(feed->context, feed->held, feed->held_count, feed->held[0].kv.mod_revision);
        let_go(feed);
    }
}

static void tell(struct feed *feed, const struct etcd_line *line)
{
    size_t from = join_held(feed, line), to = line->count;
    if (!line->is_fragment || from < to) {
        tell_held(feed);
    }
    while (line->is_fragment && to > from &&
           line->changes[to - 1].kv.mod_revision == line->changes[line->count - 1].kv.mod_revision) {
        to--;
    }
    if (to > from) {
        feed->changed(feed->context, line->changes + from, to - from, line->changes[to - 1].kv.mod_revision);
    }
    for (size_t i = to; i < line->count; i++) {
        hold(feed, &line->changes[i]);
    }
}

static int take_line(struct feed *feed, const char *text, size_t len, struct etcd_fault *fault)
{
    struct arena *arena = arena_new(0);
    struct etcd_line line;
    int error = etcd_read_line(text, len, arena, &line, fault);
    if (error == 0 && line.is_begun) {
        feed->begun(feed->context, line.revision);
    }
    if (error == 0 && line.count != 0) {
        tell(feed, &line);
    } else if (error == 0 && !line.is_begun && feed->held_count == 0) {
        feed->changed(feed->context, NULL, 0, line.revision); /* a mark of progress */
    }
    arena_free(arena);
    if (error == 0 && feed->held_len > HELD_MAX) {
        etcd_set_fault(fault, ERROR_TOO_LARGE, "one revision of etcd is larger than a transaction may be");
    }
    return fault->error;
}

int feed_add(struct feed *feed, const char *bytes, size_t len, struct etcd_fault *fault)
{
    size_t done = 0;
    *fault = (struct etcd_fault){.error = 0};
    buffer_add(&feed->in, bytes, len);
    while (fault->error == 0) {
        const char *at = feed->in.bytes + done;
        const char *end = memchr(at + feed->looked_at, '\n', feed->in.len - done - feed->looked_at);
        if (end == NULL) {
            feed->looked_at = feed->in.len - done;
            break;
        }
        feed->looked_at = 0;
        done += (size_t)(end - at) + 1;
        if (end != at) {
            (void)take_line(feed, at, (size_t)(end - at), fault);
        }
    }
    if (done != 0) {
        buffer_remove_front(&feed->in, done);
        buffer_shrink(&feed->in);
    }
    if (fault->error == 0 && feed->in.len > LINE_MAX_LEN) {
        etcd_set_fault(fault, ERROR_TOO_LARGE, "etcd tells more at once than is read");
    }
    return fault->error;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See durations.h. */
#include "config.h"

#include "daemon/durations.h"

#include "daemon/notes.h"
#include "daemon/server.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

#include <event2/event.h>

/* Of the control thread, at a time. */
enum { WHILE_US = 300 };

struct durations {
    struct durations_options options;
    struct event *later; /* timer: more of it */
    bool is_on, all;
    int64_t by_ms;
    const struct health *health; /* whose indices they are; not looked into */
    int kind;
    size_t at;
    struct health_dormant_cursor dormant;
};

static bool has_duration(const struct health_override *override, bool planned)
{
    return (planned && override->starts_by_duration) ||
           (override->expires_ms != 0 && override->expires_by_duration);
}

/* What an order is on its way for is not told what was before it: that would come after the order, and be
 * what a restart finds. */
static void add_kept(const struct durations *d, struct note *note, const struct health_dormant *of)
{
    if ((d->all || has_duration(&of->what, of->planned)) &&
        !d->options.is_begun(d->options.context, of->kind, of->name)) {
        note_add_one(note, of->kind, of->name, &of->what, of->planned);
    }
}

static void add_object(const struct durations *d, struct note *note)
{
    const struct health *health = d->options.server->view->health;
    struct health_status status;
    uint32_t index = (uint32_t)d->at;
    const struct health_override *override =
        d->at < health_count(health, d->kind) ? health_get_override(health, d->kind, index) : NULL;
    if (override != NULL && health_get_status(health, d->kind, index, &status) == 0) {
        add_kept(d, note,
                 &(struct health_dormant){
                     .kind = d->kind, .name = status.name, .what = *override, .planned = status.planned});
    }
}

/* [lock] As many objects as a turn may have; those whose target is gone come last. Returns whether there are
 * more. */
static bool add_some(struct durations *d, struct note *note)
{
    const struct health *health = d->options.server->view->health;
    for (size_t i = 0; i < HEALTH_CLOCK_TURN && d->kind <= HEALTH_REGION; i++) {
        add_object(d, note);
        if (++d->at >= health_count(health, d->kind)) {
            d->kind++;
            d->at = 0;
        }
    }
    for (size_t i = note_count(note); d->kind > HEALTH_REGION && i < HEALTH_CLOCK_TURN; i++) {
        const struct health_dormant *dormant = health_next_dormant(health, &d->dormant);
        if (dormant == NULL) {
            return false;
        }
        add_kept(d, note, dormant);
    }
    return true;
}

/* Another machine has other indices, so all of it is looked at again; what is written twice is the same. */
static void begin(struct durations *d)
{
    d->health = d->options.server->view->health;
    d->kind = HEALTH_ENDPOINT;
    d->at = 0;
    d->dormant = (struct health_dormant_cursor){0};
}

/* Returns whether there is more. */
static bool step(struct durations *d)
{
    struct server *server = d->options.server;
    char why[64];
    snprintf(why, sizeof why, "the clock stepped by %lld ms", (long long)d->by_ms);
    struct note *note = note_new(HEALTH_CLOCK_TURN, d->all ? "it holds, and the store is another one" : why);
    lock_take(&server->lock);
    if (d->health != server->view->health) {
        begin(d);
    }
    d->is_on = add_some(d, note);
    d->all = d->all && d->is_on;
    lock_leave(&server->lock);
    d->options.write(d->options.context, note);
    return d->is_on;
}

static void go_on(evutil_socket_t fd, short what, void *argument)
{
    struct durations *d = argument;
    const struct timeval soon = {.tv_usec = 0};
    int64_t until_us = clock_now_us(&d->options.server->clock) + WHILE_US;
    (void)fd, (void)what;
    while (step(d)) {
        if (clock_now_us(&d->options.server->clock) >= until_us) {
            (void)event_add(d->later, &soon);
            return;
        }
    }
}

static void begin_anew(struct durations *d)
{
    d->is_on = true;
    begin(d);
    go_on(-1, 0, d);
}

void durations_tell(struct durations *d, int64_t by_ms)
{
    d->by_ms = by_ms + (d->is_on ? d->by_ms : 0);
    begin_anew(d);
}

void durations_tell_all(struct durations *d)
{
    d->all = true;
    begin_anew(d);
}

bool durations_are_on(const struct durations *d)
{
    return d != NULL && d->is_on;
}

void durations_finish(struct durations *d)
{
    while (durations_are_on(d) && step(d)) {
    }
}

struct durations *durations_open(const struct durations_options *options)
{
    struct durations *d = memory_alloc(sizeof *d);
    *d = (struct durations){.options = *options};
    d->later = evtimer_new(options->server->base, go_on, d);
    if (d->later == NULL) {
        free(d);
        return NULL;
    }
    return d;
}

void durations_close(struct durations *d)
{
    if (d != NULL) {
        event_free(d->later);
        free(d);
    }
}

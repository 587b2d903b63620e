/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A new view takes over what is known: health by names and identities, addresses by host names. Nearly all of
 * it is done before the new view is published, in turns at the lock of the application that last some
 * microseconds, while the old view serves and its health goes on; what changes meanwhile is taken over again,
 * and the last of it in the turn in which the views are exchanged. */
#include "config.h"

#include "view/content.h"

#include "base/lock.h"
#include "base/memory.h"
#include "view/hosts.h"

#include <stdlib.h>
#include <string.h>

struct view_succession {
    struct view *next;
    int64_t wall_ms;
    struct lock *lock;
    struct health_carrier *carrier;
    const struct view_host **heritage; /* of each host of `next` the one of the view before; NULL: none */
};

/* ---- hosts ---- */

static int compare_hosts(const void *left, const void *right)
{
    const struct view_host *const *a = left, *const *b = right;
    return strcmp((*a)->conf->name, (*b)->conf->name);
}

static const struct view_host **sort_hosts(struct view_host *hosts, size_t count)
{
    const struct view_host **sorted = memory_alloc_array(count, sizeof(const struct view_host *));
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &hosts[i];
    }
    qsort(sorted, count, sizeof(const struct view_host *), compare_hosts);
    return sorted;
}

/* Both sorted: those of the same name. */
static void carry_hosts(struct view_succession *s, const struct view *previous)
{
    struct view *next = s->next;
    s->heritage = memory_alloc_array(next->host_count, sizeof *s->heritage);
    if (next->host_count == 0 || previous->host_count == 0) {
        return;
    }
    const struct view_host **to = sort_hosts(next->hosts, next->host_count);
    const struct view_host **from = sort_hosts(previous->hosts, previous->host_count);
    size_t at = 0;
    lock_take(s->lock);
    for (size_t i = 0; i < next->host_count; i++) {
        while (at < previous->host_count && compare_hosts(&from[at], &to[i]) < 0) {
            at++;
        }
        if (at < previous->host_count && compare_hosts(&from[at], &to[i]) == 0) {
            size_t index = to[i]->conf->index;
            s->heritage[index] = from[at];
            (void)view_carry_host(&next->hosts[index], from[at]);
        }
        if (i % VIEW_TURN == VIEW_TURN - 1) {
            lock_pass(s->lock);
        }
    }
    lock_leave(s->lock);
    free(to);
    free(from);
}

/* ---- health ---- */

/* What an endpoint resolves to is known of its host, which may be another one than it had. What was heard of
 * that since is taken over first: without addresses there is nothing to observe, and the verdict is lost. */
static void on_carried(void *context, uint32_t endpoint)
{
    const struct view_succession *s = context;
    const struct conf_host *conf = s->next->topology->endpoints[endpoint].host;
    if (conf == NULL) {
        return;
    }
    const struct view_host *host = &s->next->hosts[conf->index], *from = s->heritage[conf->index];
    if (from != NULL && view_carry_host(&s->next->hosts[conf->index], from)) {
        for (size_t i = 0; i < host->endpoint_count; i++) {
            view_apply_host(s->next, host->endpoints[i], s->wall_ms);
        }
    } else {
        view_apply_host(s->next, endpoint, s->wall_ms);
    }
}

struct view_succession *view_succession_new(struct view *next, const struct view *previous, int64_t wall_ms,
                                            struct lock *lock)
{
    struct view_succession *s = memory_alloc(sizeof *s);
    *s = (struct view_succession){.next = next, .wall_ms = wall_ms, .lock = lock};
    s->carrier = health_carrier_new(next->health, previous->health, wall_ms);
    health_carrier_set_hook(s->carrier, &(struct health_carrier_hook){.context = s, .carried = on_carried});
    carry_hosts(s, previous);
    lock_take(lock);
    health_carrier_watch(s->carrier);
    while (health_carrier_step(s->carrier, VIEW_TURN)) {
        lock_pass(lock);
    }
    lock_leave(lock);
    health_carrier_settle(s->carrier);
    for (uint32_t i = 0; next->host_count != 0 && i < next->topology->endpoint_count; i++) {
        view_apply_host(next, i, wall_ms);
    }
    view_succession_catch_up(s);
    return s;
}

/* Results come in more slowly than this takes them over. */
void view_succession_catch_up(struct view_succession *s)
{
    lock_take(s->lock);
    while (health_carrier_catch_up(s->carrier, VIEW_TURN) > VIEW_TURN) {
        lock_pass(s->lock);
    }
    lock_leave(s->lock);
}

void view_succession_end(struct view_succession *s)
{
    (void)health_carrier_catch_up(s->carrier, SIZE_MAX);
    health_carrier_end(s->carrier);
}

void view_succession_free(struct view_succession *s)
{
    if (s != NULL) {
        health_carrier_free(s->carrier);
        free(s->heritage);
        free(s);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Copies of a view: over the same content with a state of its own, for whoever computes long or assumes what
 * is not so. See content.h. */
#include "config.h"

#include "view/content.h"

#include "base/lock.h"
#include "base/memory.h"
#include "view/hosts.h"

/* NULL: nobody else has the view. */
static void take(struct lock *lock)
{
    if (lock != NULL) {
        lock_take(lock);
    }
}

static void pass(struct lock *lock)
{
    if (lock != NULL) {
        lock_pass(lock);
    }
}

static void leave(struct lock *lock)
{
    if (lock != NULL) {
        lock_leave(lock);
    }
}

static struct view_zone *copy_zones(const struct view *view, struct lock *lock)
{
    struct view_zone *list = memory_alloc_array(view->zone_count, sizeof *list);
    take(lock);
    for (size_t i = 0; i < view->zone_count; i++) {
        const struct view_zone *from = &view->zone_list[i];
        list[i] = (struct view_zone){.origin = from->origin,
                                     .path = from->path,
                                     .serial = from->serial,
                                     .names = from->names,
                                     .records = from->records,
                                     .steered = from->steered,
                                     .failed = from->failed,
                                     .stale = from->stale};
        if (i % VIEW_TURN == VIEW_TURN - 1) {
            pass(lock);
        }
    }
    leave(lock);
    return list;
}

/* Between two turns at the health an address may have come or gone. */
static void apply_hosts(struct view *copy, int64_t wall_ms)
{
    for (size_t i = 0; i < copy->host_count; i++) {
        for (size_t e = 0; e < copy->hosts[i].endpoint_count; e++) {
            view_apply_host(copy, copy->hosts[i].endpoints[e], wall_ms);
        }
    }
}

struct view *view_begin_copy(const struct view *view)
{
    struct view *copy = view_share(view);
    view_begin_hold(copy);
    copy->primaries = NULL;
    copy->primary_count = 0;
    return copy; /* its state is still that of the view, which it holds */
}

void view_add_caches(struct view *copy, size_t count)
{
    view_set_caches(copy, view_new_caches(copy->steer, count));
}

void view_abandon_copy(struct view *copy)
{
    view_free(copy);
}

struct view *view_finish_copy(struct view *copy, int64_t wall_ms, struct lock *lock)
{
    struct view_state *old = copy->state;
    copy->hosts = view_copy_hosts(copy->hosts, copy->host_count, lock);
    copy->health = view_copy_health(copy, wall_ms, lock);
    copy->table = health_get_table(copy->health);
    copy->zone_list = copy_zones(copy, lock);
    copy->state = view_new_state(copy);
    apply_hosts(copy, wall_ms);
    view_release_state(old);
    return copy;
}

struct view *view_copy(const struct view *view, int64_t wall_ms, struct lock *lock)
{
    return view_finish_copy(view_begin_copy(view), wall_ms, lock);
}

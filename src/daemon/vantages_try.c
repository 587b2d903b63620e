/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An endpoint checked now by a vantage, for somebody who waits for it on a worker. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/thread.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 64, STEPS_MAX = 200, MORE_MS = 5000, LOOK_MS = 100 };

struct waiting;
struct asked {
    struct waiting *all;
    struct admin_try *made;
    uint32_t id;
    bool has_ended;
};

struct waiting {
    pthread_mutex_t lock; /* guards the rest, and the arena */
    pthread_cond_t cond;
    struct arena *arena;
    struct asked asked[TRIES_MAX];
    uint64_t identities[TRIES_MAX];
    size_t count, left;
    int64_t patience_ms;
};

/* ---- on the thread of the vantages ---- */

static void add_step(struct asked *asked, const char *step, uint32_t at_us, const char *text)
{
    struct admin_try *made = asked->made;
    if (made->step_count < STEPS_MAX) {
        made->steps[made->step_count++] =
            (struct admin_step){.step = arena_copy_text(asked->all->arena, step),
                                .at_us = at_us,
                                .text = arena_copy_text(asked->all->arena, text)};
    }
}

static void on_traced(void *context, const char *step, uint32_t at_us, const char *text)
{
    struct asked *asked = context;
    pthread_mutex_lock(&asked->all->lock);
    add_step(asked, step, at_us, text);
    pthread_mutex_unlock(&asked->all->lock);
}

static void on_ended(void *context, const struct fleet_message *ran, const char *why)
{
    struct asked *asked = context;
    struct waiting *all = asked->all;
    pthread_mutex_lock(&all->lock);
    asked->has_ended = true;
    if (ran != NULL) {
        asked->made->outcome = ran->ran.outcome;
        asked->made->detail = ran->ran.detail;
        asked->made->duration_us = ran->ran.duration_us;
    } else {
        asked->made->outcome = HEALTH_OUTCOME_LOCAL_ERROR;
        add_step(asked, "vantage", 0, why);
    }
    all->left--;
    pthread_cond_signal(&all->cond);
    pthread_mutex_unlock(&all->lock);
}

/* ---- on the worker ---- */

static void add_monitor(struct waiting *all, const struct view *view, size_t index, struct admin_tries *tries)
{
    const struct view_monitor *monitor = &view->monitors[index];
    const struct conf_check *check = &view->topology->checks[monitor->check];
    char address[ADDR_TEXT_SIZE];
    if (check->type == CONF_CHECK_PUSH || check->type == CONF_CHECK_FILE || all->count == TRIES_MAX) {
        return;
    }
    const char *at =
        monitor->addr == NULL
            ? arena_print(all->arena, "%s:%u", view->topology->endpoints[monitor->endpoint].host->name,
                          check->port)
            : arena_copy_text(all->arena,
                              addr_write_port(&(struct addr_port){*monitor->addr, check->port}, address));
    struct admin_try *made = &tries->items[all->count];
    *made = (struct admin_try){.check = check->name,
                               .type = conf_check_type_text(check->type),
                               .family = monitor->family == ADDR_V4 ? "ipv4" : "ipv6",
                               .address = at,
                               .timeout_ms = check->timeout_ms,
                               .steps = arena_alloc(all->arena, STEPS_MAX * sizeof *made->steps)};
    all->identities[all->count] = monitor->identity;
    all->asked[all->count++] = (struct asked){.all = all, .made = made};
    all->patience_ms = check->timeout_ms > all->patience_ms ? check->timeout_ms : all->patience_ms;
}

static void add_all(struct waiting *all, const struct view *view, struct admin_tries *tries)
{
    ptrdiff_t index = view->topology == NULL ? -1 : conf_find_endpoint(view->topology, tries->endpoint);
    size_t count = 0, first = index == -1 ? 0 : view_find_monitors(view, (uint32_t)index, &count);
    for (size_t i = first; i < first + count; i++) {
        const char *name = view->topology->checks[view->monitors[i].check].name;
        if (tries->check == NULL || strcmp(tries->check, name) == 0) {
            add_monitor(all, view, i, tries);
        }
    }
    tries->count = all->count;
}

/* Until all have ended, or it has lasted too long, or nobody wants to know. */
static void wait_for_all(struct waiting *all, struct progress *progress)
{
    pthread_mutex_lock(&all->lock);
    for (int64_t waited_ms = 0; all->left != 0 && waited_ms < all->patience_ms + MORE_MS;
         waited_ms += LOOK_MS) {
        struct timespec until = thread_after_ms(LOOK_MS);
        if (progress_is_cancelled(progress)) {
            break;
        }
        (void)pthread_cond_timedwait(&all->cond, &all->lock, &until);
    }
    pthread_mutex_unlock(&all->lock);
}

static void ask_all(struct vantages *vantages, unsigned number, struct waiting *all,
                    struct progress *progress)
{
    all->left = all->count;
    for (size_t i = 0; i < all->count; i++) {
        all->asked[i].id = fleet_try(vantages->fleet, &(struct fleet_trial){.number = number,
                                                                            .identity = all->identities[i],
                                                                            .context = &all->asked[i],
                                                                            .traced = on_traced,
                                                                            .ended = on_ended});
    }
    wait_for_all(all, progress);
    for (size_t i = 0; i < all->count; i++) {
        fleet_end_trial(vantages->fleet, all->asked[i].id);
        if (!all->asked[i].has_ended) { /* nor will it now */
            all->asked[i].made->outcome = HEALTH_OUTCOME_LOCAL_ERROR;
            add_step(&all->asked[i], "vantage", 0, "it did not answer in time");
        }
    }
}

/* Vantages come and go on the control thread; as long as one is held they stay. */
static unsigned find_number(struct vantages *vantages, const char *name)
{
    pthread_mutex_lock(&vantages->lock);
    const struct vantage_member *member = vantages_find(vantages, name);
    unsigned number = member == NULL || vantages->fleet == NULL ? 0 : member->number;
    vantages->holders += number != 0;
    pthread_mutex_unlock(&vantages->lock);
    return number;
}

static void let_go(struct vantages *vantages)
{
    pthread_mutex_lock(&vantages->lock);
    vantages->holders--;
    pthread_cond_broadcast(&vantages->idle);
    pthread_mutex_unlock(&vantages->lock);
}

int server_try_from(void *context, struct admin_tries *tries, struct arena *arena)
{
    struct reader *reader = context;
    struct vantages *vantages = reader->server->vantages;
    unsigned number = find_number(vantages, tries->from);
    if (number == 0) {
        return ERROR_CONFLICT;
    }
    struct waiting *all = memory_alloc(sizeof *all);
    pthread_mutex_init(&all->lock, NULL);
    thread_init_cond(&all->cond);
    all->arena = arena;
    tries->items = arena_alloc(arena, TRIES_MAX * sizeof *tries->items);
    add_all(all, reader_begin(reader), tries);
    if (all->count != 0) {
        ask_all(vantages, number, all, tries->progress);
    }
    reader_end(reader);
    let_go(vantages);
    int error = all->count == 0 ? ERROR_NOT_FOUND : 0;
    pthread_cond_destroy(&all->cond);
    pthread_mutex_destroy(&all->lock);
    free(all);
    return error;
}

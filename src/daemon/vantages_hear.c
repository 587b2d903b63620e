/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What vantages say, brought into the health machine: on their thread, in turns at the health lock, as
 * results of the prober are. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/log.h"
#include "base/memory.h"
#include "daemon/changes.h"
#include "daemon/clustered.h"
#include "daemon/peers.h"
#include "daemon/porter.h"
#include "daemon/serials.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/targets.h"
#include "health/opinion.h"
#include "view/content.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The list follows the view, so for a while there may be opinions of one that is not served any more. Or of
 * one whose objects have other numbers. -1: nobody asks that any more. */
static ptrdiff_t find_monitor(const struct view *view, uint64_t generation, const struct fleet_heard *heard)
{
    ptrdiff_t monitor =
        generation == view->generation ? (ptrdiff_t)heard->target : view_find_monitor(view, heard->identity);
    return monitor != -1 ? monitor : targets_find_control(view, heard->identity);
}

static size_t translate(const struct view *view, uint64_t generation, const struct fleet_heard *items,
                        size_t count, struct health_heard to[HEALTH_HEAR_MAX])
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        const struct fleet_opinion *opinion = &items[i].opinion;
        ptrdiff_t monitor = find_monitor(view, generation, &items[i]);
        if (monitor != -1) {
            to[done++] = (struct health_heard){.monitor = (uint32_t)monitor,
                                               .opinion = {.verdict = opinion->verdict,
                                                           .outcome = opinion->outcome,
                                                           .detail = opinion->detail,
                                                           .streak = opinion->streak,
                                                           .duration_us = opinion->duration_us,
                                                           .age_ms = opinion->age_ms}};
        }
    }
    return done;
}

/* The view may be another one after each turn. */
static void follow_brake(struct server *server, int64_t wall_ms)
{
    while (health_follow_brake(server->view->health, VIEW_TURN, wall_ms)) {
        lock_pass(&server->lock);
    }
}

static void on_heard(void *context, unsigned number, uint64_t generation, const struct fleet_heard *items,
                     size_t count)
{
    struct server *server = ((struct vantages *)context)->server;
    struct health_heard heard[HEALTH_HEAR_MAX];
    size_t done = 0;
    lock_take(&server->lock);
    do {
        const struct view *view = server->view;
        int64_t wall_ms = clock_wall_ms(&server->clock), now_ms = clock_now_ms(&server->clock);
        size_t turn = count - done < HEALTH_HEAR_MAX ? count - done : HEALTH_HEAR_MAX;
        size_t known = translate(view, generation, items + done, turn, heard);
        health_follow_time(view->health, now_ms);
        health_hear(view->health, number, heard, known, wall_ms, now_ms);
        shadows_hear(server->shadows, number, heard, known);
        follow_brake(server, wall_ms);
        done += turn;
        if (done < count) {
            lock_pass(&server->lock);
        }
    } while (done < count);
    lock_leave(&server->lock);
}

static void on_alive(void *context, unsigned number)
{
    struct server *server = ((struct vantages *)context)->server;
    lock_take(&server->lock);
    health_hear_vantage(server->view->health, number, clock_now_ms(&server->clock));
    shadows_hear_alive(server->shadows, number, false);
    lock_leave(&server->lock);
}

static void on_came(void *context, const struct fleet_notice *notice, bool is_new)
{
    struct server *server = ((struct vantages *)context)->server;
    lock_take(&server->lock);
    if (is_new) {
        health_forget_vantage(server->view->health, notice->number);
    }
    health_hear_vantage(server->view->health, notice->number, clock_now_ms(&server->clock));
    shadows_hear_alive(server->shadows, notice->number, is_new);
    lock_leave(&server->lock);
    changes_tell_vantage(
        server->changes,
        &(struct changes_vantage){.name = notice->name, .turn = "connected", .from = notice->from});
}

/* Strangers are counted, and not told of: whoever can reach the port could fill the log. */
static void on_left(void *context, const struct fleet_notice *notice)
{
    struct server *server = ((struct vantages *)context)->server;
    if (notice->number != 0) {
        lock_take(&server->lock);
        shadows_lose_vantage(server->shadows, notice->number);
        lock_leave(&server->lock);
        porter_hear_left(server->porter, notice->number);
        changes_tell_vantage(server->changes, &(struct changes_vantage){.name = notice->name,
                                                                        .turn = "disconnected",
                                                                        .from = notice->from,
                                                                        .why = notice->why});
    }
}

static void get_name(struct vantages *vantages, unsigned number, char name[FLEET_NAME_MAX + 1])
{
    pthread_mutex_lock(&vantages->lock);
    memcpy(name, vantages->members[number].name, FLEET_NAME_MAX + 1);
    pthread_mutex_unlock(&vantages->lock);
}

static void on_taken(void *context, unsigned number, const struct fleet_message *message)
{
    struct vantages *vantages = context;
    char name[FLEET_NAME_MAX + 1];
    if (message->taken.count != 0) {
        get_name(vantages, number, name);
        changes_tell_vantage(vantages->server->changes,
                             &(struct changes_vantage){.name = name,
                                                       .turn = "refuses_checks",
                                                       .checks = message->taken.count + message->taken.more,
                                                       .why = message->taken.refused[0].why});
    }
}

static void on_declined(void *context, unsigned number, const char *why)
{
    struct vantages *vantages = context;
    char name[FLEET_NAME_MAX + 1];
    get_name(vantages, number, name);
    changes_tell_vantage(vantages->server->changes,
                         &(struct changes_vantage){.name = name, .turn = "refuses_list", .why = why});
}

static void ring(struct vantages *vantages, struct enrolling *enrolling)
{
    pthread_mutex_lock(&vantages->lock);
    enrolling->next = vantages->enrolling;
    vantages->enrolling = enrolling;
    pthread_mutex_unlock(&vantages->lock);
    ssize_t written = write(vantages->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* can only fail when it rings already */
}

static void on_join(void *context, uint64_t connection, const char *from, const char *what)
{
    struct enrolling *enrolling = memory_alloc(sizeof *enrolling);
    *enrolling = (struct enrolling){.connection = connection, .joins = true, .token = memory_copy_text(what)};
    snprintf(enrolling->from, sizeof enrolling->from, "%s", from);
    ring(context, enrolling);
}

static void on_enrol(void *context, uint64_t connection, const struct fleet_enrol *enrol,
                     const uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    struct enrolling *enrolling = memory_alloc(sizeof *enrolling);
    *enrolling = (struct enrolling){.connection = connection, .token = memory_copy_text(enrol->token)};
    memcpy(enrolling->name, enrol->name, strlen(enrol->name));
    memcpy(enrolling->fingerprint, fingerprint, TLS_FINGERPRINT_SIZE);
    ring(context, enrolling);
}

/* Which only nodes of the cluster may say, who are known by their certificates. */
static void on_ordered(void *context, unsigned number, uint64_t mark, const char *text)
{
    struct vantages *vantages = context;
    char name[FLEET_NAME_MAX + 1];
    size_t len = sizeof PEER_PREFIX - 1;
    get_name(vantages, number, name);
    if (strncmp(name, PEER_PREFIX, len) != 0 || vantages->server->clustered == NULL) {
        vantages_answer_order(vantages, number, mark, "only nodes of the cluster may say what holds");
    } else {
        clustered_hear_order(vantages->server->clustered, number, name + len, mark, text);
    }
}

static void on_serials(void *context, unsigned number, const char *text)
{
    struct vantages *vantages = context;
    char name[FLEET_NAME_MAX + 1];
    get_name(vantages, number, name);
    if (strncmp(name, PEER_PREFIX, sizeof PEER_PREFIX - 1) == 0) {
        serials_hear(vantages->server->serials, number, text);
    }
}

/* What bundles hold is for nodes of the cluster alone. */
static void on_wanted(void *context, unsigned number, uint64_t connection,
                      const struct fleet_message *message)
{
    struct vantages *vantages = context;
    char name[FLEET_NAME_MAX + 1];
    get_name(vantages, number, name);
    if (strncmp(name, PEER_PREFIX, sizeof PEER_PREFIX - 1) == 0) {
        porter_hear_want(vantages->server->porter, number, connection, message);
    }
}

static void on_given(void *context, unsigned number, uint64_t connection)
{
    porter_hear_given(((struct vantages *)context)->server->porter, number, connection);
}

static void on_tick(void *context)
{
    struct vantages *vantages = context;
    struct server *server = vantages->server;
    int64_t now_ms = clock_now_ms(&server->clock);
    int64_t held_ms = vantages->ticked_ms == 0 ? 0 : now_ms - vantages->ticked_ms;
    vantages->ticked_ms = now_ms;
    lock_take(&server->lock);
    if (health_hold_up(server->view->health, held_ms, now_ms)) {
        log_warning("held up for_ms=%lld effect=\"all vantages are awaited, as after a start\"",
                    (long long)held_ms);
    }
    while (health_follow_vantages(server->view->health, clock_wall_ms(&server->clock),
                                  clock_now_ms(&server->clock))) {
        lock_pass(&server->lock);
    }
    lock_leave(&server->lock);
}

void vantages_fill_hooks(struct vantages *vantages, struct fleet_hooks *hooks)
{
    *hooks = (struct fleet_hooks){.context = vantages,
                                  .heard = on_heard,
                                  .alive = on_alive,
                                  .came = on_came,
                                  .left = on_left,
                                  .taken = on_taken,
                                  .declined = on_declined,
                                  .enrol = on_enrol,
                                  .ordered = on_ordered,
                                  .join = on_join,
                                  .serials = on_serials,
                                  .wanted = on_wanted,
                                  .given = on_given,
                                  .tick = on_tick};
}

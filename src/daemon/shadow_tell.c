/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What others hear of a shadow or live drill: who began it, the stream of events, and whoever reads its
 * report later. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/changes.h"
#include "daemon/drill_reports.h"
#include "daemon/live.h"
#include "daemon/server.h"

#include <stdio.h>
#include <stdlib.h>

void shadow_answer(struct shadow *shadow, enum admin_shadow_trouble trouble, const char *what)
{
    admin_shadow_done *done = shadow->done;
    char *json = trouble == ADMIN_SHADOW_GOOD ? shadow_write(shadow, true) : NULL;
    shadow->done = NULL;
    if (done != NULL) {
        done(shadow->argument, &(struct admin_shadow_result){.trouble = trouble, .what = what, .json = json});
    }
    free(json);
}

void shadow_tell(struct shadow *shadow, const char *turn)
{
    pthread_mutex_lock(&shadow->lock);
    int64_t decided_us = shadow->times.decided_us;
    const struct changes_shadow what = {
        .id = shadow->id,
        .live = shadow->live == NULL ? 0 : live_get_percent(shadow->live),
        .why = shadow->live == NULL ? NULL : live_get_why(shadow->live),
        .turn = turn,
        .lost = shadow->lose[0],
        .losses = shadow->lose_count,
        .because = shadow->because,
        .answers_changed = shadow->changed,
        .decision_ms = decided_us == 0 ? -1 : (decided_us - shadow->began_us) / 1000,
        .sampled = shadow->has_proof ? (int64_t)shadow->proved.sampled : -1,
        .differences = (int64_t)shadow->proved.differences,
        .actor = shadow->stopped_by[0] != '\0' ? shadow->stopped_by : shadow->actor,
        .peer = shadow->peer,
        .reason = shadow->reason};
    pthread_mutex_unlock(&shadow->lock);
    changes_tell_shadow(shadow->all->server->changes, &what);
}

/* ---- how it goes on ---- */

static bool find_phase(const struct shadow *shadow, size_t index, struct drill_phase *phase)
{
    struct lock *lock = &shadow->all->server->lock;
    lock_take(lock);
    bool is_there = drill_stage_get_phase(shadow->stage, index, phase);
    lock_leave(lock);
    return is_there;
}

static const char *find_move(const struct shadow *shadow, size_t index, int64_t *at_ms)
{
    struct lock *lock = &shadow->all->server->lock;
    lock_take(lock);
    const char *text = drill_stage_get_move(shadow->stage, index, at_ms);
    lock_leave(lock);
    return text;
}

static void tell_step(const struct shadow *shadow, const char *turn, int64_t at_ms, const char *text)
{
    changes_tell_step(shadow->all->server->changes,
                      &(struct changes_step){.id = shadow->id,
                                             .turn = turn,
                                             .text = text,
                                             .is_live = shadow->live != NULL,
                                             .at_ms = at_ms,
                                             .duration_ms = shadow->duration_ms,
                                             .answers_changed = shadow->told.changed});
}

/* At most once a second, but for the last time: a share of checks that fails may move answers all the time.
 */
static void tell_moves(struct shadow *shadow)
{
    enum { PACE_MS = 1000 };
    int64_t now_ms = clock_now_ms(&shadow->all->server->clock);
    pthread_mutex_lock(&shadow->lock);
    size_t changed = shadow->changed;
    int64_t at_ms = (shadow->times.decided_us - shadow->began_us) / 1000;
    pthread_mutex_unlock(&shadow->lock);
    bool is_soon = shadow->told.moved_ms != 0 && now_ms - shadow->told.moved_ms < PACE_MS;
    if (changed != shadow->told.changed && (!is_soon || shadow->state != SHADOW_RUNNING)) {
        shadow->told.changed = changed;
        shadow->told.moved_ms = now_ms;
        tell_step(shadow, "moved", at_ms, NULL);
    }
}

void shadow_tell_steps(struct shadow *shadow)
{
    struct drill_phase phase;
    const char *text;
    bool goes_on = true;
    while (goes_on) {
        size_t steps = shadow->told.steps;
        if (steps != 0 && !shadow->told.was_seen && find_phase(shadow, steps - 1, &phase) &&
            phase.detection_ms >= 0) {
            shadow->told.was_seen = true;
            tell_step(shadow, "seen", phase.at_ms + phase.detection_ms, NULL);
        }
        goes_on = find_phase(shadow, steps, &phase);
        if (goes_on) {
            shadow->told.steps++;
            shadow->told.was_seen = false;
            tell_step(shadow, "step", phase.at_ms, phase.text);
        }
    }
    for (int64_t at_ms; (text = find_move(shadow, shadow->told.moves, &at_ms)) != NULL;) {
        shadow->told.moves++;
        tell_step(shadow, "step", at_ms, text);
    }
    tell_moves(shadow);
}

/* ---- its report ---- */

void shadow_keep(struct shadow *shadow)
{
    char why_not[HEALTH_ACTOR_SIZE + 64];
    bool has_name = shadow->stopped_by[0] != '\0';
    if (shadow->is_kept) {
        return;
    }
    shadow->is_kept = true;
    snprintf(why_not, sizeof why_not, "interrupted: %s%s%s", shadow->because, has_name ? " by " : "",
             shadow->stopped_by);
    char *drill = shadow_write(shadow, false);
    drill_reports_take(shadow->all->server->drill_reports,
                       &(struct drill_origin){.id = shadow->id,
                                              .at_ms = shadow->started_ms,
                                              .schedule = shadow->schedule,
                                              .actor = shadow->actor,
                                              .peer = shadow->peer,
                                              .reason = shadow->reason,
                                              .why_not = shadow->is_complete ? NULL : why_not},
                       drill, shadow->report);
    free(drill);
}

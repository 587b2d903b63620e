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

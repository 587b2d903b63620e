/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See incident_predict.h. The drill is the document of one loss, of a dead host or a dead process as its
 * first check found it; of very many names the short form, which knows no users. */
#include "config.h"

#include "daemon/incident_predict.h"

#include "drill/drill.h"

enum { NAMES_MAX = 20000, AFTER_MS = 10 * 60 * 1000 };

static struct incident_prediction take(const struct drill_report *report)
{
    struct incident_prediction prediction = {.is_known =
                                                 report->decision_ms >= 0 && report->detection_ms >= 0,
                                             .detection_ms = report->decision_ms - report->failing_ms,
                                             .decision_ms = report->decision_ms,
                                             .ttl_ms = report->ttl_ms,
                                             .failed_ms = -1,
                                             .moved_ms = -1};
    if (report->users != NULL) {
        prediction.failed_ms = (int64_t)(report->users->share * (double)report->duration_ms + 0.5);
        prediction.moved_ms = report->users->moved_ms[2];
    }
    return prediction;
}

void incident_predict(struct incident *incident, const struct view *view, struct progress *progress)
{
    struct arena *arena = arena_new(0);
    struct drill_report report;
    struct drill_document document;
    bool is_refused = incident->outcome == HEALTH_OUTCOME_REFUSED;
    struct drill_loss loss = {.kind = incident->kind};
    int index = view->topology == NULL ? -1 : health_find(view->health, incident->kind, incident->name);
    struct drill_scenario scenario = {.failure = is_refused ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_TIMEOUT,
                                      .wall_ms = incident->lost_ms,
                                      .progress = progress};
    loss.index = (uint32_t)index;
    if (index >= 0 && incident->names <= NAMES_MAX) {
        drill_init_document(&document);
        document.causes = drill_list_losses(view->topology, &loss, 1, scenario.failure, arena);
        document.cause_count = 1;
        document.duration_ms = AFTER_MS;
        scenario.document = &document;
    } else {
        scenario.losses = &loss;
        scenario.loss_count = 1;
    }
    if (index >= 0 && !incident->was_overridden && drill_simulate(view, &scenario, arena, &report) == 0) {
        incident->predicted = take(&report);
    }
    arena_free(arena);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The report of a drill that has run, in virtual time or in real time: what was noted, what users would have
 * noticed, and whether objectives were met. */
#include "config.h"

#include "drill/run.h"

#include "drill/copies.h"
#include "drill/objectives.h"
#include "drill/origins.h"
#include "drill/own.h"
#include "drill/reasons.h"
#include "drill/times.h"
#include "drill/users.h"

#include <string.h>

static void list_losses(const struct run *run, struct drill_report *report)
{
    report->lost = arena_alloc(run->arena, run->causes.count * sizeof *report->lost);
    for (size_t i = 0; i < run->causes.count; i++) {
        const struct drill_cause *cause = &run->causes.items[i];
        if (cause->how != DRILL_RECOVERED) {
            report->lost[report->lost_count++] = arena_copy_text(run->arena, cause->text);
        }
    }
}

static void list_endpoints(const struct run *run, struct drill_report *report)
{
    const struct conf_topology *topology = run->topology;
    struct drill_place *places = arena_alloc(run->arena, topology->endpoint_count * sizeof *places);
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *own = &topology->endpoints[i];
        places[i] = (struct drill_place){arena_copy_text(run->arena, own->name),
                                         arena_share_text(run->arena, topology->azs[own->az].name),
                                         arena_share_text(run->arena, topology->regions[own->region].name)};
    }
    report->endpoints = places;
    report->endpoint_count = topology->endpoint_count;
}

static const char *name_region(const struct run *run, uint32_t region)
{
    return region == DRILL_NO_REGION ? NULL
                                     : arena_share_text(run->arena, run->topology->regions[region].name);
}

/* Where others look, the server itself and they. */
static void list_watchers(const struct run *run, struct drill_report *report)
{
    const struct drill_document *document = run->scenario->document;
    if (document == NULL || !run_has_vantages(run)) {
        return;
    }
    struct drill_watcher *list = arena_alloc(run->arena, (1 + document->vantages.count) * sizeof *list);
    list[0] = (struct drill_watcher){.name = HEALTH_LOCAL_NAME,
                                     .region = name_region(run, document->vantages.local_region),
                                     .weight = run->view->server->vantages.local_weight};
    for (size_t i = 0; i < document->vantages.count; i++) {
        const struct drill_vantage *own = &document->vantages.items[i];
        list[1 + i] = (struct drill_watcher){.name = arena_copy_text(run->arena, own->name),
                                             .region = name_region(run, own->region),
                                             .weight = own->weight,
                                             .is_drained = own->is_drained};
    }
    report->watchers = list;
    report->watcher_count = 1 + document->vantages.count;
}

static void list_phases(const struct run *run, struct drill_report *report)
{
    report->phases = arena_copy(run->arena, run->phases, run->phase_count * sizeof *run->phases);
    report->phase_count = run->phase_count;
    for (size_t i = 0; i < run->phase_count && report->detection_ms < 0; i++) {
        report->detection_ms = run->phases[i].is_back ? -1 : run->phases[i].detection_ms;
        report->failing_ms = run->phases[i].failing_ms;
    }
}

static void judge(const struct run *run, struct drill_report *report)
{
    const struct drill_document *document = run->scenario->document;
    int64_t own_ms = document == NULL ? 0 : document->objectives.rto_ms;
    report->recovery_ms = report->decision_ms < 0 ? -1 : report->decision_ms + report->ttl_ms;
    report->rto_ms = own_ms != 0 ? own_ms : run->topology->rto_ms;
    if (own_ms != 0) { /* it is for all, whatever names and pairs have besides */
        report->common_decision_ms = report->decision_ms;
        report->common_ttl_ms = report->ttl_ms;
    }
    report->meets_rto = report->rto_ms != 0 && drill_common_recovery(report) <= report->rto_ms &&
                        report->unserved_count == 0 && report->to_lost_count == 0 && report->late_count == 0;
    if (document != NULL) {
        drill_judge_objectives(&document->objectives, run->arena, report);
    }
    drill_judge_topology(run->view, &run->causes, document == NULL ? NULL : &document->objectives, run->arena,
                         report);
    for (size_t i = 0; i < run->move_count; i++) { /* what was to be rehearsed was not */
        if (run->moves[i].refused != NULL) {
            drill_add_miss(report, run->arena, run->moves[i].refused);
        }
    }
}

static struct drill_weights find_weights(const struct run *run, const struct drill_document *document)
{
    const struct drill_clients *clients = document == NULL ? NULL : &document->clients;
    if (clients != NULL && clients->recording != NULL) {
        return (struct drill_weights){.by_name = clients->recording->shares};
    }
    if (clients == NULL || clients->origin_count == 0) {
        return (struct drill_weights){.by_policy = NULL};
    }
    if (clients->weights != NULL) {
        return (struct drill_weights){.by_policy = clients->weights};
    }
    return (struct drill_weights){
        .by_policy = drill_weigh_classes(run->view, clients, run->scenario->progress, run->arena)};
}

void run_make_report(const struct run *run, struct drill_report *report)
{
    const struct drill_document *document = run->scenario->document;
    report->has_document = document != NULL;
    if (document != NULL) {
        report->title = arena_copy_text(run->arena, document->name);
        report->description = arena_copy_text(run->arena, document->description);
        report->seed = document->seed;
        memcpy(report->resources, document->objectives.resources, sizeof report->resources);
    }
    report->failure = run->causes.items[0].outcome;
    report->from_live = run->scenario->from_live;
    report->progress = run->scenario->progress;
    report->duration_ms = document != NULL ? run->until_ms : run->now_ms;
    list_losses(run, report);
    list_endpoints(run, report);
    list_watchers(run, report);
    list_phases(run, report);
    run_list_events(run, report);
    drill_answers_report(run->answers, find_weights(run, document), report);
    drill_spread_times(document == NULL ? NULL : &document->clients, report);
    if (document != NULL) {
        drill_add_users(&run->causes, &document->clients, run->arena, report);
        drill_list_copies(&run->causes, &document->objectives,
                          run->scenario->from_live ? run->view->health : NULL, run->arena, report);
    }
    judge(run, report);
    report->decider = run->decider;
    report->decider.endpoint = arena_copy_text(run->arena, run->decider.endpoint);
    drill_find_reasons(report, run->arena);
}

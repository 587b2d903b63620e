/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each loss is a document of its own, with an arena of its own: what is kept of its report is a row. */
#include "config.h"

#include "drill/sweep.h"

#include "base/error.h"
#include "base/memory.h"
#include "drill/origins.h"

#include <stdlib.h>

/* Of what is lost: one place, or two. */
struct target {
    enum health_kind kind;
    uint32_t first, second;
    bool is_pair;
};

struct sweep {
    const struct view *view;
    struct arena *arena;
    struct drill_document document; /* with events of ours */
    struct progress *progress;
    struct drill_risk *risks;
    size_t count;
    const char **singles; /* by name of the view: what it hangs on; NULL: nothing */
};

static const char *name_of(const struct conf_topology *topology, enum health_kind kind, uint32_t index)
{
    return kind == HEALTH_AZ ? topology->azs[index].name : topology->regions[index].name;
}

static void set_causes(struct sweep *sweep, const struct target *target, struct drill_cause causes[2])
{
    for (int i = 0; i < 1 + target->is_pair; i++) {
        uint32_t index = i == 0 ? target->first : target->second;
        causes[i] =
            (struct drill_cause){.until_ms = INT64_MAX,
                                 .what = DRILL_PLACE,
                                 .kind = target->kind,
                                 .index = index,
                                 .how = DRILL_LOST,
                                 .outcome = HEALTH_OUTCOME_TIMEOUT,
                                 .text = arena_print(sweep->arena, "%s:%s", health_kind_text(target->kind),
                                                     name_of(sweep->view->topology, target->kind, index))};
    }
    sweep->document.vantages.count = 0; /* what is lost is so for all */
    sweep->document.causes = causes;
    sweep->document.cause_count = 1 + target->is_pair;
}

/* What no names had before the loss is not its doing. */
static void note_names(struct sweep *sweep, const struct drill_report *report, struct drill_risk *risk)
{
    for (size_t i = 0; i < report->name_count; i++) {
        const struct drill_name *name = &report->names[i];
        if (!name->unserved || !name->changes) {
            continue;
        }
        risk->unserved_count++;
        if (!risk->is_pair && sweep->singles[name->owner] == NULL) {
            sweep->singles[name->owner] = risk->lost;
        }
    }
}

static void note_users(struct sweep *sweep, const struct drill_report *report, struct drill_risk *risk)
{
    const struct drill_users *users = report->users;
    risk->failed_share = users->share;
    risk->failed_last_ms = users->last_ms;
    for (size_t i = 0; i < users->capacity_count; i++) {
        if (users->capacities[i].at_ms >= 0 &&
            (risk->region == NULL || users->capacities[i].use > risk->use)) {
            risk->region = arena_share_text(sweep->arena, users->capacities[i].region);
            risk->use = users->capacities[i].use;
        }
    }
}

static int lose(struct sweep *sweep, const struct target *target)
{
    struct drill_cause causes[2];
    struct drill_report report;
    struct arena *arena = arena_new(0);
    struct drill_risk *risk = &sweep->risks[sweep->count++];
    set_causes(sweep, target, causes);
    struct progress own = {.whole = sweep->progress};
    struct drill_scenario scenario = {.document = &sweep->document, .progress = &own};
    int error = drill_simulate(sweep->view, &scenario, arena, &report);
    if (error == 0) {
        const char *between = target->is_pair ? ", " : "", *other = target->is_pair ? causes[1].text : "";
        *risk =
            (struct drill_risk){.lost = arena_print(sweep->arena, "%s%s%s", causes[0].text, between, other),
                                .is_pair = target->is_pair,
                                .names_changed = report.owner_changed_count,
                                .recovery_ms = report.recovery_ms,
                                .reason_count = report.reason_count};
        risk->reasons = arena_alloc(sweep->arena, report.reason_count * sizeof *risk->reasons);
        for (size_t i = 0; i < report.reason_count; i++) {
            risk->reasons[i] = arena_copy_text(sweep->arena, report.reasons[i]);
        }
        note_names(sweep, &report, risk);
        note_users(sweep, &report, risk);
    }
    arena_free(arena);
    return error;
}

/* ---- which ---- */

struct targets {
    struct target *items; /* room for DRILL_SWEEP_MAX */
    size_t count, left_out;
};

static void add_target(struct targets *targets, const struct target *target)
{
    if (targets->count == DRILL_SWEEP_MAX) {
        targets->left_out++;
    } else {
        targets->items[targets->count++] = *target;
    }
}

static void list_kind(struct targets *targets, enum health_kind kind, size_t count, bool pairs)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!pairs) {
            add_target(targets, &(struct target){kind, i, i, false});
        }
        for (uint32_t j = i + 1; pairs && j < count; j++) {
            add_target(targets, &(struct target){kind, i, j, true});
        }
    }
}

/* Azs first, so that a name hangs on the narrowest place. */
static void list_targets(const struct conf_topology *topology, struct targets *targets)
{
    for (int pairs = 0; pairs < 2; pairs++) {
        list_kind(targets, HEALTH_AZ, topology->az_count, pairs != 0);
        list_kind(targets, HEALTH_REGION, topology->region_count, pairs != 0);
    }
}

/* ---- what is kept ---- */

static void sort_risks(struct sweep *sweep, struct drill_sweep *to)
{
    struct drill_risk *sorted = arena_alloc(sweep->arena, sweep->count * sizeof *sorted);
    for (int fails = 1; fails >= 0; fails--) {
        for (size_t i = 0; i < sweep->count; i++) {
            if ((sweep->risks[i].reason_count != 0) == (fails != 0)) {
                sorted[to->risk_count++] = sweep->risks[i];
            }
        }
        to->failed_count = fails != 0 ? to->risk_count : to->failed_count;
    }
    to->risks = sorted;
}

static void list_singles(struct sweep *sweep, struct drill_sweep *to)
{
    size_t names = sweep->view->name_count;
    struct drill_single *singles = arena_alloc(sweep->arena, names * sizeof *singles);
    for (size_t i = 0; i < names; i++) {
        if (sweep->singles[i] != NULL) {
            singles[to->single_count++] = (struct drill_single){
                arena_copy_text(sweep->arena, sweep->view->names[i].owner), sweep->singles[i]};
        }
    }
    to->singles = singles;
}

int drill_sweep(const struct view *view, const struct drill_document *document, struct progress *progress,
                struct arena *arena, struct drill_sweep *to)
{
    struct sweep sweep = {.view = view, .arena = arena, .document = *document, .progress = progress};
    int error = 0;
    *to = (struct drill_sweep){.risk_count = 0};
    if (view->topology == NULL) {
        return ERROR_INVALID;
    }
    struct targets targets = {memory_alloc_array(DRILL_SWEEP_MAX, sizeof *targets.items), 0, 0};
    list_targets(view->topology, &targets);
    to->left_out = targets.left_out;
    sweep.document.duration_ms = drill_document_duration(document);
    sweep.document.move_count = 0; /* nobody does anything else */
    sweep.document.objectives.must_move_count = sweep.document.objectives.must_not_move_count = 0;
    if (document->clients.origin_count != 0) { /* once for all */
        sweep.document.clients.weights = drill_weigh_classes(view, &document->clients, progress, arena);
    }
    sweep.risks = memory_alloc_array(targets.count, sizeof *sweep.risks);
    sweep.singles = memory_alloc_array(view->name_count, sizeof *sweep.singles);
    progress_expect(progress, targets.count);
    for (size_t i = 0; i < targets.count && error == 0; i++) {
        error = lose(&sweep, &targets.items[i]);
        (void)progress_step(progress, 1);
    }
    if (error == 0) {
        sort_risks(&sweep, to);
        list_singles(&sweep, to);
    }
    free(sweep.singles);
    free(sweep.risks);
    free(targets.items);
    return error;
}

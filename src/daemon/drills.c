/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that somebody asks a running server for. They are computed on a worker, over a snapshot. */
#include "config.h"

#include "daemon/drills.h"

#include "daemon/changes.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "base/error.h"
#include "drill/drill.h"
#include "drill/sweep.h"

#include <string.h>

enum { LIST_MAX = 20000 }; /* that a short report has */

/* The short form. */
static int take_losses(const struct view *view, struct admin_drill *asked, struct arena *arena,
                       struct drill_scenario *scenario)
{
    struct drill_loss *parsed = arena_alloc(arena, asked->count * sizeof *parsed);
    for (size_t i = 0; i < asked->count; i++) {
        int error = operate_parse_target(view, asked->losses[i], &parsed[i].kind, &parsed[i].index);
        if (error != 0) {
            asked->bad = asked->losses[i];
            return error;
        }
    }
    bool is_refused = strcmp(asked->failure, "refused") == 0;
    scenario->losses = parsed;
    scenario->loss_count = asked->count;
    scenario->from_live = asked->from_live;
    scenario->failure = is_refused ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_TIMEOUT;
    return 0;
}

static int read_document(const struct view *view, const struct admin_drill *asked, struct arena *arena,
                         struct drill_document *document)
{
    struct drill_vantages enrolled;
    drill_list_enrolled(view->health, arena, &enrolled);
    return drill_parse_document(&(struct drill_source){.path = "the drill",
                                                       .text = asked->document,
                                                       .len = asked->document_len,
                                                       .report = asked->report},
                                &(struct drill_ground){.topology = view->topology,
                                                       .vantages = &view->server->vantages,
                                                       .enrolled = &enrolled,
                                                       .geo = view->geo,
                                                       .geo_count = view->geo_count},
                                arena, document);
}

static int take_document(const struct view *view, struct admin_drill *asked, struct arena *arena,
                         struct drill_scenario *scenario)
{
    struct drill_document *document = arena_alloc(arena, sizeof *document);
    if (view->topology == NULL) {
        return ERROR_INVALID;
    }
    int error = read_document(view, asked, arena, document);
    scenario->document = document;
    scenario->from_live = document->from_live;
    return error;
}

static void tell(struct server *server, const struct drill_report *report)
{
    changes_tell_drill(server->changes, &(struct changes_drill){.lost = report->lost[0],
                                                                .losses = report->lost_count,
                                                                .names_changed = report->changed_count,
                                                                .unserved = report->unserved_count,
                                                                .recovery_ms = report->recovery_ms});
}

static int sweep(const struct view *view, struct admin_drill *asked, struct arena *arena, char **json)
{
    struct drill_document document;
    struct drill_sweep risks;
    int error = view->topology == NULL ? ERROR_INVALID : 0;
    drill_init_document(&document);
    if (error == 0 && asked->document != NULL) {
        error = read_document(view, asked, arena, &document);
    }
    error = error == 0 ? drill_sweep(view, &document, asked->progress, arena, &risks) : error;
    if (error == 0) {
        *json = drill_write_sweep_json(&risks);
    }
    return error;
}

static int sweep_all(struct reader *reader, struct admin_drill *asked, char **json)
{
    struct arena *arena = arena_new(0);
    int error = sweep(reader_begin(reader), asked, arena, json);
    reader_end(reader);
    arena_free(arena);
    return error;
}

int drills_simulate(void *context, struct admin_drill *asked, char **json)
{
    struct reader *reader = context;
    if (asked->sweeps) {
        return sweep_all(reader, asked, json);
    }
    struct arena *arena = arena_new(0);
    struct drill_report report = {.lost_count = 0};
    const struct view *view = reader_begin(reader);
    struct drill_scenario scenario = {.wall_ms = clock_wall_ms(&reader->server->clock),
                                      .progress = asked->progress};
    int error = asked->document != NULL ? take_document(view, asked, arena, &scenario)
                : asked->count == 0     ? ERROR_INVALID
                                        : take_losses(view, asked, arena, &scenario);
    if (error == 0) {
        error = drill_simulate(view, &scenario, arena, &report);
    }
    reader_end(reader);
    if (error == 0) {
        bool is_long = report.name_count + report.course_count > LIST_MAX;
        *json = asked->is_short && is_long ? drill_write_head(&report) : drill_write_json(&report);
        error = *json == NULL ? ERROR_CANCELLED : 0;
    }
    if (error == 0 && report.lost_count != 0) {
        tell(reader->server, &report);
    }
    arena_free(arena);
    return error;
}

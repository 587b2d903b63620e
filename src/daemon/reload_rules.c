/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules and what is read (reload_inside.h): a configuration that takes away what they are for is
 * refused like an order, whichever way it comes, and before the store hears of it. A start loads what there
 * is, and so does what only catches up with it. Of a bundle the order to activate it is judged. */
#include "config.h"

#include "daemon/reload_inside.h"

#include "daemon/changes.h"
#include "daemon/documents.h"
#include "daemon/rules_watch.h"
#include "daemon/rules_lags.h"
#include "daemon/server.h"
#include "daemon/traffic.h"
#include "base/arena.h"

#include <stdlib.h>

void reload_copy_overruling(struct reload *reload, const struct admin_overruling *from)
{
    struct arena *arena = reload->arena;
    const char **names = arena_alloc(arena, (from->count + 1) * sizeof *names);
    for (size_t i = 0; i < from->count; i++) {
        names[i] = arena_copy_text(arena, from->names[i]);
    }
    reload->overruling = (struct admin_overruling){.names = names,
                                                   .count = from->count,
                                                   .actor = arena_copy_text(arena, from->actor),
                                                   .peer = arena_copy_text(arena, from->peer),
                                                   .reason = arena_copy_text(arena, from->reason)};
}

static void report_rules(const struct reload *reload)
{
    const struct report_place place = {.file = reload->server->path};
    for (size_t i = 0; i < reload->rules.count; i++) {
        const struct operate_rule *rule = &reload->rules.items[i];
        if (rule->is_violated) {
            report_add(reload->report, REPORT_ERROR, &place,
                       "what was read violates the safety rule \"%s\": %s; to load it all the same: steerctl "
                       "reload --override-rule %s --reason TEXT",
                       rule->rule->name, rule->why, rule->rule->name);
        }
    }
}

static void judge(struct reload *reload, const struct view *next)
{
    struct server *server = reload->server;
    size_t lag_count;
    struct health_lag_status *lags = rules_list_lags(server, &lag_count);
    struct operate_unserved_ask ask = {.view = reload->previous,
                                       .wall_ms = clock_wall_ms(&server->clock),
                                       .lags = lags,
                                       .lag_count = lag_count,
                                       .last_move_ms = rules_watch_get_last_move(server->rules)};
    if (!traffic_is_behind(server->traffic)) {
        ask.rates = traffic_measure_rates(server->traffic, reload->previous, reload->arena);
    }
    operate_judge_change(&ask, next, reload->arena, &reload->rules);
    operate_keep_rules(&reload->rules, reload->arena);
    free(lags);
}

void reload_judge_rules(struct reload *reload, const struct view *next)
{
    const struct view *before = reload->previous;
    if (reload->is_start || reload->keep != NULL) {
        return;
    }
    if (before->topology != NULL && before->topology->rules.count != 0 &&
        (next != before || reload->overruling.count != 0)) {
        judge(reload, next);
    }
    reload->is_against_rules =
        !operate_rules_allow(&reload->rules, reload->overruling.names, reload->overruling.count);
    if (reload->is_against_rules && !reload->is_edit && !reload->is_dry) {
        report_rules(reload);
    }
}

/* "two,room": those that are violated. */
static const char *join(const struct reload *reload)
{
    const char *text = "";
    for (size_t i = 0; i < reload->rules.count; i++) {
        if (reload->rules.items[i].is_violated) {
            text = arena_print(reload->arena, "%s%s%s", text, text[0] == '\0' ? "" : ",",
                               reload->rules.items[i].rule->name);
        }
    }
    return text;
}

void reload_tell_rules(const struct reload *reload, const char *what, bool good)
{
    const struct admin_overruling *by = &reload->overruling;
    struct server *server = reload->server;
    const char *rules = join(reload);
    if (good && rules[0] != '\0') { /* else it would have been refused */
        changes_tell_overridden(server->changes, rules,
                                &(struct changes_overriding){.target = "configuration",
                                                             .by = reload->is_edit ? "edit" : "reload",
                                                             .actor = by->actor,
                                                             .peer = by->peer,
                                                             .reason = by->reason});
    }
    if (good) {
        documents_note_refused(server->documents, reload->is_edit ? "all" : what, NULL);
    } else if (reload->is_against_rules && !reload->is_edit) {
        const char *why = arena_print(reload->arena,
                                      "the last reload was refused, since what was read violates safety "
                                      "rules (%s): change it, or steerctl reload with --override-rule for "
                                      "each, and --reason",
                                      rules);
        documents_note_refused(server->documents, what, why);
    }
}

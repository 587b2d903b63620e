/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Plain structs -> JSON values of the API (doc/openapi.yaml). Pure. Every function returns a new reference.
 */
#pragma once

#include "admin/admin.h"
#include "admin/fields.h"
#include "admin/problem.h"

#include <jansson.h>

/* NULL is null; what is not UTF-8 is escaped. */
json_t *render_text(const char *text);
json_t *render_name_groups(const char *names); /* "shop,pay" as a list; "": null, all names */
json_t *render_texts(const char *const *texts, size_t count);

json_t *render_problem(const struct problem *problem);
/* Rules that are violated, as errors. */
json_t *render_objective(const struct admin_objective *objective);
json_t *render_rule(const struct admin_rule *rule);
json_t *render_violated(const struct operate_rules *rules);
json_t *render_unserved(const struct operate_unserved *unserved);
json_t *render_target(const struct operate_target *target, field_set fields); /* without its checks */
/* The same as text, for lists that have many; with the checks of an endpoint, NULL: without them. */
struct render_checks {
    const struct admin_monitor *items;
    size_t count;
};
void render_target_row(const struct operate_target *target, field_set fields,
                       const struct render_checks *checks, struct buffer *out);
json_t *render_ramp(const struct health_ramp_status *ramp); /* null: it does not ramp */
/* "regions", "azs", "endpoints": how many ramp; by enum health_kind. */
json_t *render_ramping(const size_t counts[]);
json_t *render_outlook(struct health_outlook outlook);      /* null: nothing is observed */
json_t *render_stay(const struct health_stay_status *stay); /* null: it is not well, or not down */
json_t *render_hold(const struct operate_target *target);   /* null: no safety rule holds it */
json_t *render_monitors(const struct admin_monitor *monitors, size_t count);
/* With where it is, its results, why its verdict is what it is and what has to happen. */
json_t *render_lag(const struct admin_lag *lag);
json_t *render_errors(const struct admin_errors *errors);
json_t *render_lag_counts(const struct health_lag_counts *counts);
json_t *render_try(const char *endpoint, const struct admin_try *made);
json_t *render_check(const struct operate_target *endpoint, const struct admin_monitor *monitor);
json_t *render_override(const struct operate_target *target);      /* null: there is none */
json_t *render_override_item(const struct operate_target *target); /* its override, with kind and name */
json_t *render_dormant(const struct health_dormant *dormant);      /* likewise; its target is gone */
json_t *render_forgotten(enum health_kind kind,
                         const char *name); /* one that was dormant and is not any more */
json_t *render_zone(const struct view_zone *zone, const struct admin_secondary *secondaries, size_t count);
json_t *render_geo(const struct admin_geo *geo);
json_t *render_name(const struct view_name *name, const struct admin_verbs *verbs, void *reader);
json_t *render_explanation(const struct operate_explanation *explanation);
/* As it is answered: without assumptions, of a moment of the past or now (NULL). */
json_t *render_explained(const struct operate_explanation *explanation, const struct admin_moment *moment);
json_t *render_moment(const struct admin_moment *moment);
json_t *render_difference(const struct admin_difference *difference);
json_t *render_switchover(const struct switchover *switchover, bool with_notes);
json_t *render_ignored_rules(const struct operate_rules *rules); /* those that are violated; NULL: none */
json_t *render_switchover_look(const struct switchover_look *look);
json_t *render_what_if(const struct operate_report *report); /* of a what-if */
json_t *render_comparison(const struct operate_comparison *changes);
json_t *render_takeover(const struct admin_takeover_result *result);
json_t *render_reload(const struct admin_reload_result *result);

/* How many of a kind there are in each effective state: {"total": …, "healthy": …, …}. */
json_t *render_counts(const struct operate_targets *targets);
/* What is being computed. */
/* Who was heard of and counts; null: nobody can come, and nobody has. */
json_t *render_vantage_counts(const struct admin_vantages *vantages);
json_t *render_check_files(const struct admin_file *files, size_t count);
json_t *render_brakes(const struct admin_info *info);
json_t *render_contact(const struct admin_serving *serving);
json_t *render_live(const struct admin_live *live); /* null: there is none */
/* waiting: endpoints of which nothing was heard since the start. */
json_t *render_last(const struct admin_last *last, size_t waiting);
json_t *render_work(const struct worker_stats *work);
json_t *render_archive(const struct admin_archive *archive);
json_t *render_store(const struct admin_store *store);
json_t *render_value(const char *value); /* JSON of the store; NULL is null */
json_t *render_entry(const struct admin_entry *entry);
json_t *render_point(const struct point *point);
/* Recovery points in the status; null: there is nowhere to keep any. */
json_t *render_points(const struct admin_points_stats *stats);
json_t *render_restore(const struct admin_restore_result *result);
json_t *render_audit(const struct admin_audit *audit);
/* What does not come from the counts. */
json_t *render_info(const struct admin_info *info);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each objective that was missed becomes a sentence. */
#include "config.h"

#include "drill/objectives.h"

#include "base/memory.h"
#include "conf/value.h"
#include "drill/reasons.h"

#include <stdlib.h>
#include <string.h>

/* Room grows when their number is a power of two. */
void drill_add_miss(struct drill_report *report, struct arena *arena, const char *text)
{
    size_t count = report->miss_count;
    if ((count & (count - 1)) == 0) {
        const char **misses = arena_alloc(arena, (count == 0 ? 1 : 2 * count) * sizeof *misses);
        if (count != 0) {
            memcpy(misses, report->misses, count * sizeof *misses);
        }
        report->misses = misses;
    }
    report->misses[report->miss_count++] = text;
}

/* By owner: does any answer of it change? Owned. */
static bool *find_moved(const struct drill_report *report)
{
    uint32_t last = 0;
    for (size_t i = 0; i < report->name_count; i++) {
        last = report->names[i].owner > last ? report->names[i].owner : last;
    }
    bool *moved = memory_alloc_array((size_t)last + 1, sizeof *moved);
    for (size_t i = 0; i < report->name_count; i++) {
        moved[report->names[i].owner] |= report->names[i].changes;
    }
    return moved;
}

/* A name has moved when any of its answers has, of whatever type and class: the first that has not, or has.
 */
static void judge_pattern(struct drill_report *report, struct arena *arena, const char *pattern,
                          const bool *moved, bool must)
{
    size_t matching = 0;
    const struct drill_name *found = NULL;
    for (size_t i = 0; i < report->name_count && !progress_is_cancelled(report->progress); i++) {
        const struct drill_name *name = &report->names[i];
        if (value_matches(pattern, name->name)) {
            matching++;
            found = found == NULL && (must ? !moved[name->owner] : name->changes) ? name : found;
        }
    }
    if (matching == 0) {
        drill_add_miss(report, arena,
                       arena_print(arena, "no steered name is %s, which %s", pattern,
                                   must ? "must move" : "must not move"));
    } else if (found != NULL) {
        drill_add_miss(report, arena,
                       must ? arena_print(arena, "%s %s (%s) must move, and stays at %s", found->name,
                                          found->type, found->class_label, found->before)
                            : arena_print(arena, "%s %s (%s) must not move, and goes from %s to %s",
                                          found->name, found->type, found->class_label, found->before,
                                          found->after));
    }
}

/* Of what users notice. */
static void judge_users(const struct drill_objectives *objectives, struct arena *arena,
                        struct drill_report *report)
{
    const struct drill_users *users = report->users;
    if (objectives->has_max_failed && users->share > objectives->max_failed + 1e-9) {
        drill_add_miss(report, arena,
                       arena_print(arena,
                                   "%.3g %% of all requests fail, %.3g %% may: up to %.3g %% at once, "
                                   "from %.1f s to %.1f s",
                                   100 * users->share, 100 * objectives->max_failed, 100 * users->worst,
                                   (double)users->first_ms / 1000, (double)users->last_ms / 1000));
    }
    for (size_t i = 0; objectives->capacity != 0 && i < users->capacity_count; i++) {
        const struct drill_capacity *own = &users->capacities[i];
        if (own->at_ms >= 0 && own->use > objectives->capacity + 1e-9) {
            drill_add_miss(
                report, arena,
                arena_print(arena,
                            "region %s needs %.0f %% of its capacity of %.0f/s at %.1f s, %.0f %% may be "
                            "needed",
                            own->region, 100 * own->use, own->capacity, (double)own->at_ms / 1000,
                            100 * objectives->capacity));
        }
    }
}

static void judge_copies(const struct drill_objectives *objectives, struct arena *arena,
                         struct drill_report *report)
{
    char at[DRILL_SECONDS_SIZE], lag[DRILL_SECONDS_SIZE], rpo[DRILL_SECONDS_SIZE];
    for (size_t i = 0; objectives->rpo_ms != 0 && i < report->copy_count; i++) {
        const struct drill_copy *copy = &report->copies[i];
        (void)drill_write_seconds(copy->at_ms, at);
        (void)drill_write_seconds(copy->rpo_ms, rpo);
        if (copy->lag_ms < 0) {
            drill_add_miss(
                report, arena,
                arena_print(arena,
                            "nothing says how far the copy from %s to %s is behind when %s is lost at %s, "
                            "the RPO is %s",
                            copy->from, copy->to, copy->lost, at, rpo));
        } else if (copy->lag_ms > copy->rpo_ms) {
            drill_add_miss(
                report, arena,
                arena_print(arena, "the copy from %s to %s is %s behind when %s is lost at %s, the RPO is %s",
                            copy->from, copy->to, drill_write_seconds(copy->lag_ms, lag), copy->lost, at,
                            rpo));
        }
    }
}

void drill_judge_objectives(const struct drill_objectives *objectives, struct arena *arena,
                            struct drill_report *report)
{
    if (report->is_cut) {
        drill_add_miss(report, arena,
                       arena_print(arena, "the drill ends early, at %.0f s: more happens than a report holds",
                                   (double)report->duration_ms / 1000));
    }
    if (report->users != NULL) {
        judge_users(objectives, arena, report);
    }
    judge_copies(objectives, arena, report);
    bool *moved = find_moved(report);
    for (size_t i = 0; i < objectives->must_move_count; i++) {
        judge_pattern(report, arena, objectives->must_move[i], moved, true);
    }
    for (size_t i = 0; i < objectives->must_not_move_count; i++) {
        judge_pattern(report, arena, objectives->must_not_move[i], moved, false);
    }
    free(moved);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See restore_parts.h. Over a snapshot, which nothing changes; waits for the disk. */
#include "config.h"

#include "daemon/restore_parts.h"

#include "daemon/override_json.h"
#include "daemon/rules.h"
#include "daemon/rules_lags.h"
#include "daemon/server.h"
#include "base/error.h"
#include "past/kept.h"
#include "past/lines.h"

#include <stdio.h>
#include <string.h>

/* ---- what is wanted, on the worker ---- */

int restore_refuse(struct restore *restore, enum admin_restore_trouble trouble, int error, const char *why)
{
    restore->result.trouble = trouble;
    restore->result.error = error;
    restore->result.why =
        arena_copy_text(restore->planned, why != NULL && why[0] != '\0' ? why : error_text(error));
    return error;
}

static struct store_reader *open_store(struct restore *restore)
{
    const char *folder = durable_get_folder(restore->all->server->durable);
    struct store_reader *reader = NULL;
    if (folder == NULL) {
        (void)restore_refuse(restore, ADMIN_RESTORE_STORE, ERROR_NOT_FOUND,
                             "steerd.json has no \"state\": nothing is kept");
        return NULL;
    }
    struct report *report = report_new();
    int error = store_reader_open(folder, report, &reader);
    if (error != 0) {
        (void)restore_refuse(restore, ADMIN_RESTORE_STORE, error,
                             report_count(report) == 0 ? NULL : report_get(report, 0)->message);
    } else {
        store_reader_set_progress(reader, &restore->job.progress);
    }
    report_free(report);
    return reader;
}

static struct objects *read_moment(struct restore *restore, int64_t wall_ms)
{
    char why[OBJECTS_WHY_SIZE] = "";
    struct kept_moment moment;
    struct objects *objects = NULL;
    struct store_reader *reader = open_store(restore);
    if (reader == NULL) {
        return NULL;
    }
    int error = kept_find_moment(reader, restore->asked.to, wall_ms, restore->planned, &moment, why);
    if (error == ERROR_SYNTAX || error == ERROR_INVALID || error == ERROR_NOT_FOUND) {
        (void)restore_refuse(restore, ADMIN_RESTORE_MOMENT, error, why);
    } else if (error == 0) {
        const struct objects_ask ask = {.reader = reader,
                                        .folder = durable_get_folder(restore->all->server->durable),
                                        .seq = moment.seq,
                                        .wall_ms = moment.wall_ms};
        error = objects_open(&ask, &objects, why);
        restore->result.seq = moment.seq;
        restore->result.time_ms = moment.wall_ms;
        restore->result.id = moment.id;
    }
    if (error != 0 && restore->result.trouble == ADMIN_RESTORE_GOOD) {
        (void)restore_refuse(restore, ADMIN_RESTORE_STORE, error, why);
    }
    store_reader_close(reader);
    return objects;
}

static bool take_line(void *context, const struct store_object *object, size_t line)
{
    (void)line;
    objects_add(context, object);
    return true;
}

static struct objects *read_lines(struct restore *restore)
{
    char why[LINES_WHY_SIZE];
    const struct store_object *twice;
    struct objects *objects = objects_new();
    int error = lines_walk(restore->asked.lines, restore->asked.lines_len, restore->planned, take_line,
                           objects, &restore->result.line, why);
    if (error == 0 && !objects_sort(objects, &twice)) {
        error = ERROR_SYNTAX;
        restore->result.line = 0;
        snprintf(why, sizeof why, "%s/%s is there twice", twice->kind, twice->key);
    }
    if (error != 0) {
        (void)restore_refuse(restore, ADMIN_RESTORE_LINES, error, why);
        objects_close(objects);
        return NULL;
    }
    restore->result.line = 0;
    return objects;
}

static bool make_plan(struct restore *restore, const struct view *view, int64_t wall_ms)
{
    const struct store_object *bad = NULL;
    const char *why = NULL;
    bool is_import = restore->asked.to == NULL;
    struct objects *objects = is_import ? read_lines(restore) : read_moment(restore, wall_ms);
    if (objects == NULL) {
        return false;
    }
    const struct override_clock clock = {restore->all->server->boot, restore->clock_offset_ms};
    const struct restore_wanted wanted = {.objects = objects,
                                          .clock = &clock,
                                          .keeps_others = is_import && !restore->asked.replaces,
                                          .is_import = is_import,
                                          .actor = restore->asked.actor,
                                          .peer = restore->asked.peer,
                                          .reason = restore->asked.reason,
                                          .limit = restore->asked.limit,
                                          .wall_ms = wall_ms};
    int error = restore_make_plan(&wanted, view, restore->planned, &restore->plan, &bad, &why);
    if (error == ERROR_SYNTAX) {
        (void)restore_refuse(restore, ADMIN_RESTORE_LINES, error,
                             arena_print(restore->planned, "%s/%s: %s", bad->kind, bad->key, why));
    }
    objects_close(objects);
    return error == 0;
}

/* ---- what it would do, on the worker ---- */

static struct health_spell *list_spells(const struct view *view, struct arena *arena, size_t *count)
{
    *count = health_count_overrides(view->health);
    struct health_spell *spells = arena_alloc(arena, *count * sizeof *spells);
    *count = health_list_spells(view->health, 0, spells, *count);
    return spells;
}

static int judge(struct restore *restore, const struct view *before, const struct view *after,
                 int64_t wall_ms)
{
    enum { NAMES = ADMIN_UNSERVED_MAX };
    struct operate_unserved_ask ask = {
        .view = before, .wall_ms = wall_ms, .limit = NAMES, .progress = &restore->job.progress};
    ask.spells = list_spells(before, restore->planned, &ask.spell_count);
    ask.after = list_spells(after, restore->planned, &ask.after_count);
    ask.lag_count = operate_count_lags(before);
    struct health_lag_status *lags = arena_alloc(restore->planned, ask.lag_count * sizeof *lags);
    (void)operate_list_lags(before, clock_now_ms(&restore->all->server->clock), 0, lags, ask.lag_count);
    ask.lags = lags;
    ask.last_move_ms = restore->reader->last_move_ms;
    rules_weigh_names(restore->all->server, &ask, restore->planned);
    operate_judge_rules(&ask, restore->planned, &restore->rules);
    operate_keep_rules(&restore->rules, restore->planned);
    return operate_find_unserved(&ask, restore->planned, &restore->unserved);
}

static int preview(struct restore *restore, const struct view *before, int64_t wall_ms)
{
    struct view *after = view_copy(before, wall_ms, NULL);
    for (size_t i = 0; i < restore->plan.ops.count && !progress_is_cancelled(&restore->job.progress); i++) {
        (void)batch_apply(after, &restore->plan.ops.items[i], wall_ms);
    }
    const struct operate_what_if question = {.view = {before, after},
                                             .policy = -1,
                                             .limit = restore->asked.limit,
                                             .wall_ms = wall_ms,
                                             .progress = &restore->job.progress};
    int error = operate_report_what_if(&question, restore->planned, &restore->answers);
    error = error != 0 ? error : judge(restore, before, after, wall_ms);
    view_free(after);
    if (error == 0) {
        restore->result.answers = &restore->answers;
        restore->result.unserved = &restore->unserved;
        restore->result.rules = &restore->rules;
        restore->result.rule_names = restore->asked.rules;
        restore->result.rule_count = restore->asked.rule_count;
    }
    return error;
}

static void fill_result(struct restore *restore)
{
    const struct restore_plan *plan = &restore->plan;
    memcpy(restore->result.fates, plan->fates, sizeof plan->fates);
    restore->result.dormant = plan->dormant;
    restore->result.left_alone = plan->left_alone;
    restore->result.items = plan->items;
    restore->result.item_count = plan->item_count;
}

void restore_look(struct restore *restore, const struct view *view, int64_t wall_ms)
{
    if (make_plan(restore, view, wall_ms)) {
        int error = restore->plan.ops.count == 0 ? 0 : preview(restore, view, wall_ms);
        if (error != 0) {
            (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, error, NULL);
        }
        fill_result(restore);
    }
}

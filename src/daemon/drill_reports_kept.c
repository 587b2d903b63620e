/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The reports that there are: kept, listed, read from the store. It writes nothing, so what reads the store
 * late may call it. */
#include "config.h"

#include "daemon/drill_reports_inside.h"

#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/store.h"
#include "view/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the list ---- */

struct kept_report *drill_reports_find(const struct drill_reports *all, const char *id)
{
    struct kept_report *kept = all->first;
    while (kept != NULL && strcmp(kept->fact.id, id) != 0) {
        kept = kept->next;
    }
    return kept;
}

void drill_reports_write_id(struct drill_reports *all, struct drill_fact *fact)
{
    time_t seconds = (time_t)(fact->at_ms / 1000);
    struct tm parts;
    char stamp[20];
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
    while (fact->id[0] == '\0' || drill_reports_find(all, fact->id) != NULL) {
        all->number = all->second == (int64_t)seconds ? all->number + 1 : 1; /* also of those that are gone */
        all->second = (int64_t)seconds;
        snprintf(fact->id, sizeof fact->id, "%.17s-r%u", stamp, all->number);
    }
}

struct kept_report *drill_reports_put(struct drill_reports *all, const struct drill_fact *fact, char *text)
{
    struct kept_report *kept = memory_alloc(sizeof *kept);
    struct kept_report **at = &all->first;
    while (*at != NULL && (*at)->fact.at_ms > fact->at_ms) {
        at = &(*at)->next;
    }
    *kept = (struct kept_report){.next = *at, .fact = *fact, .text = text};
    *at = kept;
    all->count++;
    return kept;
}

void drill_reports_drop(struct drill_reports *all, struct kept_report *kept)
{
    struct kept_report **at = &all->first;
    while (*at != kept) {
        at = &(*at)->next;
    }
    *at = kept->next;
    all->count--;
    free(kept->text);
    free(kept->observed);
    free(kept);
}

/* The oldest one, if there are too many of them. Returns its ID, owned. */
char *drill_reports_drop_surplus(struct drill_reports *all)
{
    struct kept_report *oldest = all->first;
    const struct view *view = all->server->view; /* NULL: it is being made */
    if (view == NULL || all->count <= view->server->drills.keep) {
        return NULL;
    }
    while (oldest->next != NULL) {
        oldest = oldest->next;
    }
    char *id = memory_copy_text(oldest->fact.id);
    drill_reports_drop(all, oldest);
    return id;
}

/* ---- from the store ---- */

static void learn_one(struct drill_reports *all, const char *id, const char *value)
{
    struct drill_fact fact;
    const char *why;
    if (drill_fact_read(id, value, &fact, &why) != 0) {
        log_warning("drill not understood id=%s why=\"%s\"", id, why);
    } else if (drill_reports_find(all, id) == NULL) {
        drill_reports_put(all, &fact, NULL);
    }
}

static bool read_one(void *context, const struct store_object *object)
{
    learn_one(context, object->key, object->value);
    return true;
}

void drill_reports_begin(struct drill_reports *all, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = folder == NULL ? ERROR_NOT_FOUND : store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, DRILL_KIND, "", NULL, read_one, all);
        store_reader_close(reader);
    }
    report_free(report);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_warning("drills cannot be read why=\"%s\" effect=\"those from before are not listed\"",
                    error_text(error));
    }
}

void drill_reports_regain(struct drill_reports *all, const char *id, const char *value)
{
    if (all != NULL) {
        learn_one(all, id, value);
    }
}

/* ---- listing ---- */

static void fill(const struct kept_report *kept, bool is_whole, struct arena *arena, struct admin_report *to)
{
    char *json = drill_fact_write_shown(&kept->fact);
    *to = (struct admin_report){.id = arena_copy_text(arena, kept->fact.id),
                                .json = arena_copy_text(arena, json),
                                .report = is_whole ? arena_copy_text(arena, kept->text) : NULL,
                                .observed = is_whole ? arena_copy_text(arena, kept->observed) : NULL,
                                .has_report = kept->fact.octets != 0};
    free(json);
}

size_t drill_reports_list(void *context, const char *id, struct arena *arena, struct admin_report **items)
{
    const struct drill_reports *all = ((const struct server *)context)->drill_reports;
    size_t count = 0;
    *items = arena_alloc(arena, (all->count + 1) * sizeof **items);
    for (const struct kept_report *kept = all->first; kept != NULL; kept = kept->next) {
        if (id == NULL || strcmp(id, kept->fact.id) == 0) {
            fill(kept, id != NULL, arena, &(*items)[count++]);
        }
    }
    return count;
}

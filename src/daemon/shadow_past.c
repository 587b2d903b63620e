/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which drills run is written down, so that the next process can say of those that this one did not end that
 * they were interrupted. Nothing else is read from there: no answer follows from it. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/changes.h"
#include "daemon/drill_reports.h"
#include "daemon/live.h"
#include "daemon/live_stops.h"
#include "daemon/server.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/scribe.h"
#include "base/statefile.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODE = 0600, PATIENCE_MS = 1000 };

struct shadow_notes {
    char *path;
    struct scribe *scribe;
    pthread_mutex_t lock; /* of: */
    char *text;           /* a drill in a line, as the API shows it */
};

/* On the scribe's thread. */
static int save(void *context)
{
    struct shadow_notes *notes = context;
    pthread_mutex_lock(&notes->lock);
    char *text = memory_copy_text(notes->text);
    pthread_mutex_unlock(&notes->lock);
    int error = statefile_write(notes->path, MODE, text, strlen(text));
    free(text);
    return error;
}

void shadows_write_down(struct shadows *all)
{
    struct buffer text;
    if (all->notes == NULL) {
        return;
    }
    buffer_init(&text);
    for (struct shadow *shadow = all->first; shadow != NULL; shadow = shadow->next) {
        if (shadow->state == SHADOW_RUNNING) {
            char *line = shadow_write(shadow, false);
            buffer_print(&text, "%s\n", line);
            free(line);
        }
    }
    pthread_mutex_lock(&all->notes->lock);
    free(all->notes->text);
    all->notes->text = memory_copy_text(text.len == 0 ? "" : text.bytes);
    pthread_mutex_unlock(&all->notes->lock);
    buffer_fini(&text);
    scribe_ask(all->notes->scribe);
}

static const char *get(const json_t *drill, const char *key)
{
    const char *text = json_string_value(json_object_get(drill, key));
    return text == NULL ? "" : text;
}

/* Of a live one: percent of all clients that saw it; else 0. */
static unsigned get_share(const json_t *drill)
{
    json_int_t share = json_integer_value(json_object_get(json_object_get(drill, "live"), "share"));
    return share < 0 || share > 100 ? 0 : (unsigned)share;
}

/* It is not there any more: this is what is told of it. */
static void add(struct shadows *all, json_t *drill)
{
    char now[CLOCK_TEXT_SIZE];
    struct shadow *shadow = memory_alloc(sizeof *shadow);
    const char *lost = json_string_value(json_array_get(json_object_get(drill, "lose"), 0));
    shadow->all = all;
    shadow->state = SHADOW_ENDED;
    shadow->because = "restart";
    snprintf(shadow->id, sizeof shadow->id, "%s", get(drill, "id"));
    (void)clock_parse_rfc3339(get(drill, "started"), &shadow->started_ms);
    pthread_mutex_init(&shadow->lock, NULL);
    pthread_cond_init(&shadow->news, NULL);
    clock_write_rfc3339(clock_wall_ms(&all->server->clock), now);
    json_object_set_new(drill, "state", json_string("ended"));
    json_object_set_new(drill, "because", json_string(shadow->because));
    json_object_set_new(drill, "complete", json_false());
    json_object_set_new(drill, "ended", json_string(now));
    shadow->past = json_dumps(drill, JSON_COMPACT | JSON_REAL_PRECISION(6));
    shadow->next = all->first;
    all->first = shadow;
    changes_tell_shadow(all->server->changes, &(struct changes_shadow){.id = shadow->id,
                                                                       .turn = "ended",
                                                                       .lost = lost == NULL ? "-" : lost,
                                                                       .losses = 1,
                                                                       .because = shadow->because,
                                                                       .live = get_share(drill),
                                                                       .decision_ms = -1,
                                                                       .sampled = -1});
    if (get_share(drill) != 0) {
        live_note_interrupted(all->server, shadow->id);
        shadow->is_left = true; /* what it did in production is undone as soon as there is a view */
        shadows_tick_soon(all);
    }
    drill_reports_take(all->server->drill_reports,
                       &(struct drill_origin){.id = shadow->id,
                                              .at_ms = shadow->started_ms,
                                              .actor = get(drill, "actor"),
                                              .peer = get(drill, "peer"),
                                              .reason = get(drill, "reason"),
                                              .why_not = "interrupted: restart"},
                       shadow->past, NULL);
}

static void read_lines(struct shadows *all, char *text)
{
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        json_t *drill = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (get(drill, "id")[0] != '\0' && strlen(get(drill, "id")) < SHADOW_ID_SIZE &&
            get(drill, "started")[0] != '\0') {
            add(all, drill);
        }
        json_decref(drill);
    }
}

static bool is_known(const struct shadows *all, const char *id)
{
    const struct shadow *shadow = all->first;
    while (shadow != NULL && strcmp(shadow->id, id) != 0) {
        shadow = shadow->next;
    }
    return shadow != NULL;
}

/* A live one that the store knows; its line may not have been written any more. */
static void add_stored(void *context, const char *id, json_t *drill)
{
    struct shadows *all = context;
    if (is_known(all, id)) {
        return;
    }
    if (strcmp(get(drill, "id"), id) == 0 && strlen(id) < SHADOW_ID_SIZE) {
        add(all, drill);
    } else {
        live_note_interrupted(all->server, id);
    }
}

void shadows_learn_late(struct shadows *all)
{
    for (struct shadow_kept *kept; (kept = shadow_pop_kept(all)) != NULL;) {
        if (strcmp(kept->kind, LIVE_STOP_KIND) == 0) {
            live_stops_regain(all->stops, kept->key, kept->value);
        } else {
            json_t *object = json_loads(kept->value, JSON_REJECT_DUPLICATES, NULL);
            add_stored(all, kept->key, json_object_get(object, "drill"));
            json_decref(object);
        }
        shadow_free_kept(kept);
    }
}

void shadows_learn(struct shadows *all, const char *state_path, bool is_heir)
{
    struct file file;
    char *text = NULL;
    size_t len;
    if (state_path == NULL || all->notes != NULL) {
        return;
    }
    struct shadow_notes *notes = memory_alloc(sizeof *notes);
    notes->path = memory_print("%s/drills", state_path);
    notes->text = memory_copy_text("");
    pthread_mutex_init(&notes->lock, NULL);
    notes->scribe = scribe_open(save, notes);
    if (!is_heir && statefile_read(notes->path, &file, &text, &len) != 0) {
        log_warning("what is written of drills cannot be read file=%s why=\"%s\"", notes->path, file.why);
    }
    all->notes = notes;
    if (notes->scribe == NULL) {
        shadows_forget_notes(all);
    } else if (text != NULL && text[0] != '\0') {
        read_lines(all, text);
        shadows_write_down(all);
    }
    free(text);
    live_stops_learn(all->stops, state_path);
    if (!is_heir) {
        live_learn(state_path, add_stored, all);
    }
}

void shadows_forget_notes(struct shadows *all)
{
    struct shadow_notes *notes = all->notes;
    all->notes = NULL;
    if (notes == NULL || (notes->scribe != NULL && !scribe_close(notes->scribe, PATIENCE_MS))) {
        return; /* a disk hangs: the thread goes on with it */
    }
    pthread_mutex_destroy(&notes->lock);
    free(notes->text);
    free(notes->path);
    free(notes);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See documents.h. What the control thread does about them: which set serves, what goes into the store, and
 * what is told. */
#include "config.h"

#include "daemon/documents_load.h"

#include "daemon/answers.h"
#include "daemon/durable.h"
#include "daemon/ends.h"
#include "daemon/rollouts_choose.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/kinds.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { EDITS_TOLD = 16 << 10 }; /* octets of edits in an entry of the journal, about */

struct documents {
    struct server *server;
    documents_choose_fn *choose;
    pthread_mutex_t mutex; /* of what follows */
    struct documents_set *current;
    char *refused, *refused_what; /* why the last reload of that was; NULL: it was not */
};

/* What is on its way to the store. */
struct commit {
    struct store_job job; /* the first, so that one is the other */
    struct documents_load *load;
    struct store_op *ops;
    uint64_t *seqs;
    struct document **items; /* of them */
    size_t count;
    void (*done)(void *argument, int error);
    void *argument;
};

/* ---- sets ---- */

struct documents_set *documents_hold(struct documents *documents)
{
    pthread_mutex_lock(&documents->mutex);
    struct documents_set *set = documents->current;
    if (set != NULL) {
        atomic_fetch_add(&set->uses, 1);
    }
    pthread_mutex_unlock(&documents->mutex);
    return set;
}

/* ---- one load ---- */

static const struct edit_condition *copy_condition(const struct edit_condition *from, struct arena *arena)
{
    if (from == NULL) {
        return NULL;
    }
    struct edit_condition *condition = arena_copy(arena, from, sizeof *from);
    condition->tags = arena_copy(arena, from->tags, from->count * sizeof *from->tags);
    return condition;
}

static const struct admin_edits *copy_edits(const struct admin_edits *from, struct arena *arena)
{
    struct admin_edits *edits = arena_copy(arena, from, sizeof *from);
    struct edit *items = arena_alloc(arena, (from->count + 1) * sizeof *items);
    for (size_t i = 0; i < from->count; i++) {
        items[i] = from->items[i];
        items[i].name = arena_copy_text(arena, items[i].name);
        items[i].origin = arena_copy_text(arena, items[i].origin);
        items[i].value = arena_copy_text(arena, items[i].value);
        items[i].condition = copy_condition(items[i].condition, arena);
    }
    edits->items = items;
    edits->name = arena_copy_text(arena, from->name);
    edits->actor = arena_copy_text(arena, from->actor);
    edits->peer = arena_copy_text(arena, from->peer);
    edits->reason = arena_copy_text(arena, from->reason);
    edits->request = arena_copy_text(arena, from->request);
    edits->receipt = answers_copy(from->receipt, arena);
    return edits;
}

struct documents_load *documents_begin(struct server *server, const struct documents_options *options)
{
    struct documents_load *load = memory_alloc(sizeof *load);
    *load = (struct documents_load){.documents = server->documents,
                                    .server = server,
                                    .arena = arena_new(0),
                                    .may_write = options->may_write,
                                    .is_start = options->is_start,
                                    .before = documents_hold(server->documents),
                                    .at = SIZE_MAX,
                                    .choose = server->documents->choose,
                                    .is_from_asked = options->bundle != NULL};
    load->chooser =
        (struct source_chooser){.context = load, .choose = documents_choose, .is_asked = load->is_from_asked};
    if (options->bundle != NULL) {
        snprintf(load->bundle, sizeof load->bundle, "%s", options->bundle);
    }
    if (options->edits != NULL) {
        load->edits = copy_edits(options->edits, load->arena);
    }
    return load;
}

void documents_follow(struct documents_load *load)
{
    documents_release(load->before);
    load->before = documents_hold(load->documents);
}

/* Is something in the store that files own? */
static bool is_left(const struct documents_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->owner == CONF_OWNER_FILES && set->items[i].revision != 0) {
            return true;
        }
    }
    return false;
}

/* Has it to be told to the store? What files own, that it is gone. */
static bool is_to_store(const struct documents_set *set, const struct document *document)
{
    return document->is_written && (document->real != NULL || set->owner == CONF_OWNER_FILES);
}

void documents_end(struct documents_load *load)
{
    if (load != NULL) {
        if (load->is_adopted && load->folder != NULL) {
            rollouts_note(load->folder, load->is_of_bundle ? load->set->bundle : NULL);
        }
        if (load->is_adopted && load->folder != NULL && load->set->owner == CONF_OWNER_API) {
            documents_write_note(load);
        } else if (load->is_adopted && load->folder != NULL && !is_left(load->set)) {
            documents_drop_note(load);
        }
        documents_release(load->before);
        documents_release(load->set);
        arena_free(load->arena);
        free(load->folder);
        free(load);
    }
}

const struct source_chooser *documents_get_chooser(const struct documents_load *load)
{
    return &load->chooser;
}

const char *documents_get_bundle(const struct documents *documents)
{
    return documents->current == NULL ? "" : documents->current->bundle;
}

bool documents_have_edits(const struct documents_load *load)
{
    return load != NULL && load->edits != NULL;
}

/* ---- into the store ---- */

static json_t *tell_edit(const struct documents_load *load, const struct edit *edit)
{
    static const char *const whats[] = {[EDIT_PUT] = "put", [EDIT_MERGE] = "merge", [EDIT_DELETE] = "delete"};
    json_t *told = json_object();
    json_object_set_new(told, "op", json_string(whats[edit->what]));
    json_object_set_new(told, "kind", json_string(edit_kind_text(edit->kind)));
    json_object_set_new(told, "name", json_string(edit->name));
    if (edit->origin != NULL) {
        json_object_set_new(told, "zone", json_string(edit->origin));
    }
    if (edit->value != NULL && edit->kind != EDIT_DOCUMENT && strlen(edit->value) <= EDITS_TOLD) {
        json_object_set_new(
            told, "value",
            json_loads(redaction_apply(&load->redaction, edit->value, load->arena), JSON_DECODE_ANY, NULL));
    }
    return told;
}

/* The journal says what was asked, as far as that is short, but for secrets: nothing is read back from it,
 * the content is in STATE/documents. */
static char *write_value(const struct documents_load *load, const struct document *document)
{
    char *bare = documents_write_value(document);
    json_t *value = json_loads(bare, 0, NULL), *edits = json_array();
    size_t octets = 0, told = 0;
    size_t count = load->edits == NULL || !document->is_edited ? 0 : load->edits->count;
    while (told < count && octets <= EDITS_TOLD) {
        const struct edit *edit = &load->edits->items[told++];
        octets += 64 + strlen(edit->name) + (edit->value == NULL ? 0 : strlen(edit->value));
        json_array_append_new(edits, tell_edit(load, edit));
    }
    if (count != 0) {
        json_object_set(value, "edits", edits);
        json_object_set_new(value, "edits_left_out", json_integer((json_int_t)(count - told)));
    }
    char *text = json_dumps(value, JSON_COMPACT);
    json_decref(edits);
    json_decref(value);
    free(bare);
    return text;
}

static void free_commit(struct commit *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        free((void *)(uintptr_t)commit->ops[i].value);
    }
    free(commit->ops);
    free(commit->seqs);
    free(commit->items);
    free(commit);
}

static void on_stored(struct store_job *job)
{
    struct commit *commit = (struct commit *)job;
    for (size_t i = 0; i < commit->count && job->error == 0; i++) {
        struct document *document = commit->items[i];
        document->revision = commit->ops[i].value == NULL ? 0 : commit->seqs[i];
        document->is_written = false;
    }
    if (job->error == 0 && commit->load->edits == NULL) {
        bool is_api = commit->load->set->owner == CONF_OWNER_API;
        log_info("documents %s count=%zu owner=%s",
                 is_api ? "taken over from files" : "forgotten that the API owned", commit->count,
                 is_api ? "api" : "files");
    }
    commit->done(commit->argument, job->error);
    free_commit(commit);
}

bool documents_commit(struct documents_load *load, void (*done)(void *argument, int error), void *argument)
{
    const struct server *server = load->documents->server;
    struct documents_set *set = load->set;
    struct commit *commit = memory_alloc(sizeof *commit);
    commit->ops = memory_alloc_array(set->count + 1, sizeof *commit->ops);
    commit->seqs = memory_alloc_array(set->count + 1, sizeof *commit->seqs);
    commit->items = memory_alloc_array(set->count, sizeof *commit->items);
    for (size_t i = 0; i < set->count && commit->count < STORE_OPS_MAX - 1; i++) {
        struct document *document = &set->items[i];
        if (is_to_store(set, document)) {
            commit->items[commit->count] = document;
            commit->ops[commit->count++] = (struct store_op){
                .kind = DOCUMENT_KIND,
                .key = document->name,
                .value = set->owner == CONF_OWNER_FILES ? NULL : write_value(load, document),
                .if_revision = document->revision};
        }
    }
    if (commit->count == 0 || !durable_has_store(server->durable)) {
        free_commit(commit);
        return false;
    }
    bool is_edit = load->edits != NULL;
    unsigned marks =
        is_edit ? answers_add_op(load->edits->receipt, load->arena, &commit->ops[commit->count]) : 0;
    commit->load = load;
    commit->done = done;
    commit->argument = argument;
    commit->job = (struct store_job){.cause = {.actor = is_edit ? load->edits->actor : "steerd",
                                               .peer = is_edit ? load->edits->peer : "",
                                               .reason = is_edit ? load->edits->reason
                                                         : set->owner == CONF_OWNER_API
                                                             ? "taken over from files"
                                                             : "documents belong to files again",
                                               .request = is_edit ? load->edits->request : ""},
                                     .ops = commit->ops,
                                     .seqs = commit->seqs,
                                     .op_count = commit->count + marks,
                                     .done = on_stored};
    durable_submit(server->durable, &commit->job);
    return true;
}

bool documents_want_store(const struct documents_load *load)
{
    for (size_t i = 0; load->set != NULL && i < load->set->count; i++) {
        if (is_to_store(load->set, &load->set->items[i])) {
            return true;
        }
    }
    return false;
}

void documents_adopt(struct documents *documents, struct documents_load *load)
{
    if (load->set == NULL) {
        return;
    }
    load->is_adopted = true;
    atomic_fetch_add(&load->set->uses, 1);
    pthread_mutex_lock(&documents->mutex);
    struct documents_set *old = documents->current;
    documents->current = load->set;
    pthread_mutex_unlock(&documents->mutex);
    documents_release(old);
}

/* What a reload of everything reads is all that there is. */
void documents_note_refused(struct documents *documents, const char *what, const char *why)
{
    pthread_mutex_lock(&documents->mutex);
    bool is_over = documents->refused != NULL && why == NULL &&
                   (strcmp(what, "all") == 0 || strcmp(what, documents->refused_what) == 0);
    if (why != NULL || is_over) {
        free(documents->refused);
        free(documents->refused_what);
        documents->refused = why == NULL ? NULL : memory_copy_text(why);
        documents->refused_what = why == NULL ? NULL : memory_copy_text(what);
    }
    pthread_mutex_unlock(&documents->mutex);
}

/* ---- telling ---- */

static void show(const struct document *from, struct admin_document *to)
{
    *to = (struct admin_document){.name = from->name,
                                  .origin = from->origin,
                                  .path = from->path,
                                  .sha256 = from->sha256[0] == '\0' ? NULL : from->sha256,
                                  .size = from->size,
                                  .revision = from->revision,
                                  .is_changed = from->is_edited};
}

void documents_describe(struct documents_load *load, int error, bool is_refused, struct admin_edited *edited)
{
    const struct documents_set *set = load->set;
    if (load->trouble == ADMIN_EDITED_GOOD && error != 0) {
        struct durable_status status;
        durable_get_status(load->documents->server->durable, &status);
        load->trouble = error == ERROR_CONFLICT ? ADMIN_EDITED_CHANGED : ADMIN_EDITED_NOT_SAVED;
        snprintf(load->why, sizeof load->why, "%s",
                 status.stats.reason[0] != '\0' ? status.stats.reason : error_text(error));
    } else if (load->trouble == ADMIN_EDITED_GOOD && is_refused) {
        load->trouble = ADMIN_EDITED_REFUSED;
    }
    size_t count = 0;
    load->told = arena_alloc(load->arena, (set == NULL ? 1 : set->count + 1) * sizeof *load->told);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (set->items[i].is_edited) {
            show(&set->items[i], &load->told[count++]);
        }
    }
    *edited = (struct admin_edited){
        .trouble = load->trouble, .why = load->why, .at = load->at, .documents = load->told, .count = count};
}

void documents_list(struct documents *documents, bool with_files, struct arena *arena,
                    struct admin_documents *list)
{
    struct documents_set *set = documents_hold(documents);
    *list = (struct admin_documents){.owner = CONF_OWNER_FILES};
    if (set == NULL) {
        return;
    }
    list->owner = set->owner;
    pthread_mutex_lock(&documents->mutex);
    list->unsure = arena_copy_text(arena, documents->refused != NULL ? documents->refused : set->unsure);
    pthread_mutex_unlock(&documents->mutex);
    list->items = arena_alloc(arena, (set->count + 1) * sizeof *list->items);
    for (; list->count < set->count; list->count++) {
        struct admin_document *to = &list->items[list->count];
        show(&set->items[list->count], to);
        to->name = arena_copy_text(arena, to->name);
        to->origin = arena_copy_text(arena, to->origin);
        to->path = arena_copy_text(arena, to->path);
        to->sha256 = arena_copy_text(arena, to->sha256);
        to->file = with_files ? document_look_at_file(&set->items[list->count]) : NULL;
    }
    documents_release(set);
}

const struct view_zone *documents_find_older(const struct view *view)
{
    for (size_t i = 0; i < view->zone_count; i++) {
        const struct view_zone *zone = &view->zone_list[i];
        if ((zone->stale || zone->failed) && view->server->zones[i].policy_path != NULL) {
            return zone;
        }
    }
    return NULL;
}

void documents_count(struct documents *documents, const struct view *view, struct documents_counts *counts)
{
    struct documents_set *set = documents_hold(documents);
    *counts = (struct documents_counts){.count = 0};
    if (set != NULL) {
        counts->count = set->count;
        counts->is_owned = set->owner == CONF_OWNER_API;
        counts->is_unsure = set->unsure != NULL || (counts->is_owned && documents_find_older(view) != NULL);
        counts->differing = set->differing;
    }
    pthread_mutex_lock(&documents->mutex);
    counts->is_unsure |= documents->refused != NULL;
    pthread_mutex_unlock(&documents->mutex);
    documents_release(set);
}

/* ---- life ---- */

struct documents *documents_open(struct server *server, documents_choose_fn *choose)
{
    struct documents *documents = memory_alloc(sizeof *documents);
    documents->server = server;
    documents->choose = choose;
    pthread_mutex_init(&documents->mutex, NULL);
    return documents;
}

void documents_close(struct documents *documents)
{
    if (documents != NULL) {
        documents_release(documents->current);
        free(documents->refused);
        free(documents->refused_what);
        pthread_mutex_destroy(&documents->mutex);
        free(documents);
    }
}

/* ---- what an edit makes ---- */

static bool is_same(const char *left, const char *right)
{
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

/* Behind a semicolon is advice, such as which endpoints there are, and that changes with others. */
static bool is_same_message(const char *left, const char *right)
{
    size_t len = strcspn(left, ";");
    return len == strcspn(right, ";") && memcmp(left, right, len) == 0;
}

/* Lines move when a document is edited. */
static bool has_error(const struct report *report, const struct report_item *wanted)
{
    for (size_t i = 0; i < report_count(report); i++) {
        const struct report_item *item = report_get(report, i);
        if (item->severity == REPORT_ERROR && is_same(item->place.file, wanted->place.file) &&
            is_same(item->place.path, wanted->place.path) &&
            is_same_message(item->message, wanted->message)) {
            return true;
        }
    }
    return false;
}

/* Of documents that are edited. */
static size_t count_accusing(const struct documents_load *load, const struct report *report)
{
    size_t count = 0;
    for (size_t i = 0; i < report_count(report); i++) {
        const struct document *accused = documents_find_accused(load, report_get(report, i));
        count += accused != NULL && accused->is_edited;
    }
    return count;
}

/* Does the edited configuration have an error that the present one does not have, or does the edit leave a
 * document with errors as bad as it was? Errors may be placed in any file, so the present one is compiled as
 * well; that costs a load, when there are errors only. */
static bool is_worse(const struct documents_load *load, const struct view_load *asked,
                     const struct report *report)
{
    struct documents_load *present =
        documents_begin((struct server *)(uintptr_t)load->server, &(struct documents_options){.edits = NULL});
    struct view_load unedited = *asked;
    struct report *before = report_new();
    report_set_cancel(before, ends_get_progress(load->server->ends));
    unedited.documents.context = present;
    unedited.documents.chooser = documents_get_chooser(present);
    view_free(view_compile_load(&unedited, before));
    size_t accusing = count_accusing(load, report);
    bool is_worse = report_errors(report) > report_errors(before) ||
                    (accusing != 0 && accusing >= count_accusing(load, before));
    for (size_t i = 0; i < report_count(report) && !is_worse; i++) {
        const struct report_item *item = report_get(report, i);
        is_worse = item->severity == REPORT_ERROR && !has_error(before, item);
    }
    report_free(before);
    documents_end(present);
    return is_worse;
}

bool documents_are_good(const struct documents_load *load, const struct view_load *asked,
                        const struct report *report)
{
    return load->set != NULL && load->trouble == ADMIN_EDITED_GOOD &&
           (report_errors(report) == 0 || !is_worse(load, asked, report));
}

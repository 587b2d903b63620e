/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From where a load reads its documents, on the thread of the loader: what the store says, looked for in
 * STATE/documents and in the depot; of what the store does not hold yet the file is copied there first, so
 * that what is taken over is what was judged. */
#include "config.h"

#include "daemon/documents_load.h"

#include "daemon/ends.h"
#include "daemon/server.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"
#include "past/hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { YOUNG_MS = 60000 };

static void name_all(struct documents_set *set, const struct conf_server *conf)
{
    for (size_t i = 0; i < conf->topology_count; i++) {
        documents_set_add(set, conf->path, conf->topology_paths[i], NULL);
    }
    for (size_t i = 0; i < conf->zone_count; i++) {
        if (conf->zones[i].policy_path != NULL) {
            documents_set_add(set, conf->path, conf->zones[i].policy_path, conf->zones[i].origin);
        }
    }
    documents_set_finish(set);
}

/* ---- a bundle's tree ---- */

char *documents_choose(void *context, const char *state)
{
    struct documents_load *load = context;
    bool is_there =
        load->is_from_asked ? bundle_is_here(state, load->bundle) : load->choose(state, load->bundle);
    if (!is_there) {
        load->bundle[0] = '\0';
    }
    return is_there ? bundle_locate(state, load->bundle) : NULL;
}

/* Who looks at a document sees what is served. */
static void place_tree(struct documents_load *load, const struct conf_server *conf, struct report *report)
{
    struct documents_set *set = load->set;
    if (conf->is_bare) {
        report_add(
            report, REPORT_WARNING, &(struct report_place){.file = conf->path},
            "the configuration is that of a bundle, and there is none yet: nothing is served until one "
            "is active (steerctl push)");
    }
    if (conf->tree == NULL) {
        return;
    }
    snprintf(set->bundle, sizeof set->bundle, "%s", strrchr(conf->tree->real, '/') + 1);
    for (size_t i = 0; i < set->count; i++) {
        char *real = source_locate_in(conf->tree, set->items[i].path);
        if (strcmp(real, set->items[i].path) != 0) {
            set->items[i].real = real;
        } else {
            free(real);
        }
    }
}

/* ---- contents ---- */

static char *path_in(const char *folder, const char *name, const char *sha256)
{
    return memory_print("%s/%s/%.2s/%s", folder, name, sha256, sha256);
}

static bool is_whole(const char *folder, const char *name, const char *sha256, char why[DEPOT_WHY_SIZE])
{
    struct depot depot;
    depot_init_at(&depot, folder, name);
    int error = depot_check(&depot, sha256, NULL);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        snprintf(why, DEPOT_WHY_SIZE, "%s", depot.why);
    }
    depot_fini(&depot);
    return error == 0;
}

/* The same content that served before was looked at then. */
static bool is_known(const struct documents_load *load, const struct document *document)
{
    const struct document *was = load->before == NULL ? NULL : documents_find(load->before, document->path);
    struct stat now;
    return was != NULL && was->real != NULL && strcmp(was->sha256, document->sha256) == 0 &&
           strcmp(was->real, document->real) == 0 && stat(was->real, &now) == 0;
}

/* A restored folder has contents in its depot only. */
static bool find_content(const struct documents_load *load, struct document *document,
                         char why[DEPOT_WHY_SIZE])
{
    static const char *const folders[] = {DOCUMENT_FOLDER, "depot"};
    snprintf(why, DEPOT_WHY_SIZE, "it is not in %s/%s", load->folder, DOCUMENT_FOLDER);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        document->real = path_in(load->folder, folders[i], document->sha256);
        if (is_known(load, document) || is_whole(load->folder, folders[i], document->sha256, why)) {
            return true;
        }
        free(document->real);
        document->real = NULL;
    }
    return false;
}

static void set_unsure(struct documents_set *set, char *why)
{
    if (set->unsure == NULL) {
        set->unsure = why;
    } else {
        free(why);
    }
}

/* Of what the store says; what is lost is an error, but at a start, where the file is better than nothing. */
static void find_contents(struct documents_load *load, struct report *report)
{
    struct documents_set *set = load->set;
    char why[DEPOT_WHY_SIZE];
    for (size_t i = 0; i < set->count; i++) {
        struct document *document = &set->items[i];
        if (document->sha256[0] == '\0' || find_content(load, document, why)) {
            continue;
        }
        const struct report_place place = {.file = document->path};
        report_add(report, load->is_start ? REPORT_WARNING : REPORT_ERROR, &place,
                   "the content %.12s that the API gave to this document is lost: %s%s", document->sha256,
                   why, load->is_start ? "; its FILE is served instead, which may be older" : "");
        set_unsure(set, memory_print("the content of %s is lost%s: %s", document->name,
                                     load->is_start ? ", its file is served instead" : "", why));
        if (load->is_start) {
            document->sha256[0] = '\0';
        } else { /* what serves goes on, and not an older file */
            document->real = path_in(load->folder, DOCUMENT_FOLDER, document->sha256);
        }
    }
}

/* ---- what is taken over ---- */

static int put_file(struct document *document, struct depot *depot)
{
    struct file file;
    int error = file_open(document->path, UINT64_MAX, &file);
    if (error == 0) {
        error = depot_put_file(depot, document->path, &file, document->sha256);
    }
    return error;
}

/* Those that the store does not hold. If they cannot be written, their files serve until they can. */
static void take_over(struct documents_load *load, struct depot *depot)
{
    struct documents_set *set = load->set;
    int error = 0;
    for (size_t i = 0; i < set->count && error == 0; i++) {
        struct document *document = &set->items[i];
        if (document->sha256[0] == '\0' && set->unsure == NULL) {
            error = put_file(document, depot);
            document->is_written = error == 0;
        } else if (document->sha256[0] != '\0' && document->revision == 0) {
            document->is_written = true; /* of a store that is another one */
        }
    }
    if (error != 0) {
        set_unsure(set, memory_print("files cannot be taken over yet: %s", depot->why));
    }
}

static void settle(struct documents_load *load, struct depot *depot)
{
    struct documents_set *set = load->set;
    int error = depot_settle(depot);
    for (size_t i = 0; i < set->count; i++) {
        struct document *document = &set->items[i];
        struct stat now;
        if (!document->is_written || document->real != NULL) {
            continue;
        }
        if (error == 0) {
            document->real = path_in(load->folder, DOCUMENT_FOLDER, document->sha256);
            document->size = stat(document->real, &now) == 0 ? (uint64_t)now.st_size : 0;
        } else {
            document->sha256[0] = '\0';
            document->is_written = false;
        }
    }
    if (error != 0 && load->edits != NULL && load->trouble == ADMIN_EDITED_GOOD) {
        load->trouble = ADMIN_EDITED_NOT_SAVED;
        snprintf(load->why, sizeof load->why, "%.500s", depot->why);
    } else if (error != 0) {
        set_unsure(set, memory_print("files cannot be taken over yet: %s", depot->why));
    }
}

struct sweeping {
    const struct documents_load *load;
    int64_t before_ns;
};

static bool is_of(const struct documents_set *set, const char *name)
{
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        if (strcmp(set->items[i].sha256, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Copies of what served are made a while later. */
static bool is_needed(void *context, const struct depot_item *item)
{
    const struct sweeping *sweeping = context;
    return item->modified_ns > sweeping->before_ns || is_of(sweeping->load->set, item->name) ||
           is_of(sweeping->load->before, item->name);
}

static void write_contents(struct documents_load *load, const struct conf_server *conf)
{
    struct depot depot;
    struct depot_swept swept;
    struct clock clock;
    clock_init(&clock);
    depot_init_at(&depot, load->folder, DOCUMENT_FOLDER);
    if (load->set->unsure == NULL && (load->edits != NULL || load->before != NULL)) {
        const struct sweeping sweeping = {load, (clock_wall_ms(&clock) - YOUNG_MS) * 1000000};
        int fd;
        if (hold_begin_sweep(load->folder, DOCUMENT_FOLDER, &fd)) { /* else a backup is being made */
            (void)depot_sweep(&depot, is_needed, (void *)(uintptr_t)&sweeping, &swept);
            hold_end_sweep(fd);
        }
    }
    take_over(load, &depot);
    if (load->edits != NULL) {
        documents_edit(load, conf, &depot);
    }
    settle(load, &depot);
    depot_fini(&depot);
}

/* ---- the whole ---- */

/* While the store says nothing, what served last goes on. */
static void recall(struct documents_load *load)
{
    struct documents_set *set = load->set;
    for (size_t i = 0; load->before != NULL && i < set->count; i++) {
        const struct document *was = documents_find(load->before, set->items[i].path);
        if (was != NULL && was->sha256[0] != '\0') {
            memcpy(set->items[i].sha256, was->sha256, sizeof was->sha256);
            set->items[i].size = was->size;
        }
    }
    if (load->before == NULL) {
        documents_ask_note(load);
    }
}

static bool has_any(const struct documents_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].sha256[0] != '\0') {
            return true;
        }
    }
    return false;
}

static void warn(const struct documents_load *load, const struct conf_server *conf, struct report *report)
{
    const struct documents_set *set = load->set;
    if (set->unsure != NULL) {
        report_add(report, REPORT_WARNING, &(struct report_place){.file = conf->path},
                   "documents belong to the API, but what serves may not be what it said last: %s",
                   set->unsure);
    }
}

static void place_owned(struct documents_load *load, const struct conf_server *conf, struct report *report)
{
    struct documents_set *set = load->set;
    redaction_open(load->folder, &load->redaction);
    int error = documents_ask_store(load);
    if (error != 0) {
        recall(load);
    } else if (!has_any(set)) {
        documents_ask_note(load);
        if (has_any(set)) {
            report_add(report, REPORT_WARNING, &(struct report_place){.file = conf->path},
                       "the store does not know of the documents that the API owned: what served last is "
                       "taken over into it");
        }
    }
    find_contents(load, report);
    if (load->may_write && error == 0) {
        write_contents(load, conf);
    } else if (load->edits != NULL) {
        load->trouble = ADMIN_EDITED_NOT_SAVED;
        snprintf(load->why, sizeof load->why, "%.500s", set->unsure == NULL ? "" : set->unsure);
    }
    for (size_t i = 0; i < set->count; i++) {
        set->differing += strcmp(document_look_at_file(&set->items[i]), "same") != 0;
    }
    warn(load, conf, report);
}

/* Files own documents, again: what the API said before is not to come back one day. */
static void find_left(struct documents_load *load)
{
    struct documents_set *set = load->set;
    if (load->folder == NULL || !documents_have_note(load) || documents_ask_store(load) != 0) {
        return;
    }
    for (size_t i = 0; i < set->count; i++) {
        set->items[i].sha256[0] = '\0';
        set->items[i].is_written = load->may_write && set->items[i].revision != 0;
    }
}

void documents_place(void *context, const struct conf_server *conf, struct report *report)
{
    struct documents_load *load = context;
    documents_release(load->set); /* of a first attempt, with one zone */
    load->set = documents_set_new();
    load->set->owner = conf->owner;
    free(load->folder);
    load->folder = memory_copy_text(conf->state_path);
    load->is_of_bundle = conf->tree != NULL || conf->is_bare;
    name_all(load->set, conf);
    if (conf->owner == CONF_OWNER_API && load->folder != NULL) {
        place_owned(load, conf, report);
    } else {
        find_left(load);
        place_tree(load, conf, report);
        load->trouble = load->edits != NULL ? ADMIN_EDITED_FILES : ADMIN_EDITED_GOOD;
    }
    documents_set_map(load->set);
    report_set_places(report, &load->set->map);
    if (load->trouble != ADMIN_EDITED_GOOD) { /* nothing of it is worth while to be judged */
        report_add(report, REPORT_ERROR, NULL, "%s", load->why[0] == '\0' ? "not edited" : load->why);
    }
}

const char *document_look_at_file(const struct document *document)
{
    char sha256[DEPOT_NAME_SIZE];
    if (document->sha256[0] == '\0') {
        return "same";
    }
    if (depot_hash_file(document->path, sha256) != 0) {
        return "missing";
    }
    return strcmp(sha256, document->sha256) == 0 ? "same" : "differs";
}

void documents_check_all(const struct documents_load *load, struct report **report)
{
    const struct server *server = load->server;
    if (!load->is_from_asked) {
        return;
    }
    report_free(*report);
    *report = report_new();
    report_set_cancel(*report, ends_get_progress(server->ends));
    report_set_chooser(*report, &load->chooser);
    view_check(server->path, *report);
    report_set_chooser(*report, NULL);
}

/* ---- what the result is ---- */

const struct document *documents_find_accused(const struct documents_load *load,
                                              const struct report_item *item)
{
    char *path = item->severity != REPORT_ERROR || item->place.file == NULL
                     ? NULL
                     : source_make_absolute(item->place.file);
    const struct document *found = path == NULL ? NULL : documents_find(load->set, path);
    free(path);
    return found;
}

void documents_leave_broken(struct documents_load *load, const struct report *report)
{
    for (size_t i = 0; load->set != NULL && i < report_count(report); i++) {
        const struct document *accused = documents_find_accused(load, report_get(report, i));
        struct document *document = (struct document *)(uintptr_t)accused;
        if (document != NULL && document->is_written && !document->is_edited && document->revision == 0) {
            document->is_written = false;
            document->sha256[0] = '\0';
            set_unsure(load->set, memory_print("%s has errors, so its file is not taken over: mend the file "
                                               "and reload, or edit the document",
                                               document->name));
        }
    }
}

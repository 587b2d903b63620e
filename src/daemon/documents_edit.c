/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Edits of documents, in the order in which they were asked: each document is read once, changed as often as
 * somebody asks for, and written. On the thread of the loader. */
#include "config.h"

#include "daemon/documents_load.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_SIZE_MAX = 256 << 20 };

char *documents_read(const struct document *document, size_t *len, int *error)
{
    struct file file;
    return file_read_all(document->real != NULL ? document->real : document->path, DOCUMENT_SIZE_MAX, &file,
                         len, error);
}

struct document *documents_find_about(const struct documents_set *set, const struct conf_server *conf,
                                      const struct edit *about, char why[EDIT_WHY_SIZE])
{
    const char *path = NULL;
    struct document *found = NULL;
    if (about->kind == EDIT_DOCUMENT) {
        found = documents_set_find_name(set, about->name);
        if (found == NULL) {
            snprintf(why, EDIT_WHY_SIZE, "there is no document \"%.150s\"", about->name);
        }
        return found;
    }
    for (size_t i = 0; about->kind == EDIT_NAME && i < conf->zone_count && path == NULL; i++) {
        path = strcmp(conf->zones[i].origin, about->origin) == 0 ? conf->zones[i].policy_path : NULL;
    }
    path = about->kind == EDIT_NAME ? path : conf->topology_path;
    if (path == NULL && about->kind == EDIT_NAME) {
        snprintf(why, EDIT_WHY_SIZE,
                 "there is no zone \"%.150s\" with a policy: its file has to be there first", about->origin);
    } else if (path == NULL) {
        snprintf(why, EDIT_WHY_SIZE, "steerd.json names no topology");
    } else {
        char *absolute = source_make_absolute(path);
        found = documents_find(set, absolute);
        free(absolute);
    }
    return found;
}

/* Documents that are being changed. */
struct opened {
    struct document *document;
    struct edit_document *tree;
    struct opened *next;
};

static struct opened *open_one(struct documents_load *load, struct opened **all, struct document *document)
{
    char why[EDIT_WHY_SIZE] = "";
    size_t len;
    int error;
    for (struct opened *opened = *all; opened != NULL; opened = opened->next) {
        if (opened->document == document) {
            return opened;
        }
    }
    struct opened *opened = memory_alloc(sizeof *opened);
    *opened = (struct opened){.document = document, .next = *all};
    *all = opened;
    char *text = documents_read(document, &len, &error);
    error = text == NULL ? error : edit_open(text, len, &opened->tree, why);
    free(text);
    if (error != 0) {
        load->trouble = ADMIN_EDITED_INVALID;
        snprintf(load->why, sizeof load->why, "%.200s as it is cannot be read: %.200s", document->name,
                 why[0] == '\0' ? error_text(error) : why);
    }
    return opened;
}

static void apply(struct documents_load *load, const struct conf_server *conf, struct opened **all, size_t at)
{
    const struct edit *edit = &load->edits->items[at];
    char why[EDIT_WHY_SIZE] = "";
    struct document *document = documents_find_about(load->set, conf, edit, why);
    load->at = at;
    if (document == NULL) {
        load->trouble = ADMIN_EDITED_MISSING;
        snprintf(load->why, sizeof load->why, "%s", why);
        return;
    }
    const struct opened *opened = open_one(load, all, document);
    int error = load->trouble != ADMIN_EDITED_GOOD ? 0 : edit_apply(opened->tree, edit, why);
    if (error != 0) {
        load->trouble = error == ERROR_NOT_FOUND  ? ADMIN_EDITED_MISSING
                        : error == ERROR_CONFLICT ? ADMIN_EDITED_CHANGED
                                                  : ADMIN_EDITED_INVALID;
        snprintf(load->why, sizeof load->why, "%s", why);
    }
}

static void note_not_saved(struct documents_load *load, const char *why)
{
    if (load->trouble == ADMIN_EDITED_GOOD) {
        load->trouble = ADMIN_EDITED_NOT_SAVED;
        snprintf(load->why, sizeof load->why, "%.500s", why);
    }
}

/* What it is now in the place of what it was. */
static void rewrite(struct documents_load *load, struct document *document, const char *sha256)
{
    document->is_edited = true;
    if (strcmp(document->sha256, sha256) == 0 && !document->is_written) {
        return; /* it says the same as before */
    }
    free(document->real);
    document->real = NULL;
    memcpy(document->sha256, sha256, sizeof document->sha256);
    document->is_written = true;
    load->at = SIZE_MAX;
}

static void write_one(struct documents_load *load, struct opened *opened, struct depot *depot)
{
    char sha256[DEPOT_NAME_SIZE];
    size_t len;
    char *text = edit_write(opened->tree, &len);
    int error = text == NULL ? -1 : depot_put(depot, text, len, sha256);
    if (error != 0) {
        note_not_saved(load, text == NULL ? "there is no memory for it" : depot->why);
    } else {
        rewrite(load, opened->document, sha256);
    }
    free(text);
}

/* What files say, for what the API has said. */
static void import(struct documents_load *load, struct depot *depot)
{
    struct documents_set *set = load->set;
    const char *name = load->edits->name;
    if (name != NULL && documents_set_find_name(set, name) == NULL) {
        load->trouble = ADMIN_EDITED_MISSING;
        snprintf(load->why, sizeof load->why, "there is no document \"%.300s\"", name);
    }
    for (size_t i = 0; i < set->count && load->trouble == ADMIN_EDITED_GOOD; i++) {
        struct document *document = &set->items[i];
        char sha256[DEPOT_NAME_SIZE];
        struct file file;
        if (name != NULL && strcmp(name, document->name) != 0) {
            continue;
        }
        int error = file_open(document->path, UINT64_MAX, &file);
        if (error == -ENOENT && name == NULL) {
            continue; /* what is not there says nothing */
        }
        if (error == 0) {
            error = depot_put_file(depot, document->path, &file, sha256);
        } else {
            snprintf(depot->why, sizeof depot->why, "%s: %s", document->path, file.why);
        }
        if (error != 0) {
            note_not_saved(load, depot->why);
        } else if (strcmp(sha256, document->sha256) != 0 || document->is_written) {
            rewrite(load, document, sha256);
        }
    }
}

void documents_edit(struct documents_load *load, const struct conf_server *conf, struct depot *depot)
{
    struct opened *all = NULL;
    if (load->edits->imports) {
        import(load, depot);
    }
    for (size_t i = 0; i < load->edits->count && load->trouble == ADMIN_EDITED_GOOD; i++) {
        apply(load, conf, &all, i);
    }
    while (all != NULL) {
        struct opened *opened = all;
        if (load->trouble == ADMIN_EDITED_GOOD) {
            write_one(load, opened, depot);
        }
        all = opened->next;
        edit_close(opened->tree);
        free(opened);
    }
}

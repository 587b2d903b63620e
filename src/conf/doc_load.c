/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Loading a document: from a file or a text to a tree. */
#include "config.h"

#include "conf/doc_internal.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"
#include "conf/locate.h"
#include "conf/server.h"

#include <stdint.h>
#include <stdlib.h>

void conf_use_reserve(void)
{
    json_set_alloc_funcs(memory_take, free);
}

struct doc *doc_parse_split(const char *path, const struct doc_text *text, const char *key,
                            struct report *report)
{
    json_error_t error;
    struct doc *doc = memory_alloc(sizeof *doc);
    *doc = (struct doc){.path = path, .text = text->bytes, .len = text->len, .report = report};
    if (key == NULL || !doc_split(doc, key)) {
        doc->root = doc_parse_part(doc, text, 0, &error);
    }
    if (doc->root == NULL) {
        doc_report_syntax(doc, &error);
    } else if (!json_is_object(doc->root)) {
        struct doc_node root = doc_get_root(doc);
        doc_error_expected(&root, "an object");
    } else {
        return doc;
    }
    doc_free(doc);
    return NULL;
}

struct doc *doc_parse(const char *path, const char *text, size_t len, struct report *report)
{
    return doc_parse_split(path, &(struct doc_text){text, len}, NULL, report);
}

struct doc *doc_load(const char *path, struct report *report)
{
    return doc_load_split(path, NULL, report);
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
    free(texts);
}

/* Owned; NULL: the report says why. */
static char *read_text(const char *path, size_t *len, struct report *report)
{
    struct file file;
    int code;
    char *real = source_locate(report, path);
    bool is_too_much =
        file_look(real, &file) == 0 && file.size <= DOC_MAX_SIZE && !report_has_room(report, file.size);
    char *text = is_too_much ? NULL : file_read_all(real, DOC_MAX_SIZE, &file, len, &code);
    free(real);
    if (is_too_much) {
        return NULL; /* whoever gave the budget says so */
    }
    if (text == NULL) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "%s: %s",
                   code == ERROR_TOO_LARGE ? "too large" : "cannot be read", file.why);
        return NULL;
    }
    source_note(report, path, &file);
    return text;
}

struct doc *doc_load_split(const char *path, const char *key, struct report *report)
{
    size_t len;
    char *text = read_text(path, &len, report);
    if (text == NULL) {
        return NULL;
    }
    struct doc *doc = doc_parse_split(path, &(struct doc_text){text, len}, key, report);
    if (doc == NULL) {
        free(text);
        return NULL;
    }
    doc->loaded = text;
    return doc;
}

/* ---- of several files ---- */

/* Each by itself: what is no JSON is told with the place that it has there. */
static bool load_files(const char *const *paths, struct merge_file *files, size_t count,
                       struct report *report)
{
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        struct doc *alone = doc_load(paths[i], report);
        good = good && alone != NULL;
        if (alone != NULL) {
            files[i] = (struct merge_file){paths[i], alone->loaded, alone->len};
            alone->loaded = NULL;
        }
        doc_free(alone);
    }
    return good;
}

/* Takes the merge, but if there is none. */
static struct doc *parse_merged(const char *path, struct merge *merge, struct report *report)
{
    if (merge == NULL) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
                   "too large: found more than 256 MiB in all of these files");
        return NULL;
    }
    struct doc *doc = memory_alloc(sizeof *doc);
    json_error_t error;
    *doc = (struct doc){.path = path, .report = report, .merge = merge};
    doc->text = merge_get_text(merge, &doc->len);
    doc->root = doc_parse_part(doc, &(struct doc_text){doc->text, doc->len}, 0, &error);
    if (doc->root == NULL) {
        doc_report_syntax(doc, &error);
        doc_free(doc);
        return NULL;
    }
    return doc;
}

struct doc *doc_load_several(const char *const *paths, size_t count, const char *const *together,
                             struct report *report)
{
    if (count == 1) {
        return doc_load(paths[0], report);
    }
    struct merge_file *files = memory_alloc_array(count, sizeof *files);
    struct doc *doc = NULL;
    if (load_files(paths, files, count, report)) {
        doc = parse_merged(paths[0], merge_new(files, count, together), report);
    }
    char **texts = memory_alloc_array(count, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        texts[i] = (char *)(uintptr_t)files[i].text;
    }
    free(files);
    if (doc == NULL) {
        free_texts(texts, count);
        return NULL;
    }
    doc->texts = texts;
    doc->text_count = count;
    return doc;
}

void doc_free(struct doc *doc)
{
    if (doc != NULL) {
        json_decref(doc->piece);
        json_decref(doc->piece_key);
        json_decref(doc->root);
        split_fini(&doc->split);
        locate_free(doc->locate);
        merge_free(doc->merge);
        free_texts(doc->texts, doc->text_count);
        free(doc->loaded);
        free(doc);
    }
}

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

struct doc *doc_load_split(const char *path, const char *key, struct report *report)
{
    struct file file;
    size_t len;
    int code;
    char *real = source_locate(report, path);
    bool is_too_much =
        file_look(real, &file) == 0 && file.size <= DOC_MAX_SIZE && !report_has_room(report, file.size);
    char *text = is_too_much ? NULL : file_read_all(real, DOC_MAX_SIZE, &file, &len, &code);
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
    struct doc *doc = doc_parse_split(path, &(struct doc_text){text, len}, key, report);
    if (doc == NULL) {
        free(text);
        return NULL;
    }
    doc->loaded = text;
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
        free(doc->loaded);
        free(doc);
    }
}

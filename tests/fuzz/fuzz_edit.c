/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of edits of documents: {"document": …, "edits": [{"what": 0, "kind": 2, "name": "a", "origin":
 * "b.", "value": …}, …]}. What was refused has changed nothing, what was done stands there, twice is once,
 * and what is written is read again. */
#include "config.h"

#include "conf/edit.h"

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool truth)
{
    if (!truth) {
        abort();
    }
}

static char *write_text(const struct edit_document *document)
{
    size_t len;
    char *text = edit_write(document, &len);
    expect(text != NULL && strlen(text) == len && text[len - 1] == '\n');
    return text;
}

static bool take(void *context, const char *name)
{
    (void)context;
    expect(name != NULL);
    return true;
}

static bool differs(void *context, const struct edit_difference *difference)
{
    expect(difference->kind != NULL && difference->name != NULL && difference->change != NULL);
    *(bool *)context = true;
    return true;
}

/* It is there, and as it was put; an az is told with its region. */
static void look(const struct edit_document *document, const struct edit *edit)
{
    struct arena *arena = arena_new(0);
    uint64_t tag = 0;
    const char *is = edit_get(document, edit->kind, edit->name, edit->origin, arena, &tag);
    expect(is == NULL ? edit->what == EDIT_DELETE : tag > 0 && tag <= INT64_MAX);
    expect(is == NULL || edit->what != EDIT_DELETE ||
           edit->kind == EDIT_AZ); /* which may be in two regions */
    if (edit->what == EDIT_PUT && edit->kind != EDIT_AZ) {
        json_t *a = json_loads(is, JSON_DECODE_ANY, NULL);
        json_t *b = json_loads(edit->value, JSON_DECODE_ANY, NULL);
        expect(json_typeof(a) == json_typeof(b) && json_object_size(a) == json_object_size(b) &&
               json_array_size(a) == json_array_size(b));
        json_decref(a);
        json_decref(b);
    }
    arena_free(arena);
}

static void apply(struct edit_document *document, const struct edit *edit)
{
    char why[EDIT_WHY_SIZE] = "";
    char *before = write_text(document);
    int error = edit_apply(document, edit, why);
    char *after = write_text(document);
    expect(error == 0 || (why[0] != '\0' && strcmp(before, after) == 0));
    if (error == 0) {
        look(document, edit);
    }
    if (error == 0 && (edit->kind != EDIT_AZ || edit->what != EDIT_DELETE)) {
        error = edit_apply(document, edit, why);
        char *twice = write_text(document);
        expect(error == (edit->what == EDIT_DELETE ? ERROR_NOT_FOUND : 0) && strcmp(after, twice) == 0);
        free(twice);
    }
    free(before);
    free(after);
}

static void edit_by(struct edit_document *document, const json_t *item)
{
    char *value = json_dumps(json_object_get(item, "value"), JSON_ENCODE_ANY);
    const char *name = json_string_value(json_object_get(item, "name"));
    const char *origin = json_string_value(json_object_get(item, "origin"));
    struct edit edit = {.what = (enum edit_what)(json_integer_value(json_object_get(item, "what")) & 3),
                        .kind = (enum edit_kind)(json_integer_value(json_object_get(item, "kind")) & 7),
                        .name = name == NULL ? "" : name,
                        .value = value};
    edit.origin = edit.kind == EDIT_NAME ? origin : NULL;
    if (edit.what <= EDIT_DELETE && edit.kind < EDIT_KINDS && (value != NULL || edit.what == EDIT_DELETE)) {
        apply(document, &edit);
    }
    free(value);
}

/* What was written is the same document. It may lie too deep to be read: then it is no configuration. */
static void read_again(const struct edit_document *document)
{
    char why[EDIT_WHY_SIZE];
    struct edit_document *again;
    bool is_other = false;
    char *text = write_text(document);
    if (edit_open(text, strlen(text), &again, why) == 0) {
        char *written = write_text(again);
        expect(strcmp(written, text) == 0);
        edit_compare(again, again, differs, &is_other);
        expect(!is_other);
        edit_compare(document, again, differs, &is_other); /* of a real the 15th digit */
        free(written);
        edit_close(again);
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[EDIT_WHY_SIZE];
    struct edit_document *document = NULL;
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL), *item;
    char *text = json_dumps(json_object_get(root, "document"), JSON_ENCODE_ANY);
    size_t i;
    if (text != NULL && edit_open(text, strlen(text), &document, why) == 0) {
        json_array_foreach(json_object_get(root, "edits"), i, item)
        {
            edit_by(document, item);
        }
        for (int kind = EDIT_REGION; kind < EDIT_KINDS; kind++) {
            edit_list(document, (enum edit_kind)kind, take, NULL);
        }
        read_again(document);
    }
    edit_close(document);
    free(text);
    json_decref(root);
    return 0;
}

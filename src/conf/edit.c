/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See edit.h. Documents as trees of jansson, whose objects keep the order of their members. */
#include "config.h"

#include "conf/edit.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

enum { REAL_DIGITS = 15, MERGE_DEPTH = 64, NAME_MAX_SIZE = 1024 };

struct edit_document {
    json_t *root;
};

static const char *const kinds[EDIT_KINDS][2] = {
    [EDIT_DOCUMENT] = {"document", "documents"},
    [EDIT_REGION] = {"region", "regions"},
    [EDIT_AZ] = {"az", "azs"},
    [EDIT_ENDPOINT] = {"endpoint", "endpoints"},
    [EDIT_CHECK] = {"check", "checks"},
    [EDIT_GROUP] = {"group", "groups"},
    [EDIT_NAME] = {"name", "names"},
};

const char *edit_kind_text(enum edit_kind kind)
{
    return kinds[kind][0];
}

bool edit_parse_kind(const char *text, enum edit_kind *kind)
{
    for (int i = 0; i < EDIT_KINDS; i++) {
        if (strcmp(text, kinds[i][0]) == 0 || strcmp(text, kinds[i][1]) == 0) {
            *kind = (enum edit_kind)i;
            return true;
        }
    }
    return false;
}

__attribute__((format(printf, 3, 4))) static int fail(char why[EDIT_WHY_SIZE], int error, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, EDIT_WHY_SIZE, format, arguments);
    va_end(arguments);
    return error;
}

/* ---- documents ---- */

int edit_open(const char *text, size_t len, struct edit_document **document, char why[EDIT_WHY_SIZE])
{
    json_error_t error;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    *document = NULL;
    if (root == NULL) {
        return fail(why, ERROR_SYNTAX, "line %d, column %d: %.160s", error.line, error.column, error.text);
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return fail(why, ERROR_SYNTAX, "expected an object");
    }
    *document = memory_alloc(sizeof **document);
    (*document)->root = root;
    return 0;
}

void edit_close(struct edit_document *document)
{
    if (document != NULL) {
        json_decref(document->root);
        free(document);
    }
}

char *edit_write(const struct edit_document *document, size_t *len)
{
    char *text =
        json_dumps(document->root, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(REAL_DIGITS));
    *len = text == NULL ? 0 : strlen(text);
    if (text != NULL) { /* files end in a line */
        text = memory_resize(text, *len + 2, 1);
        memcpy(text + *len, "\n", 2);
        ++*len;
    }
    return text;
}

/* ---- finding ---- */

/* "www", "WWW.example.com." → "www"; the apex → "@". */
static void normalize(const char *name, const char *origin, char to[NAME_MAX_SIZE])
{
    size_t len = strlen(name), origin_len = strlen(origin);
    snprintf(to, NAME_MAX_SIZE, "%s", name);
    for (size_t i = 0; to[i] != '\0'; i++) {
        to[i] = (char)tolower((unsigned char)to[i]);
    }
    if (len >= NAME_MAX_SIZE) {
        return;
    }
    if (strcmp(to, origin) == 0) {
        snprintf(to, NAME_MAX_SIZE, "@");
    } else if (origin_len > 1 && len > origin_len + 1 && strcmp(to + len - origin_len, origin) == 0 &&
               to[len - origin_len - 1] == '.') {
        to[len - origin_len - 1] = '\0';
    }
}

/* The key by which it is called there. */
static const char *find_key(const json_t *section, enum edit_kind kind, const char *name, const char *origin)
{
    char wanted[NAME_MAX_SIZE], found[NAME_MAX_SIZE];
    const char *key;
    json_t *value;
    if (kind != EDIT_NAME || origin == NULL || json_object_get(section, name) != NULL) {
        return name;
    }
    normalize(name, origin, wanted);
    json_object_foreach((json_t *)(uintptr_t)section, key, value)
    {
        normalize(key, origin, found);
        if (strcmp(found, wanted) == 0) {
            return key;
        }
    }
    return name;
}

/* The object that holds azs of the region in which the az is; *region its name. NULL: it is in none. */
static json_t *find_azs(const json_t *root, const char *name, const char **region)
{
    json_t *regions = json_object_get(root, "regions"), *value;
    const char *key;
    json_object_foreach(regions, key, value)
    {
        json_t *azs = json_object_get(value, "azs");
        if (json_is_object(azs) && json_object_get(azs, name) != NULL) {
            *region = key;
            return azs;
        }
    }
    return NULL;
}

/* Borrowed; NULL: there is none. */
static json_t *find_section(const struct edit_document *document, enum edit_kind kind, const char *name)
{
    const char *region;
    json_t *section = kind == EDIT_AZ ? find_azs(document->root, name, &region)
                                      : json_object_get(document->root, kinds[kind][1]);
    return json_is_object(section) ? section : NULL;
}

/* Owned, as it is told; NULL: it is not there. */
static json_t *take_copy(const struct edit_document *document, const struct edit *at)
{
    const char *region = NULL;
    if (at->kind == EDIT_DOCUMENT) {
        return json_incref(document->root);
    }
    json_t *section = find_section(document, at->kind, at->name);
    const json_t *value =
        section == NULL ? NULL : json_object_get(section, find_key(section, at->kind, at->name, at->origin));
    if (value == NULL || at->kind != EDIT_AZ || !json_is_object(value)) {
        return json_deep_copy(value);
    }
    json_t *told = json_object();
    (void)find_azs(document->root, at->name, &region);
    json_object_set_new(told, "region", json_string(region));
    json_object_update(told, (json_t *)(uintptr_t)value);
    return told;
}

static uint64_t make_tag(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
    uint64_t hash = text == NULL ? 0 : hash_finish(hash_bytes(HASH_START, text, strlen(text)));
    free(text);
    hash &= INT64_MAX;
    return hash == 0 ? 1 : hash;
}

const char *edit_get(const struct edit_document *document, enum edit_kind kind, const char *name,
                     const char *origin, struct arena *arena, uint64_t *tag)
{
    const struct edit at = {.kind = kind, .name = name, .origin = origin};
    json_t *value = take_copy(document, &at);
    if (value == NULL) {
        return NULL;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER |
                                       JSON_REAL_PRECISION(REAL_DIGITS));
    const char *copy = arena_copy_text(arena, text);
    *tag = make_tag(value);
    free(text);
    json_decref(value);
    return copy;
}

static bool list_section(json_t *section, bool (*take)(void *context, const char *name), void *context)
{
    const char *key;
    json_t *value;
    json_object_foreach(section, key, value)
    {
        if (strcmp(key, "$comment") != 0 && !take(context, key)) {
            return false;
        }
    }
    return true;
}

void edit_list(const struct edit_document *document, enum edit_kind kind,
               bool (*take)(void *context, const char *name), void *context)
{
    json_t *section = json_object_get(document->root, kinds[kind == EDIT_AZ ? EDIT_REGION : kind][1]), *value;
    const char *key;
    if (kind != EDIT_AZ) {
        (void)list_section(section, take, context);
        return;
    }
    json_object_foreach(section, key, value)
    {
        if (!list_section(json_object_get(value, "azs"), take, context)) {
            return;
        }
    }
}

/* ---- comparing ---- */

struct comparison {
    bool (*take)(void *context, const struct edit_difference *difference);
    void *context;
};

static const char *find_section_kind(const char *key)
{
    for (int i = EDIT_REGION; i < EDIT_KINDS; i++) {
        if (i != EDIT_AZ && strcmp(key, kinds[i][1]) == 0) {
            return kinds[i][0];
        }
    }
    return NULL;
}

/* The members of two objects; kind NULL: those of the documents themselves. */
static bool compare_members(const struct comparison *c, const char *kind, json_t *a, json_t *b)
{
    const char *key, *inner;
    json_t *value, *other;
    json_object_foreach(a, key, value)
    {
        other = json_object_get(b, key);
        inner = kind == NULL ? find_section_kind(key) : NULL;
        if (inner != NULL && json_is_object(value) && json_is_object(other)) {
            if (!compare_members(c, inner, value, other)) {
                return false;
            }
        } else if (!json_equal(value, other) &&
                   !c->take(c->context, &(struct edit_difference){kind == NULL ? "member" : kind, key,
                                                                  other == NULL ? "removed" : "changed"})) {
            return false;
        }
    }
    json_object_foreach(b, key, value)
    {
        if (json_object_get(a, key) == NULL &&
            !c->take(c->context, &(struct edit_difference){kind == NULL ? "member" : kind, key, "added"})) {
            return false;
        }
    }
    return true;
}

void edit_compare(const struct edit_document *a, const struct edit_document *b,
                  bool (*take)(void *context, const struct edit_difference *difference), void *context)
{
    const struct comparison comparison = {.take = take, .context = context};
    (void)compare_members(&comparison, NULL, a->root, b->root);
}

/* ---- changing ---- */

/* RFC 7396 section 2: into `target`, an object. Its depth is that of the patch. */
static bool merge(json_t *target, const json_t *patch, unsigned depth)
{
    const char *key;
    json_t *value;
    if (depth == MERGE_DEPTH) {
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        json_t *old = json_object_get(target, key);
        if (json_is_null(value)) {
            json_object_del(target, key);
        } else if (!json_is_object(value)) {
            json_object_set_new(target, key, json_deep_copy(value));
        } else {
            if (!json_is_object(old)) {
                json_object_set_new(target, key, json_object());
                old = json_object_get(target, key);
            }
            if (!merge(old, value, depth + 1)) {
                return false;
            }
        }
    }
    return true;
}

/* What is to stand there: owned; NULL and *error: it cannot be. */
static json_t *make_value(const struct edit *edit, json_t *before, int *error, char why[EDIT_WHY_SIZE])
{
    json_error_t trouble;
    json_t *value = json_loads(edit->value, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &trouble);
    if (value == NULL) {
        *error = fail(why, ERROR_INVALID, "line %d, column %d: %.160s", trouble.line, trouble.column,
                      trouble.text);
        return NULL;
    }
    if (!json_is_object(value) && (edit->kind == EDIT_DOCUMENT || edit->kind == EDIT_AZ ||
                                   (edit->what == EDIT_MERGE && edit->kind != EDIT_GROUP))) {
        json_decref(value);
        *error = fail(why, ERROR_INVALID, "expected an object");
        return NULL;
    }
    if (edit->what != EDIT_MERGE || !json_is_object(value)) {
        return value;
    }
    json_t *merged = json_is_object(before) ? json_deep_copy(before) : json_object();
    bool good = merge(merged, value, 0);
    json_decref(value);
    if (!good) {
        json_decref(merged);
        *error = fail(why, ERROR_INVALID, "objects in it lie deeper than %d", MERGE_DEPTH);
        return NULL;
    }
    return merged;
}

static int put_az(struct edit_document *document, const struct edit *edit, json_t *value,
                  char why[EDIT_WHY_SIZE])
{
    const char *old = NULL, *region = json_string_value(json_object_get(value, "region"));
    json_t *from = find_azs(document->root, edit->name, &old);
    region = region == NULL ? old : region;
    if (region == NULL) {
        return fail(why, ERROR_INVALID, "expected \"region\", the name of the region in which a new az is");
    }
    json_t *in = json_object_get(json_object_get(document->root, "regions"), region), *azs = NULL;
    if (!json_is_object(in)) {
        return fail(why, ERROR_INVALID, "there is no region \"%.100s\"", region);
    }
    azs = json_object_get(in, "azs");
    if (!json_is_object(azs)) {
        json_object_set_new(in, "azs", json_object());
        azs = json_object_get(in, "azs");
    }
    if (from != NULL && from != azs) {
        json_object_del(from, edit->name);
    }
    json_t *bare = json_copy(value);
    json_object_del(bare, "region");
    json_object_set_new(azs, edit->name, bare);
    return 0;
}

static int put(struct edit_document *document, const struct edit *edit, json_t *value,
               char why[EDIT_WHY_SIZE])
{
    if (edit->kind == EDIT_DOCUMENT) {
        json_decref(document->root);
        document->root = json_incref(value);
        return 0;
    }
    if (edit->kind == EDIT_AZ) {
        return put_az(document, edit, value, why);
    }
    json_t *section = find_section(document, edit->kind, edit->name);
    if (section == NULL) {
        json_object_set_new(document->root, kinds[edit->kind][1], json_object());
        section = json_object_get(document->root, kinds[edit->kind][1]);
    }
    const char *key = find_key(section, edit->kind, edit->name, edit->origin);
    char *own = memory_copy_text(key); /* of the member that is replaced */
    json_object_set(section, own, value);
    free(own);
    return 0;
}

static int take_out(struct edit_document *document, const struct edit *edit, char why[EDIT_WHY_SIZE])
{
    if (edit->kind == EDIT_DOCUMENT) {
        return fail(why, ERROR_INVALID, "a document is not deleted: steerd.json names it");
    }
    json_t *section = find_section(document, edit->kind, edit->name);
    json_object_del(section, find_key(section, edit->kind, edit->name, edit->origin));
    return 0;
}

static bool holds(const struct edit_condition *condition, const json_t *before)
{
    bool has_tag = !condition->has_tags;
    uint64_t tag = before == NULL ? 0 : make_tag(before);
    for (size_t i = 0; i < condition->count && before != NULL; i++) {
        has_tag |= condition->tags[i] == tag;
    }
    return has_tag && (before != NULL ? !condition->must_be_new : !condition->must_be_there);
}

static int judge(const struct edit *edit, const json_t *before, char why[EDIT_WHY_SIZE])
{
    if (edit->condition != NULL && !holds(edit->condition, before)) {
        return fail(why, ERROR_CONFLICT, "%s \"%.150s\" is %s", kinds[edit->kind][0], edit->name,
                    before == NULL ? "not there" : "another one by now");
    }
    if (before == NULL && edit->what != EDIT_PUT) {
        return fail(why, ERROR_NOT_FOUND, "there is no %s \"%.150s\"", kinds[edit->kind][0], edit->name);
    }
    return 0;
}

int edit_apply(struct edit_document *document, const struct edit *edit, char why[EDIT_WHY_SIZE])
{
    json_t *before = take_copy(document, edit), *value = NULL;
    int error = judge(edit, before, why);
    if (error == 0 && edit->what == EDIT_DELETE) {
        error = take_out(document, edit, why);
    } else if (error == 0) {
        value = make_value(edit, before, &error, why);
        error = value == NULL ? error : put(document, edit, value, why);
    }
    json_decref(value);
    json_decref(before);
    return error;
}

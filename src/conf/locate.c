/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A walk over the text that skips values by counting brackets. */
#include "config.h"

#include "conf/locate.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

enum { MARK_EVERY = 4096 };

struct child {
    size_t key_at, value_at;
};

/* The children of the container last visited at one depth. */
struct level {
    size_t container; /* its offset */
    bool known;
    struct child *children;
    size_t count, capacity;
};

/* Line and column at every MARK_EVERY-th byte. */
struct mark {
    unsigned line, column;
};

struct locate {
    const char *text;
    size_t len;
    struct level levels[LOCATE_MAX_DEPTH];
    struct mark *marks; /* made when first needed */
};

struct locate *locate_new(const char *text, size_t len)
{
    struct locate *locate = memory_alloc(sizeof *locate);
    locate->text = text;
    locate->len = len;
    return locate;
}

void locate_free(struct locate *locate)
{
    if (locate == NULL) {
        return;
    }
    for (size_t i = 0; i < LOCATE_MAX_DEPTH; i++) {
        free(locate->levels[i].children);
    }
    free(locate->marks);
    free(locate);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_space(const struct locate *locate, size_t at)
{
    while (at < locate->len && is_space(locate->text[at])) {
        at++;
    }
    return at;
}

/* From an opening quote to behind the closing one. */
static size_t skip_string(const struct locate *locate, size_t at)
{
    at++;
    while (at < locate->len && locate->text[at] != '"') {
        at += locate->text[at] == '\\' ? 2 : 1;
    }
    return at + 1;
}

static size_t skip_scalar(const struct locate *locate, size_t at)
{
    while (at < locate->len && !is_space(locate->text[at]) && locate->text[at] != ',' &&
           locate->text[at] != ']' && locate->text[at] != '}') {
        at++;
    }
    return at;
}

static size_t skip_container(const struct locate *locate, size_t at)
{
    size_t depth = 0;
    while (at < locate->len) {
        char c = locate->text[at];
        if (c == '"') {
            at = skip_string(locate, at);
            continue;
        }
        at++;
        if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            break;
        }
    }
    return at;
}

static size_t skip_value(const struct locate *locate, size_t at)
{
    char c = at < locate->len ? locate->text[at] : '\0';
    return c == '"'               ? skip_string(locate, at)
           : c == '{' || c == '[' ? skip_container(locate, at)
                                  : skip_scalar(locate, at);
}

static void list_children(const struct locate *locate, struct level *level, size_t container)
{
    level->container = container;
    level->known = true;
    level->count = 0;
    char opening = container < locate->len ? locate->text[container] : '\0';
    if (opening != '{' && opening != '[') {
        return;
    }
    size_t at = skip_space(locate, container + 1);
    while (at < locate->len && locate->text[at] != '}' && locate->text[at] != ']') {
        struct child child = {.key_at = at};
        if (opening == '{') {
            size_t colon = skip_space(locate, skip_string(locate, at));
            at = skip_space(locate, colon + 1);
        }
        child.value_at = at;
        level->children =
            memory_grow(level->children, level->count, &level->capacity, sizeof *level->children);
        level->children[level->count++] = child;
        at = skip_space(locate, skip_value(locate, at));
        if (at < locate->len && locate->text[at] == ',') {
            at = skip_space(locate, at + 1);
        }
    }
}

int locate_find_value(struct locate *locate, const size_t *path, size_t depth, size_t *key_at,
                      size_t *value_at)
{
    size_t key = skip_space(locate, 0), value = key;
    if (depth > LOCATE_MAX_DEPTH) {
        return ERROR_NOT_FOUND;
    }
    for (size_t i = 0; i < depth; i++) {
        struct level *level = &locate->levels[i];
        if (!level->known || level->container != value) {
            list_children(locate, level, value);
        }
        if (path[i] >= level->count) {
            return ERROR_NOT_FOUND;
        }
        key = level->children[path[i]].key_at;
        value = level->children[path[i]].value_at;
    }
    *key_at = key;
    *value_at = value;
    return 0;
}

/* Moves a place over one byte; bytes that continue a UTF-8 character have no column of their own. */
static void step(struct mark *place, char c)
{
    if (c == '\n') {
        place->line++;
        place->column = 1;
    } else if (((unsigned char)c & 0xc0) != 0x80) {
        place->column++;
    }
}

static void make_marks(struct locate *locate)
{
    struct mark place = {1, 1};
    locate->marks = memory_alloc_array(locate->len / MARK_EVERY + 1, sizeof *locate->marks);
    for (size_t i = 0; i < locate->len; i++) {
        if (i % MARK_EVERY == 0) {
            locate->marks[i / MARK_EVERY] = place;
        }
        step(&place, locate->text[i]);
    }
    if (locate->len % MARK_EVERY == 0) {
        locate->marks[locate->len / MARK_EVERY] = place;
    }
}

void locate_get_place(struct locate *locate, size_t offset, unsigned *line, unsigned *column)
{
    if (locate->marks == NULL) {
        make_marks(locate);
    }
    offset = offset < locate->len ? offset : locate->len;
    struct mark place = locate->marks[offset / MARK_EVERY];
    for (size_t i = offset - offset % MARK_EVERY; i < offset; i++) {
        step(&place, locate->text[i]);
    }
    *line = place.line;
    *column = place.column;
}

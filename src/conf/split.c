/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See split.h. */
#include "config.h"

#include "conf/split.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct scan {
    const char *text;
    size_t len, at;
};

static char peek(const struct scan *scan)
{
    return scan->at < scan->len ? scan->text[scan->at] : '\0';
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->len && strchr(" \t\n\r", scan->text[scan->at]) != NULL &&
           scan->text[scan->at] != '\0') {
        scan->at++;
    }
}

static void skip_string(struct scan *scan)
{
    scan->at++;
    while (scan->at < scan->len && scan->text[scan->at] != '"') {
        scan->at += scan->text[scan->at] == '\\' ? 2 : 1;
    }
    scan->at++;
}

/* Brackets are counted, whichever they are. */
static void skip_container(struct scan *scan)
{
    size_t depth = 0;
    while (scan->at < scan->len) {
        char c = scan->text[scan->at];
        if (c == '"') {
            skip_string(scan);
            continue;
        }
        scan->at++;
        if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            break;
        }
    }
}

static void skip_value(struct scan *scan)
{
    char c = peek(scan);
    if (c == '"') {
        skip_string(scan);
    } else if (c == '{' || c == '[') {
        skip_container(scan);
    } else {
        while (scan->at < scan->len && memchr(",]} \t\n\r", scan->text[scan->at], 7) == NULL) {
            scan->at++;
        }
    }
}

/* From the opening brace to behind the first key, or the end. */
static bool open_object(struct scan *scan)
{
    skip_space(scan);
    if (peek(scan) != '{') {
        return false;
    }
    scan->at++;
    skip_space(scan);
    return true;
}

/* A member and the comma behind it, if there is one. */
static bool next_member(struct scan *scan, struct split_piece *piece)
{
    if (peek(scan) != '"') {
        return false;
    }
    piece->key_at = scan->at;
    skip_string(scan);
    piece->key_end = scan->at;
    skip_space(scan);
    if (peek(scan) != ':') {
        return false;
    }
    scan->at++;
    skip_space(scan);
    piece->value_at = scan->at;
    skip_value(scan);
    piece->value_end = scan->at;
    skip_space(scan);
    bool more = peek(scan) == ',';
    if (more) {
        scan->at++;
        skip_space(scan);
    }
    return scan->at < scan->len && piece->value_end > piece->value_at && more == (peek(scan) == '"') &&
           (more || peek(scan) == '}');
}

static bool is_key(const struct scan *scan, const struct split_piece *piece, const char *key)
{
    size_t len = strlen(key);
    return piece->key_end - piece->key_at == len + 2 && memcmp(scan->text + piece->key_at + 1, key, len) == 0;
}

static bool find_object(struct scan *scan, const char *key)
{
    struct split_piece piece;
    bool found = false;
    bool good = open_object(scan);
    while (good && !found && peek(scan) != '}') {
        good = next_member(scan, &piece);
        found = good && is_key(scan, &piece, key);
    }
    scan->at = found ? piece.value_at : scan->len;
    return found;
}

static bool take_members(struct split *split, struct scan *scan)
{
    split->begin = scan->at;
    bool good = open_object(scan);
    while (good && peek(scan) != '}') {
        split->pieces = memory_grow(split->pieces, split->count, &split->capacity, sizeof *split->pieces);
        good = next_member(scan, &split->pieces[split->count]);
        split->count += good;
    }
    split->end = scan->at + 1;
    return good && scan->at < scan->len;
}

bool split_init(struct split *split, const char *text, size_t len, const char *key)
{
    struct scan scan = {.text = text, .len = len};
    *split = (struct split){.begin = 0};
    return find_object(&scan, key) && take_members(split, &scan);
}

bool split_init_root(struct split *split, const char *text, size_t len)
{
    struct scan scan = {.text = text, .len = len};
    *split = (struct split){.begin = 0};
    return take_members(split, &scan);
}

void split_fini(struct split *split)
{
    free(split->pieces);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data section of a database: checked as a whole, and asked for the few values that rules know on the
 * way. Format: MaxMind DB File Format Specification 2.0, "Output Data Section". The library's own decoder
 * (1.7.1 in Debian 12) recurses without bound, so nothing but metadata reaches it, and that only after this
 * check.
 *
 * A check visits what full decoding would visit, pointers followed, with an explicit stack. Limits per entry
 * are far beyond real records (a few hundred values, five levels); the budget over all entries stops a small
 * file from asking for hours by pointing to one large value from everywhere. */
#include "config.h"

#include "geo/db.h"

#include <string.h>

enum { VALUES_MAX = 65536, NESTING_MAX = 32 };

enum type {
    TYPE_EXTENDED = 0,
    TYPE_POINTER = 1,
    TYPE_TEXT = 2,
    TYPE_DOUBLE = 3,
    TYPE_BYTES = 4,
    TYPE_UINT16 = 5,
    TYPE_UINT32 = 6,
    TYPE_MAP = 7,
    TYPE_INT32 = 8,
    TYPE_UINT64 = 9,
    TYPE_UINT128 = 10,
    TYPE_ARRAY = 11,
    TYPE_CONTAINER = 12, /* these two never occur in a file */
    TYPE_END = 13,
    TYPE_BOOLEAN = 14,
    TYPE_FLOAT = 15,
    TYPE_COUNT
};

struct value {
    enum type type;
    size_t size;   /* bytes, or pairs, or elements, or the offset that a pointer gives */
    size_t behind; /* offset after the header */
};

static const char cut_short[] = "ends beyond the data section";

/* Big-endian; the caller has checked the length. */
static size_t read_number(const uint8_t *bytes, size_t len)
{
    size_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static const char *read_pointer(const struct geo_data *data, size_t at, unsigned control, struct value *value)
{
    static const size_t base[4] = {0, 2048, 526336, 0};
    unsigned kind = control >> 3 & 3;
    size_t len = kind + 1;
    if (len > data->len - at) {
        return cut_short;
    }
    value->size = read_number(data->bytes + at, len) + base[kind];
    if (kind < 3) {
        value->size += (size_t)(control & 7) << (8 * len);
    }
    value->behind = at + len;
    return NULL;
}

static const char *read_header(const struct geo_data *data, size_t offset, struct value *value)
{
    if (offset >= data->len) {
        return cut_short;
    }
    size_t at = offset;
    unsigned control = data->bytes[at++], type = control >> 5;
    if (type == TYPE_POINTER) {
        value->type = TYPE_POINTER;
        return read_pointer(data, at, control, value);
    }
    if (type == TYPE_EXTENDED) {
        if (at >= data->len) {
            return cut_short;
        }
        type = 7u + data->bytes[at++];
        if (type <= TYPE_MAP || type == TYPE_CONTAINER || type == TYPE_END || type >= TYPE_COUNT) {
            return "has a type that the format does not know";
        }
    }
    size_t size = control & 31;
    if (size >= 29) {
        static const size_t base[3] = {29, 285, 65821};
        size_t len = size - 28;
        if (len > data->len - at) {
            return cut_short;
        }
        size = base[len - 1] + read_number(data->bytes + at, len);
        at += len;
    }
    *value = (struct value){(enum type)type, size, at};
    return NULL;
}

/* The largest (or, for floating point, only) size of each type in bytes; 0 where the size is free. */
static bool is_size_valid(enum type type, size_t size)
{
    switch (type) {
    case TYPE_DOUBLE: return size == 8;
    case TYPE_FLOAT: return size == 4;
    case TYPE_UINT16: return size <= 2;
    case TYPE_UINT32:
    case TYPE_INT32: return size <= 4;
    case TYPE_UINT64: return size <= 8;
    case TYPE_UINT128: return size <= 16;
    case TYPE_BOOLEAN: return size <= 1;
    case TYPE_TEXT:
    case TYPE_BYTES:
    case TYPE_MAP:
    case TYPE_ARRAY: return true;
    default: return false;
    }
}

/* What remains to be visited of a map (keys and values in turn) or an array. */
struct level {
    size_t left, at;
    bool is_map;
    bool is_inline; /* not behind a pointer: its parent goes on where it ends */
    size_t index;   /* of an array */
    /* Paths of the sink that lead through here, and those of them that the key (or index) at hand follows. */
    uint32_t paths, matched;
};

/* Level 0 holds the value that is checked, level n the keys of component n - 1 of paths. */
struct walk {
    struct geo_data *data;
    const struct geo_sink *sink; /* or NULL */
    struct level levels[NESTING_MAX + 1];
    size_t depth, values;
};

/* ---- what the sink looks for ---- */

/* Which of the paths have this key at the level. */
static uint32_t match_key(const struct walk *walk, const struct level *level, const char *key, size_t len)
{
    size_t component = (size_t)(level - walk->levels) - 1;
    uint32_t matched = 0;
    for (uint32_t paths = level->paths; paths != 0; paths &= paths - 1) {
        unsigned path = (unsigned)__builtin_ctz(paths);
        const char *wanted = walk->sink->paths[path][component];
        if (strlen(wanted) == len && memcmp(wanted, key, len) == 0) {
            matched |= 1u << path;
        }
    }
    return matched;
}

static void match_index(const struct walk *walk, struct level *level)
{
    char key[] = {'#', (char)('0' + level->index)};
    level->matched = level == walk->levels ? level->paths
                     : level->index > 9    ? 0
                                           : match_key(walk, level, key, sizeof key);
    level->index++;
}

/* Of the paths that follow the key at hand, those that go on, or those that end here. */
static uint32_t select_paths(const struct walk *walk, const struct level *level, bool end)
{
    size_t next = (size_t)(level - walk->levels);
    uint32_t selected = 0;
    if (walk->sink == NULL) {
        return 0;
    }
    for (uint32_t paths = level->matched; paths != 0; paths &= paths - 1) {
        unsigned path = (unsigned)__builtin_ctz(paths);
        bool ends = next == GEO_PATH_MAX || walk->sink->paths[path][next] == NULL;
        selected |= ends == end ? 1u << path : 0;
    }
    return selected;
}

static bool read_scalar(const struct geo_data *data, const struct value *value, struct geo_scalar *scalar)
{
    const uint8_t *bytes = data->bytes + value->behind;
    *scalar = (struct geo_scalar){.text = (const char *)bytes, .len = value->size};
    uint64_t bits = value->size <= sizeof bits ? read_number(bytes, value->size) : 0;
    uint32_t half = (uint32_t)bits;
    float real;
    switch (value->type) {
    case TYPE_TEXT: scalar->type = GEO_SCALAR_TEXT; return true;
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64:
        scalar->type = GEO_SCALAR_WHOLE;
        scalar->whole = bits;
        return true;
    case TYPE_DOUBLE:
        scalar->type = GEO_SCALAR_REAL;
        memcpy(&scalar->real, &bits, sizeof bits);
        return true;
    case TYPE_FLOAT:
        scalar->type = GEO_SCALAR_REAL;
        memcpy(&real, &half, sizeof half);
        scalar->real = (double)real;
        return true;
    default: return false;
    }
}

static void give_scalar(const struct walk *walk, const struct level *level, const struct value *value)
{
    struct geo_scalar scalar;
    uint32_t paths = select_paths(walk, level, true);
    if (walk->sink != NULL && paths != 0 && read_scalar(walk->data, value, &scalar)) {
        for (; paths != 0; paths &= paths - 1) {
            walk->sink->take(walk->sink->context, (size_t)__builtin_ctz(paths), &scalar);
        }
    }
}

/* ---- the walk ---- */

/* A header, through a pointer if there is one: then *after is behind the pointer, else behind the value (of
 * maps and arrays: behind their header). */
static const char *read_value(const struct geo_data *data, size_t offset, struct value *value, size_t *after)
{
    const char *wrong = read_header(data, offset, value);
    if (wrong != NULL) {
        return wrong;
    }
    *after = value->behind;
    bool is_pointed = value->type == TYPE_POINTER;
    if (is_pointed) {
        wrong = read_header(data, value->size, value);
        if (wrong != NULL) {
            return wrong;
        }
        if (value->type == TYPE_POINTER) {
            return "has a pointer to a pointer";
        }
    }
    if (!is_size_valid(value->type, value->size)) {
        return "has a value of a size that its type does not allow";
    }
    bool has_bytes = value->type != TYPE_MAP && value->type != TYPE_ARRAY && value->type != TYPE_BOOLEAN;
    if (has_bytes && value->size > data->len - value->behind) {
        return cut_short;
    }
    if (has_bytes && !is_pointed) {
        *after += value->size;
    }
    return NULL;
}

static const char *visit_next(struct walk *walk)
{
    struct level *level = &walk->levels[walk->depth - 1];
    bool is_key = level->is_map && level->left % 2 == 0;
    struct value value;
    size_t start = level->at;
    const char *wrong = read_value(walk->data, start, &value, &level->at);
    if (wrong != NULL) {
        return wrong;
    }
    if (is_key && value.type != TYPE_TEXT) {
        return "has a map with a key that is not a string";
    }
    level->left--;
    if (is_key) {
        const char *key = (const char *)walk->data->bytes + value.behind;
        level->matched = match_key(walk, level, key, value.size);
        return NULL;
    }
    if (!level->is_map) {
        match_index(walk, level);
    }
    if (value.type != TYPE_MAP && value.type != TYPE_ARRAY) {
        give_scalar(walk, level, &value);
        return NULL;
    }
    if (walk->depth > NESTING_MAX) {
        return "is nested more than 32 levels deep";
    }
    bool is_map = value.type == TYPE_MAP;
    walk->levels[walk->depth++] = (struct level){.left = is_map ? value.size * 2 : value.size,
                                                 .at = value.behind,
                                                 .is_map = is_map,
                                                 .is_inline = level->at == value.behind,
                                                 .paths = select_paths(walk, level, false)};
    return NULL;
}

/* *after: where a sibling would begin. */
static const char *check_value(struct geo_data *data, size_t offset, const struct geo_sink *sink,
                               size_t *after)
{
    /* The entry itself is an array of one value. */
    struct walk walk = {.data = data, .sink = sink, .levels = {{.left = 1, .at = offset}}, .depth = 1};
    walk.levels[0].paths = sink == NULL ? 0 : (uint32_t)((UINT64_C(1) << sink->path_count) - 1);
    while (walk.depth > 0) {
        struct level *level = &walk.levels[walk.depth - 1];
        if (level->left == 0) {
            *after = level->at;
            walk.depth--;
            if (level->is_inline) {
                walk.levels[walk.depth - 1].at = level->at;
            }
            continue;
        }
        if (++walk.values > VALUES_MAX || data->budget == 0) {
            return "leads to more values than a sound database has";
        }
        data->budget--;
        const char *wrong = visit_next(&walk);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return NULL;
}

const char *geo_data_check(struct geo_data *data, size_t offset, const struct geo_sink *sink)
{
    size_t after;
    return check_value(data, offset, sink, &after);
}

/* ---- metadata ---- */

/* The library leaks its list of values when these are of other types than it expects. */
static const char *check_texts(const struct geo_data *data, size_t offset, enum type type)
{
    struct value list, item;
    size_t after;
    const char *wrong = read_value(data, offset, &list, &after);
    if (wrong == NULL && list.type != type) {
        return type == TYPE_MAP ? "has a \"description\" that is not a map"
                                : "has \"languages\" that are not an array";
    }
    size_t at = list.behind, count = type == TYPE_MAP ? list.size * 2 : list.size;
    for (size_t i = 0; i < count && wrong == NULL; i++) {
        wrong = read_value(data, at, &item, &at);
        if (wrong == NULL && item.type != TYPE_TEXT) {
            wrong = "has a language or description that is not a string";
        }
    }
    return wrong;
}

static bool is_text(const struct geo_data *data, const struct value *value, const char *text)
{
    return value->type == TYPE_TEXT && value->size == strlen(text) &&
           memcmp(data->bytes + value->behind, text, value->size) == 0;
}

const char *geo_data_check_metadata(struct geo_data *data)
{
    struct value map, key;
    size_t at;
    const char *wrong = geo_data_check(data, 0, NULL);
    if (wrong == NULL) {
        wrong = read_value(data, 0, &map, &at);
    }
    if (wrong == NULL && (map.type != TYPE_MAP || at != map.behind)) {
        return "is not a map";
    }
    for (size_t i = 0; wrong == NULL && i < map.size; i++) {
        wrong = read_value(data, at, &key, &at);
        if (wrong == NULL && is_text(data, &key, "languages")) {
            wrong = check_texts(data, at, TYPE_ARRAY);
        } else if (wrong == NULL && is_text(data, &key, "description")) {
            wrong = check_texts(data, at, TYPE_MAP);
        }
        if (wrong == NULL) {
            wrong = check_value(data, at, NULL, &at);
        }
    }
    return wrong;
}

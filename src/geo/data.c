/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data section of a database: checked as a whole before the library may decode any of it, then asked for
 * the few values that rules know. Format: MaxMind DB File Format Specification 2.0, "Output Data Section".
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
};

struct walk {
    struct geo_data *data;
    struct level levels[NESTING_MAX + 1];
    size_t depth, values;
};

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
    if (value.type != TYPE_MAP && value.type != TYPE_ARRAY) {
        return NULL;
    }
    if (walk->depth > NESTING_MAX) {
        return "is nested more than 32 levels deep";
    }
    bool is_map = value.type == TYPE_MAP;
    walk->levels[walk->depth++] = (struct level){.left = is_map ? value.size * 2 : value.size,
                                                 .at = value.behind,
                                                 .is_map = is_map,
                                                 .is_inline = level->at == value.behind};
    return NULL;
}

/* *after: where a sibling would begin. */
static const char *check_value(struct geo_data *data, size_t offset, size_t *after)
{
    /* The entry itself is an array of one value. */
    struct walk walk = {.data = data, .levels = {{.left = 1, .at = offset}}, .depth = 1};
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

const char *geo_data_check(struct geo_data *data, size_t offset)
{
    size_t after;
    return check_value(data, offset, &after);
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
    const char *wrong = geo_data_check(data, 0);
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
            wrong = check_value(data, at, &at);
        }
    }
    return wrong;
}

/* ---- places ---- */

static unsigned read_code(const MMDB_s *mmdb, uint32_t offset, const char *const *path)
{
    MMDB_entry_s entry = {.mmdb = mmdb, .offset = offset};
    MMDB_entry_data_s data;
    if (MMDB_aget_value(&entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING) {
        return GEO_CODE_NONE;
    }
    return geo_code_read(data.utf8_string, data.data_size);
}

uint32_t geo_data_read_place(const MMDB_s *mmdb, uint32_t offset)
{
    /* MaxMind; the country where a network is registered if nobody knows where it is used; flat; flat as
     * others name it. */
    static const char *const countries[][3] = {{"country", "iso_code", NULL},
                                               {"registered_country", "iso_code", NULL},
                                               {"country_code", NULL, NULL},
                                               {"country", NULL, NULL}};
    static const char *const continents[][3] = {
        {"continent", "code", NULL}, {"continent_code", NULL, NULL}, {"continent", NULL, NULL}};
    unsigned country = GEO_CODE_NONE, continent = GEO_CODE_NONE;
    for (size_t i = 0; i < sizeof countries / sizeof *countries && country == GEO_CODE_NONE; i++) {
        country = read_code(mmdb, offset, countries[i]);
    }
    for (size_t i = 0; i < sizeof continents / sizeof *continents && continent == GEO_CODE_NONE; i++) {
        continent = read_code(mmdb, offset, continents[i]);
    }
    if (continent == GEO_CODE_NONE) {
        char text[3];
        geo_code_write(country, text);
        const char *derived = geo_get_continent(text);
        continent = geo_code_read(derived, strlen(derived));
    }
    return geo_place_pack(country, continent);
}

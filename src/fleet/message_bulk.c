/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Values and lines about parts of bundles. As strict as message.c: whoever wrote a line may be anybody. */
#include "config.h"

#include "fleet/message_bulk.h"

#include "base/arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

static const char *const part_texts[FLEET_PARTS] = {"manifest", "stream"};

/* ---- lines to values ---- */

static bool say_no(char why[FLEET_WHY_SIZE], const char *what)
{
    snprintf(why, FLEET_WHY_SIZE, "%.180s", what);
    return false;
}

static bool is_name(const char *text)
{
    return strlen(text) == FLEET_BUNDLE_SIZE - 1 && strspn(text, "0123456789abcdef") == FLEET_BUNDLE_SIZE - 1;
}

static bool read_part(const char *text, enum fleet_part *part)
{
    for (int i = 0; i < FLEET_PARTS; i++) {
        if (strcmp(text, part_texts[i]) == 0) {
            *part = (enum fleet_part)i;
            return true;
        }
    }
    return false;
}

static bool read_name(const char *name, const char *part, struct arena *arena, const char **bundle,
                      enum fleet_part *to)
{
    *bundle = is_name(name) ? arena_copy_text(arena, name) : NULL;
    return *bundle != NULL && read_part(part, to);
}

static bool is_below(json_int_t number, json_int_t from, json_int_t to)
{
    return number >= from && number <= to;
}

static bool read_range(const json_t *json, struct fleet_blocks *blocks)
{
    json_int_t first = json_integer_value(json_array_get(json, 0));
    json_int_t count = json_integer_value(json_array_get(json, 1));
    *blocks = (struct fleet_blocks){(uint32_t)first, (uint32_t)count};
    return json_is_array(json) && json_array_size(json) == 2 && json_is_integer(json_array_get(json, 0)) &&
           json_is_integer(json_array_get(json, 1)) && is_below(first, 0, FLEET_BLOCKS_MAX - 1) &&
           is_below(count, 1, FLEET_BLOCKS_MAX - first);
}

static bool read_ranges(const json_t *list, struct arena *arena, struct fleet_bulk *bulk)
{
    size_t count = json_array_size(list);
    bool fits = json_is_array(list) && count <= FLEET_RANGES_MAX;
    struct fleet_blocks *items = fits ? arena_alloc(arena, count * sizeof *items) : NULL;
    uint64_t total = 0; /* whoever says one of them twice says more than there can be */
    for (size_t i = 0; i < count && fits; i++) {
        fits = read_range(json_array_get(list, i), &items[i]);
        total += items[i].count;
    }
    fits = fits && total <= FLEET_BLOCKS_MAX;
    bulk->items = items;
    bulk->count = fits ? count : 0;
    return fits;
}

/* With the one flag that it may have. */
static bool read_wish(json_t *body, struct arena *arena, struct fleet_message *message,
                      char why[FLEET_WHY_SIZE])
{
    json_error_t error;
    const char *name, *part;
    const json_t *blocks;
    int flag = 0;
    bool is_want = message->kind == FLEET_WANT;
    struct fleet_bulk *bulk = &message->bulk;
    *bulk = (struct fleet_bulk){.bundle = NULL};
    if (json_unpack_ex(body, &error, JSON_STRICT, "{s:s,s:s,s:o,s?b}", "bundle", &name, "part", &part,
                       "blocks", &blocks, is_want ? "scarce" : "gone", &flag) != 0) {
        return say_no(why, error.text);
    }
    *(is_want ? &bulk->scarce : &bulk->is_gone) = flag != 0;
    if (!read_name(name, part, arena, &bulk->bundle, &bulk->part)) {
        return say_no(why, "\"bundle\" or \"part\" is none");
    }
    return read_ranges(blocks, arena, bulk) || say_no(why, "\"blocks\" are no ranges of numbers");
}

static bool read_has(json_t *body, struct arena *arena, struct fleet_message *message,
                     char why[FLEET_WHY_SIZE])
{
    json_error_t error;
    const char *name, *part;
    const json_t *blocks;
    json_int_t size;
    int flag = 0;
    struct fleet_bulk *bulk = &message->bulk;
    *bulk = (struct fleet_bulk){.bundle = NULL};
    if (json_unpack_ex(body, &error, JSON_STRICT, "{s:s,s:s,s:I,s?b,s:o}", "bundle", &name, "part", &part,
                       "size", &size, "anew", &flag, "blocks", &blocks) != 0) {
        return say_no(why, error.text);
    }
    bulk->is_anew = flag != 0;
    bulk->size = (uint64_t)size;
    if (!read_name(name, part, arena, &bulk->bundle, &bulk->part)) {
        return say_no(why, "\"bundle\" or \"part\" is none");
    }
    if (!is_below(size, 0, (json_int_t)FLEET_BLOCKS_MAX * FLEET_BLOCK_MAX)) {
        return say_no(why, "\"size\" is none of a part of a bundle");
    }
    return read_ranges(blocks, arena, bulk) || say_no(why, "\"blocks\" are no ranges of numbers");
}

static bool read_block(json_t *body, struct arena *arena, struct fleet_message *message,
                       char why[FLEET_WHY_SIZE])
{
    json_error_t error;
    const char *name, *part;
    json_int_t number, of, from, len;
    struct fleet_piece *piece = &message->piece;
    *piece = (struct fleet_piece){.bundle = NULL};
    if (json_unpack_ex(body, &error, JSON_STRICT, "{s:s,s:s,s:I,s:I,s:I,s:I}", "bundle", &name, "part", &part,
                       "number", &number, "of", &of, "from", &from, "len", &len) != 0) {
        return say_no(why, error.text);
    }
    if (!read_name(name, part, arena, &piece->bundle, &piece->part)) {
        return say_no(why, "\"bundle\" or \"part\" is none");
    }
    if (!is_below(number, 0, FLEET_BLOCKS_MAX - 1) || !is_below(of, 1, FLEET_BLOCK_MAX) ||
        !is_below(from, 0, of - 1) || !is_below(len, 1, FLEET_PIECE_MAX) || len > of - from) {
        return say_no(why, "its numbers are those of no piece of a block");
    }
    piece->number = (uint32_t)number;
    piece->of = (uint32_t)of;
    piece->from = (uint32_t)from;
    piece->len = (uint32_t)len;
    return true;
}

bool fleet_read_bulk(const struct json_t *body, struct arena *arena, struct fleet_message *message,
                     char why[FLEET_WHY_SIZE])
{
    json_t *json = (json_t *)(uintptr_t)body; /* which unpacking does not change */
    switch (message->kind) {
    case FLEET_HAS: return read_has(json, arena, message, why);
    case FLEET_BLOCK: return read_block(json, arena, message, why);
    default: return read_wish(json, arena, message, why);
    }
}

/* ---- values to lines ---- */

static void write_name(const char *bundle, enum fleet_part part, struct buffer *to)
{
    buffer_print(to, "\"bundle\":\"%s\",\"part\":\"%s\"", bundle, part_texts[part]);
}

static void write_ranges(const struct fleet_bulk *bulk, struct buffer *to)
{
    buffer_add_text(to, ",\"blocks\":[");
    for (size_t i = 0; i < bulk->count; i++) {
        buffer_print(to, "%s[%" PRIu32 ",%" PRIu32 "]", i == 0 ? "" : ",", bulk->items[i].first,
                     bulk->items[i].count);
    }
    buffer_add_text(to, "]");
}

static void write_flag(const char *key, bool is_set, struct buffer *to)
{
    if (is_set) {
        buffer_print(to, ",\"%s\":true", key);
    }
}

void fleet_write_bulk(const struct fleet_message *message, struct buffer *to)
{
    const struct fleet_bulk *bulk = &message->bulk;
    const struct fleet_piece *piece = &message->piece;
    if (message->kind == FLEET_BLOCK) {
        write_name(piece->bundle, piece->part, to);
        buffer_print(to, ",\"number\":%" PRIu32 ",\"of\":%" PRIu32 ",\"from\":%" PRIu32 ",\"len\":%" PRIu32,
                     piece->number, piece->of, piece->from, piece->len);
        return;
    }
    write_name(bulk->bundle, bulk->part, to);
    if (message->kind == FLEET_HAS) {
        buffer_print(to, ",\"size\":%" PRIu64, bulk->size);
        write_flag("anew", bulk->is_anew, to);
    }
    write_ranges(bulk, to);
    write_flag("scarce", message->kind == FLEET_WANT && bulk->scarce, to);
    write_flag("gone", message->kind == FLEET_NONE && bulk->is_gone, to);
}

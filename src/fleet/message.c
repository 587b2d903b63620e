/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lines to values. Whoever wrote a line may be anybody: types, ranges, lengths and counts are looked at
 * before anything is believed, and a member that is not known is an error: it would have meant something. */
#include "config.h"

#include "fleet/message.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "fleet/message_bulk.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_texts[FLEET_KINDS] = {
    "hello",  "welcome", "refused", "enrol",   "enrolled", "list",  "check", "targets", "listed",
    "same",   "aim",     "taken",   "untaken", "opinions", "alive", "run",   "trace",   "ran",
    "clock",  "limits",  "mark",    "can",     "change",   "keep",  "order", "holds",   "join",
    "joined", "serials", "has",     "want",    "none",     "block"};
static const char *const verdict_texts[] = {"none", "up", "down"}; /* enum health_observed */

const char *fleet_kind_text(enum fleet_kind kind)
{
    return (unsigned)kind < FLEET_KINDS ? kind_texts[kind] : "?";
}

const char *fleet_verdict_text(enum health_observed verdict)
{
    return (unsigned)verdict < 3 ? verdict_texts[verdict] : "?";
}

/* ---- what is wrong ---- */

struct reading {
    struct arena *arena;
    char *why;
    const char *kind;
    int error; /* 0: nothing is wrong so far; the first counts */
};

static void fail(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct reading *r, const char *format, ...)
{
    if (r->error == 0) {
        int len = snprintf(r->why, FLEET_WHY_SIZE, "%s: ", r->kind);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(r->why + len, FLEET_WHY_SIZE - (size_t)len, format, arguments);
        va_end(arguments);
        r->error = ERROR_INVALID;
    }
}

/* ---- values ---- */

/* An object, and how many of its members were asked for. */
struct object {
    const json_t *json;
    size_t found;
};

static struct object open_object(struct reading *r, const json_t *json)
{
    if (!json_is_object(json)) {
        fail(r, "expected an object");
    }
    return (struct object){.json = json};
}

static void close_object(struct reading *r, const struct object *object)
{
    if (r->error == 0 && json_object_size(object->json) != object->found) {
        fail(r, "has a member that is not known");
    }
}

static const json_t *find(struct object *object, const char *key)
{
    const json_t *value = json_object_get(object->json, key);
    object->found += value != NULL;
    return value;
}

static const json_t *require(struct reading *r, struct object *object, const char *key)
{
    const json_t *value = find(object, key);
    if (value == NULL) {
        fail(r, "\"%s\" is missing", key);
    }
    return value;
}

/* Never NULL. */
static const char *take_text(struct reading *r, const json_t *value, const char *key, size_t max)
{
    if (!json_is_string(value)) {
        fail(r, "\"%s\" is no text", key);
        return "";
    }
    if (json_string_length(value) > max) {
        fail(r, "\"%s\" has %zu octets, expected at most %zu", key, json_string_length(value), max);
        return "";
    }
    return arena_copy_text(r->arena, json_string_value(value));
}

/* A line for people: a log and a terminal show it. */
static const char *get_text(struct reading *r, struct object *object, const char *key)
{
    char *text = arena_copy_text(r->arena, take_text(r, require(r, object, key), key, FLEET_TEXT_MAX));
    utf8_make_printable(text);
    return text;
}

static const char *get_name(struct reading *r, struct object *object)
{
    const char *name = get_text(r, object, "name");
    if (r->error == 0 && !fleet_is_name(name)) {
        fail(r, "\"name\" is no name of a vantage, expected 1 to %d letters, digits, \"-\", \"_\" and \".\"",
             FLEET_NAME_MAX);
    }
    return name;
}

static uint64_t take_number(struct reading *r, const json_t *value, const char *key, uint64_t max)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > max) {
        fail(r, "\"%s\" is no number from 0 to %llu", key, (unsigned long long)max);
        return 0;
    }
    return (uint64_t)number;
}

static uint64_t get_number(struct reading *r, struct object *object, const char *key, uint64_t max)
{
    return take_number(r, require(r, object, key), key, max);
}

static uint32_t get_u32(struct reading *r, struct object *object, const char *key)
{
    return (uint32_t)get_number(r, object, key, UINT32_MAX);
}

static uint64_t get_u64(struct reading *r, struct object *object, const char *key)
{
    return get_number(r, object, key, INT64_MAX);
}

static bool get_bool(struct reading *r, struct object *object, const char *key)
{
    const json_t *value = find(object, key);
    if (value != NULL && !json_is_boolean(value)) {
        fail(r, "\"%s\" is neither true nor false", key);
    }
    return json_is_true(value);
}

/* 16 hexadecimal digits. */
static uint64_t get_mark(struct reading *r, struct object *object, const char *key)
{
    const char *text = json_string_value(require(r, object, key));
    uint64_t mark = 0;
    if (text == NULL || !hex_read_word(text, &mark)) {
        fail(r, "\"%s\" has no 16 hexadecimal digits", key);
    }
    return mark;
}

/* How many; 0 as well when something is wrong. */
static size_t take_array(struct reading *r, const json_t *value, const char *key, size_t max)
{
    if (!json_is_array(value)) {
        fail(r, "\"%s\" is no array", key);
    } else if (json_array_size(value) > max) {
        fail(r, "\"%s\" has %zu items, expected at most %zu", key, json_array_size(value), max);
    }
    return r->error == 0 ? json_array_size(value) : 0;
}

static const struct addr *get_addresses(struct reading *r, struct object *object, size_t *count)
{
    const json_t *list = require(r, object, "addresses");
    *count = take_array(r, list, "addresses", FLEET_ADDRESSES_MAX);
    struct addr *addresses = arena_alloc(r->arena, *count * sizeof *addresses);
    for (size_t i = 0; i < *count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || addr_parse(text, &addresses[i]) != 0) {
            fail(r, "\"addresses\" has an item that is no address");
        }
    }
    return addresses;
}

static enum health_outcome take_outcome(struct reading *r, const json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL) {
        fail(r, "\"outcome\" is no text");
        return HEALTH_OUTCOME_NONE;
    }
    for (int i = 0; i < HEALTH_OUTCOME_COUNT; i++) {
        if (strcmp(text, health_outcome_text((enum health_outcome)i)) == 0) {
            return (enum health_outcome)i;
        }
    }
    return HEALTH_OUTCOME_NONE; /* of a newer version: the verdict is understood without */
}

static enum health_observed take_verdict(struct reading *r, const json_t *value)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, verdict_texts[i]) == 0) {
            return (enum health_observed)i;
        }
    }
    fail(r, "a verdict is neither \"up\" nor \"down\" nor \"none\"");
    return HEALTH_OBSERVED_UNKNOWN;
}

/* ---- kinds ---- */

static void read_hello(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->hello.version = get_u32(r, body, "version");
    message->hello.name = get_name(r, body);
    message->hello.software = get_text(r, body, "software");
    message->hello.run = get_mark(r, body, "run");
    message->hello.has_list = json_object_get(body->json, "list") != NULL;
    message->hello.list = message->hello.has_list ? get_mark(r, body, "list") : 0;
}

static void read_welcome(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->welcome.version = get_u32(r, body, "version");
    message->welcome.server = get_text(r, body, "server");
    message->welcome.heartbeat_ms = get_u32(r, body, "heartbeat_ms");
    message->welcome.expires_ms = get_u32(r, body, "expires_ms");
}

static void read_refused(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->refused = get_text(r, body, "why");
}

static void read_enrol(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->enrol.version = get_u32(r, body, "version");
    message->enrol.name = get_name(r, body);
    message->enrol.token = get_text(r, body, "token");
}

static void read_enrolled(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->enrolled = get_name(r, body);
}

static void read_what(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->what = take_text(r, require(r, body, "what"), "what", FLEET_FILE_MAX);
}

static void read_list(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->list.generation = get_u64(r, body, "generation");
    message->list.count = (uint32_t)get_number(r, body, "count", FLEET_LIST_MAX);
}

static void read_files(struct reading *r, const json_t *value, struct fleet_check *check)
{
    size_t count = json_object_size(value), i = 0;
    if (!json_is_object(value) || count > FLEET_FILES_MAX) {
        fail(r, "\"files\" is no object of at most %d files", FLEET_FILES_MAX);
        return;
    }
    struct fleet_file *files = arena_alloc(r->arena, count * sizeof *files);
    const char *path;
    json_t *content;
    json_object_foreach((json_t *)(uintptr_t)value, path, content)
    {
        files[i++] = (struct fleet_file){.path = arena_copy_text(r->arena, path),
                                         .content = take_text(r, content, "files", FLEET_FILE_MAX)};
    }
    check->files = files;
    check->file_count = count;
}

static void read_check(struct reading *r, struct object *body, struct fleet_message *message)
{
    struct fleet_check *check = &message->check;
    check->index = (uint32_t)get_number(r, body, "index", FLEET_LIST_MAX);
    const json_t *definition = require(r, body, "definition");
    if (!json_is_object(definition)) {
        fail(r, "\"definition\" is no object");
        return;
    }
    char *text = json_dumps(definition, JSON_COMPACT);
    check->definition = arena_copy_text(r->arena, text);
    free(text);
    if (check->definition == NULL) {
        fail(r, "there is no memory");
    }
    read_files(r, require(r, body, "files"), check);
}

static void read_target(struct reading *r, const json_t *json, struct fleet_target *target)
{
    struct object item = open_object(r, json);
    target->identity = get_mark(r, &item, "identity");
    target->check = (uint32_t)get_number(r, &item, "check", FLEET_LIST_MAX);
    target->name = get_text(r, &item, "name");
    target->addresses = get_addresses(r, &item, &target->address_count);
    const json_t *host = find(&item, "host");
    target->host = host == NULL ? NULL : take_text(r, host, "host", FLEET_TEXT_MAX);
    target->in_turn = get_bool(r, &item, "in_turn");
    target->idle = get_bool(r, &item, "idle");
    if (r->error == 0 && !target->in_turn && target->address_count != 1) {
        fail(r, "a target has %zu addresses, expected 1", target->address_count);
    }
    close_object(r, &item);
}

static void read_targets(struct reading *r, const json_t *list, struct fleet_message *message)
{
    size_t count = take_array(r, list, "targets", FLEET_TARGETS_MAX);
    struct fleet_target *items = arena_alloc(r->arena, count * sizeof *items);
    for (size_t i = 0; i < count && r->error == 0; i++) {
        read_target(r, json_array_get(list, i), &items[i]);
    }
    message->targets.items = items;
    message->targets.count = count;
}

static void read_generation(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->generation = get_u64(r, body, "generation");
}

static void read_aim(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->aim.generation = get_u64(r, body, "generation");
    const json_t *list = require(r, body, "items");
    size_t count = take_array(r, list, "items", FLEET_TARGETS_MAX);
    struct fleet_aim *items = arena_alloc(r->arena, count * sizeof *items);
    for (size_t i = 0; i < count && r->error == 0; i++) {
        struct object item = open_object(r, json_array_get(list, i));
        items[i].index = (uint32_t)get_number(r, &item, "index", FLEET_LIST_MAX);
        items[i].addresses = get_addresses(r, &item, &items[i].address_count);
        items[i].idle = get_bool(r, &item, "idle");
        close_object(r, &item);
    }
    message->aim.items = items;
    message->aim.count = count;
}

static void read_taken(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->taken.generation = get_u64(r, body, "generation");
    const json_t *list = require(r, body, "refused");
    size_t count = take_array(r, list, "refused", FLEET_TARGETS_MAX);
    struct fleet_untaken *refused = arena_alloc(r->arena, count * sizeof *refused);
    for (size_t i = 0; i < count && r->error == 0; i++) {
        struct object item = open_object(r, json_array_get(list, i));
        refused[i].check = (uint32_t)get_number(r, &item, "check", FLEET_LIST_MAX);
        refused[i].why = get_text(r, &item, "why");
        close_object(r, &item);
    }
    message->taken.refused = refused;
    message->taken.count = count;
    const json_t *more = find(body, "more");
    message->taken.more = more == NULL ? 0 : (uint32_t)take_number(r, more, "more", FLEET_LIST_MAX);
}

static void read_untaken(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->untaken.generation = get_u64(r, body, "generation");
    message->untaken.why = get_text(r, body, "why");
}

/* [index, verdict, streak, outcome, detail, duration_us, age_ms] */
static void read_opinion(struct reading *r, const json_t *item, struct fleet_opinion *opinion)
{
    enum { FIELDS = 7 };
    if (!json_is_array(item) || json_array_size(item) != FIELDS) {
        fail(r, "an item is no array of %d values", FIELDS);
        return;
    }
    opinion->index = (uint32_t)take_number(r, json_array_get(item, 0), "index", FLEET_LIST_MAX);
    opinion->verdict = take_verdict(r, json_array_get(item, 1));
    opinion->streak = (uint16_t)take_number(r, json_array_get(item, 2), "streak", FLEET_STREAK_MAX);
    opinion->outcome = take_outcome(r, json_array_get(item, 3));
    opinion->detail = (uint16_t)take_number(r, json_array_get(item, 4), "detail", UINT16_MAX);
    opinion->duration_us = (uint32_t)take_number(r, json_array_get(item, 5), "duration_us", UINT32_MAX);
    opinion->age_ms = (int64_t)take_number(r, json_array_get(item, 6), "age_ms", INT64_MAX / 2);
}

static void read_opinions(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->opinions.generation = get_u64(r, body, "generation");
    message->opinions.seq = get_u64(r, body, "seq");
    message->opinions.all = get_bool(r, body, "all");
    const json_t *list = require(r, body, "items");
    size_t count = take_array(r, list, "items", FLEET_OPINIONS_MAX);
    struct fleet_opinion *items = arena_alloc(r->arena, count * sizeof *items);
    for (size_t i = 0; i < count && r->error == 0; i++) {
        read_opinion(r, json_array_get(list, i), &items[i]);
    }
    message->opinions.items = items;
    message->opinions.count = count;
}

static void read_alive(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->alive.generation = get_u64(r, body, "generation");
    message->alive.seq = get_u64(r, body, "seq");
}

static void read_run(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->run.id = get_u32(r, body, "id");
    message->run.identity = get_mark(r, body, "identity");
}

static void read_trace(struct reading *r, struct object *body, struct fleet_message *message)
{
    enum { TRACE_MAX = 16 << 10 };
    message->trace.id = get_u32(r, body, "id");
    message->trace.at_us = get_u32(r, body, "at_us");
    message->trace.step = get_text(r, body, "step");
    message->trace.text = take_text(r, require(r, body, "text"), "text", TRACE_MAX);
}

static void read_ran(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->ran.id = get_u32(r, body, "id");
    message->ran.outcome = take_outcome(r, require(r, body, "outcome"));
    message->ran.detail = (uint16_t)get_number(r, body, "detail", UINT16_MAX);
    message->ran.duration_us = get_u32(r, body, "duration_us");
}

static void read_clock(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->wall_ms = (int64_t)get_number(r, body, "wall_ms", INT64_MAX / 2);
}

static void read_limits(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->limits.in_flight = get_u32(r, body, "in_flight");
    message->limits.per_address = get_u32(r, body, "per_address");
    message->limits.per_second = get_u32(r, body, "per_second");
}

static void read_mark(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->mark.generation = get_u64(r, body, "generation");
    message->mark.mark = get_mark(r, body, "mark");
}

static void read_can(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->can_change = get_bool(r, body, "change");
}

static void read_change(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->change.generation = get_u64(r, body, "generation");
    message->change.from = get_u64(r, body, "from");
    message->change.count = (uint32_t)get_number(r, body, "count", FLEET_LIST_MAX);
}

/* [from, count, shift] */
static void read_range(struct reading *r, const json_t *item, struct fleet_range *range)
{
    enum { FIELDS = 3 };
    json_int_t shift = json_integer_value(json_array_get(item, 2));
    if (!json_is_array(item) || json_array_size(item) != FIELDS ||
        !json_is_integer(json_array_get(item, 2)) || shift < -FLEET_LIST_MAX || shift > FLEET_LIST_MAX) {
        fail(r, "a range is no array of %d numbers", FIELDS);
        return;
    }
    range->from = (uint32_t)take_number(r, json_array_get(item, 0), "from", FLEET_LIST_MAX);
    range->count = (uint32_t)take_number(r, json_array_get(item, 1), "count", FLEET_LIST_MAX);
    range->shift = (int32_t)shift;
}

static void read_keep(struct reading *r, struct object *body, struct fleet_message *message)
{
    const json_t *list = require(r, body, "ranges");
    size_t count = take_array(r, list, "ranges", FLEET_RANGES_MAX);
    struct fleet_range *items = arena_alloc(r->arena, count * sizeof *items);
    for (size_t i = 0; i < count && r->error == 0; i++) {
        read_range(r, json_array_get(list, i), &items[i]);
    }
    message->keep.items = items;
    message->keep.count = count;
}

static void read_order(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->order.mark = get_mark(r, body, "mark");
    message->order.text = take_text(r, require(r, body, "text"), "text", FLEET_ORDER_MAX);
}

static void read_holds(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->holds.mark = get_mark(r, body, "mark");
    message->holds.why = get_text(r, body, "why");
}

static void read_serials(struct reading *r, struct object *body, struct fleet_message *message)
{
    message->serials = take_text(r, require(r, body, "text"), "text", FLEET_ORDER_MAX);
}

static void read_bulk(struct reading *r, struct object *body, struct fleet_message *message)
{
    char why[FLEET_WHY_SIZE];
    if (!fleet_read_bulk(body->json, r->arena, message, why)) {
        fail(r, "%s", why);
    }
    body->found = json_object_size(body->json); /* it has looked at all */
}

/* ---- the whole ---- */

typedef void read_kind(struct reading *r, struct object *body, struct fleet_message *message);

static read_kind *const readers[FLEET_KINDS] = {
    [FLEET_HELLO] = read_hello,     [FLEET_WELCOME] = read_welcome,   [FLEET_REFUSED] = read_refused,
    [FLEET_ENROL] = read_enrol,     [FLEET_ENROLLED] = read_enrolled, [FLEET_LIST] = read_list,
    [FLEET_CHECK] = read_check,     [FLEET_TARGETS] = NULL,           [FLEET_LISTED] = read_generation,
    [FLEET_SAME] = read_generation, [FLEET_AIM] = read_aim,           [FLEET_TAKEN] = read_taken,
    [FLEET_UNTAKEN] = read_untaken, [FLEET_OPINIONS] = read_opinions, [FLEET_ALIVE] = read_alive,
    [FLEET_RUN] = read_run,         [FLEET_TRACE] = read_trace,       [FLEET_RAN] = read_ran,
    [FLEET_CLOCK] = read_clock,     [FLEET_LIMITS] = read_limits,     [FLEET_MARK] = read_mark,
    [FLEET_CAN] = read_can,         [FLEET_CHANGE] = read_change,     [FLEET_KEEP] = read_keep,
    [FLEET_ORDER] = read_order,     [FLEET_HOLDS] = read_holds,       [FLEET_JOIN] = read_what,
    [FLEET_JOINED] = read_what,     [FLEET_SERIALS] = read_serials,   [FLEET_HAS] = read_bulk,
    [FLEET_WANT] = read_bulk,       [FLEET_NONE] = read_bulk,         [FLEET_BLOCK] = read_bulk};

static int find_kind(const char *key)
{
    for (int i = 0; i < FLEET_KINDS; i++) {
        if (strcmp(kind_texts[i], key) == 0) {
            return i;
        }
    }
    return -1;
}

static int read_kind_of(struct reading *r, const json_t *root, struct fleet_message *message)
{
    const char *key = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)root));
    const json_t *value = json_object_get(root, key);
    int kind = find_kind(key);
    if (kind == -1) {
        snprintf(r->why, FLEET_WHY_SIZE, "found a message of a kind that is not known");
        return ERROR_UNSUPPORTED;
    }
    message->kind = (enum fleet_kind)kind;
    r->kind = kind_texts[kind];
    if (message->kind == FLEET_TARGETS) {
        read_targets(r, value, message);
        return r->error;
    }
    struct object body = open_object(r, value);
    if (r->error == 0) {
        readers[kind](r, &body, message);
    }
    close_object(r, &body);
    return r->error;
}

int fleet_read(const char *line, size_t len, struct arena *arena, struct fleet_message *message,
               char why[FLEET_WHY_SIZE])
{
    struct reading r = {.arena = arena, .why = why};
    json_error_t error;
    *message = (struct fleet_message){.kind = FLEET_HELLO};
    why[0] = '\0';
    json_t *root = len > FLEET_LINE_MAX ? NULL : json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        snprintf(why, FLEET_WHY_SIZE, len > FLEET_LINE_MAX ? "the line is too long" : "found no JSON: %.120s",
                 error.text);
        return ERROR_SYNTAX;
    }
    int result = ERROR_SYNTAX;
    if (json_is_object(root) && json_object_size(root) == 1) {
        result = read_kind_of(&r, root, message);
    } else {
        snprintf(why, FLEET_WHY_SIZE, "found no object with one member");
    }
    json_decref(root);
    return result;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See points.h. What is not understood is refused: a point that cannot be read is none, and is left alone. */
#include "config.h"

#include "past/points.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/when.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const kinds[POINTS_KINDS] = {
    [POINTS_HOURLY] = "hourly", [POINTS_NAMED] = "named", [POINTS_BEFORE_RESTORE] = "before_restore"};
/* What IDs begin with that nobody gave. */
static const char *const prefixes[POINTS_KINDS] = {
    [POINTS_HOURLY] = "hourly-", [POINTS_NAMED] = "", [POINTS_BEFORE_RESTORE] = "restore-"};

const char *points_kind_text(enum points_kind kind)
{
    return kinds[kind];
}

/* ---- writing ---- */

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        json_t *value = json_string(text); /* NULL: no UTF-8 */
        json_object_set_new(object, key, value == NULL ? json_string("?") : value);
    }
}

static void set_time(json_t *object, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    json_object_set_new(object, key, json_string(clock_write_rfc3339(wall_ms, text)));
}

static void set_hash(json_t *object, const unsigned char hash[STORE_HASH_SIZE])
{
    char text[2 * STORE_HASH_SIZE + 1];
    json_object_set_new(object, "hash", json_string(hex_write(hash, STORE_HASH_SIZE, text)));
}

static json_t *write_uses(const struct point *point)
{
    size_t first = point->use_count > POINTS_USES_MAX ? point->use_count - POINTS_USES_MAX : 0;
    json_t *uses = json_array();
    for (size_t i = first; i < point->use_count; i++) {
        json_t *use = json_object();
        set_time(use, "time", point->uses[i].time_ms);
        set_text(use, "actor", point->uses[i].actor);
        set_text(use, "reason", point->uses[i].reason);
        json_array_append_new(uses, use);
    }
    return uses;
}

char *points_write(const struct point *point)
{
    json_t *object = json_object();
    set_time(object, "time", point->time_ms);
    json_object_set_new(object, "seq", json_integer((json_int_t)point->seq));
    set_hash(object, point->hash);
    json_object_set_new(object, "kind", json_string(kinds[point->kind]));
    if (point->kind == POINTS_NAMED) {
        set_text(object, "name", point->id);
    }
    set_text(object, "reason", point->reason);
    set_text(object, "actor", point->actor);
    set_text(object, "objects", point->objects);
    set_text(object, "configuration", point->configuration);
    if (point->generation != 0) {
        json_object_set_new(object, "generation", json_integer((json_int_t)point->generation));
    }
    if (point->use_count != 0) {
        json_object_set_new(object, "used", write_uses(point));
    }
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* ---- reading ---- */

struct reading {
    struct arena *arena;
    const char *why; /* NULL: nothing is wrong */
};

static const char *get_text(struct reading *reading, const json_t *object, const char *key, const char *why)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (value != NULL && (text == NULL || strlen(text) != json_string_length(value))) {
        reading->why = why;
    }
    return arena_copy_text(reading->arena, text);
}

static int64_t get_time(struct reading *reading, const json_t *object, const char *why)
{
    const char *text = json_string_value(json_object_get(object, "time"));
    int64_t ms = 0;
    if (text == NULL || clock_parse_rfc3339(text, &ms) != 0) {
        reading->why = why;
    }
    return ms;
}

static uint64_t get_number(struct reading *reading, const json_t *object, const char *key, const char *why)
{
    const json_t *value = json_object_get(object, key);
    if (value != NULL && (!json_is_integer(value) || json_integer_value(value) < 0)) {
        reading->why = why;
        return 0;
    }
    return (uint64_t)json_integer_value(value);
}

static bool is_sha(const char *text)
{
    return strlen(text) == POINTS_SHA_LEN && strspn(text, "0123456789abcdef") == POINTS_SHA_LEN;
}

static const char *get_sha(struct reading *reading, const json_t *object, const char *key, const char *why)
{
    const char *text = get_text(reading, object, key, why);
    if (text != NULL && !is_sha(text)) {
        reading->why = why;
    }
    return text;
}

static unsigned digit_value(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void read_hash(struct reading *reading, const json_t *object, unsigned char hash[STORE_HASH_SIZE])
{
    static const char why[] = "\"hash\": expected 64 hexadecimal digits";
    const char *text = get_sha(reading, object, "hash", why);
    if (text == NULL || reading->why != NULL) {
        reading->why = why;
        return;
    }
    for (size_t i = 0; i < STORE_HASH_SIZE; i++) {
        hash[i] = (unsigned char)(digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
    }
}

static void read_kind(struct reading *reading, const json_t *object, struct point *point)
{
    const char *text = get_text(reading, object, "kind", "\"kind\": expected a text");
    for (int i = 0; text != NULL && i < POINTS_KINDS; i++) {
        if (strcmp(text, kinds[i]) == 0) {
            point->kind = (enum points_kind)i;
            return;
        }
    }
    reading->why = "\"kind\": expected \"hourly\", \"named\" or \"before_restore\"";
}

static void read_uses(struct reading *reading, const json_t *object, struct point *point)
{
    static const char why[] = "\"used\": expected an array of objects with a time";
    const json_t *uses = json_object_get(object, "used");
    if (uses != NULL && !json_is_array(uses)) {
        reading->why = why;
    }
    size_t count = json_array_size(uses);
    struct point_use *to = arena_alloc(reading->arena, count * sizeof *to);
    for (size_t i = 0; i < count; i++) {
        const json_t *use = json_array_get(uses, i);
        const char *actor = get_text(reading, use, "actor", why);
        const char *reason = get_text(reading, use, "reason", why);
        to[i] = (struct point_use){.time_ms = get_time(reading, use, why),
                                   .actor = actor == NULL ? "" : actor,
                                   .reason = reason == NULL ? "" : reason};
    }
    point->uses = to;
    point->use_count = count;
}

int points_read(const char *id, const char *value, struct arena *arena, struct point *point, const char **why)
{
    json_t *object = json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    struct reading reading = {.arena = arena};
    *point = (struct point){.id = arena_copy_text(arena, id)};
    if (!json_is_object(object)) {
        json_decref(object);
        *why = "expected a JSON object";
        return ERROR_SYNTAX;
    }
    point->time_ms = get_time(&reading, object, "\"time\": expected an RFC 3339 time");
    point->seq = get_number(&reading, object, "seq", "\"seq\": expected a number");
    point->generation = get_number(&reading, object, "generation", "\"generation\": expected a number");
    read_hash(&reading, object, point->hash);
    read_kind(&reading, object, point);
    point->reason = get_text(&reading, object, "reason", "\"reason\": expected a text");
    point->actor = get_text(&reading, object, "actor", "\"actor\": expected a text");
    point->reason = point->reason == NULL ? "" : point->reason;
    point->actor = point->actor == NULL ? "" : point->actor;
    point->objects = get_sha(&reading, object, "objects", "\"objects\": expected 64 hexadecimal digits");
    point->configuration =
        get_sha(&reading, object, "configuration", "\"configuration\": expected 64 hexadecimal digits");
    if (reading.why == NULL && point->objects == NULL) {
        reading.why = "\"objects\": expected 64 hexadecimal digits";
    }
    read_uses(&reading, object, point);
    json_decref(object);
    *why = reading.why;
    return reading.why == NULL ? 0 : ERROR_SYNTAX;
}

/* ---- names ---- */

static bool is_made_of(const char *text, const char *letters)
{
    size_t len = strlen(text);
    return len >= 1 && len <= POINTS_ID_MAX && strspn(text, letters) == len && strchr("._-", text[0]) == NULL;
}

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789._-"

bool points_is_id(const char *text)
{
    return is_made_of(text, NAME_LETTERS "TZ");
}

const char *points_judge_name(const char *text)
{
    if (!is_made_of(text, NAME_LETTERS)) {
        return "expected 1 to 63 of a-z, 0-9, '.', '_' and '-', the first one a letter or digit";
    }
    for (int i = 0; i < POINTS_KINDS; i++) {
        if (prefixes[i][0] != '\0' && strncmp(text, prefixes[i], strlen(prefixes[i])) == 0) {
            return "expected a name that does not begin with \"hourly-\" or \"restore-\": those are given to "
                   "points that are made by themselves";
        }
    }
    int64_t ms;
    return when_parse(text, 0, &ms) == 0 || when_parse_duration(text, &ms) == 0
               ? "expected a name that does not read as a duration"
               : NULL;
}

void points_write_id(enum points_kind kind, int64_t time_ms, char id[POINTS_ID_SIZE])
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    char text[32] = "";
    if (gmtime_r(&seconds, &parts) != NULL) {
        (void)strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
    }
    snprintf(id, POINTS_ID_SIZE, "%s%s", prefixes[kind], text);
}

/* ---- when ---- */

/* The number of the stretch that a time is in; also for times before 1970. */
static int64_t find_stretch(int64_t time_ms, int64_t every_ms)
{
    return time_ms / every_ms - (time_ms % every_ms < 0);
}

void points_note_latest(const struct point *point, struct points_latest *latest)
{
    if (latest->count == 0 || point->seq >= latest->any_seq) {
        latest->any_seq = point->seq;
        latest->any_ms = point->time_ms;
    }
    if (point->kind == POINTS_HOURLY && (!latest->has_hourly || point->seq >= latest->hourly_seq)) {
        latest->has_hourly = true;
        latest->hourly_seq = point->seq;
        latest->hourly_ms = point->time_ms;
    }
    latest->count++;
}

void points_find_latest(const struct point *points, size_t count, struct points_latest *latest)
{
    *latest = (struct points_latest){.count = 0};
    for (size_t i = 0; i < count; i++) {
        points_note_latest(&points[i], latest);
    }
}

bool points_is_due(const struct points_rule *rule, const struct points_latest *latest, int64_t now_ms,
                   uint64_t seq)
{
    int64_t every_ms = (int64_t)rule->every_ms;
    if (every_ms == 0) {
        return false;
    }
    if (!latest->has_hourly || seq >= latest->any_seq + POINTS_ENTRIES_MAX) {
        return true;
    }
    return find_stretch(now_ms, every_ms) > find_stretch(latest->hourly_ms, every_ms) ||
           now_ms < latest->hourly_ms - every_ms;
}

struct ranked {
    const struct point *point;
    size_t at;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct point *left = ((const struct ranked *)a)->point, *right = ((const struct ranked *)b)->point;
    return left->seq < right->seq ? 1 : left->seq > right->seq ? -1 : 0;
}

size_t points_find_gone(const struct points_rule *rule, const struct point *points, size_t count,
                        int64_t now_ms, bool *gone)
{
    enum { DAY_MS = 86400000 };
    int64_t since_ms = now_ms - (int64_t)rule->keep_days * DAY_MS;
    size_t found = 0, of_kind[POINTS_KINDS] = {0}, later[POINTS_KINDS] = {0};
    uint64_t last_seq[POINTS_KINDS] = {0};
    struct ranked *ranked = memory_alloc_array(count, sizeof *ranked);
    for (size_t i = 0; i < count; i++) {
        ranked[i] = (struct ranked){&points[i], i};
    }
    qsort(ranked, count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < count; i++) {
        const struct point *point = ranked[i].point;
        bool is_young = rule->keep_days != 0 && point->time_ms > since_ms;
        if (of_kind[point->kind] == 0 || point->seq != last_seq[point->kind]) {
            later[point->kind] = of_kind[point->kind];
            last_seq[point->kind] = point->seq;
        }
        of_kind[point->kind]++;
        gone[ranked[i].at] =
            point->kind != POINTS_NAMED && !is_young && later[point->kind] >= rule->keep_count;
        found += gone[ranked[i].at];
    }
    free(ranked);
    return found;
}

void points_find_span(const struct point *points, size_t count, struct arena *arena, struct points_span *span)
{
    bool are_named = true;
    *span = (struct points_span){.seq = UINT64_MAX, .since_ms = count == 0 ? INT64_MIN : INT64_MAX};
    span->named_ms = arena_alloc(arena, count * sizeof *span->named_ms);
    for (size_t i = 0; i < count; i++) {
        if (points[i].kind == POINTS_NAMED) {
            span->named_ms[span->named_count++] = points[i].time_ms;
        } else {
            are_named = false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (are_named || points[i].kind != POINTS_NAMED) {
            span->seq = points[i].seq < span->seq ? points[i].seq : span->seq;
            span->since_ms = points[i].time_ms < span->since_ms ? points[i].time_ms : span->since_ms;
        }
    }
}

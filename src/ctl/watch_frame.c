/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The header, then regions with their azs, then checks: what is not well first. When there is not room for
 * all, what is well is left out and counted. Below them the latest events: a quarter of the lines is theirs,
 * and all that checks leave. Names are ASCII; lines are cut where the terminal ends. */
#include "config.h"

#include "ctl/watch_frame.h"

#include "ctl/event_text.h"
#include "ctl/spark.h"
#include "ctl/text.h"

#include <string.h>

enum {
    LINE_SIZE = 1024,
    SPARKS = 8,
    WIDE = 100,      /* columns from which there is room for reasons */
    ROOMY = 12,      /* rows from which events have some of their own */
    EVENTS_ALL = 20, /* where rows do not end */
};

struct frame {
    struct watch_memory *memory;
    const struct watch_screen *screen;
    struct buffer *out;
    json_t *fresh;  /* what is shown now, to be seen later */
    unsigned lines; /* so far */
};

/* ---- lines ---- */

static unsigned lines_left(const struct frame *frame)
{
    unsigned rows = frame->screen->rows;
    return rows == 0 ? UINT32_MAX : frame->lines < rows ? rows - frame->lines : 0;
}

/* Octets of the text that fill so many columns at most; characters of ours take one. */
static size_t fit(const char *text, unsigned columns)
{
    size_t len = 0;
    unsigned used = 0;
    while (text[len] != '\0') {
        used += ((unsigned char)text[len] & 0xc0) != 0x80;
        if (used > columns) {
            break;
        }
        len++;
    }
    return len;
}

static const char *colour_of(const struct frame *frame, const char *state, bool changed)
{
    if (!frame->screen->colour) {
        return "";
    }
    return changed                             ? "\033[7m"
           : strcmp(state, "healthy") == 0     ? "\033[32m"
           : strcmp(state, "unhealthy") == 0   ? "\033[31m"
           : strcmp(state, "forced_down") == 0 ? "\033[31m"
           : strcmp(state, "heading") == 0     ? "\033[1m"
           : strcmp(state, "") == 0            ? ""
                                               : "\033[33m";
}

static void add_line(struct frame *frame, const char *state, bool changed, const char *text)
{
    char clean[LINE_SIZE];
    const struct watch_screen *screen = frame->screen;
    const char *colour = colour_of(frame, state, changed);
    if (lines_left(frame) == 0) {
        return;
    }
    text_clean(text, clean, sizeof clean);
    buffer_print(frame->out, "%s%s%.*s%s%s", frame->lines == 0 ? "" : screen->end, colour,
                 (int)fit(clean, screen->columns), clean, colour[0] == '\0' ? "" : "\033[0m", screen->clear);
    frame->lines++;
}

/* ---- what changed ---- */

/* Is it since a moment ago what it is? */
static bool note(struct frame *frame, const char *key, const char *state)
{
    const json_t *before = json_object_get(frame->memory->seen, key);
    const char *was = text_of(before, "state");
    json_int_t at = json_integer_value(json_object_get(before, "at"));
    int64_t now_ms = frame->screen->now_ms;
    if (was != NULL && strcmp(was, state) != 0) {
        at = now_ms;
    }
    json_object_set_new(frame->fresh, key, json_pack("{s:s, s:I}", "state", state, "at", at));
    return at != 0 && now_ms - at < WATCH_MARKS_MS;
}

/* ---- the header ---- */

static void add_counts(struct buffer *line, const json_t *status, const char *kind)
{
    static const char *const states[] = {"unhealthy", "unknown", "drained", "forced_up", "forced_down"};
    const json_t *counts = json_object_get(status, kind);
    buffer_print(line, "  %s: %lld of %lld healthy", kind,
                 (long long)json_integer_value(json_object_get(counts, "healthy")),
                 (long long)json_integer_value(json_object_get(counts, "total")));
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        long long count = (long long)json_integer_value(json_object_get(counts, states[i]));
        if (count != 0) {
            buffer_print(line, ", %lld %s", count, states[i]);
        }
    }
}

static void add_header(struct frame *frame, const json_t *status)
{
    struct buffer line;
    buffer_init(&line);
    buffer_print(&line, "steerd %s, generation %lld", text_or_dash(text_of(status, "version")),
                 (long long)json_integer_value(json_object_get(status, "generation")));
    if (frame->screen->is_stale) {
        buffer_add_text(&line, "  DOES NOT ANSWER: what follows is old");
    } else {
        add_counts(&line, status, "endpoints");
    }
    add_line(frame, frame->screen->is_stale ? "unhealthy" : "heading", false, line.bytes);
    buffer_fini(&line);
}

static void add_live(struct frame *frame, const json_t *live)
{
    struct buffer line;
    char lose[TEXT_LIST_SIZE];
    if (!json_is_object(live)) {
        return;
    }
    buffer_init(&line);
    buffer_print(&line, "LIVE DRILL %s: %lld %% of ALL clients are answered as if %s were lost; by %s",
                 text_or_dash(text_of(live, "id")),
                 (long long)json_integer_value(json_object_get(live, "share")),
                 text_join(json_object_get(live, "lose"), ", ", lose), text_or_dash(text_of(live, "actor")));
    add_line(frame, "unhealthy", false, line.bytes);
    buffer_fini(&line);
}

/* ---- what goes on ---- */

static void add_switchover(struct frame *frame, const json_t *switchover)
{
    const json_t *held = json_object_get(switchover, "held");
    const char *state = text_or_dash(text_of(switchover, "state"));
    char key[256], line[LINE_SIZE], off[TEXT_LIST_SIZE];
    if (strcmp(state, "closed") == 0 || strcmp(state, "rolled_back") == 0 ||
        strcmp(state, "cancelled") == 0) {
        return;
    }
    long long percent = (long long)json_integer_value(json_object_get(switchover, "share"));
    snprintf(key, sizeof key, "switchover:%s", text_or_dash(text_of(switchover, "id")));
    snprintf(line, sizeof line, "%s %lld", state, percent);
    bool changed = note(frame, key, line);
    snprintf(line, sizeof line, "%cswitchover %s: %s, %lld %% off %s%s%s; by %s", changed ? '!' : ' ',
             text_or_dash(text_of(switchover, "id")), state, percent,
             text_join(json_object_get(switchover, "source"), ", ", off),
             json_is_object(held) ? ", HELD by " : "",
             json_is_object(held) ? text_or_dash(text_of(held, "by")) : "",
             text_or_dash(text_of(switchover, "actor")));
    add_line(frame, "moving", changed, line);
}

/* One that all see stands above. */
static void add_drill(struct frame *frame, const json_t *drill)
{
    const json_t *progress = json_object_get(drill, "progress");
    char line[LINE_SIZE], lose[TEXT_LIST_SIZE];
    if (strcmp(text_or_dash(text_of(drill, "state")), "running") != 0 ||
        strcmp(text_or_dash(text_of(drill, "mode")), "live") == 0) {
        return;
    }
    snprintf(line, sizeof line, " drill %s: %lld %%, its clients are answered as if %s were lost; by %s",
             text_or_dash(text_of(drill, "id")),
             (long long)json_integer_value(json_object_get(progress, "percent")),
             text_join(json_object_get(drill, "lose"), ", ", lose), text_or_dash(text_of(drill, "actor")));
    add_line(frame, "moving", false, line);
}

static void add_moves(struct frame *frame, const struct watch_data *data)
{
    size_t i;
    const json_t *item;
    json_array_foreach(data->switchovers, i, item)
    {
        add_switchover(frame, item);
    }
    json_array_foreach(data->drills, i, item)
    {
        add_drill(frame, item);
    }
}

/* ---- regions and azs ---- */

static void add_place(struct frame *frame, const json_t *place, const char *indent)
{
    char key[256], line[LINE_SIZE], age[32];
    const char *name = text_or_dash(text_of(place, "name")),
               *state = text_or_dash(text_of(place, "effective"));
    const char *decider = text_or_dash(text_of(place, "decided_by"));
    snprintf(key, sizeof key, "%s:%s", text_or_dash(text_of(place, "kind")), name);
    bool changed = note(frame, key, state);
    long long members = (long long)json_integer_value(json_object_get(place, "members"));
    long long lost = (long long)json_integer_value(json_object_get(place, "members_unhealthy"));
    snprintf(line, sizeof line, "%c%s%-*s %-11s %lld of %lld healthy  for %s%s%s", changed ? '!' : ' ',
             indent, (int)(24 - strlen(indent)), name, state, members - lost, members,
             text_age(text_of(place, "since"), age), strcmp(decider, "verdict") == 0 ? "" : "  by ",
             strcmp(decider, "verdict") == 0 ? "" : decider);
    add_line(frame, state, changed, line);
}

static bool is_well(const json_t *place)
{
    const char *state = text_of(place, "effective");
    return state != NULL && strcmp(state, "healthy") == 0;
}

/* When not all have room, those that are well are only counted. */
static void add_places(struct frame *frame, const struct watch_data *data)
{
    size_t i, j, left_out = 0;
    const json_t *region, *az;
    size_t all = json_array_size(data->regions) + json_array_size(data->azs);
    bool is_short = frame->screen->rows != 0 && all > frame->screen->rows / 2;
    unsigned until = frame->screen->rows == 0 ? UINT32_MAX : frame->lines + frame->screen->rows / 2;
    json_array_foreach(data->regions, i, region)
    {
        const char *name = text_of(region, "name");
        if (frame->lines < until) {
            add_place(frame, region, "");
        }
        json_array_foreach(data->azs, j, az)
        {
            const char *of = text_of(az, "region");
            if (name == NULL || of == NULL || strcmp(name, of) != 0) {
                continue;
            }
            if ((is_short && is_well(az)) || frame->lines >= until) {
                left_out++;
            } else {
                add_place(frame, az, "  ");
            }
        }
    }
    if (left_out != 0) {
        char line[64];
        snprintf(line, sizeof line, "   and %zu more azs", left_out);
        add_line(frame, "", false, line);
    }
}

/* ---- checks ---- */

static void write_key(const json_t *check, char *key, size_t size)
{
    snprintf(key, size, "check:%s/%s/%s", text_or_dash(text_of(check, "endpoint")),
             text_or_dash(text_of(check, "check")), text_or_dash(text_of(check, "address")));
}

static void write_outcome(const json_t *check, char *text, size_t size)
{
    json_int_t status = json_integer_value(json_object_get(check, "status"));
    const char *outcome = text_or_dash(text_of(check, "outcome"));
    if (status != 0) {
        snprintf(text, size, "%s %lld", outcome, (long long)status);
    } else {
        snprintf(text, size, "%s", outcome);
    }
}

static void add_check(struct frame *frame, const json_t *check)
{
    char key[1024], line[LINE_SIZE], outcome[64], took[32] = "-", spark[SPARK_SIZE];
    const char *verdict = text_or_dash(text_of(check, "verdict"));
    const json_t *duration = json_object_get(check, "duration_ms"),
                 *results = json_object_get(check, "results");
    write_key(check, key, sizeof key);
    if (json_object_get(frame->fresh, key) != NULL) {
        return; /* it stands further up */
    }
    bool changed = note(frame, key, verdict);
    write_outcome(check, outcome, sizeof outcome);
    if (json_is_number(duration)) {
        snprintf(took, sizeof took, "%.1f ms", json_number_value(duration));
    }
    size_t shown = json_array_size(results) < SPARKS ? json_array_size(results) : SPARKS;
    spark_write(results, SPARKS, frame->screen->bars, spark);
    snprintf(line, sizeof line, "%c%-20.20s %-9.9s %-9s %-15.15s %10s %*s%s  %s", changed ? '!' : ' ',
             text_or_dash(text_of(check, "endpoint")), text_or_dash(text_of(check, "check")), verdict,
             outcome, took, (int)(SPARKS - shown), "", spark,
             frame->screen->columns < WIDE ? "" : text_or_dash(text_of(check, "why")));
    add_line(frame, verdict, changed, line);
}

/* kept: lines that are not for checks */
static void add_checks(struct frame *frame, const struct watch_data *data, unsigned kept)
{
    size_t i;
    const json_t *check;
    char heading[LINE_SIZE];
    snprintf(heading, sizeof heading, " %-20s %-9s %-9s %-15s %10s %8s  %s", "ENDPOINT", "CHECK", "VERDICT",
             "LAST", "TOOK", "RESULTS", frame->screen->columns < WIDE ? "" : "WHY");
    add_line(frame, "", false, "");
    add_line(frame, "heading", false, heading);
    json_array_foreach(data->failing, i, check)
    {
        if (lines_left(frame) > kept) {
            add_check(frame, check);
        }
    }
    json_array_foreach(data->checks, i, check)
    {
        if (lines_left(frame) > kept) {
            add_check(frame, check);
        }
    }
}

/* ---- events ---- */

/* Lines that are theirs however many checks there are; an empty one and the heading are some of them. */
static unsigned keep_for_events(const struct frame *frame, const struct watch_data *data)
{
    enum { AROUND = 2 };
    unsigned rows = frame->screen->rows;
    size_t wanted = json_array_size(data->events) + AROUND;
    return rows < ROOMY || wanted == AROUND ? 0 : wanted < rows / 4 ? (unsigned)wanted : rows / 4;
}

/* "04:05:06Z" of the time of an event. */
static void write_clock(const json_t *event, char out[16])
{
    const char *time = text_of(event, "time"), *clock = time == NULL ? NULL : strchr(time, 'T');
    snprintf(out, 16, clock == NULL ? "-" : "%.8sZ", clock == NULL ? "" : clock + 1);
}

static void add_event(struct frame *frame, const json_t *event)
{
    char clock[16];
    struct buffer line;
    buffer_init(&line);
    if (json_is_true(json_object_get(event, "gap"))) {
        buffer_add_text(&line, " -- ");
        event_write_gap(event, &line);
    } else {
        write_clock(event, clock);
        buffer_print(&line, " %-9s %-11s %-24s", clock, text_or_dash(text_of(event, "kind")),
                     text_or_dash(text_of(event, "name")));
        event_write_what(event, &line);
    }
    add_line(frame, "", false, line.bytes);
    buffer_fini(&line);
}

static void add_events(struct frame *frame, const struct watch_data *data)
{
    char heading[LINE_SIZE];
    bool has_none = data->no_events != NULL && data->no_events[0] != '\0';
    size_t count = json_array_size(data->events);
    if (count == 0 && !has_none) {
        return;
    }
    snprintf(heading, sizeof heading, has_none ? " NO EVENTS ARE HEARD OF: %s" : " %-9s %-11s %-24s %s",
             has_none ? data->no_events : "EVENTS", "KIND", "NAME", "WHAT");
    add_line(frame, "", false, "");
    add_line(frame, "heading", false, heading);
    size_t most = frame->screen->rows == 0 ? EVENTS_ALL : lines_left(frame);
    for (size_t i = 0; i < count && i < most; i++) {
        add_event(frame, json_array_get(data->events, count - 1 - i));
    }
}

/* ---- all of it ---- */

void watch_draw(struct watch_memory *memory, const struct watch_data *data, const struct watch_screen *screen,
                struct buffer *out)
{
    struct frame frame = {.memory = memory, .screen = screen, .out = out, .fresh = json_object()};
    add_header(&frame, data->status);
    add_live(&frame, json_object_get(data->status, "live_drill"));
    add_moves(&frame, data);
    add_places(&frame, data);
    add_checks(&frame, data, keep_for_events(&frame, data));
    add_events(&frame, data);
    json_decref(memory->seen);
    memory->seen = frame.fresh;
}

void watch_forget(struct watch_memory *memory)
{
    json_decref(memory->seen);
    memory->seen = NULL;
}

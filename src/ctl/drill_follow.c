/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drill_follow.h. The stream begins where the drill did, so no step is missed however late this comes;
 * whoever cannot have it asks for the drill itself, now and then (shadow.c). */
#include "config.h"

#include "ctl/drill_follow.h"

#include "ctl/text.h"

#include "base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GLANCE_MS = 100, LINE = 70, TEXT = 256, TIME = 32 };

static int64_t now_ms(void)
{
    struct clock clock;
    clock_init(&clock);
    return clock_now_ms(&clock);
}

static void write_time(int64_t ms, char out[TIME])
{
    if (ms < 1000) {
        snprintf(out, TIME, "%lld ms", (long long)ms);
    } else {
        snprintf(out, TIME, "%.2f s", (double)ms / 1000);
    }
}

/* ---- what is told ---- */

static void clear_line(struct drill_follow *follow)
{
    if (follow->has_line) {
        fprintf(stderr, "\r%*s\r", LINE, "");
        follow->has_line = false;
    }
}

static void show_progress(struct drill_follow *follow)
{
    int64_t at_ms = now_ms() - follow->began_ms, all_ms = follow->duration_ms;
    char at[TIME], all[TIME], line[2 * TEXT];
    if (isatty(STDERR_FILENO) != 1 || follow->has_ended || all_ms <= 0) {
        return;
    }
    at_ms = at_ms < 0 ? 0 : at_ms > all_ms ? all_ms : at_ms;
    write_time(at_ms, at);
    write_time(all_ms, all);
    snprintf(line, sizeof line, "%3lld %%, %s of %s", (long long)(100 * at_ms / all_ms), at, all);
    fprintf(stderr, "\r%-*.*s", LINE, LINE, line);
    follow->has_line = true;
}

/* What a turn of it is, in words. */
static const char *write_turn(const json_t *body, char out[2 * TEXT])
{
    const char *turn = text_or_dash(text_of(body, "turn"));
    char number[TEXT_NUMBER_SIZE];
    if (strcmp(turn, "step") == 0) {
        snprintf(out, 2 * TEXT, "%s", text_or_dash(text_of(body, "step")));
    } else if (strcmp(turn, "seen") == 0) {
        snprintf(out, 2 * TEXT, "seen by the first check");
    } else if (strcmp(turn, "moved") == 0) {
        snprintf(out, 2 * TEXT, "answers have changed, %.20s so far",
                 text_number(body, "answers_changed", number));
    } else if (strcmp(turn, "whole") == 0) {
        snprintf(out, 2 * TEXT, "all clients see it");
    } else if (strcmp(turn, "ended") == 0) {
        snprintf(out, 2 * TEXT, "ended: %s", text_or_dash(text_of(body, "because")));
    } else {
        return NULL;
    }
    return out;
}

static void take_event(void *context, const struct sse_event *event)
{
    struct drill_follow *follow = context;
    json_t *json = event->data == NULL ? NULL : text_read_json(event->data, strlen(event->data), true);
    const json_t *body = json_object_get(json, "body"), *at = json_object_get(body, "at_ms");
    char text[2 * TEXT], clean[2 * TEXT], time[TIME];
    const char *what = write_turn(body, text);
    follow->has_gap |= strcmp(event->event, "gap") == 0;
    if (what != NULL) {
        write_time(json_is_integer(at) ? json_integer_value(at) : now_ms() - follow->began_ms, time);
        clear_line(follow);
        fprintf(stderr, "%10s  %s\n", time, text_clean(what, clean, sizeof clean));
        follow->has_ended |= strcmp(text_or_dash(text_of(body, "turn")), "ended") == 0;
    }
    json_decref(json);
}

/* ---- the stream ---- */

void drill_follow_open(struct drill_follow *follow, const struct steerctl *ctl, const json_t *begun)
{
    struct buffer target, about, why;
    const json_t *progress = json_object_get(begun, "progress");
    *follow =
        (struct drill_follow){.ctl = ctl,
                              .began_ms = now_ms() - json_integer_value(json_object_get(progress, "at_ms")),
                              .duration_ms = json_integer_value(json_object_get(progress, "duration_ms"))};
    buffer_init(&target);
    buffer_init(&about);
    buffer_init(&why);
    buffer_print(&about, "drill:%s", text_or_dash(text_of(begun, "id")));
    buffer_add_text(&target, "/v1/events");
    steerctl_add_query(&target, "kind", "step,drill");
    steerctl_add_query(&target, "target", about.bytes);
    steerctl_add_query(&target, "since", text_of(begun, "started"));
    if (!tail_open(ctl, target.bytes, &follow->tail, &why)) {
        tail_close(&follow->tail);
    }
    buffer_fini(&target);
    buffer_fini(&about);
    buffer_fini(&why);
}

static void read_all(struct drill_follow *follow)
{
    bool is_there = true;
    while (follow->tail.fd != -1 && !follow->has_ended && is_there) {
        struct pollfd one = {.fd = follow->tail.fd, .events = POLLIN};
        is_there = poll(&one, 1, 0) == 1;
        if (tail_read(&follow->tail, take_event, follow) != HTTP_MORE || follow->has_gap) {
            tail_close(&follow->tail);
        }
    }
}

void drill_follow_glance(struct drill_follow *follow)
{
    if (now_ms() - follow->looked_ms >= GLANCE_MS) {
        follow->looked_ms = now_ms();
        read_all(follow);
        show_progress(follow);
    }
}

void drill_follow_wait(struct drill_follow *follow, int64_t most_ms)
{
    int64_t end_ms = now_ms() + most_ms;
    while (follow->tail.fd != -1 && !follow->has_ended && (most_ms == 0 || now_ms() < end_ms)) {
        struct pollfd one = {.fd = follow->tail.fd, .events = POLLIN};
        (void)poll(&one, 1, GLANCE_MS);
        read_all(follow);
        show_progress(follow);
    }
}

void drill_follow_close(struct drill_follow *follow)
{
    clear_line(follow);
    tail_close(&follow->tail);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See watch_events.h. */
#include "config.h"

#include "ctl/watch_events.h"

#include "ctl/text.h"

#include "base/clock.h"

#include <poll.h>
#include <string.h>

enum { PAUSE_MS = 1000, REFUSED_MS = 10000 };

void watch_events_init(struct watch_events *events)
{
    *events = (struct watch_events){.tail.fd = -1, .items = json_array(), .known = json_object()};
}

void watch_events_fini(struct watch_events *events)
{
    if (events->tail.fd != -1) {
        tail_close(&events->tail);
    }
    json_decref(events->items);
    json_decref(events->known);
}

/* ---- the connection ---- */

void watch_events_tend(struct watch_events *events, const struct steerctl *ctl, int64_t now_ms)
{
    struct buffer target, why;
    watch_events_read(events, now_ms); /* it may have been silent for too long */
    if (events->tail.fd != -1 || now_ms < events->next_ms) {
        return;
    }
    buffer_init(&target);
    buffer_init(&why);
    buffer_add_text(&target, "/v1/events");
    bool is_first = events->id[0] == '\0';
    steerctl_add_query(&target, is_first ? "since" : "after", is_first ? "1h" : events->id);
    if (!tail_open(ctl, target.bytes, &events->tail, &why)) {
        tail_close(&events->tail);
        snprintf(events->why, sizeof events->why, "%s", why.len == 0 ? "the server has gone" : why.bytes);
        events->next_ms = now_ms + PAUSE_MS;
    }
    buffer_fini(&target);
    buffer_fini(&why);
}

static void take(void *context, const struct sse_event *event)
{
    struct watch_events *events = context;
    snprintf(events->id, sizeof events->id, "%s", event->id);
    events->is_current |= event->comment != NULL && strcmp(event->comment, "up to date") == 0;
    events->why[0] = '\0';
    json_t *json = event->data == NULL ? NULL : text_read_json(event->data, strlen(event->data), true);
    if (json == NULL) {
        return;
    }
    if (strcmp(event->event, "gap") == 0) {
        json_object_set_new(json, "gap", json_true());
    }
    json_array_append_new(events->items, json);
    if (json_array_size(events->items) > WATCH_EVENTS_MAX) {
        json_array_remove(events->items, 0);
    }
    events->has_news = true;
}

/* Who is refused asks less often. */
static void end(struct watch_events *events, int64_t now_ms)
{
    const struct http_answer *answer = &events->tail.answer;
    bool is_refused = answer->status != 0 && answer->status != 200;
    if (is_refused) {
        json_t *problem = text_read_json(answer->body.bytes, answer->body.len, true);
        const char *title = text_of(problem, "title"), *detail = text_of(problem, "detail");
        snprintf(events->why, sizeof events->why, "%s%s%s", title == NULL ? "refused" : title,
                 detail == NULL ? "" : ": ", detail == NULL ? "" : detail);
        json_decref(problem);
    }
    tail_close(&events->tail);
    events->next_ms = now_ms + (is_refused ? REFUSED_MS : PAUSE_MS);
}

void watch_events_read(struct watch_events *events, int64_t now_ms)
{
    if (events->tail.fd != -1 && tail_read(&events->tail, take, events) != HTTP_MORE) {
        end(events, now_ms);
    }
}

void watch_events_read_all(struct watch_events *events, int ms)
{
    struct clock clock;
    clock_init(&clock);
    int64_t now_ms = clock_now_ms(&clock), end_ms = now_ms + ms;
    while (events->tail.fd != -1 && !events->is_current && now_ms < end_ms) {
        struct pollfd one = {.fd = events->tail.fd, .events = POLLIN};
        if (poll(&one, 1, (int)(end_ms - now_ms)) == 1) {
            watch_events_read(events, now_ms);
        }
        now_ms = clock_now_ms(&clock);
    }
}

/* ---- what is shown ---- */

/* What stands behind "az:"; NULL: it is about something else. */
static const char *skip_kind(const char *target, const char *kind)
{
    size_t len = strlen(kind);
    return strncmp(target, kind, len) == 0 && target[len] == ':' ? target + len + 1 : NULL;
}

static bool has_az(const json_t *azs, const char *name)
{
    size_t i;
    const json_t *az;
    json_array_foreach(azs, i, az)
    {
        const char *text = text_of(az, "name");
        if (text != NULL && strcmp(text, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_meant(const struct watch_events *events, const json_t *event, const char *region,
                     const json_t *azs)
{
    const char *target = text_of(event, "name"), *name;
    if (region == NULL || target == NULL) {
        return true;
    }
    if ((name = skip_kind(target, "region")) != NULL) {
        return strcmp(name, region) == 0;
    }
    if ((name = skip_kind(target, "az")) != NULL) {
        return has_az(azs, name);
    }
    name = skip_kind(target, "endpoint");
    return name == NULL || json_object_get(events->known, name) != NULL;
}

static void learn(struct watch_events *events, const json_t *checks)
{
    size_t i;
    const json_t *check;
    json_array_foreach(checks, i, check)
    {
        const char *endpoint = text_of(check, "endpoint");
        if (endpoint != NULL) {
            json_object_set_new(events->known, endpoint, json_true());
        }
    }
}

json_t *watch_events_choose(struct watch_events *events, const char *region, const json_t *azs,
                            const json_t *const checks[2])
{
    size_t i;
    json_t *event, *chosen = json_array();
    for (int side = 0; region != NULL && side < 2; side++) {
        learn(events, checks[side]);
    }
    json_array_foreach(events->items, i, event)
    {
        if (is_meant(events, event, region, azs)) {
            json_array_append(chosen, event);
        }
    }
    events->has_news = false;
    return chosen;
}

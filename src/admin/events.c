/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/events, as server-sent events (WHATWG HTML, section 9.2). Each client reads the stream of changes
 * by a cursor of its own, so that what it does not take holds up nobody: not the writers, who do not know of
 * it; not other clients; not the control thread, which goes round in turns and sends each a little. What a
 * slow one has not taken is bounded; when there is room again its cursor may have been overtaken, which it is
 * told ("gap"). Who takes nothing for a minute is cut off, and who would not be let in any more is told
 * nothing more: that is asked before each turn. */
#include "config.h"

#include "admin/events.h"

#include "admin/call.h"
#include "admin/connection.h"
#include "admin/feed.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/when.h"
#include "events/bell.h"
#include "events/filter.h"
#include "events/mark.h"
#include "events/render.h"
#include "events/stream.h"

#include <event2/event.h>
#include <event2/http.h>
#include <inttypes.h>
#include <stdlib.h>

/* In the next turn of the loop: who activates an event has it in this one. */
static const struct timeval at_once = {.tv_sec = 0};

enum {
    STREAMS_MAX = CONNECTION_MAX / 4,
    TURN_CHANGES = 8,    /* of one client */
    WAITING_MAX = 65536, /* octets that it has not taken; then it is not written to */
    BEAT_MS = 15000,     /* something is sent at least so often */
    PATIENCE_MS = 60000, /* with one that takes nothing */
    LOOK_S = 1,
    RETRY_MS = 1000, /* when a client should come again */
};

struct listener {
    struct listener *next;
    struct admin *admin;
    struct call_pending *pending;
    struct event *gone; /* in a turn of its own: the connection is being taken apart */
    struct stream_reader reader;
    struct filter filter;
    int64_t since_ms;      /* older ones are passed over; 0: none are, or there are none any more */
    int64_t latest_ms;     /* when that was what the client has had; 0: not known */
    bool is_current;       /* it had all that there was once */
    bool has_begun;        /* it was given a change, or one was passed over */
    bool has_gap, is_lost; /* it has to be told of one; it is not known how much that is */
    uint64_t missed;
    const char *because;
    bool is_full;
    uint64_t added, taken; /* octets */
    int64_t taken_ms, said_ms;
};

struct events {
    struct event *rung, *more, *look;
    struct listener *listeners;
    size_t count;
};

/* ---- what is said ---- */

/* Who comes again with it goes on behind seq. */
static void add_id(const struct listener *listener, uint64_t seq, struct buffer *out)
{
    char text[MARK_TEXT_SIZE];
    const struct mark mark = {
        .run = stream_get_run(listener->reader.stream), .seq = seq, .wall_ms = listener->latest_ms};
    buffer_print(out, "id: %s\n", mark_write(&mark, text));
}

/* What the client has not had, and where some of it may still be. */
static void add_gap(struct listener *listener, uint64_t next, struct buffer *out)
{
    const struct admin_verbs *verbs = &listener->admin->verbs;
    char time[CLOCK_TEXT_SIZE];
    add_id(listener, next - 1, out);
    buffer_add_text(out, "event: gap\ndata: {\"missed\":");
    if (listener->is_lost) {
        buffer_add_text(out, "null");
    } else {
        buffer_print(out, "%" PRIu64, listener->missed);
    }
    buffer_print(out, ",\"because\":\"%s\",\"next\":%" PRIu64, listener->because, next);
    if (verbs->feed->has_journal(verbs->context)) {
        buffer_add_text(out, ",\"journal\":\"/v1/journal?order=oldest");
        if (listener->latest_ms > 0) {
            buffer_print(out, "&since=%s", clock_write_rfc3339(listener->latest_ms, time));
        }
        buffer_add_text(out, "\"");
    }
    buffer_add_text(out, "}\n\n");
    atomic_fetch_add_explicit(&verbs->feed->missed, listener->missed, memory_order_relaxed);
    listener->has_gap = listener->is_lost = false;
    listener->missed = 0;
}

static void note_gap(struct listener *listener, uint64_t missed, bool is_lost, const char *because)
{
    if (!listener->has_gap) {
        listener->because = because;
    }
    listener->has_gap = true;
    listener->is_lost |= is_lost;
    listener->missed += missed;
}

/* The first of those that are there: is it what was asked for, or did that go before? */
static bool is_too_old(struct listener *listener, const struct change *change)
{
    if (listener->since_ms == 0) {
        return false;
    }
    if (change->wall_ms < listener->since_ms) {
        listener->has_gap = false; /* what is gone is older still */
        listener->missed = 0;
        return true;
    }
    if (!listener->has_begun) {
        listener->missed = 0;
        listener->latest_ms = listener->since_ms;
        note_gap(listener, 0, true, change->seq == 1 ? "other_run" : "gone");
    }
    listener->since_ms = 0;
    return false;
}

static void take_change(struct listener *listener, struct buffer *out)
{
    const struct change *change = &listener->reader.change;
    if (!is_too_old(listener, change)) {
        if (listener->has_gap) {
            add_gap(listener, change->seq, out);
        }
        if (filter_passes(&listener->filter, change)) {
            listener->latest_ms = change->wall_ms;
            add_id(listener, change->seq, out);
            buffer_print(out, "event: %s\ndata: ", change_kind_text(change->kind));
            change_render(out, change);
            buffer_add_text(out, "\n\n");
            atomic_fetch_add_explicit(&listener->admin->verbs.feed->sent, 1, memory_order_relaxed);
        }
    }
    listener->latest_ms = change->wall_ms;
    listener->has_begun = true;
}

/* For who wants to know; and who comes again begins behind what was passed over. */
static void add_comment(const struct listener *listener, const char *text, struct buffer *out)
{
    buffer_print(out, ": %s\n", text);
    add_id(listener, listener->reader.next - 1, out);
    buffer_add_text(out, "\n");
}

/* Returns whether there may be more. */
static bool fill(struct listener *listener, struct buffer *out)
{
    for (int i = 0; i < TURN_CHANGES; i++) {
        uint64_t missed = 0;
        switch (stream_read(&listener->reader, &missed)) {
        case STREAM_NOTHING: return false;
        case STREAM_GAP: note_gap(listener, missed, false, listener->has_begun ? "slow" : "gone"); break;
        case STREAM_CHANGE: take_change(listener, out); break;
        }
    }
    return true;
}

/* ---- the end ---- */

static void forget(struct listener *listener)
{
    struct events *events = listener->admin->events;
    struct listener **at = &events->listeners;
    while (*at != listener) {
        at = &(*at)->next;
    }
    *at = listener->next;
    events->count--;
    atomic_store_explicit(&listener->admin->verbs.feed->open, events->count, memory_order_relaxed);
    if (events->count == 0) {
        bell_listen(listener->admin->verbs.feed->bell, false);
        (void)event_del(events->look);
    }
    event_free(listener->gone);
    free(listener);
}

static void end(struct listener *listener)
{
    call_end_live(listener->pending);
    forget(listener);
}

/* ---- turns ---- */

static void on_taken(void *argument)
{
    struct listener *listener = argument;
    listener->is_full = false;
    event_add(listener->admin->events->more, &at_once);
}

static void say(struct listener *listener, struct buffer *out)
{
    if (out->len != 0) {
        call_add_live(listener->pending, out->bytes, out->len, on_taken, listener);
        listener->added += out->len;
        listener->said_ms = clock_now_ms(&listener->admin->clock);
        listener->is_full = call_measure_live(listener->pending) >= WAITING_MAX;
        buffer_remove_front(out, out->len);
    }
}

/* Whoever may not listen any more hears nothing more: a token was deleted, a role was taken away. */
static void end_refused(const struct events *events)
{
    for (struct listener *one = events->listeners, *next; one != NULL; one = next) {
        next = one->next;
        if (!call_is_let_in(one->pending)) {
            end(one);
        }
    }
}

static void go_round(struct admin *admin)
{
    bool has_more = false;
    struct buffer out;
    buffer_init(&out);
    end_refused(admin->events);
    for (struct listener *one = admin->events->listeners; one != NULL; one = one->next) {
        if (!one->is_full) {
            if (fill(one, &out)) {
                has_more = true;
            } else if (!one->is_current) {
                one->is_current = true;
                add_comment(one, "up to date", &out);
            }
            say(one, &out);
        }
    }
    buffer_fini(&out);
    if (has_more) {
        event_add(admin->events->more, &at_once);
    }
}

static void on_rung(evutil_socket_t fd, short what, void *argument)
{
    struct admin *admin = argument;
    (void)fd, (void)what;
    bell_take(admin->verbs.feed->bell);
    go_round(admin);
}

static void on_more(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    go_round(argument);
}

/* Who has gone without a word does not take this either; who follows quiet things resumes behind what it
 * passed over. */
static void beat(struct listener *listener, int64_t now_ms)
{
    struct buffer out;
    uint64_t taken = listener->added - call_measure_live(listener->pending);
    if (taken != listener->taken || call_measure_live(listener->pending) == 0) {
        listener->taken = taken;
        listener->taken_ms = now_ms;
    }
    if (now_ms - listener->taken_ms >= PATIENCE_MS) {
        atomic_fetch_add_explicit(&listener->admin->verbs.feed->cut, 1, memory_order_relaxed);
        call_cut_live(listener->pending);
        event_active(listener->gone, EV_TIMEOUT, 1);
    } else if (now_ms - listener->said_ms >= BEAT_MS && !listener->is_full) {
        buffer_init(&out);
        add_comment(listener, "still here", &out);
        say(listener, &out);
        buffer_fini(&out);
    }
}

static void on_look(evutil_socket_t fd, short what, void *argument)
{
    const struct admin *admin = argument;
    (void)fd, (void)what;
    int64_t now_ms = clock_now_ms(&admin->clock);
    end_refused(admin->events);
    for (struct listener *one = admin->events->listeners; one != NULL; one = one->next) {
        beat(one, now_ms);
    }
}

/* ---- when clients go ---- */

static void on_gone(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    end(argument);
}

static void on_left(void *argument)
{
    const struct listener *listener = argument;
    event_active(listener->gone, EV_TIMEOUT, 1);
}

void events_send_home(struct admin *admin)
{
    while (admin->events != NULL && admin->events->listeners != NULL) {
        end(admin->events->listeners);
    }
}

static void free_events(struct events *events)
{
    struct event *const all[] = {events->rung, events->more, events->look};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] != NULL) {
            event_free(all[i]);
        }
    }
    free(events);
}

void events_close(struct admin *admin)
{
    while (admin->events != NULL && admin->events->listeners != NULL) {
        struct listener *listener = admin->events->listeners;
        call_drop_live(listener->pending); /* NOLINT(clang-analyzer-unix.Malloc): off the list */
        forget(listener);
    }
    if (admin->events != NULL) {
        free_events(admin->events);
        admin->events = NULL;
    }
}

/* ---- the beginning ---- */

/* With the first client. */
static bool open_events(struct admin *admin)
{
    struct events *events = memory_alloc(sizeof *events);
    events->rung = event_new(admin->base, admin->verbs.feed->bell->fd, EV_READ | EV_PERSIST, on_rung, admin);
    events->more = evtimer_new(admin->base, on_more, admin);
    events->look = event_new(admin->base, -1, EV_PERSIST, on_look, admin);
    if (events->rung == NULL || events->more == NULL || events->look == NULL ||
        event_add(events->rung, NULL) != 0) {
        free_events(events);
        return false;
    }
    admin->events = events;
    return true;
}

/* Behind the change that the client has had last, as far as that is still there. */
static void resume(struct listener *listener, const struct mark *mark)
{
    struct stream *stream = listener->admin->verbs.feed->stream;
    listener->latest_ms = mark->wall_ms;
    if (mark->run == stream_get_run(stream) && mark->seq <= stream_get_seq(stream)) {
        stream_reader_init_at(&listener->reader, stream, mark->seq + 1);
    } else {
        stream_reader_init_at(&listener->reader, stream, 1);
        note_gap(listener, 0, true, "other_run");
    }
}

/* Where it begins. */
static void place(struct call *call, struct listener *listener)
{
    const char *header = evhttp_find_header(evhttp_request_get_input_headers(call->request), "Last-Event-ID");
    bool has_header = header != NULL && header[0] != '\0';
    const char *after = has_header ? header : call->route.parameters[ROUTE_AFTER];
    const char *since = call->route.parameters[ROUTE_SINCE];
    struct stream *stream = call->admin->verbs.feed->stream;
    struct mark mark;
    if (after != NULL && mark_parse(after, &mark) != 0) {
        problem_add_field(&call->problem, has_header ? "Last-Event-ID" : "after",
                          "found \"%.64s\", expected the id of an event", after);
    } else if (!has_header && after != NULL && since != NULL) {
        problem_add_field(&call->problem, "since", "it and after exclude each other");
    } else if (after != NULL) {
        resume(listener, &mark);
    } else if (since != NULL &&
               when_parse(since, clock_wall_ms(&call->admin->clock), &listener->since_ms) != 0) {
        problem_add_field(&call->problem, "since", "found \"%s\", expected " WHEN_EXPECTED, since);
    } else if (since != NULL) {
        stream_reader_init_at(&listener->reader, stream, 1);
    } else {
        stream_reader_init(&listener->reader, stream);
    }
}

static void read_filter(struct call *call, struct filter *filter)
{
    const char *kinds = call->route.parameters[ROUTE_KIND], *targets = call->route.parameters[ROUTE_ABOUT];
    char bad[FILTER_BAD_SIZE];
    if (kinds != NULL && filter_parse_kinds(filter, kinds, bad) != 0) {
        problem_add_field(&call->problem, "kind", "found \"%s\", expected kinds of events, such as health",
                          bad);
    }
    int error = targets == NULL ? 0 : filter_parse_targets(filter, targets, bad);
    if (error == ERROR_TOO_LARGE) {
        problem_add_field(&call->problem, "target", "expected at most %d of them", FILTER_TARGETS_MAX);
    } else if (error != 0) {
        problem_add_field(&call->problem, "target",
                          "found \"%s\", expected names, such as region:us-east or endpoint:web-*", bad);
    }
}

static void begin(struct call *call, struct listener *listener)
{
    struct admin *admin = call->admin;
    struct buffer out;
    listener->next = admin->events->listeners;
    admin->events->listeners = listener;
    admin->events->count++;
    atomic_store_explicit(&admin->verbs.feed->open, admin->events->count, memory_order_relaxed);
    listener->pending = call_begin_live(call, "text/event-stream");
    call_watch(listener->pending, on_left, listener);
    listener->taken_ms = clock_now_ms(&admin->clock);
    bell_listen(admin->verbs.feed->bell, true);
    (void)event_add(admin->events->look, &(const struct timeval){.tv_sec = LOOK_S});
    buffer_init(&out);
    buffer_print(&out, "retry: %d\n", RETRY_MS);
    if (listener->has_gap) {
        buffer_add_text(&out, "\n");
        add_gap(listener, listener->reader.next, &out);
    } else {
        buffer_add_text(&out, "\n");
    }
    say(listener, &out);
    buffer_fini(&out);
    event_add(admin->events->more, &at_once);
}

void handle_events(struct call *call)
{
    struct admin *admin = call->admin;
    if (admin->verbs.feed == NULL || (admin->events == NULL && !open_events(admin))) {
        problem_set(&call->problem, PROBLEM_UNSUPPORTED, "there are no streams of events");
        call_reply_problem(call);
        return;
    }
    struct listener *listener = memory_alloc(sizeof *listener);
    listener->admin = admin;
    place(call, listener);
    read_filter(call, &listener->filter);
    if (!problem_is_set(&call->problem) && admin->events->count == STREAMS_MAX) {
        atomic_fetch_add_explicit(&admin->verbs.feed->refused, 1, memory_order_relaxed);
        problem_set(&call->problem, PROBLEM_BUSY, "%d clients follow events already", STREAMS_MAX);
    }
    listener->gone = problem_is_set(&call->problem) ? NULL : evtimer_new(admin->base, on_gone, listener);
    if (listener->gone == NULL) {
        free(listener);
        call_reply_problem(call);
    } else {
        begin(call, listener);
    }
}

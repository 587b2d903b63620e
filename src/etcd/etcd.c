/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See etcd.h. What is asked is kept here until it is answered: steerd-etcd may die at any moment. Then what
 * only reads is asked again, a watch goes on from the revision after the last one told, and of what writes it
 * is said that nobody knows. Deadlines are kept here as well, so they hold whatever steerd-etcd does. */
#include "config.h"

#include "etcd/etcd.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "etcd/ask.h"
#include "etcd/body.h"
#include "etcd/link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    UNDER_WAY_MAX = 64,
    UNDER_WAY_LEN_MAX = 8 << 20, /* octets; one at least goes */
    KEPT_MAX = 1024,
    KEPT_LEN_MAX = 16 << 20,
    MARGIN_MS = 20, /* what steerd-etcd has less, so that it can say why */
    AGAIN_MS = 100, /* until a watch is tried again; doubles */
    AGAIN_MOST_MS = 1000,
};

struct etcd {
    struct etcd_options options; /* texts are the arena's */
    struct arena *arena;
    struct clock clock;
    struct etcd_link *link;
    struct event *timer;
    struct asks asks;
    uint64_t requests, failures;
    bool is_reached;
    int64_t since_ms;
    char endpoint[256], why[ETCD_WHY_SIZE];
};

static int64_t now_ms(const struct etcd *etcd)
{
    return clock_now_ms(&etcd->clock);
}

/* ---- status ---- */

static void note(struct etcd *etcd, bool is_reached, const char *endpoint, const char *why)
{
    if (is_reached != etcd->is_reached || etcd->since_ms == 0) {
        etcd->is_reached = is_reached;
        etcd->since_ms = now_ms(etcd);
    }
    (void)snprintf(etcd->why, sizeof etcd->why, "%s", is_reached ? "" : why);
    if (is_reached) {
        (void)snprintf(etcd->endpoint, sizeof etcd->endpoint, "%s", endpoint);
    }
}

void etcd_get_status(const struct etcd *etcd, struct etcd_status *status)
{
    uint64_t starts = etcd_link_count_starts(etcd->link);
    *status = (struct etcd_status){.is_reached = etcd->is_reached,
                                   .since_ms = etcd->since_ms,
                                   .endpoint = etcd->endpoint,
                                   .why = etcd->why,
                                   .requests = etcd->requests,
                                   .failures = etcd->failures,
                                   .restarts = starts == 0 ? 0 : starts - 1};
}

/* ---- ends ---- */

/* Takes it. */
static void finish(struct etcd *etcd, struct ask *ask, const struct etcd_answer *answer)
{
    asks_unlink(&etcd->asks, ask);
    etcd->requests++;
    etcd->failures += answer->error != 0 && answer->error != ERROR_CONFLICT;
    ask->done(ask->context, answer);
    ask_free(ask);
}

static void fail(struct etcd *etcd, struct ask *ask, int error, const char *why)
{
    const struct etcd_answer answer = {
        .error = error, .why = why, .endpoint = "", .may_have_effect = ask->is_write && ask->is_sent};
    finish(etcd, ask, &answer);
}

/* ---- to steerd-etcd ---- */

/* When something is due, or there is something to send. */
static void arm(struct etcd *etcd)
{
    int64_t now = now_ms(etcd), first = INT64_MAX;
    for (const struct ask *ask = etcd->asks.first; ask != NULL; ask = ask->next) {
        bool waits = ask_is_watch(ask) && (ask->is_sent || !etcd_link_is_up(etcd->link));
        int64_t due = ask->error != 0 ? now : waits ? INT64_MAX : ask->deadline_ms;
        first = due < first ? due : first;
    }
    if (first == INT64_MAX) {
        (void)evtimer_del(etcd->timer);
        return;
    }
    int64_t left = first > now ? first - now : 0;
    const struct timeval after = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    (void)evtimer_add(etcd->timer, &after);
}

static void send_ask(struct etcd *etcd, struct ask *ask, int64_t now)
{
    struct buffer body, beat;
    struct etcd_call call = {.kind = ask->kind, .is_write = ask->is_write};
    int64_t left = ask->deadline_ms - now;
    buffer_init(&body);
    buffer_init(&beat);
    if (ask_is_watch(ask)) {
        etcd_write_watch(ask->prefix, ask->next_revision, &body);
        etcd_write_beat(ask->prefix, &beat);
    } else {
        call.deadline_ms = (uint32_t)(left > 2 * MARGIN_MS ? left - MARGIN_MS : left / 2 + 1);
    }
    const struct buffer *chosen = ask_is_watch(ask) ? &body : &ask->body;
    call.body = chosen->bytes;
    call.body_len = chosen->len;
    call.beat = beat.bytes;
    call.beat_len = beat.len;
    etcd_write_call(ask->number, &call, etcd_link_get_out(etcd->link));
    ask->is_sent = true;
    buffer_fini(&body);
    buffer_fini(&beat);
}

/* As much as may be under way; the oldest first. */
static void pump(struct etcd *etcd)
{
    int64_t now = now_ms(etcd);
    size_t count = 0, len = 0;
    if (!etcd_link_is_up(etcd->link)) {
        return;
    }
    for (struct ask *ask = etcd->asks.first; ask != NULL; ask = ask->next) {
        bool is_due = !ask->is_sent && ask->error == 0 &&
                      (ask_is_watch(ask) ? now >= ask->deadline_ms : now < ask->deadline_ms);
        bool may = ask_is_watch(ask) || count == 0 ||
                   (count < UNDER_WAY_MAX && len + ask->body.len <= UNDER_WAY_LEN_MAX);
        if (is_due && may) {
            send_ask(etcd, ask, now);
        }
        if (ask->is_sent && !ask_is_watch(ask)) {
            count++;
            len += ask->body.len;
        }
    }
    etcd_link_send(etcd->link);
}

/* Forget it there. */
static void send_off(struct etcd *etcd, const struct ask *ask)
{
    if (ask->is_sent && etcd_link_is_up(etcd->link)) {
        etcd_write_mark(ETCD_FRAME_OFF, ask->number, etcd_link_get_out(etcd->link));
        etcd_link_send(etcd->link);
    }
}

/* One that is due, if there is one. A callback may change the list: so it is walked anew each time. */
static bool fail_due(struct etcd *etcd)
{
    int64_t now = now_ms(etcd);
    for (struct ask *ask = etcd->asks.first; ask != NULL; ask = ask->next) {
        if (ask_is_watch(ask)) {
            continue;
        }
        if (ask->error != 0) {
            fail(etcd, ask, ask->error, ask->why);
            return true;
        }
        if (now >= ask->deadline_ms) {
            char why[ETCD_WHY_SIZE];
            (void)snprintf(why, sizeof why, "%s",
                           ask->is_sent || etcd->why[0] == '\0' ? "no answer of etcd in time" : etcd->why);
            note(etcd, false, "", why);
            send_off(etcd, ask);
            fail(etcd, ask, -ETIMEDOUT, why);
            return true;
        }
    }
    return false;
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct etcd *etcd = argument;
    (void)fd, (void)what;
    while (fail_due(etcd)) {
    }
    pump(etcd);
    arm(etcd);
}

/* ---- watches ---- */

static void lose(struct ask *ask, const char *why)
{
    if (!ask->is_lost) {
        ask->is_lost = true;
        ask->watch.lost(ask->watch.context, why);
    }
}

/* Tried again: at once for the first time, for another member may be there. */
static void put_off(struct etcd *etcd, struct ask *ask)
{
    ask->is_sent = false;
    ask->deadline_ms = now_ms(etcd) + ask->again_ms;
    ask->again_ms = ask->again_ms == 0 ? AGAIN_MS : ask->again_ms * 2;
    ask->again_ms = ask->again_ms < AGAIN_MOST_MS ? ask->again_ms : AGAIN_MOST_MS;
}

static void end_watch(struct etcd *etcd, struct ask *ask, const struct etcd_answer *answer)
{
    bool is_over = answer->error == ERROR_NOT_FOUND || answer->error == -EACCES ||
                   answer->error == ERROR_INVALID || answer->error == ERROR_UNSUPPORTED;
    if (is_over) {
        asks_unlink(&etcd->asks, ask);
        ask->watch.ended(ask->watch.context, answer->error, answer->why);
        ask_free(ask);
        return;
    }
    put_off(etcd, ask);
    lose(ask, answer->why);
}

static void take_news(struct etcd *etcd, struct ask *ask, uint32_t kind, const struct etcd_news *news)
{
    note(etcd, true, news->endpoint, "");
    ask->again_ms = 0;
    if (kind == ETCD_FRAME_BEGUN) {
        ask->is_lost = false;
        ask->next_revision = ask->next_revision == 0 ? news->revision + 1 : ask->next_revision;
        ask->watch.begun(ask->watch.context, news->revision);
        return;
    }
    size_t old = 0; /* told before: whatever etcd says, nobody hears of a change twice */
    while (old < news->count && news->changes[old].kv.mod_revision < ask->next_revision) {
        old++;
    }
    if (news->revision >= ask->next_revision) { /* of progress it may be one from before */
        ask->next_revision = news->revision + 1;
    }
    if (old < news->count) {
        ask->watch.changed(ask->watch.context, news->changes + old, news->count - old, news->revision);
    }
}

/* ---- from steerd-etcd ---- */

static void on_up(void *context)
{
    struct etcd *etcd = context;
    const struct etcd_options *options = &etcd->options;
    struct etcd_setup setup = {.ca = options->ca,
                               .certificate = options->certificate,
                               .key = options->key,
                               .user = options->user,
                               .password = options->password,
                               .endpoint_count = options->endpoint_count};
    for (size_t i = 0; i < options->endpoint_count; i++) {
        setup.endpoints[i] = options->endpoints[i];
    }
    etcd_write_setup(&setup, etcd_link_get_out(etcd->link));
    pump(etcd);
    arm(etcd); /* for watches that are put off */
}

/* What was sent and only reads is sent again; nothing comes of watches. */
static bool fail_lost(struct etcd *etcd, int error, const char *why)
{
    for (struct ask *ask = etcd->asks.first; ask != NULL; ask = ask->next) {
        if (ask_is_watch(ask) && (ask->is_sent || !ask->is_lost)) {
            put_off(etcd, ask);
            lose(ask, why);
            return true;
        }
        if (ask->is_sent && ask->is_write) {
            fail(etcd, ask, error, why);
            return true;
        }
        ask->is_sent = false;
    }
    return false;
}

/* Nobody waits for a program that is not there. */
static bool fail_absent(struct etcd *etcd, int error, const char *why)
{
    for (struct ask *ask = etcd->asks.first; ask != NULL; ask = ask->next) {
        if (!ask_is_watch(ask)) {
            fail(etcd, ask, error, why);
            return true;
        }
    }
    return false;
}

static void on_down(void *context, int error, const char *why)
{
    struct etcd *etcd = context;
    bool is_absent = error == -ENOENT || error == -EACCES || error == -ENOEXEC;
    note(etcd, false, "", why);
    while (fail_lost(etcd, error, why) || (is_absent && fail_absent(etcd, error, why))) {
    }
    arm(etcd);
}

static void take_answer(struct etcd *etcd, struct ask *ask, const struct etcd_answer *answer)
{
    int error = answer->error;
    bool is_answered =
        answer->endpoint[0] != '\0' && error != -EAGAIN && error != -ETIMEDOUT && error != -EIO;
    note(etcd, is_answered, answer->endpoint, answer->why);
    if (ask_is_watch(ask)) {
        end_watch(etcd, ask, answer);
    } else {
        finish(etcd, ask, answer);
    }
}

/* -EBADMSG: it is not what it should be. */
static int take_frame(struct etcd *etcd, const struct etcd_frame *frame, struct arena *arena)
{
    struct ask *ask = asks_find(&etcd->asks, frame->number); /* NULL: called off meanwhile */
    struct etcd_answer answer;
    struct etcd_news news;
    int error = -EBADMSG;
    switch (frame->kind) {
    case ETCD_FRAME_ANSWER:
        error = etcd_parse_answer(frame, arena, &answer);
        if (error == 0 && ask != NULL && ask->is_sent) {
            take_answer(etcd, ask, &answer);
        }
        break;
    case ETCD_FRAME_BEGUN:
    case ETCD_FRAME_CHANGES:
        error = etcd_parse_news(frame, arena, &news);
        if (error == 0 && ask != NULL && ask->is_sent && ask_is_watch(ask)) {
            take_news(etcd, ask, frame->kind, &news);
        }
        break;
    default: break;
    }
    return error;
}

static void on_frame(void *context, const struct etcd_frame *frame)
{
    struct etcd *etcd = context;
    struct arena *arena = arena_new(0);
    if (take_frame(etcd, frame, arena) != 0) {
        etcd_link_break(etcd->link, "what steerd-etcd says is not understood");
    } else {
        pump(etcd);
    }
    arm(etcd);
    arena_free(arena);
}

/* ---- life ---- */

static const char *copy_text(struct arena *arena, const char *text)
{
    return text == NULL ? "" : arena_copy_text(arena, text);
}

static void copy_options(struct etcd *etcd, const struct etcd_options *options)
{
    struct etcd_options *copy = &etcd->options;
    const char **endpoints = arena_alloc(etcd->arena, options->endpoint_count * sizeof *endpoints);
    *copy = *options;
    for (size_t i = 0; i < options->endpoint_count; i++) {
        endpoints[i] = arena_copy_text(etcd->arena, options->endpoints[i]);
    }
    copy->endpoints = endpoints;
    copy->ca = copy_text(etcd->arena, options->ca);
    copy->certificate = copy_text(etcd->arena, options->certificate);
    copy->key = copy_text(etcd->arena, options->key);
    copy->user = copy_text(etcd->arena, options->user);
    copy->password = copy_text(etcd->arena, options->password);
}

int etcd_open(const struct etcd_options *options, struct etcd **etcd)
{
    if (options->endpoint_count == 0 || options->endpoint_count > ETCD_ENDPOINTS_MAX ||
        (options->password != NULL && strlen(options->password) > ETCD_PASSWORD_MAX)) {
        return -EINVAL;
    }
    struct etcd *made = memory_alloc(sizeof *made);
    made->arena = arena_new(0);
    clock_init(&made->clock);
    copy_options(made, options);
    const struct etcd_link_options link = {.base = options->base,
                                           .program = options->program,
                                           .context = made,
                                           .up = on_up,
                                           .took = on_frame,
                                           .down = on_down};
    made->link = etcd_link_open(&link);
    made->timer = evtimer_new(options->base, on_timer, made);
    if (made->link == NULL || made->timer == NULL) {
        etcd_close(made);
        return -ENOMEM;
    }
    *etcd = made;
    return 0;
}

void etcd_close(struct etcd *etcd)
{
    if (etcd == NULL) {
        return;
    }
    while (etcd->asks.first != NULL) {
        struct ask *ask = etcd->asks.first;
        asks_unlink(&etcd->asks, ask);
        ask_free(ask);
    }
    if (etcd->link != NULL) {
        etcd_link_close(etcd->link);
    }
    if (etcd->timer != NULL) {
        event_free(etcd->timer);
    }
    arena_free(etcd->arena);
    free(etcd);
}

static bool has_requests(const struct etcd *etcd)
{
    const struct ask *ask = etcd->asks.first;
    while (ask != NULL && ask_is_watch(ask)) {
        ask = ask->next;
    }
    return ask != NULL;
}

void etcd_settle(struct etcd *etcd, uint32_t patience_ms)
{
    int64_t until_ms = now_ms(etcd) + patience_ms, left_ms = patience_ms;
    while (left_ms > 0 && etcd->is_reached && has_requests(etcd) &&
           etcd_link_wait(etcd->link, (int)left_ms)) {
        left_ms = until_ms - now_ms(etcd);
    }
}

/* ---- asking ---- */

struct patience {
    uint32_t ms;
    etcd_fn *done;
    void *context;
};

/* Takes it. */
static uint64_t submit(struct etcd *etcd, struct ask *ask, const struct patience *patience)
{
    ask->deadline_ms = now_ms(etcd) + patience->ms;
    ask->done = patience->done;
    ask->context = patience->context;
    if (ask->error == 0 && (etcd->asks.count >= KEPT_MAX || etcd->asks.len + ask->body.len > KEPT_LEN_MAX)) {
        ask->error = ERROR_BUSY;
        ask->why = "too much is asked of etcd at once";
    }
    if (ask->error != 0) {
        buffer_fini(&ask->body);
    }
    asks_append(&etcd->asks, ask);
    etcd_link_want(etcd->link);
    pump(etcd);
    arm(etcd);
    return ask->number;
}

uint64_t etcd_ask(struct etcd *etcd, const struct etcd_request *request)
{
    struct ask *ask = ask_new(&etcd->asks, ETCD_CALL_TXN);
    ask->error = etcd_write_txn(request, &ask->body, &ask->is_write, &ask->why);
    return submit(etcd, ask, &(struct patience){request->deadline_ms, request->done, request->context});
}

uint64_t etcd_grant(struct etcd *etcd, int64_t ttl_s, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    struct ask *ask = ask_new(&etcd->asks, ETCD_CALL_GRANT);
    etcd_write_grant(ttl_s, &ask->body);
    return submit(etcd, ask, &(struct patience){deadline_ms, done, context});
}

static uint64_t ask_about_lease(struct etcd *etcd, enum etcd_call_kind kind, int64_t lease,
                                const struct patience *patience)
{
    struct ask *ask = ask_new(&etcd->asks, kind);
    etcd_write_lease(lease, &ask->body);
    return submit(etcd, ask, patience);
}

uint64_t etcd_keep(struct etcd *etcd, int64_t lease, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    return ask_about_lease(etcd, ETCD_CALL_KEEP, lease, &(struct patience){deadline_ms, done, context});
}

uint64_t etcd_revoke(struct etcd *etcd, int64_t lease, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    return ask_about_lease(etcd, ETCD_CALL_REVOKE, lease, &(struct patience){deadline_ms, done, context});
}

uint64_t etcd_compact(struct etcd *etcd, int64_t revision, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    struct ask *ask = ask_new(&etcd->asks, ETCD_CALL_COMPACT);
    etcd_write_compact(revision, &ask->body);
    return submit(etcd, ask, &(struct patience){deadline_ms, done, context});
}

uint64_t etcd_look(struct etcd *etcd, uint32_t deadline_ms, etcd_fn *done, void *context)
{
    struct ask *ask = ask_new(&etcd->asks, ETCD_CALL_LOOK);
    buffer_add_text(&ask->body, "{}");
    return submit(etcd, ask, &(struct patience){deadline_ms, done, context});
}

uint64_t etcd_watch(struct etcd *etcd, const struct etcd_watch_options *options)
{
    struct ask *ask = ask_new(&etcd->asks, ETCD_CALL_WATCH);
    ask->watch = *options;
    ask->prefix = memory_copy_text(options->prefix);
    ask->next_revision = options->from_revision;
    ask->deadline_ms = now_ms(etcd);
    asks_append(&etcd->asks, ask);
    etcd_link_want(etcd->link);
    pump(etcd);
    arm(etcd);
    return ask->number;
}

void etcd_call_off(struct etcd *etcd, uint64_t number)
{
    struct ask *ask = number == 0 ? NULL : asks_find(&etcd->asks, number);
    if (ask != NULL) {
        send_off(etcd, ask);
        asks_unlink(&etcd->asks, ask);
        ask_free(ask);
        arm(etcd);
    }
}

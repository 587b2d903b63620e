/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See herald.h. */
#include "config.h"

#include "herald/inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "events/bell.h"
#include "herald/sign.h"
#include "post/frame.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* In the next turn of the loop: who activates an event has it in this one. */
static const struct timeval at_once = {.tv_sec = 0};

enum {
    TURN_CHANGES = 16, /* of one receiver */
    AGAIN_MS = 20,     /* steerd-post is being started */
    AGAIN_LATER_MS = 500,
    PATIENCE_MS = 5000, /* with steerd-post, beyond the time-out of a request */
    HEADER_SIZE = 256,
};

static void arm(struct courier *courier, int64_t ms)
{
    event_add(courier->timer, &(const struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000});
}

static void go(struct courier *courier);

/* ---- what is told of them ---- */

static void tell(struct courier *courier, const char *turn, size_t given_up)
{
    const struct webhook *webhook = courier->webhook;
    char name[CHANGE_NAME_MAX + 1];
    struct change_body body;
    change_body_init(&body);
    change_body_add(&body, "turn", turn);
    if (given_up != 0) {
        change_body_add_number(&body, "events", (int64_t)given_up);
    }
    change_body_add_number(&body, "waiting", (int64_t)webhook->queue.count);
    change_body_add(&body, "why", webhook->why[0] == '\0' ? NULL : webhook->why);
    (void)snprintf(name, sizeof name, "webhook:%s", webhook->conf.name);
    stream_publish(courier->herald->stream,
                   &(struct change){.kind = CHANGE_WEBHOOK, .name = name, .body = body.text});
}

/* ---- one request ---- */

static void hang_up(struct courier *courier)
{
    if (courier->heard != NULL) {
        event_free(courier->heard);
        courier->heard = NULL;
    }
    if (courier->story != -1) {
        (void)close(courier->story);
        courier->story = -1;
    }
    (void)event_del(courier->timer);
}

static void end(struct courier *courier, int status, uint32_t retry_after_s, const char *why)
{
    struct herald *herald = courier->herald;
    const struct webhook_outcome outcome = {.status = status,
                                            .why = why,
                                            .retry_after_s = retry_after_s,
                                            .now_ms = clock_now_ms(&herald->clock),
                                            .wall_ms = clock_wall_ms(&herald->clock)};
    size_t given_up;
    hang_up(courier);
    enum webhook_turn turn = webhook_end(courier->webhook, &outcome, &herald->random, &given_up);
    courier_note_end(courier);
    courier_share(courier);
    event_add(herald->more, &at_once); /* there may be room again */
    if (turn != WEBHOOK_AS_BEFORE) {
        tell(courier, turn == WEBHOOK_FAILS ? "failing" : "delivers", 0);
    }
    if (given_up != 0) {
        tell(courier, "gave_up", given_up);
    }
    herald_note_changed(herald);
    go(courier);
}

static void fail(struct courier *courier, const char *why)
{
    end(courier, 0, 0, why);
}

/* Printable: it goes into logs and tables. */
static void clean(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || (unsigned char)*at >= 127 ? '?' : *at;
    }
}

static void on_heard(evutil_socket_t fd, short what, void *argument)
{
    struct courier *courier = argument;
    char bytes[sizeof(struct post_story) + POST_SAID_MAX + 1], why[WEBHOOK_WHY_SIZE];
    struct post_story story;
    (void)what;
    ssize_t n = recv(fd, bytes, sizeof bytes - 1, MSG_DONTWAIT);
    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n < (ssize_t)sizeof story) {
        fail(courier, "steerd-post has ended");
        return;
    }
    memcpy(&story, bytes, sizeof story);
    char *text = bytes + sizeof story;
    bytes[n] = '\0';
    clean(text);
    if (story.kind == POST_ANSWERED) {
        (void)snprintf(why, sizeof why, "status %d%s%s", (int)story.value, text[0] == '\0' ? "" : ": ", text);
        end(courier, story.value, story.retry_after_s, why);
    } else if (story.kind == POST_FAILED) {
        fail(courier, text);
    } else {
        (void)snprintf(why, sizeof why, "steerd-post refused it: %s", error_text(-story.value));
        fail(courier, why);
    }
}

/* The signature is made anew for each attempt: receivers refuse what is old. */
static void write_order(struct courier *courier, struct buffer *order)
{
    const struct webhook *webhook = courier->webhook;
    char headers[6][HEADER_SIZE], signature[64 + CONF_WEBHOOK_SECRETS_MAX * 70], hex[SIGN_HEX_SIZE];
    int64_t time_s = clock_wall_ms(&courier->herald->clock) / 1000;
    int len = snprintf(signature, sizeof signature, "Steerd-Signature: t=%" PRId64, time_s);
    for (size_t i = 0; i < webhook->conf.secret_count; i++) {
        const struct sign_secret secret = {webhook->conf.secrets[i].bytes, webhook->conf.secrets[i].len};
        len += snprintf(signature + len, sizeof signature - (size_t)len, ",v1=%s",
                        sign_write(&secret, time_s, webhook->body.bytes, webhook->body.len, hex));
    }
    struct post_order what = {.timeout_ms = webhook->conf.timeout_ms,
                              .url = webhook->conf.url,
                              .ca = webhook->conf.ca == NULL ? "" : webhook->conf.ca,
                              .body = webhook->body.bytes,
                              .body_len = webhook->body.len};
    (void)snprintf(headers[0], HEADER_SIZE, "Steerd-Id: %s", webhook->id);
    (void)snprintf(headers[1], HEADER_SIZE, "Steerd-Timestamp: %" PRId64, time_s);
    (void)snprintf(headers[2], HEADER_SIZE, "Steerd-Webhook: %s", webhook->conf.name);
    (void)snprintf(headers[3], HEADER_SIZE, "Steerd-Attempt: %u", webhook->failures + 1);
    (void)snprintf(headers[4], HEADER_SIZE, "Content-Type: application/json");
    (void)snprintf(headers[5], HEADER_SIZE, "Expect:");
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        what.headers[what.header_count++] = headers[i];
    }
    if (webhook->conf.secret_count != 0) {
        what.headers[what.header_count++] = signature;
    }
    (void)post_write_order(&what, order); /* the configuration has bounds for all of it */
}

static int hand_over(struct courier *courier, int far)
{
    struct herald *herald = courier->herald;
    struct buffer order;
    buffer_init(&order);
    write_order(courier, &order);
    int error = order.len == 0 ? -EMSGSIZE
                               : runner_order(&herald->runner, order.bytes, order.len, far,
                                              clock_now_us(&herald->clock));
    buffer_fini(&order);
    return error;
}

static void send_batch(struct courier *courier)
{
    int ends[2];
    char why[128];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1) {
        arm(courier, PATIENCE_MS); /* out of descriptors: no fault of the receiver's */
        return;
    }
    int error = hand_over(courier, ends[1]);
    (void)close(ends[1]);
    courier->heard = error == 0
                         ? event_new(courier->herald->base, ends[0], EV_READ | EV_PERSIST, on_heard, courier)
                         : NULL;
    if (error == 0 && courier->heard != NULL && event_add(courier->heard, NULL) == 0) {
        courier->story = ends[0];
        arm(courier, (int64_t)courier->webhook->conf.timeout_ms + PATIENCE_MS);
        return;
    }
    (void)close(ends[0]);
    if (error == -EAGAIN) {
        arm(courier, AGAIN_MS);
    } else if (error == -ECHILD) { /* it has just ended, or could not be started: why is said the next time */
        arm(courier, AGAIN_LATER_MS);
    } else {
        (void)snprintf(why, sizeof why, "steerd-post cannot be started: %s", error_text(error));
        fail(courier, why);
    }
}

static void go(struct courier *courier)
{
    struct herald *herald = courier->herald;
    if (courier->story != -1 || herald->is_frozen || !webhook_prepare(courier->webhook)) {
        return;
    }
    int64_t left_ms = courier->webhook->due_ms - clock_now_ms(&herald->clock);
    if (left_ms > 0) {
        arm(courier, left_ms);
    } else {
        send_batch(courier);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct courier *courier = argument;
    (void)fd, (void)what;
    if (courier->story != -1) {
        fail(courier, "steerd-post does not answer");
    } else {
        go(courier);
    }
}

/* ---- what comes ---- */

/* As much as there is room for: what the receiver is not there for yet is in the stream for a while, and when
 * that goes on without it, it is counted. Returns whether there may be more. */
static bool read_some(struct courier *courier)
{
    struct webhook *webhook = courier->webhook;
    struct stream_reader *reader = &courier->reader;
    for (int i = 0; i < TURN_CHANGES; i++) {
        uint64_t missed = 0;
        if (webhook->queue.count >= WEBHOOK_QUEUE_MAX) {
            return false;
        }
        switch (stream_read(reader, &missed)) {
        case STREAM_NOTHING: return false;
        case STREAM_GAP: webhook_miss(webhook, missed); break;
        case STREAM_CHANGE:
            if (webhook_wants(webhook, &reader->change)) {
                struct letter *letter = letter_new(stream_get_run(reader->stream), &reader->change);
                courier_take(courier, letter);
                letter_release(letter);
            }
            break;
        }
    }
    return true;
}

static void read_all(struct herald *herald)
{
    for (struct courier *one = herald->couriers; one != NULL; one = one->next) {
        while (read_some(one)) {
        }
    }
}

/* One after the other has a turn, so that turns stay short. */
static void go_round(struct herald *herald)
{
    bool has_more = false;
    for (struct courier *one = herald->couriers; one != NULL; one = one->next) {
        size_t before = one->webhook->queue.count;
        if (read_some(one)) {
            has_more = true;
        }
        courier_share(one);
        if (one->webhook->queue.count != before) {
            herald_note_changed(herald);
            go(one);
        }
    }
    if (has_more) {
        event_add(herald->more, &at_once);
    }
}

static void on_rung(evutil_socket_t fd, short what, void *argument)
{
    struct herald *herald = argument;
    (void)fd, (void)what;
    bell_take(herald->bell);
    go_round(herald);
}

static void on_more(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    go_round(argument);
}

/* ---- who there is ---- */

static void free_courier(struct courier *courier)
{
    hang_up(courier);
    event_free(courier->timer);
    share_fini(&courier->share);
    webhook_free(courier->webhook);
    free(courier);
}

static struct courier *find(const struct herald *herald, const char *name)
{
    struct courier *one = herald->couriers;
    while (one != NULL && strcmp(one->webhook->conf.name, name) != 0) {
        one = one->next;
    }
    return one;
}

static struct courier *add(struct herald *herald, const struct conf_webhook *conf)
{
    struct courier *courier = memory_alloc(sizeof *courier);
    *courier = (struct courier){.herald = herald, .webhook = webhook_new(conf), .story = -1};
    courier->timer = evtimer_new(herald->base, on_timer, courier);
    if (courier->timer == NULL) {
        webhook_free(courier->webhook);
        free(courier);
        return NULL;
    }
    herald_take_kept(courier);
    if (herald->has_begun) {
        stream_reader_init(&courier->reader, herald->stream);
    } else {
        stream_reader_init_at(&courier->reader, herald->stream, 1);
    }
    return courier;
}

/* Those of the configuration, in its order. */
static void exchange(struct herald *herald, const struct conf_webhook *confs, size_t count)
{
    struct courier *old = herald->couriers, **last = &herald->couriers;
    herald->couriers = NULL;
    for (size_t i = 0; i < count; i++) {
        struct courier **at = &old;
        while (*at != NULL && strcmp((*at)->webhook->conf.name, confs[i].name) != 0) {
            at = &(*at)->next;
        }
        struct courier *courier = *at;
        if (courier != NULL) {
            *at = courier->next;
            webhook_configure(courier->webhook, &confs[i]);
        } else if ((courier = add(herald, &confs[i])) == NULL) {
            continue;
        }
        courier->next = NULL;
        *last = courier;
        last = &courier->next;
    }
    while (old != NULL) {
        struct courier *courier = old;
        old = courier->next;
        free_courier(courier);
    }
}

void herald_follow(struct herald *herald, const struct conf_webhook *confs, size_t count)
{
    bool had_any = herald->couriers != NULL;
    exchange(herald, confs, count);
    herald->has_begun = true;
    box_fini(&herald->box);
    bell_listen(herald->bell, herald->couriers != NULL);
    if (herald->couriers != NULL || had_any) {
        herald_note_changed(herald);
        event_add(herald->more, &at_once);
    }
    for (struct courier *one = herald->couriers; one != NULL; one = one->next) {
        go(one);
    }
}

/* ---- one of several servers ---- */

static void share(struct courier *courier)
{
    courier_share(courier);
    go(courier);
}

void herald_written(struct herald *herald, const char *name, int error)
{
    struct courier *courier = find(herald, name);
    if (courier != NULL) {
        courier_note_written(courier, error);
        if (error == 0) {
            share(courier);
        }
    }
}

void herald_hear(struct herald *herald, const char *name, const char *text)
{
    struct courier *courier = find(herald, name);
    if (courier != NULL && herald->part != HERALD_ALONE) {
        courier_hear(courier, text);
        share(courier);
    }
}

void herald_set_part(struct herald *herald, enum herald_part part, const struct herald_share_hooks *hooks)
{
    enum herald_part before = herald->part;
    if (part == HERALD_ALONE && before == part) {
        return;
    }
    herald->part = part;
    if (hooks != NULL) {
        herald->sharing = *hooks;
    }
    for (struct courier *one = herald->couriers; one != NULL; one = one->next) {
        courier_set_part(one, before);
        share(one);
    }
}

/* ---- a takeover ---- */

void herald_freeze(struct herald *herald, bool is_frozen)
{
    herald->is_frozen = is_frozen;
    if (is_frozen) {
        read_all(herald);
    }
    for (struct courier *one = herald->couriers; one != NULL; one = one->next) {
        if (is_frozen && one->story != -1) {
            hang_up(one);
            webhook_call_off(one->webhook);
        } else if (!is_frozen) {
            go(one);
        }
    }
    if (herald->keep != NULL && (is_frozen ? herald->couriers != NULL : true)) {
        keep_now(herald->keep);
    }
}

bool herald_is_calm(struct herald *herald)
{
    return herald->keep == NULL || keep_is_calm(herald->keep);
}

/* ---- life ---- */

struct herald *herald_open(const struct herald_options *options)
{
    struct herald *herald = memory_alloc(sizeof *herald);
    herald->base = options->base;
    herald->bell = options->bell;
    herald->stream = options->stream;
    clock_init(&herald->clock);
    random_init(&herald->random, random_seed());
    runner_init(&herald->runner, options->program);
    herald->rung = event_new(options->base, options->bell->fd, EV_READ | EV_PERSIST, on_rung, herald);
    herald->more = evtimer_new(options->base, on_more, herald);
    if (herald->rung == NULL || herald->more == NULL || event_add(herald->rung, NULL) != 0) {
        herald_close(herald);
        return NULL;
    }
    return herald;
}

void herald_close(struct herald *herald)
{
    if (herald == NULL) {
        return;
    }
    bool is_ours = !herald->is_frozen;
    bell_listen(herald->bell, false);
    if (herald->keep != NULL) {
        if (is_ours) {
            read_all(herald);
        }
        herald->is_frozen = true; /* nothing is lost by this end */
        keep_close(herald->keep, is_ours && herald->couriers != NULL);
    }
    while (herald->couriers != NULL) {
        struct courier *courier = herald->couriers;
        herald->couriers = courier->next;
        free_courier(courier);
    }
    if (herald->rung != NULL) {
        event_free(herald->rung);
    }
    if (herald->more != NULL) {
        event_free(herald->more);
    }
    runner_fini(&herald->runner);
    box_fini(&herald->box);
    free(herald);
}

/* ---- looking ---- */

size_t herald_count(const struct herald *herald)
{
    size_t count = 0;
    for (const struct courier *one = herald->couriers; one != NULL; one = one->next) {
        count++;
    }
    return count;
}

const struct webhook *herald_get(const struct herald *herald, size_t i)
{
    const struct courier *one = herald->couriers;
    while (i-- != 0) {
        one = one->next;
    }
    return one->webhook;
}

const struct webhook *herald_find(const struct herald *herald, const char *name)
{
    const struct courier *courier = find(herald, name);
    return courier == NULL ? NULL : courier->webhook;
}

bool herald_is_sending(const struct herald *herald, const struct webhook *webhook)
{
    return find(herald, webhook->conf.name)->story != -1;
}

int herald_retry(struct herald *herald, const char *name, size_t *count)
{
    struct courier *courier = find(herald, name);
    if (courier == NULL) {
        return ERROR_NOT_FOUND;
    }
    *count = webhook_retry(courier->webhook, clock_now_ms(&herald->clock));
    herald_note_changed(herald);
    go(courier);
    return 0;
}

int herald_error(const struct herald *herald)
{
    return herald->keep == NULL ? 0 : keep_error(herald->keep);
}

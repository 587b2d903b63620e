/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See desk.h. Members are asked one after the other, beginning with the one that answered last: who did not
 * answer in time, or could not, is not asked first any more. */
#include "config.h"

#include "etcd/desk.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "etcd/body.h"
#include "etcd/call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    CALLS_MAX = 256,
    WAITING_MAX = 16 << 20, /* octets that steerd has not taken: then nothing more is read */
    MS = 1000,
    ATTEMPT_US = 1000 * MS,      /* then the next member is asked as well */
    ATTEMPT_LEAST_US = 250 * MS, /* TLS to far away takes several times the way */
    ROUND_US = 100 * MS,         /* between two rounds */
    LOGIN_US = 3000 * MS,
    BEGIN_US = 5000 * MS, /* of a watch, at all members together */
    BEAT_US = 1000 * MS,
    BEAT_PATIENCE_US = 2000 * MS,
    BEAT_AGAIN_US = 200 * MS,
    LEADERLESS_US = 3000 * MS, /* an election takes one to two seconds */
    WAIT_MAX_MS = 60000,
};

struct desk {
    CURLM *multi;
    struct etcd_wire *wire;
    struct clock clock;
    bool is_set_up;
    struct etcd_setup setup; /* texts are of the frame that is kept */
    char *setup_bytes;
    size_t current; /* the member to begin with */
    char token[ETCD_TOKEN_SIZE];
    bool has_no_users;          /* of etcd: it asks for no token */
    struct call *calls, *login; /* login: one of them; NULL: none is under way */
    size_t count;
};

static int64_t now_us(const struct desk *desk)
{
    return clock_now_us(&desk->clock);
}

struct desk *desk_new(CURLM *multi, struct etcd_wire *wire)
{
    struct desk *desk = memory_alloc(sizeof *desk);
    desk->multi = multi;
    desk->wire = wire;
    clock_init(&desk->clock);
    return desk;
}

static void sweep(struct desk *desk)
{
    struct call **at = &desk->calls;
    while (*at != NULL) {
        struct call *call = *at;
        if (!call->is_over) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        desk->count--;
        call_free(call);
    }
}

void desk_free(struct desk *desk)
{
    for (struct call *call = desk->calls; call != NULL; call = call->next) {
        call->is_over = true;
    }
    sweep(desk);
    free(desk->setup_bytes);
    free(desk);
}

/* ---- ends ---- */

static void finish(struct call *call)
{
    call->is_over = true;
    if (call->beating != NULL) {
        call->beating->is_over = true;
        call->beating = NULL;
    }
    call_end(call);
}

static void tell(struct desk *desk, struct call *call, const struct etcd_answer *answer)
{
    if (etcd_write_answer(call->number, answer, &desk->wire->out) != 0) {
        const struct etcd_answer instead = {.error = ERROR_TOO_LARGE,
                                            .may_have_effect = call->is_write,
                                            .why = "the answer is too long",
                                            .endpoint = answer->endpoint};
        (void)etcd_write_answer(call->number, &instead, &desk->wire->out);
    }
    finish(call);
}

static void end_login(struct desk *desk, const struct etcd_fault *fault);
static void end_beat(struct desk *desk, struct call *beat);

/* Logins and beats are not steerd's: those who wait for them hear of it. */
static void tell_fault(struct desk *desk, struct call *call)
{
    if (call == desk->login) {
        end_login(desk, &call->fault);
        return;
    }
    if (call->kind == CALL_BEAT) {
        end_beat(desk, call);
        return;
    }
    const struct etcd_answer answer = {.error = call->fault.error,
                                       .may_have_effect = call->is_write && !call->fault.no_effect,
                                       .why = call->fault.why,
                                       .endpoint =
                                           call->fault.is_said ? desk->setup.endpoints[call->at] : ""};
    tell(desk, call, &answer);
}

/* ---- attempts ---- */

static struct call *add(struct desk *desk, struct call *call, int64_t patience_us)
{
    call->deadline_us = now_us(desk) + patience_us;
    call->at = desk->current;
    call->desk = desk;
    call->next = desk->calls;
    desk->calls = call;
    desk->count++;
    return call;
}

static void attempt(struct desk *desk, struct call *call);

static bool wants_token(const struct desk *desk, const struct call *call)
{
    return desk->setup.user[0] != '\0' && !desk->has_no_users && call->kind != CALL_LOGIN;
}

static void wait_for_token(struct desk *desk, struct call *call)
{
    call->waits_for_token = true;
    call->due_us = 0;
    if (desk->login != NULL) {
        return;
    }
    struct buffer body;
    buffer_init(&body);
    etcd_write_login(desk->setup.user, desk->setup.password, &body);
    desk->login = add(desk, call_new(CALL_LOGIN, body.bytes, body.len), LOGIN_US);
    explicit_bzero(body.bytes, body.len);
    buffer_fini(&body);
    attempt(desk, desk->login);
}

/* Those who wait for a token: they have it, or will not get it. */
static void end_login(struct desk *desk, const struct etcd_fault *fault)
{
    desk->login->is_over = true;
    desk->login = NULL;
    for (struct call *call = desk->calls; call != NULL; call = call->next) {
        if (!call->waits_for_token || call->is_over) {
            continue;
        }
        call->waits_for_token = false;
        if (fault->error == 0) {
            call->due_us = now_us(desk);
        } else {
            call->fault = *fault;
            call->fault.no_effect = true; /* it was not sent */
            call->has_failed = true; /* told by the next tick: this may be amid a walk over all of them */
        }
    }
}

bool desk_is_full(const struct desk *desk)
{
    return etcd_wire_count_waiting(desk->wire) > WAITING_MAX;
}

/* What is for steerd waits for steerd; signs of life do not. */
static bool is_full(void *argument)
{
    const struct call *call = argument;
    return call->number != 0 && desk_is_full(call->desk);
}

/* Within libcurl: what fails is dealt with later. */
static void came(void *argument)
{
    struct call *call = argument;
    struct exchange *exchange = call->exchange;
    if (!call->has_failed) {
        call->has_failed = feed_add(&call->feed, exchange->in.bytes, exchange->in.len, &call->fault) != 0;
    }
    buffer_remove_front(&exchange->in, exchange->in.len);
}

static void on_begun(void *context, int64_t revision)
{
    struct call *call = context;
    struct desk *desk = call->desk;
    const struct etcd_news news = {.revision = revision, .endpoint = desk->setup.endpoints[call->at]};
    if (call->has_begun) {
        etcd_set_fault(&call->fault, -EPROTO, "a watch that begins twice: etcd would not say that");
        call->has_failed = true;
        return;
    }
    call->has_begun = true;
    call->attempt_us = 0;
    call->alive_us = now_us(desk);
    call->beat_us = call->alive_us + BEAT_US;
    (void)etcd_write_news(ETCD_FRAME_BEGUN, call->number, &news, &desk->wire->out);
}

static void on_changed(void *context, const struct etcd_change *changes, size_t count, int64_t revision)
{
    struct call *call = context;
    struct desk *desk = call->desk;
    const struct etcd_news news = {.revision = revision,
                                   .endpoint = desk->setup.endpoints[call->at],
                                   .changes = changes,
                                   .count = count};
    if (!call->has_failed &&
        etcd_write_news(ETCD_FRAME_CHANGES, call->number, &news, &desk->wire->out) != 0) {
        etcd_set_fault(&call->fault, ERROR_TOO_LARGE, "etcd tells more at once than can be handed on");
        call->has_failed = true;
    }
}

static void begin_feed(struct call *call)
{
    feed_fini(&call->feed);
    feed_init(&call->feed);
    call->feed.context = call;
    call->feed.begun = on_begun;
    call->feed.changed = on_changed;
    call->has_failed = false;
}

/* As long as one may wait for one member, so that all are asked before the time is over. */
static int64_t find_patience(const struct desk *desk, const struct call *call)
{
    int64_t left = call->deadline_us - now_us(desk);
    int64_t share = left / (int64_t)(desk->setup.endpoint_count - call->tried % desk->setup.endpoint_count);
    share = share < ATTEMPT_US ? share : ATTEMPT_US;
    share = share > ATTEMPT_LEAST_US ? share : ATTEMPT_LEAST_US;
    return call->kind == CALL_BEAT || desk->setup.endpoint_count == 1 || share > left ? left : share;
}

static void fail(struct desk *desk, struct call *call);

static void attempt(struct desk *desk, struct call *call)
{
    const struct call_member member = {.multi = desk->multi,
                                       .setup = &desk->setup,
                                       .token = call->kind == CALL_LOGIN ? "" : desk->token,
                                       .is_full = is_full,
                                       .came = came};
    call->due_us = 0;
    begin_feed(call);
    if (wants_token(desk, call) && desk->token[0] == '\0') {
        wait_for_token(desk, call);
    } else if (call_begin(call, &member)) {
        call->attempt_us = now_us(desk) + find_patience(desk, call);
    } else {
        fail(desk, call);
    }
}

/* Whoever comes next begins with another member. */
static void turn_away(struct desk *desk, const struct call *call)
{
    if (desk->current == call->at) {
        desk->current = (call->at + 1) % desk->setup.endpoint_count;
    }
}

/* The next member; after the last one another round, if any was there at all and there is time. */
static void go_on(struct desk *desk, struct call *call)
{
    int64_t now = now_us(desk);
    if (call->fault.is_said) {
        call->said = call->fault;
        call->said_at = call->at;
    }
    turn_away(desk, call);
    call->tried++;
    bool is_round = call->tried % desk->setup.endpoint_count == 0;
    int64_t due = now + (is_round ? ROUND_US : 0);
    if ((is_round && call->is_hard) || due >= call->deadline_us) {
        bool is_more = !call->fault.is_said && call->said.error != 0;
        call->fault = is_more ? call->said : call->fault;
        call->at = is_more ? call->said_at : call->at;
        tell_fault(desk, call);
        return;
    }
    call->is_hard = is_round ? true : call->is_hard;
    call->at = (call->at + 1) % desk->setup.endpoint_count;
    call->due_us = due;
}

static void fail_watch(struct desk *desk, struct call *watch, const struct etcd_fault *fault)
{
    watch->fault = *fault;
    turn_away(desk, watch);
    tell_fault(desk, watch);
}

static void fail_login(struct desk *desk, struct call *login)
{
    if (login->fault.error == ERROR_INVALID) { /* "authentication is not enabled" */
        desk->has_no_users = true;
        end_login(desk, &(struct etcd_fault){.error = 0});
    } else if (login->fault.is_final || login->tried + 1 >= desk->setup.endpoint_count) {
        end_login(desk, &login->fault);
    } else {
        go_on(desk, login);
    }
}

/* etcd that refuses to tell is there all the same. One that has no leader is as well, and its watch goes on
 * when there is one. */
static void end_beat(struct desk *desk, struct call *beat)
{
    struct call *watch = beat->owner;
    int64_t now = now_us(desk);
    bool is_alive = beat->fault.error == 0 || beat->fault.is_final;
    beat->is_over = true;
    watch->beating = NULL;
    watch->alive_us = is_alive ? now : watch->alive_us;
    watch->beat_us = now + (is_alive ? BEAT_US : BEAT_AGAIN_US);
    if (!is_alive && (!beat->fault.is_said || now - watch->alive_us >= LEADERLESS_US)) {
        fail_watch(desk, watch, &beat->fault);
    }
}

/* call->fault is why. */
static void fail(struct desk *desk, struct call *call)
{
    call_end(call);
    call->has_failed = false; /* it is dealt with */
    /* A watch is told "permission denied" for a token that etcd does not know */
    bool may_help = call->fault.is_token || (call->kind == CALL_WATCH && call->fault.error == -EACCES);
    if (may_help) {
        desk->token[0] = '\0';
        desk->has_no_users = false;
    }
    if (may_help && wants_token(desk, call) && !call->had_token) {
        call->had_token = true;
        wait_for_token(desk, call);
    } else if (call->kind == CALL_LOGIN) {
        fail_login(desk, call);
    } else if (call->kind == CALL_BEAT) {
        end_beat(desk, call);
    } else if (call->kind == CALL_WATCH && call->has_begun) {
        fail_watch(desk, call, &call->fault);
    } else if (call->fault.is_final || call->fault.is_token || (call->is_write && !call->fault.no_effect)) {
        tell_fault(desk, call);
    } else {
        go_on(desk, call);
    }
}

static void beat(struct desk *desk, struct call *watch)
{
    struct call *call = add(desk, call_new(CALL_BEAT, watch->beat, watch->beat_len), BEAT_PATIENCE_US);
    call->at = watch->at;
    call->owner = watch;
    watch->beating = call;
    attempt(desk, call);
}

/* ---- frames ---- */

static int set_up(struct desk *desk, const struct etcd_frame *frame)
{
    if (desk->is_set_up) {
        return -EBADMSG;
    }
    desk->setup_bytes = memory_copy(frame->bytes, frame->len);
    const struct etcd_frame kept = {.kind = frame->kind, .bytes = desk->setup_bytes, .len = frame->len};
    int error = etcd_parse_setup(&kept, &desk->setup);
    desk->is_set_up = error == 0;
    return error;
}

static int take_call(struct desk *desk, const struct etcd_frame *frame)
{
    struct etcd_call order;
    int error = desk->is_set_up && frame->number != 0 ? etcd_parse_call(frame, &order) : -EBADMSG;
    if (error != 0) {
        return error;
    }
    bool is_watch = order.kind == ETCD_CALL_WATCH;
    struct call *call = add(desk, call_new((enum call_kind)order.kind, order.body, order.body_len),
                            is_watch ? BEGIN_US : (int64_t)order.deadline_ms * MS);
    call->number = frame->number;
    call->is_write = order.is_write;
    call->beat = memory_copy(order.beat, order.beat_len);
    call->beat_len = order.beat_len;
    if (desk->count > CALLS_MAX) {
        etcd_set_fault(&call->fault, ERROR_BUSY, "too many requests at once");
        call->fault.no_effect = true;
        tell_fault(desk, call);
    } else {
        attempt(desk, call);
    }
    return 0;
}

static void call_off(struct desk *desk, uint64_t number)
{
    for (struct call *call = desk->calls; call != NULL; call = call->next) {
        if (call->number == number && number != 0 && !call->is_over) {
            finish(call);
        }
    }
}

int desk_take(struct desk *desk, const struct etcd_frame *frame)
{
    switch (frame->kind) {
    case ETCD_FRAME_SETUP: return set_up(desk, frame);
    case ETCD_FRAME_CALL: return take_call(desk, frame);
    case ETCD_FRAME_OFF: call_off(desk, frame->number); return 0;
    case ETCD_FRAME_PING: etcd_write_mark(ETCD_FRAME_PONG, frame->number, &desk->wire->out); return 0;
    default: return -EBADMSG;
    }
}

/* ---- the loop ---- */

static void take_token(struct desk *desk, struct call *login)
{
    const struct buffer *in = &login->exchange->in;
    (void)etcd_read_token(in->len == 0 ? "" : in->bytes, in->len, desk->token, &login->fault);
    end_login(desk, &login->fault);
    call_end(login);
}

static void succeed(struct desk *desk, struct call *call, struct etcd_answer *answer)
{
    if (call->kind == CALL_LOGIN) {
        take_token(desk, call);
    } else if (call->kind == CALL_BEAT) {
        end_beat(desk, call);
    } else {
        answer->endpoint = desk->setup.endpoints[call->at];
        tell(desk, call, answer);
    }
}

void desk_settle(struct desk *desk, CURL *easy, CURLcode code)
{
    char *found = NULL;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &found);
    struct call *call = (struct call *)(void *)found;
    struct etcd_answer answer;
    if (call == NULL || call->exchange == NULL || call->is_over || call->has_failed) {
        return; /* the tick does it */
    }
    struct arena *arena = arena_new(0);
    if (call_judge(call, code, arena, &answer) == 0) {
        succeed(desk, call, &answer);
    } else {
        fail(desk, call);
    }
    arena_free(arena);
}

static bool was_sent(const struct call *call)
{
    return call->exchange != NULL && call->exchange->handed != 0;
}

static void look_at(struct desk *desk, struct call *call, int64_t now)
{
    if (call->has_failed && call->exchange != NULL) {
        fail(desk, call);
    } else if (call->has_failed) {
        tell_fault(desk, call);
    } else if (call->due_us != 0 && now >= call->due_us) {
        attempt(desk, call);
    } else if (call->exchange != NULL && call->attempt_us != 0 && now >= call->attempt_us) {
        if (call->is_write && was_sent(call) && now < call->deadline_us) {
            /* Nobody else may be asked: so all the time is this one's. But others need not wait there. */
            call->attempt_us = call->deadline_us;
            turn_away(desk, call);
            return;
        }
        call_time_out(call);
        fail(desk, call);
    } else if (call->waits_for_token && now >= call->deadline_us) {
        etcd_set_fault(&call->fault, -ETIMEDOUT, "no token of etcd's in time");
        call->fault.no_effect = true;
        tell_fault(desk, call);
    } else if (call->has_begun && call->beating == NULL && now >= call->beat_us) {
        beat(desk, call);
    }
    if (call->exchange != NULL && !is_full(call)) {
        exchange_go_on(call->exchange);
    }
}

void desk_tick(struct desk *desk)
{
    int64_t now = now_us(desk);
    for (struct call *call = desk->calls; call != NULL; call = call->next) {
        if (!call->is_over) {
            look_at(desk, call, now);
        }
    }
    sweep(desk);
}

static void note_due(int64_t *first, int64_t due)
{
    *first = due != 0 && due < *first ? due : *first;
}

int desk_find_wait_ms(const struct desk *desk)
{
    int64_t now = now_us(desk), first = now + (int64_t)WAIT_MAX_MS * MS;
    for (const struct call *call = desk->calls; call != NULL; call = call->next) {
        note_due(&first, call->due_us);
        note_due(&first, call->exchange == NULL ? 0 : call->attempt_us);
        note_due(&first, call->waits_for_token ? call->deadline_us : 0);
        note_due(&first, call->has_begun && call->beating == NULL ? call->beat_us : 0);
        note_due(&first, call->has_failed ? now : 0);
    }
    return first <= now ? 0 : (int)((first - now + MS - 1) / MS);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One thread, poll(), and a list of what is due. */
#include "config.h"

#include "observe/observe.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "observe/flight.h"
#include "observe/stub.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUESTIONS_MAX = 256, /* under way */
    REQUESTS_MAX = 512,
    FLIGHTS = QUESTIONS_MAX + REQUESTS_MAX,
    TRIES = 3,
    TRY_MS = 800,
    FAILURE_KEEP_S = 1,        /* RFC 9520 section 3.2: at least */
    FRESH_MS = 20,             /* each name is asked for without a cache */
    AGAIN_MS = 50,             /* what may not be kept is asked for as often */
    PER_SECOND_MAX = 2000,     /* questions about what may not be kept */
    REQUEST_MS = 20,           /* each address is tried as often, at most … */
    REQUESTS_PER_SECOND = 400, /* … and all of them together */
    WAIT_MS = 2,
    LOOPBACK = 127,
};

struct cache {
    int64_t due_ms; /* INT64_MAX: it is being asked for */
    bool has_answer;
};

struct run {
    const struct observe_plan *plan;
    struct observe_report *report;
    struct tally *tally;
    struct clock clock;
    struct random random;
    int64_t began_us;
    struct cache *caches; /* by resolver, then by name; behind them the fresh ones, by name */
    size_t cache_count;   /* without those */
    struct flight *flights;
    size_t free_questions, free_requests;
    int64_t *requested_ms; /* by address: the last request */
    struct dns_ask asks[OBSERVE_NAMES_MAX];
    bool is_closing; /* no more questions and requests */
};

static int64_t now_ms(const struct run *run)
{
    return (clock_now_us(&run->clock) - run->began_us) / 1000;
}

static struct flight *find_free(struct run *run, enum flight_kind kind)
{
    size_t *left = kind == FLIGHT_QUESTION ? &run->free_questions : &run->free_requests;
    for (size_t i = 0; *left != 0 && i < FLIGHTS; i++) {
        if (run->flights[i].kind == FLIGHT_FREE) {
            *left -= 1;
            run->flights[i].kind = kind;
            return &run->flights[i];
        }
    }
    return NULL;
}

static void let_go(struct run *run, struct flight *flight)
{
    *(flight->kind == FLIGHT_QUESTION ? &run->free_questions : &run->free_requests) += 1;
    flight_close(flight);
}

/* ---- questions ---- */

static size_t name_of(const struct run *run, size_t who)
{
    return who % run->plan->name_count;
}

/* The nth address of a prefix, round and round. */
static struct addr pick_address(const struct addr_prefix *prefix, uint64_t nth)
{
    struct addr addr = prefix->addr;
    size_t len = addr_len(&addr), bits = len * 8 - prefix->len;
    uint64_t count = bits >= 63 ? INT64_MAX : (uint64_t)1 << bits;
    nth = count > 2 ? 1 + nth % (count - 2) : nth % count; /* neither the first nor the last */
    for (size_t i = len; i-- > 0 && nth != 0; nth >>= 8) {
        addr.bytes[i] = (uint8_t)(addr.bytes[i] | (nth & 0xff));
    }
    return addr;
}

bool observe_has_source(const struct addr_prefix *prefix)
{
    struct addr first = pick_address(prefix, 0);
    return flight_has_source(&first);
}

/* NULL: whatever the kernel takes. */
static const struct addr *find_source(const struct run *run, size_t resolver, const struct addr_port *server,
                                      struct addr *room)
{
    const struct observe_plan *plan = run->plan;
    if (plan->source_count != 0) {
        *room = pick_address(&plan->sources[resolver % plan->source_count], resolver / plan->source_count);
        return room;
    }
    if (server->addr.family == ADDR_V4 && server->addr.bytes[0] == LOOPBACK) {
        *room =
            (struct addr){.family = ADDR_V4,
                          .bytes = {LOOPBACK, 53, (uint8_t)(resolver / 250), (uint8_t)(resolver % 250 + 1)}};
        return room;
    }
    return NULL;
}

static void fail(struct run *run, size_t who, int64_t at_ms);

static void ask(struct run *run, struct flight *flight, size_t who, unsigned turn, bool is_stream)
{
    const struct observe_plan *plan = run->plan;
    size_t resolver = who / plan->name_count;
    const struct addr_port *server = &plan->servers[(resolver + turn) % plan->server_count];
    struct addr room;
    int64_t at_ms = now_ms(run);
    const struct addr_prefix *subnet =
        plan->subnet_count == 0 ? NULL : &plan->subnets[resolver % plan->subnet_count];
    *flight = (struct flight){.kind = FLIGHT_QUESTION,
                              .fd = -1,
                              .who = who,
                              .turn = turn,
                              .is_stream = is_stream,
                              .id = (uint16_t)random_next(&run->random),
                              .began_ms = at_ms,
                              .until_ms = at_ms + TRY_MS};
    run->report->questions++;
    run->report->retries += turn != 0 && !is_stream;
    run->report->by_tcp += is_stream;
    if (!flight_ask(flight, &(struct flight_question){.ask = &run->asks[name_of(run, who)],
                                                      .server = server,
                                                      .subnet = subnet,
                                                      .source = find_source(run, resolver, server, &room)})) {
        flight->until_ms = at_ms; /* the next try is as for who did not answer */
    }
}

static bool is_fresh(const struct run *run, size_t who)
{
    return who >= run->cache_count;
}

static int64_t find_again(const struct run *run)
{
    int64_t spread_ms = (int64_t)run->cache_count * 1000 / PER_SECOND_MAX;
    return spread_ms > AGAIN_MS ? spread_ms : AGAIN_MS;
}

static void keep(struct run *run, size_t who, const struct reply *reply, int64_t at_ms)
{
    struct cache *cache = &run->caches[who];
    if (is_fresh(run, who)) {
        tally_note_fresh(run->tally, name_of(run, who), reply->addresses, reply->count, at_ms);
        cache->due_ms = at_ms + FRESH_MS;
        return;
    }
    struct stub stub = stub_make((uint32_t)(who / run->plan->name_count), run->plan->resolvers);
    uint32_t ttl_s = reply->keep_s != 0 || reply->kind != REPLY_ANSWER ? reply->keep_s : run->plan->ttl_s;
    tally_note_answer(run->tally, who, reply->addresses, reply->count, at_ms);
    cache->due_ms =
        ttl_s == 0 ? at_ms + find_again(run) : stub_find_end(&stub, at_ms, ttl_s, !cache->has_answer);
    cache->has_answer = true;
}

/* Nobody has answered, or with a failure. */
static void fail(struct run *run, size_t who, int64_t at_ms)
{
    struct reply none = {.kind = REPLY_FAILURE, .keep_s = FAILURE_KEEP_S};
    run->report->unanswered++;
    if (is_fresh(run, who)) {
        run->caches[who].due_ms = at_ms + FRESH_MS;
    } else {
        keep(run, who, &none, at_ms);
    }
}

/* It has ended without a reply, or with one that is no answer. */
static void try_next(struct run *run, struct flight *flight)
{
    size_t who = flight->who;
    unsigned turn = flight->turn + 1;
    if (turn == TRIES || run->is_closing) {
        let_go(run, flight);
        fail(run, who, now_ms(run));
        return;
    }
    flight_close(flight);
    ask(run, flight, who, turn, false);
}

static void advance_question(struct run *run, struct flight *flight)
{
    struct reply reply;
    size_t who = flight->who;
    enum flight_progress progress =
        flight_advance_question(flight, &run->asks[name_of(run, flight->who)], &reply);
    if (progress == FLIGHT_GOES_ON) {
        return;
    }
    if (progress == FLIGHT_FAILED || reply.kind == REPLY_FAILURE) {
        try_next(run, flight);
    } else if (reply.kind == REPLY_TRUNCATED) {
        unsigned turn = flight->turn;
        flight_close(flight);
        ask(run, flight, who, turn, true);
    } else {
        let_go(run, flight);
        keep(run, who, &reply, now_ms(run));
    }
}

static void ask_due(struct run *run)
{
    int64_t at_ms = now_ms(run);
    for (size_t i = 0; i < run->cache_count + run->plan->name_count; i++) {
        struct cache *cache = &run->caches[i];
        if (cache->due_ms > at_ms) {
            continue;
        }
        struct flight *flight = find_free(run, FLIGHT_QUESTION);
        if (flight == NULL) {
            return;
        }
        if (cache->has_answer && at_ms - cache->due_ms > run->report->late_ms) {
            run->report->late_ms = at_ms - cache->due_ms;
        }
        cache->due_ms = INT64_MAX;
        ask(run, flight, i, 0, false);
    }
}

/* ---- requests ---- */

static void request_due(struct run *run)
{
    size_t count = tally_count_addresses(run->tally);
    int64_t at_ms = now_ms(run), pause_ms = (int64_t)count * 1000 / REQUESTS_PER_SECOND;
    int64_t lasting_ms = (int64_t)count * run->plan->patience_ms / REQUESTS_MAX + 1; /* if all are silent */
    pause_ms = pause_ms > REQUEST_MS ? pause_ms : REQUEST_MS;
    pause_ms = pause_ms > lasting_ms ? pause_ms : lasting_ms;
    for (size_t i = 0; i < count; i++) {
        struct flight *flight;
        if ((run->requested_ms[i] != 0 && at_ms < run->requested_ms[i] + pause_ms) ||
            (flight = find_free(run, FLIGHT_REQUEST)) == NULL) {
            continue;
        }
        struct addr_port at = {*tally_get_address(run->tally, i), run->plan->port};
        *flight = (struct flight){.kind = FLIGHT_REQUEST,
                                  .fd = -1,
                                  .who = i,
                                  .began_ms = at_ms,
                                  .until_ms = at_ms + run->plan->patience_ms};
        run->requested_ms[i] = at_ms;
        run->report->requests++;
        if (!flight_request(flight, &at, run->plan->path)) {
            flight->until_ms = at_ms;
        }
    }
}

static void end_request(struct run *run, struct flight *flight, bool fails)
{
    run->report->requests_failed += fails;
    tally_note_service(run->tally, flight->who, fails, flight->began_ms);
    let_go(run, flight);
}

static void advance_request(struct run *run, struct flight *flight)
{
    enum flight_progress progress = flight_advance_request(flight);
    if (progress != FLIGHT_GOES_ON) {
        end_request(run, flight, progress == FLIGHT_FAILED);
    }
}

/* ---- the run ---- */

static void end_overdue(struct run *run)
{
    int64_t at_ms = now_ms(run);
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &run->flights[i];
        if (flight->kind == FLIGHT_FREE || flight->until_ms > at_ms) {
            continue;
        }
        if (flight->kind == FLIGHT_QUESTION) {
            try_next(run, flight);
        } else {
            end_request(run, flight, true);
        }
    }
}

/* Returns how many are under way. */
static size_t wait_for_some(struct run *run)
{
    struct pollfd polls[FLIGHTS];
    size_t which[FLIGHTS], count = 0;
    for (size_t i = 0; i < FLIGHTS; i++) {
        if (run->flights[i].kind != FLIGHT_FREE && run->flights[i].fd != -1) {
            polls[count] = (struct pollfd){run->flights[i].fd, flight_get_events(&run->flights[i]), 0};
            which[count++] = i;
        }
    }
    if (poll(polls, (nfds_t)count, WAIT_MS) <= 0) {
        return count;
    }
    for (size_t i = 0; i < count; i++) {
        struct flight *flight = &run->flights[which[i]];
        if (polls[i].revents == 0) {
            continue;
        }
        if (flight->kind == FLIGHT_QUESTION) {
            advance_question(run, flight);
        } else {
            advance_request(run, flight);
        }
    }
    return count;
}

static bool is_over(const struct run *run)
{
    const struct observe_plan *plan = run->plan;
    return now_ms(run) >= plan->duration_ms || tally_is_full(run->tally) ||
           (plan->is_over != NULL && *plan->is_over);
}

static void start(struct run *run)
{
    const struct observe_plan *plan = run->plan;
    run->cache_count = (size_t)plan->resolvers * plan->name_count;
    run->caches = memory_alloc_array(run->cache_count + plan->name_count, sizeof *run->caches);
    run->tally = tally_new(run->cache_count);
    run->flights = memory_alloc_array(FLIGHTS, sizeof *run->flights);
    run->requested_ms = memory_alloc_array(TALLY_ADDRESSES_MAX, sizeof *run->requested_ms);
    run->free_questions = QUESTIONS_MAX;
    run->free_requests = REQUESTS_MAX;
    for (size_t i = 0; i < FLIGHTS; i++) {
        run->flights[i].fd = -1;
    }
    for (size_t i = 0; i < plan->name_count; i++) {
        run->asks[i] = (struct dns_ask){.name = plan->names[i].wire,
                                        .type = plan->names[i].type,
                                        .class = DNS_CLASS_IN,
                                        .recursion = true,
                                        .edns = true,
                                        .rcodes = UINT32_MAX};
    }
    for (size_t i = 0; i < plan->lost_count; i++) {
        size_t address = tally_find_address(run->tally, &plan->lost[i]);
        tally_note_service(run->tally, address, true, plan->lost_at_ms);
    }
    random_init(&run->random, random_seed());
    clock_init(&run->clock);
    run->began_us = clock_now_us(&run->clock);
    run->report->started_ms = clock_wall_ms(&run->clock);
}

static void finish(struct run *run)
{
    for (size_t i = 0; i < FLIGHTS; i++) {
        if (run->flights[i].kind != FLIGHT_FREE) {
            let_go(run, &run->flights[i]);
        }
    }
    free(run->flights);
    free(run->caches);
    free(run->requested_ms);
    tally_free(run->tally);
}

void observe_run(const struct observe_plan *plan, struct observe_report *report)
{
    struct run run = {.plan = plan, .report = report};
    *report = (struct observe_report){.late_ms = 0};
    start(&run);
    while (!is_over(&run)) {
        ask_due(&run);
        if (plan->port != 0) {
            request_due(&run);
        }
        (void)wait_for_some(&run);
        end_overdue(&run);
        if (plan->meanwhile != NULL) {
            plan->meanwhile(plan->context);
        }
    }
    report->duration_ms = now_ms(&run);
    report->duration_ms = report->duration_ms < plan->duration_ms ? report->duration_ms : plan->duration_ms;
    report->is_cut = tally_is_full(run.tally);
    run.is_closing = true;
    while (run.free_requests != REQUESTS_MAX) { /* what began in time counts, however it ends */
        (void)wait_for_some(&run);
        end_overdue(&run);
    }
    if (plan->settle != NULL) {
        plan->settle(plan->context, run.tally, run.began_us, &report->duration_ms);
    }
    tally_add_up(run.tally, report->duration_ms, &report->sum);
    finish(&run);
}

void observe_fini(struct observe_report *report)
{
    tally_sum_fini(&report->sum);
}

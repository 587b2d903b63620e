/* SPDX-License-Identifier: BSD-3-Clause
 *
 * icmp: echo requests, one or several at a distance from each other; healthy when enough of them are replied
 * to, and soon enough in the mean. Over the sockets that all of them share (ping.h). */
#include "config.h"

#include "base/memory.h"
#include "probe/check.h"
#include "probe/engine_inside.h"
#include "probe/trouble.h"

#include <errno.h>
#include <stdlib.h>

/* A share such as 0.7 of 10 is not quite 7 in binary. */
#define NEARLY 1e-9

static void prepare(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena)
{
    (void)check;
    ask->icmp = arena_share(arena, target->icmp, sizeof *target->icmp);
}

static bool is_same(const struct check *a, const struct check *b)
{
    const struct probe_icmp *one = a->ask->icmp, *other = b->ask->icmp;
    return one->packets == other->packets && one->spacing_ms == other->spacing_ms &&
           one->rtt_ms == other->rtt_ms && one->loss == other->loss;
}

/* ---- what goes ---- */

/* The next one; and when the one behind it is due. */
static int send_next(struct flight *flight)
{
    const struct probe_icmp *icmp = flight->check->ask->icmp;
    struct check_icmp_talk *talk = &flight->icmp;
    struct ping_packet *packet = &talk->packets[talk->sent];
    *packet = (struct ping_packet){.owner = flight, .dice = flight->dice, .to = flight->addr};
    uint8_t message[PING_SIZE];
    int error = ping_send(flight->shared, packet, message);
    if (error != 0) {
        return error;
    }
    flight_trace(flight, PROBE_STEP_SENT, message, sizeof message);
    if (++talk->sent < icmp->packets) {
        flight->again_us = flight->started_us + (int64_t)talk->sent * icmp->spacing_ms * MS;
    }
    return 0;
}

static int set_out(struct flight *flight)
{
    flight->icmp.packets =
        memory_alloc_array(flight->check->ask->icmp->packets, sizeof *flight->icmp.packets);
    flight->stage = FLIGHT_WAITING;
    return send_next(flight);
}

/* ---- what comes of it ---- */

struct tally {
    uint32_t answered, refused;
    uint64_t rtt_us; /* of all answered ones */
};

static struct tally count(const struct check_icmp_talk *talk)
{
    struct tally tally = {0};
    for (uint32_t i = 0; i < talk->sent; i++) {
        tally.answered += talk->packets[i].state == PING_ANSWERED;
        tally.refused += talk->packets[i].state == PING_REFUSED;
        tally.rtt_us += talk->packets[i].state == PING_ANSWERED ? talk->packets[i].rtt_us : 0;
    }
    return tally;
}

static uint32_t find_most_lost(const struct probe_icmp *icmp, uint32_t sent)
{
    return (uint32_t)(icmp->loss * sent + NEARLY);
}

/* As if nothing more came. */
static struct check_end judge(const struct flight *flight, const struct tally *tally)
{
    const struct probe_icmp *icmp = flight->check->ask->icmp;
    struct check_end end = {.outcome = HEALTH_OUTCOME_OK};
    uint32_t sent = flight->icmp.sent;
    if (tally->answered != 0) {
        end.duration_us = (uint32_t)(tally->rtt_us / tally->answered);
    }
    if (tally->answered == 0 || sent - tally->answered > find_most_lost(icmp, sent)) {
        end.outcome = tally->refused != 0 ? HEALTH_OUTCOME_UNREACHABLE : HEALTH_OUTCOME_PACKET_LOSS;
    } else if (icmp->rtt_ms != 0 && end.duration_us > icmp->rtt_ms * MS) {
        end.outcome = HEALTH_OUTCOME_SLOW;
    }
    return end;
}

/* Nothing that is under way matters any more, or nothing is. */
static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    (void)scratch;
    const struct probe_icmp *icmp = flight->check->ask->icmp;
    struct tally tally = count(&flight->icmp);
    bool is_all = tally.answered + tally.refused == icmp->packets;
    if (!readable || (!is_all && tally.refused <= find_most_lost(icmp, icmp->packets))) {
        return CHECK_GOES_ON;
    }
    *end = judge(flight, &tally);
    return CHECK_ENDED;
}

static enum check_progress wake(struct flight *flight, struct check_scratch *scratch, struct check_end *end)
{
    (void)scratch;
    int error = send_next(flight);
    if (error == 0) {
        return CHECK_GOES_ON;
    }
    *end = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = trouble_find_cause(-error)};
    return CHECK_ENDED;
}

/* Replies that we did not read in time were not lost on the way. */
static bool judge_late(struct flight *flight, struct check_end *end)
{
    struct tally tally = count(&flight->icmp);
    struct check_end judged = judge(flight, &tally);
    bool misses = judged.outcome == HEALTH_OUTCOME_PACKET_LOSS;
    if (misses && ping_was_overrun(flight->shared, (enum addr_family)flight->addr.family,
                                   flight->icmp.packets[0].sent_us)) {
        judged = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = PROBE_CAUSE_OVERRUN};
    } else if (misses && tally.answered == 0) {
        return false;
    }
    *end = judged;
    return true;
}

static void forget(struct flight *flight)
{
    for (uint32_t i = 0; i < flight->icmp.sent; i++) {
        ping_forget(flight->shared, &flight->icmp.packets[i]);
    }
    free(flight->icmp.packets);
}

/* ---- the sockets ---- */

static void *open_shared(struct engine *engine, void (*heard)(void *flight, const void *bytes, size_t len))
{
    return ping_new(engine->base, &engine->clock, &(struct ping_hooks){.heard = heard});
}

static void look(void *shared)
{
    ping_look(shared);
}

static void close_shared(void *shared)
{
    ping_free(shared);
}

static const struct check_shared sockets = {.open = open_shared, .look = look, .close = close_shared};

const struct check_kind check_icmp = {.shared = &sockets,
                                      .prepare = prepare,
                                      .is_same = is_same,
                                      .open = set_out,
                                      .advance = advance,
                                      .wake = wake,
                                      .judge_late = judge_late,
                                      .close = forget};

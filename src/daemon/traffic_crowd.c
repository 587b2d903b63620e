/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See traffic_crowd.h. What is read in a pass is bounded by the rings; where they were full, or much was in
 * them, fewer hosts and queries are noted from then on, and more again when there has been little for a
 * while. As long as a drain is open the sample of hosts becomes no larger: who came new had not been seen
 * before. */
#include "config.h"

#include "daemon/traffic_crowd.h"

#include "base/memory.h"
#include "events/stream.h"
#include "view/view.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LEVEL_MAX = 16,    /* of hosts: each halves the sample */
    NOTES_MANY = 4000, /* per second: fewer hosts */
    NOTES_FEW = 400,   /* per second, for so long: more of them */
    CALM_MS = 60000,
    TURNS_MANY = 4000, /* queries per second in all: not every one is noted */
    TURNS_FEW = 1000,
    EVERY = 64,
    TIDY_MS = 60000,
    TOP_HALF_MS = 623832, /* the mean of 15 minutes */
    ALL = 100,
};

/* Where each endpoint of a view is, by keys of drains. */
struct places {
    uint32_t generation;
    struct traffic_place *endpoints; /* by index in the topology; owned */
    size_t count;
    uint64_t groups[CONF_NAME_GROUPS_MAX]; /* of names */
};

struct traffic_crowd {
    struct sights_sample sample;
    struct sights **sights;
    size_t sights_count;
    struct traffic_top *top;
    struct traffic_drains *drains;
    struct places now, before;
    struct stream_reader reader; /* with a stream */
    unsigned level;
    int64_t read_ms, calm_since_ms, tidied_ms, since_ms;
    uint64_t lost;
    uint64_t notes, turns; /* of the pass: answers to hosts of the sample; queries that turns stand for */
};

struct traffic_crowd *traffic_crowd_new(void)
{
    struct traffic_crowd *crowd = memory_alloc(sizeof *crowd);
    atomic_init(&crowd->sample.below, UINT32_MAX);
    atomic_init(&crowd->sample.every, 1);
    crowd->top = traffic_top_new(TRAFFIC_PLACES, TOP_HALF_MS);
    crowd->drains = traffic_drains_new(TRAFFIC_HOSTS);
    return crowd;
}

void traffic_crowd_free(struct traffic_crowd *crowd)
{
    if (crowd == NULL) {
        return;
    }
    for (size_t i = 0; i < crowd->sights_count; i++) {
        sights_free(crowd->sights[i]);
    }
    free(crowd->sights);
    traffic_top_free(crowd->top);
    traffic_drains_free(crowd->drains);
    free(crowd->now.endpoints);
    free(crowd->before.endpoints);
    free(crowd);
}

struct sights **traffic_crowd_make_sights(struct traffic_crowd *crowd, size_t threads)
{
    crowd->sights = memory_alloc_array(threads, sizeof(struct sights *));
    for (size_t i = 0; i < threads; i++) {
        crowd->sights[i] = sights_new(&crowd->sample);
    }
    crowd->sights_count = threads;
    return crowd->sights;
}

void traffic_crowd_listen(struct traffic_crowd *crowd, struct stream *stream)
{
    stream_reader_init(&crowd->reader, stream);
}

static uint64_t make_key(const char *kind, const char *name)
{
    char target[TRAFFIC_DRAIN_TARGET];
    snprintf(target, sizeof target, "%s:%s", kind, name);
    return traffic_drains_key(target);
}

static void find_places(struct places *places, const struct conf_topology *topology)
{
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        uint64_t *keys = places->endpoints[i].keys;
        keys[TRAFFIC_OF_ENDPOINT] = make_key("endpoint", endpoint->name);
        keys[TRAFFIC_OF_AZ] = make_key("az", topology->azs[endpoint->az].name);
        keys[TRAFFIC_OF_REGION] = make_key("region", topology->regions[endpoint->region].name);
    }
    for (size_t i = 0; i < topology->name_group_count && i < CONF_NAME_GROUPS_MAX; i++) {
        places->groups[i] = traffic_drains_key(topology->name_groups[i].name);
    }
}

void traffic_crowd_follow(struct traffic_crowd *crowd, const struct view *view)
{
    const struct conf_topology *topology = view->topology;
    size_t count = topology == NULL ? 0 : topology->endpoint_count;
    free(crowd->before.endpoints);
    crowd->before = crowd->now;
    crowd->now = (struct places){.generation = (uint32_t)view->generation,
                                 .endpoints = memory_alloc_array(count, sizeof *crowd->now.endpoints),
                                 .count = count};
    if (topology != NULL) {
        find_places(&crowd->now, topology);
    }
}

/* ---- switches ---- */

/* The value of a pair of the body, or "". */
static void find_pair(const struct change *change, const char *key, char *value, size_t size)
{
    struct change_pair pair;
    const char *at = change->body == NULL ? "" : change->body;
    value[0] = '\0';
    while (change_next_pair(&at, &pair)) {
        if (strcmp(pair.key, key) == 0) {
            snprintf(value, size, "%.*s", (int)size - 1, pair.value);
        }
    }
}

static bool serves(const char *state)
{
    return strcmp(state, "healthy") == 0 || strcmp(state, "unknown") == 0 || strcmp(state, "forced_up") == 0;
}

static bool is_region(const char *target)
{
    return strncmp(target, "region:", 7) == 0;
}

/* Did it fall by itself, or was it moved, and not what it lies in? An endpoint that fails is no switch: it is
 * one of many, and who is left takes what it had. */
static bool is_own(const char *target, const char *by)
{
    return is_region(target)                ? true
           : strncmp(target, "az:", 3) == 0 ? strcmp(by, "verdict") == 0 || strcmp(by, "az_override") == 0
                                            : strcmp(by, "endpoint_override") == 0;
}

/* What served does not any more. */
static void hear_health(struct traffic_crowd *crowd, const struct change *change)
{
    char was[64], is[64], by[64], cause[TRAFFIC_DRAIN_TEXT];
    find_pair(change, "effective_was", was, sizeof was);
    find_pair(change, "effective", is, sizeof is);
    find_pair(change, "decided_by", by, sizeof by);
    if (serves(was) && !serves(is) && is_own(change->name, by)) {
        snprintf(cause, sizeof cause, "%s, decided by %s", is, by);
        traffic_drains_begin(
            crowd->drains,
            &(struct traffic_switch){
                .target = change->name, .at_ms = change->wall_ms, .share = ALL, .names = "", .cause = cause});
    }
}

/* A part of its weight is taken from it, or some names are. */
static void hear_override(struct traffic_crowd *crowd, const struct change *change)
{
    char state[64], share[64], turn[64], starts[64], names[TRAFFIC_DRAIN_TEXT], cause[TRAFFIC_DRAIN_TEXT];
    find_pair(change, "state", state, sizeof state);
    find_pair(change, "share", share, sizeof share);
    find_pair(change, "turn", turn, sizeof turn);
    find_pair(change, "starts", starts, sizeof starts);
    find_pair(change, "names", names, sizeof names);
    bool begins = turn[0] != '\0' ? strcmp(turn, "started") == 0 : starts[0] == '\0';
    unsigned percent = (unsigned)strtoul(share, NULL, 10);
    if (begins && strcmp(state, "drain") == 0 && (percent != 0 || names[0] != '\0')) {
        percent = percent == 0 ? ALL : percent;
        snprintf(cause, sizeof cause, "%s of %u %%%s%s", state, percent, change->actor == NULL ? "" : " by ",
                 change->actor == NULL ? "" : change->actor);
        traffic_drains_begin(crowd->drains, &(struct traffic_switch){.target = change->name,
                                                                     .at_ms = change->wall_ms,
                                                                     .share = percent,
                                                                     .names = names,
                                                                     .cause = cause});
    }
}

/* Safety rules kept answers in a region, and do not any more. */
static void hear_hold(struct traffic_crowd *crowd, const struct change *change)
{
    char turn[64], cause[TRAFFIC_DRAIN_TEXT];
    find_pair(change, "turn", turn, sizeof turn);
    if (is_region(change->name) && (strcmp(turn, "allowed") == 0 || strcmp(turn, "released") == 0)) {
        snprintf(cause, sizeof cause, "let go by safety rules (%s)", turn);
        traffic_drains_begin(
            crowd->drains,
            &(struct traffic_switch){
                .target = change->name, .at_ms = change->wall_ms, .share = ALL, .names = "", .cause = cause});
    }
}

static bool is_place(const char *target)
{
    return is_region(target) || strncmp(target, "az:", 3) == 0 || strncmp(target, "endpoint:", 9) == 0;
}

static void hear_changes(struct traffic_crowd *crowd)
{
    uint64_t missed;
    enum stream_result result = STREAM_NOTHING;
    while (crowd->reader.stream != NULL &&
           (result = stream_read(&crowd->reader, &missed)) != STREAM_NOTHING) {
        const struct change *change = &crowd->reader.change;
        if (result == STREAM_GAP || change->name == NULL || !is_place(change->name)) {
            continue;
        }
        if (change->kind == CHANGE_HEALTH) {
            hear_health(crowd, change);
        } else if (change->kind == CHANGE_OVERRIDE) {
            hear_override(crowd, change);
        } else if (change->kind == CHANGE_HOLD) {
            hear_hold(crowd, change);
        }
    }
}

/* ---- notes ---- */

/* Wall time from its last 32 bits: within 24 days of now. */
static int64_t widen(uint32_t at_ms, int64_t wall_ms)
{
    return wall_ms + (int32_t)(at_ms - (uint32_t)wall_ms);
}

static const struct places *find_generation(const struct traffic_crowd *crowd, uint32_t generation)
{
    return generation == crowd->now.generation      ? &crowd->now
           : generation == crowd->before.generation ? &crowd->before
                                                    : NULL;
}

static void take_note(struct traffic_crowd *crowd, const struct sight *sight, int64_t wall_ms)
{
    struct addr addr = {.family = sight->family};
    memcpy(addr.bytes, sight->address, sizeof addr.bytes);
    const struct places *places = find_generation(crowd, sight->generation);
    struct traffic_place place = {.group = 0};
    if (places != NULL && sight->endpoint < places->count) {
        place = places->endpoints[sight->endpoint];
    }
    if (places != NULL && sight->group != 0 && sight->group <= CONF_NAME_GROUPS_MAX) {
        place.group = places->groups[sight->group - 1];
    }
    uint32_t number = sights_number(addr.bytes + (addr.family == ADDR_V6 ? 4 : 0));
    if (number < atomic_load_explicit(&crowd->sample.below, memory_order_relaxed)) {
        traffic_drains_see(crowd->drains, &addr, number, &place, widen(sight->at_ms, wall_ms), sight->ttl);
    }
    crowd->notes++;
}

static void take_turn(struct traffic_crowd *crowd, const struct sight *sight, int64_t now_ms)
{
    struct addr addr = {.family = sight->family};
    memcpy(addr.bytes, sight->address, sizeof addr.bytes);
    traffic_top_add(crowd->top, &addr, sight->turns, now_ms);
    crowd->turns += sight->turns;
}

/* What is of a view that nobody has followed yet waits for that. */
static void read_sights(struct traffic_crowd *crowd, struct sights *sights, int64_t now_ms, int64_t wall_ms)
{
    const struct sight *sight;
    while ((sight = sights_peek(sights)) != NULL) {
        bool is_turn = sight->turns != 0;
        if (!is_turn && (int32_t)(sight->generation - crowd->now.generation) > 0) {
            break;
        }
        if (is_turn) {
            take_turn(crowd, sight, now_ms);
        } else {
            take_note(crowd, sight, wall_ms);
        }
        sights_pass(sights);
    }
}

/* ---- how many are noted ---- */

static void set_level(struct traffic_crowd *crowd, unsigned level)
{
    crowd->level = level;
    uint32_t below = UINT32_MAX >> level;
    atomic_store_explicit(&crowd->sample.below, below, memory_order_relaxed);
    traffic_drains_limit(crowd->drains, below);
}

static uint64_t sum_lost(const struct traffic_crowd *crowd)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < crowd->sights_count; i++) {
        lost += atomic_load_explicit(&crowd->sights[i]->lost, memory_order_relaxed);
    }
    return lost;
}

static void adapt(struct traffic_crowd *crowd, int64_t now_ms, int64_t wall_ms)
{
    uint64_t lost = sum_lost(crowd), span_ms = (uint64_t)(now_ms - crowd->read_ms);
    uint64_t notes = crowd->notes * 1000 / span_ms, turns = crowd->turns * 1000 / span_ms;
    size_t hosts = traffic_drains_count_hosts(crowd->drains);
    bool is_crowded = notes > NOTES_MANY || hosts > TRAFFIC_HOSTS / 4 * 3;
    uint32_t every = atomic_load_explicit(&crowd->sample.every, memory_order_relaxed);
    if (lost != crowd->lost || turns > TURNS_MANY) {
        every = EVERY;
    } else if (turns < TURNS_FEW) {
        every = 1;
    }
    atomic_store_explicit(&crowd->sample.every, every, memory_order_relaxed);
    if ((lost != crowd->lost || is_crowded) && crowd->level < LEVEL_MAX) {
        set_level(crowd, crowd->level + 1);
        crowd->calm_since_ms = now_ms;
    } else if (notes > NOTES_FEW || hosts > TRAFFIC_HOSTS / 8 ||
               traffic_drains_any_open(crowd->drains, wall_ms)) {
        crowd->calm_since_ms = now_ms;
    } else if (crowd->level != 0 && now_ms - crowd->calm_since_ms > CALM_MS) {
        set_level(crowd, crowd->level - 1);
        crowd->calm_since_ms = now_ms;
    }
    crowd->lost = lost;
}

void traffic_crowd_read(struct traffic_crowd *crowd, int64_t now_ms, int64_t wall_ms)
{
    enum { SPAN_MIN_MS = 500 }; /* who asks often does not make a rate of a moment */
    hear_changes(crowd);
    for (size_t i = 0; i < crowd->sights_count; i++) {
        read_sights(crowd, crowd->sights[i], now_ms, wall_ms);
    }
    if (crowd->since_ms == 0) {
        crowd->since_ms = crowd->read_ms = crowd->tidied_ms = now_ms;
    }
    if (now_ms - crowd->read_ms >= SPAN_MIN_MS) {
        adapt(crowd, now_ms, wall_ms);
        crowd->notes = crowd->turns = 0;
        crowd->read_ms = now_ms;
    }
    if (now_ms - crowd->tidied_ms > TIDY_MS) {
        traffic_drains_tidy(crowd->drains, wall_ms);
        crowd->tidied_ms = now_ms;
    }
}

void traffic_crowd_get_stats(const struct traffic_crowd *crowd, struct traffic_crowd_stats *stats)
{
    *stats = (struct traffic_crowd_stats){
        .every = atomic_load_explicit(&crowd->sample.every, memory_order_relaxed),
        .hosts = 1 / exp2(crowd->level),
        .lost = crowd->lost,
        .since_ms = crowd->since_ms};
}

const struct traffic_top *traffic_crowd_get_top(const struct traffic_crowd *crowd)
{
    return crowd->top;
}

const struct traffic_drains *traffic_crowd_get_drains(const struct traffic_crowd *crowd)
{
    return crowd->drains;
}

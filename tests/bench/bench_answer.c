/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The data path without sockets: answer_query() over a zone of a thousand names, N queries of one mix. Run by
 * tests/bench/instructions under callgrind, where the difference between two N is exact. The mixes are those
 * of the same names in the peers kit; rrl is static with response-rate limiting on and nobody over the rate,
 * limited one name that is nearly always over it; tap-100 and tap-all are weighted, with one of a hundred
 * queries, or every one, put into the rings of both dnstap and the query log (tap-off: the channels are off);
 * drill-on is drill-off (weighted, with the address of the client) while 8 drills with 32 prefixes each run,
 * whose clients others are.
 * usage: bench_answer static|edns|nx|weighted|noted|failover|geo-ecs|rrl|limited|tap-off|tap-100|tap-all|
 * drill-off|drill-on N */
#include "config.h"

#include "answer/shadow.h"
#include "base/buffer.h"
#include "base/limiter.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/types.h"
#include "tests/unit/answer_fixture.h"
#include "tap/tap.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS = 1000, QUERY_MAX = 128, PLACES = 3, EACH = 6667, NETWORKS = PLACES * EACH };

struct queries {
    uint8_t bytes[HOSTS][QUERY_MAX];
    size_t len[HOSTS];
};

/* Put a client subnet of 24 bits into the OPT record at the end of a query. */
static size_t add_subnet(uint8_t *query, size_t len, uint32_t subnet)
{
    const uint8_t option[] = {
        0, 11, 0, 8, 0, 7, 0, 1, 24, 0, (uint8_t)(subnet >> 16), (uint8_t)(subnet >> 8), (uint8_t)subnet};
    memcpy(query + len - 2, option, sizeof option);
    return len - 2 + sizeof option;
}

static void make_queries(struct queries *queries, const char *mix)
{
    bool nx = strcmp(mix, "nx") == 0, ecs = strcmp(mix, "geo-ecs") == 0;
    bool steered = ecs || strcmp(mix, "weighted") == 0 || strcmp(mix, "noted") == 0 ||
                   strcmp(mix, "failover") == 0 || strncmp(mix, "tap-", 4) == 0 ||
                   strncmp(mix, "drill-", 6) == 0;
    struct random random;
    random_init(&random, 1);
    for (unsigned i = 0; i < HOSTS; i++) {
        char name[64];
        snprintf(name, sizeof name, nx ? "x%07u.example.com." : "h%04u.example.com.",
                 nx ? i * 7919 : i * 389 % HOSTS);
        queries->len[i] = fixture_query(queries->bytes[i], steered ? "www.example.com." : name, DNS_TYPE_A,
                                        0x100, ecs || strcmp(mix, "edns") == 0 ? 1232 : 0);
        if (ecs) {
            uint32_t subnet = (uint32_t)(random_below(&random, 223 << 16) + (1 << 16));
            queries->len[i] = add_subnet(queries->bytes[i], queries->len[i], subnet);
        }
    }
}

/* 20,000 networks of 20 bits, belonging to three places in turn. */
static struct geo_tree *make_map(void)
{
    struct addr_prefix *prefixes = memory_alloc_array(NETWORKS, sizeof *prefixes);
    struct geo_rule rules[PLACES] = {{.target = 0}};
    struct random random;
    random_init(&random, 2);
    for (uint32_t i = 0; i < NETWORKS; i++) {
        uint32_t net = (1 << 12) + i * 45 + (uint32_t)random_below(&random, 45);
        prefixes[i % PLACES * EACH + i / PLACES] = (struct addr_prefix){
            .len = 20,
            .addr = {.family = ADDR_V4,
                     .bytes = {(uint8_t)(net >> 12), (uint8_t)(net >> 4), (uint8_t)(net << 4)}}};
    }
    for (size_t i = 0; i < PLACES; i++) {
        rules[i] = (struct geo_rule){
            .prefixes = prefixes + i * EACH, .prefix_count = EACH, .target = (uint32_t)(i + 1)};
    }
    struct geo_atlas *atlas = geo_atlas_new(NULL, 0);
    struct geo_tree *map = geo_build_tree(
        &(struct geo_plan){.rules = rules, .rule_count = PLACES, .class_count = 1 + PLACES}, atlas);
    geo_atlas_free(atlas);
    free(prefixes);
    return map;
}

/* www by geography: each place has an endpoint of its own. */
static void steer_by_place(struct fixture *fixture)
{
    static const struct steer_member members[PLACES] = {{.endpoint = 0, .weight = 1, .types = STEER_HAS_A},
                                                        {.endpoint = 1, .weight = 1, .types = STEER_HAS_A},
                                                        {.endpoint = 2, .weight = 1, .types = STEER_HAS_A}};
    static const struct steer_place places[PLACES] = {
        {.az = 0, .region = 0}, {.az = 1, .region = 0}, {.az = 2, .region = 1}};
    static const uint16_t indices[PLACES] = {0, 1, 2};
    static const struct steer_tier tiers[] = {{.label = "0", .members = indices, .count = 1},
                                              {.label = "1", .members = indices + 1, .count = 1},
                                              {.label = "2", .members = indices + 2, .count = 1}};
    static const struct steer_class classes[] = {{.label = "default", .tiers = tiers, .tier_count = PLACES},
                                                 {.label = "0", .tiers = tiers, .tier_count = 1},
                                                 {.label = "1", .tiers = tiers + 1, .tier_count = 1},
                                                 {.label = "2", .tiers = tiers + 2, .tier_count = 1}};
    steer_cache_free(fixture->cache);
    steer_set_free(fixture->view.steer);
    fixture->view.steer = steer_set_new();
    steer_set_add(fixture->view.steer,
                  &(struct steer_policy){.pick = STEER_PICK_WEIGHTED,
                                         .answers = 1,
                                         .member_count = PLACES,
                                         .class_count = 1 + PLACES,
                                         .members = members,
                                         .places = places,
                                         .classes = classes},
                  make_map(), 1);
    fixture->cache = steer_cache_new(fixture->view.steer);
    fixture->context.cache = fixture->cache;
}

static void make_zone(struct buffer *text)
{
    buffer_add_text(text,
                    "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 300\n@ NS ns1\nns1 A 192.0.2.53\n");
    for (unsigned i = 0; i < HOSTS; i++) {
        buffer_print(text, "h%04u A 198.51.%u.%u\n", i, i / 250, i % 250 + 1);
    }
}

/* With "limited" the rate is a hundredth of what is asked. */
static bool limit(struct fixture *fixture, struct conf_rrl *rrl, const char *mix)
{
    bool limited = strcmp(mix, "limited") == 0;
    if (!limited && strcmp(mix, "rrl") != 0) {
        return false;
    }
    *rrl = (struct conf_rrl){.ipv4_mask = 0xffffff, .ipv6_mask = 0xffffffffffffff};
    for (int kind = 0; kind < CONF_RRL_ALL; kind++) {
        rrl->rates[kind] =
            (struct limiter_rate){.interval_us = limited ? 1000 : 10, .depth_us = 1000000, .slip = 2};
    }
    fixture->server.rrl = rrl;
    fixture->view.limiter = limiter_new(1 << 18);
    fixture->view.guards = VIEW_GUARD_RATE;
    return true;
}

/* Nobody takes them out: the bench does, now and then. */
static struct taps *tap(struct fixture *fixture, const char *mix)
{
    static struct conf_endpoint endpoints[8];
    static struct conf_region region = {.name = "us-east"};
    static struct conf_topology topology = {.endpoints = endpoints, .regions = &region};
    if (strncmp(mix, "tap-", 4) != 0) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        endpoints[i] = (struct conf_endpoint){.name = "web-us-east-1a"};
    }
    uint32_t one_of = strcmp(mix, "tap-off") == 0 ? 0 : strcmp(mix, "tap-all") == 0 ? 1 : 100;
    struct taps *taps = taps_new(1);
    for (enum taps_output output = 0; output < TAPS_OUTPUTS; output++) {
        atomic_store(&taps_get_lane(taps, 0, output)->one_of, one_of);
        atomic_store(&taps_get_lane(taps, 0, output)->ring, ring_new(TAP_RING_SIZE));
    }
    fixture->view.topology = &topology;
    fixture->view.guards = VIEW_GUARD_TAP;
    fixture->context.tap = taps_list(taps)[0];
    return taps;
}

/* Returns whether the mix is one of these. */
static bool drill(struct fixture *fixture, const char *mix)
{
    static struct addr_prefix prefixes[ANSWER_SHADOWS_MAX][ANSWER_SHADOW_PREFIXES_MAX];
    static struct answer_shadow drills[ANSWER_SHADOWS_MAX];
    const struct answer_shadow *list[ANSWER_SHADOWS_MAX];
    for (size_t i = 0; i < ANSWER_SHADOWS_MAX; i++) {
        for (size_t p = 0; p < ANSWER_SHADOW_PREFIXES_MAX; p++) {
            prefixes[i][p] = (struct addr_prefix){
                .len = 24, .addr = {.family = ADDR_V4, .bytes = {10, (uint8_t)(16 * i), (uint8_t)(4 * p)}}};
        }
        drills[i].clients.sources = prefixes[i];
        drills[i].clients.source_count = ANSWER_SHADOW_PREFIXES_MAX;
        list[i] = &drills[i];
    }
    if (strcmp(mix, "drill-on") == 0) {
        fixture->aside.shadows = answer_shadows_new(list, ANSWER_SHADOWS_MAX);
        fixture->context.aside = &fixture->aside;
    }
    return strncmp(mix, "drill-", 6) == 0;
}

static void empty_rings(struct taps *taps)
{
    for (enum taps_output output = 0; output < TAPS_OUTPUTS; output++) {
        struct ring *ring = atomic_load(&taps_get_lane(taps, 0, output)->ring);
        while (ring_peek(ring) != NULL) {
            ring_remove(ring);
        }
    }
}

static size_t ask_from(struct fixture *fixture, const uint8_t *query, size_t len, uint8_t *out, size_t cap)
{
    static const struct sockaddr_in client = {.sin_family = AF_INET, .sin_addr = {0x01020304}};
    struct answer_request request = {.bytes = query,
                                     .len = len,
                                     .client = (const struct sockaddr *)(const void *)&client,
                                     .transport = ANSWER_UDP};
    fixture->context.now_us += 10;
    return answer_query(&fixture->context, &request, out, cap);
}

/* As a UDP thread does, with many clients of which one of 64 is in the sample, as it is when much is asked.
 */
struct crowd {
    struct sights_sample sample;
    struct sights *sights;
    struct sockaddr_in clients[HOSTS];
};

static void make_crowd(struct crowd *crowd, struct fixture *fixture)
{
    struct random random;
    random_init(&random, 3);
    atomic_init(&crowd->sample.below, UINT32_MAX / 64);
    atomic_init(&crowd->sample.every, 64);
    crowd->sights = sights_new(&crowd->sample);
    for (unsigned i = 0; i < HOSTS; i++) {
        crowd->clients[i] =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {(in_addr_t)random_next(&random)}};
    }
    fixture->context.sights = crowd->sights;
    fixture->context.below = sights_get_below(crowd->sights);
}

static size_t ask_in_crowd(struct crowd *crowd, struct fixture *fixture, const struct queries *queries,
                           unsigned at, uint8_t *out, size_t cap)
{
    const struct sockaddr_in *client = &crowd->clients[at];
    struct addr_port from;
    struct answer_request request = {.bytes = queries->bytes[at],
                                     .len = queries->len[at],
                                     .client = (const struct sockaddr *)(const void *)client,
                                     .number = sights_number((const uint8_t *)&client->sin_addr),
                                     .transport = ANSWER_UDP};
    size_t len = answer_query(&fixture->context, &request, out, cap);
    if (sights_find_turn(crowd->sights, 0, 1) == 0) {
        addr_from_sockaddr(request.client, &from);
        sights_note_turn(crowd->sights, &from.addr, fixture->context.now_ms);
    }
    if (at == 0) { /* somebody has read them all */
        atomic_store(&crowd->sights->read, atomic_load(&crowd->sights->written));
    }
    return len;
}

int main(int argc, char **argv)
{
    static struct queries queries;
    static struct fixture fixture;
    static struct conf_rrl rrl;
    static struct crowd crowd;
    struct buffer text;
    uint8_t out[4096];
    if (argc != 3) {
        fputs(
            "usage: bench_answer "
            "static|edns|nx|weighted|failover|geo-ecs|rrl|limited|tap-off|tap-100|tap-all|drill-off|drill-on "
            "N\n",
            stderr);
        return 2;
    }
    buffer_init(&text);
    make_zone(&text);
    fixture_init(&fixture, (const char *const[]){"example.com."}, (const char *const[]){text.bytes}, 1);
    if (strcmp(argv[1], "failover") == 0) { /* the first tier is lost: one endpoint is left */
        health_observe(fixture.view.health, 0, HEALTH_OUTCOME_REFUSED, 0, 0, 0);
        health_observe(fixture.view.health, 1, HEALTH_OUTCOME_REFUSED, 0, 0, 0);
    }
    if (strcmp(argv[1], "geo-ecs") == 0) {
        steer_by_place(&fixture);
    }
    make_queries(&queries, argv[1]);
    unsigned long count = strtoul(argv[2], NULL, 10), octets = 0;
    struct taps *taps = tap(&fixture, argv[1]);
    bool limiting = limit(&fixture, &rrl, argv[1]);
    bool drilling = drill(&fixture, argv[1]);
    bool noting = strcmp(argv[1], "noted") == 0;
    if (noting) {
        make_crowd(&crowd, &fixture);
    }
    unsigned names = strcmp(argv[1], "limited") == 0 ? 1 : HOSTS;
    for (unsigned long i = 0; i < count; i++) {
        unsigned at = (unsigned)(i % names);
        octets += noting ? ask_in_crowd(&crowd, &fixture, &queries, at, out, sizeof out)
                  : limiting || drilling || taps != NULL
                      ? ask_from(&fixture, queries.bytes[at], queries.len[at], out, sizeof out)
                      : fixture_ask_unchecked(&fixture, queries.bytes[at], queries.len[at], ANSWER_UDP, out,
                                              sizeof out);
        if (taps != NULL && i % 4096 == 0) {
            empty_rings(taps);
        }
    }
    printf("%lu answers, %.1f octets each\n", count, count == 0 ? 0 : (double)octets / (double)count);
    sights_free(crowd.sights);
    limiter_release(fixture.view.limiter);
    free((void *)(uintptr_t)fixture.aside.shadows);
    fixture_fini(&fixture);
    buffer_fini(&text);
    return 0;
}

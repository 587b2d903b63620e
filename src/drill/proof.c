/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Both halves of a pair have a cache of their own that nobody else uses, and the same random numbers: so what
 * counts and what turns is the same for both as long as their answers are. Each round begins with new caches
 * and the same clients, so that rounds are alike as long as health is. Questions come as over TCP, to which
 * no rate applies, and without a tap. */
#include "config.h"

#include "drill/proof.h"

#include "answer/answer.h"
#include "answer/shadow.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "steer/draw.h"
#include "view/view.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRIES = 3,
    CACHE_MAX = 4 << 20, /* of the arrays of choices */
    QUERY_MAX = 512,
    REPLY_MAX = 65535,
    CLIENT_TRIES = 8,
    ECS_SIZE = 11 /* an option with three octets of an IPv4 address */
};

struct question {
    uint32_t name; /* of the view */
    uint16_t type;
};

/* With the drill, and without. */
struct half {
    struct steer_cache *cache;
    struct answer_counters counters;
    struct random random;
    struct sha256 all, round;
    uint8_t reply[REPLY_MAX];
    size_t len;
};

struct drill_proof {
    const struct view *without;
    struct question *questions;
    size_t count, next;
    uint64_t seed, begun_generation;
    struct random clients;
    struct half halves[2];
    struct drill_proved proved;
};

/* ---- questions ---- */

static size_t count_types(const struct view_name *name)
{
    return (size_t)__builtin_popcount(name->types);
}

static void list_questions(struct drill_proof *proof, size_t all, size_t most)
{
    const struct view *view = proof->without;
    size_t seen = 0;
    proof->questions = memory_alloc_array(all < most ? all : most, sizeof *proof->questions);
    for (uint32_t i = 0; i < view->name_count; i++) {
        const struct steer_policy *policy = steer_set_get(view->steer, view->names[i].policy);
        for (unsigned type = 0; type < policy->type_count; type++) {
            if ((view->names[i].types & 1u << type) == 0) {
                continue;
            }
            bool is_due = all <= most || seen * most / all != (seen + 1) * most / all;
            seen++;
            if (is_due) {
                proof->questions[proof->count++] = (struct question){i, policy->types[type]};
            }
        }
    }
}

static size_t put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    return 2;
}

/* Every other one says whose it is. */
static size_t write_query(const struct drill_proof *proof, const struct question *question, uint64_t client,
                          uint8_t query[QUERY_MAX])
{
    static const uint8_t head[DNS_HEADER_SIZE] = {0x5d, 0x1d, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    size_t at = sizeof head, ecs = (client & 1) != 0 ? ECS_SIZE : 0;
    memcpy(query, head, sizeof head);
    if (dns_name_parse(proof->without->names[question->name].owner, NULL, query + at) <= 0) {
        return 0;
    }
    if (query[at] == 1 && query[at + 1] == '*') {
        query[at + 1] = 'x';
    }
    at += dns_name_len(query + at, DNS_NAME_MAX);
    at += put16(query + at, question->type);
    at += put16(query + at, DNS_CLASS_IN);
    query[at++] = 0;
    at += put16(query + at, DNS_TYPE_OPT);
    at += put16(query + at, 1232);
    memset(query + at, 0, 4);
    at += 4;
    at += put16(query + at, (unsigned)ecs);
    if (ecs != 0) {
        at += put16(query + at, DNS_OPTION_ECS);
        at += put16(query + at, ECS_SIZE - 4);
        const uint8_t subnet[ECS_SIZE - 4] = {
            0, 1, 24, 0, (uint8_t)(client >> 8), (uint8_t)(client >> 16), (uint8_t)(client >> 24)};
        memcpy(query + at, subnet, sizeof subnet);
        at += sizeof subnet;
    }
    return at;
}

/* Anybody; of four, one has IPv6. */
static void choose_client(struct random *random, struct sockaddr_storage *client)
{
    uint64_t number = random_next(random), more = random_next(random);
    struct addr_port at = {.addr.family = (number & 3) == 3 ? ADDR_V6 : ADDR_V4, .port = 53};
    if (at.addr.family == ADDR_V4) {
        memcpy(at.addr.bytes, &more, 4);
    } else {
        memcpy(at.addr.bytes, &more, 8);
        memcpy(at.addr.bytes + 8, &number, 8);
        at.addr.bytes[0] = 0x20;
    }
    addr_to_sockaddr(&at, client);
}

/* ---- pairs ---- */

static void begin_round(struct drill_proof *proof)
{
    random_init(&proof->clients, proof->seed);
    for (int i = 0; i < 2; i++) {
        struct half *half = &proof->halves[i];
        steer_cache_free(half->cache);
        half->cache = steer_cache_new_bounded(proof->without->steer, CACHE_MAX);
        random_init(&half->random, proof->seed);
        sha256_init(&half->round);
    }
    proof->next = 0;
    proof->begun_generation = atomic_load_explicit(&proof->without->table->generation, memory_order_acquire);
}

static void ask(struct half *half, const struct view *view, const struct answer_shadows *shadows,
                const struct answer_request *request, uint64_t now_ms)
{
    const struct answer_aside aside = {.shadows = shadows};
    const struct answer_context context = {.view = view,
                                           .table = view->table,
                                           .cache = half->cache,
                                           .random = &half->random,
                                           .counters = &half->counters,
                                           .aside = shadows == NULL ? NULL : &aside,
                                           .now_ms = now_ms,
                                           .now_s = (uint32_t)(now_ms / 1000)};
    half->len = answer_query(&context, request, half->reply, sizeof half->reply);
}

/* No answer at all proves nothing. */
static bool is_equal(const struct half halves[2])
{
    return halves[0].len != 0 && halves[0].len == halves[1].len &&
           memcmp(halves[0].reply, halves[1].reply, halves[0].len) == 0;
}

/* Returns whether both are from the same health. */
static bool ask_both(struct drill_proof *proof, const struct view *served,
                     const struct answer_shadows *shadows, const struct answer_request *request,
                     uint64_t now_ms)
{
    const _Atomic uint64_t *generation = &proof->without->table->generation;
    uint64_t before = atomic_load_explicit(generation, memory_order_acquire);
    ask(&proof->halves[0], served, shadows, request, now_ms);
    ask(&proof->halves[1], proof->without, NULL, request, now_ms);
    return before == atomic_load_explicit(generation, memory_order_acquire) &&
           (before & HEALTH_CHANGING) == 0;
}

static void note(struct drill_proof *proof)
{
    uint8_t len[2];
    for (int i = 0; i < 2; i++) {
        struct half *half = &proof->halves[i];
        put16(len, (unsigned)half->len);
        sha256_add(&half->all, len, sizeof len);
        sha256_add(&half->all, half->reply, half->len);
        sha256_add(&half->round, len, sizeof len);
        sha256_add(&half->round, half->reply, half->len);
    }
    proof->proved.sampled++;
    proof->proved.differences += !is_equal(proof->halves);
}

/* Addresses of a host, and a serial, come without a new health: who differs once is asked again. */
static void ask_pair(struct drill_proof *proof, const struct view *served,
                     const struct answer_shadows *shadows, const struct answer_request *request,
                     uint64_t now_ms)
{
    bool is_settled = false, is_same = false;
    for (int i = 0; i < TRIES && !is_same; i++) {
        is_settled = ask_both(proof, served, shadows, request, now_ms);
        is_same = is_settled && is_equal(proof->halves);
    }
    if (is_settled) {
        note(proof);
    } else {
        proof->proved.unsettled++;
    }
}

static bool belongs_to_drill(const struct answer_shadows *shadows, const struct answer_request *request)
{
    struct dns_query query;
    uint8_t scope;
    return shadows != NULL && dns_query_parse(&query, request->bytes, request->len) == DNS_QUERY_OK &&
           shadow_find(shadows, request, &query, &scope) != NULL;
}

static void ask_question(struct drill_proof *proof, const struct view *served,
                         const struct answer_shadows *shadows, uint64_t now_ms)
{
    struct sockaddr_storage client;
    uint8_t query[QUERY_MAX];
    const struct question *question = &proof->questions[proof->next++];
    struct answer_request request = {
        .bytes = query, .client = (const struct sockaddr *)&client, .transport = ANSWER_TCP};
    for (int i = 0; i < CLIENT_TRIES; i++) {
        choose_client(&proof->clients, &client);
        request.len = write_query(proof, question, random_next(&proof->clients), query);
        if (!belongs_to_drill(shadows, &request)) {
            ask_pair(proof, served, shadows, &request, now_ms);
            return;
        }
    }
}

static void end_round(struct drill_proof *proof)
{
    struct drill_round *round = &proof->proved.latest;
    struct sha256 sha = proof->halves[0].round;
    sha256_end(&sha, round->hash);
    round->generation = atomic_load_explicit(&proof->without->table->generation, memory_order_acquire);
    round->is_calm = round->generation == proof->begun_generation;
    proof->proved.rounds++;
    begin_round(proof);
}

bool drill_proof_turn(struct drill_proof *proof, const struct view *served,
                      const struct answer_shadows *shadows, uint64_t now_ms, size_t count)
{
    for (; count > 0 && proof->next < proof->count; count--) {
        ask_question(proof, served, shadows, now_ms);
    }
    if (proof->next < proof->count) {
        return true;
    }
    end_round(proof);
    return false;
}

bool drill_proof_fits(const struct drill_proof *proof, const struct view *served)
{
    const struct view *without = proof->without;
    return served->table == without->table && served->steer == without->steer &&
           served->zones == without->zones;
}

/* ---- the whole ---- */

struct drill_proof *drill_proof_new(const struct view *without, size_t most, uint64_t seed)
{
    size_t all = 0;
    for (size_t i = 0; i < without->name_count; i++) {
        all += count_types(&without->names[i]);
    }
    if (all == 0) {
        return NULL;
    }
    struct drill_proof *proof = aligned_alloc(_Alignof(struct drill_proof), sizeof *proof);
    assert(proof != NULL);
    memset(proof, 0, sizeof *proof);
    proof->without = without;
    proof->seed = seed;
    list_questions(proof, all, most);
    sha256_init(&proof->halves[0].all);
    sha256_init(&proof->halves[1].all);
    begin_round(proof);
    return proof;
}

void drill_proof_free(struct drill_proof *proof)
{
    if (proof != NULL) {
        steer_cache_free(proof->halves[0].cache);
        steer_cache_free(proof->halves[1].cache);
        free(proof->questions);
        free(proof);
    }
}

size_t drill_proof_count(const struct drill_proof *proof)
{
    return proof->count;
}

void drill_proof_get(const struct drill_proof *proof, struct drill_proved *proved)
{
    *proved = proof->proved;
    struct sha256 with = proof->halves[0].all, without = proof->halves[1].all;
    sha256_end(&with, proved->hash);
    sha256_end(&without, proved->hash_without);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The order of stores in a change of health, held up between its last word and the generation: who chooses an
 * endpoint by its new word sees everything that was stored before that word, and trusts the choice no longer
 * than the change lasts. ThreadSanitizer is the judge of the first: what lies behind the word here is no
 * atomic. On a processor with weak ordering, wrong values would show, too. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "steer/draw.h"
#include "steer/steer.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { ROUNDS = 2000 };

/* One endpoint that is a host name, and what its word tells of. */
struct stage {
    struct health_table table;
    _Atomic uint32_t endpoint, az, region;
    struct health_outage outages[2], of_endpoint[1][HEALTH_VIEWS];
    struct steer_policy policy;
    struct steer_choice choice;
    void *memory;
    _Atomic int seen; /* the round whose word the reader has chosen by; orders nothing */
    _Atomic int step; /* the round that may begin */
    int addresses;    /* plain */
};

static const struct steer_member member = {.weight = 1, .has_host = 1};
static const struct steer_place place = {.az = 0};
static const uint16_t members[] = {0};
static const struct steer_tier tier = {.label = "all", .members = members, .count = 1};
static const struct steer_class class = {.label = "default", .tiers = &tier, .tier_count = 1};

static void set_stage(struct stage *stage)
{
    stage->table = (struct health_table){.endpoint_count = 1,
                                         .az_count = 1,
                                         .region_count = 1,
                                         .endpoints = &stage->endpoint,
                                         .azs = &stage->az,
                                         .regions = &stage->region,
                                         .endpoints_outage = stage->of_endpoint,
                                         .azs_outage = &stage->outages[0],
                                         .regions_outage = &stage->outages[1]};
    atomic_init(&stage->table.generation, 1);
    stage->policy = (struct steer_policy){.pick = STEER_PICK_WEIGHTED,
                                          .fallback = STEER_FALLBACK_NODATA,
                                          .answers = 1,
                                          .member_count = 1,
                                          .class_count = 1,
                                          .type_count = STEER_TYPES_FIXED,
                                          .members = &member,
                                          .places = &place,
                                          .classes = &class};
    struct steer_room room = steer_find_room(&stage->policy, 0);
    stage->memory = memory_alloc(steer_room_size(room));
    steer_choice_init(&stage->choice, room, stage->memory);
}

static void store(_Atomic uint64_t *generation, uint64_t value, memory_order order)
{
    atomic_store_explicit(generation, value, order);
}

static void wait_for(_Atomic int *number, int least, memory_order order)
{
    while (atomic_load_explicit(number, order) < least) {
        sched_yield();
    }
}

/* As health/words.c and view/hosts.c do it. */
static void *write_rounds(void *argument)
{
    struct stage *stage = argument;
    for (int round = 1; round <= ROUNDS; round++) {
        _Atomic uint64_t *generation = &stage->table.generation;
        wait_for(&stage->step, round, memory_order_acquire);
        uint64_t now = atomic_load_explicit(generation, memory_order_relaxed);
        stage->addresses = round;
        store(generation, now | HEALTH_CHANGING, memory_order_relaxed);
        atomic_store_explicit(&stage->endpoint, HEALTH_WORD_RESOLVED_V4, memory_order_release);
        wait_for(&stage->seen, round, memory_order_relaxed);
        store(generation, now + 1, memory_order_release);
    }
    return NULL;
}

static void by_the_word_alone(void **state)
{
    (void)state;
    struct stage stage = {.addresses = 0};
    struct steer_ask ask = {.types = STEER_HAS_A};
    pthread_t writer;
    set_stage(&stage);
    assert_int_equal(pthread_create(&writer, NULL, write_rounds, &stage), 0);
    for (int round = 1; round <= ROUNDS; round++) {
        atomic_store_explicit(&stage.endpoint, 0, memory_order_relaxed);
        atomic_store_explicit(&stage.step, round, memory_order_release);
        do {
            steer_evaluate(&stage.policy, ask, &stage.table, &stage.choice, NULL);
        } while (stage.choice.count == 0);
        assert_int_equal(stage.addresses, round);
        assert_false(steer_choice_holds(&stage.choice, 0, &stage.table));
        atomic_store_explicit(&stage.seen, round, memory_order_relaxed);
    }
    pthread_join(writer, NULL);
    steer_evaluate(&stage.policy, ask, &stage.table, &stage.choice, NULL);
    assert_true(steer_choice_holds(&stage.choice, 0, &stage.table));
    free(stage.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_the_word_alone)};
    return cmocka_run_group_tests_name("steer order", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Ramps in choices: what came back has a part of its weight within its tier, the lowest step of an endpoint,
 * its az and its region counts, and a tier that would not be enough without who ramps takes a part of all
 * answers, whether it says spill_below or not. */
#include "config.h"

#include "steer_world.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { EVERY = 1 << HEALTH_V4 | 1 << HEALTH_V6 | 1 << HEALTH_ANY };

static void ramp(_Atomic uint32_t *word, unsigned percent, unsigned families)
{
    *word &= ~(uint32_t)(HEALTH_WORD_RAMP | HEALTH_WORD_RAMPING);
    *word |= percent == 100 ? 0
                            : (100 - percent) << HEALTH_WORD_RAMP_SHIFT | (uint32_t)families
                                                                              << HEALTH_WORD_RAMPING_SHIFT;
}

static void expect_odds_of(struct world *w, uint16_t type, const double *expected, size_t count)
{
    double odds[MEMBERS], found[MEMBERS] = {0};
    steer_evaluate(&w->policy, (struct steer_ask){.types = type}, &w->table, &w->choice, NULL);
    steer_odds(&w->policy, &w->choice, odds);
    for (size_t i = 0; i < w->choice.count; i++) {
        found[w->choice.members[i]] = odds[i];
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_near(found[i], expected[i])) {
            fail_msg("member %zu has odds %.7f, expected %.7f", i, found[i], expected[i]);
        }
    }
}

static void expect_odds(struct world *w, const double *expected, size_t count)
{
    expect_odds_of(w, STEER_HAS_A, expected, count);
}

static void weights_are_shares_of_what_they_were(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (unsigned percent = 1; percent <= 100; percent++) {
        double part = percent / 100.0;
        ramp(&w->endpoints[0], percent, EVERY);
        expect_odds(w, (double[]){part / (3 + part), 1 / (3 + part), 1 / (3 + part), 1 / (3 + part)}, EACH);
    }
    ramp(&w->endpoints[0], 25, EVERY); /* besides what it sheds */
    w->endpoints[0] |= HEALTH_SHED_ALL / 2 << HEALTH_WORD_SHED_SHIFT;
    expect_odds(w, (double[]){0.125 / 3.125, 1 / 3.125, 1 / 3.125, 1 / 3.125}, EACH);
    w->members[1].weight = 65535;
    expect_odds(w, (double[]){1.25 / 65556.25, 65535 / 65556.25, 10 / 65556.25, 10 / 65556.25}, EACH);
    world_free(w);
}

static void the_lowest_step_counts(void **state)
{
    (void)state;
    struct world *w = world_new();
    ramp(&w->endpoints[0], 50, EVERY);
    ramp(&w->azs[0], 25, EVERY); /* of 0 and 1 */
    expect_odds(w, (double[]){0.1, 0.1, 0.4, 0.4}, EACH);
    ramp(&w->endpoints[0], 5, EVERY);
    expect_odds(w, (double[]){0.05 / 2.3, 0.25 / 2.3, 1 / 2.3, 1 / 2.3}, EACH);
    ramp(&w->endpoints[0], 100, 0); /* an operator does not wait */
    w->endpoints[1] |= HEALTH_DESIRED_UP << HEALTH_WORD_DESIRED_SHIFT;
    expect_odds(w, (double[]){0.25 / 3.25, 1 / 3.25, 1 / 3.25, 1 / 3.25}, EACH);
    world_free(w);
}

static void a_family_keeps_its_weight(void **state)
{
    (void)state;
    struct world *w = world_new();
    ramp(&w->endpoints[0], 5, 1 << HEALTH_V6);
    expect_odds(w, (double[]){0.25, 0.25, 0.25, 0.25}, EACH);
    expect_odds_of(w, STEER_HAS_AAAA, (double[]){0.05 / 3.05, 1 / 3.05, 1 / 3.05, 1 / 3.05}, EACH);
    world_free(w);
}

/* Who served while the others were away goes on for as long as these ramp. */
static void a_tier_comes_back_by_its_steps(void **state)
{
    (void)state;
    struct world *w = world_new();
    lose(w, 0, 3); /* one endpoint is left of the first tier, as of one that has no more */
    ramp(&w->endpoints[3], 5, EVERY);
    expect_shares(w, 0.05, 0.95, 0, 0);
    ramp(&w->endpoints[3], 100, 0);
    expect_shares(w, 1, 0, 0, 0);
    lose(w, 0, 0);
    ramp(&w->regions[0], 25, EVERY);
    expect_shares(w, 0.25, 0.75, 0, 0);
    expect_odds(w, (double[]){0.0625, 0.0625, 0.0625, 0.0625}, EACH);
    w->policy.pick = STEER_PICK_ALL; /* shares are of tiers, whatever the pick */
    expect_shares(w, 0.25, 0.75, 0, 0);
    w->policy.pick = STEER_PICK_ROUND_ROBIN;
    expect_shares(w, 0.25, 0.75, 0, 0);
    w->policy.pick = STEER_PICK_WEIGHTED;
    ramp(&w->regions[1], 10, EVERY); /* what the next one cannot take either goes on */
    expect_shares(w, 0.25, 0.1, 0.65, 0);
    for (size_t t = 1; t < TIERS; t++) { /* a ramp never leaves a name without an answer */
        lose(w, t, EACH);
    }
    expect_shares(w, 1, 0, 0, 0);
    world_free(w);
}

/* What the others take anyway does not leave the tier. */
static void a_tier_that_is_enough_stays_whole(void **state)
{
    (void)state;
    struct world *w = world_new();
    ramp(&w->endpoints[0], 1, EVERY);
    expect_shares(w, 1, 0, 0, 0);
    w->tiers[0].min_healthy.share = 1; /* three are not enough: then it came back with the fourth */
    expect_shares(w, 3.01 / 4, 0.99 / 4, 0, 0);
    w->tiers[0].min_healthy.share = 0.75;
    expect_shares(w, 1, 0, 0, 0);
    w->tiers[0].spill_below.share = 1; /* what ramps is missing, like what is shed */
    expect_shares(w, 3.01 / 4, 0.99 / 4, 0, 0);
    world_free(w);
}

/* Copies of a zone know no weights: they hold whoever may answer, and one tier. */
static void copies_ignore_it(void **state)
{
    (void)state;
    struct world *w = world_new();
    ramp(&w->regions[0], 1, EVERY);
    const struct steer_ask ask = {.types = STEER_HAS_A, .ignores_load = true};
    steer_evaluate(&w->policy, ask, &w->table, &w->choice, NULL);
    assert_int_equal(w->choice.part_count, 1);
    assert_int_equal(w->choice.tier, 0);
    assert_int_equal(w->choice.count, EACH);
    world_free(w);
}

/* As many clients of a sticky policy come back as the step says, always the same ones, and nobody else moves.
 */
static void sticky_clients_come_back_in_their_order(void **state)
{
    (void)state;
    enum { CLIENTS = 20000 };
    static const unsigned steps[] = {1, 5, 25, 100};
    struct world *w = world_new();
    w->policy.pick = STEER_PICK_STICKY;
    for (size_t i = 0; i < MEMBERS; i++) {
        w->places[i].identity = 0x9e3779b9u * (i + 1u);
    }
    struct steer_set *set = steer_set_new();
    const struct steer_policy *policy = steer_set_get(set, steer_set_add(set, &w->policy, NULL, 0));
    struct steer_room room = steer_find_room(policy, 0);
    void *memory = memory_alloc_array(steer_room_size(room), 1);
    steer_choice_init(&w->choice, room, memory);
    uint16_t *was = memory_alloc_array(CLIENTS, sizeof *was), out[STEER_ANSWERS_MAX];
    for (size_t s = 0; s <= sizeof steps / sizeof *steps; s++) {
        size_t own = 0;
        w->endpoints[0] = s == 0 ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY;
        ramp(&w->endpoints[0], s == 0 ? 100 : steps[s - 1], EVERY);
        steer_evaluate(policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
        for (uint64_t key = 0; key < CLIENTS; key++) {
            assert_int_equal(steer_pick_sticky(policy, &w->choice, key * 0x9e3779b97f4a7c15u, out), 1);
            assert_true(s == 0 || out[0] == was[key] || out[0] == 0);
            was[key] = out[0];
            own += out[0] == 0;
        }
        double part = s == 0 ? 0 : steps[s - 1] / 100.0, expected = CLIENTS * part / (3 + part);
        assert_true((double)own > expected * 0.8 - 10 && (double)own < expected * 1.2 + 10);
    }
    free(was);
    free(memory);
    steer_set_free(set);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_shares_of_what_they_were),
        cmocka_unit_test(the_lowest_step_counts),
        cmocka_unit_test(a_family_keeps_its_weight),
        cmocka_unit_test(a_tier_comes_back_by_its_steps),
        cmocka_unit_test(a_tier_that_is_enough_stays_whole),
        cmocka_unit_test(copies_ignore_it),
        cmocka_unit_test(sticky_clients_come_back_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

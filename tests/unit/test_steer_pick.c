/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of steer_pick and steer_odds. Distributions are compared by chi-square with fixed seeds: a limit far
 * beyond the one-in-a-million quantile cannot fail by chance, since the numbers are the same in every run. */
#include "config.h"

#include "unit.h"

#include "steer/steer.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct draw {
    struct steer_policy policy;
    struct steer_choice choice;
    struct random random;
};

/* A choice of `count` members with these weights (NULL: 1 each); member i is numbered i + 1000 modulo 2^16.
 */
static struct draw draw_new(enum steer_pick pick, uint16_t answers, const uint32_t *weights, uint16_t count)
{
    struct draw draw = {.policy = {.pick = pick, .answers = answers, .member_count = count}};
    draw.choice = (struct steer_choice){.source = STEER_FROM_TIER,
                                        .count = count,
                                        .weights = memory_alloc_array(count, sizeof(uint32_t)),
                                        .members = memory_alloc_array(count, sizeof(uint16_t))};
    for (uint32_t i = 0; i < count; i++) {
        draw.choice.total_weight += weights == NULL ? 1 : weights[i];
        draw.choice.weights[i] = draw.choice.total_weight;
        draw.choice.members[i] = (uint16_t)(i + 1000);
    }
    random_init(&draw.random, 42);
    return draw;
}

static void draw_free(struct draw *draw)
{
    free(draw->choice.weights);
    free(draw->choice.members);
}

/* Draw once; out gives positions in the choice. */
static size_t draw_once(struct draw *draw, uint16_t out[STEER_ANSWERS_MAX])
{
    size_t count = steer_pick(&draw->policy, &draw->choice, &draw->random, out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (uint16_t)(out[i] - 1000);
        assert_true(out[i] < draw->choice.count);
    }
    return count;
}

static double chi_square(const unsigned *seen, const double *odds, size_t count, double rounds)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double off = seen[i] - odds[i] * rounds;
        sum += off * off / (odds[i] * rounds);
    }
    return sum;
}

static void expect_one_by_weight(bool is_single)
{
    enum { COUNT = 20, ROUNDS = 400000 };
    uint32_t weights[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        weights[i] = 1 + i * i;
    }
    struct draw draw = draw_new(STEER_PICK_WEIGHTED, 1, weights, COUNT);
    draw.choice.is_single = is_single;
    unsigned seen[COUNT] = {0};
    uint16_t out[STEER_ANSWERS_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(draw_once(&draw, out), 1);
        seen[out[0]]++;
    }
    double odds[COUNT];
    steer_odds(&draw.policy, &draw.choice, odds);
    assert_true(odds[3] == 10.0 / draw.choice.total_weight);
    assert_true(chi_square(seen, odds, COUNT, ROUNDS) < 60); /* 19 degrees: 1e-6 lies at 62 */
    draw_free(&draw);
}

static void one_answer_follows_weights(void **state)
{
    (void)state;
    expect_one_by_weight(false);
    expect_one_by_weight(true);
}

static void a_single_member_needs_no_luck(void **state)
{
    (void)state;
    struct draw draw = draw_new(STEER_PICK_WEIGHTED, 5, NULL, 1);
    uint16_t out[STEER_ANSWERS_MAX];
    assert_int_equal(draw_once(&draw, out), 1);
    assert_int_equal(out[0], 0);
    draw_free(&draw);
}

static void as_many_members_as_there_can_be(void **state)
{
    (void)state;
    enum { BUCKETS = 16, ROUNDS = 160000 };
    struct draw draw = draw_new(STEER_PICK_WEIGHTED, 1, NULL, STEER_MEMBERS_MAX);
    unsigned seen[BUCKETS] = {0};
    double even[BUCKETS];
    uint16_t out[STEER_ANSWERS_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(draw_once(&draw, out), 1);
        seen[out[0] / (STEER_MEMBERS_MAX / BUCKETS + 1)]++;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        even[i] = 1.0 / BUCKETS;
    }
    assert_true(chi_square(seen, even, BUCKETS, ROUNDS) < 56); /* 15 degrees */
    draw.policy.answers = STEER_ANSWERS_MAX;
    for (int round = 0; round < 100; round++) {
        assert_int_equal(draw_once(&draw, out), STEER_ANSWERS_MAX);
        for (size_t i = 0; i < STEER_ANSWERS_MAX; i++) {
            for (size_t j = 0; j < i; j++) {
                assert_int_not_equal(out[i], out[j]);
            }
        }
    }
    draw_free(&draw);
}

/* The chance of a sequence is the product of its draws. Adds it to sequence[a * count + b] for its first two.
 */
static void enumerate_pairs(const uint32_t *weights, size_t count, double *sequence)
{
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        total += weights[i];
    }
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b < count; b++) {
            sequence[a * count + b] = a == b ? 0 : weights[a] / total * (weights[b] / (total - weights[a]));
        }
    }
}

static void two_answers_follow_the_sequence_law(void **state)
{
    (void)state;
    enum { COUNT = 6, ROUNDS = 600000 };
    static const uint32_t weights[COUNT] = {50, 1, 7, 20, 20, 2};
    struct draw draw = draw_new(STEER_PICK_WEIGHTED, 2, weights, COUNT);
    double law[COUNT * COUNT], odds[COUNT], sum = 0;
    enumerate_pairs(weights, COUNT, law);
    unsigned seen[COUNT * COUNT] = {0};
    uint16_t out[STEER_ANSWERS_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        assert_int_equal(draw_once(&draw, out), 2);
        seen[out[0] * COUNT + out[1]]++;
    }
    for (size_t i = 0; i < (size_t)COUNT * COUNT; i++) {
        if (law[i] > 0) {
            double off = seen[i] - law[i] * ROUNDS;
            sum += off * off / (law[i] * ROUNDS);
        } else {
            assert_int_equal(seen[i], 0);
        }
    }
    assert_true(sum < 80); /* 29 degrees: 1e-6 lies at 79 */
    steer_odds(&draw.policy, &draw.choice, odds);
    for (size_t i = 0; i < COUNT; i++) {
        double expected = 0;
        for (size_t j = 0; j < COUNT; j++) {
            expected += law[i * COUNT + j] + law[j * COUNT + i];
        }
        assert_true(odds[i] - expected < 1e-12 && expected - odds[i] < 1e-12);
    }
    draw_free(&draw);
}

/* All members, yet in the order of their luck: the first record gets most clients. */
/* Places of 3, 1 and 2 members, in two runs if `mixed`; by brute force over the places, and weights inside.
 */
static void expect_apart(uint16_t answers, bool mixed)
{
    enum { COUNT = 6, PLACES = 3, ROUNDS = 300000 };
    static const uint32_t weights[COUNT] = {10, 20, 30, 25, 5, 15};
    static const uint32_t of[2][COUNT] = {{0, 0, 0, 1, 2, 2}, {0, 0, 1, 2, 2, 0}};
    struct steer_place places[COUNT] = {0};
    struct steer_member members[COUNT + 1000] = {0};
    struct draw draw = draw_new(STEER_PICK_WEIGHTED, answers, weights, COUNT);
    draw.policy.apart = STEER_APART_AZ;
    draw.policy.members = members;
    draw.policy.places = places;
    double of_place[PLACES] = {0}, expected[COUNT], sequence[COUNT] = {0}, odds[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        members[i + 1000].endpoint = i;
        places[i].az = of[mixed][i];
        of_place[of[mixed][i]] += weights[i];
    }
    for (unsigned a = 0; a < PLACES; a++) { /* its chance to be first, or second behind another */
        double chance = of_place[a] / 105;
        for (unsigned b = 0; b < PLACES && answers > 1; b++) {
            chance += a == b ? 0 : of_place[b] / 105 * of_place[a] / (105 - of_place[b]);
        }
        sequence[a] = answers >= PLACES ? 1 : chance;
    }
    unsigned seen[COUNT] = {0};
    uint16_t out[STEER_ANSWERS_MAX];
    for (int round = 0; round < ROUNDS; round++) {
        size_t count = draw_once(&draw, out);
        assert_int_equal(count, answers < PLACES ? answers : PLACES);
        for (size_t i = 0; i < count; i++) {
            seen[out[i]]++;
            for (size_t k = 0; k < i; k++) {
                assert_true(of[mixed][out[i]] != of[mixed][out[k]]);
            }
        }
    }
    steer_odds(&draw.policy, &draw.choice, odds);
    for (unsigned i = 0; i < COUNT && !mixed; i++) {
        expected[i] = sequence[of[mixed][i]] * weights[i] / of_place[of[mixed][i]];
        assert_float_equal(odds[i], expected[i], 1e-9);
        assert_float_equal((double)seen[i] / ROUNDS, expected[i], 0.005);
    }
    draw_free(&draw);
}

static void answers_are_apart(void **state)
{
    (void)state;
    for (uint16_t answers = 2; answers < 6; answers++) {
        expect_apart(answers, false);
        expect_apart(answers, true);
    }
}

static void all_answers_still_lead_by_weight(void **state)
{
    (void)state;
    static const uint32_t weights[] = {1, 9};
    struct draw draw = draw_new(STEER_PICK_WEIGHTED, 8, weights, 2);
    unsigned led[2] = {0};
    uint16_t out[STEER_ANSWERS_MAX];
    for (int round = 0; round < 100000; round++) {
        assert_int_equal(draw_once(&draw, out), 2);
        assert_int_equal(out[0] + out[1], 1);
        led[out[0]]++;
    }
    assert_true(chi_square(led, (double[]){0.1, 0.9}, 2, 100000) < 24);
    double odds[2];
    steer_odds(&draw.policy, &draw.choice, odds);
    assert_true(odds[0] == 1 && odds[1] == 1);
    draw_free(&draw);
}

static void odds_of_many_are_near(void **state)
{
    (void)state;
    enum { COUNT = 13, ROUNDS = 400000 };
    static const uint32_t weights[COUNT] = {1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 1000};
    for (unsigned answers = 2; answers < COUNT; answers += 2) {
        struct draw draw = draw_new(STEER_PICK_WEIGHTED, (uint16_t)answers, weights, COUNT);
        unsigned seen[COUNT] = {0};
        uint16_t out[STEER_ANSWERS_MAX];
        for (int round = 0; round < ROUNDS; round++) {
            size_t count = draw_once(&draw, out);
            for (size_t i = 0; i < count; i++) {
                seen[out[i]]++;
            }
        }
        double odds[COUNT], sum = 0, worst = 0;
        steer_odds(&draw.policy, &draw.choice, odds);
        for (size_t i = 0; i < COUNT; i++) {
            double off = (double)seen[i] / ROUNDS - odds[i];
            worst = off > worst ? off : -off > worst ? -off : worst;
            sum += odds[i];
        }
        print_message("# answers %u: worst error %.4f\n", answers, worst);
        assert_true(worst < 0.04);
        assert_true(sum > answers - 1e-4 && sum < answers + 1e-4);
        draw_free(&draw);
    }
}

static void expect_out(struct draw *draw, const uint16_t *expected, size_t count)
{
    uint16_t out[STEER_ANSWERS_MAX];
    assert_int_equal(draw_once(draw, out), count);
    assert_memory_equal(out, expected, count * sizeof *out);
}

static void round_robin_goes_round(void **state)
{
    (void)state;
    struct draw draw = draw_new(STEER_PICK_ROUND_ROBIN, 2, NULL, 3);
    expect_out(&draw, (uint16_t[]){0, 1}, 2);
    expect_out(&draw, (uint16_t[]){1, 2}, 2);
    expect_out(&draw, (uint16_t[]){2, 0}, 2);
    expect_out(&draw, (uint16_t[]){0, 1}, 2);
    double odds[3];
    steer_odds(&draw.policy, &draw.choice, odds);
    assert_true(odds[0] == 2.0 / 3 && odds[2] == 2.0 / 3);
    draw.choice.next = 2;
    draw.choice.count = 2; /* one was lost meanwhile */
    expect_out(&draw, (uint16_t[]){0, 1}, 2);
    draw.choice.count = 1;
    expect_out(&draw, (uint16_t[]){0}, 1);
    draw_free(&draw);
}

static void all_are_rotated(void **state)
{
    (void)state;
    struct draw draw = draw_new(STEER_PICK_ALL, 1, NULL, 3);
    expect_out(&draw, (uint16_t[]){0, 1, 2}, 3);
    expect_out(&draw, (uint16_t[]){1, 2, 0}, 3);
    draw_free(&draw);
    draw = draw_new(STEER_PICK_ALL, 1, NULL, 100);
    uint16_t out[STEER_ANSWERS_MAX];
    draw.choice.next = 99;
    assert_int_equal(draw_once(&draw, out), STEER_ANSWERS_MAX);
    assert_int_equal(out[0], 99);
    assert_int_equal(out[63], 62);
    double odds[100];
    steer_odds(&draw.policy, &draw.choice, odds);
    assert_true(odds[7] == 0.64);
    draw_free(&draw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_answer_follows_weights),
        cmocka_unit_test(a_single_member_needs_no_luck),
        cmocka_unit_test(as_many_members_as_there_can_be),
        cmocka_unit_test(two_answers_follow_the_sequence_law),
        cmocka_unit_test(answers_are_apart),
        cmocka_unit_test(all_answers_still_lead_by_weight),
        cmocka_unit_test(odds_of_many_are_near),
        cmocka_unit_test(round_robin_goes_round),
        cmocka_unit_test(all_are_rotated),
    };
    return cmocka_run_group_tests_name("steer_pick", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the proof that drills change no answer of others: what is the same is found to be, and what is not
 * is found as well. */
#include "config.h"

#include "unit.h"

#include "answer_fixture.h"

#include "answer/shadow.h"
#include "drill/proof.h"

#include <stdlib.h>
#include <string.h>

static const char zone[] =
    "$TTL 300\n@ SOA ns1 host 7 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.53\nwww A 203.0.113.9\n";
static const char *const origin = "example.com.", *const text = zone;
static struct view_name name = {
    .owner = "www.example.com.", .zone = "example.com.", .policy = 0, .ttl = 30, .types = 3};

enum { MOST = 10, NOW_MS = 1000000, TURN = 64 };

static int set_up(void **state)
{
    static struct fixture f[2];
    for (int i = 0; i < 2; i++) {
        fixture_init(&f[i], &origin, &text, 1);
        f[i].view.names = &name;
        f[i].view.name_count = 1;
    }
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    fixture_fini(&f[0]);
    fixture_fini(&f[1]);
    return 0;
}

static void lose(struct fixture *f)
{
    const struct health_override down = {.desired = HEALTH_DESIRED_DOWN, .reason = "x", .actor = "y"};
    assert_int_equal(health_set_override(f->view.health, HEALTH_REGION, 0, &down, 1), 0);
}

/* Everybody but the proof's clients: halves of IPv4. */
static struct answer_shadows *make_shadows(struct answer_shadow *shadow, struct addr_prefix *prefix)
{
    assert_int_equal(addr_parse_prefix("0.0.0.0/1", prefix), 0);
    shadow->clients = (struct answer_clients){.sources = prefix, .source_count = 1};
    return answer_shadows_new(&(const struct answer_shadow *){shadow}, 1);
}

static void what_is_the_same_is_found(void **state)
{
    struct fixture *f = *state;
    struct answer_shadow shadow = {.view = &f[1].view};
    struct addr_prefix prefix;
    struct answer_shadows *shadows = make_shadows(&shadow, &prefix);
    struct drill_proof *proof = drill_proof_new(&f[0].view, MOST, 1);
    struct drill_proved proved, before;
    struct view served = f[0].view; /* another view of the same */
    assert_int_equal(drill_proof_count(proof), 2);
    assert_true(drill_proof_fits(proof, &served));
    while (drill_proof_turn(proof, &served, NULL, NOW_MS, 1)) {
    }
    drill_proof_get(proof, &before);
    for (int i = 0; i < 5000; i++) {
        drill_proof_turn(proof, &served, shadows, NOW_MS, TURN);
    }
    drill_proof_get(proof, &proved);
    assert_true(proved.sampled > 5000 && proved.rounds == 5001);
    assert_int_equal(proved.differences, 0);
    assert_int_equal(proved.unsettled, 0);
    assert_memory_equal(proved.hash, proved.hash_without, sizeof proved.hash);
    assert_true(proved.latest.is_calm && proved.latest.generation == before.latest.generation);
    assert_int_equal(answer_read_counter(&f[0].counters, ANSWER_COUNT_QUERIES_TCP), 0);
    /* a real loss is no difference, but another round */
    lose(&f[0]);
    while (drill_proof_turn(proof, &served, NULL, NOW_MS, 1)) {
    }
    drill_proof_get(proof, &proved);
    assert_int_equal(proved.differences, 0);
    assert_memory_not_equal(proved.latest.hash, before.latest.hash, sizeof before.latest.hash);
    drill_proof_free(proof);
    free(shadows);
}

static void what_is_not_is_found(void **state)
{
    struct fixture *f = *state;
    struct drill_proof *proof = drill_proof_new(&f[0].view, MOST, 1);
    struct drill_proved proved;
    lose(&f[1]);
    assert_false(drill_proof_fits(proof, &f[1].view));
    (void)drill_proof_turn(proof, &f[1].view, NULL, NOW_MS, TURN);
    drill_proof_get(proof, &proved);
    assert_true(proved.differences >= 1 && proved.sampled == 2);
    assert_memory_not_equal(proved.hash, proved.hash_without, sizeof proved.hash);
    drill_proof_free(proof);
}

static void without_names_there_is_none(void **state)
{
    struct fixture *f = *state;
    f[0].view.name_count = 0;
    assert_null(drill_proof_new(&f[0].view, MOST, 1));
    drill_proof_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_the_same_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_names_there_is_none, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

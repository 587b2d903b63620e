/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The operator's verbs on a real view, compiled from files that the test writes: targets, overrides, explain;
 * and replies read as hostile octets. */
#include "config.h"

#include "unit.h"

#include "operate_world.h"

#include "base/error.h"
#include "base/random.h"
#include "operate/message.h"

#include <string.h>

/* ---- targets ---- */

static void targets_are_listed(void **state)
{
    struct world *w = *state;
    struct operate_targets targets;
    struct operate_target target;
    operate_list_targets(w->view, HEALTH_ENDPOINT, w->arena, &targets);
    assert_int_equal(targets.count, 3);
    assert_string_equal(targets.items[1].name, "b");
    assert_string_equal(targets.items[1].az, "us-2");
    assert_string_equal(targets.items[2].region, "eu");
    assert_int_equal(targets.items[0].endpoint->weight, 30);
    assert_int_equal(targets.items[0].status.observed, HEALTH_OBSERVED_UNKNOWN);
    operate_list_targets(w->view, HEALTH_AZ, w->arena, &targets);
    assert_int_equal(targets.count, 3);
    assert_null(targets.items[0].az);
    assert_string_equal(targets.items[0].region, "us");
    assert_int_equal(operate_get_target(w->view, HEALTH_REGION, "eu", w->arena, &target), 0);
    assert_null(target.region);
    assert_int_equal(target.status.members, 1);
    assert_int_equal(operate_get_target(w->view, HEALTH_REGION, "us-1", w->arena, &target), ERROR_NOT_FOUND);
}

static void targets_are_parsed(void **state)
{
    struct world *w = *state;
    enum health_kind kind;
    uint32_t index;
    assert_int_equal(operate_parse_target(w->view, "az:us-2", &kind, &index), 0);
    assert_int_equal(kind, HEALTH_AZ);
    assert_int_equal(index, 1);
    assert_int_equal(operate_parse_target(w->view, "region:us-2", &kind, &index), ERROR_NOT_FOUND);
    static const char *const bad[] = {
        "", ":", "us-2", "az:", "zone:us-2", "AZ:us-2", "averyveryverylongword:us-2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(operate_parse_target(w->view, bad[i], &kind, &index), ERROR_SYNTAX);
    }
}

static void overrides_are_put_and_removed(void **state)
{
    struct world *w = *state;
    struct operate_target target;
    assert_int_equal(world_put(w, HEALTH_REGION, "us", HEALTH_DESIRED_DRAIN, 0), 0);
    operate_get_target(w->view, HEALTH_ENDPOINT, "a", w->arena, &target);
    assert_int_equal(target.status.effective.state, HEALTH_DRAINED);
    assert_int_equal(target.status.effective.decided_by, HEALTH_BY_REGION_OVERRIDE);
    assert_null(target.override);
    operate_get_target(w->view, HEALTH_REGION, "us", w->arena, &target);
    assert_string_equal(target.override->reason, "test");
    assert_int_equal(world_put(w, HEALTH_REGION, "us", HEALTH_DESIRED_AUTO, 0), 0);
    assert_string_equal(target.override->reason, "test"); /* a copy: what was listed stays as it was */
    operate_get_target(w->view, HEALTH_REGION, "us", w->arena, &target);
    assert_null(target.override);
    assert_int_equal(world_put(w, HEALTH_REGION, "nowhere", HEALTH_DESIRED_DRAIN, 0), ERROR_NOT_FOUND);
    assert_int_equal(world_put(w, HEALTH_AZ, "us-1", HEALTH_DESIRED_DOWN, WORLD_WALL_MS), ERROR_INVALID);
    assert_int_equal(world_put(w, HEALTH_AZ, "us-1", HEALTH_DESIRED_DOWN, WORLD_WALL_MS + 1), 0);
}

static void overrides_are_listed_in_pieces(void **state)
{
    struct world *w = *state;
    struct operate_targets targets = {.count = 1};
    assert_int_equal(world_put(w, HEALTH_ENDPOINT, "a", HEALTH_DESIRED_DRAIN, 0), 0);
    assert_int_equal(world_put(w, HEALTH_ENDPOINT, "c", HEALTH_DESIRED_DRAIN, 0), 0);
    operate_list_overridden(w->view, HEALTH_ENDPOINT, w->arena, &targets);
    assert_int_equal(targets.count, 1);
    assert_string_equal(targets.items[0].name, "a");
    targets.count = 2;
    operate_list_overridden(w->view, HEALTH_ENDPOINT, w->arena, &targets);
    assert_int_equal(targets.count, 1);
    assert_string_equal(targets.items[0].name, "c");
    operate_list_overridden(w->view, HEALTH_ENDPOINT, w->arena, &targets);
    assert_int_equal(targets.count, 0);
}

static void starts_are_put(void **state)
{
    struct world *w = *state;
    struct operate_target target;
    struct health_override override = {
        .desired = HEALTH_DESIRED_DRAIN, .starts_ms = WORLD_WALL_MS + 10, .expires_ms = WORLD_WALL_MS + 10};
    assert_int_equal(operate_put_override(w->view, HEALTH_REGION, "us", &override, WORLD_WALL_MS),
                     ERROR_INVALID);
    override.expires_ms++;
    assert_int_equal(operate_put_override(w->view, HEALTH_REGION, "us", &override, WORLD_WALL_MS), 0);
    operate_get_target(w->view, HEALTH_REGION, "us", w->arena, &target);
    assert_true(target.status.planned);
    assert_int_equal(target.status.desired, HEALTH_DESIRED_AUTO);
    assert_int_equal(target.override->starts_ms, WORLD_WALL_MS + 10);
    assert_int_equal(world_put(w, HEALTH_REGION, "us", HEALTH_DESIRED_DRAIN, 0), 0);
    assert_int_equal(operate_put_override(w->view, HEALTH_REGION, "us", &override, WORLD_WALL_MS),
                     ERROR_CONFLICT);
    assert_int_equal(world_put(w, HEALTH_REGION, "us", HEALTH_DESIRED_AUTO, 0), 0);
}

/* ---- explain ---- */

static struct operate_explanation explain(struct world *w, const char *name, const char *type)
{
    struct operate_explanation explanation;
    uint16_t number;
    assert_int_equal(operate_parse_type(type, &number), 0);
    struct operate_question question = {.name = name, .type = number, .wall_ms = WORLD_WALL_MS};
    assert_int_equal(operate_explain(w->view, &question, w->arena, &explanation), 0);
    return explanation;
}

static void steered_names_are_explained(void **state)
{
    struct world *w = *state;
    world_observe(w, "b", HEALTH_OUTCOME_REFUSED);
    struct operate_explanation e = explain(w, "WWW.example.com", "A");
    assert_string_equal(e.zone, "example.com.");
    assert_true(e.steered);
    assert_string_equal(e.steered_name, "www.example.com.");
    assert_string_equal(e.source, "tier");
    assert_int_equal(e.ttl, 20);
    assert_int_equal(e.answer_count, 1);
    assert_string_equal(strchr(e.answers[0], ' '), " 20 IN A 192.0.2.1");
    assert_int_equal(e.tier_count, 2);
    assert_true(e.tiers[0].selected);
    assert_int_equal(e.tiers[0].serving, 1);
    assert_int_equal(e.tiers[0].members, 2);
    assert_false(e.tiers[1].considered);
    assert_int_equal(e.member_count, 3);
    assert_true(e.members[0].odds == 1 && e.members[0].chosen);
    assert_false(e.members[1].chosen);
    assert_string_equal(e.members[2].tier, "eu");
    world_assert_step(&e, "b is excluded: unhealthy, decided by az_lost: az us-2 is lost since "
                          "1970-01-01T00:00:05.000Z: 1 of its 1 checked endpoints unhealthy");
    world_assert_step(&e, "tier us serves: 1 of its 2 members may");
    world_assert_step(&e, "tier eu is not needed: those before it take all answers");
}

static void failover_is_explained(void **state)
{
    struct world *w = *state;
    world_observe(w, "a", HEALTH_OUTCOME_TIMEOUT);
    world_observe(w, "b", HEALTH_OUTCOME_REFUSED);
    struct operate_explanation e = explain(w, "www.example.com.", "A");
    assert_string_equal(e.answers[0], "www.example.com. 20 IN A 192.0.2.3");
    assert_true(e.tiers[1].selected);
    world_assert_step(&e, "tier us does not serve");
    world_assert_step(&e, "a, b are excluded: unhealthy, decided by region_lost: region us is lost since ");
    assert_int_equal(world_put(w, HEALTH_REGION, "eu", HEALTH_DESIRED_DRAIN, 0), 0);
    e = explain(w, "www.example.com.", "A");
    assert_string_equal(e.source, "static");
    assert_string_equal(e.answers[0], "www.example.com. 300 IN A 192.0.2.99");
    assert_int_equal(e.ttl, 300);
    world_assert_step(&e,
                      "c is excluded: drained, decided by region_override: region eu was overridden to drain "
                      "by tester at 1970-01-01T00:00:05.000Z, without an end (test)");
    world_assert_step(&e, "fallback static");
}

static void weights_become_odds(void **state)
{
    struct world *w = *state;
    struct operate_explanation e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].odds > 0.749 && e.members[0].odds < 0.751);
    assert_true(e.members[1].odds > 0.249 && e.members[1].odds < 0.251);
    e = explain(w, "www.example.com.", "AAAA"); /* a only */
    assert_true(e.members[0].odds == 1);
    assert_null(e.members[1].address);
    world_assert_step(&e, "b, c are excluded: it has no AAAA address");
}

static void push(struct world *w, const char *endpoint, double load, int64_t wall_ms)
{
    struct health_load_report report = {.load = load, .source = HEALTH_LOAD_PUSHED, .actor = "test"};
    assert_int_equal(operate_put_load(w->view, endpoint, &report, wall_ms, wall_ms), 0);
}

static void load_is_explained(void **state)
{
    struct world *w = *state;
    double shed;
    struct health_load_report none = {.source = HEALTH_LOAD_NONE};
    assert_int_equal(operate_foresee_shed(w->view, "a", 2, &shed), 0);
    assert_true(shed == 0.5);
    push(w, "a", 2, WORLD_WALL_MS);
    struct operate_explanation e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].weight == 30 && e.members[0].shed == 0.5 && e.members[0].counts == 15);
    assert_true(e.members[0].odds == 0.6 && e.members[1].odds == 0.4 && e.members[1].counts == 10);
    assert_true(e.tiers[0].healthy == 1 &&
                e.tiers[0].available == 0.75); /* by number: there is no capacity */
    world_assert_step(&e, "a sheds 50 % of its weight, load being above 1: 15 of 30 count");
    push(w, "a", 3, WORLD_WALL_MS + HEALTH_SHED_PACE_MS);
    e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].odds == 0 && e.members[0].counts == 0 && !e.members[0].chosen);
    world_assert_step(&e, "a sheds 100 % of its weight, load being above 1: it is left out");
    e = explain(w, "www.example.com.", "AAAA"); /* nobody else has such an address */
    assert_true(e.members[0].odds == 1 && e.members[0].counts == 30 && e.answer_count == 1);
    world_assert_step(&e, "ignored, since nobody else could serve for it");
    assert_int_equal(
        operate_put_load(w->view, "a", &none, WORLD_WALL_MS, WORLD_WALL_MS + 2 * HEALTH_SHED_PACE_MS), 0);
    e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].odds == 0.75);
    assert_int_equal(operate_put_load(w->view, "x", &none, WORLD_WALL_MS, WORLD_WALL_MS), ERROR_NOT_FOUND);
    assert_int_equal(operate_foresee_shed(w->view, "x", 1, &shed), ERROR_NOT_FOUND);
}

static void chains_and_wildcards_are_explained(void **state)
{
    struct world *w = *state;
    struct operate_explanation e = explain(w, "alias.example.com.", "A");
    assert_string_equal(e.name, "alias.example.com.");
    assert_string_equal(e.steered_name, "www.example.com.");
    assert_int_equal(e.answer_count, 2);
    assert_string_equal(e.answers[0], "alias.example.com. 300 IN CNAME www.example.com.");
    world_assert_step(&e, "1 CNAME record leads to www.example.com.");
    e = explain(w, "x.y.wild.example.com.", "A");
    assert_string_equal(e.steered_name, "*.wild.example.com.");
    assert_string_equal(e.answers[0], "x.y.wild.example.com. 30 IN A 192.0.2.2");
    e = explain(w, "x.wild.example.com.", "AAAA");
    assert_false(e.steered);
    assert_string_equal(e.steered_name, "*.wild.example.com.");
    assert_int_equal(e.answer_count, 0);
    world_assert_step(&e, "none of its endpoints has an address");
}

static void plain_answers_are_explained(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *name, *type, *rcode, *answer, *step;
    } cases[] = {
        {"mail.example.com.", "MX", "NOERROR", "mail.example.com. 300 IN MX 10 ns1.example.com.",
         "not steered"},
        {"text.example.com.", "TXT", "NOERROR", "text.example.com. 300 IN TXT \"a\\\"b\" \"c\"",
         "not steered"},
        {"srv.example.com.", "SRV", "NOERROR", "srv.example.com. 300 IN SRV 1 2 3 ns1.example.com.",
         "not steered"},
        {"odd.example.com.", "TYPE65280", "NOERROR", "odd.example.com. 300 IN TYPE65280 \\# 2 abcd",
         "not steered"},
        {"mail.example.com.", "A", "NOERROR", NULL, "has no A records"},
        {"nx.example.com.", "A", "NXDOMAIN", NULL, "no such name"},
        {"a.sub.example.com.", "A", "NOERROR", NULL, "delegation sub.example.com."},
        {"example.org.", "A", "REFUSED", NULL, "no zone of ours"},
        {".", "NS", "REFUSED", NULL, "no zone of ours"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct operate_explanation e = explain(w, cases[i].name, cases[i].type);
        assert_string_equal(e.rcode, cases[i].rcode);
        assert_false(e.steered);
        world_assert_step(&e, cases[i].step);
        assert_int_equal(e.answer_count, cases[i].answer != NULL);
        if (cases[i].answer != NULL) {
            assert_string_equal(e.answers[0], cases[i].answer);
        }
    }
    struct operate_explanation e;
    static const char *const bad[] = {
        "..", "a..b", "@", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg.example."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct operate_question question = {.name = bad[i], .type = 1};
        assert_int_equal(operate_explain(w->view, &question, w->arena, &e), ERROR_SYNTAX);
    }
}

/* ---- replies ---- */

static void odd_replies_are_read_to_their_end(void **state)
{
    struct world *w = *state;
    static const uint8_t loop[] = {0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1};
    static const uint8_t liar[] = {0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
                                   1, 0, 1, 0, 0, 0, 9, 0, 5, 1, 2, 3, 4, 5};
    struct message_text text;
    message_read(loop, sizeof loop, w->arena, &text);
    assert_int_equal(text.answer_count, 0);
    message_read(liar, sizeof liar, w->arena, &text);
    assert_int_equal(text.answer_count, 0);
    message_read(NULL, 0, w->arena, &text);
    assert_int_equal(text.answer_count, 0);
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 20000; round++) { /* answers of a shape that gets far, with random octets */
        uint8_t bytes[96];
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] =
                (uint8_t)(random_below(&random, 4) == 0 ? random_next(&random) : random_below(&random, 20));
        }
        memcpy(bytes, (const uint8_t[]){0, 0, 0, 0, 0, 1, 0, 4, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0xc0, 12}, 19);
        message_read(bytes, 12 + random_below(&random, sizeof bytes - 12), w->arena, &text);
        assert_true(text.answer_count <= 4);
    }
}

static int open_plain(void **state)
{
    return world_open(state, NULL, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_plain, world_close)
    const struct CMUnitTest tests[] = {
        TEST(targets_are_listed),
        TEST(targets_are_parsed),
        TEST(overrides_are_put_and_removed),
        TEST(starts_are_put),
        TEST(overrides_are_listed_in_pieces),
        TEST(steered_names_are_explained),
        TEST(failover_is_explained),
        TEST(weights_become_odds),
        TEST(load_is_explained),
        TEST(chains_and_wildcards_are_explained),
        TEST(plain_answers_are_explained),
        TEST(odd_replies_are_read_to_their_end),
    };
    return cmocka_run_group_tests_name("operate", tests, NULL, NULL);
}

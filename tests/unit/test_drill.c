/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of simulated drills on a small world made by hand: what changes, where to, and at which millisecond.
 *
 * us-east ⊃ use1a ⊃ a (v4 v6, weight 60), quiet (v4, never checked); use1b ⊃ b (v4, weight 40)
 * eu-west ⊃ euw1a ⊃ e (v4, weight 100)
 * "slow" checks every 2 s, times out after 1 s, falls after 3; "fast" every 200 ms, after 100 ms, after 2. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/error.h"
#include "drill/drill.h"
#include "view/view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { US, EU };
enum { USE1A, USE1B, EUW1A };
enum { A, B, E, QUIET, ENDPOINTS };
enum { SLOW, FAST };

struct world {
    struct conf_region regions[2];
    struct conf_az azs[3];
    struct conf_check checks[2];
    struct conf_endpoint endpoints[ENDPOINTS];
    struct conf_use check_of[ENDPOINTS];
    struct conf_topology topology;
    struct view_name names[8];
    struct view view;
    struct arena *arena;
    struct drill_report report;
};

static const struct steer_member all_members[] = {
    {.endpoint = A, .weight = 60, .types = STEER_HAS_A | STEER_HAS_AAAA},
    {.endpoint = B, .weight = 40, .types = STEER_HAS_A},
    {.endpoint = E, .weight = 100, .types = STEER_HAS_A}};
static const struct steer_place places[] = {
    [A] = {USE1A, US}, [B] = {USE1B, US}, [E] = {EUW1A, EU}, [QUIET] = {USE1A, US}};

/* ---- the world ---- */

static void make_topology(struct world *world)
{
    static const char *const names[] = {"a", "b", "e", "quiet"};
    static const uint32_t az_of[] = {USE1A, USE1B, EUW1A, USE1A};
    world->regions[US] = (struct conf_region){.name = "us-east", .lost_at = 1};
    world->regions[EU] = (struct conf_region){.name = "eu-west", .lost_at = 1};
    world->azs[USE1A] = (struct conf_az){.name = "use1a", .region = US, .lost_at = 1};
    world->azs[USE1B] = (struct conf_az){.name = "use1b", .region = US, .lost_at = 1};
    world->azs[EUW1A] = (struct conf_az){.name = "euw1a", .region = EU, .lost_at = 1};
    world->checks[SLOW] =
        (struct conf_check){.name = "slow", .interval_ms = 2000, .timeout_ms = 1000, .fall = 3, .rise = 2};
    world->checks[FAST] =
        (struct conf_check){.name = "fast", .interval_ms = 200, .timeout_ms = 100, .fall = 2, .rise = 2};
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        world->check_of[i] = (struct conf_use){.check = SLOW, .families = 3};
        world->endpoints[i] = (struct conf_endpoint){.name = names[i],
                                                     .az = az_of[i],
                                                     .region = world->azs[az_of[i]].region,
                                                     .v4 = {ADDR_V4, {192, 0, 2, (uint8_t)i}},
                                                     .uses = &world->check_of[i],
                                                     .check_count = i != QUIET};
    }
    world->endpoints[A].v6 = (struct addr){ADDR_V6, {0x20, 1, 0xd, 0xb8}};
    world->topology = (struct conf_topology){.regions = world->regions,
                                             .region_count = 2,
                                             .azs = world->azs,
                                             .az_count = 3,
                                             .endpoints = world->endpoints,
                                             .endpoint_count = ENDPOINTS,
                                             .checks = world->checks,
                                             .check_count = 2};
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    make_topology(world);
    world->arena = arena_new(0);
    world->view.topology = &world->topology;
    world->view.steer = steer_set_new();
    steer_set_give_places(world->view.steer, places, ENDPOINTS);
    world->view.names = world->names;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    steer_set_free(world->view.steer);
    health_free(world->view.health);
    arena_free(world->arena);
    free(world);
    return 0;
}

static void add_name(struct world *world, const char *owner, uint8_t types, uint32_t ttl,
                     const struct steer_policy *policy)
{
    uint32_t id = steer_set_add(world->view.steer, policy, NULL, 0);
    world->names[world->view.name_count++] = (struct view_name){owner, "example.", id, 0, ttl, types};
}

static struct steer_policy make_policy(enum steer_fallback fallback, const struct steer_class *class)
{
    return (struct steer_policy){.pick = STEER_PICK_WEIGHTED,
                                 .fallback = fallback,
                                 .answers = 1,
                                 .member_count = 3,
                                 .class_count = 1,
                                 .members = all_members,
                                 .classes = class};
}

/* us-east first, then eu-west; everybody the same. */
static struct steer_policy failover_policy(void)
{
    static const uint16_t us[] = {0, 1}, eu[] = {2};
    static const struct steer_tier tiers[] = {{.label = "us-east", .members = us, .count = 2},
                                              {.label = "eu-west", .members = eu, .count = 1}};
    static const struct steer_class classes[] = {{.label = "default", .tiers = tiers, .tier_count = 2}};
    return make_policy(STEER_FALLBACK_ALL, classes);
}

/* One tier with the first `count` members. */
static struct steer_policy flat_policy(uint16_t count, enum steer_fallback fallback)
{
    static const uint16_t members[] = {0, 1, 2};
    static const struct steer_tier tiers[][1] = {{{.label = "all", .members = members, .count = 1}},
                                                 {{.label = "all", .members = members, .count = 2}},
                                                 {{.label = "all", .members = members, .count = 3}}};
    static const struct steer_class classes[] = {{.label = "default", .tiers = tiers[0], .tier_count = 1},
                                                 {.label = "default", .tiers = tiers[1], .tier_count = 1},
                                                 {.label = "default", .tiers = tiers[2], .tier_count = 1}};
    return make_policy(fallback, &classes[count - 1]);
}

static struct health *start_live(struct world *world)
{
    world->view.health = view_new_health(&world->topology, NULL, 1000);
    for (uint32_t i = 0; i < health_monitor_count(world->view.health); i++) {
        health_observe(world->view.health, i, HEALTH_OUTCOME_OK, 2000, 0, 0);
    }
    return world->view.health;
}

/* ---- running ---- */

static const struct drill_report *lose(struct world *world, enum health_kind kind, uint32_t index,
                                       enum health_outcome failure)
{
    struct drill_loss loss = {kind, index};
    bool from_live = world->view.health != NULL;
    struct drill_scenario scenario = {&loss, 1, failure, from_live, .wall_ms = 10000};
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &world->report), 0);
    return &world->report;
}

static const struct drill_name *row_of(const struct drill_report *report, const char *name, const char *type)
{
    for (size_t i = 0; i < report->name_count; i++) {
        if (strcmp(report->names[i].name, name) == 0 && strcmp(report->names[i].type, type) == 0) {
            return &report->names[i];
        }
    }
    fail_msg("no row for %s %s", name, type);
    return NULL;
}

static void expect_share(const struct drill_share *shares, size_t count, const char *region, double before,
                         double after)
{
    for (size_t i = 0; i < count; i++) {
        const char *other = shares[i].region;
        if (region == NULL || other == NULL ? region == other : strcmp(region, other) == 0) {
            assert_float_equal(shares[i].before, before, 1e-9);
            assert_float_equal(shares[i].after, after, 1e-9);
            return;
        }
    }
    fail_msg("no share of %s", region == NULL ? "nowhere" : region);
}

static void expect_row_share(const struct drill_name *row, const char *region, double before, double after)
{
    expect_share(row->shares, row->share_count, region, before, after);
}

static void expect_event(const struct drill_report *report, size_t at, int64_t at_ms, const char *text)
{
    assert_true(at < report->event_count);
    assert_string_equal(report->events[at].text, text);
    assert_int_equal(report->events[at].at_ms, at_ms);
}

/* ---- tests ---- */

static void a_region_dies_by_timeout(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    world->topology.rto_ms = 37000;
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_NONE);
    assert_int_equal(report->detection_ms, 2000 + 1000);
    assert_int_equal(report->decision_ms, 3 * 2000 + 1000);
    assert_int_equal(report->decision_expected_ms, 3 * 2000 + 1000 - 1000);
    assert_int_equal(report->ttl_ms, 30000);
    assert_int_equal(report->recovery_ms, 37000);
    assert_true(report->meets_rto);
    assert_int_equal(report->name_count, 1);
    assert_int_equal(report->changed_count, 1);
    assert_int_equal(report->owner_changed_count, 1);
    assert_int_equal(report->unserved_count, 0);
    assert_int_equal(report->to_lost_count, 0);
    const struct drill_name *row = row_of(report, "www.example.", "A");
    assert_string_equal(row->before, "tier us-east");
    assert_string_equal(row->after, "tier eu-west");
    assert_string_equal(row->class_label, "default");
    assert_int_equal(row->decided_ms, 7000);
    assert_int_equal(row->share_count, 2);
    expect_row_share(row, "us-east", 1, 0);
    expect_row_share(row, "eu-west", 0, 1);
    assert_int_equal(report->lost_count, 1);
    assert_string_equal(report->lost[0], "region:us-east");
    assert_int_equal(report->failure, HEALTH_OUTCOME_TIMEOUT);
    expect_event(report, 0, 3000, "first failed check of a (timeout)");
    expect_event(report, 1, 7000,
                 "endpoint a unhealthy"); /* both its addresses end at 7 s; the first decides */
}

static void a_timeline_tells_causes_first(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    world->check_of[A].check = FAST;
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    expect_event(report, 0, 300, "first failed check of a (timeout)");
    expect_event(report, 1, 500, "endpoint a unhealthy");
    expect_event(report, 2, 500, "az use1a lost");
    expect_event(report, 3, 500, "endpoint quiet out (az_lost)");
    expect_event(report, 4, 500, "1 answer changes");
    expect_event(report, 5, 7000, "endpoint b unhealthy");
    expect_event(report, 6, 7000, "az use1b lost");
    expect_event(report, 7, 7000, "region us-east lost");
    expect_event(report, 8, 7000, "1 answer changes");
    assert_int_equal(report->event_count, 9);
    assert_int_equal(report->detection_ms, 300);
    assert_int_equal(report->decision_ms, 7000);
    assert_int_equal(report->decision_expected_ms, 6000);
    assert_false(report->meets_rto); /* no objective */
}

static void a_refusal_is_seen_at_once(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    world->topology.rto_ms = 35999;
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_REFUSED);
    assert_int_equal(report->detection_ms, 2000);
    assert_int_equal(report->decision_ms, 6000);
    assert_int_equal(report->decision_expected_ms, 5000);
    assert_int_equal(report->recovery_ms, 36000);
    assert_false(report->meets_rto); /* by a millisecond */
}

static void the_fast_check_decides_where_it_can(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A, 5, &failover);
    world->check_of[A].check = world->check_of[B].check = FAST;
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(report->detection_ms, 300);
    assert_int_equal(report->decision_ms, 500);
    assert_int_equal(report->decision_expected_ms, 400);
    assert_int_equal(report->recovery_ms, 5500);
}

static void one_endpoint_moves_shares_inside_a_tier(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy(), flat = flat_policy(3, STEER_FALLBACK_ALL);
    add_name(world, "flat.example.", STEER_HAS_A, 20, &flat);
    add_name(world, "www.example.", STEER_HAS_A, 60, &failover);
    const struct drill_report *report = lose(world, HEALTH_ENDPOINT, B, HEALTH_OUTCOME_TIMEOUT);
    const struct drill_name *row = row_of(report, "flat.example.", "A");
    assert_true(row->changes);
    assert_string_equal(row->before, "tier all");
    assert_string_equal(row->after, "tier all");
    expect_row_share(row, "us-east", 0.5, 60.0 / 160);
    expect_row_share(row, "eu-west", 0.5, 100.0 / 160);
    row = row_of(report, "www.example.", "A");
    assert_true(row->changes);
    expect_row_share(row, "us-east", 1, 1);
    assert_int_equal(row->share_count, 1);
    expect_share(report->total, report->total_count, "us-east", 0.75, (1 + 60.0 / 160) / 2);
    assert_int_equal(report->ttl_ms, 60000);
    assert_string_equal(report->lost[0], "endpoint:b");
}

static void what_does_not_change_says_so(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy(), flat = flat_policy(1, STEER_FALLBACK_ALL);
    world->topology.rto_ms = 1;
    add_name(world, "a.example.", STEER_HAS_A, 20, &flat);
    add_name(world, "www.example.", STEER_HAS_A, 600, &failover);
    const struct drill_report *report = lose(world, HEALTH_AZ, EUW1A, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(report->changed_count, 0);
    assert_int_equal(report->owner_count, 2);
    assert_int_equal(report->decision_ms, -1);
    assert_int_equal(report->decision_expected_ms, -1);
    assert_int_equal(report->recovery_ms, -1);
    assert_int_equal(report->detection_ms, 3000);
    assert_int_equal(report->names[0].decided_ms, -1);
    assert_true(report->meets_rto); /* nothing to recover */
    assert_string_equal(report->lost[0], "az:euw1a");
}

static void changed_names_come_first_unserved_before_all(void **state)
{
    struct world *world = *state;
    struct steer_policy only_a = flat_policy(1, STEER_FALLBACK_STATIC), failover = failover_policy(),
                        us_only = flat_policy(2, STEER_FALLBACK_SERVFAIL);
    world->topology.rto_ms = 3600000;
    add_name(world, "1.example.", STEER_HAS_A, 20, &failover);
    add_name(world, "2.example.", STEER_HAS_A, 20, &us_only);
    add_name(world, "3.example.", STEER_HAS_A, 20, &only_a);
    const struct drill_report *report = lose(world, HEALTH_AZ, USE1A, HEALTH_OUTCOME_TIMEOUT);
    assert_string_equal(report->names[0].name, "3.example.");
    assert_string_equal(report->names[1].name, "1.example.");
    assert_string_equal(report->names[2].name, "2.example.");
    assert_true(report->names[0].unserved);
    assert_string_equal(report->names[0].after, "fallback static");
    expect_row_share(&report->names[0], NULL, 0, 1);
    expect_row_share(&report->names[0], "us-east", 1, 0);
    assert_int_equal(report->unserved_count, 1);
    assert_false(report->meets_rto);
    report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    assert_string_equal(row_of(report, "2.example.", "A")->after, "fallback servfail");
    assert_int_equal(report->unserved_count, 2);
}

static void types_are_judged_apart(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A | STEER_HAS_AAAA, 30, &failover);
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(report->name_count, 2);
    assert_int_equal(report->owner_count, 1);
    assert_int_equal(report->owner_changed_count, 1);
    const struct drill_name *row = row_of(report, "www.example.", "AAAA");
    assert_string_equal(row->after, "tier eu-west (no AAAA)");
    assert_true(row->unserved);
    assert_false(row_of(report, "www.example.", "A")->unserved);
    expect_share(report->total, report->total_count, "eu-west", 0, 0.5);
    expect_share(report->total, report->total_count, NULL, 0, 0.5);
    report = lose(world, HEALTH_ENDPOINT, A, HEALTH_OUTCOME_TIMEOUT); /* b keeps the tier, but has no IPv6 */
    assert_string_equal(row_of(report, "www.example.", "AAAA")->after, "tier eu-west (no AAAA)");
    assert_string_equal(row_of(report, "www.example.", "A")->after, "tier us-east");
}

static void what_nobody_checks_keeps_its_traffic(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    world->topology.rto_ms = 3600000;
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    world->endpoints[B].check_count = 0;
    const struct drill_report *report = lose(world, HEALTH_ENDPOINT, B, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(report->detection_ms, -1);
    assert_int_equal(report->event_count, 0);
    assert_int_equal(report->changed_count, 0);
    assert_float_equal(report->names[0].to_lost, 0.4, 1e-9);
    assert_int_equal(report->to_lost_count, 1);
    assert_false(report->meets_rto);
    char *text = drill_write_text(report);
    assert_non_null(strstr(text, "Nothing that is lost has a check"));
    assert_non_null(strstr(text, "www.example. A (default): 40.0% of tier us-east"));
    free(text);
    report = lose(world, HEALTH_REGION, US,
                  HEALTH_OUTCOME_TIMEOUT); /* b's az has no say: a alone takes the region */
    assert_int_equal(report->to_lost_count, 0);
    assert_string_equal(report->names[0].after, "tier eu-west");
}

static void fallback_all_offers_what_is_lost(void **state)
{
    struct world *world = *state;
    struct steer_policy flat = flat_policy(2, STEER_FALLBACK_ALL);
    add_name(world, "us.example.", STEER_HAS_A, 30, &flat);
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    assert_string_equal(report->names[0].after, "fallback all");
    assert_true(report->names[0].unserved);
    assert_float_equal(report->names[0].to_lost, 1, 1e-9);
}

static void live_overrides_count_and_stay(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    struct health *live = start_live(world);
    struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN}, up = {.desired = HEALTH_DESIRED_UP};
    health_set_override(live, HEALTH_REGION, EU, &drain, 3000);
    uint64_t generation = atomic_load(&health_get_table(live)->generation);
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    assert_string_equal(report->names[0].after, "fallback all"); /* the lost ones: eu-west is drained */
    expect_row_share(&report->names[0], "us-east", 1, 1);
    health_set_override(live, HEALTH_ENDPOINT, B, &up, 3000);
    report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    assert_string_equal(report->names[0].after, "tier us-east"); /* forced up: sent to what is lost */
    assert_float_equal(report->names[0].to_lost, 1, 1e-9);
    assert_false(report->names[0].unserved);
    struct health_status status;
    health_get_status(live, HEALTH_REGION, US, &status);
    assert_int_equal(status.observed, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(atomic_load(&health_get_table(live)->generation),
                     generation + 1); /* by this test alone */
}

/* The loss happens at 10000; checks fail at 2000, 4000 and 6000 ms after it. */
static void planned_overrides_start_in_virtual_time(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    struct health *live = start_live(world);
    struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN, .starts_ms = 17000, .actor = "alice"};
    health_set_override(live, HEALTH_REGION, EU, &drain, 3000);
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_REFUSED);
    assert_string_equal(report->names[0].after, "tier eu-west"); /* that is later than all */
    drain.starts_ms = 11500;
    health_set_override(live, HEALTH_REGION, EU, &drain, 3000);
    report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_REFUSED);
    assert_string_equal(report->names[0].after, "fallback all");
    expect_event(report, 0, 1500, "the drain of region eu-west by alice starts as planned");
    expect_event(report, 1, 1500, "region eu-west out (region_override)");
    assert_int_equal(report->detection_ms, 2000);
    drain.expires_ms = 14500; /* before us-east has fallen */
    health_set_override(live, HEALTH_REGION, EU, &drain, 3000);
    report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_REFUSED);
    assert_string_equal(report->names[0].after, "tier eu-west");
    assert_int_equal(health_next_due(live), 11500); /* of the live states nothing changes */
    health_set_override(live, HEALTH_REGION, EU, &(struct health_override){.desired = 0}, 3000);
    drain.expires_ms = 0;
    health_set_override(live, HEALTH_REGION, US, &drain, 3000);
    report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_REFUSED);
    assert_int_equal(report->decision_ms, 1500); /* the plan was faster than the checks */
    assert_int_equal(report->decision_expected_ms, 1500);
}

static void live_failures_count(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    struct health *live = start_live(world);
    for (int i = 0; i < 2; i++) {
        health_observe(live, 0, HEALTH_OUTCOME_TIMEOUT, 3000, 0, 0); /* a, IPv4: one more and it falls */
    }
    for (int i = 0; i < 3; i++) {
        health_observe(live, 2, HEALTH_OUTCOME_TIMEOUT, 3000, 0, 0); /* b is down */
    }
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(report->decision_ms, 3000);
    report = lose(world, HEALTH_REGION, EU, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(report->changed_count, 0);
    report = lose(world, HEALTH_ENDPOINT, B, HEALTH_OUTCOME_TIMEOUT); /* lost what is down already */
    assert_int_equal(report->detection_ms, -1);
    assert_int_equal(report->changed_count, 0);
    assert_int_equal(report->to_lost_count, 0);
}

static void several_losses_are_one_drill(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    struct drill_loss losses[] = {{HEALTH_ENDPOINT, A}, {HEALTH_AZ, USE1B}, {HEALTH_ENDPOINT, A}};
    struct drill_scenario scenario = {.losses = losses, .loss_count = 3, .failure = HEALTH_OUTCOME_REFUSED};
    struct drill_report report;
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &report), 0);
    assert_string_equal(report.names[0].after, "tier eu-west");
    assert_int_equal(report.decision_ms, 6000);
    assert_int_equal(report.lost_count, 3);
    assert_string_equal(report.lost[1], "az:use1b");
}

static void bad_scenarios_are_refused(void **state)
{
    struct world *world = *state;
    struct drill_loss loss = {HEALTH_REGION, 2};
    struct drill_scenario scenario = {.losses = &loss, .loss_count = 1};
    struct drill_report report;
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &report), ERROR_INVALID);
    loss.index = 0;
    scenario.failure = HEALTH_OUTCOME_LOCAL_ERROR;
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &report), ERROR_INVALID);
    scenario.failure = HEALTH_OUTCOME_OK;
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &report), ERROR_INVALID);
    scenario.failure = HEALTH_OUTCOME_NONE;
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &report), 0); /* no names at all */
    assert_int_equal(report.name_count, 0);
    char *text = drill_write_text(&report);
    assert_non_null(strstr(text, "region:us-east lost -> 0 of 0 names change\n"));
    free(text);
    scenario.loss_count = 0;
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &report), ERROR_INVALID);
    scenario.loss_count = 1;
    world->view.topology = NULL;
    assert_int_equal(drill_simulate(&world->view, &scenario, world->arena, &report), ERROR_INVALID);
}

static void the_text_leads_with_the_result(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy(), us_only = flat_policy(2, STEER_FALLBACK_STATIC);
    world->topology.rto_ms = 30000;
    add_name(world, "us.example.", STEER_HAS_A, 10, &us_only);
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    const struct drill_report *report = lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_TIMEOUT);
    char *text = drill_write_text(report);
    static const char headline[] =
        "region:us-east lost -> 2 of 2 names change, recovery 37.0 s (detection 3.0 s, "
        "decision 7.0 s, TTL 30.0 s); 1 answer UNSERVED\nRTO: 30.0 s, MISSED by 7.0 s\n";
    assert_memory_equal(text, headline, sizeof headline - 1);
    assert_non_null(
        strstr(text, "!! Nothing healthy answers for\n  us.example. A (default): fallback static\n"));
    assert_non_null(strstr(text, "      7.0 s  region us-east lost\n"));
    assert_non_null(strstr(text, "www.example.  A     default  tier us-east -> tier eu-west         7.0 s  "
                                 "us-east 100% -> 0%, eu-west 0% -> 100%\n"));
    assert_non_null(
        strstr(text, "all names alike: us-east 100% -> 0%, eu-west 0% -> 50%, nowhere 0% -> 50%\n"));
    free(text);
}

static void the_json_has_it_all(void **state)
{
    struct world *world = *state;
    struct steer_policy failover = failover_policy();
    add_name(world, "www.example.", STEER_HAS_A, 30, &failover);
    char *text = drill_write_json(lose(world, HEALTH_REGION, US, HEALTH_OUTCOME_REFUSED));
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    assert_non_null(root);
    json_t *answer = json_array_get(json_object_get(root, "answers"), 0);
    json_t *share = json_array_get(json_object_get(answer, "shares"), 1);
    assert_string_equal(json_string_value(json_array_get(json_object_get(root, "lost"), 0)),
                        "region:us-east");
    assert_string_equal(json_string_value(json_object_get(root, "failure")), "refused");
    assert_int_equal(json_integer_value(json_object_get(root, "detection_ms")), 2000);
    assert_int_equal(json_integer_value(json_object_get(root, "decision_ms")), 6000);
    assert_int_equal(json_integer_value(json_object_get(root, "recovery_ms")), 36000);
    assert_true(json_is_null(json_object_get(root, "rto_ms")));
    assert_true(json_is_null(json_object_get(root, "meets_rto")));
    assert_string_equal(json_string_value(json_object_get(answer, "name")), "www.example.");
    assert_int_equal(json_integer_value(json_object_get(answer, "decided_ms")), 6000);
    assert_string_equal(json_string_value(json_object_get(share, "region")), "eu-west");
    assert_float_equal(json_real_value(json_object_get(share, "after")), 1, 1e-9);
    json_t *first = json_array_get(json_object_get(root, "timeline"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "at_ms")), 2000);
    json_decref(root);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_region_dies_by_timeout),
        TEST(a_timeline_tells_causes_first),
        TEST(a_refusal_is_seen_at_once),
        TEST(the_fast_check_decides_where_it_can),
        TEST(one_endpoint_moves_shares_inside_a_tier),
        TEST(what_does_not_change_says_so),
        TEST(changed_names_come_first_unserved_before_all),
        TEST(types_are_judged_apart),
        TEST(what_nobody_checks_keeps_its_traffic),
        TEST(fallback_all_offers_what_is_lost),
        TEST(live_overrides_count_and_stay),
        TEST(planned_overrides_start_in_virtual_time),
        TEST(live_failures_count),
        TEST(several_losses_are_one_drill),
        TEST(bad_scenarios_are_refused),
        TEST(the_text_leads_with_the_result),
        TEST(the_json_has_it_all),
    };
    return cmocka_run_group_tests_name("drill", tests, NULL, NULL);
}

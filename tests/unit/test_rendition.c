/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of renditions: the heaviest members and no more than an answer may have, in the order of the policy;
 * equal exactly when copies would be. */
#include "config.h"

#include "unit.h"

#include "dns/name.h"
#include "dns/types.h"
#include "view/rendition.h"
#include "zone/builder.h"
#include "zone/reader.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 200 };

struct world {
    struct view view;
    struct zone *zone;
};

/* One az; member i is endpoint i, with a weight that goes up and down. */
static uint32_t weight_of(size_t i)
{
    return (uint32_t)(i * 37 % MEMBERS) / 2 + 1;
}

static struct health *make_health(void)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"z", 0, 1}};
    static struct health_endpoint_plan endpoints[MEMBERS];
    static char names[MEMBERS][8];
    static struct health_load_plan loads[MEMBERS];
    for (size_t i = 0; i < MEMBERS; i++) {
        loads[i] = (struct health_load_plan){.is_given = true, .low = 0, .high = 1, .max_age_ms = 3600000};
        snprintf(names[i], sizeof names[i], "e%zu", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 1,
                                            .azs = azs,
                                            .az_count = 1,
                                            .endpoints = endpoints,
                                            .endpoint_count = MEMBERS,
                                            .loads = loads},
                      0);
}

/* Member 0 serves; behind it members 1, 3 and 4, the last with half of that tier, get a trickle. */
static void add_trickle(struct steer_set *set, const struct steer_member *members)
{
    static const uint16_t first[] = {0}, second[] = {1, 3, 4};
    static const struct steer_group groups[] = {{.count = 2}, {.count = 1, .share = 0.5}};
    const struct steer_tier tiers[] = {
        {.label = "t", .members = first, .count = 1},
        {.label = "u", .members = second, .count = 3, .trickle = 0.05, .groups = groups, .group_count = 2}};
    const struct steer_class class = {.label = "default", .tiers = tiers, .tier_count = 2};
    steer_set_add(set,
                  &(struct steer_policy){.fallback = STEER_FALLBACK_NODATA,
                                         .answers = 1,
                                         .member_count = 5,
                                         .class_count = 1,
                                         .members = members,
                                         .classes = &class},
                  NULL, 0);
}

/* Policy 0: all members in one tier. Policy 1: the first three, two of which have addresses. Policy 2:
 * see above. */
static struct steer_set *make_policies(void)
{
    static struct steer_member members[MEMBERS];
    static uint16_t order[MEMBERS];
    for (uint16_t i = 0; i < MEMBERS; i++) {
        members[i] = (struct steer_member){
            .endpoint = i, .weight = weight_of(i), .types = i == 1 ? STEER_HAS_AAAA : STEER_HAS_A};
        order[i] = i;
    }
    static const struct steer_place places[MEMBERS];
    struct steer_set *set = steer_set_new();
    steer_set_give_places(set, places, MEMBERS);
    for (uint16_t count = MEMBERS; count != 0; count = count == MEMBERS ? 3 : 0) {
        const struct steer_tier tier = {.label = "t", .members = order, .count = count};
        const struct steer_class class = {.label = "default", .tiers = &tier, .tier_count = 1};
        steer_set_add(set,
                      &(struct steer_policy){.fallback = STEER_FALLBACK_NODATA,
                                             .answers = 1,
                                             .member_count = count,
                                             .class_count = 1,
                                             .members = members,
                                             .classes = &class},
                      NULL, 0);
    }
    add_trickle(set, members);
    return set;
}

static void steer(struct zone_builder *builder, const char *name, uint32_t policy, uint16_t count)
{
    uint8_t owner[DNS_NAME_MAX], rdata[MEMBERS * 16] = {0};
    assert_true(dns_name_parse(name, NULL, owner) > 0);
    struct zone_steered_plan plan = {
        .owner = owner, .ttl = 30, .policy = policy, .member_count = count, .rdata = rdata};
    for (int v6 = 0; v6 < 2; v6++) {
        plan.type = v6 ? DNS_TYPE_AAAA : DNS_TYPE_A;
        plan.rdata_len = v6 ? 16 : 4;
        zone_builder_add_steered(builder, &plan);
    }
}

static void init(struct world *w)
{
    static const char text[] = "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n";
    uint8_t apex[DNS_NAME_MAX];
    struct report *report = report_new();
    memset(w, 0, sizeof *w);
    assert_true(dns_name_parse("example.com.", NULL, apex) > 0);
    struct zone_builder *builder = zone_builder_new(apex, "z", report);
    zone_read_text("z", text, strlen(text), &(struct zone_reader_options){.origin = "example.com."},
                   &(struct zone_sink){.context = builder, .record = zone_builder_add}, report);
    steer(builder, "a.example.com.", 0, MEMBERS);
    steer(builder, "b.example.com.", 1, 3);
    steer(builder, "c.example.com.", 0, MEMBERS);
    steer(builder, "d.example.com.", 2, 5);
    w->zone = zone_builder_finish(builder);
    assert_non_null(w->zone);
    zone_builder_free(builder);
    report_free(report);
    w->view.steer = make_policies();
    w->view.health = make_health();
    w->view.table = health_get_table(w->view.health);
}

static void fini(struct world *w)
{
    zone_release(w->zone);
    steer_set_free(w->view.steer);
    health_free(w->view.health);
}

static void drain(struct world *w, uint32_t endpoint, bool drained)
{
    health_set_override(
        w->view.health, HEALTH_ENDPOINT, endpoint,
        &(struct health_override){.desired = drained ? HEALTH_DESIRED_DRAIN : HEALTH_DESIRED_AUTO}, 1);
}

static void each_policy_and_type_is_there_once(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    struct view_rendition *rendition = view_render_zone(&w.view, w.zone);
    assert_int_equal(rendition->count, 6);
    for (uint32_t policy = 0; policy < 3; policy++) {
        for (int v6 = 0; v6 < 2; v6++) {
            const struct view_rendered *found =
                view_rendition_find(rendition, policy, v6 ? DNS_TYPE_AAAA : DNS_TYPE_A);
            assert_non_null(found);
            assert_int_equal(found->policy, policy);
        }
    }
    assert_null(view_rendition_find(rendition, 3, DNS_TYPE_A));
    assert_null(view_rendition_find(rendition, 0, DNS_TYPE_TXT));
    const struct view_rendered *two = view_rendition_find(rendition, 1, DNS_TYPE_A),
                               *one = view_rendition_find(rendition, 1, DNS_TYPE_AAAA);
    assert_int_equal(two->count, 2);
    assert_int_equal(two->members[0], 0);
    assert_int_equal(two->members[1], 2);
    assert_int_equal(one->count, 1);
    assert_int_equal(one->members[0], 1);
    view_rendition_release(rendition);
    fini(&w);
}

/* Every member that is left out is lighter than all that are in, or as light and further behind. */
static void the_heaviest_are_taken(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    for (uint32_t gone = 0; gone < MEMBERS; gone += 7) {
        bool in[MEMBERS] = {false};
        uint32_t least = UINT32_MAX;
        size_t last_of_least = 0;
        drain(&w, gone, true);
        struct view_rendition *rendition = view_render_zone(&w.view, w.zone);
        const struct view_rendered *found = view_rendition_find(rendition, 0, DNS_TYPE_A);
        assert_int_equal(found->count, STEER_ANSWERS_MAX);
        for (size_t i = 0; i < found->count; i++) {
            uint16_t member = found->members[i];
            assert_true(i == 0 || member > found->members[i - 1]);
            assert_true(member != gone && member != 1);
            in[member] = true;
            last_of_least = weight_of(member) <= least ? member : last_of_least;
            least = weight_of(member) < least ? weight_of(member) : least;
        }
        for (size_t i = 0; i < MEMBERS; i++) {
            assert_true(in[i] || i == gone || i == 1 || weight_of(i) < least ||
                        (weight_of(i) == least && i > last_of_least));
        }
        drain(&w, gone, false);
        view_rendition_release(rendition);
    }
    fini(&w);
}

/* What trickles is left out, but where only it has records of the type. */
static void standbys_that_are_kept_warm_are_left_out(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    struct view_rendition *rendition = view_render_zone(&w.view, w.zone);
    const struct view_rendered *v4 = view_rendition_find(rendition, 2, DNS_TYPE_A),
                               *v6 = view_rendition_find(rendition, 2, DNS_TYPE_AAAA);
    assert_int_equal(v4->count, 1);
    assert_int_equal(v4->members[0], 0);
    assert_int_equal(v6->count, 1);
    assert_int_equal(v6->members[0], 1);
    drain(&w, 0, true);
    struct view_rendition *alone = view_render_again(&w.view, rendition, NULL, NULL);
    assert_int_equal(view_rendition_find(alone, 2, DNS_TYPE_A)->count, 2);
    view_rendition_release(alone);
    view_rendition_release(rendition);
    fini(&w);
}

static void equal_means_equal_copies(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    struct view_rendition *first = view_render_zone(&w.view, w.zone);
    struct view_rendition *again = view_render_again(&w.view, first, NULL, NULL);
    first->serial = 7;
    assert_true(view_rendition_equal(first, again));
    assert_true(view_rendition_hash(first, 1) == view_rendition_hash(again, 1));
    assert_true(view_rendition_hash(first, 1) != view_rendition_hash(first, 2));
    view_rendition_release(again);
    drain(&w, 2, true);
    again = view_render_again(&w.view, first, NULL, NULL);
    assert_false(view_rendition_equal(first, again));
    assert_true(view_rendition_hash(first, 1) != view_rendition_hash(again, 1));
    view_rendition_hold(again);
    view_rendition_release(again);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        drain(&w, i, true);
    }
    struct view_rendition *none = view_render_again(&w.view, again, NULL, NULL);
    assert_int_equal(view_rendition_find(none, 0, DNS_TYPE_A)->count, 0);
    assert_false(view_rendition_find(none, 0, DNS_TYPE_A)->is_static);
    view_rendition_release(none);
    view_rendition_release(again);
    view_rendition_release(first);
    fini(&w);
}

/* Else one busy endpoint would cost a serial, and all secondaries a transfer, every second. */
static void copies_do_not_follow_load(void **state)
{
    (void)state;
    struct world w;
    init(&w);
    struct view_rendition *first = view_render_zone(&w.view, w.zone);
    uint64_t generation = atomic_load(&w.view.table->generation);
    for (uint32_t i = 0; i < MEMBERS; i += 2) {
        struct health_load_report report = {.load = i % 4 == 0 ? 0.5 : 1, .source = HEALTH_LOAD_FROM_CHECK};
        health_report_load(w.view.health, i, &report, 2000, 2000 + i * HEALTH_SHED_PACE_MS);
    }
    assert_true(atomic_load(&w.view.table->generation) >= generation + MEMBERS / 2);
    struct view_rendition *again = view_render_again(&w.view, first, NULL, NULL);
    assert_true(view_rendition_equal(first, again));
    view_rendition_release(again);
    view_rendition_release(first);
    fini(&w);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_and_type_is_there_once),
        cmocka_unit_test(the_heaviest_are_taken),
        cmocka_unit_test(standbys_that_are_kept_warm_are_left_out),
        cmocka_unit_test(equal_means_equal_copies),
        cmocka_unit_test(copies_do_not_follow_load),
    };
    return cmocka_run_group_tests_name("rendition", tests, NULL, NULL);
}

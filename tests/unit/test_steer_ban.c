/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of steer: answers that a rule forbids to move. a and b are in us, c and d in eu, e and f in ap, g and
 * h in sa. */
#include "config.h"

#include "guard_world.h"

#include <string.h>

enum { A, B, C, D, E, F, G, H };

#define expect(name, health, text) assert_string_equal(guard_answer(name, health), text)

static void answers_stay_until_it_is_allowed(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *name = guard_name("ab,c");
    expect(name, health, "ab");
    guard_forbid(health, LAG, US, EU, true);
    guard_lose(health, A);
    expect(name, health, "b"); /* it does not leave home */
    guard_lose(health, B);
    expect(name, health, "held ab");
    assert_int_equal(name->choice.hold, STEER_HOLDS);
    assert_int_equal(name->choice.held_tier, 0);
    guard_forbid(health, LAG, US, EU, false);
    expect(name, health, "c");
    guard_forbid(health, LAG, US, EU, true); /* it has moved */
    expect(name, health, "c");
    guard_heal(health, A);
    expect(name, health, "a");
    guard_lose(health, A); /* but a falls anew */
    expect(name, health, "held a");
    guard_name_free(name);
    health_free(health);
}

static void who_moved_before_stays_where_it_is(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *first = guard_name("a,c"), *second = guard_name("b,c"), *both = guard_name("ab,c");
    guard_lose(health, A);
    guard_forbid(health, FREEZE, US, HEALTH_ANYWHERE, true);
    expect(first, health, "c");
    guard_lose(health, B); /* and with it az and region */
    expect(first, health, "c");
    expect(second, health, "held b");
    expect(both, health, "held b");
    guard_forbid(health, FREEZE, US, HEALTH_ANYWHERE, false);
    expect(second, health, "c");
    expect(both, health, "c");
    guard_name_free(first);
    guard_name_free(second);
    guard_name_free(both);
    health_free(health);
}

static void where_it_may_it_goes(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *name = guard_name("ab,c,e");
    guard_forbid(health, LAG, US, EU, true);
    guard_lose(health, A);
    guard_lose(health, B);
    expect(name, health, "e");
    assert_int_equal(name->choice.hold, STEER_HOLDS_ELSEWHERE);
    guard_lose(health, E); /* it has been there: home is no place for it any more */
    expect(name, health, "c");
    guard_heal(health, E);
    expect(name, health, "e");
    guard_forbid(health, LAG, US, AP, true); /* too late */
    expect(name, health, "e");
    guard_order(health, HEALTH_REGION, AP, HEALTH_DESIRED_DRAIN);
    expect(name, health, "c");
    guard_name_free(name);
    health_free(health);
}

static void a_later_tier_is_held_like_the_first(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *name = guard_name("a,c,e");
    guard_lose(health, A);
    expect(name, health, "c");
    guard_forbid(health, FREEZE, EU, HEALTH_ANYWHERE, true);
    guard_lose(health, C);
    expect(name, health, "held c");
    assert_int_equal(name->choice.held_tier, 1);
    guard_heal(health, A); /* to come home is no loss */
    expect(name, health, "a");
    guard_lose(health, A); /* which it was when c fell: it is not there */
    expect(name, health, "e");
    guard_name_free(name);
    health_free(health);
}

static void it_falls_back_where_the_policy_says_so(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *nodata = guard_name("a,c"), *first = guard_name("a,c"), *all = guard_name("a,c");
    nodata->policy.falls_back = first->policy.falls_back = all->policy.falls_back = true;
    nodata->policy.fallback = STEER_FALLBACK_NODATA;
    all->policy.fallback = STEER_FALLBACK_ALL;
    guard_forbid(health, LAG, US, EU, true);
    guard_lose(health, A);
    expect(nodata, health, "nodata");
    assert_int_equal(nodata->choice.hold, STEER_HOLDS_BACK);
    expect(first, health, "first_sick a");
    expect(all, health, "all a"); /* but who may not be answered */
    guard_forbid(health, LAG, US, EU, false);
    expect(nodata, health, "c");
    guard_name_free(nodata);
    guard_name_free(first);
    guard_name_free(all);
    health_free(health);
}

static void a_last_tier_stays_rather_than_falling_back(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *name = guard_name("a");
    name->policy.fallback = STEER_FALLBACK_NODATA;
    guard_forbid(health, FREEZE, US, HEALTH_ANYWHERE, true);
    guard_lose(health, A);
    expect(name, health, "held a");
    guard_forbid(health, FREEZE, US, HEALTH_ANYWHERE, false);
    expect(name, health, "nodata");
    guard_heal(health, A);
    guard_forbid(health, LAG, US, EU, true); /* nobody is in eu */
    guard_lose(health, A);
    expect(name, health, "nodata");
    guard_name_free(name);
    health_free(health);
}

static void orders_are_never_held(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *name = guard_name("ab,c");
    guard_forbid(health, FREEZE, US, HEALTH_ANYWHERE, true);
    guard_order(health, HEALTH_REGION, US, HEALTH_DESIRED_DRAIN);
    expect(name, health, "c");
    guard_lose(health, A);
    guard_lose(health, B);
    guard_order(health, HEALTH_REGION, US, HEALTH_DESIRED_AUTO); /* it is not home that it comes back to */
    expect(name, health, "c");
    guard_heal(health, A);
    expect(name, health, "a");
    guard_lose(health, A);
    expect(name, health, "held a");
    guard_order(health, HEALTH_ENDPOINT, A, HEALTH_DESIRED_DOWN); /* nor is a hold any more */
    expect(name, health, "c");
    guard_order(health, HEALTH_ENDPOINT, A, HEALTH_DESIRED_AUTO);
    expect(name, health, "c");
    guard_name_free(name);
    health_free(health);
}

static void a_share_stays_with_those_who_are_left(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *name = guard_name("ab,c"), *sticky = guard_name("ab,c");
    name->tiers[0].spill_below.count = 2;
    guard_lose(health, A);
    expect(name, health, "b50c50");
    guard_heal(health, A);
    guard_forbid(health, LAG, US, EU, true);
    guard_lose(health, A);
    expect(name, health, "held b");
    guard_forbid(health, LAG, US, EU, false);
    expect(name, health, "b50c50");
    guard_forbid(health, LAG, US, EU, true);
    guard_lose(health, B); /* its half stays, and that of a has gone */
    expect(name, health, "held b50c50");
    guard_name_free(name);
    guard_name_free(sticky);
    health_free(health);
}

static void of_regions_that_count_one_is_left(void **state)
{
    (void)state;
    struct health *health = guard_machine();
    struct name *names[] = {guard_name("a,c"), guard_name("c,e"), guard_name("e,g"), guard_name("g,a")};
    for (uint32_t i = A; i <= F; i++) {
        guard_lose(health, i);
    }
    expect(names[0], health, "first_sick a"); /* two are left */
    expect(names[1], health, "held e");       /* where it was when e fell */
    expect(names[2], health, "held e");
    expect(names[3], health, "g");
    assert_int_equal(health_release_hold(health, AP, TWO_LOST, WALL), 0);
    expect(names[2], health, "g");
    for (size_t i = 0; i < 4; i++) {
        guard_name_free(names[i]);
    }
    health_free(health);
}

static bool is_region_held(const struct health *health, uint32_t region)
{
    struct health_hold_status status;
    assert_int_equal(health_get_hold(health, region, &status), 0);
    return status.is_held;
}

/* Whatever comes afterwards does not make it a fall of now: it is lost for as long as the place is. */
static void what_falls_in_a_lost_place_fell_with_that(void **state)
{
    (void)state;
    struct health *health = guard_machine_of(GUARD_IS_FRAIL);
    guard_lose(health, C); /* which takes the region with it */
    guard_forbid(health, FREEZE, EU, HEALTH_ANYWHERE, true);
    guard_lose(health, D);
    assert_false(is_region_held(health, EU));
    guard_heal(health, D); /* the region is lost all the same */
    guard_lose(health, D);
    assert_false(is_region_held(health, EU));
    guard_heal(health, C);
    guard_lose(health, C);
    assert_false(is_region_held(health, EU)); /* with D it never came back */
    guard_heal(health, C);
    guard_heal(health, D);
    guard_lose(health, D); /* a fall of its own */
    assert_true(is_region_held(health, EU));
    guard_heal(health, D);
    assert_false(is_region_held(health, EU));
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_stay_until_it_is_allowed),
        cmocka_unit_test(who_moved_before_stays_where_it_is),
        cmocka_unit_test(where_it_may_it_goes),
        cmocka_unit_test(a_later_tier_is_held_like_the_first),
        cmocka_unit_test(it_falls_back_where_the_policy_says_so),
        cmocka_unit_test(a_last_tier_stays_rather_than_falling_back),
        cmocka_unit_test(orders_are_never_held),
        cmocka_unit_test(a_share_stays_with_those_who_are_left),
        cmocka_unit_test(of_regions_that_count_one_is_left),
        cmocka_unit_test(what_falls_in_a_lost_place_fell_with_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

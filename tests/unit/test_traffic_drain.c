/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drains: who is a member, who has asked, whose TTL is over; the sample, and the ring that brings it. */
#include "unit.h"

#include "traffic/drain.h"
#include "traffic/sight.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000, START = 1000000000, HOSTS_OF_ALL = 10 };

static struct addr make_addr(uint32_t number)
{
    struct addr addr = {.family = ADDR_V4};
    memcpy(addr.bytes, &number, sizeof number);
    return addr;
}

static void see_at(struct traffic_drains *drains, uint32_t host, struct traffic_place place, int64_t at_ms)
{
    struct addr addr = make_addr(host);
    traffic_drains_see(drains, &addr, sights_number(addr.bytes), &place, START + at_ms, 30);
}

static void see(struct traffic_drains *drains, uint32_t host, uint64_t region, int64_t at_ms)
{
    see_at(drains, host, (struct traffic_place){.keys = {region}}, at_ms);
}

static void begin(struct traffic_drains *drains, const char *target, int64_t at_ms, unsigned share,
                  const char *cause)
{
    traffic_drains_begin(drains,
                         &(struct traffic_switch){
                             .target = target, .at_ms = at_ms, .share = share, .names = "", .cause = cause});
}

enum { NOWHERE = 0 };

static struct traffic_drain_look look(const struct traffic_drains *drains, int64_t at_ms)
{
    struct traffic_drain_look found;
    traffic_drains_look(drains, 0, START + at_ms, &found);
    return found;
}

static void members_leave(void **state)
{
    (void)state;
    struct traffic_drains *drains = traffic_drains_new(100);
    uint64_t us = traffic_drains_key("region:us"), eu = traffic_drains_key("region:eu");
    for (uint32_t i = 0; i < 10; i++) {
        see(drains, i, us, -10 * SECOND);
        see(drains, i, us, -9 * SECOND);
    }
    see(drains, 20, eu, -SECOND);                           /* elsewhere */
    see(drains, 21, us, -TRAFFIC_DRAIN_WINDOW_MS - SECOND); /* long ago */
    begin(drains, "region:us", START, 100, "drained");
    begin(drains, "region:us", START + SECOND / 2, 100, "once more");
    begin(drains, "region:us", START + SECOND / 2, 25, "a part of it");
    assert_int_equal(traffic_drains_count(drains), 1);
    see(drains, 22, us, -SECOND); /* read too late to be there at the start */
    assert_int_equal(look(drains, 0).members, 11);
    see(drains, 0, eu, 2 * SECOND), see(drains, 1, eu, 4 * SECOND), see(drains, 1, eu, 5 * SECOND);
    see(drains, 2, us, 6 * SECOND);      /* led there again */
    see(drains, 3, NOWHERE, 7 * SECOND); /* nobody is left to lead it to */
    see(drains, 20, eu, 3 * SECOND);
    struct traffic_drain_look now = look(drains, 10 * SECOND);
    assert_int_equal(now.asked, 4);
    assert_int_equal(now.back, 1);
    assert_int_equal(now.waiting, 7);
    assert_int_equal(now.missing_count, 7);
    assert_int_equal(now.missing[0].seconds, 2); /* before the one that was seen once */
    assert_int_equal(now.missing[6].seconds, 1);
    assert_false(now.is_reached);
    assert_true(now.t99_ms > 10 * SECOND && now.t99_ms <= 29 * SECOND);
    assert_int_equal(now.points[2].after_ms, 2 * SECOND);
    assert_true(now.points[1].asked == 0 && now.points[2].asked == 1. / 11);
    now = look(drains, 60 * SECOND);
    assert_int_equal(now.expired, 7);
    assert_true(now.is_reached && now.t99_ms == 29 * SECOND); /* the last one's TTL was over then */
    assert_true(now.points[now.point_count - 1].drained == 1);
    see(drains, 9, eu, TRAFFIC_DRAIN_OPEN_MS + SECOND); /* nobody looks any more */
    assert_int_equal(look(drains, TRAFFIC_DRAIN_OPEN_MS + SECOND).asked, 4);
    assert_false(look(drains, TRAFFIC_DRAIN_OPEN_MS + SECOND).is_open);
    traffic_drains_free(drains);
    traffic_drains_free(NULL);
}

/* What is kept of a drain: marks that were reached, and no guess of those that were not. */
static void marks_are_what_was_reached(void **state)
{
    (void)state;
    struct traffic_drain_progress found;
    struct traffic_drains *drains = traffic_drains_new(100);
    uint64_t us = traffic_drains_key("region:us"), eu = traffic_drains_key("region:eu");
    const int64_t span[2] = {START - SECOND, START + SECOND}, later[2] = {START + 1, INT64_MAX};
    for (uint32_t i = 0; i < 10; i++) {
        see(drains, i, us, -10 * SECOND); /* its TTL is over 20 s after the switch */
    }
    begin(drains, "region:us", START, 100, "lost");
    for (uint32_t i = 0; i < 9; i++) {
        see(drains, i, eu, (i + 1) * SECOND);
    }
    assert_false(traffic_drains_measure(drains, "region:eu", span, START, &found));
    assert_false(traffic_drains_measure(drains, "region:us", later, START, &found));
    assert_true(traffic_drains_measure(drains, "region:us", span, START + 10 * SECOND, &found));
    assert_int_equal(found.at_ms, START);
    assert_int_equal(found.members, 10);
    assert_int_equal(found.asked, 9);
    assert_int_equal(found.expired, 0);
    assert_int_equal(found.marks_ms[0], 5 * SECOND);
    assert_int_equal(found.marks_ms[1], 9 * SECOND);
    assert_int_equal(found.marks_ms[2], -1);
    assert_false(found.is_over);
    assert_true(traffic_drains_measure(drains, "region:us", span, START + 30 * SECOND, &found));
    assert_int_equal(found.expired, 1);
    assert_int_equal(found.marks_ms[2], 20 * SECOND);
    assert_false(found.is_over); /* it may ask yet */
    see(drains, 9, eu, 40 * SECOND);
    assert_true(traffic_drains_measure(drains, "region:us", span, START + 41 * SECOND, &found));
    assert_int_equal(found.asked, 10);
    assert_int_equal(found.marks_ms[2], 20 * SECOND);
    assert_true(found.is_over);
    begin(drains, "region:ap", START, 100, "nobody was led there");
    assert_true(traffic_drains_measure(drains, "region:ap", span, START + TRAFFIC_DRAIN_OPEN_MS, &found));
    assert_true(found.is_over && found.members == 0 && found.marks_ms[0] == -1);
    traffic_drains_free(drains);
}

/* Of azs and endpoints: who was led elsewhere in the same region is no member. */
static void smaller_places_have_drains_too(void **state)
{
    (void)state;
    struct traffic_drains *drains = traffic_drains_new(100);
    uint64_t us = traffic_drains_key("region:us"), a = traffic_drains_key("az:a"),
             b = traffic_drains_key("az:b");
    uint64_t ends[HOSTS_OF_ALL];
    for (uint32_t i = 0; i < HOSTS_OF_ALL; i++) {
        char name[32];
        snprintf(name, sizeof name, "endpoint:e-%u", i);
        ends[i] = traffic_drains_key(name);
        see_at(drains, i, (struct traffic_place){.keys = {us, i < 4 ? a : b, ends[i]}}, -10 * SECOND);
    }
    see_at(drains, 0, (struct traffic_place){.keys = {us, a, ends[3]}}, -9 * SECOND); /* by turns */
    begin(drains, "az:a", START, 100, "az_override");
    begin(drains, "endpoint:e-3", START, 100, "endpoint_override");
    begin(drains, "endpoint:e-3", START + 10, 100, "once more");
    assert_int_equal(traffic_drains_count(drains), 2);
    struct traffic_drain_look now;
    traffic_drains_look(drains, traffic_drains_find(drains, "az:a", ""), START, &now);
    assert_int_equal(now.members, 4);
    assert_string_equal(now.target, "az:a");
    traffic_drains_look(drains, traffic_drains_find(drains, "endpoint:e-3", ""), START, &now);
    assert_int_equal(now.members, 2); /* the third, and the one by turns */
    see_at(drains, 0, (struct traffic_place){.keys = {us, b, ends[5]}}, SECOND);
    see_at(drains, 3, (struct traffic_place){.keys = {us, a, ends[3]}}, SECOND);
    traffic_drains_look(drains, traffic_drains_find(drains, "az:a", ""), START + 2 * SECOND, &now);
    assert_int_equal(now.asked, 2);
    assert_int_equal(now.back, 1);
    assert_int_equal(traffic_drains_find(drains, "az:b", ""), 2);
    assert_true(
        traffic_drains_get_share(drains, traffic_drains_find(drains, "az:a", ""), START + 2 * SECOND) == .5);
    traffic_drains_free(drains);
}

/* Who was led there for other names only, or asks for these, has no part in it. */
static void some_names_only(void **state)
{
    (void)state;
    struct traffic_drains *drains = traffic_drains_new(100);
    uint64_t us = traffic_drains_key("region:us"), eu = traffic_drains_key("region:eu"),
             shop = traffic_drains_key("shop"), pay = traffic_drains_key("pay"),
             blog = traffic_drains_key("blog");
    see_at(drains, 1, (struct traffic_place){.keys = {us}, .group = shop}, -9 * SECOND);
    see_at(drains, 2, (struct traffic_place){.keys = {us}, .group = pay}, -9 * SECOND);
    see_at(drains, 3, (struct traffic_place){.keys = {us}, .group = blog}, -9 * SECOND);
    see_at(drains, 4, (struct traffic_place){.keys = {us}}, -9 * SECOND);
    see_at(drains, 5, (struct traffic_place){.keys = {eu}, .group = shop}, -9 * SECOND);
    traffic_drains_begin(
        drains, &(struct traffic_switch){
                    .target = "region:us", .at_ms = START, .share = 100, .names = "shop,pay", .cause = "x"});
    see_at(drains, 6, (struct traffic_place){.keys = {us}, .group = pay}, -SECOND); /* read too late */
    assert_int_equal(look(drains, 0).members, 3);
    assert_string_equal(look(drains, 0).names, "shop,pay");
    see_at(drains, 1, (struct traffic_place){.keys = {us}, .group = blog}, SECOND);
    see_at(drains, 1, (struct traffic_place){.keys = {us}}, SECOND);
    assert_int_equal(look(drains, 2 * SECOND).asked, 0);
    see_at(drains, 1, (struct traffic_place){.keys = {eu}, .group = pay}, 3 * SECOND);
    assert_int_equal(look(drains, 4 * SECOND).asked, 1);
    assert_int_equal(look(drains, 4 * SECOND).back, 0);
    begin(drains, "region:us", START + 100, 100, "all of it");
    assert_int_equal(traffic_drains_count(drains), 2);
    assert_int_equal(look(drains, SECOND).members, 5);
    traffic_drains_free(drains);
}

static void nobody_was_there(void **state)
{
    (void)state;
    struct traffic_drains *drains = traffic_drains_new(10);
    begin(drains, "az:us-1", START, 100, "drained");
    for (int i = 0; i < TRAFFIC_DRAINS_MAX + 3; i++) { /* the oldest of regions go */
        begin(drains, "region:us", START + i * 2 * SECOND, 25, "a part");
    }
    assert_int_equal(traffic_drains_count(drains), TRAFFIC_DRAINS_MAX + 1);
    assert_int_equal(traffic_drains_find(drains, "az:us-1", ""), TRAFFIC_DRAINS_MAX);
    struct traffic_drain_look now = look(drains, 0);
    assert_int_equal(now.id, TRAFFIC_DRAINS_MAX + 4);
    assert_int_equal(now.members, 0);
    assert_int_equal(now.t99_ms, -1);
    traffic_drains_free(drains);
}

/* A smaller sample is as if the others had never been; the table holds no more than it may. */
static void the_sample_shrinks(void **state)
{
    (void)state;
    enum { HOSTS = 2000, ROOM = 1000 };
    struct traffic_drains *drains = traffic_drains_new(ROOM);
    uint64_t us = traffic_drains_key("region:us"), eu = traffic_drains_key("region:eu");
    for (uint32_t i = 0; i < HOSTS; i++) {
        see(drains, i, us, -SECOND);
    }
    assert_int_equal(traffic_drains_count_hosts(drains), ROOM);
    begin(drains, "region:us", START, 100, "lost");
    for (uint32_t i = 0; i < ROOM / 2; i++) {
        see(drains, i, eu, SECOND);
    }
    assert_int_equal(look(drains, 2 * SECOND).asked, ROOM / 2);
    traffic_drains_limit(drains, UINT32_MAX / 4);
    struct traffic_drain_look now = look(drains, 2 * SECOND);
    uint32_t members = 0, asked = 0;
    for (uint32_t i = 0; i < ROOM; i++) {
        struct addr addr = make_addr(i);
        bool is_in = sights_number(addr.bytes) < UINT32_MAX / 4;
        members += is_in;
        asked += is_in && i < ROOM / 2;
    }
    assert_int_equal(now.members, members);
    assert_int_equal(now.asked, asked);
    assert_true(members > ROOM / 5 && members < ROOM / 3);
    for (uint32_t i = ROOM / 2; i < ROOM; i++) { /* of the sample only, as notes are */
        struct addr addr = make_addr(i);
        if (sights_number(addr.bytes) < UINT32_MAX / 4) {
            see(drains, i, eu, 3 * SECOND);
        }
    }
    assert_int_equal(look(drains, 4 * SECOND).asked, members);
    traffic_drains_tidy(drains, START + TRAFFIC_DRAIN_WINDOW_MS + 5 * SECOND);
    assert_int_equal(traffic_drains_count_hosts(drains), 0);
    traffic_drains_free(drains);
}

/* ---- the ring ---- */

enum { NOTES = 200000 };

struct pipe {
    struct sights *sights;
    _Atomic bool is_over;
};

static void *write_notes(void *argument)
{
    struct pipe *pipe = argument;
    for (uint32_t i = 0; i < NOTES; i++) {
        struct addr addr = make_addr(i);
        sights_note_turn(pipe->sights, &addr, i);
    }
    atomic_store(&pipe->is_over, true);
    return NULL;
}

/* What is read came in order, whole, and with what was lost it is all. */
static void notes_come_across(void **state)
{
    (void)state;
    struct sights_sample sample = {.below = UINT32_MAX, .every = 1};
    struct pipe pipe = {.sights = sights_new(&sample)};
    pthread_t thread;
    uint64_t count = 0;
    int64_t last = -1;
    assert_int_equal(pthread_create(&thread, NULL, write_notes, &pipe), 0);
    for (bool is_over = false;;) {
        const struct sight *sight = sights_peek(pipe.sights);
        if (sight == NULL) {
            if (is_over) {
                break;
            }
            is_over = atomic_load(&pipe.is_over);
            continue;
        }
        struct addr addr = make_addr(sight->at_ms);
        assert_true((int64_t)sight->at_ms > last && sight->turns == 1);
        assert_memory_equal(sight->address, addr.bytes, sizeof addr.bytes);
        last = sight->at_ms;
        count++;
        sights_pass(pipe.sights);
    }
    pthread_join(thread, NULL);
    assert_int_equal(count + pipe.sights->lost, NOTES);
    sights_free(pipe.sights);
}

static unsigned take(struct sights *sights, uint32_t endpoint, uint64_t moment, const char *address)
{
    struct addr_port at = {.port = 53};
    struct sockaddr_storage client;
    assert_int_equal(addr_parse(address, &at.addr), 0);
    (void)addr_to_sockaddr(&at, &client);
    uint32_t number = sights_number(at.addr.bytes + (at.addr.family == ADDR_V6 ? 4 : 0));
    return sights_take_mark(sights, sights_get_where(number, endpoint), moment,
                            (const struct sockaddr *)&client);
}

static void notes_of_a_second_are_one(void **state)
{
    (void)state;
    struct sights_sample sample = {.below = UINT32_MAX, .every = 1};
    struct sights *sights = sights_new(&sample);
    uint64_t moment = sights_get_moment(5, 7);
    assert_int_equal(take(sights, 1, moment, "192.0.2.1"), 1);
    assert_int_equal(take(sights, 1, moment, "192.0.2.1"), 0);
    assert_int_equal(take(sights, 1, moment, "192.0.2.2"), 1);
    assert_int_equal(take(sights, 2, moment, "192.0.2.1"), 1);                  /* elsewhere */
    assert_int_equal(take(sights, 1, moment | 1, "192.0.2.1"), 1);              /* for other names */
    assert_int_equal(take(sights, 1, sights_get_moment(5, 8), "192.0.2.1"), 1); /* after a switch */
    assert_int_equal(take(sights, 1, sights_get_moment(6, 8), "192.0.2.1"), 1);
    assert_int_equal(take(sights, 1, sights_get_moment(6, 8), "192.0.2.1"), 0);
    sights_free(sights);
}

/* Who goes from endpoint to endpoint is noted for each of them once, not with every answer. */
static void endpoints_in_turn_are_one_note_each(void **state)
{
    (void)state;
    struct sights_sample sample = {.below = UINT32_MAX, .every = 1};
    struct sights *sights = sights_new(&sample);
    unsigned notes = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        notes += take(sights, i % 3, sights_get_moment(5, 7), "192.0.2.1");
    }
    assert_int_equal(notes, 3);
    sights_free(sights);
}

/* The hosts of a /64 have a number in common, and an address each; that of IPv4 is no other's. */
static void addresses_of_ipv6_are_told_apart(void **state)
{
    (void)state;
    struct sights_sample sample = {.below = UINT32_MAX, .every = 1};
    struct sights *sights = sights_new(&sample);
    uint64_t moment = sights_get_moment(5, 7);
    static const char *const hosts[] = {"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db9:1:2::1",
                                        "::102:0:0:0:0", "0.1.0.2"};
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        assert_int_equal(take(sights, 1, moment, hosts[i]), 1);
        assert_int_equal(take(sights, 1, moment, hosts[i]), 0);
    }
    sights_free(sights);
}

/* Every third query, whatever batches they come in. */
static void turns_are_even(void **state)
{
    (void)state;
    struct sights_sample sample = {.below = 0, .every = 3};
    struct sights *sights = sights_new(&sample);
    size_t turns = 0, queries = 0;
    for (size_t batch = 1; batch < 64; batch++) {
        for (size_t at = 0; (at = sights_find_turn(sights, at, batch)) != batch; at++) {
            assert_int_equal((queries + at) % 3, 0);
            turns++;
        }
        queries += batch;
    }
    assert_int_equal(turns, (queries + 2) / 3);
    sights_free(sights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_leave),
        cmocka_unit_test(smaller_places_have_drains_too),
        cmocka_unit_test(some_names_only),
        cmocka_unit_test(nobody_was_there),
        cmocka_unit_test(marks_are_what_was_reached),
        cmocka_unit_test(the_sample_shrinks),
        cmocka_unit_test(notes_come_across),
        cmocka_unit_test(notes_of_a_second_are_one),
        cmocka_unit_test(endpoints_in_turn_are_one_note_each),
        cmocka_unit_test(addresses_of_ipv6_are_told_apart),
        cmocka_unit_test(turns_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what others report of failed requests, in virtual time. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "operate/errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WALL = 1000000000, NOW = 50000, TTL = 30000 };

static enum health_push_fate say(struct errors_feed *feed, struct errors_report report, int64_t at_ms)
{
    enum health_push_fate fate;
    report.ttl_ms = report.ttl_ms == 0 ? TTL : report.ttl_ms;
    report.actor = report.actor == NULL ? "lb" : report.actor;
    report.peer = report.peer == NULL ? "uid:0" : report.peer;
    assert_int_equal(errors_take(feed, &report, WALL + at_ms, NOW + at_ms, &fate), 0);
    return fate;
}

static void count(struct errors_feed *feed, const char *name, const char *actor, const double counts[2],
                  int64_t at_ms)
{
    const struct errors_report report = {.kind = HEALTH_REGION,
                                         .name = name,
                                         .actor = actor,
                                         .is_counted = true,
                                         .errors = counts[0],
                                         .requests = counts[1]};
    assert_int_equal(say(feed, report, at_ms), HEALTH_PUSH_TAKEN);
}

#define COUNTS(...) ((const double[2]){__VA_ARGS__})

static struct errors_status look(const struct errors_feed *feed, enum health_kind kind, const char *name,
                                 int64_t at_ms)
{
    struct errors_list list = errors_look(feed, NOW + at_ms);
    const struct errors_status *found = errors_find(&list, kind, name);
    struct errors_status status = {.age_ms = -1};
    if (found != NULL) {
        status = *found;
    }
    free(list.items);
    return status;
}

static void near(double found, double wanted)
{
    assert_true(found > wanted - 1e-9 && found < wanted + 1e-9);
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    assert_int_equal(errors_look(feed, NOW).count, 0);
    assert_int_equal(errors_look(NULL, NOW).count, 0);
    errors_free(feed);
    errors_free(NULL);
}

static void a_source_replaces_what_it_said(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    count(feed, "eu", "lb", COUNTS(5, 100), 0);
    count(feed, "eu", "lb", COUNTS(1, 100), 1000);
    struct errors_status status = look(feed, HEALTH_REGION, "eu", 3000);
    near(status.share, 0.01);
    near(status.requests, 100);
    assert_true(status.is_known);
    assert_int_equal(status.sources, 1);
    assert_int_equal(status.age_ms, 2000);
    assert_int_equal(status.reported_ms, WALL + 1000);
    assert_string_equal(status.actor, "lb");
    errors_free(feed);
}

static void counts_of_sources_are_added_up(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    count(feed, "eu", "lb-1", COUNTS(1, 4), 0);
    count(feed, "eu", "lb-2", COUNTS(0, 96), 0);
    near(look(feed, HEALTH_REGION, "eu", 0).share, 0.01);
    assert_int_equal(look(feed, HEALTH_REGION, "eu", 0).sources, 2);
    say(feed, (struct errors_report){.kind = HEALTH_REGION, .name = "eu", .actor = "cdn", .share = 0.2}, 0);
    near(look(feed, HEALTH_REGION, "eu", 0).share, 0.2);
    say(feed, (struct errors_report){.kind = HEALTH_REGION, .name = "eu", .actor = "cdn", .share = 0.001}, 0);
    near(look(feed, HEALTH_REGION, "eu", 0).share, 0.01);
    count(feed, "eu", "lb-2", COUNTS(0, 0), 0);
    near(look(feed, HEALTH_REGION, "eu", 0).share, 0.25);
    errors_free(feed);
}

static void places_are_apart_and_in_order(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    say(feed, (struct errors_report){.kind = HEALTH_ENDPOINT, .name = "eu", .share = 0.4}, 0);
    say(feed, (struct errors_report){.kind = HEALTH_REGION, .name = "us", .share = 0.2}, 0);
    say(feed, (struct errors_report){.kind = HEALTH_AZ, .name = "eu-1", .share = 0.3}, 0);
    say(feed, (struct errors_report){.kind = HEALTH_REGION, .name = "eu", .share = 0.1}, 0);
    struct errors_list list = errors_look(feed, NOW);
    assert_int_equal(list.count, 4);
    for (size_t i = 0; i < list.count; i++) {
        near(list.items[i].share, 0.1 * (double)(i + 1));
    }
    assert_null(errors_find(&list, HEALTH_AZ, "eu"));
    free(list.items);
    errors_free(feed);
}

static void what_is_old_does_not_count(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    count(feed, "eu", "lb-1", COUNTS(50, 100), 0);
    count(feed, "eu", "lb-2", COUNTS(1, 100), 10000);
    assert_int_equal(look(feed, HEALTH_REGION, "eu", TTL - 1).sources, 2);
    struct errors_status status = look(feed, HEALTH_REGION, "eu", TTL);
    near(status.share, 0.01);
    assert_true(status.is_known);
    assert_int_equal(status.sources, 1);
    status = look(feed, HEALTH_REGION, "eu", TTL + 10000);
    assert_false(status.is_known);
    assert_int_equal(status.sources, 2);
    assert_int_equal(status.age_ms, TTL);
    assert_int_equal(status.max_age_ms, TTL);
    assert_string_equal(status.actor, "lb-2");
    assert_int_equal(look(feed, HEALTH_REGION, "eu", TTL + 10000 + ERRORS_KEPT_MS - 1).age_ms,
                     TTL + ERRORS_KEPT_MS - 1);
    assert_int_equal(look(feed, HEALTH_REGION, "eu", TTL + 10000 + ERRORS_KEPT_MS).age_ms, -1);
    count(feed, "eu", "lb-1", COUNTS(2, 100), TTL + 20000);
    near(look(feed, HEALTH_REGION, "eu", TTL + 20000).share, 0.02);
    errors_free(feed);
}

static void late_and_replayed_ones_are_not_taken(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    struct errors_report report = {.kind = HEALTH_REGION, .name = "eu", .share = 0.1, .time_ms = WALL - TTL};
    assert_int_equal(say(feed, report, 0), HEALTH_PUSH_LATE);
    assert_int_equal(look(feed, HEALTH_REGION, "eu", 0).age_ms, -1);
    report.time_ms = WALL - 5000;
    report.seq = 7;
    assert_int_equal(say(feed, report, 0), HEALTH_PUSH_TAKEN);
    assert_int_equal(look(feed, HEALTH_REGION, "eu", 0).age_ms, 5000);
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_REPLAYED);
    report.time_ms = WALL;
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_REPLAYED); /* by its number */
    report.seq = 8;
    report.share = 0.3;
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_TAKEN);
    report.actor = "other"; /* who counts by himself */
    report.seq = 1;
    assert_int_equal(say(feed, report, 2), HEALTH_PUSH_TAKEN);
    report.actor = NULL;
    report.time_ms = 0;
    assert_int_equal(say(feed, report, 3), HEALTH_PUSH_REPLAYED);
    assert_int_equal(say(feed, report, TTL + 1), HEALTH_PUSH_TAKEN); /* it may begin anew */
    errors_free(feed);
}

/* Who it is, is what the kernel or a token says, too: nobody speaks for another by his name. */
static void a_name_is_one_of_whom_it_was_given_by(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    struct errors_report report = {
        .kind = HEALTH_REGION, .name = "eu", .actor = "lb-1", .peer = "token:mallory", .seq = UINT64_MAX};
    assert_int_equal(say(feed, report, 0), HEALTH_PUSH_TAKEN);
    report.peer = "token:lb";
    report.seq = 1;
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_TAKEN);
    assert_int_equal(say(feed, report, 2), HEALTH_PUSH_REPLAYED);
    assert_int_equal(look(feed, HEALTH_REGION, "eu", 2).sources, 2);
    errors_free(feed);
}

/* The name of a user is looked up meanwhile; a certificate may have such a name. */
static void a_user_is_the_same_with_his_name(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    struct errors_report report = {.kind = HEALTH_REGION, .name = "eu", .peer = "uid:7", .seq = 1};
    assert_int_equal(say(feed, report, 0), HEALTH_PUSH_TAKEN);
    report.peer = "uid:7(lb)";
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_REPLAYED);
    report.seq = 2;
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_TAKEN);
    assert_string_equal(look(feed, HEALTH_REGION, "eu", 1).peer, "uid:7(lb)");
    report.peer = "uid:77(lb)";
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_TAKEN);
    report.peer = "cert:cn:lb(1)";
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_TAKEN);
    report.peer = "cert:cn:lb(2)";
    assert_int_equal(say(feed, report, 1), HEALTH_PUSH_TAKEN);
    assert_int_equal(look(feed, HEALTH_REGION, "eu", 1).sources, 4);
    errors_free(feed);
}

/* What becomes of a report of source `source` of a place, by a peer. */
static int take(struct errors_feed *feed, const char *peer, int place, int source, int64_t at_ms)
{
    char name[16], actor[16];
    enum health_push_fate fate;
    snprintf(name, sizeof name, "p%d", place);
    snprintf(actor, sizeof actor, "a%d", source);
    const struct errors_report report = {
        .kind = HEALTH_ENDPOINT, .name = name, .actor = actor, .peer = peer, .share = 0.1, .ttl_ms = TTL};
    int error = errors_take(feed, &report, WALL + at_ms, NOW + at_ms, &fate);
    assert_true(error != 0 || fate == HEALTH_PUSH_TAKEN);
    return error;
}

/* As many as a peer may have, of places from `first` on. */
static void fill(struct errors_feed *feed, const char *peer, int first)
{
    for (int i = 0; i < ERRORS_PEER_MAX; i++) {
        assert_int_equal(take(feed, peer, first + i / ERRORS_PLACE_MAX, i % ERRORS_PLACE_MAX, i), 0);
    }
}

static void sources_are_bounded(void **state)
{
    enum { PLACES = ERRORS_PEER_MAX / ERRORS_PLACE_MAX, PEERS = ERRORS_SOURCES_MAX / ERRORS_PEER_MAX };
    static const char *const peers[] = {"token:a", "token:b", "token:c", "token:d"};
    (void)state;
    struct errors_feed *feed = errors_new();
    for (int i = 0; i < ERRORS_PLACE_MAX; i++) {
        assert_int_equal(take(feed, "token:a", 0, i, 0), 0);
    }
    assert_int_equal(take(feed, "token:a", 0, 0, 1), 0);
    assert_int_equal(take(feed, "token:a", 0, ERRORS_PLACE_MAX, 1), ERROR_BUSY);
    assert_int_equal(take(feed, "token:a", 1, 0, 1), 0); /* another place is free */
    fill(feed, "token:a", 0);
    assert_int_equal(take(feed, "token:a", PLACES, 0, 1), ERROR_BUSY);
    assert_int_equal(PEERS, 4);
    for (int i = 1; i < PEERS; i++) {
        fill(feed, peers[i], i * PLACES); /* others are not concerned */
    }
    assert_int_equal(take(feed, "token:a", PEERS * PLACES, 0, 1), ERROR_BUSY);
    assert_int_equal(take(feed, "token:e", PEERS * PLACES, 0, 1),
                     0);                                       /* one of those that have most gives way */
    int64_t later_ms = TTL + ERRORS_PEER_MAX + ERRORS_KEPT_MS; /* those are forgotten then */
    assert_int_equal(take(feed, "token:e", 0, 0, later_ms), 0);
    assert_int_equal(look(feed, HEALTH_ENDPOINT, "p0", later_ms).sources, 1);
    errors_free(feed);
}

/* Who has taken all of a place by many names has half of it once another one comes with as many; each that
 * comes alone gets in, as long as there are not as many of them as there is room. */
static void nobody_fills_a_place(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    for (int i = 0; i < ERRORS_PLACE_MAX; i++) {
        assert_int_equal(take(feed, "token:a", 0, i, i), 0);
    }
    for (int i = 0; i < ERRORS_PLACE_MAX / 2; i++) {
        assert_int_equal(take(feed, "token:b", 0, i, 100), 0);
    }
    assert_int_equal(take(feed, "token:b", 0, ERRORS_PLACE_MAX / 2, 100), ERROR_BUSY); /* both have as many */
    assert_int_equal(take(feed, "token:a", 0, ERRORS_PLACE_MAX - 1, 101), 0);          /* the latest stayed */
    assert_int_equal(take(feed, "token:a", 0, 0, 101), ERROR_BUSY);                    /* the oldest went */
    assert_int_equal(take(feed, "token:b", 0, 0, 102), 0);
    assert_int_equal(look(feed, HEALTH_ENDPOINT, "p0", 102).sources, ERRORS_PLACE_MAX);
    for (int i = 0; i < ERRORS_PLACE_MAX - 2; i++) {
        char peer[16];
        snprintf(peer, sizeof peer, "uid:%d", i);
        assert_int_equal(take(feed, peer, 0, 0, 103), 0);
    }
    assert_int_equal(take(feed, "uid:999", 0, 0, 103), ERROR_BUSY); /* one each */
    assert_int_equal(take(feed, "token:b", 0, 0, 104), 0);          /* they are there yet */
    assert_int_equal(look(feed, HEALTH_ENDPOINT, "p0", 104).sources, ERRORS_PLACE_MAX);
    errors_free(feed);
}

/* The oldest that does not count makes room, of what there is too much of. */
static void what_does_not_count_makes_room(void **state)
{
    (void)state;
    struct errors_feed *feed = errors_new();
    fill(feed, "token:a", 0);
    assert_int_equal(take(feed, "token:b", 99, 0, 0), 0);
    assert_int_equal(take(feed, "token:a", 100, 0, TTL), 0); /* a0 of p0 did not count any more */
    assert_int_equal(take(feed, "token:a", 100, 1, TTL), ERROR_BUSY);
    assert_int_equal(look(feed, HEALTH_ENDPOINT, "p0", TTL).sources, ERRORS_PLACE_MAX - 1);
    assert_int_equal(look(feed, HEALTH_ENDPOINT, "p99", TTL).sources, 1);
    assert_int_equal(take(feed, "token:b", 0, 0, TTL), 0);     /* there was room */
    assert_int_equal(take(feed, "token:b", 0, 1, TTL + 1), 0); /* a1 did not */
    assert_int_equal(look(feed, HEALTH_ENDPOINT, "p0", TTL + 1).sources, ERRORS_PLACE_MAX);
    errors_free(feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(a_source_replaces_what_it_said),
        cmocka_unit_test(counts_of_sources_are_added_up),
        cmocka_unit_test(places_are_apart_and_in_order),
        cmocka_unit_test(what_is_old_does_not_count),
        cmocka_unit_test(late_and_replayed_ones_are_not_taken),
        cmocka_unit_test(a_name_is_one_of_whom_it_was_given_by),
        cmocka_unit_test(a_user_is_the_same_with_his_name),
        cmocka_unit_test(sources_are_bounded),
        cmocka_unit_test(nobody_fills_a_place),
        cmocka_unit_test(what_does_not_count_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the real prober over time: endpoints that come and go, new lists while checks run, closing, too
 * few descriptors, stalls. Asserts what came out and in which order, never how long it took. */
#include "config.h"

#include "probe_kit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHORT = 60 };

/* An endpoint that comes and goes: refused, then only ok, then refused again. */
static void changes_are_seen_in_order(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 1));
    uint16_t port = s.port;
    server_close(&s);
    struct probe_target target = target_at(PROBE_HTTP, port, 1);
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, &target, 1);
    assert_int_equal(record_wait(&r, 1, 0, 0, 1).outcome, HEALTH_OUTCOME_REFUSED);
    assert_true(server_listen(&s, AF_INET, port, 4096));
    server_start(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    size_t from = record_count(&r) + 1; /* one may have been under way */
    assert_int_equal(record_wait(&r, 1, 0, from, 0).outcome, HEALTH_OUTCOME_OK);
    assert_int_equal(record_wait(&r, 1, 0, from, 3).outcome, HEALTH_OUTCOME_OK);
    server_close(&s);
    from = record_count(&r) + 1;
    assert_int_equal(record_wait(&r, 1, 0, from, 0).outcome, HEALTH_OUTCOME_REFUSED);
    prober_close(prober);
    int changes = 0;
    for (size_t i = 1; i < r.count; i++) {
        bool at_the_end =
            r.results[i].outcome == HEALTH_OUTCOME_RESET || r.results[i].outcome == HEALTH_OUTCOME_CLOSED;
        changes += !at_the_end && r.results[i].outcome != r.results[i - 1].outcome;
    }
    assert_in_range(changes, 2, 3);
    record_fini(&r);
}

/* A new list: what stays keeps its check in flight and reports under its new name, what goes is silent. */
static void new_lists_keep_what_stays(void **state)
{
    (void)state;
    enum { STAYS = 11, GOES, BUSY };
    struct record r;
    struct server stays, goes, busy;
    server_open(&stays, HOLD, "HTTP/1.1 200 OK\r\n\r\n");
    server_open(&goes, HOLD, "HTTP/1.1 200 OK\r\n\r\n");
    server_open(&busy, ANSWER, "HTTP/1.1 404 No\r\n\r\n");
    struct probe_target before[] = {target_at(PROBE_HTTP, stays.port, STAYS),
                                    target_at(PROBE_HTTP, goes.port, GOES),
                                    target_at(PROBE_HTTP, busy.port, BUSY)};
    before[0].interval_ms = before[1].interval_ms = 60000; /* one check only */
    before[0].timeout_ms = before[1].timeout_ms = 60000;
    struct probe_target after[] = {before[2], before[0]};
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 7, before, 3);
    record_wait(&r, 7, 2, 0, 2);
    while (stays.accepted == 0 || goes.accepted == 0) {
        nap_ms(1);
    }
    prober_set_targets(prober, 8, after, 2);
    record_wait(&r, 8, 0, 0, 0);
    stays.released = goes.released = true;
    struct probe_result kept = record_wait(&r, 8, 1, 0, 0);
    assert_int_equal(kept.outcome, HEALTH_OUTCOME_OK);
    record_wait(&r, 8, 0, 0, 5);
    prober_set_targets(prober, 9, NULL, 0);
    prober_close(prober);

    assert_int_equal(stays.accepted, 1);
    for (size_t i = 0; i < r.count; i++) {
        assert_true(i == 0 || r.results[i].generation >= r.results[i - 1].generation);
        assert_false(r.results[i].generation == 7 &&
                     r.results[i].target != 2); /* the held ones said nothing then */
    }
    record_fini(&r);
    server_close(&stays);
    server_close(&goes);
    server_close(&busy);
}

static void an_empty_list_stops_everything(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, &target, 1);
    record_wait(&r, 1, 0, 0, 0);
    prober_set_targets(prober, 2, NULL, 0);
    struct probe_stats stats;
    do {
        nap_ms(1);
        prober_get_stats(prober, &stats);
    } while (stats.targets != 0);
    assert_int_equal(stats.in_flight, 0);
    prober_set_targets(prober, 3, &target, 1); /* and it begins again */
    record_wait(&r, 3, 0, 0, 0);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
}

static void closing_drops_what_is_in_flight(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    struct record r;
    struct server s;
    struct probe_target targets[COUNT];
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    for (int i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_HTTP, s.port, (uint64_t)i);
    }
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, COUNT);
    struct probe_stats stats;
    do {
        nap_ms(1);
        prober_get_stats(prober, &stats);
    } while (stats.in_flight != COUNT);
    prober_close(prober);
    assert_int_equal(r.count, 0);
    record_fini(&r);
    server_close(&s);
    prober_close(NULL);
}

static void closing_at_once_is_fine(void **state)
{
    (void)state;
    struct record r;
    struct probe_target target = target_at(PROBE_TCP, 1, 1);
    for (int i = 0; i < 20; i++) {
        struct prober *prober = open_prober(&r);
        if (i % 2 == 0) {
            prober_set_targets(prober, 1, &target, 1);
        }
        prober_close(prober);
        record_fini(&r);
    }
}

/* Those that are to be first are checked before the others, wherever they stand in the list. */
static void some_are_checked_first(void **state)
{
    (void)state;
    enum { ALL = 30, EVERY = 10 };
    struct record r;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 1));
    uint16_t port = s.port;
    server_close(&s);
    struct probe_target targets[ALL];
    for (int i = 0; i < ALL; i++) {
        targets[i] = target_at(PROBE_TCP, port, (uint64_t)i + 1);
        targets[i].interval_ms = 60000;
        targets[i].is_first = i % EVERY == EVERY - 1;
    }
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, ALL);
    for (uint32_t i = 0; i < ALL; i++) {
        record_wait(&r, 1, i, 0, 0);
    }
    prober_close(prober);
    for (size_t i = 0; i < ALL / EVERY; i++) {
        assert_int_equal(r.results[i].target % EVERY, EVERY - 1);
    }
    record_fini(&r);
}

struct changer {
    struct prober *prober;
    struct probe_target targets[20];
    uint64_t first_generation;
};

static void *change_lists(void *context)
{
    struct changer *c = context;
    for (uint64_t i = 0; i < 100; i++) {
        prober_set_targets(c->prober, c->first_generation + i, c->targets + i % 7, 1 + i % 13);
        nap_ms(1);
    }
    return NULL;
}

/* Lists from several threads while checks run; mostly for the sanitizers. */
static void lists_come_from_any_thread(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    struct changer changers[2] = {{.first_generation = 1000}, {.first_generation = 2000}};
    pthread_t threads[2];
    struct prober *prober = open_prober(&r);
    for (int k = 0; k < 2; k++) {
        changers[k].prober = prober;
        for (int i = 0; i < 20; i++) {
            changers[k].targets[i] = target_at(i % 2 == 0 ? PROBE_HTTP : PROBE_TCP, s.port, (uint64_t)i);
        }
        assert_int_equal(pthread_create(&threads[k], NULL, change_lists, &changers[k]), 0);
    }
    for (int k = 0; k < 2; k++) {
        pthread_join(threads[k], NULL);
    }
    prober_set_targets(prober, 3000, changers[0].targets, 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(record_wait(&r, 3000, i, 0, 0).outcome, HEALTH_OUTCOME_OK);
    }
    prober_close(prober);
    for (size_t i = 0; i < r.count; i++) {
        assert_int_equal(r.results[i].outcome, HEALTH_OUTCOME_OK);
    }
    record_fini(&r);
    server_close(&s);
}

struct staller {
    struct record record;
    struct prober *prober;
    struct server *held;
    unsigned held_ended; /* checks of it that have ended */
    size_t from;         /* the results that came before */
    _Atomic bool done;
};

/* The check of it that is in flight is answered. Not if it has not said yet what it wants, which only the
 * prober's thread can do, where we are: another time, then. */
static bool is_answered(struct staller *s)
{
    s->held->released = true;
    for (int i = 0; s->held->served <= s->held_ended && i < 500; i++) {
        nap_ms(1);
    }
    bool is = s->held->served > s->held_ended;
    s->held->released = is;
    return is;
}

/* When the first target's check ends while the second's is in flight: let that one be answered, and keep the
 * prober's thread from looking for longer than its timeout. */
static bool stall_once(void *context, const struct probe_result *result)
{
    struct staller *s = context;
    record_ended(&s->record, result);
    s->held_ended += result->target == 1;
    if (s->done || result->target != 0) {
        return false;
    }
    struct probe_stats stats;
    prober_get_stats(s->prober, &stats);
    if (stats.in_flight == 1) {
        s->from = record_count(&s->record);
        s->done = is_answered(s);
        nap_ms(s->done ? 1500 : 0);
    }
    return false;
}

/* An answer is not late because the prober is. */
static void stalls_cause_no_timeouts(void **state)
{
    (void)state;
    struct server quick, held;
    server_open(&quick, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    server_open(&held, HOLD, "HTTP/1.1 200 OK\r\n\r\n");
    struct probe_target targets[] = {target_at(PROBE_HTTP, quick.port, 1),
                                     target_at(PROBE_HTTP, held.port, 2)};
    targets[1].timeout_ms = 1000;
    struct staller s = {.held = &held};
    record_init(&s.record);
    assert_int_equal(prober_open(&(struct probe_hooks){.context = &s, .ended = stall_once}, &s.prober), 0);
    prober_set_targets(s.prober, 1, targets, 2);
    for (size_t nth = 0; !s.done; nth++) {
        record_wait(&s.record, 1, 0, 0, nth);
    }
    assert_int_equal(record_wait(&s.record, 1, 1, s.from, 0).outcome, HEALTH_OUTCOME_OK);
    record_wait(&s.record, 1, 1, s.from, 2); /* it goes on */
    prober_close(s.prober);
    record_fini(&s.record);
    server_close(&quick);
    server_close(&held);
}

static rlim_t set_fd_limit(rlim_t wanted)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

/* More checks than descriptors: they wait, all have their turn, none fails. */
static void checks_wait_for_descriptors(void **state)
{
    (void)state;
    enum { COUNT = 100, FDS = 64, LIMIT = FDS - FDS / 4 };
    struct record r;
    struct server s;
    struct probe_target targets[COUNT];
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    for (int i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_HTTP, s.port, (uint64_t)i);
        targets[i].timeout_ms = SHORT + (uint32_t)i;
    }
    rlim_t before = set_fd_limit(FDS);
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, COUNT);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(record_wait(&r, 1, i, 0, round).outcome, HEALTH_OUTCOME_TIMEOUT);
            struct probe_stats stats;
            prober_get_stats(prober, &stats);
            assert_true(stats.in_flight <= LIMIT);
        }
    }
    prober_close(prober);
    set_fd_limit(before);
    record_fini(&r);
    server_close(&s);
}

/* No descriptor at all says nothing about the endpoint, and ends by itself. */
static void no_descriptor_is_a_local_error(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    struct probe_target target = target_at(PROBE_TCP, s.port, 1);
    struct prober *prober = open_prober(&r);
    rlim_t before = set_fd_limit(3);
    prober_set_targets(prober, 1, &target, 1);
    struct probe_result result = record_wait(&r, 1, 0, 0, 1);
    set_fd_limit(before);
    assert_int_equal(result.outcome, HEALTH_OUTCOME_LOCAL_ERROR);
    size_t from = record_count(&r) + 1;
    assert_int_equal(record_wait(&r, 1, 0, from, 0).outcome, HEALTH_OUTCOME_OK);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
}

/* ---- several addresses ---- */

static void addresses_are_checked_in_turn(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    struct addr addresses[2]; /* nobody listens at the second one */
    assert_int_equal(addr_parse("127.0.0.1", &addresses[0]), 0);
    assert_int_equal(addr_parse("127.0.0.99", &addresses[1]), 0);
    struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
    target.in_turn = true;
    target.addresses = addresses;
    target.address_count = 2;
    target.host = "lb.example.net";
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, &target, 1);
    for (size_t i = 0; i < 6; i++) {
        enum health_outcome expected = i % 2 == 0 ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_REFUSED;
        assert_int_equal(record_wait(&r, 1, 0, 0, i).outcome, expected);
    }
    target.address_count = 1; /* the same target goes on with other addresses */
    prober_set_targets(prober, 2, &target, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(record_wait(&r, 2, 0, 0, i).outcome, HEALTH_OUTCOME_OK);
    }
    prober_close(prober);
    server_close(&s);
    assert_non_null(strstr(s.request, "Host: lb.example.net\r\n"));
    record_fini(&r);
}

static void without_an_address_a_check_fails_and_idle_ones_rest(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    struct addr address;
    assert_int_equal(addr_parse("127.0.0.1", &address), 0);
    struct probe_target targets[2] = {target_at(PROBE_HTTP, s.port, 1), target_at(PROBE_HTTP, s.port, 2)};
    targets[0].in_turn = targets[1].in_turn = targets[0].idle = true;
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, 2);
    assert_int_equal(record_wait(&r, 1, 1, 0, 3).outcome, HEALTH_OUTCOME_UNRESOLVED);
    targets[0].idle = false;
    targets[0].addresses = &address;
    targets[0].address_count = 1;
    targets[1].idle = true;
    prober_set_targets(prober, 2, targets, 2);
    assert_int_equal(record_wait(&r, 2, 0, 0, 3).outcome, HEALTH_OUTCOME_OK);
    prober_close(prober);
    server_close(&s);
    for (size_t i = 0; i < r.count; i++) { /* the list before has one, this one the other */
        assert_int_equal(r.results[i].target, r.results[i].generation == 1 ? 1 : 0);
    }
    record_fini(&r);
}

static struct probe_aim aim_at(uint32_t target, const char *address)
{
    struct probe_aim aim = {.target = target, .idle = address == NULL};
    if (address != NULL) {
        aim.address_count = 1;
        assert_int_equal(addr_parse(address, &aim.addresses[0]), 0);
    }
    return aim;
}

/* One that was idle begins, one that waits for an answer from elsewhere gives that up, one rests; the others
 * do not notice, and what is said of another list, or of no target, nobody does. */
static void some_targets_are_aimed_elsewhere(void **state)
{
    (void)state;
    enum { IDLE, STUCK, RESTS, OTHER, COUNT };
    struct record r;
    struct server s, holds;
    struct addr address;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    assert_true(server_listen(&holds, AF_INET, 0, 16));
    assert_int_equal(addr_parse("127.0.0.1", &address), 0);
    struct probe_target targets[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_HTTP, i == STUCK ? holds.port : s.port, i + 1);
        targets[i].in_turn = i != OTHER;
        targets[i].idle = i == IDLE;
        targets[i].addresses = &address;
        targets[i].address_count = 1;
    }
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, COUNT);
    record_wait(&r, 1, OTHER, 0, 2);
    record_wait(&r, 1, RESTS, 0, 2);
    const struct probe_aim late[] = {aim_at(OTHER, NULL), aim_at(RESTS, NULL)};
    const struct probe_aim aims[] = {aim_at(IDLE, "127.0.0.1"), aim_at(STUCK, "127.0.0.99"),
                                     aim_at(RESTS, NULL), aim_at(OTHER, "127.0.0.99"),
                                     aim_at(COUNT, "127.0.0.1")};
    prober_aim(prober, 0, late, 2);
    prober_aim(prober, 1, aims, 5);
    assert_int_equal(record_wait(&r, 1, IDLE, 0, 2).outcome, HEALTH_OUTCOME_OK);
    assert_int_equal(record_wait(&r, 1, STUCK, 0, 2).outcome, HEALTH_OUTCOME_REFUSED);
    size_t from = record_count(&r);
    assert_int_equal(record_wait(&r, 1, OTHER, from, 5).outcome, HEALTH_OUTCOME_OK);
    size_t until = record_count(&r);
    targets[RESTS].identity = 9;
    prober_aim(prober, 1, late, 2);
    prober_set_targets(prober, 1, targets, COUNT); /* what was said before is of the list before */
    assert_int_equal(record_wait(&r, 1, RESTS, until, 2).outcome, HEALTH_OUTCOME_OK);
    prober_close(prober);
    server_close(&s);
    for (size_t i = from; i < until; i++) {
        assert_int_not_equal(r.results[i].target, RESTS);
    }
    close(holds.fd);
    record_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_seen_in_order),
        cmocka_unit_test(new_lists_keep_what_stays),
        cmocka_unit_test(an_empty_list_stops_everything),
        cmocka_unit_test(closing_drops_what_is_in_flight),
        cmocka_unit_test(some_are_checked_first),
        cmocka_unit_test(closing_at_once_is_fine),
        cmocka_unit_test(lists_come_from_any_thread),
        cmocka_unit_test(stalls_cause_no_timeouts),
        cmocka_unit_test(checks_wait_for_descriptors),
        cmocka_unit_test(no_descriptor_is_a_local_error),
        cmocka_unit_test(addresses_are_checked_in_turn),
        cmocka_unit_test(without_an_address_a_check_fails_and_idle_ones_rest),
        cmocka_unit_test(some_targets_are_aimed_elsewhere),
    };
    return cmocka_run_group_tests_name("probe_lists", tests, NULL, NULL);
}

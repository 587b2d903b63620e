/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the real prober: who shares a check, what is checked again soon, and what a limit makes wait. */
#include "config.h"

#include "probe_kit.h"

#include <sys/socket.h>
#include <unistd.h>

enum { SHORT = 60, LONG = 60000 };

static void wait_for_in_flight(struct prober *prober, uint64_t count)
{
    struct probe_stats stats;
    do {
        nap_ms(1);
        prober_get_stats(prober, &stats);
    } while (stats.in_flight != count);
}

/* One connection, and a result for each; who is left keeps it, and with the last one it goes. */
static void equal_targets_share_a_check(void **state)
{
    (void)state;
    enum { COUNT = 3 };
    struct record r;
    struct server s;
    struct probe_stats stats;
    struct probe_target targets[COUNT];
    server_open(&s, HOLD, "HTTP/1.1 200 OK\r\n\r\n");
    for (uint64_t i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_HTTP, s.port, i + 1);
        targets[i].timeout_ms = targets[i].interval_ms = LONG;
    }
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, COUNT);
    while (s.accepted == 0) {
        nap_ms(1);
    }
    prober_set_targets(prober, 2, targets + 1, COUNT - 1); /* with the check in flight */
    do {                                                   /* the result is to be one of that list */
        nap_ms(1);
        prober_get_stats(prober, &stats);
    } while (stats.targets != COUNT - 1);
    assert_int_equal(stats.started, 1);
    s.released = true;
    for (uint32_t i = 0; i < COUNT - 1; i++) {
        struct probe_result result = record_wait(&r, 2, i, 0, 0);
        assert_int_equal(result.outcome, HEALTH_OUTCOME_OK);
        assert_int_equal(result.identity, i + 2);
    }
    prober_get_stats(prober, &stats);
    assert_int_equal(stats.started, 1);
    assert_int_equal(stats.checks, 1);
    assert_int_equal(stats.targets, 2);
    assert_int_equal(s.accepted, 1);
    s.released = false;
    targets[0].interval_ms = 50; /* one who is in more of a hurry comes back */
    prober_set_targets(prober, 3, targets, COUNT);
    while (s.accepted == 1) {
        nap_ms(1);
    }
    prober_set_targets(prober, 4, NULL, 0);
    wait_for_in_flight(prober, 0);
    prober_close(prober);
    assert_int_equal(r.count, COUNT - 1);
    s.released = true;
    record_fini(&r);
    server_close(&s);
}

struct judge {
    struct record record;
    size_t wanted;
};

static bool hang_on_some(void *context, const struct probe_result *result)
{
    struct judge *judge = context;
    record_ended(&judge->record, result);
    return record_count(&judge->record) < judge->wanted;
}

/* As long as a verdict hangs on it, and no longer. */
static void what_hangs_is_checked_again_soon(void **state)
{
    (void)state;
    enum { WANTED = 4 };
    struct judge judge = {.wanted = WANTED};
    struct server s;
    struct prober *prober;
    assert_true(server_listen(&s, AF_INET, 0, 1));
    uint16_t port = s.port;
    server_close(&s);
    struct probe_target target = target_at(PROBE_HTTP, port, 1);
    target.interval_ms = LONG;
    target.recheck_ms = 50;
    record_init(&judge.record);
    assert_int_equal(prober_open(&(struct probe_hooks){.context = &judge, .ended = hang_on_some}, &prober),
                     0);
    prober_set_targets(prober, 1, &target, 1);
    record_wait(&judge.record, 1, 0, 0, WANTED - 1);
    nap_ms(200);
    prober_close(prober);
    assert_int_equal(judge.record.count, WANTED);
    record_fini(&judge.record);
}

static void limits_make_checks_wait(void **state)
{
    (void)state;
    enum { COUNT = 6 };
    static const struct probe_limits limits[] = {{.in_flight = 2}, {.per_address = 2}};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        struct record r;
        struct server s;
        struct probe_target targets[COUNT];
        assert_true(server_listen(&s, AF_INET, 0, 4096));
        for (uint32_t i = 0; i < COUNT; i++) {
            targets[i] = target_at(PROBE_HTTP, s.port, i + 1);
            targets[i].timeout_ms = SHORT + i;
        }
        struct prober *prober = open_prober(&r);
        prober_set_limits(prober, &limits[k]);
        prober_set_targets(prober, 1, targets, COUNT);
        struct probe_stats stats;
        for (uint32_t round = 0; round < 3; round++) {
            for (uint32_t i = 0; i < COUNT; i++) {
                assert_int_equal(record_wait(&r, 1, i, 0, round).outcome, HEALTH_OUTCOME_TIMEOUT);
                prober_get_stats(prober, &stats);
                assert_true(stats.in_flight <= 2);
            }
        }
        uint64_t late = 0;
        for (int i = 4; i < PROBE_LATE_BUCKETS; i++) { /* by more than 10 ms */
            late += stats.late[i];
        }
        assert_true(late != 0);
        prober_set_limits(prober, &(struct probe_limits){.in_flight = 0});
        wait_for_in_flight(prober, COUNT);
        prober_close(prober);
        record_fini(&r);
        server_close(&s);
    }
}

static struct probe_aim aim_at(uint32_t target, const char *address)
{
    struct probe_aim aim = {.target = target, .address_count = 1};
    assert_int_equal(addr_parse(address, &aim.addresses[0]), 0);
    return aim;
}

/* Who waits for an address need not wait for it any more when he has another one; nor who stands behind him.
 */
static void lines_follow_addresses(void **state)
{
    (void)state;
    enum { COUNT = 3 };
    struct record r;
    struct server s;
    struct addr address;
    struct probe_target targets[COUNT];
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    assert_int_equal(addr_parse("127.0.0.1", &address), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_HTTP, s.port, i + 1);
        targets[i].in_turn = true;
        targets[i].addresses = &address;
        targets[i].address_count = 1;
        targets[i].timeout_ms = LONG;
    }
    struct prober *prober = open_prober(&r);
    prober_set_limits(prober, &(struct probe_limits){.per_address = 1});
    prober_set_targets(prober, 1, targets, COUNT);
    wait_for_in_flight(prober, 1);
    nap_ms(100); /* the others stand in line */
    const struct probe_aim second = aim_at(1, "127.0.0.98"), first = aim_at(0, "127.0.0.99");
    prober_aim(prober, 1, &second, 1);
    assert_int_equal(record_wait(&r, 1, 1, 0, 1).outcome, HEALTH_OUTCOME_REFUSED);
    prober_aim(prober, 1, &first, 1);
    assert_int_equal(record_wait(&r, 1, 0, 0, 1).outcome, HEALTH_OUTCOME_REFUSED);
    struct probe_stats stats;
    do { /* the third one is under way now */
        nap_ms(1);
        prober_get_stats(prober, &stats);
    } while (stats.started != stats.ended[HEALTH_OUTCOME_REFUSED] + 2 || stats.in_flight != 1);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_targets_share_a_check),
        cmocka_unit_test(what_hangs_is_checked_again_soon),
        cmocka_unit_test(limits_make_checks_wait),
        cmocka_unit_test(lines_follow_addresses),
    };
    return cmocka_run_group_tests_name("probe_pace", tests, NULL, NULL);
}

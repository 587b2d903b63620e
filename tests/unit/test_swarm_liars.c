/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of how nodes come by blocks though one of them says and sends what it likes. */
#include "config.h"

#include "unit.h"

#include "cluster/swarm.h"

/* Neither what it was not asked for, nor what was asked of it before it was lost. */
static void what_nobody_asked_for_is_let_go(void **state)
{
    (void)state;
    struct swarm_ask ask;
    struct swarm *swarm = swarm_new(1, 1);
    swarm_come(swarm, 0);
    swarm_come(swarm, 1);
    assert_false(swarm_hear_block(swarm, 0, 0, 0));
    swarm_hear_has(swarm, 0, 0, 1);
    swarm_hear_has(swarm, 1, 0, 1);
    assert_true(swarm_next(swarm, 0, &ask));
    unsigned first = ask.peer, second = 1 - first;
    assert_false(swarm_hear_block(swarm, second, 0, 0));
    assert_int_equal(swarm_follow_time(swarm, SWARM_SILENT_MS), 2 * SWARM_SILENT_MS);
    assert_true(swarm_next(swarm, SWARM_SILENT_MS, &ask));
    assert_int_equal(ask.peer, second);
    assert_true(swarm_hear_block(swarm, first, 0, SWARM_SILENT_MS)); /* late, but asked for */
    swarm_lose(swarm, 0, 0);
    assert_false(swarm_hear_block(swarm, second, 0, SWARM_SILENT_MS)); /* of the time before */
    swarm_free(swarm);
}

/* It is no answer. */
static void who_says_other_things_is_silent(void **state)
{
    (void)state;
    struct swarm_ask ask;
    struct swarm *swarm = swarm_new(64, 1);
    swarm_come(swarm, 0);
    swarm_come(swarm, 1);
    swarm_hear_has(swarm, 0, 0, 32);
    swarm_hear_has(swarm, 1, 0, 32);
    while (swarm_next(swarm, 0, &ask)) {
    }
    assert_int_equal(swarm_count_asked(swarm), 2 * SWARM_ASKED_MAX);
    for (int64_t now_ms = 0; now_ms < SWARM_SILENT_MS; now_ms += 1000) {
        (void)swarm_hear_block(swarm, 0, 63, now_ms);
        swarm_hear_none(swarm, 1, 62, false, now_ms);
    }
    (void)swarm_follow_time(swarm, SWARM_SILENT_MS);
    assert_int_equal(swarm_count_asked(swarm), 0);
    swarm_free(swarm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_asked_for_is_let_go),
        cmocka_unit_test(who_says_other_things_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "unit.h"

#include "admin/precedence.h"

#include <stdio.h>

static struct addr at(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, &addr), 0);
    return addr;
}

/* How many of `count` that come at once go first. */
static int take(struct precedence *precedence, const char *from, int count, int64_t now_ms)
{
    struct addr addr = at(from);
    int first = 0;
    for (int i = 0; i < count; i++) {
        first += precedence_take(precedence, &addr, now_ms);
    }
    return first;
}

static void strangers_share(void **state)
{
    (void)state;
    struct precedence precedence;
    precedence_init(&precedence);
    assert_int_equal(take(&precedence, "192.0.2.1", PRECEDENCE_BURST - 1, 1000), PRECEDENCE_BURST - 1);
    assert_int_equal(take(&precedence, "2001:db8::1", 100, 1000), 1);
    assert_int_equal(take(&precedence, "192.0.2.1", 100, 1000 + PRECEDENCE_MS - 1), 0);
    assert_int_equal(take(&precedence, "192.0.2.1", 100, 1000 + PRECEDENCE_MS), 1);
    assert_int_equal(take(&precedence, "192.0.2.1", 100, 1000 + 4 * PRECEDENCE_MS), 3);
    assert_int_equal(take(&precedence, "192.0.2.1", 100, 3600000), PRECEDENCE_BURST);
}

static void who_is_known_has_his_own(void **state)
{
    (void)state;
    struct precedence precedence;
    precedence_init(&precedence);
    struct addr friend = at("198.51.100.7");
    precedence_learn(&precedence, &friend, 1000);
    assert_int_equal(take(&precedence, "192.0.2.1", 1000, 2000), PRECEDENCE_BURST);
    assert_int_equal(take(&precedence, "198.51.100.7", PRECEDENCE_BURST, 2000), PRECEDENCE_BURST);
    assert_int_equal(take(&precedence, "198.51.100.7", 1, 2000), 0); /* a crowd beside him, too */
    precedence_learn(&precedence, &friend, 2000);                    /* is no new one */
    assert_int_equal(take(&precedence, "198.51.100.7", 1, 2000), 0);
    assert_int_equal(take(&precedence, "198.51.100.8", 1, 2000), 0);
}

static void who_has_not_come_for_longest_gives_way(void **state)
{
    (void)state;
    struct precedence precedence;
    char text[32];
    precedence_init(&precedence);
    for (int i = 0; i <= PRECEDENCE_KNOWN_MAX; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        struct addr addr = at(text), first = at("198.51.100.0");
        precedence_learn(&precedence, &addr, 1000 + 2 * i);
        precedence_learn(&precedence, &first, 1001 + 2 * i);
    }
    assert_int_equal(take(&precedence, "192.0.2.1", 1000, 2000), PRECEDENCE_BURST);
    assert_int_equal(take(&precedence, "198.51.100.0", 1, 2000), 1);
    assert_int_equal(take(&precedence, "198.51.100.1", 1, 2000), 0);
    assert_int_equal(take(&precedence, "198.51.100.2", 1, 2000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_share),
        cmocka_unit_test(who_is_known_has_his_own),
        cmocka_unit_test(who_has_not_come_for_longest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

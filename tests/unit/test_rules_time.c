/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Freeze windows in virtual time, also in the nights in which clocks are set. */
#include "config.h"

#include "unit.h"

#include "base/clock.h"
#include "base/tzif.h"
#include "operate/rules_time.h"

/* By the clocks of a place, over midnight, and through the nights in which they are set. */
static void windows_follow_the_clocks(void **state)
{
    (void)state;
    char why[TZIF_WHY_SIZE];
    struct arena *arena = arena_new(0);
    const struct tzif *berlin = tzif_load(NULL, "Europe/Berlin", arena, why);
    if (berlin == NULL) {
        arena_free(arena);
        skip();
    }
    struct conf_freeze freezes[] = {
        {.is_weekly = true, .days = 1 << 4, .from_s = 16 * 3600, .to_s = 86400, .zone = berlin},
        {.is_weekly = true, .days = 1 << 5, .from_s = 23 * 3600, .to_s = 2 * 3600 + 1800, .zone = berlin},
        {.is_weekly = true, .days = 1 << 6, .from_s = 2 * 3600, .to_s = 3 * 3600, .zone = berlin},
    };
    static const struct {
        const char *time;
        bool friday, saturday, sunday;
    } cases[] = {
        {"2026-11-20T14:59:59Z", false, false, false},
        {"2026-11-20T15:00:00Z", true, false, false},
        {"2026-11-20T22:59:59Z", true, false, false},
        {"2026-11-20T23:00:00Z", false, false, false},
        {"2026-07-03T13:59:59Z", false, false, false},
        {"2026-07-03T14:00:00Z", true, false, false},
        /* 29 March: from 01:59:59 to 03:00:00 */
        {"2026-03-28T21:59:59Z", false, false, false},
        {"2026-03-28T22:00:00Z", false, true, false},
        {"2026-03-29T00:59:59Z", false, true, false},
        {"2026-03-29T01:00:00Z", false, false, false},
        /* 25 October: 02:00 to 03:00 twice */
        {"2026-10-24T23:59:59Z", false, true, false},
        {"2026-10-25T00:00:00Z", false, true, true},
        {"2026-10-25T00:30:00Z", false, false, true},
        {"2026-10-25T01:00:00Z", false, true, true},
        {"2026-10-25T01:29:59Z", false, true, true},
        {"2026-10-25T01:30:00Z", false, false, true},
        {"2026-10-25T02:00:00Z", false, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool wanted[] = {cases[i].friday, cases[i].saturday, cases[i].sunday};
        int64_t wall_ms;
        assert_int_equal(clock_parse_rfc3339(cases[i].time, &wall_ms), 0);
        for (size_t j = 0; j < 3; j++) {
            const struct conf_rule rule = {.freezes = &freezes[j], .freeze_count = 1};
            if (rules_are_frozen(&rule, wall_ms) != wanted[j]) {
                fail_msg("%s, window %zu", cases[i].time, j);
            }
        }
    }
    const struct conf_rule all = {.freezes = freezes, .freeze_count = 3};
    int64_t thaw_ms, wall_ms;
    clock_parse_rfc3339("2026-10-24T21:30:30Z", &wall_ms);
    clock_parse_rfc3339("2026-10-25T02:00:00Z", &thaw_ms);
    assert_int_equal(rules_find_thaw(&all, wall_ms), thaw_ms);
    freezes[0] = (struct conf_freeze){.is_weekly = true, .days = 127, .to_s = 86400, .zone = berlin};
    assert_int_equal(rules_find_thaw(&all, wall_ms), 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_follow_the_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

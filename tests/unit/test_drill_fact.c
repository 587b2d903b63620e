/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are over, as objects of the store. */
#include "config.h"

#include "unit.h"

#include "daemon/drill_fact.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static void everything_comes_back(void **state)
{
    const struct drill_fact full = {.id = "20261124T021800Z-r1",
                                    .at_ms = 1795233906789,
                                    .schedule = "monthly",
                                    .actor = "alice",
                                    .peer = "uid:1000(alice)",
                                    .reason = "because",
                                    .outcome = DRILL_MISSED,
                                    .figures = {.mode = "simulate",
                                                .name = "loss of region:us-east",
                                                .has_report = true,
                                                .why = "too slow",
                                                .detection_ms = 3000,
                                                .decision_ms = 7000,
                                                .ttl_ms = 30000,
                                                .recovery_ms = 37000,
                                                .rto_ms = -1,
                                                .failed_share = 0.25,
                                                .capacity_use = -1,
                                                .answers = 7,
                                                .changed = 6,
                                                .unserved = 5,
                                                .held = 4,
                                                .to_lost = 3,
                                                .late = 2},
                                    .octets = 4711};
    struct drill_fact again;
    const char *why;
    char *text = drill_fact_write(&full);
    (void)state;
    assert_int_equal(drill_fact_read(full.id, text, &again, &why), 0);
    assert_null(why);
    assert_memory_equal(&again, &full, sizeof full);
    free(text);
    text = drill_fact_write_shown(&full);
    assert_non_null(strstr(text, "\"id\":\"20261124T021800Z-r1\""));
    assert_non_null(strstr(text, "\"rto_ms\":null"));
    assert_non_null(strstr(text, "\"capacity_use\":null"));
    free(text);
}

static void what_contradicts_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"time\": \"2026-11-24T02:18:00Z\"}",
        "{\"time\": 7, \"outcome\": \"met\"}",
        "{\"time\": \"2026-11-24T02:18:00Z\", \"outcome\": \"good\"}",
        "{\"time\": \"2026-11-24T02:18:00Z\", \"outcome\": \"met\", \"rto_ms\": -1}",
        "{\"time\": \"2026-11-24T02:18:00Z\", \"outcome\": \"met\", \"failed_share\": \"1\"}",
        "{\"time\": \"2026-11-24T02:18:00Z\", \"outcome\": \"met\", \"mode\": \"a mode that is too long\"}",
    };
    struct drill_fact fact;
    const char *why;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(drill_fact_read("d", bad[i], &fact, &why), ERROR_SYNTAX);
        assert_non_null(why);
    }
    assert_int_equal(
        drill_fact_read("d", "{\"time\": \"2026-11-24T02:18:00Z\", \"outcome\": \"met\", \"later\": 1}",
                        &fact, &why),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),
        cmocka_unit_test(what_contradicts_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

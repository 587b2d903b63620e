/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what ends a drill that everybody sees. */
#include "config.h"

#include "unit.h"

#include "drill/abort.h"

#include <string.h>

static const struct drill_limits strict = {.capacity = 95},
                                 lenient = {.capacity = 100, .allows_unserved = true},
                                 patient = {.capacity = 100, .recovery_ms = 5000};

static const char *judge(const struct drill_limits *limits, struct drill_sight sight, const char *tells)
{
    char why[DRILL_WHY_SIZE] = "";
    const char *because = drill_find_abort(limits, &sight, why);
    assert_non_null(strstr(why, tells));
    assert_true((because == NULL) == (why[0] == '\0'));
    return because;
}

static void it_goes_on(void **state)
{
    (void)state;
    assert_null(judge(&strict, (struct drill_sight){.load = 0}, ""));
    assert_null(judge(&strict, (struct drill_sight){.unserved = 3, .unserved_before = 3}, ""));
    assert_null(judge(&lenient, (struct drill_sight){.unserved = 3}, ""));
    assert_null(judge(&lenient, (struct drill_sight){.misled = 2, .misled_ms = 5000}, ""));
    assert_null(judge(&patient, (struct drill_sight){.misled = 2, .misled_ms = 4999}, ""));
    assert_null(judge(&patient, (struct drill_sight){.misled_ms = 9000}, ""));
    assert_null(
        judge(&strict, (struct drill_sight){.fullest_kind = "region", .fullest = "eu", .load = 0.949}, ""));
    assert_null(
        judge(&lenient, (struct drill_sight){.fullest_kind = "region", .fullest = "eu", .load = 0.99}, ""));
}

static void it_ends(void **state)
{
    (void)state;
    const struct drill_sight full = {.fullest_kind = "endpoint", .fullest = "web-a", .load = 0.95};
    assert_string_equal(judge(&strict, full, "endpoint:web-a reports a load of 95 %"), "capacity");
    assert_string_equal(
        judge(&strict, (struct drill_sight){.unserved = 4, .unserved_before = 3}, "4 answers"), "unserved");
    assert_string_equal(judge(&lenient, (struct drill_sight){.rule = "room"}, "\"room\""), "rule");
    assert_string_equal(judge(&lenient, (struct drill_sight){.moved = "www.example."}, "www.example. must"),
                        "moved");
    assert_string_equal(judge(&patient, (struct drill_sight){.misled = 2, .misled_ms = 5000}, "after 5.0 s"),
                        "recovery");
    assert_string_equal(
        judge(&lenient,
              (struct drill_sight){
                  .incident = "i1", .incident_target = "region:eu", .rule = "room", .unserved = 9},
              "region:eu is lost"),
        "incident");
}

static void requests_that_fail_end_it(void **state)
{
    (void)state;
    const struct drill_limits limits = {.capacity = 100, .errors = 0.02};
    struct drill_sight sight = {.failing_kind = "region", .failing = "eu", .errors = 0.02};
    assert_null(judge(&limits, sight, ""));
    sight.errors = 0.021;
    assert_string_equal(judge(&limits, sight, "2.1 % of the requests of region:eu fail, 2 % may"), "errors");
    assert_null(judge(&lenient, sight, ""));
    sight.errors = -1;
    assert_string_equal(judge(&limits, sight, "nobody reports the failed requests of region:eu"), "errors");
    assert_null(judge(&lenient, sight, ""));
    assert_null(judge(&limits, (struct drill_sight){.errors = -1}, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_goes_on),
        cmocka_unit_test(it_ends),
        cmocka_unit_test(requests_that_fail_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

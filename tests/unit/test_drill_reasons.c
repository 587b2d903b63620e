/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Why a drill failed, from reports made by hand. */
#include "config.h"

#include "unit.h"

#include "drill/reasons.h"

#include <string.h>

static const struct drill_name names[] = {
    {.name = "a.example.",
     .type = "A",
     .class_label = "default",
     .ttl = 30,
     .changes = true,
     .unserved = true},
    {.name = "b.example.",
     .type = "HTTPS",
     .class_label = "geo[0]",
     .ttl = 60,
     .changes = true,
     .to_lost = 0.5},
    {.name = "c.example.", .type = "A", .class_label = "default", .ttl = 300, .unserved = true},
    {.name = "d.example.", .type = "A", .class_label = "default", .ttl = 300, .unserved = true},
    {.name = "e.example.", .type = "A", .class_label = "default", .ttl = 300, .unserved = true},
};

static struct drill_report make_report(void)
{
    return (struct drill_report){.names = names,
                                 .name_count = 5,
                                 .changed_count = 2,
                                 .detection_ms = 2300,
                                 .decision_ms = 6300,
                                 .ttl_ms = 60000,
                                 .common_decision_ms = 6300,
                                 .common_ttl_ms = 60000,
                                 .recovery_ms = 66300};
}

static void assert_reasons(struct drill_report *report, const char *first, const char *second)
{
    struct arena *arena = arena_new(0);
    drill_find_reasons(report, arena);
    assert_int_equal(report->reason_count, (first != NULL) + (second != NULL));
    if (first != NULL) {
        assert_string_equal(report->reasons[0], first);
    }
    if (second != NULL) {
        assert_string_equal(report->reasons[1], second);
    }
    arena_free(arena);
}

static void a_drill_that_ends_well_has_none(void **state)
{
    (void)state;
    struct drill_report report = make_report();
    assert_reasons(&report, NULL, NULL);
    report.rto_ms = 66300;
    assert_reasons(&report, NULL, NULL);
}

static void a_missed_objective_says_what_takes_so_long(void **state)
{
    (void)state;
    struct drill_report report = make_report();
    report.rto_ms = 10000;
    report.decider = (struct drill_decider){"web-1", 3, 2000, 300, 0, -1};
    assert_reasons(&report,
                   "recovery 66.3 s misses the RTO of 10.0 s: decision 6.3 s (3 checks of web-1, one every "
                   "2.0 s, and a timeout of 300 ms) + TTL 60.0 s (b.example.)",
                   NULL);
    report.decider = (struct drill_decider){"web-1", 3, 2000, 0, 200, -1};
    assert_reasons(&report,
                   "recovery 66.3 s misses the RTO of 10.0 s: decision 6.3 s (3 checks of web-1, one every "
                   "2.0 s and after failures every 200 ms) + TTL 60.0 s (b.example.)",
                   NULL);
    report.decider = (struct drill_decider){"web-1", 1, 2000, 0, 0, -1};
    assert_reasons(&report,
                   "recovery 66.3 s misses the RTO of 10.0 s: decision 6.3 s (1 check of web-1, one every "
                   "2.0 s) + TTL 60.0 s (b.example.)",
                   NULL);
    report.decider.endpoint = NULL; /* an override that ended */
    assert_reasons(
        &report, "recovery 66.3 s misses the RTO of 10.0 s: decision 6.3 s + TTL 60.0 s (b.example.)", NULL);
}

static void what_has_an_objective_of_its_own_does_not_go_by_that_of_all(void **state)
{
    (void)state;
    struct drill_report report = make_report();
    struct drill_name own[5];
    memcpy(own, names, sizeof own);
    own[0].rto_ms = 20000;
    own[0].rto_of = "the pair us to eu";
    own[1].rto_ms = 100000;
    own[1].rto_of = "the name";
    own[0].late = true;
    own[0].ttl = 30;
    own[0].decided_ms = 6300;
    report.names = own;
    report.rto_ms = 10000;
    report.late_count = 1;
    report.common_decision_ms = -1; /* none of the others changes */
    report.common_ttl_ms = 0;
    assert_reasons(
        &report,
        "1 answer misses the RTO of the pair us to eu: a.example. A (default) takes 36.3 s, of 20.0 s", NULL);
    own[1].late = true; /* by much of its own */
    own[1].decided_ms = 60000;
    report.late_count = 2;
    assert_reasons(
        &report,
        "1 answer misses the RTO of the pair us to eu: a.example. A (default) takes 36.3 s, of 20.0 s",
        "1 answer misses the RTO of the name: b.example. HTTPS (geo[0]) takes 120.0 s, of 100.0 s");
}

static void names_are_told(void **state)
{
    (void)state;
    struct drill_report report = make_report();
    report.unserved_count = 4;
    report.to_lost_count = 1;
    assert_reasons(&report,
                   "4 answers have nothing healthy left: a.example. A (default), c.example. A (default), "
                   "d.example. A (default) and 1 more",
                   "1 answer still leads to what is lost: b.example. HTTPS (geo[0])");
    report.unserved_count = 0;
    report.detection_ms = -1;
    assert_reasons(
        &report,
        "1 answer still leads to what is lost: b.example. HTTPS (geo[0]); nothing that is lost has a "
        "check that could still notice",
        NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drill_that_ends_well_has_none),
        cmocka_unit_test(a_missed_objective_says_what_takes_so_long),
        cmocka_unit_test(what_has_an_objective_of_its_own_does_not_go_by_that_of_all),
        cmocka_unit_test(names_are_told),
    };
    return cmocka_run_group_tests_name("drill reasons", tests, NULL, NULL);
}

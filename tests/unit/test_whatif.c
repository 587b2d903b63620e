/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Assumptions and what-if reports on real views: what is assumed is what an override would do, the view that
 * serves does not notice, and reports say who moves, who gets too much and who gets nothing. */
#include "config.h"

#include "operate_world.h"
#include "unit.h"

#include "base/error.h"
#include "operate/whatif.h"

#include <stdlib.h>
#include <string.h>

static const char topology[] =
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}},"
    " \"ap\": {\"azs\": {\"ap-1\": {}}}},"
    " \"checks\": {\"web\": {\"type\": \"tcp\", \"port\": 80, \"fall\": 1, \"rise\": 1}},"
    " \"endpoints\": {"
    "  \"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\", \"2001:db8::1\"], \"capacity\": 900,"
    "          \"checks\": [\"web\"]},"
    "  \"b\": {\"az\": \"us-2\", \"addresses\": [\"192.0.2.2\", \"2001:db8::2\"], \"capacity\": 900},"
    "  \"c\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.3\", \"2001:db8::3\"], \"capacity\": 1000},"
    "  \"d\": {\"az\": \"ap-1\", \"addresses\": [\"192.0.2.4\"]}}}";
static const char policy[] =
    "{\"names\": {"
    " \"www\": {\"endpoints\": [\"a\", \"b\", \"c\"], \"tiers\": [[\"us\"], [\"eu\"]], \"fallback\": "
    "\"static\","
    "  \"geo\": [{\"when\": {\"cidr\": [\"198.51.100.0/24\"]}, \"tiers\": [[\"eu\"], [\"us\"]]}]},"
    " \"web\": {\"endpoints\": [\"a\", \"b\", \"c\"], \"tiers\": [[\"us\"], [\"eu\"]], \"fallback\": "
    "\"static\","
    "  \"geo\": [{\"when\": {\"cidr\": [\"198.51.100.0/24\"]}, \"tiers\": [[\"eu\"], [\"us\"]]}]},"
    " \"api\": {\"endpoints\": [\"a\", \"b\"], \"fallback\": \"nodata\"},"
    " \"any\": {\"endpoints\": [\"a\", \"b\"], \"fallback\": \"all\"},"
    " \"mail\": {\"endpoints\": [\"a\"], \"fallback\": \"servfail\"},"
    " \"far\": {\"endpoints\": [\"d\"]}}}";

static int open_world(void **state)
{
    return world_open(state, topology, policy);
}

/* A copy of the view with what the texts assume; to be freed. */
static struct view *assume(struct world *w, const char *const *texts, size_t count)
{
    struct view *copy = view_copy(w->view, WORLD_WALL_MS, NULL);
    struct operate_assumption parsed[8];
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(operate_parse_assumption(copy, texts[i], &parsed[i]), 0);
    }
    operate_assume(copy, parsed, count, WORLD_WALL_MS);
    return copy;
}

/* What the question says besides, or all of it. */
static struct operate_report report_if(struct world *w, const char *text, struct operate_what_if question)
{
    struct operate_report report;
    question.view[0] = assume(w, NULL, 0);
    question.view[1] = assume(w, &text, text == NULL ? 0 : 1);
    question.assumed = &text;
    question.assumed_count = text == NULL ? 0 : 1;
    question.wall_ms = WORLD_WALL_MS;
    question.limit = question.limit == 0 ? 100 : question.limit;
    assert_int_equal(operate_report_what_if(&question, w->arena, &report), 0);
    view_free((struct view *)(uintptr_t)question.view[0]);
    view_free((struct view *)(uintptr_t)question.view[1]);
    return report;
}

static const struct operate_what_if all = {.policy = -1};

static const struct operate_row *find_row(const struct operate_report *report, const char *name,
                                          const char *class_label, const char *type)
{
    for (size_t i = 0; i < report->row_count; i++) {
        const struct operate_row *row = &report->rows[i];
        bool has_name = false, has_type = false;
        for (size_t n = 0; n < row->name_listed; n++) {
            has_name |= strcmp(row->names[n], name) == 0;
        }
        for (size_t t = 0; row->types[t] != NULL; t++) {
            has_type |= strcmp(row->types[t], type) == 0;
        }
        if (has_name && has_type && strcmp(row->class_label, class_label) == 0) {
            return row;
        }
    }
    fail_msg("no row of %s %s, class %s", name, type, class_label);
    return NULL;
}

static const struct operate_place *find_place(const struct operate_places *places, const char *name)
{
    for (size_t i = 0; i < places->count; i++) {
        const char *found = places->items[i].name;
        if (found == name || (found != NULL && name != NULL && strcmp(found, name) == 0)) {
            return &places->items[i];
        }
    }
    fail_msg("no place %s", name == NULL ? "(nowhere)" : name);
    return NULL;
}

static void assert_near(double found, double expected)
{
    if (found < expected - 1e-6 || found > expected + 1e-6) {
        fail_msg("found %g, expected %g", found, expected);
    }
}

/* ---- assumptions ---- */

static void assumptions_are_parsed(void **state)
{
    struct world *w = *state;
    struct operate_assumption parsed;
    static const struct {
        const char *text, *back;
    } good[] = {{"region:us=down", "region:us=down"},
                {"az:us-2=up", "az:us-2=up"},
                {"endpoint:a=drained", "endpoint:a=drain"},
                {"region:us=drain:20", "region:us=drain:20"},
                {"endpoint:a=auto", "endpoint:a=auto"}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(operate_parse_assumption(w->view, good[i].text, &parsed), 0);
        assert_string_equal(operate_write_assumption(w->view, &parsed, w->arena), good[i].back);
    }
    static const char *const bad[] = {"",
                                      "=",
                                      "region:us",
                                      "region:us=",
                                      "us=down",
                                      "zone:us=down",
                                      "region:us=off",
                                      "region:=down",
                                      "region:us=drain:",
                                      "region:us=drain:0",
                                      "region:us=drain:100",
                                      "region:us=drain:2x",
                                      "region:us=drain:-5",
                                      "region:us=down:20",
                                      "region:us=drain:99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(operate_parse_assumption(w->view, bad[i], &parsed), ERROR_SYNTAX);
    }
    assert_int_equal(operate_parse_assumption(w->view, "region:mars=down", &parsed), ERROR_NOT_FOUND);
}

static void what_serves_does_not_notice(void **state)
{
    struct world *w = *state;
    uint64_t generation = atomic_load(&w->view->table->generation);
    static const char *const texts[] = {"region:us=down", "endpoint:c=drain", "region:us=drain"};
    struct view *copy = assume(w, texts, 3);
    struct operate_target target;
    operate_get_target(copy, HEALTH_ENDPOINT, "a", w->arena, &target);
    assert_int_equal(target.status.effective.state, HEALTH_DRAINED); /* the later one holds */
    operate_get_target(w->view, HEALTH_ENDPOINT, "a", w->arena, &target);
    assert_int_equal(target.status.effective.state, HEALTH_UNKNOWN);
    assert_null(health_get_override(w->view->health, HEALTH_REGION, 0));
    view_free(copy);
    report_if(w, "region:us=down", all);
    assert_int_equal(atomic_load(&w->view->table->generation), generation);
}

/* What was overridden and observed before holds on the copy, too. */
static void copies_know_what_is(void **state)
{
    struct world *w = *state;
    struct operate_target target;
    world_observe(w, "a", HEALTH_OUTCOME_REFUSED);
    assert_int_equal(world_put(w, HEALTH_REGION, "eu", HEALTH_DESIRED_DRAIN, 0), 0);
    struct view *copy = assume(w, NULL, 0);
    operate_get_target(copy, HEALTH_ENDPOINT, "a", w->arena, &target);
    assert_int_equal(target.status.effective.decided_by, HEALTH_BY_REGION_LOST); /* b is not checked */
    operate_get_target(copy, HEALTH_REGION, "eu", w->arena, &target);
    assert_string_equal(target.override->actor, "tester");
    view_free(copy);
    static const char *const text = "region:eu=auto";
    copy = assume(w, &text, 1);
    operate_get_target(copy, HEALTH_REGION, "eu", w->arena, &target);
    assert_null(target.override);
    view_free(copy);
}

/* ---- reports ---- */

static void nothing_assumed_changes_nothing(void **state)
{
    struct operate_report report = report_if(*state, NULL, all);
    assert_int_equal(report.names, 6);
    assert_int_equal(report.names_changed, 0);
    assert_int_equal(report.rows_total, report.rows_by_severity[OPERATE_UNCHANGED]);
    assert_null(report.next_cursor);
    world_assert_text(report.steps, report.step_count, "nothing is assumed");
}

static void names_of_one_policy_are_one_row(void **state)
{
    struct operate_report report = report_if(*state, "region:us=down", all);
    const struct operate_row *row = find_row(&report, "www.example.com.", "default", "AAAA");
    assert_int_equal(row->name_count, 2); /* web.example.com. says the same */
    assert_ptr_equal(row, find_row(&report, "web.example.com.", "default", "A"));
    assert_string_equal(row->side[0].answer, "tier us");
    assert_string_equal(row->side[1].answer, "tier eu");
    assert_true(row->changed);
    row = find_row(&report, "www.example.com.", "geo[0]", "A");
    assert_false(row->changed);
    assert_int_equal(row->severity, OPERATE_UNCHANGED);
}

static void the_worst_comes_first(void **state)
{
    struct operate_report report = report_if(*state, "region:us=down", all);
    for (size_t i = 1; i < report.row_count; i++) {
        assert_true(report.rows[i - 1].severity <= report.rows[i].severity);
    }
    assert_int_equal(find_row(&report, "api.example.com.", "default", "A")->severity, OPERATE_UNSERVED);
    assert_int_equal(find_row(&report, "any.example.com.", "default", "A")->severity, OPERATE_FALLBACK);
    assert_int_equal(find_row(&report, "www.example.com.", "default", "A")->severity, OPERATE_OVERLOADED);
    assert_int_equal(find_row(&report, "far.example.com.", "default", "A")->severity, OPERATE_UNCHANGED);
    /* all offers the same endpoints, sick or not: a fallback, but no other answer */
    assert_false(find_row(&report, "any.example.com.", "default", "A")->changed);
}

/* www has static records of A only, web of AAAA: the other has nothing to fall back to. */
static void static_records_are_looked_for(void **state)
{
    static const char *const texts[] = {"region:us=down", "region:eu=down"};
    struct world *w = *state;
    struct operate_report report;
    struct operate_what_if question = all;
    question.view[0] = assume(w, NULL, 0);
    question.view[1] = assume(w, texts, 2);
    question.limit = 100;
    question.wall_ms = WORLD_WALL_MS;
    assert_int_equal(operate_report_what_if(&question, w->arena, &report), 0);
    view_free((struct view *)(uintptr_t)question.view[0]);
    view_free((struct view *)(uintptr_t)question.view[1]);
    const struct operate_row *row = find_row(&report, "www.example.com.", "default", "A");
    assert_int_equal(row->severity, OPERATE_UNSERVED);
    assert_int_equal(row->side[1].unserved, 1); /* web.example.com. has none, www.example.com. has */
    row = find_row(&report, "www.example.com.", "default", "AAAA");
    assert_int_equal(row->side[1].unserved, 1);
    assert_string_equal(row->side[1].answer, "fallback static");
    assert_int_equal(report.names_unserved[0], 0);
    assert_int_equal(report.names_unserved[1], 4); /* www, web, api, mail; any and far are served */
}

static void loads_are_of_what_just_fits(void **state)
{
    struct operate_report report = report_if(*state, "region:us=down", all);
    const struct operate_row *row = find_row(&report, "www.example.com.", "default", "A");
    const struct operate_place *eu = find_place(&row->regions, "eu"), *us = find_place(&row->regions, "us");
    assert_near(row->side[0].carries, 1800);
    assert_near(row->side[1].carries, 1000);
    assert_near(us->load[0], 1);
    assert_near(us->share[1], 0);
    assert_near(eu->load[1], 1.8);
    assert_near(eu->capacity[1], 1000);
    assert_near(find_place(&row->endpoints, "a")->share[0], 0.5);
    assert_near(find_place(&row->azs, "us-2")->share[0], 0.5);
    row = find_row(&report, "api.example.com.", "default", "A");
    assert_near(find_place(&row->regions, NULL)->share[1], 1);
    row = find_row(&report, "far.example.com.", "default", "A"); /* no capacity */
    assert_near(row->side[0].carries, 0);
    assert_true(find_place(&row->regions, "ap")->load[1] < 0);
}

/* Six names; www and web have two classes, of which one goes to eu. */
static void the_whole_adds_up(void **state)
{
    struct operate_what_if question = all;
    question.traffic = 600;
    struct operate_report report = report_if(*state, "region:us=down", question);
    assert_near(find_place(&report.regions, "us")->share[0], 4.0 / 6);
    assert_near(find_place(&report.regions, "us")->share[1], 1.0 / 6); /* any: fallback all */
    assert_near(find_place(&report.regions, "eu")->share[0], 1.0 / 6);
    assert_near(find_place(&report.regions, "eu")->share[1], 2.0 / 6);
    assert_near(find_place(&report.regions, "ap")->share[1], 1.0 / 6);
    assert_near(find_place(&report.regions, NULL)->share[1], 2.0 / 6);
    assert_true(report.traffic_is_given);
    assert_near(find_place(&report.regions, "eu")->load[1], 600 * 2.0 / 6 / 1000);
    assert_int_equal(report.names_changed, 4);
    report = report_if(*state, "region:us=down", all);
    assert_false(report.traffic_is_given);
    assert_near(report.traffic, 900 / (2.5 / 6)); /* us-1 is full: half of four names and all of mail */
}

/* Nine of ten answers are of www, three of four of these for its first class; one is of mail. */
static void names_weigh_by_their_answers(void **state)
{
    struct world *w = *state;
    double names[16] = {0}, parts[] = {3, 1};
    const double *classes[16] = {NULL};
    assert_true(w->view->name_count <= 16 && steer_set_count(w->view->steer) <= 16);
    for (size_t i = 0; i < w->view->name_count; i++) {
        const struct view_name *name = &w->view->names[i];
        bool is_www = strcmp(name->owner, "www.example.com.") == 0;
        names[i] = is_www ? 90 : strcmp(name->owner, "mail.example.com.") == 0 ? 10 : 0;
        if (is_www) {
            classes[name->policy] = parts;
        }
    }
    struct operate_rates rates = {.names = names, .classes = classes, .all = 100};
    struct operate_what_if question = all;
    question.rates = &rates;
    struct operate_report report = report_if(w, "region:us=down", question);
    assert_true(report.is_by_rates);
    assert_near(find_place(&report.regions, "us")->share[0], .9 * .75 + .1);
    assert_near(find_place(&report.regions, "eu")->share[0], .9 * .25);
    assert_near(find_place(&report.regions, "eu")->share[1], .9);
    assert_near(find_place(&report.regions, NULL)->share[1], .1);
    assert_int_equal(report.names_changed, 4); /* whoever asks for them */
    rates.all = 0;                             /* nothing was asked: all alike */
    report = report_if(w, "region:us=down", question);
    assert_false(report.is_by_rates);
    assert_near(find_place(&report.regions, "us")->share[0], 4.0 / 6);
}

static void pages_are_the_whole(void **state)
{
    struct world *w = *state;
    struct operate_report whole = report_if(w, "region:us=down", all);
    struct operate_what_if question = all;
    size_t seen = 0;
    question.limit = 3;
    do {
        struct operate_report page = report_if(w, "region:us=down", question);
        assert_true(page.row_count <= 3);
        for (size_t i = 0; i < page.row_count; i++) {
            assert_string_equal(page.rows[i].names[0], whole.rows[seen].names[0]);
            assert_string_equal(page.rows[i].class_label, whole.rows[seen++].class_label);
        }
        question.cursor = page.next_cursor;
    } while (question.cursor != NULL);
    assert_int_equal(seen, whole.rows_total);
    static const char *const bad[] = {"", "x", "1.2.3.4", "1.2.3.4.5.6", "1.2.3.4.5x", "-1.2.3.4.5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        question.view[0] = question.view[1] = w->view;
        question.cursor = bad[i];
        assert_int_equal(operate_report_what_if(&question, w->arena, &whole), ERROR_SYNTAX);
    }
}

static void one_policy_alone(void **state)
{
    struct world *w = *state;
    struct operate_question question = {.name = "api.example.com", .type = 1, .wall_ms = WORLD_WALL_MS};
    struct operate_explanation explanation;
    assert_int_equal(operate_explain(w->view, &question, w->arena, &explanation), 0);
    struct operate_what_if what_if = {.policy = (ptrdiff_t)explanation.policy};
    struct operate_report report = report_if(w, "az:us-1=down", what_if);
    assert_int_equal(report.names, 1);
    assert_int_equal(report.rows_total, 1);
    assert_string_equal(report.rows[0].names[0], "api.example.com.");
    assert_near(find_place(&report.rows[0].azs, "us-2")->share[1], 1);
    assert_int_equal(report.rows[0].severity, OPERATE_OVERLOADED);
    what_if.policy = PTRDIFF_MAX;
    assert_int_equal(report_if(w, "az:us-1=down", what_if).rows_total, 0);
}

/* ---- the brake ---- */

#define ENDPOINT(name, az, address) "\"" name "\": {\"az\": \"" az "\", \"addresses\": [\"" address "\"]"
#define CHECKED                     ", \"checks\": [\"web\"]}"
#define BRAKED(more, d)                                                                                      \
    "{" more "\"regions\": {\"us\": {\"azs\": {\"us-1\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},"          \
    " \"checks\": {\"web\": {\"type\": \"tcp\", \"port\": 80, \"fall\": 3}},"                                \
    " \"endpoints\": {" ENDPOINT("a", "us-1", "192.0.2.1") CHECKED "," ENDPOINT("b", "us-1", "192.0.2.2")    \
        CHECKED "," ENDPOINT("c", "us-1", "192.0.2.3") CHECKED "," ENDPOINT("d", "eu-1", "192.0.2.4") d "}}"

static const char braked_policy[] =
    "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"us\"], [\"eu\"]]}}}";

static int open_braked(void **state)
{
    return world_open(state, BRAKED("", "}"), braked_policy);
}

static int open_watched(void **state)
{
    return world_open(state, BRAKED("", CHECKED), braked_policy);
}

static int open_controlled(void **state)
{
    return world_open(
        state, BRAKED("\"brake\": {\"control\": [{\"address\": \"192.0.2.53\", \"check\": \"web\"}]},", "}"),
        braked_policy);
}

static void observe_all(struct world *w)
{
    for (uint32_t i = 0; i < health_monitor_count(w->view->health); i++) {
        health_observe(w->view->health, i, HEALTH_OUTCOME_OK, WORLD_WALL_MS, 10, 0);
    }
}

static bool says(const struct operate_report *report, const char *part)
{
    bool any = false;
    for (size_t i = 0; i < report->step_count; i++) {
        any |= strstr(report->steps[i], part) != NULL;
    }
    return any;
}

/* Everything that is checked at once, and nobody speaks for steerd. */
static void the_brake_is_foreseen(void **state)
{
    struct world *w = *state;
    struct operate_report report = report_if(w, "region:us=down", all);
    assert_false(says(&report, "brake")); /* nothing is known of them yet */
    observe_all(w);
    report = report_if(w, "region:us=down", all);
    assert_true(says(&report, "the brake would hold: 3 of 3 targets over IPv4 would fail at once"));
    report = report_if(w, "endpoint:a=down", all);
    assert_false(says(&report, "brake"));
    report = report_if(w, "region:us=drain", all); /* what is drained goes on answering */
    assert_false(says(&report, "brake"));
    report = report_if(w, NULL, all);
    assert_false(says(&report, "brake"));
    struct health_brake_status status; /* and nothing has happened */
    health_get_brake(w->view->health, HEALTH_V4, &status);
    assert_int_equal(status.failing, 0);
    assert_int_equal(world_put(w, HEALTH_REGION, "us", HEALTH_DESIRED_DOWN, 0), 0);
    report = report_if(w, "az:us-1=down", all); /* it is no news */
    assert_false(says(&report, "brake"));
}

static void no_brake_is_foreseen(void **state)
{
    struct world *w = *state;
    observe_all(w);
    struct operate_report report = report_if(w, "region:us=down", all);
    assert_false(says(&report, "brake"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, world_close)
    const struct CMUnitTest tests[] = {
        TEST(assumptions_are_parsed),
        TEST(what_serves_does_not_notice),
        TEST(copies_know_what_is),
        TEST(nothing_assumed_changes_nothing),
        TEST(names_of_one_policy_are_one_row),
        TEST(the_worst_comes_first),
        TEST(static_records_are_looked_for),
        TEST(loads_are_of_what_just_fits),
        TEST(the_whole_adds_up),
        TEST(names_weigh_by_their_answers),
        TEST(pages_are_the_whole),
        TEST(one_policy_alone),
        cmocka_unit_test_setup_teardown(the_brake_is_foreseen, open_braked, world_close),
        cmocka_unit_test_setup_teardown(no_brake_is_foreseen, open_watched, world_close),
        cmocka_unit_test_setup_teardown(no_brake_is_foreseen, open_controlled, world_close),
    };
    return cmocka_run_group_tests_name("whatif", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules, on a real view: what they say now, and which an order would violate. */
#include "config.h"

#include "unit.h"

#include "operate_world.h"

#include "operate/foresee.h"
#include "operate/rules.h"

#include <stdlib.h>
#include <string.h>

/* Regions us (us-1: a, b; us-2: c), eu (eu-1: d) and ap (ap-1: e); empty, which has nobody. */
/* For people, and for what falls. */
#define RULES                                                                                                \
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}},"     \
    " \"ap\": {\"azs\": {\"ap-1\": {}}}, \"empty\": {\"azs\": {\"no-1\": {}}}},"                             \
    " \"checks\": {\"web\": {\"type\": \"tcp\", \"port\": 80, \"fall\": 1, \"rise\": 1}},"                   \
    " \"endpoints\": {"                                                                                      \
    "  \"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"], \"capacity\": 10, \"checks\": [\"web\"]},"  \
    "  \"b\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.2\"], \"capacity\": 20, \"checks\": [\"web\"]},"  \
    "  \"c\": {\"az\": \"us-2\", \"addresses\": [\"192.0.2.3\"], \"capacity\": 30, \"checks\": [\"web\"]},"  \
    "  \"d\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.4\"], \"capacity\": 20, \"checks\": [\"web\"]},"  \
    "  \"e\": {\"az\": \"ap-1\", \"addresses\": [\"192.0.2.5\"], \"capacity\": 20, \"checks\": [\"web\"]}}," \
    " \"groups\": {\"g\": [\"b\", \"d\"]},"                                                                  \
    " \"rules\": {"                                                                                          \
    "  \"two\": {\"type\": \"serving\", \"kind\": \"region\", \"at_least\": 2},"                             \
    "  \"azs\": {\"type\": \"serving\", \"kind\": \"az\", \"in\": \"us\", \"at_least\": 1},"                 \
    "  \"pair\": {\"type\": \"not_all_of\", \"targets\": [\"region:eu\", \"region:ap\"]},"                   \
    "  \"mixed\": {\"type\": \"not_all_of\", \"targets\": [\"endpoint:a\", \"group:g\"]},"                   \
    "  \"room\": {\"type\": \"capacity\", \"at_least\": \"60%\"}"

static const char topology[] =
    RULES ", "
          "  \"alone\": {\"type\": \"serving\", \"at_least\": 3, \"applies_to\": \"automatic\"},"
          "  \"lost\": {\"type\": \"lost\", \"at_most\": 0}}}";
static const char few_rules[] = RULES "}}";
static const char policy[] = "{\"names\": {\"www\": {\"endpoints\": [\"*\"]}}}";

static int open_world(void **state)
{
    return world_open(state, topology, policy);
}

static int open_few(void **state)
{
    return world_open(state, few_rules, policy);
}

static struct health_override timed(enum health_desired desired, int in_s, int until_s)
{
    return (struct health_override){.desired = desired,
                                    .starts_ms = in_s == 0 ? 0 : WORLD_WALL_MS + in_s * 1000,
                                    .expires_ms = until_s == 0 ? 0 : WORLD_WALL_MS + until_s * 1000,
                                    .reason = "test",
                                    .actor = "tester"};
}

static struct health_override partly(int share)
{
    struct health_override drain = timed(HEALTH_DESIRED_DRAIN, 0, 0);
    drain.share = (uint8_t)share;
    return drain;
}

static void plan(struct world *w, enum health_kind kind, const char *name, struct health_override what)
{
    assert_int_equal(operate_put_override(w->view, kind, name, &what, WORLD_WALL_MS), 0);
}

static struct operate_rules ask(struct world *w, enum health_kind kind, const char *name,
                                struct health_override what)
{
    struct operate_rules rules;
    struct health_spell wish, spells[64];
    size_t count = health_list_spells(w->view->health, 0, spells, 64);
    assert_int_equal(operate_find_spell(w->view,
                                        &(struct operate_wish){.kind = kind, .name = name, .override = &what},
                                        &wish),
                     0);
    operate_judge_rules(
        &(struct operate_unserved_ask){
            .view = w->view, .wish = &wish, .spells = spells, .spell_count = count, .wall_ms = WORLD_WALL_MS},
        w->arena, &rules);
    return rules;
}

/* "two room": those that are violated. */
static const char *names(struct world *w, struct operate_rules rules)
{
    const char *text = "";
    size_t count = 0;
    for (size_t i = 0; i < rules.count; i++) {
        const struct operate_rule *rule = &rules.items[i];
        assert_non_null(rule->why);
        assert_int_equal(rule->is_violated, rule->needs != NULL);
        if (rule->is_violated) {
            text = arena_print(w->arena, "%s%s%s", text, count++ == 0 ? "" : " ", rule->rule->name);
        }
    }
    assert_int_equal(count, rules.violated);
    return text;
}

static void expect(struct world *w, enum health_kind kind, const char *name, enum health_desired desired,
                   const char *violated)
{
    assert_string_equal(names(w, ask(w, kind, name, timed(desired, 0, 0))), violated);
}

static const struct operate_rule *find(struct operate_rules rules, const char *name)
{
    for (size_t i = 0; i < rules.count; i++) {
        if (strcmp(rules.items[i].rule->name, name) == 0) {
            /* cppcheck-suppress returnDanglingLifetime ; they are in the arena */
            return &rules.items[i];
        }
    }
    fail();
    return NULL;
}

static struct operate_rules look(struct world *w)
{
    struct operate_rules rules;
    struct health_spell spells[64];
    size_t count = health_list_spells(w->view->health, 0, spells, 64);
    operate_look_at_rules(
        &(struct operate_unserved_ask){
            .view = w->view, .spells = spells, .spell_count = count, .wall_ms = WORLD_WALL_MS},
        w->arena, &rules);
    return rules;
}

static void each_rule_objects(void **state)
{
    struct world *w = *state;
    const enum health_desired gone[] = {HEALTH_DESIRED_DRAIN, HEALTH_DESIRED_DOWN};
    for (int i = 0; i < 2; i++) {
        expect(w, HEALTH_REGION, "us", gone[i], "azs room");
        expect(w, HEALTH_REGION, "eu", gone[i], "");
        expect(w, HEALTH_AZ, "us-1", gone[i], "");
        expect(w, HEALTH_ENDPOINT, "c", gone[i], "");
        expect(w, HEALTH_REGION, "empty", gone[i], "");
    }
    plan(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    expect(w, HEALTH_REGION, "ap", HEALTH_DESIRED_DRAIN, "two pair");
    expect(w, HEALTH_AZ, "ap-1", HEALTH_DESIRED_DRAIN, "two pair");
    expect(w, HEALTH_ENDPOINT, "e", HEALTH_DESIRED_DRAIN, "two pair");
    expect(w, HEALTH_AZ, "us-1", HEALTH_DESIRED_DRAIN, "mixed room");
    expect(w, HEALTH_AZ, "us-2", HEALTH_DESIRED_DRAIN, "room");
}

static void words_have_figures(void **state)
{
    struct world *w = *state;
    struct operate_rules rules = ask(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    assert_int_equal(rules.count, 5); /* those that are for people */
    assert_string_equal(find(rules, "azs")->why, "0 of 2 azs of us would serve, expected at least 1");
    assert_string_equal(find(rules, "azs")->needs, "all of them serve now: there is no other az");
    assert_string_equal(find(rules, "room")->why,
                        "40.0 % of the capacity would serve (40 of 100), expected at least 60 %");
    assert_string_equal(find(rules, "room")->needs, "20 more has to serve");
    assert_string_equal(find(rules, "two")->why, "2 of 4 regions would serve (eu, ap), expected at least 2");
    assert_string_equal(find(rules, "pair")->why,
                        "2 of 2 targets would serve (region:eu, region:ap), expected at least 1");
    plan(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    rules = ask(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_DOWN, 0, 0));
    assert_string_equal(find(rules, "two")->why, "1 of 4 regions would serve (us), expected at least 2");
    assert_string_equal(find(rules, "two")->needs, "1 more has to serve: of eu, empty");
    rules = look(w);
    assert_int_equal(rules.count, 7);
    assert_string_equal(names(w, rules), "alone");
    assert_string_equal(find(rules, "alone")->why, "2 of 4 regions serve (us, ap), expected at least 3");
    assert_string_equal(find(rules, "room")->why,
                        "80.0 % of the capacity serves (80 of 100), expected at least 60 %");
    assert_string_equal(find(rules, "lost")->why,
                        "0 of 4 regions are lost by themselves, expected at most 0");
}

static void what_is_lost_is_counted(void **state)
{
    struct world *w = *state;
    world_observe(w, "d", HEALTH_OUTCOME_TIMEOUT);
    assert_string_equal(names(w, look(w)), "alone lost");
    assert_string_equal(find(look(w), "lost")->why, "1 of 4 regions is lost by itself, expected at most 0");
    assert_string_equal(find(look(w), "lost")->needs, "1 has to come back");
}

/* Who is down already is not taken away, and what gives back asks nothing. */
static void only_what_makes_it_worse_is_refused(void **state)
{
    struct world *w = *state;
    world_observe(w, "d", HEALTH_OUTCOME_TIMEOUT);
    expect(w, HEALTH_REGION, "eu", HEALTH_DESIRED_DRAIN, "");
    expect(w, HEALTH_REGION, "ap", HEALTH_DESIRED_DRAIN, "two pair");
    expect(w, HEALTH_REGION, "eu", HEALTH_DESIRED_UP, "");
    plan(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_UP, 0, 0));
    expect(w, HEALTH_REGION, "ap", HEALTH_DESIRED_DRAIN, "");
    plan(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    expect(w, HEALTH_REGION, "eu", HEALTH_DESIRED_AUTO, "two pair"); /* the end of an up */
    plan(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    expect(w, HEALTH_REGION, "us", HEALTH_DESIRED_DOWN, "");
    expect(w, HEALTH_AZ, "us-1", HEALTH_DESIRED_DRAIN, "");
    expect(w, HEALTH_REGION, "us", HEALTH_DESIRED_AUTO, "");
    expect(w, HEALTH_ENDPOINT, "a", HEALTH_DESIRED_UP, "");
}

static void plans_add_up(void **state)
{
    struct world *w = *state;
    plan(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_DRAIN, 100, 200));
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_DRAIN, 0, 100))), "");
    struct operate_rules rules = ask(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_DRAIN, 0, 101));
    assert_string_equal(names(w, rules), "two pair");
    assert_int_equal(find(rules, "two")->from_ms, WORLD_WALL_MS + 100000);
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_DRAIN, 200, 0))), "");
    rules = ask(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    assert_int_equal(find(rules, "room")->from_ms, 0);
    assert_int_equal(find(rules, "two")->from_ms, WORLD_WALL_MS + 100000);
}

/* What is asked about is that these would be all that are accepted. */
static void a_restore_is_judged_as_a_whole(void **state)
{
    struct world *w = *state;
    struct operate_rules rules;
    struct health_spell spells[8],
        after[] = {{HEALTH_REGION, 1, HEALTH_DESIRED_DRAIN, INT64_MIN, INT64_MAX, 0, 0, 0},
                   {HEALTH_REGION, 2, HEALTH_DESIRED_DRAIN, WORLD_WALL_MS + 1000, INT64_MAX, 0, 0, 0}};
    plan(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    struct operate_unserved_ask asked = {.view = w->view,
                                         .spells = spells,
                                         .spell_count = health_list_spells(w->view->health, 0, spells, 8),
                                         .after = after,
                                         .after_count = 2,
                                         .wall_ms = WORLD_WALL_MS};
    operate_judge_rules(&asked, w->arena, &rules);
    assert_string_equal(names(w, rules), "two pair");
    assert_int_equal(find(rules, "two")->from_ms, WORLD_WALL_MS + 1000);
    asked.after_count = 1;
    operate_judge_rules(&asked, w->arena, &rules);
    assert_string_equal(names(w, rules), "");
}

/* ---- data, waits, freezes ---- */

/* us to eu and ap, and back from eu; us-1 to us-2. */
static const char timed_topology[] =
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {\"replicates_to\": [\"us-2\"]}, \"us-2\": {}},"
    "  \"replicates_to\": [{\"to\": \"eu\", \"stage\": \"real_time\", \"hold\": \"0s\"}, {\"to\": \"ap\", "
    "\"hold\": \"0s\"}]},"
    " \"eu\": {\"azs\": {\"eu-1\": {}}}, \"ap\": {\"azs\": {\"ap-1\": {}}}},"
    " \"endpoints\": {"
    "  \"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"]}, \"b\": {\"az\": \"us-1\", \"addresses\": "
    "[\"192.0.2.2\"]},"
    "  \"c\": {\"az\": \"us-2\", \"addresses\": [\"192.0.2.3\"]}, \"d\": {\"az\": \"eu-1\", \"addresses\": "
    "[\"192.0.2.4\"]}, \"e\": {\"az\": \"ap-1\", \"addresses\": [\"192.0.2.5\"]}},"
    " \"objectives\": {\"rpo\": \"30s\"},"
    " \"rules\": {"
    "  \"data\": {\"type\": \"lag\", \"regions\": \"us\"},"
    "  \"any\": {\"type\": \"lag\", \"regions\": \"us\", \"stage\": \"any\"},"
    "  \"slow\": {\"type\": \"wait\", \"for\": \"10m\"},"
    "  \"once\": {\"type\": \"freeze\", \"windows\": [{\"begin\": \"1970-01-01T01:00:00Z\", \"end\": "
    "\"1970-01-01T02:00:00Z\"}]}}}";

static int open_timed(void **state)
{
    return world_open(state, timed_topology, policy);
}

static struct operate_rules ask_with_lags(struct world *w, enum health_kind kind, const char *name,
                                          struct health_override what, int64_t wall_ms)
{
    struct operate_rules rules;
    struct health_spell wish = {.index = 0}, spells[64];
    struct health_lag_status lags[8];
    size_t count = health_list_spells(w->view->health, 0, spells, 64),
           pairs = health_count_lags(w->view->health);
    for (size_t i = 0; i < pairs; i++) {
        health_get_lag(w->view->health, i, 1000, &lags[i]);
    }
    const struct operate_unserved_ask asked = {.view = w->view,
                                               .wish = name == NULL ? NULL : &wish,
                                               .spells = spells,
                                               .spell_count = count,
                                               .wall_ms = wall_ms,
                                               .lags = lags,
                                               .lag_count = pairs};
    if (name == NULL) {
        operate_look_at_rules(&asked, w->arena, &rules);
        return rules;
    }
    assert_int_equal(operate_find_spell(w->view,
                                        &(struct operate_wish){.kind = kind, .name = name, .override = &what},
                                        &wish),
                     0);
    operate_judge_rules(&asked, w->arena, &rules);
    return rules;
}

/* Pairs are us to eu, us to ap, us-1 to us-2. */
static void say_lag(struct world *w, size_t pair, double seconds, enum health_stage stage)
{
    const struct health_lag_report report = {.value = seconds, .stage = stage, .source = HEALTH_LAG_PUSHED};
    health_report_lag(w->view->health, pair, &report, WORLD_WALL_MS, 1000);
}

static void data_has_to_be_there(void **state)
{
    struct world *w = *state;
    const struct health_override drain = timed(HEALTH_DESIRED_DRAIN, 0, 0);
    const char *why;
    assert_int_equal(health_count_lags(w->view->health), 3);
    struct operate_rules rules = ask_with_lags(w, HEALTH_REGION, "us", drain, WORLD_WALL_MS);
    assert_string_equal(names(w, rules), "data any"); /* nothing is known */
    assert_string_equal(find(rules, "data")->why,
                        "how far eu lags behind us is not known; how far ap lags behind us is "
                        "not known");
    say_lag(w, 0, 3, HEALTH_STAGE_UNKNOWN);
    say_lag(w, 1, 31, HEALTH_STAGE_UNKNOWN);
    rules = ask_with_lags(w, HEALTH_REGION, "us", drain, WORLD_WALL_MS);
    assert_string_equal(names(w, rules), "data any");
    assert_string_equal(find(rules, "any")->why, "ap lags 31 s behind us, the RPO is 30s");
    say_lag(w, 1, 30, HEALTH_STAGE_FULL);
    rules = ask_with_lags(w, HEALTH_REGION, "us", drain, WORLD_WALL_MS);
    assert_string_equal(names(w, rules), "data");
    why = find(rules, "data")->why;
    assert_string_equal(why, "the copying from us to ap is at stage full, expected real_time");
    /* who would not take over does not count, … */
    plan(w, HEALTH_REGION, "ap", drain);
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "us", drain, WORLD_WALL_MS + 700000)), "");
    /* … but somebody has to */
    plan(w, HEALTH_REGION, "eu", drain);
    plan(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_AUTO, 0, 0));
    plan(w, HEALTH_REGION, "ap", drain);
    rules = ask_with_lags(w, HEALTH_REGION, "us", drain, WORLD_WALL_MS + 700000);
    assert_string_equal(names(w, rules), "data any");
    assert_string_equal(find(rules, "any")->why, "nobody who would serve has a copy of us");
    /* nothing replicates from eu; of an az its own pair counts */
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_AZ, "us-2", drain, WORLD_WALL_MS + 700000)), "");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_AZ, "us-1", drain, WORLD_WALL_MS + 700000)),
                        "data any");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_ENDPOINT, "a", drain, WORLD_WALL_MS + 700000)), "");
}

static void moves_are_apart(void **state)
{
    struct world *w = *state;
    const struct health_override drain = timed(HEALTH_DESIRED_DRAIN, 0, 0);
    struct operate_rules rules = ask_with_lags(w, HEALTH_REGION, "ap", drain, WORLD_WALL_MS);
    assert_string_equal(names(w, rules), "");
    assert_string_equal(find(rules, "slow")->why, "no region has moved yet, expected 10m between two moves");
    plan(w, HEALTH_REGION, "eu", drain);
    rules = ask_with_lags(w, HEALTH_REGION, "ap", drain, WORLD_WALL_MS + 599999);
    assert_string_equal(names(w, rules), "slow");
    assert_string_equal(find(rules, "slow")->why, "599 s since a region moved last, expected 10m");
    assert_string_equal(find(rules, "slow")->needs, "wait until 1970-01-01T00:10:05.000Z");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "ap", drain, WORLD_WALL_MS + 600000)), "");
    /* an endpoint is no move, unless it is the last one of its region */
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_ENDPOINT, "a", drain, WORLD_WALL_MS)), "");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_ENDPOINT, "e", drain, WORLD_WALL_MS)), "slow");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "eu", drain, WORLD_WALL_MS)), "");
    assert_string_equal(
        names(w, ask_with_lags(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_AUTO, 0, 0), WORLD_WALL_MS)), "");
    /* the time of the start counts */
    struct health_override later = timed(HEALTH_DESIRED_DRAIN, 600, 0);
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "ap", later, WORLD_WALL_MS)), "");
    later = timed(HEALTH_DESIRED_DRAIN, 599, 0);
    rules = ask_with_lags(w, HEALTH_REGION, "ap", later, WORLD_WALL_MS);
    assert_string_equal(names(w, rules), "slow");
    assert_int_equal(find(rules, "slow")->from_ms, WORLD_WALL_MS + 599000);
    /* and what is planned before */
    plan(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 1000, 0));
    later = timed(HEALTH_DESIRED_DRAIN, 1599, 0);
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "ap", later, WORLD_WALL_MS)), "slow");
    /* what happens later is not its doing */
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "ap", drain, WORLD_WALL_MS + 600000)), "");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, NULL, drain, WORLD_WALL_MS + 1)),
                        "data any slow");
}

static void freezes_hold(void **state)
{
    struct world *w = *state;
    const int64_t begin = 3600000, end = 7200000;
    const struct health_override drain = timed(HEALTH_DESIRED_DRAIN, 0, 0);
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "ap", drain, begin - 1)), "");
    struct operate_rules rules = ask_with_lags(w, HEALTH_REGION, "ap", drain, begin);
    assert_string_equal(names(w, rules), "once");
    assert_string_equal(find(rules, "once")->needs, "wait until 1970-01-01T02:00:00.000Z");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_ENDPOINT, "a", drain, end - 1)), "once");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_ENDPOINT, "a", drain, end)), "");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "ap", partly(1), begin)), "once");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_REGION, "us", partly(99), WORLD_WALL_MS)),
                        "data any"); /* in part, too, whoever moves needs the data */
    assert_string_equal(
        names(w, ask_with_lags(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_DRAIN, 4000, 0), WORLD_WALL_MS)),
        "once");
    plan(w, HEALTH_REGION, "ap", drain);
    assert_string_equal(
        names(w, ask_with_lags(w, HEALTH_REGION, "ap", timed(HEALTH_DESIRED_AUTO, 0, 0), begin)), "");
    assert_string_equal(names(w, ask_with_lags(w, HEALTH_ENDPOINT, "e", drain, begin)),
                        ""); /* it serves nobody */
}

/* ---- against a model that asks each endpoint ---- */

struct model {
    size_t regions, us_azs, pair, mixed, capacity;
};

static struct model take_model(const struct world *w)
{
    static const unsigned capacities[] = {10, 20, 30, 20, 20};
    struct model model = {.regions = 0};
    bool serves[5], regions[4] = {false}, azs[5] = {false};
    for (uint32_t i = 0; i < 5; i++) {
        const struct conf_endpoint *conf = &w->view->topology->endpoints[i];
        struct health_status status;
        health_get_status(w->view->health, HEALTH_ENDPOINT, i, &status);
        serves[i] = health_state_serves(status.effective.state);
        regions[conf->region] |= serves[i];
        azs[conf->az] |= serves[i];
        model.capacity += serves[i] ? capacities[i] : 0;
    }
    model.regions = (size_t)regions[0] + regions[1] + regions[2];
    model.us_azs = (size_t)azs[0] + azs[1];
    model.pair = (size_t)regions[1] + regions[2];
    model.mixed = (size_t)serves[0] + (serves[1] || serves[3]);
    return model;
}

static const char *find_violated(struct world *w, struct model before, struct model after)
{
    const struct {
        const char *name;
        size_t least, before, after;
    } rules[] = {{"two", 2, before.regions, after.regions},
                 {"azs", 1, before.us_azs, after.us_azs},
                 {"pair", 1, before.pair, after.pair},
                 {"mixed", 1, before.mixed, after.mixed},
                 {"room", 60, before.capacity, after.capacity}};
    const char *text = "";
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].after < rules[i].least && rules[i].after < rules[i].before) {
            text = arena_print(w->arena, "%s%s%s", text, text[0] == '\0' ? "" : " ", rules[i].name);
        }
    }
    return text;
}

/* Is there less for clients? */
static bool takes_away(enum health_desired before, enum health_desired after)
{
    static const int ranks[] = {[HEALTH_DESIRED_AUTO] = 1, [HEALTH_DESIRED_UP] = 2};
    return (after == HEALTH_DESIRED_AUTO || after == HEALTH_DESIRED_UP ? ranks[after] : 0) <
           (before == HEALTH_DESIRED_AUTO || before == HEALTH_DESIRED_UP ? ranks[before] : 0);
}

static void brute_force_agrees(void **state)
{
    struct world *w = *state;
    static const struct {
        enum health_kind kind;
        const char *name;
    } targets[] = {{HEALTH_REGION, "us"},  {HEALTH_REGION, "eu"},  {HEALTH_REGION, "ap"},
                   {HEALTH_AZ, "us-1"},    {HEALTH_AZ, "us-2"},    {HEALTH_AZ, "eu-1"},
                   {HEALTH_ENDPOINT, "a"}, {HEALTH_ENDPOINT, "b"}, {HEALTH_ENDPOINT, "c"},
                   {HEALTH_ENDPOINT, "d"}, {HEALTH_ENDPOINT, "e"}};
    size_t refused = 0;
    unsigned seed = 7;
    for (int round = 0; round < 4000; round++) {
        size_t number = (size_t)rand_r(&seed) % 11;
        enum health_kind kind = targets[number].kind;
        const char *name = targets[number].name, endpoint[] = {(char)('a' + rand_r(&seed) % 5), '\0'};
        enum health_desired desired = (enum health_desired)(rand_r(&seed) % 4);
        world_observe(w, endpoint, rand_r(&seed) % 3 == 0 ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK);
        ptrdiff_t index = health_find(w->view->health, kind, name);
        struct health_status was;
        health_get_status(w->view->health, kind, (uint32_t)index, &was);
        struct model before = take_model(w);
        const char *found = names(w, ask(w, kind, name, timed(desired, 0, 0)));
        plan(w, kind, name, timed(desired, 0, 0));
        const char *expected =
            takes_away(was.desired, desired) ? find_violated(w, before, take_model(w)) : "";
        assert_string_equal(found, expected);
        refused += found[0] != '\0';
    }
    assert_true(refused > 100);
}

/* ---- what falls by itself ---- */

static bool is_forbidden(const struct world *w, const char *rule, uint32_t region)
{
    ptrdiff_t guard = health_find_guard(w->view->health, rule);
    assert_true(guard >= 0);
    return health_guard_forbids(w->view->health, (size_t)guard, region, HEALTH_ANYWHERE);
}

/* A region that serves may not be left by itself if, and only if, nobody may drain it. */
static void compare_with_orders(struct world *w)
{
    static const char *const rules[] = {"two", "pair", "room"}, *const regions[] = {"us", "eu", "ap"};
    for (uint32_t region = 0; region < 3; region++) {
        struct health_status status;
        health_get_status(w->view->health, HEALTH_REGION, region, &status);
        if (!health_state_serves(status.effective.state) || status.desired != HEALTH_DESIRED_AUTO) {
            continue;
        }
        struct operate_rules judged =
            ask(w, HEALTH_REGION, regions[region], timed(HEALTH_DESIRED_DRAIN, 0, 0));
        for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
            if (is_forbidden(w, rules[i], region) != find(judged, rules[i])->is_violated) {
                fail_msg("%s, region %s: %s", rules[i], regions[region], find(judged, rules[i])->why);
            }
        }
    }
}

static void falls_are_held_as_orders_are_refused(void **state)
{
    struct world *w = *state;
    static const char *const regions[] = {"us", "eu", "ap"}, *const endpoints[] = {"abc", "d", "e"};
    unsigned seed = 11, lost = 0;
    assert_int_equal(health_find_guard(w->view->health, "azs"), -1); /* that is for orders */
    assert_int_equal(health_find_guard(w->view->health, "mixed"), -1);
    for (int round = 0; round < 2000; round++) {
        uint32_t region = (uint32_t)rand_r(&seed) % 3;
        bool is_held = is_forbidden(w, "two", region) || is_forbidden(w, "pair", region) ||
                       is_forbidden(w, "room", region);
        bool is_lost = rand_r(&seed) % 2 == 0 && !is_held; /* one that is held counts as if it served */
        for (const char *at = endpoints[region]; *at != '\0'; at++) {
            world_observe(w, (const char[]){*at, '\0'}, is_lost ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK);
        }
        if (rand_r(&seed) % 3 == 0) {
            static const enum health_desired wishes[] = {HEALTH_DESIRED_AUTO, HEALTH_DESIRED_AUTO,
                                                         HEALTH_DESIRED_DRAIN, HEALTH_DESIRED_DOWN};
            plan(w, HEALTH_REGION, regions[(region + 1) % 3], timed(wishes[rand_r(&seed) % 4], 0, 0));
        }
        compare_with_orders(w);
        lost += is_lost;
    }
    assert_true(lost > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_rule_objects, open_world, world_close),
        cmocka_unit_test_setup_teardown(words_have_figures, open_world, world_close),
        cmocka_unit_test_setup_teardown(what_is_lost_is_counted, open_world, world_close),
        cmocka_unit_test_setup_teardown(only_what_makes_it_worse_is_refused, open_world, world_close),
        cmocka_unit_test_setup_teardown(plans_add_up, open_world, world_close),
        cmocka_unit_test_setup_teardown(a_restore_is_judged_as_a_whole, open_world, world_close),
        cmocka_unit_test_setup_teardown(data_has_to_be_there, open_timed, world_close),
        cmocka_unit_test_setup_teardown(moves_are_apart, open_timed, world_close),
        cmocka_unit_test_setup_teardown(freezes_hold, open_timed, world_close),
        cmocka_unit_test_setup_teardown(falls_are_held_as_orders_are_refused, open_few, world_close),
        cmocka_unit_test_setup_teardown(brute_force_agrees, open_world, world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

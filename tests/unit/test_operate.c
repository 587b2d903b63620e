/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The operator's verbs on a real view, compiled from files that the test writes: targets, overrides, explain;
 * and replies read as hostile octets. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/random.h"
#include "operate/message.h"
#include "operate/operate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WALL_MS = 5000 };

static const char server_json[] =
    "{\"listen\": [\"127.0.0.1:5300\"], \"zones\": \"zones\", \"topology\": \"topology.json\"}";
static const char topology_json[] =
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},"
    " \"checks\": {\"web\": {\"type\": \"tcp\", \"port\": 80, \"fall\": 1, \"rise\": 1}},"
    " \"endpoints\": {"
    "  \"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\", \"2001:db8::1\"], \"weight\": 30, "
    "\"load\": {\"low\": 1, \"high\": 3}, \"checks\": [\"web\"]},"
    "  \"b\": {\"az\": \"us-2\", \"addresses\": [\"192.0.2.2\"], \"weight\": 10, \"checks\": [\"web\"]},"
    "  \"c\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.3\"], \"checks\": [\"web\"]}}}";
static const char zone_text[] = "$ORIGIN example.com.\n"
                                "@ 300 IN SOA ns1 host 7 3600 600 604800 60\n"
                                "@ 300 IN NS ns1\n"
                                "ns1 300 IN A 192.0.2.53\n"
                                "www 300 IN A 192.0.2.99\n"
                                "alias 300 IN CNAME www\n"
                                "mail 300 IN MX 10 ns1\n"
                                "text 300 IN TXT \"a\\\"b\" \"c\"\n"
                                "srv 300 IN SRV 1 2 3 ns1\n"
                                "odd 300 IN TYPE65280 \\# 2 abcd\n"
                                "sub 300 IN NS ns.sub\n"
                                "ns.sub 300 IN A 192.0.2.54\n";
static const char policy_json[] = "{\"names\": {\"www\": {\"ttl\": 20, \"endpoints\": [\"*\"], \"tiers\": "
                                  "[[\"us\"], [\"eu\"]], \"fallback\": \"static\"},"
                                  " \"*.wild\": {\"endpoints\": [\"b\"]}}}";

struct world {
    char folder[40];
    struct view *view;
    struct arena *arena;
};

static void write_file(const struct world *w, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", w->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int world_open(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    char path[128];
    snprintf(w->folder, sizeof w->folder, "/tmp/steerd-operate-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(path, sizeof path, "%s/zones", w->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(w, "steerd.json", server_json);
    write_file(w, "topology.json", topology_json);
    write_file(w, "zones/example.com.zone", zone_text);
    write_file(w, "zones/example.com.json", policy_json);
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/steerd.json", w->folder);
    w->view = view_compile(path, NULL, 1, WALL_MS, 1, report);
    report_write(report, stderr);
    assert_non_null(w->view);
    assert_int_equal(report_errors(report), 0);
    report_free(report);
    w->arena = arena_new(0);
    *state = w;
    return 0;
}

static int world_close(void **state)
{
    static const char *const files[] = {"zones/example.com.json", "zones/example.com.zone", "zones",
                                        "topology.json", "steerd.json"};
    struct world *w = *state;
    view_free(w->view);
    arena_free(w->arena);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", w->folder, files[i]);
        assert_int_equal(remove(path), 0);
    }
    assert_int_equal(rmdir(w->folder), 0);
    free(w);
    return 0;
}

/* Every monitor of an endpoint gets this result. */
static void observe(struct world *w, const char *endpoint, enum health_outcome outcome)
{
    struct health_monitor_status status;
    ptrdiff_t index = health_find(w->view->health, HEALTH_ENDPOINT, endpoint);
    assert_true(index >= 0);
    for (uint32_t i = 0; i < health_monitor_count(w->view->health); i++) {
        health_get_monitor(w->view->health, i, &status);
        if (status.endpoint == (uint32_t)index) {
            health_observe(w->view->health, i, outcome, WALL_MS, 10, 0);
        }
    }
}

static int put(struct world *w, enum health_kind kind, const char *name, enum health_desired desired,
               int64_t expires_ms)
{
    struct health_override override = {
        .desired = desired, .set_ms = WALL_MS, .expires_ms = expires_ms, .reason = "test", .actor = "tester"};
    return operate_put_override(w->view, kind, name, &override, WALL_MS);
}

/* ---- targets ---- */

static void targets_are_listed(void **state)
{
    struct world *w = *state;
    struct operate_targets targets;
    struct operate_target target;
    operate_list_targets(w->view, HEALTH_ENDPOINT, w->arena, &targets);
    assert_int_equal(targets.count, 3);
    assert_string_equal(targets.items[1].name, "b");
    assert_string_equal(targets.items[1].az, "us-2");
    assert_string_equal(targets.items[2].region, "eu");
    assert_int_equal(targets.items[0].endpoint->weight, 30);
    assert_int_equal(targets.items[0].status.observed, HEALTH_OBSERVED_UNKNOWN);
    operate_list_targets(w->view, HEALTH_AZ, w->arena, &targets);
    assert_int_equal(targets.count, 3);
    assert_null(targets.items[0].az);
    assert_string_equal(targets.items[0].region, "us");
    assert_int_equal(operate_get_target(w->view, HEALTH_REGION, "eu", w->arena, &target), 0);
    assert_null(target.region);
    assert_int_equal(target.status.members, 1);
    assert_int_equal(operate_get_target(w->view, HEALTH_REGION, "us-1", w->arena, &target), ERROR_NOT_FOUND);
}

static void targets_are_parsed(void **state)
{
    struct world *w = *state;
    enum health_kind kind;
    uint32_t index;
    assert_int_equal(operate_parse_target(w->view, "az:us-2", &kind, &index), 0);
    assert_int_equal(kind, HEALTH_AZ);
    assert_int_equal(index, 1);
    assert_int_equal(operate_parse_target(w->view, "region:us-2", &kind, &index), ERROR_NOT_FOUND);
    static const char *const bad[] = {
        "", ":", "us-2", "az:", "zone:us-2", "AZ:us-2", "averyveryverylongword:us-2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(operate_parse_target(w->view, bad[i], &kind, &index), ERROR_SYNTAX);
    }
}

static void overrides_are_put_and_removed(void **state)
{
    struct world *w = *state;
    struct operate_target target;
    assert_int_equal(put(w, HEALTH_REGION, "us", HEALTH_DESIRED_DRAIN, 0), 0);
    operate_get_target(w->view, HEALTH_ENDPOINT, "a", w->arena, &target);
    assert_int_equal(target.status.effective.state, HEALTH_DRAINED);
    assert_int_equal(target.status.effective.decided_by, HEALTH_BY_REGION_OVERRIDE);
    assert_null(target.override);
    operate_get_target(w->view, HEALTH_REGION, "us", w->arena, &target);
    assert_string_equal(target.override->reason, "test");
    assert_int_equal(put(w, HEALTH_REGION, "us", HEALTH_DESIRED_AUTO, 0), 0);
    assert_string_equal(target.override->reason, "test"); /* a copy: what was listed stays as it was */
    operate_get_target(w->view, HEALTH_REGION, "us", w->arena, &target);
    assert_null(target.override);
    assert_int_equal(put(w, HEALTH_REGION, "nowhere", HEALTH_DESIRED_DRAIN, 0), ERROR_NOT_FOUND);
    assert_int_equal(put(w, HEALTH_AZ, "us-1", HEALTH_DESIRED_DOWN, WALL_MS), ERROR_INVALID);
    assert_int_equal(put(w, HEALTH_AZ, "us-1", HEALTH_DESIRED_DOWN, WALL_MS + 1), 0);
}

/* ---- explain ---- */

static struct operate_explanation explain(struct world *w, const char *name, const char *type)
{
    struct operate_explanation explanation;
    uint16_t number;
    assert_int_equal(operate_parse_type(type, &number), 0);
    struct operate_question question = {.name = name, .type = number, .wall_ms = WALL_MS};
    assert_int_equal(operate_explain(w->view, &question, w->arena, &explanation), 0);
    return explanation;
}

static void assert_step(const struct operate_explanation *explanation, const char *part)
{
    for (size_t i = 0; i < explanation->step_count; i++) {
        if (strstr(explanation->steps[i], part) != NULL) {
            return;
        }
    }
    for (size_t i = 0; i < explanation->step_count; i++) {
        print_message("%s\n", explanation->steps[i]);
    }
    fail_msg("no step says \"%s\"", part);
}

static void steered_names_are_explained(void **state)
{
    struct world *w = *state;
    observe(w, "b", HEALTH_OUTCOME_REFUSED);
    struct operate_explanation e = explain(w, "WWW.example.com", "A");
    assert_string_equal(e.zone, "example.com.");
    assert_true(e.steered);
    assert_string_equal(e.steered_name, "www.example.com.");
    assert_string_equal(e.source, "tier");
    assert_int_equal(e.ttl, 20);
    assert_int_equal(e.answer_count, 1);
    assert_string_equal(strchr(e.answers[0], ' '), " 20 IN A 192.0.2.1");
    assert_int_equal(e.tier_count, 2);
    assert_true(e.tiers[0].selected);
    assert_int_equal(e.tiers[0].serving, 1);
    assert_int_equal(e.tiers[0].members, 2);
    assert_false(e.tiers[1].considered);
    assert_int_equal(e.member_count, 3);
    assert_true(e.members[0].odds == 1 && e.members[0].chosen);
    assert_false(e.members[1].chosen);
    assert_string_equal(e.members[2].tier, "eu");
    assert_step(&e, "b is excluded: unhealthy, decided by az_lost");
    assert_step(&e, "tier us serves: 1 of its 2 members may");
    assert_step(&e, "tier eu is not needed");
}

static void failover_is_explained(void **state)
{
    struct world *w = *state;
    observe(w, "a", HEALTH_OUTCOME_TIMEOUT);
    observe(w, "b", HEALTH_OUTCOME_REFUSED);
    struct operate_explanation e = explain(w, "www.example.com.", "A");
    assert_string_equal(e.answers[0], "www.example.com. 20 IN A 192.0.2.3");
    assert_true(e.tiers[1].selected);
    assert_step(&e, "tier us does not serve");
    assert_step(&e, "a is excluded: unhealthy, decided by region_lost");
    assert_int_equal(put(w, HEALTH_REGION, "eu", HEALTH_DESIRED_DRAIN, 0), 0);
    e = explain(w, "www.example.com.", "A");
    assert_string_equal(e.source, "static");
    assert_string_equal(e.answers[0], "www.example.com. 300 IN A 192.0.2.99");
    assert_int_equal(e.ttl, 300);
    assert_step(&e, "c is excluded: drained, decided by region_override");
    assert_step(&e, "fallback static");
}

static void weights_become_odds(void **state)
{
    struct world *w = *state;
    struct operate_explanation e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].odds > 0.749 && e.members[0].odds < 0.751);
    assert_true(e.members[1].odds > 0.249 && e.members[1].odds < 0.251);
    e = explain(w, "www.example.com.", "AAAA"); /* a only */
    assert_true(e.members[0].odds == 1);
    assert_null(e.members[1].address);
    assert_step(&e, "b is excluded: it has no AAAA address");
}

static void push(struct world *w, const char *endpoint, double load, int64_t wall_ms)
{
    struct health_load_report report = {.load = load, .source = HEALTH_LOAD_PUSHED, .actor = "test"};
    assert_int_equal(operate_put_load(w->view, endpoint, &report, wall_ms), 0);
}

static void load_is_explained(void **state)
{
    struct world *w = *state;
    double shed;
    struct health_load_report none = {.source = HEALTH_LOAD_NONE};
    assert_int_equal(operate_foresee_shed(w->view, "a", 2, &shed), 0);
    assert_true(shed == 0.5);
    push(w, "a", 2, WALL_MS);
    struct operate_explanation e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].weight == 30 && e.members[0].shed == 0.5 && e.members[0].counts == 15);
    assert_true(e.members[0].odds == 0.6 && e.members[1].odds == 0.4 && e.members[1].counts == 10);
    assert_true(e.tiers[0].healthy == 1 &&
                e.tiers[0].available == 0.75); /* by number: there is no capacity */
    assert_step(&e, "a sheds 50 % of its weight, load being above 1: 15 of 30 count");
    push(w, "a", 3, WALL_MS + HEALTH_SHED_PACE_MS);
    e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].odds == 0 && e.members[0].counts == 0 && !e.members[0].chosen);
    assert_step(&e, "a sheds 100 % of its weight, load being above 1: it is left out");
    e = explain(w, "www.example.com.", "AAAA"); /* nobody else has such an address */
    assert_true(e.members[0].odds == 1 && e.members[0].counts == 30 && e.answer_count == 1);
    assert_step(&e, "ignored, since nobody else could serve for it");
    assert_int_equal(operate_put_load(w->view, "a", &none, WALL_MS + 2 * HEALTH_SHED_PACE_MS), 0);
    e = explain(w, "www.example.com.", "A");
    assert_true(e.members[0].odds == 0.75);
    assert_int_equal(operate_put_load(w->view, "x", &none, WALL_MS), ERROR_NOT_FOUND);
    assert_int_equal(operate_foresee_shed(w->view, "x", 1, &shed), ERROR_NOT_FOUND);
}

static void chains_and_wildcards_are_explained(void **state)
{
    struct world *w = *state;
    struct operate_explanation e = explain(w, "alias.example.com.", "A");
    assert_string_equal(e.name, "alias.example.com.");
    assert_string_equal(e.steered_name, "www.example.com.");
    assert_int_equal(e.answer_count, 2);
    assert_string_equal(e.answers[0], "alias.example.com. 300 IN CNAME www.example.com.");
    assert_step(&e, "1 CNAME record leads to www.example.com.");
    e = explain(w, "x.y.wild.example.com.", "A");
    assert_string_equal(e.steered_name, "*.wild.example.com.");
    assert_string_equal(e.answers[0], "x.y.wild.example.com. 30 IN A 192.0.2.2");
    e = explain(w, "x.wild.example.com.", "AAAA");
    assert_false(e.steered);
    assert_string_equal(e.steered_name, "*.wild.example.com.");
    assert_int_equal(e.answer_count, 0);
    assert_step(&e, "none of its endpoints has an address");
}

static void plain_answers_are_explained(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *name, *type, *rcode, *answer, *step;
    } cases[] = {
        {"mail.example.com.", "MX", "NOERROR", "mail.example.com. 300 IN MX 10 ns1.example.com.",
         "not steered"},
        {"text.example.com.", "TXT", "NOERROR", "text.example.com. 300 IN TXT \"a\\\"b\" \"c\"",
         "not steered"},
        {"srv.example.com.", "SRV", "NOERROR", "srv.example.com. 300 IN SRV 1 2 3 ns1.example.com.",
         "not steered"},
        {"odd.example.com.", "TYPE65280", "NOERROR", "odd.example.com. 300 IN TYPE65280 \\# 2 ABCD",
         "not steered"},
        {"mail.example.com.", "A", "NOERROR", NULL, "has no A records"},
        {"nx.example.com.", "A", "NXDOMAIN", NULL, "no such name"},
        {"a.sub.example.com.", "A", "NOERROR", NULL, "delegation sub.example.com."},
        {"example.org.", "A", "REFUSED", NULL, "no zone of ours"},
        {".", "NS", "REFUSED", NULL, "no zone of ours"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct operate_explanation e = explain(w, cases[i].name, cases[i].type);
        assert_string_equal(e.rcode, cases[i].rcode);
        assert_false(e.steered);
        assert_step(&e, cases[i].step);
        assert_int_equal(e.answer_count, cases[i].answer != NULL);
        if (cases[i].answer != NULL) {
            assert_string_equal(e.answers[0], cases[i].answer);
        }
    }
    struct operate_explanation e;
    static const char *const bad[] = {
        "..", "a..b", "@", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg.example."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct operate_question question = {.name = bad[i], .type = 1};
        assert_int_equal(operate_explain(w->view, &question, w->arena, &e), ERROR_SYNTAX);
    }
}

/* ---- replies ---- */

static void odd_replies_are_read_to_their_end(void **state)
{
    struct world *w = *state;
    static const uint8_t loop[] = {0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0xc0, 12, 0, 1, 0, 1};
    static const uint8_t liar[] = {0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0,
                                   1, 0, 1, 0, 0, 0, 9, 0, 5, 1, 2, 3, 4, 5};
    struct message_text text;
    message_read(loop, sizeof loop, w->arena, &text);
    assert_int_equal(text.answer_count, 0);
    message_read(liar, sizeof liar, w->arena, &text);
    assert_int_equal(text.answer_count, 0);
    message_read(NULL, 0, w->arena, &text);
    assert_int_equal(text.answer_count, 0);
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 20000; round++) { /* answers of a shape that gets far, with random octets */
        uint8_t bytes[96];
        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] =
                (uint8_t)(random_below(&random, 4) == 0 ? random_next(&random) : random_below(&random, 20));
        }
        memcpy(bytes, (const uint8_t[]){0, 0, 0, 0, 0, 1, 0, 4, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0xc0, 12}, 19);
        message_read(bytes, 12 + random_below(&random, sizeof bytes - 12), w->arena, &text);
        assert_true(text.answer_count <= 4);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
    const struct CMUnitTest tests[] = {
        TEST(targets_are_listed),
        TEST(targets_are_parsed),
        TEST(overrides_are_put_and_removed),
        TEST(steered_names_are_explained),
        TEST(failover_is_explained),
        TEST(weights_become_odds),
        TEST(load_is_explained),
        TEST(chains_and_wildcards_are_explained),
        TEST(plain_answers_are_explained),
        TEST(odd_replies_are_read_to_their_end),
    };
    return cmocka_run_group_tests_name("operate", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See operate_world.h. */
#include "config.h"

#include "operate_world.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
                                "web 300 IN AAAA 2001:db8::99\n"
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

static void write_file(const struct world *w, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", w->folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

int world_open(void **state, const char *topology, const char *policy)
{
    struct world *w = calloc(1, sizeof *w);
    char path[128];
    snprintf(w->folder, sizeof w->folder, "/tmp/steerd-operate-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(path, sizeof path, "%s/zones", w->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    write_file(w, "steerd.json", server_json);
    write_file(w, "topology.json", topology == NULL ? topology_json : topology);
    write_file(w, "zones/example.com.zone", zone_text);
    write_file(w, "zones/example.com.json", policy == NULL ? policy_json : policy);
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/steerd.json", w->folder);
    w->view = view_compile(path, NULL, 1, WORLD_WALL_MS, 1, report);
    report_write(report, stderr);
    assert_non_null(w->view);
    assert_int_equal(report_errors(report), 0);
    report_free(report);
    w->arena = arena_new(0);
    *state = w;
    return 0;
}

int world_close(void **state)
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

void world_observe(struct world *w, const char *endpoint, enum health_outcome outcome)
{
    struct health_monitor_status status;
    ptrdiff_t index = health_find(w->view->health, HEALTH_ENDPOINT, endpoint);
    assert_true(index >= 0);
    for (uint32_t i = 0; i < health_monitor_count(w->view->health); i++) {
        health_get_monitor(w->view->health, i, &status);
        if (status.endpoint == (uint32_t)index) {
            health_observe(w->view->health, i, outcome, WORLD_WALL_MS, 10, 0);
        }
    }
}

int world_put(struct world *w, enum health_kind kind, const char *name, enum health_desired desired,
              int64_t expires_ms)
{
    struct health_override override = {.desired = desired,
                                       .set_ms = WORLD_WALL_MS,
                                       .expires_ms = expires_ms,
                                       .reason = "test",
                                       .actor = "tester"};
    return operate_put_override(w->view, kind, name, &override, WORLD_WALL_MS);
}

void world_assert_text(const char *const *steps, size_t count, const char *part)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(steps[i], part) != NULL) {
            return;
        }
    }
    for (size_t i = 0; i < count; i++) {
        print_message("%s\n", steps[i]);
    }
    fail_msg("no step says \"%s\"", part);
}

void world_assert_step(const struct operate_explanation *explanation, const char *part)
{
    world_assert_text(explanation->steps, explanation->step_count, part);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "policy_kit.h"

int policy_kit_load(void **state, const char *topology)
{
    struct report *report = report_new();
    *state = conf_parse_topology("t.json", topology, strlen(topology), report);
    report_free(report);
    return *state == NULL;
}

int policy_kit_free(void **state)
{
    conf_free_topology(*state);
    return 0;
}

struct conf_policy *parse(void **state, const char *text, struct report *report)
{
    return conf_parse_policy("p.json", "example.com.", text, strlen(text), *state, report);
}

struct conf_policy *parse_good(void **state, const char *text)
{
    static const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_policy *policy = parse(state, text, report);
    expect_report(report, nothing);
    assert_non_null(policy);
    return policy;
}

void expect_error(void **state, const char *text, const char *line)
{
    struct report *report = report_new();
    assert_null(parse(state, text, report));
    expect_line(report, line);
}

void expect_name_error(void **state, const char *members, const char *line)
{
    char text[2048];
    snprintf(text, sizeof text, "{\"names\": {\"www\":\n{%s}}}", members);
    expect_error(state, text, line);
}

void expect_web_error(void **state, const char *members, const char *line)
{
    char text[1024];
    snprintf(text, sizeof text, "\"endpoints\": \"web-*\",\n%s", members);
    expect_name_error(state, text, line);
}

void assert_tier(const struct conf_tier *tier, const char *label, const char *members)
{
    char text[64] = "";
    for (size_t i = 0; i < tier->member_count; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", i == 0 ? "" : " ",
                 tier->members[i]);
    }
    assert_string_equal(tier->label, label);
    assert_string_equal(text, members);
}

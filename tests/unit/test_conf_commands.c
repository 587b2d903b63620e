/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Commands and files of a configuration: which changes need the role admin. */
#include "config.h"

#include "test_conf.h"

#include "conf/commands.h"
#include "conf/server.h"
#include "conf/webhooks.h"
#include "exec/ask.h"

#define RUN  "\"run\": {\"type\": \"exec\", \"command\": [\"/bin/true\"]}"
#define LATE "\"run\": {\"type\": \"exec\", \"command\": [\"/bin/true\"], \"interval\": \"7s\"}"
#define TCP  "\"run\": {\"type\": \"tcp\", \"port\": 80}"
#define FILE "\"name\": {\"type\": \"file\", \"file\": \"/etc/hostname\"}"

#define NEW_RUN "t.json: error: found a new exec check, which only the role admin may bring (at $.checks.run)"
#define NEW_FILE                                                                                             \
    "t.json: error: found a new file check, which only the role admin may bring (at $.checks.name)"
#define NEW_HOOK "steerd.json: error: found a new hook, which only the role admin may bring (at $.hooks.page)"

static struct conf_topology *parse(const char *checks)
{
    char text[512];
    struct report *report = report_new();
    snprintf(text, sizeof text,
             "{\"regions\": {\"us\": {\"azs\": {\"u1\": {}}}}, \"endpoints\": {\"a\": {\"az\": \"u1\", "
             "\"addresses\": [\"192.0.2.1\"]}}, \"checks\": {%s}}",
             checks);
    struct conf_topology *topology = conf_parse_topology("t.json", text, strlen(text), report);
    assert_non_null(topology);
    assert_int_equal(report_errors(report), 0);
    report_free(report);
    return topology;
}

struct case_of {
    const char *before, *next; /* before NULL: there was none */
    const char *lines[3];      /* what is told; none: an editor may do it */
};

static const struct case_of cases[] = {
    {NULL, TCP, {NULL}},    {NULL, RUN, {NEW_RUN}}, {NULL, RUN ", " FILE, {NEW_RUN, NEW_FILE}},
    {TCP, RUN, {NEW_RUN}},  {RUN, RUN, {NULL}},     {RUN, RUN ", " FILE, {NEW_FILE}},
    {RUN, LATE, {NEW_RUN}}, {RUN, TCP, {NULL}},     {RUN ", " FILE, FILE, {NULL}},
};

static void checks_that_are_new_need_an_admin(void **state)
{
    static const char *const nothing[] = {NULL};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int role = ROLE_NONE; role <= ROLE_ADMIN; role++) {
            const struct case_of *change = &cases[i];
            struct report *report = report_new();
            struct conf_topology *before = change->before == NULL ? NULL : parse(change->before),
                                 *next = parse(change->next);
            const struct commands_place from = {.topology = before}, to = {.topology = next};
            bool may = role == ROLE_NONE || role == ROLE_ADMIN || change->lines[0] == NULL;
            assert_int_equal(commands_find_lacking(&from, &to, (enum role)role, report),
                             may ? ROLE_NONE : ROLE_ADMIN);
            expect_report(report, may ? nothing : change->lines);
            conf_free_topology(before);
            conf_free_topology(next);
        }
    }
}

static void hooks_are_what_they_run(void **state)
{
    (void)state;
    const char *const page[] = {"/bin/page", "-v"}, *const other[] = {"/bin/page", "-q"};
    const struct exec_ask asks[] = {{.words = page, .word_count = 2}, {.words = other, .word_count = 2}};
    struct conf_hook was = {.name = "old", .ask = &asks[0]}, is = {.name = "page", .ask = &asks[0]};
    const struct conf_server before = {.hooks = &was, .hook_count = 1},
                             next = {.hooks = &is, .hook_count = 1}, none = {.hook_count = 0};
    const struct commands_place from = {.server = &before}, to = {.server = &next},
                                nothing = {.server = &none};
    struct report *report = report_new();
    assert_int_equal(commands_find_lacking(&from, &to, ROLE_OPERATOR, report), ROLE_NONE);
    assert_int_equal(commands_find_lacking(&from, &nothing, ROLE_OPERATOR, report), ROLE_NONE);
    is.ask = &asks[1];
    assert_int_equal(commands_find_lacking(&from, &to, ROLE_NONE, report), ROLE_NONE);
    assert_int_equal(report_errors(report), 0);
    assert_int_equal(commands_find_lacking(&from, &to, ROLE_OPERATOR, report), ROLE_ADMIN);
    assert_int_equal(commands_find_lacking(&nothing, &to, ROLE_EDITOR, report), ROLE_ADMIN);
    expect_report(report, (const char *const[]){NEW_HOOK, NEW_HOOK, NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_that_are_new_need_an_admin),
        cmocka_unit_test(hooks_are_what_they_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

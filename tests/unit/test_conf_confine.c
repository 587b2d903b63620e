/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "confine" of steerd.json as it is read before anything else: from whatever there is, without a word. */
#include "config.h"

#include "test_conf.h"

#include "conf/confine.h"

#include <stdlib.h>
#include <unistd.h>

#define PATH "test_conf_confine.json"

static struct conf_server *read_text(const char *text)
{
    FILE *file = fopen(PATH, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    struct conf_server *server = conf_read_early(PATH);
    assert_int_equal(unlink(PATH), 0);
    return server;
}

/* In this order; NULL ends them. */
static void expect_folders(const struct conf_server *server, const char *const *folders)
{
    size_t count = 0;
    for (; folders[count] != NULL; count++) {
        assert_true(count < server->confine.write_count);
        assert_string_equal(server->confine.write[count], folders[count]);
    }
    assert_int_equal(server->confine.write_count, count);
}

static void all_of_it_is_on(void **state)
{
    (void)state;
    struct conf_server *server = read_text("{}");
    assert_null(server->confine.user);
    assert_true(server->confine.dns_threads && server->confine.no_new_privileges && server->confine.files);
    expect_folders(server, (const char *const[]){NULL});
    conf_free_server(server);
}

static void folders_are_those_that_are_written_to(void **state)
{
    (void)state;
    struct conf_server *server = read_text(
        "{\"state\": \"var\", \"admin\": {\"socket\": \"/run/steerd/s\"}, \"dnstap\": {\"file\": \"/x\"}, "
        "\"query_log\": {\"file\": \"log/q\"}, \"confine\": {\"user\": \"u\", \"write\": [\"/a\", \"b\"]}}");
    assert_string_equal(server->confine.user, "u");
    assert_string_equal(server->state_path, "var");
    expect_folders(server, (const char *const[]){"/a", "b", "var", "/run/steerd", "/", "log", NULL});
    conf_free_server(server);
    server = read_text("{\"admin\": {\"socket\": \"s\"}, \"confine\": {\"write\": \"/a\"}}");
    expect_folders(server, (const char *const[]){"/a", ".", NULL});
    conf_free_server(server);
}

static void what_is_off_takes_its_own_along(void **state)
{
    (void)state;
    struct conf_server *server = read_text("{\"confine\": {\"no_new_privileges\": false}}");
    assert_false(server->confine.no_new_privileges || server->confine.files);
    conf_free_server(server);
    server = read_text("{\"confine\": {\"files\": false}}");
    assert_true(server->confine.no_new_privileges && !server->confine.files);
    conf_free_server(server);
}

/* Of all that somebody else tells. */
static void broken_documents_are_no_reason_to_fail(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"confine\": 5}", "{\"state\": 5, \"admin\": [], \"dnstap\": \"x\", \"query_log\": null}",
        "{\"confine\": {\"write\": {\"a\": 1}, \"user\": 7, \"files\": \"x\"}}",
        "{\"confine\": {\"write\": [1, \"\", null]}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct conf_server *server = read_text(texts[i]);
        assert_non_null(server);
        assert_null(server->confine.user);
        assert_int_equal(server->confine.write_count, 0);
        conf_free_server(server);
    }
    assert_null(read_text("[]"));
    assert_null(read_text("{"));
    assert_null(conf_read_early("/nonexistent/steerd.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_on),
        cmocka_unit_test(folders_are_those_that_are_written_to),
        cmocka_unit_test(what_is_off_takes_its_own_along),
        cmocka_unit_test(broken_documents_are_no_reason_to_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

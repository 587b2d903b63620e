/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The page has the report in it, whatever that says, and asks nobody for anything. How it looks is tested in
 * a browser. */
#include "config.h"

#include "unit.h"

#include "page/page.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char opening[] = "<script type=\"application/json\" id=\"report\">";

static size_t count(const char *text, const char *part)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        found++;
    }
    return found;
}

/* As a browser finds it: until the script ends. */
static json_t *read_back(const char *page)
{
    const char *begin = strstr(page, opening);
    assert_non_null(begin);
    begin += sizeof opening - 1;
    const char *end = strstr(begin, "</script");
    assert_non_null(end);
    json_error_t error;
    return json_loadb(begin, (size_t)(end - begin), 0, &error);
}

static void the_report_is_in_it(void **state)
{
    (void)state;
    static const char *const texts[] = {"plain",    "</script><script>alert(1)</script>", "<!-- <script>",
                                        "@REPORT@", "\"quoted\" \\ & \xe2\x80\xa8 \n",    ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_t *report = json_pack("{s:s, s:[s, s]}", "name", texts[i], "reasons", texts[i], "b"), *found;
        char *json = json_dumps(report, JSON_INDENT(2)), *page = page_write(json);
        found = read_back(page);
        assert_non_null(found);
        assert_true(json_equal(found, report));
        assert_int_equal(count(page, "<script"), 2);
        assert_int_equal(count(page, "</script"), 2);
        assert_int_equal(strncmp(page, "<!DOCTYPE html>", 15), 0);
        assert_non_null(strstr(page, "</html>"));
        json_decref(found);
        json_decref(report);
        free(json);
        free(page);
    }
}

static void it_asks_no_network(void **state)
{
    (void)state;
    char *page = page_write("{}");
    assert_non_null(strstr(page, "default-src 'none'"));
    assert_int_equal(count(page, "://"), count(page, "http://www.w3.org/2000/svg")); /* a name, not a place */
    assert_int_equal(count(page, "src=") + count(page, "@import") + count(page, "url("), 0);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_is_in_it),
        cmocka_unit_test(it_asks_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void a_large_report_is_cut(void **state)
{
    (void)state;
    enum { COUNT = 3000, WIDTH = 2000 };
    json_t *answers = json_array();
    for (int i = 0; i < COUNT; i++) {
        json_array_append_new(answers, json_pack("{s:s, s:i, s:o}", "name", "n", "course", i % 3, "long",
                                                 json_sprintf("%*d", WIDTH, i)));
    }
    json_t *report = json_pack("{s:o, s:[[{s:i}], [{s:i}], [{s:i}]], s:[]}", "answers", answers, "courses",
                               "at_ms", 0, "at_ms", 7, "at_ms", 0, "timeline");
    char *json = json_dumps(report, 0), *page = page_write(json);
    json_t *found = read_back(page), *counts = json_object_get(found, "course_answers");
    assert_int_equal(json_array_size(json_object_get(found, "answers")), 2000);
    assert_int_equal(json_integer_value(json_object_get(found, "answers_left_out")), 1000);
    assert_int_equal(json_integer_value(json_object_get(found, "timeline_left_out")), 0);
    assert_int_equal(json_array_size(json_object_get(found, "courses")), 2);
    assert_int_equal(json_integer_value(json_array_get(counts, 0)), 2000);
    assert_int_equal(json_integer_value(json_array_get(counts, 1)), 1000);
    json_decref(found);
    json_decref(report);
    free(page);
    free(json);
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
        cmocka_unit_test(a_large_report_is_cut),
        cmocka_unit_test(it_asks_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The page has the report in it, whatever that says, and asks nobody for anything. How it looks is tested in
 * a browser. */
#include "config.h"

#include "unit.h"

#include "page/compare.h"
#include "page/kept.h"
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

/* ---- reports that are kept ---- */

static json_t *make_report(int answers)
{
    json_t *list = json_array(), *seconds = json_array();
    for (int i = 0; i < answers; i++) {
        json_array_append_new(list, json_pack("{s:s, s:i}", "name", "www.example.com.", "course", 0));
        json_array_append_new(seconds, json_real(0.25));
    }
    return json_pack(
        "{s:s, s:[s], s:i, s:i, s:i, s:i, s:b, s:[s], s:o, s:[], s:[[]], s:{s:f, s:[{s:f}, {s:f}], s:o}}",
        "mode", "simulate", "lost", "region:us-east", "answers_total", answers, "recovery_ms", 37000,
        "rto_ms", 60000, "detection_ms", 3000, "failed", 1, "reasons", "too slow", "answers", list,
        "timeline", "courses", "users", "failed_share", 0.5, "capacities", "use", 0.5, "use", 1.5,
        "by_second", seconds);
}

static json_t *keep(const json_t *report, size_t most, struct page_figures *figures)
{
    char *json = json_dumps(report, 0), *kept = page_keep(json, most, figures);
    json_t *found = kept == NULL ? NULL : json_loads(kept, 0, NULL);
    assert_true(kept == NULL || (found != NULL && strlen(kept) <= most));
    free(kept);
    free(json);
    return found;
}

static void a_report_is_kept_with_its_figures(void **state)
{
    struct page_figures figures;
    json_t *report = make_report(3), *kept = keep(report, 100000, &figures);
    (void)state;
    assert_non_null(kept);
    assert_string_equal(figures.mode, "simulate");
    assert_string_equal(figures.name, "loss of region:us-east");
    assert_string_equal(figures.why, "too slow");
    assert_true(figures.has_report && !figures.is_met);
    assert_int_equal(figures.recovery_ms, 37000);
    assert_int_equal(figures.rto_ms, 60000);
    assert_int_equal(figures.decision_ms, -1);
    assert_int_equal(figures.answers, 3);
    assert_true(figures.failed_share == 0.5 && figures.capacity_use == 1.5);
    assert_int_equal(json_array_size(json_object_get(kept, "answers")), 3);
    assert_null(json_object_get(kept, "left_out"));
    json_decref(kept);
    json_decref(report);
}

static void a_long_one_is_cut_until_it_fits(void **state)
{
    struct page_figures figures;
    json_t *report = make_report(5000), *kept = keep(report, 60000, &figures);
    (void)state;
    assert_int_equal(json_array_size(json_object_get(kept, "answers")), 500);
    assert_int_equal(json_integer_value(json_object_get(kept, "answers_left_out")), 4500);
    json_decref(kept);
    kept = keep(report, 10000, &figures); /* what happens by second is longer than that */
    assert_null(json_object_get(json_object_get(kept, "users"), "by_second"));
    assert_int_equal(json_integer_value(json_object_get(kept, "answers_left_out")), 4980);
    assert_int_equal(json_array_size(json_object_get(kept, "left_out")), 3);
    json_decref(kept);
    assert_null(keep(report, 50, &figures));
    assert_int_equal(figures.answers, 5000);
    json_decref(report);
}

static void a_drill_has_its_report_in_it(void **state)
{
    struct page_figures figures;
    json_t *drill = json_pack("{s:s, s:[s, s], s:{s:i}, s:{s:i, s:i, s:b, s:[]}}", "mode", "shadow", "lose",
                              "az:a", "az:b", "measured", "detection_ms", 7, "report", "answers_total", 2,
                              "answers_unserved", 1, "meets_rto", 0, "answers");
    (void)state;
    json_t *kept = keep(drill, 10000, &figures);
    assert_string_equal(figures.name, "loss of az:a and az:b");
    assert_true(figures.has_report && !figures.is_met);
    assert_int_equal(figures.detection_ms, 7);
    assert_int_equal(figures.unserved, 1);
    assert_string_equal(figures.why, "1 answers unserved, 0 still lead to what is lost");
    json_decref(kept);
    json_object_set_new(drill, "report", json_null());
    kept = keep(drill, 10000, &figures);
    assert_false(figures.has_report || figures.is_met);
    json_decref(kept);
    json_decref(drill);
    assert_null(page_keep("[]", 1000, &figures));
    assert_null(page_keep("{", 1000, &figures));
}

/* ---- two of them ---- */

static json_t *make_one(int recovery_ms, double failed, bool is_met, const char *unserved)
{
    json_t *answers = json_array();
    if (unserved != NULL) {
        json_array_append_new(answers, json_pack("{s:s, s:s, s:s, s:b}", "name", unserved, "type", "A",
                                                 "class", "default", "unserved", 1));
    }
    return json_pack("{s:s, s:i, s:i, s:i, s:b, s:o, s:{s:f}, s:[]}", "mode", "simulate", "answers_total", 2,
                     "answers_unserved", unserved != NULL, "recovery_ms", recovery_ms, "failed", !is_met,
                     "answers", answers, "users", "failed_share", failed, "reasons");
}

/* Takes both. */
static json_t *compare(json_t *before, json_t *after, enum page_verdict expected)
{
    enum page_verdict verdict;
    char *a = json_dumps(before, 0), *b = json_dumps(after, 0), *text = page_compare(a, b, &verdict);
    json_t *found = text == NULL ? NULL : json_loads(text, 0, NULL);
    assert_int_equal(verdict, expected);
    assert_int_equal(json_is_true(json_object_get(found, "worse")), expected == PAGE_WORSE);
    free(a);
    free(b);
    free(text);
    json_decref(before);
    json_decref(after);
    return found;
}

static const json_t *find(const json_t *list, const char *what)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "what")), what) == 0) {
            return item;
        }
    }
    return NULL;
}

static void what_got_worse_is_told(void **state)
{
    (void)state;
    json_t *found = compare(make_one(100, 0.5, true, NULL), make_one(200, 0.25, false, "a."), PAGE_WORSE);
    const json_t *figures = json_object_get(found, "figures"), *names = json_object_get(found, "names");
    assert_true(json_is_true(json_object_get(find(figures, "objectives"), "worse")));
    assert_true(json_is_true(json_object_get(find(figures, "recovery_ms"), "worse")));
    assert_true(json_is_false(json_object_get(find(figures, "failed_share"), "worse")));
    assert_true(json_is_true(json_object_get(find(figures, "answers_unserved"), "worse")));
    assert_null(find(figures, "detection_ms"));
    const json_t *came = json_object_get(find(names, "unserved"), "came");
    assert_string_equal(json_string_value(json_array_get(came, 0)), "a. A (default)");
    json_decref(found);
    json_decref(compare(make_one(200, 0.25, false, "a."), make_one(100, 0.25, true, NULL), PAGE_BETTER));
    json_decref(compare(make_one(200, 0.25, true, NULL), make_one(200, 0.25, true, NULL), PAGE_SAME));
    json_decref(compare(make_one(200, 0.25, true, NULL), make_one(-1, 0.25, true, NULL), PAGE_SAME));
    assert_null(compare(json_object(), make_one(1, 0, true, NULL), PAGE_NO_REPORT));
    assert_null(compare(json_array(), make_one(1, 0, true, NULL), PAGE_NO_REPORT));
}

static void what_is_measured_differs_by_chance(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        json_t *before = make_one(1000, 0, true, NULL),
               *after = make_one(i == 0 ? 1090 : 1110, 0, true, NULL);
        json_object_set_new(before, "mode", json_string("shadow"));
        after =
            json_pack("{s:s, s:{s:s, s:o}}", "mode", "shadow", "report", "mode", "shadow", "report", after);
        json_decref(compare(before, after, i == 0 ? PAGE_SAME : PAGE_WORSE));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_is_in_it),
        cmocka_unit_test(a_large_report_is_cut),
        cmocka_unit_test(it_asks_no_network),
        cmocka_unit_test(a_report_is_kept_with_its_figures),
        cmocka_unit_test(a_long_one_is_cut_until_it_fits),
        cmocka_unit_test(a_drill_has_its_report_in_it),
        cmocka_unit_test(what_got_worse_is_told),
        cmocka_unit_test(what_is_measured_differs_by_chance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cut.h. Courses that are alike become one, with the number of answers that have it: so the pictures are
 * of all answers, however many the page lists. */
#include "config.h"

#include "page/cut.h"

#include "page/cut_inside.h"

#include <stdlib.h>

enum { ITEMS_MAX = 2000 };

/* It may have been cut before. */
static void cut_list(json_t *report, const char *key, const char *left_out, size_t most)
{
    json_t *list = json_object_get(report, key), *few = json_array();
    size_t count = json_array_size(list), kept = count < most ? count : most;
    json_int_t before = json_integer_value(json_object_get(report, left_out));
    for (size_t i = 0; i < kept; i++) {
        json_array_append(few, json_array_get(list, i));
    }
    json_object_set_new(report, left_out, json_integer(before + (json_int_t)(count - kept)));
    json_object_set_new(report, key, few);
}

void cut_lists(json_t *report, size_t most)
{
    cut_list(report, "answers", "answers_left_out", most);
    cut_list(report, "timeline", "timeline_left_out", most);
}

/* The number of the course that is like it, of those that are kept. */
static json_int_t keep_course(json_t *kept, json_t *numbers, json_t *course)
{
    char *text = json_dumps(course, JSON_COMPACT);
    json_t *number = json_object_get(numbers, text);
    if (number == NULL) {
        number = json_integer((json_int_t)json_array_size(kept));
        json_array_append(kept, course);
        json_object_set_new(numbers, text, number);
    }
    free(text);
    return json_integer_value(number);
}

static json_t *make_counts(size_t count)
{
    json_t *counts = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(counts, json_integer(0));
    }
    return counts;
}

void cut_merge_courses(json_t *report)
{
    json_t *courses = json_object_get(report, "courses"), *answers = json_object_get(report, "answers");
    if (!json_is_array(courses) || json_object_get(report, "course_answers") != NULL) {
        return; /* it has none, or each once already */
    }
    json_t *kept = json_array(), *numbers = json_object(), *now = json_array();
    for (size_t i = 0; i < json_array_size(courses); i++) {
        json_array_append_new(now, json_integer(keep_course(kept, numbers, json_array_get(courses, i))));
    }
    json_t *counts = make_counts(json_array_size(kept));
    for (size_t i = 0; i < json_array_size(answers); i++) {
        json_t *answer = json_array_get(answers, i);
        size_t old = (size_t)json_integer_value(json_object_get(answer, "course"));
        json_int_t number = json_integer_value(json_array_get(now, old));
        json_t *count = json_array_get(counts, (size_t)number);
        json_integer_set(count, json_integer_value(count) + 1);
        json_object_set_new(answer, "course", json_integer(number));
    }
    json_object_set_new(report, "courses", kept);
    json_object_set_new(report, "course_answers", counts);
    json_decref(numbers);
    json_decref(now);
}

char *page_cut(const char *json)
{
    json_t *report = json_loads(json, 0, NULL);
    if (report == NULL || !json_is_array(json_object_get(report, "answers"))) {
        json_decref(report);
        return NULL;
    }
    cut_merge_courses(report);
    cut_lists(report, ITEMS_MAX);
    char *few = json_dumps(report, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(report);
    return few;
}

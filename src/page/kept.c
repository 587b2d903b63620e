/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See kept.h. */
#include "config.h"

#include "page/kept.h"

#include "page/cut_inside.h"
#include "page/figures.h"

#include <stdlib.h>
#include <string.h>

static char *write_if_fits(const json_t *root, size_t most)
{
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(6));
    if (text != NULL && strlen(text) > most) {
        free(text);
        return NULL;
    }
    return text;
}

static void drop(json_t *object, const char *key, json_t *report)
{
    if (json_object_get(object, key) != NULL) {
        json_t *dropped = json_object_get(report, "left_out");
        if (dropped == NULL) {
            dropped = json_array();
            json_object_set_new(report, "left_out", dropped);
        }
        json_object_del(object, key);
        json_array_append_new(dropped, json_string(key));
    }
}

/* What is left out next: the lists to so many, then what is drawn. False: nothing more can be. */
static bool shorten(json_t *report, int step)
{
    static const size_t items[] = {2000, 500, 100, 20};
    enum { STEPS = sizeof items / sizeof *items };
    if (step < STEPS) {
        cut_lists(report, items[step]);
    } else if (step == STEPS) {
        drop(report, "courses", report);
        drop(report, "course_answers", report);
    } else if (step == STEPS + 1) {
        drop(json_object_get(report, "users"), "by_second", report);
    } else if (step == STEPS + 2) {
        drop(report, "text", report);
        drop(report, "phases", report);
        cut_lists(report, 0);
    }
    return step <= STEPS + 2;
}

char *page_keep(const char *json, size_t most, struct page_figures *figures)
{
    json_t *root = json_loads(json, 0, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return NULL;
    }
    json_t *report = figures_find_report(root);
    figures_read(root, figures);
    if (report != NULL) {
        cut_merge_courses(report);
    }
    char *text = write_if_fits(root, most);
    for (int step = 0; text == NULL && report != NULL && shorten(report, step); step++) {
        text = write_if_fits(root, most);
    }
    json_decref(root);
    return text;
}

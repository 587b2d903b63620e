/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See compare.h. */
#include "config.h"

#include "page/compare.h"

#include "page/figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LABEL_SIZE = 1400 };

enum sense { NEITHER, LESS_IS_BETTER };

struct comparison {
    json_t *figures, *names, *reasons;
    bool is_measured, worse, better, incomplete;
};

/* ---- figures ---- */

static json_t *write_number(double value, bool is_share)
{
    return value < 0 ? json_null() : is_share ? json_real(value) : json_integer((json_int_t)value);
}

static void note(struct comparison *to, bool is_worse)
{
    to->worse |= is_worse;
    to->better |= !is_worse;
}

/* -1: there is none. */
static void compare_number(struct comparison *to, const char *what, enum sense sense, double before,
                           double after, bool is_share)
{
    double least = to->is_measured && sense == LESS_IS_BETTER ? fabs(before) / 10 : 0;
    if (before == after || (before >= 0 && after >= 0 && fabs(after - before) <= least)) {
        return;
    }
    bool says = sense == LESS_IS_BETTER && before >= 0 && after >= 0;
    json_t *item = json_object();
    json_object_set_new(item, "what", json_string(what));
    json_object_set_new(item, "before", write_number(before, is_share));
    json_object_set_new(item, "after", write_number(after, is_share));
    json_object_set_new(item, "worse", says ? json_boolean(after > before) : json_null());
    json_array_append_new(to->figures, item);
    if (says) {
        note(to, after > before);
    }
}

static void compare_outcome(struct comparison *to, const struct page_figures *before,
                            const struct page_figures *after)
{
    if (before->is_met != after->is_met) {
        json_array_append_new(to->figures,
                              json_pack("{s:s, s:s, s:s, s:b}", "what", "objectives", "before",
                                        before->is_met ? "met" : "missed", "after",
                                        after->is_met ? "met" : "missed", "worse", before->is_met));
        note(to, before->is_met);
    }
}

static void compare_figures(struct comparison *to, const struct page_figures *before,
                            const struct page_figures *after)
{
    compare_outcome(to, before, after);
#define TIME(name) compare_number(to, #name, LESS_IS_BETTER, (double)before->name, (double)after->name, false)
#define COUNT(name)                                                                                          \
    compare_number(to, "answers_" #name, LESS_IS_BETTER, (double)before->name, (double)after->name, false)
    TIME(recovery_ms);
    TIME(detection_ms);
    TIME(decision_ms);
    TIME(ttl_ms);
    compare_number(to, "rto_ms", NEITHER, (double)before->rto_ms, (double)after->rto_ms, false);
    compare_number(to, "failed_share", LESS_IS_BETTER, before->failed_share, after->failed_share, true);
    compare_number(to, "capacity_use", LESS_IS_BETTER, before->capacity_use, after->capacity_use, true);
    COUNT(unserved);
    COUNT(held);
    COUNT(to_lost);
    COUNT(late);
    compare_number(to, "answers_changed", NEITHER, (double)before->changed, (double)after->changed, false);
#undef TIME
#undef COUNT
}

/* ---- names ---- */

static bool is_moved(const json_t *answer)
{
    const json_t *changes = json_object_get(answer, "changes"); /* else all that are listed do */
    return changes == NULL ? json_is_integer(json_object_get(answer, "decided_ms")) : json_is_true(changes);
}

static bool is_unserved(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "unserved"));
}

static bool is_held(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "held"));
}

static bool is_lost(const json_t *answer)
{
    return json_number_value(json_object_get(answer, "to_lost")) > 0;
}

static const char *text_of(const json_t *answer, const char *key)
{
    const char *text = json_string_value(json_object_get(answer, key));
    return text == NULL ? "?" : text;
}

/* "www.example.com. A (default)": a set, as an object. */
static json_t *list_names(const json_t *report, bool (*holds)(const json_t *answer))
{
    json_t *set = json_object();
    const json_t *answer;
    size_t i;
    json_array_foreach(json_object_get(report, "answers"), i, answer)
    {
        char label[LABEL_SIZE];
        if (holds(answer)) {
            snprintf(label, sizeof label, "%.1000s %.50s (%.250s)", text_of(answer, "name"),
                     text_of(answer, "type"), text_of(answer, "class"));
            json_object_set_new(set, label, json_true()); /* one that is no UTF-8 is left out */
        }
    }
    return set;
}

/* Of a, those that are not in b. */
static json_t *list_missing(json_t *a, const json_t *b)
{
    json_t *list = json_array(), *value;
    const char *key;
    json_object_foreach(a, key, value)
    {
        if (json_object_get(b, key) == NULL) {
            json_array_append_new(list, json_string(key));
        }
    }
    return list;
}

static void compare_names(struct comparison *to, const char *what, enum sense sense, const json_t *before,
                          const json_t *after, bool (*holds)(const json_t *answer))
{
    json_t *was = list_names(before, holds), *is = list_names(after, holds);
    json_t *came = list_missing(is, was), *went = list_missing(was, is);
    if (json_array_size(came) + json_array_size(went) != 0) {
        json_t *item = json_object();
        bool is_worse = json_array_size(came) != 0;
        json_object_set_new(item, "what", json_string(what));
        json_object_set(item, "came", came);
        json_object_set(item, "went", went);
        json_object_set_new(item, "worse", sense == NEITHER ? json_null() : json_boolean(is_worse));
        json_array_append_new(to->names, item);
        if (sense != NEITHER) {
            note(to, is_worse);
        }
    }
    json_decref(was);
    json_decref(is);
    json_decref(came);
    json_decref(went);
}

/* ---- all of it ---- */

static bool is_cut(const json_t *report)
{
    return json_integer_value(json_object_get(report, "answers_left_out")) > 0;
}

static char *write_all(struct comparison *to)
{
    json_t *root = json_object();
    json_object_set_new(root, "worse", json_boolean(to->worse));
    json_object_set_new(root, "figures", to->figures);
    json_object_set_new(root, "names", to->names);
    json_object_set_new(root, "reasons", to->reasons);
    json_object_set_new(root, "incomplete", json_boolean(to->incomplete));
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    return text;
}

static char *compare(json_t *before, json_t *after, enum page_verdict *verdict)
{
    struct page_figures was, is;
    json_t *old = figures_find_report(before), *new = figures_find_report(after);
    figures_read(before, &was);
    figures_read(after, &is);
    if (old == NULL || new == NULL) {
        *verdict = PAGE_NO_REPORT;
        return NULL;
    }
    struct comparison to = {.figures = json_array(), .names = json_array(), .reasons = json_array()};
    to.is_measured = strcmp(was.mode, "simulate") != 0 || strcmp(is.mode, "simulate") != 0;
    to.incomplete = is_cut(old) || is_cut(new);
    compare_figures(&to, &was, &is);
    compare_names(&to, "moved", NEITHER, old, new, is_moved);
    compare_names(&to, "unserved", LESS_IS_BETTER, old, new, is_unserved);
    compare_names(&to, "held", LESS_IS_BETTER, old, new, is_held);
    compare_names(&to, "to_lost", LESS_IS_BETTER, old, new, is_lost);
    const json_t *reasons = json_object_get(new, "reasons"), *reason;
    size_t i;
    json_array_foreach(reasons, i, reason)
    {
        json_array_append(to.reasons, (json_t *)(uintptr_t)reason);
    }
    *verdict = to.worse ? PAGE_WORSE : to.better ? PAGE_BETTER : PAGE_SAME;
    return write_all(&to);
}

char *page_compare(const char *before, const char *after, enum page_verdict *verdict)
{
    json_t *old = json_loads(before, 0, NULL), *new = json_loads(after, 0, NULL);
    char *text = NULL;
    *verdict = PAGE_NO_REPORT;
    if (json_is_object(old) && json_is_object(new)) {
        text = compare(old, new, verdict);
    }
    json_decref(old);
    json_decref(new);
    return text;
}

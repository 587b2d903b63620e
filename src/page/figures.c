/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See figures.h. */
#include "config.h"

#include "page/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* As it is kept a report is in what is known of the drill, and that of a drill on a server in that drill. */
json_t *figures_find_report(json_t *root)
{
    enum { DEPTH = 2 };
    for (int i = 0; i < DEPTH && json_is_object(json_object_get(root, "report")); i++) {
        root = json_object_get(root, "report");
    }
    return json_object_get(root, "answers_total") != NULL ? root : NULL;
}

static int64_t get_time(const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);
    double number = json_number_value(value);
    return json_is_number(value) && number >= 0 && number < 1e15 ? (int64_t)number : -1;
}

static int64_t get_count(const json_t *from, const char *key)
{
    int64_t count = get_time(from, key);
    return count < 0 ? 0 : count;
}

static double get_share(const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);
    double number = json_number_value(value);
    return json_is_number(value) && isfinite(number) && number >= 0 ? number : -1;
}

static double find_use(const json_t *users)
{
    const json_t *item;
    size_t i;
    double most = -1;
    json_array_foreach(json_object_get(users, "capacities"), i, item)
    {
        double use = get_share(item, "use");
        most = use > most ? use : most;
    }
    return most;
}

/* At an end of a character. */
static void copy_text(char *to, size_t size, const char *text)
{
    size_t len = text == NULL ? 0 : strlen(text);
    if (len >= size) {
        len = size - 1;
        while (len != 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    memcpy(to, text == NULL ? "" : text, len);
    to[len] = '\0';
}

static void write_name(const json_t *root, struct page_figures *figures)
{
    const char *name = json_string_value(json_object_get(root, "name"));
    const json_t *lost = json_object_get(root, "lost"), *item;
    char text[2 * PAGE_NAME_SIZE] = "";
    size_t i, used = 0;
    if (name != NULL && name[0] != '\0') {
        copy_text(figures->name, sizeof figures->name, name);
        return;
    }
    json_array_foreach(lost != NULL ? lost : json_object_get(root, "lose"), i, item)
    {
        const char *target = json_string_value(item);
        if (target != NULL && used < PAGE_NAME_SIZE) {
            int len = snprintf(text + used, sizeof text - used, "%s%.100s", used == 0 ? "loss of " : " and ",
                               target);
            used += (size_t)len;
        }
    }
    copy_text(figures->name, sizeof figures->name, used == 0 ? "drill" : text);
}

/* All objectives; of a report that does not say so by itself the RTO, and that all are served. */
static bool find_met(const json_t *report, const struct page_figures *figures)
{
    const json_t *failed = json_object_get(report, "failed");
    return json_is_boolean(failed) ? json_is_false(failed)
                                   : !json_is_false(json_object_get(report, "meets_rto")) &&
                                         figures->unserved == 0 && figures->to_lost == 0;
}

static void write_why(const json_t *report, struct page_figures *figures)
{
    const char *why = json_string_value(json_array_get(json_object_get(report, "reasons"), 0));
    char text[PAGE_WHY_SIZE] = "";
    if (figures->is_met) {
        return;
    }
    if (why == NULL && figures->recovery_ms > figures->rto_ms && figures->rto_ms >= 0) {
        snprintf(text, sizeof text, "recovery %lld ms misses the RTO of %lld ms",
                 (long long)figures->recovery_ms, (long long)figures->rto_ms);
    } else if (why == NULL) {
        snprintf(text, sizeof text, "%lld answers unserved, %lld still lead to what is lost",
                 (long long)figures->unserved, (long long)figures->to_lost);
    }
    copy_text(figures->why, sizeof figures->why, why != NULL ? why : text);
}

void figures_read(json_t *root, struct page_figures *figures)
{
    const json_t *report = figures_find_report(root), *kept = json_object_get(root, "report");
    const json_t *measured =
                     json_object_get(json_object_get(kept, "measured") != NULL ? kept : root, "measured"),
                 *users = json_object_get(report, "users");
    *figures = (struct page_figures){.has_report = report != NULL,
                                     .detection_ms = get_time(report, "detection_ms"),
                                     .decision_ms = get_time(report, "decision_ms"),
                                     .ttl_ms = get_time(report, "ttl_ms"),
                                     .recovery_ms = get_time(report, "recovery_ms"),
                                     .rto_ms = get_time(report, "rto_ms"),
                                     .failed_share = get_share(users, "failed_share"),
                                     .capacity_use = find_use(users),
                                     .answers = get_count(report, "answers_total"),
                                     .changed = get_count(report, "answers_changed"),
                                     .unserved = get_count(report, "answers_unserved"),
                                     .held = get_count(report, "answers_held"),
                                     .to_lost = get_count(report, "answers_to_lost"),
                                     .late = get_count(report, "answers_late")};
    if (figures->detection_ms < 0) {
        figures->detection_ms = get_time(measured, "detection_ms");
    }
    if (figures->decision_ms < 0) {
        figures->decision_ms = get_time(measured, "decision_ms");
    }
    copy_text(figures->mode, sizeof figures->mode, json_string_value(json_object_get(root, "mode")));
    write_name(root, figures);
    figures->is_met = report != NULL && find_met(report, figures);
    if (report != NULL) {
        write_why(report, figures);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills beside each other: two of them, and one over time. */
#include "config.h"

#include "ctl/reports.h"

#include "ctl/spark.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "base/error.h"
#include "base/file.h"
#include "page/compare.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CELL = 256, FILE_MAX = 256 << 20, NAMES_MAX = 20, BARS_MAX = 60 };

/* ---- two ---- */

static char *read_file(const char *path)
{
    struct file file = {.fd = -1};
    size_t len;
    int code = 0;
    char *text = file_read_all(path, FILE_MAX, &file, &len, &code);
    if (text == NULL) {
        fprintf(stderr, "steerctl: %s cannot be read: %s\n", path,
                file.why[0] != '\0' ? file.why : error_text(code));
    }
    return text;
}

/* A file of that name, or what the server keeps by that ID. Owned; NULL: why was said. */
static char *read_report(const struct steerctl *ctl, const char *name)
{
    struct steerctl_reply reply;
    struct buffer path;
    char *text = NULL;
    if (strchr(name, '/') != NULL || access(name, F_OK) == 0) {
        return read_file(name);
    }
    buffer_init(&path);
    buffer_add_text(&path, "/v1/drills/reports/");
    steerctl_add_encoded(&path, name);
    if (steerctl_ask(ctl, "GET", path.bytes, NULL, &reply)) {
        if (steerctl_judge(ctl, &reply) == STEERCTL_OK) {
            text = strdup(reply.body.bytes);
        }
        steerctl_reply_fini(&reply);
    }
    buffer_fini(&path);
    return text;
}

static const char *write_value(const json_t *value, const char *what, char out[CELL])
{
    bool is_time = strlen(what) > 3 && strcmp(what + strlen(what) - 3, "_ms") == 0;
    double number = json_number_value(value);
    if (json_is_string(value)) {
        snprintf(out, CELL, "%.200s", json_string_value(value));
    } else if (!json_is_number(value)) {
        snprintf(out, CELL, "none");
    } else if (is_time) {
        snprintf(out, CELL, "%.2f s", number / 1000);
    } else if (json_is_real(value)) {
        snprintf(out, CELL, "%.3g %%", number * 100);
    } else {
        snprintf(out, CELL, "%.0f", number);
    }
    return out;
}

static const char *mark(const json_t *item)
{
    const json_t *worse = json_object_get(item, "worse");
    return json_is_true(worse) ? "WORSE" : json_is_false(worse) ? "better" : "";
}

static void print_names(const json_t *names, const char *sign)
{
    const json_t *name;
    size_t i;
    char clean[2048];
    json_array_foreach(names, i, name)
    {
        if (i < NAMES_MAX) {
            printf("  %s %s\n", sign, text_clean(json_string_value(name), clean, sizeof clean));
        }
    }
    if (json_array_size(names) > NAMES_MAX) {
        printf("  %s ... and %zu more (--json has all)\n", sign, json_array_size(names) - NAMES_MAX);
    }
}

static void show_difference(const json_t *found)
{
    const json_t *item, *figures = json_object_get(found, "figures"),
                        *names = json_object_get(found, "names");
    size_t i;
    json_array_foreach(figures, i, item)
    {
        char before[CELL], after[CELL];
        const char *what = text_or_dash(text_of(item, "what"));
        printf("%-16s %s -> %s  %s\n", what, write_value(json_object_get(item, "before"), what, before),
               write_value(json_object_get(item, "after"), what, after), mark(item));
    }
    json_array_foreach(names, i, item)
    {
        printf("%s  %s\n", text_or_dash(text_of(item, "what")), mark(item));
        print_names(json_object_get(item, "came"), "+");
        print_names(json_object_get(item, "went"), "-");
    }
    if (json_array_size(figures) + json_array_size(names) == 0) {
        puts("no difference");
    }
    if (json_is_true(json_object_get(found, "incomplete"))) {
        puts("reports are cut: of names there may be more");
    }
}

static enum steerctl_exit compare(const struct steerctl *ctl)
{
    enum page_verdict verdict = PAGE_NO_REPORT;
    char *before = read_report(ctl, ctl->words[2]);
    char *after = before == NULL ? NULL : read_report(ctl, ctl->words[3]);
    char *text = after == NULL ? NULL : page_compare(before, after, &verdict);
    if (after != NULL && text == NULL) {
        fprintf(stderr, "steerctl: one of them is no report of a drill, or of one that found nothing\n");
    } else if (text != NULL && ctl->json) {
        text_put_json(text, strlen(text));
        putchar('\n');
    } else if (text != NULL) {
        json_t *found = text_read_json(text, strlen(text), true);
        show_difference(found);
        json_decref(found);
    }
    free(before);
    free(after);
    free(text);
    return (enum steerctl_exit)(verdict == PAGE_NO_REPORT ? EXITS_DRILL_NOT_RUN
                                : verdict == PAGE_WORSE   ? EXITS_DRILL_MISSED
                                                          : EXITS_OK);
}

/* ---- one over time ---- */

static bool was_run(const json_t *item)
{
    return strcmp(text_or_dash(text_of(item, "outcome")), "not_run") != 0;
}

/* What half a drill found is none. */
static const json_t *get_figure(const json_t *item, const char *key)
{
    return was_run(item) ? json_object_get(item, key) : NULL;
}

static void print_bars(const json_t *items, const char *key, const char *unit, double scale)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double most = 0, latest = -1;
    size_t count = json_array_size(items), first = count > BARS_MAX ? count - BARS_MAX : 0;
    for (size_t i = first; i < count; i++) {
        const json_t *value = get_figure(json_array_get(items, i), key);
        double number = json_number_value(value);
        most = number > most ? number : most;
        latest = json_is_number(value) ? number : latest;
    }
    if (latest < 0) {
        return;
    }
    printf("  %-14s ", key);
    for (size_t i = first; i < count && spark_has_bars(); i++) {
        const json_t *value = get_figure(json_array_get(items, i), key);
        double share = most > 0 ? json_number_value(value) / most : 0;
        fputs(json_is_number(value) ? bars[(int)(share * 7 + 0.5)] : "·", stdout);
    }
    printf("  latest %.4g%s, at most %.4g%s\n", latest * scale, unit, most * scale, unit);
}

static void show_trend(const char *name, const json_t *items)
{
    const json_t *item;
    size_t i, met = 0, not_run = 0;
    char clean[CELL];
    json_array_foreach(items, i, item)
    {
        met += strcmp(text_or_dash(text_of(item, "outcome")), "met") == 0;
        not_run += !was_run(item);
    }
    printf("%s: %zu of %zu met", text_clean(name, clean, sizeof clean), met,
           json_array_size(items) - not_run);
    printf(not_run == 0 ? "\n" : ", %zu not run\n", not_run);
    print_bars(items, "recovery_ms", " s", 0.001);
    print_bars(items, "failed_share", " %", 100);
}

/* {"name": [the oldest first]} */
static json_t *group(const json_t *items, const char *only)
{
    json_t *groups = json_object();
    for (size_t i = json_array_size(items); i != 0; i--) {
        json_t *item = json_array_get(items, i - 1);
        const char *name = text_or_dash(text_of(item, "name"));
        if (only != NULL && strcmp(only, name) != 0) {
            continue;
        }
        if (json_object_get(groups, name) == NULL) {
            json_object_set_new(groups, name, json_array());
        }
        json_array_append(json_object_get(groups, name), item);
    }
    return groups;
}

static enum steerctl_exit trend(const struct steerctl *ctl)
{
    json_t *items, *value;
    const char *name;
    enum steerctl_exit code = steerctl_list(ctl, "/v1/drills/reports", &items);
    if (code != STEERCTL_OK) {
        json_decref(items);
        return code;
    }
    json_t *groups = group(items, ctl->word_count > 2 ? ctl->words[2] : NULL);
    if (ctl->json) {
        char *text = json_dumps(groups, JSON_INDENT(2));
        puts(text);
        free(text);
    } else {
        json_object_foreach(groups, name, value)
        {
            show_trend(name, value);
        }
    }
    json_decref(groups);
    json_decref(items);
    return code;
}

enum steerctl_exit run_compare(const struct steerctl *ctl)
{
    bool is_diff = strcmp(ctl->words[1], "diff") == 0;
    if (is_diff ? ctl->word_count != 4 : ctl->word_count > 3) {
        return steerctl_usage("drill diff takes two reports (IDs or files), drill trend the name of a drill");
    }
    return is_diff ? compare(ctl) : trend(ctl);
}

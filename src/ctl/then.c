/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Questions about the past: the moment of an explanation, and what differs between two moments. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { LINE_SIZE = 2048, TIME_SIZE = 32 };

/* "2026-11-21T04:05:06.789Z" -> "2026-11-21 04:05:06Z" */
static const char *time_text(const json_t *moment, char out[TIME_SIZE])
{
    const char *time = text_of(moment, "time");
    if (time == NULL || strlen(time) < 19) {
        return text_or_dash(time);
    }
    snprintf(out, TIME_SIZE, "%.10s %.8sZ", time, time + 11);
    return out;
}

static void show_lines(const char *before, const json_t *lines)
{
    size_t i;
    const json_t *line;
    json_array_foreach(lines, i, line)
    {
        char clean[LINE_SIZE];
        printf("%s%s\n", before, text_clean(text_or_dash(json_string_value(line)), clean, sizeof clean));
    }
}

void show_moment(const json_t *moment)
{
    char time[TIME_SIZE];
    printf("at %s:\n", time_text(moment, time));
    show_lines("  ", json_object_get(moment, "steps"));
    show_lines("  not known: ", json_object_get(moment, "missing"));
    putchar('\n');
}

/* Line by line: what a file holds may command a terminal. */
static void show_text(const char *text)
{
    while (*text != '\0') {
        char line[LINE_SIZE], clean[LINE_SIZE];
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), text);
        printf("%s\n", text_clean(line, clean, sizeof clean));
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}

static void show_file(const json_t *file)
{
    char path[LINE_SIZE];
    const char *diff = text_of(file, "diff");
    text_clean(text_or_dash(text_of(file, "path")), path, sizeof path);
    if (diff != NULL && diff[0] != '\0') {
        printf("\n--- %s\n+++ %s\n", path, path);
        show_text(diff);
    }
}

static void show_diff(const json_t *diff)
{
    const json_t *from = json_object_get(diff, "from"), *to = json_object_get(diff, "to");
    const json_t *steps = json_object_get(diff, "steps"), *file;
    char first[TIME_SIZE], second[TIME_SIZE];
    size_t i;
    printf("from %s to %s:\n", time_text(from, first),
           json_is_true(json_object_get(to, "now")) ? "now" : time_text(to, second));
    show_lines("  ", steps);
    if (json_array_size(steps) == 0) {
        puts("  nothing differs");
    }
    show_lines("  not known of the first: ", json_object_get(from, "missing"));
    show_lines("  not known of the second: ", json_object_get(to, "missing"));
    json_array_foreach(json_object_get(json_object_get(diff, "files"), "items"), i, file)
    {
        show_file(file);
    }
}

enum steerctl_exit run_diff(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *json;
    buffer_init(&target);
    buffer_add_text(&target, "/v1/diff");
    steerctl_add_query(&target, "from", ctl->words[1]);
    steerctl_add_query(&target, "to", ctl->word_count > 2 ? ctl->words[2] : NULL);
    steerctl_add_query(&target, "limit", ctl->limit);
    enum steerctl_exit code = steerctl_ask_json(ctl, "GET", target.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_diff(json);
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

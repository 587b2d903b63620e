/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What goes on at the server without a client that waits for it. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

enum { CELL = 256 };

static const char *write_progress(const json_t *operation, char out[CELL])
{
    const json_t *progress = json_object_get(operation, "progress");
    json_int_t done = json_integer_value(json_object_get(progress, "done")),
               of = json_integer_value(json_object_get(progress, "of"));
    if (of == 0) {
        return NULL;
    }
    snprintf(out, CELL, "%d %%", (int)(100.0 * (double)done / (double)of));
    return out;
}

static void show_list(const struct steerctl *ctl, const json_t *items)
{
    static const char *const headings[] = {"OPERATION", "REQUEST", "BY", "STATE", "PROGRESS", "BEGUN", NULL};
    size_t i;
    const json_t *item;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        char progress[CELL], age[32], begun[48];
        snprintf(begun, sizeof begun, "%s ago", text_age(text_of(item, "created"), age));
        table_add(table, text_of(item, "id"));
        table_add(table, text_of(item, "request"));
        table_add(table, text_of(item, "peer"));
        table_add(table, text_of(item, "state"));
        table_add(table, write_progress(item, progress));
        table_add(table, begun);
    }
    table_print(table);
}

static void show(const json_t *operation)
{
    char progress[CELL];
    const json_t *result = json_object_get(operation, "result"),
                 *problem = json_object_get(operation, "problem");
    text_line("operation", text_of(operation, "id"));
    text_line("request", text_of(operation, "request"));
    text_line("by", text_of(operation, "peer"));
    text_line("state", text_of(operation, "state"));
    text_line("progress", write_progress(operation, progress));
    text_line("begun", text_of(operation, "created"));
    text_line("ended", text_of(operation, "ended"));
    text_line("kept until", text_of(operation, "expires"));
    if (json_is_object(problem)) {
        text_line("problem", text_of(problem, "title"));
        text_line("because", text_of(problem, "detail"));
    }
    if (text_of(operation, "detail") != NULL) {
        text_line("result", text_of(operation, "detail"));
    }
    if (json_is_object(result)) {
        text_print_json(result, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    }
}

enum steerctl_exit run_operations(const struct steerctl *ctl)
{
    json_t *json;
    enum steerctl_exit code;
    bool cancels = ctl->word_count == 3;
    if (ctl->word_count == 1) {
        return steerctl_show(ctl, "/v1/operations", show_list);
    }
    if (cancels && strcmp(ctl->words[1], "cancel") != 0) {
        fprintf(stderr, "steerctl: found \"%s\", expected: operations cancel ID\n", ctl->words[1]);
        return STEERCTL_USAGE;
    }
    struct buffer path;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/operations/");
    steerctl_add_encoded(&path, ctl->words[cancels ? 2 : 1]);
    code = steerctl_ask_json(ctl, cancels ? "DELETE" : "GET", path.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show(json);
    }
    json_decref(json);
    buffer_fini(&path);
    return code;
}

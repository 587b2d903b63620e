/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What goes on at the server without a client that waits for it. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

/* "33 %" */
static bool write_progress(const json_t *operation, struct buffer *to)
{
    const json_t *progress = json_object_get(operation, "progress");
    json_int_t done = json_integer_value(json_object_get(progress, "done")),
               of = json_integer_value(json_object_get(progress, "of"));
    buffer_print(to, "%d %%", of == 0 ? 0 : (int)(100.0 * (double)done / (double)of));
    return of != 0;
}

static const struct template_row columns[] = {ROW("OPERATION", "{id}"),
                                              ROW("REQUEST", "{request}"),
                                              ROW("BY", "{peer}"),
                                              ROW("STATE", "{state}"),
                                              ROW_OF("PROGRESS", write_progress),
                                              ROW("BEGUN", "{created:age} ago"),
                                              ROW_END};

static const struct template_row lines[] = {ROW("operation", "{id}"),
                                            ROW("request", "{request}"),
                                            ROW("by", "{peer}"),
                                            ROW("state", "{state}"),
                                            ROW_OF("progress", write_progress),
                                            ROW("begun", "{created}"),
                                            ROW("ended", "{ended}"),
                                            ROW("kept until", "{expires}"),
                                            ROW("?problem", "{problem.title}"),
                                            ROW("?because", "{problem.detail}"),
                                            ROW("?result", "{detail}"),
                                            ROW_END};

static void show(const struct steerctl *ctl, const json_t *operation)
{
    const json_t *result = json_object_get(operation, "result");
    template_lines(ctl, lines, operation);
    if (json_is_object(result)) {
        text_print_json(result, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    }
}

enum steerctl_exit run_operations(const struct steerctl *ctl)
{
    enum steerctl_exit code;
    bool cancels = ctl->word_count == 3;
    if (ctl->word_count == 1) {
        return steerctl_show_rows(ctl, "/v1/operations", columns);
    }
    if (cancels && strcmp(ctl->words[1], "cancel") != 0) {
        fprintf(stderr, "steerctl: found \"%s\", expected: operations cancel ID\n", ctl->words[1]);
        return STEERCTL_USAGE;
    }
    struct buffer path;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/operations/");
    steerctl_add_encoded(&path, ctl->words[cancels ? 2 : 1]);
    code = steerctl_ask_show(ctl, cancels ? "DELETE" : "GET", path.bytes, NULL, show);
    buffer_fini(&path);
    return code;
}

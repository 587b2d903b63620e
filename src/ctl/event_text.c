/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See event_text.h. */
#include "config.h"

#include "ctl/event_text.h"

#include "ctl/text.h"

#include <string.h>

static void write_body(const json_t *body, struct buffer *out)
{
    char clean[TABLE_CELL_SIZE];
    void *at = json_object_iter((json_t *)(uintptr_t)body);
    for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)body, at)) {
        const char *key = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        if (json_is_integer(value)) {
            buffer_print(out, " %s=%lld", key, (long long)json_integer_value(value));
        } else {
            const char *text = text_clean(text_or_dash(json_string_value(value)), clean, sizeof clean);
            const char *quote = strpbrk(text, " =") == NULL ? "" : "\"";
            buffer_print(out, " %s=%s%s%s", key, quote, text, quote);
        }
    }
}

void event_write_what(const json_t *event, struct buffer *out)
{
    char clean[TABLE_CELL_SIZE];
    const char *actor = text_of(event, "actor"), *reason = text_of(event, "reason");
    write_body(json_object_get(event, "body"), out);
    if (actor != NULL) {
        buffer_print(out, " actor=%s", text_clean(actor, clean, sizeof clean));
    }
    if (reason != NULL) {
        buffer_print(out, " reason=\"%s\"", text_clean(reason, clean, sizeof clean));
    }
}

void event_write_line(const json_t *event, struct buffer *out)
{
    char clean[3][TABLE_CELL_SIZE];
    buffer_print(out, "%s %-11s %s",
                 text_clean(text_or_dash(text_of(event, "time")), clean[0], sizeof clean[0]),
                 text_clean(text_or_dash(text_of(event, "kind")), clean[1], sizeof clean[1]),
                 text_clean(text_or_dash(text_of(event, "name")), clean[2], sizeof clean[2]));
    event_write_what(event, out);
}

void event_write_gap(const json_t *gap, struct buffer *out)
{
    char clean[TABLE_CELL_SIZE];
    const json_t *missed = json_object_get(gap, "missed");
    const char *because = text_clean(text_or_dash(text_of(gap, "because")), clean, sizeof clean);
    if (json_is_integer(missed)) {
        buffer_print(out, "%lld events are missing here (%s)", (long long)json_integer_value(missed),
                     because);
    } else {
        buffer_print(out, "events may be missing here (%s)", because);
    }
}

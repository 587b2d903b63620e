/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files that write metrics have in common. Private to src/daemon. */
#pragma once

#include "base/buffer.h"

struct reader;
struct view;

static inline void print_head(struct buffer *out, const char *name, const char *type, const char *help)
{
    buffer_print(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The value of a label, escaped. */
static inline void print_label(struct buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"') {
            buffer_add(out, "\\", 1);
        }
        buffer_add(out, *text == '\n' ? "?" : text, 1);
    }
}

/* Of what is kept in the state folder: serials, last health, orders. */
void metrics_print_kept(const struct reader *reader, const struct view *view, struct buffer *out);
/* The log, dnstap, the query log. */
void metrics_print_outputs(const struct reader *reader, struct buffer *out);
/* Between two readings. */
void metrics_print_vantages(struct reader *reader, struct buffer *out);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sse.h; WHATWG HTML, section 9.2.6. */
#include "config.h"

#include "ctl/sse.h"

#include <stdio.h>
#include <string.h>

void sse_init(struct sse *sse)
{
    *sse = (struct sse){.has_data = false};
    buffer_init(&sse->line);
    buffer_init(&sse->data);
    buffer_init(&sse->comment);
}

void sse_fini(struct sse *sse)
{
    buffer_fini(&sse->line);
    buffer_fini(&sse->data);
    buffer_fini(&sse->comment);
}

static void empty(struct buffer *buffer)
{
    buffer_remove_front(buffer, buffer->len);
}

static const char *text_of(const struct buffer *buffer)
{
    return buffer->bytes == NULL ? "" : buffer->bytes;
}

static void dispatch(struct sse *sse, void (*take)(void *context, const struct sse_event *event),
                     void *context)
{
    take(context, &(struct sse_event){.event = sse->event,
                                      .data = sse->has_data ? text_of(&sse->data) : NULL,
                                      .comment = sse->has_comment ? text_of(&sse->comment) : NULL,
                                      .id = sse->id});
    empty(&sse->data);
    empty(&sse->comment);
    sse->has_data = sse->has_comment = false;
    sse->event[0] = '\0';
}

static void take_field(struct sse *sse, const char *line)
{
    size_t len = strcspn(line, ":");
    const char *value = line[len] == '\0' ? "" : line + len + 1;
    value += *value == ' ';
    if (len == 0 && line[0] == ':') {
        empty(&sse->comment);
        buffer_add_text(&sse->comment, value);
        sse->has_comment = true;
    } else if (len == 5 && memcmp(line, "event", len) == 0) {
        (void)snprintf(sse->event, sizeof sse->event, "%s", value);
    } else if (len == 2 && memcmp(line, "id", len) == 0) {
        (void)snprintf(sse->id, sizeof sse->id, "%s", value);
    } else if (len == 4 && memcmp(line, "data", len) == 0) {
        buffer_add_text(&sse->data, sse->has_data ? "\n" : "");
        buffer_add_text(&sse->data, value);
        sse->has_data = true;
    }
}

static void take_line(struct sse *sse, void (*take)(void *context, const struct sse_event *event),
                      void *context)
{
    size_t len = sse->line.len;
    if (len != 0 && sse->line.bytes[len - 1] == '\r') {
        sse->line.bytes[--len] = '\0';
    }
    if (len == 0) {
        dispatch(sse, take, context);
    } else {
        take_field(sse, sse->line.bytes);
    }
    empty(&sse->line);
}

bool sse_feed(struct sse *sse, const char *bytes, size_t len,
              void (*take)(void *context, const struct sse_event *event), void *context)
{
    for (const char *at = bytes, *end = bytes + len; at < end && !sse->is_bad;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t part = (size_t)((newline == NULL ? end : newline) - at);
        sse->is_bad = memchr(at, '\0', part) != NULL || sse->line.len + sse->data.len + part > SSE_MAX;
        if (sse->is_bad) {
            break;
        }
        buffer_add(&sse->line, at, part);
        at += part + (newline != NULL);
        if (newline != NULL) {
            take_line(sse, take, context);
        }
    }
    return !sse->is_bad;
}

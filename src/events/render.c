/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JSON by hand (RFC 8259): a flip makes ten thousand of these, and a tree for each would cost ten times as
 * much. */
#include "config.h"

#include "events/render.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

static void add_escaped(struct buffer *out, unsigned char c)
{
    if (c == '"' || c == '\\') {
        buffer_print(out, "\\%c", c);
    } else if (c == '\n') {
        buffer_add_text(out, "\\n");
    } else {
        buffer_print(out, "\\u%04x", c);
    }
}

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 127 && c != '"' && c != '\\';
}

void change_render_text(struct buffer *out, const char *text)
{
    const char *at = text, *end = text + strlen(text);
    buffer_add(out, "\"", 1);
    while (at < end) {
        const char *from = at;
        while (at < end && is_plain((unsigned char)*at)) {
            at++;
        }
        buffer_add(out, from, (size_t)(at - from));
        if (at < end && (unsigned char)*at < 128) {
            add_escaped(out, (unsigned char)*at++);
        } else if (at < end) {
            uint32_t code;
            size_t len = utf8_read(at, (size_t)(end - at), &code);
            buffer_add(out, len == 0 ? UTF8_REPLACEMENT_TEXT : at, len == 0 ? 3 : len);
            at += len == 0 ? 1 : len;
        }
    }
    buffer_add(out, "\"", 1);
}

static void add_member(struct buffer *out, const char *key, const char *value)
{
    if (value != NULL) {
        buffer_print(out, ",\"%s\":", key);
        change_render_text(out, value);
    }
}

/* As every reader keeps it exactly. */
static bool is_exact(const struct change_pair *pair)
{
    enum { DIGITS_MAX = 15 };
    return pair->is_number && strlen(pair->value) <= DIGITS_MAX;
}

static void add_body(struct buffer *out, const char *body)
{
    struct change_pair pair;
    bool is_first = true;
    buffer_add_text(out, ",\"body\":{");
    for (const char *at = body; change_next_pair(&at, &pair); is_first = false) {
        buffer_add_text(out, is_first ? "" : ",");
        change_render_text(out, pair.key);
        buffer_add(out, ":", 1);
        if (is_exact(&pair)) {
            buffer_add_text(out, pair.value);
        } else {
            change_render_text(out, pair.value);
        }
    }
    buffer_add(out, "}", 1);
}

void change_render(struct buffer *out, const struct change *change)
{
    char time[CLOCK_TEXT_SIZE];
    buffer_print(out, "{\"seq\":%lu,\"time\":\"%s\",\"kind\":\"%s\"", (unsigned long)change->seq,
                 clock_write_rfc3339(change->wall_ms, time), change_kind_text(change->kind));
    add_member(out, "name", change->name);
    add_member(out, "actor", change->actor);
    add_member(out, "peer", change->peer);
    add_member(out, "reason", change->reason);
    add_body(out, change->body);
    buffer_add(out, "}", 1);
}

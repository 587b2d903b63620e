/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bodies of changes: pairs in lines. Nothing allocates, for some are made under the health lock. */
#include "config.h"

#include "events/change.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *change_kind_text(enum change_kind kind)
{
    static const char *const texts[CHANGE_KINDS] = {
        [CHANGE_BRAKE] = "brake",         [CHANGE_HEALTH] = "health",   [CHANGE_OVERRIDE] = "override",
        [CHANGE_LOAD] = "load",           [CHANGE_HOST] = "host",       [CHANGE_RELOAD] = "reload",
        [CHANGE_RENDITION] = "rendition", [CHANGE_DRILL] = "drill",     [CHANGE_CERTIFICATE] = "certificate",
        [CHANGE_FAILBACK] = "failback",   [CHANGE_VANTAGE] = "vantage", [CHANGE_REPLICATION] = "replication",
        [CHANGE_RAMP] = "ramp",           [CHANGE_ACCESS] = "access",   [CHANGE_WEBHOOK] = "webhook",
        [CHANGE_HOOK] = "hook",           [CHANGE_RULE] = "rule",       [CHANGE_SWITCHOVER] = "switchover",
        [CHANGE_INCIDENT] = "incident",   [CHANGE_HOLD] = "hold",       [CHANGE_STEP] = "step",
        [CHANGE_NODE] = "node",           [CHANGE_BUNDLE] = "bundle",
    };
    return texts[kind];
}

void change_body_init(struct change_body *body)
{
    body->len = 0;
    body->text[0] = '\0';
}

void change_body_add(struct change_body *body, const char *key, const char *value)
{
    size_t key_len = strlen(key), value_len = value == NULL ? 0 : strlen(value);
    if (value == NULL || body->len + key_len + value_len + 2 > CHANGE_BODY_MAX) {
        return;
    }
    char *to = body->text + body->len;
    memcpy(to, key, key_len);
    to[key_len] = '=';
    to += key_len + 1;
    memcpy(to, value, value_len + 1);
    utf8_make_printable(to);
    to[value_len] = '\n';
    to[value_len + 1] = '\0';
    body->len += key_len + value_len + 2;
}

static void add_marked(struct change_body *body, const char *key, const char *number)
{
    char marked[sizeof(struct change_pair){0}.key];
    snprintf(marked, sizeof marked, "%s:", key);
    change_body_add(body, marked, number);
}

void change_body_add_number(struct change_body *body, const char *key, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", (long)value);
    add_marked(body, key, text);
}

void change_body_add_real(struct change_body *body, const char *key, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", value);
    add_marked(body, key, isfinite(value) ? text : NULL);
}

/* A part of *at up to `end` (which is skipped), as far as it fits. */
static void take(const char **at, char end, char *to, size_t size)
{
    size_t len = 0;
    for (; **at != '\0' && **at != end; (*at)++) {
        if (len + 1 < size) {
            to[len++] = **at;
        }
    }
    to[len] = '\0';
    *at += **at == end;
}

bool change_next_pair(const char **at, struct change_pair *pair)
{
    if (*at == NULL || **at == '\0') {
        return false;
    }
    take(at, '=', pair->key, sizeof pair->key);
    size_t len = strlen(pair->key);
    pair->is_number = len != 0 && pair->key[len - 1] == ':';
    pair->key[len - pair->is_number] = '\0';
    take(at, '\n', pair->value, sizeof pair->value);
    return true;
}

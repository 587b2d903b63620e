/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See prefer.h. A preference is a token, perhaps with a value, which may be in quotes, and perhaps with
 * parameters, which say nothing to us. */
#include "config.h"

#include "admin/prefer.h"

#include <string.h>
#include <strings.h>

/* Up to a comma or semicolon that is not in quotes, or the end. */
static size_t measure(const char *text)
{
    size_t len = 0;
    bool is_quoted = false;
    for (; text[len] != '\0' && (is_quoted || (text[len] != ',' && text[len] != ';')); len++) {
        if (text[len] == '"') {
            is_quoted = !is_quoted;
        } else if (is_quoted && text[len] == '\\' && text[len + 1] != '\0') {
            len++;
        }
    }
    return len;
}

static bool is_named(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && strncasecmp(text, name, len) == 0;
}

/* Digits, perhaps in quotes. */
static void take_wait(const char *value, size_t len, struct prefer *prefer)
{
    unsigned seconds = 0;
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    for (size_t i = 0; i < len; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return;
        }
        seconds = 10 * seconds + (unsigned)(value[i] - '0');
        seconds = seconds > PREFER_WAIT_MAX_S ? PREFER_WAIT_MAX_S : seconds;
    }
    if (len != 0 && !prefer->has_wait) {
        prefer->has_wait = true;
        prefer->wait_s = seconds;
    }
}

static size_t trim(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    return len;
}

static void take(const char *text, size_t len, struct prefer *prefer)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = trim(text, equals == NULL ? len : (size_t)(equals - text));
    if (equals == NULL) {
        prefer->is_async |= is_named(text, name_len, "respond-async");
        return;
    }
    const char *value = equals + 1 + strspn(equals + 1, " \t");
    if (value < text + len && is_named(text, name_len, "wait")) {
        take_wait(value, trim(value, (size_t)(text + len - value)), prefer);
    }
}

void prefer_add(const char *text, struct prefer *prefer)
{
    while (*text != '\0') {
        text += strspn(text, " \t,");
        size_t len = measure(text);
        take(text, len, prefer);
        text += len;
        while (*text == ';') { /* parameters */
            text += 1 + measure(text + 1);
        }
    }
}

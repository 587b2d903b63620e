/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ask.h. */
#include "config.h"

#include "exec/ask.h"

#include "base/buffer.h"

#include <string.h>

enum { NAMES = 6 };

static const char *const known[NAMES] = {"ADDRESS", "FAMILY", "PORT", "ENDPOINT", "HOST", "TIMEOUT"};

static const char *get_value(const struct exec_names *names, size_t i)
{
    const char *const values[NAMES] = {names->address,  names->family, names->port,
                                       names->endpoint, names->host,   names->timeout};
    return values[i];
}

/* The length of what looks like a name between percent signs at `at`, both of them included; 0: nothing. */
static size_t measure(const char *at)
{
    size_t len = at[0] == '%' ? strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") : 0;
    return len >= 2 && at[len + 1] == '%' ? len + 2 : 0;
}

static size_t find_known(const char *at, size_t len)
{
    size_t i = 0;
    while (i < NAMES && (strlen(known[i]) != len - 2 || memcmp(known[i], at + 1, len - 2) != 0)) {
        i++;
    }
    return i;
}

void exec_fill(const char *word, const struct exec_names *names, struct buffer *out)
{
    for (const char *at = word; *at != '\0';) {
        size_t len = measure(at), which = len == 0 ? NAMES : find_known(at, len);
        const char *value = which == NAMES ? NULL : get_value(names, which);
        if (value != NULL) {
            buffer_add_text(out, value);
            at += len;
        } else {
            buffer_add(out, at++, 1);
        }
    }
}

bool exec_has_name(const char *word, const char *name)
{
    size_t name_len = strlen(name);
    for (const char *at = word; *at != '\0';) {
        size_t len = measure(at);
        if (len == name_len + 2 && memcmp(at + 1, name, name_len) == 0) {
            return true;
        }
        at += len == 0 ? 1 : len;
    }
    return false;
}

const char *exec_find_strange(const char *word, size_t *len)
{
    for (const char *at = word; *at != '\0';) {
        *len = measure(at);
        if (*len != 0 && find_known(at, *len) == NAMES) {
            return at;
        }
        at += *len == 0 ? 1 : *len;
    }
    return NULL;
}

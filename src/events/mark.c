/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See mark.h. Strict: what is written is the only text for it, so that two are equal if they mean the same.
 */
#include "config.h"

#include "events/mark.h"

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { RUN_DIGITS = 16, DIGITS_MAX = 18 };

const char *mark_write(const struct mark *mark, char text[MARK_TEXT_SIZE])
{
    int len =
        snprintf(text, MARK_TEXT_SIZE, "%016lx-%lu", (unsigned long)mark->run, (unsigned long)mark->seq);
    if (mark->wall_ms > 0) {
        (void)snprintf(text + len, MARK_TEXT_SIZE - (size_t)len, "-%ld", (long)mark->wall_ms);
    }
    return text;
}

static bool parse_run(const char **at, uint64_t *run)
{
    *run = 0;
    for (int i = 0; i < RUN_DIGITS; i++, (*at)++) {
        char c = **at;
        int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (value < 0) {
            return false;
        }
        *run = *run << 4 | (uint64_t)value;
    }
    return *(*at)++ == '-';
}

/* Decimal, without a 0 before it. */
static bool parse_number(const char **at, uint64_t *number)
{
    size_t len = strspn(*at, "0123456789");
    *number = 0;
    if (len == 0 || len > DIGITS_MAX || (len > 1 && **at == '0')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        *number = *number * 10 + (uint64_t)(*(*at)++ - '0');
    }
    return true;
}

int mark_parse(const char *text, struct mark *mark)
{
    uint64_t wall_ms = 0;
    const char *at = text;
    if (!parse_run(&at, &mark->run) || !parse_number(&at, &mark->seq)) {
        return ERROR_SYNTAX;
    }
    if (*at == '-' && (at++, !parse_number(&at, &wall_ms) || wall_ms == 0)) {
        return ERROR_SYNTAX;
    }
    mark->wall_ms = (int64_t)wall_ms;
    return *at == '\0' ? 0 : ERROR_SYNTAX;
}

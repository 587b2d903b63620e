/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See when.h. */
#include "config.h"

#include "base/when.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS          INT64_C(86400000)
#define DURATION_MAX_MS (3650 * DAY_MS)

/* One number with its unit; moves *at behind it. Returns -1 if there is none. */
static int64_t take_duration(const char **at)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}};
    size_t digits = strspn(*at, "0123456789");
    int64_t value = 0;
    if (digits == 0 || digits > 12) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + ((*at)[i] - '0');
    }
    const char *unit = *at + digits;
    size_t len = strcspn(unit, "0123456789");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].unit) == len && strncmp(unit, units[i].unit, len) == 0) {
            *at = unit + len;
            return value > DURATION_MAX_MS / units[i].ms ? -1 : value * units[i].ms;
        }
    }
    return -1;
}

int when_parse_duration(const char *text, int64_t *ms)
{
    *ms = 0;
    for (const char *at = text; *at != '\0';) {
        int64_t part = take_duration(&at);
        if (part < 0 || *ms + part > DURATION_MAX_MS) {
            return ERROR_SYNTAX;
        }
        *ms += part;
    }
    return *ms > 0 ? 0 : ERROR_SYNTAX;
}

/* As people write it: RFC 3339 wants a T and seconds. */
static int parse_time(const char *text, int64_t *wall_ms)
{
    enum { DATE = 10, MINUTES = 16 };
    char whole[48];
    size_t len = strlen(text);
    if (len < MINUTES || len + sizeof ":00" > sizeof whole) {
        return ERROR_SYNTAX;
    }
    const char *seconds = text[MINUTES] == ':' ? "" : ":00";
    char between = text[DATE] == ' ' ? 'T' : text[DATE];
    snprintf(whole, sizeof whole, "%.*s%c%.*s%s%s", DATE, text, between, MINUTES - DATE - 1, text + DATE + 1,
             seconds, text + MINUTES);
    return clock_parse_rfc3339(whole, wall_ms);
}

static int parse_ago(const char *text, int64_t now_ms, int64_t *wall_ms)
{
    static const char ago[] = " ago";
    enum { AGO = sizeof ago - 1 };
    char duration[64];
    int64_t ms;
    text += text[0] == '-';
    size_t len = strlen(text);
    if (len > AGO && strcmp(text + len - AGO, ago) == 0) {
        len -= AGO;
    }
    if (len >= sizeof duration) {
        return ERROR_SYNTAX;
    }
    memcpy(duration, text, len);
    duration[len] = '\0';
    int error = when_parse_duration(duration, &ms);
    if (error == 0) {
        *wall_ms = now_ms - ms;
    }
    return error;
}

int when_parse(const char *text, int64_t now_ms, int64_t *wall_ms)
{
    *wall_ms = 0;
    int error = parse_time(text, wall_ms) == 0 ? 0 : parse_ago(text, now_ms, wall_ms);
    if (error == 0 && *wall_ms < 1) {
        *wall_ms = 1;
    }
    return error;
}

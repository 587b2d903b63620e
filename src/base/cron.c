/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cron.h. Minute for minute, but for most of the days that are not wanted: what clocks do at night is
 * seen as it happens, and nothing has to be turned back from what they show. */
#include "config.h"

#include "base/cron.h"

#include "base/error.h"

#include <string.h>
#include <strings.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, SHIFT_MAX_S = 3 * HOUR_S };
#define AHEAD_S (INT64_C(10) * 366 * DAY_S)

/* ---- reading ---- */

struct field {
    unsigned least, most;
    const char *const *names; /* of least, and so on; NULL: it has none */
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
                                          "aug", "sep", "oct", "nov", "dec", NULL};
/* From 0, Sunday, to 7, Sunday. */
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };
static const struct field fields[FIELDS] = {[MINUTE] = {0, 59, NULL},
                                            [HOUR] = {0, 23, NULL},
                                            [DAY] = {1, 31, NULL},
                                            [MONTH] = {1, 12, month_names},
                                            [WEEKDAY] = {0, 7, day_names}};

static bool read_number(const char **at, unsigned most, unsigned *value)
{
    unsigned digits = 0;
    *value = 0;
    for (; **at >= '0' && **at <= '9' && digits < 3; digits++) {
        *value = 10 * *value + (unsigned)(*(*at)++ - '0');
    }
    return digits != 0 && *value <= most;
}

static bool read_value(const char **at, const struct field *field, unsigned *value)
{
    for (unsigned i = 0; field->names != NULL && field->names[i] != NULL; i++) {
        if (strncasecmp(*at, field->names[i], 3) == 0) {
            *at += 3;
            *value = field->least + i;
            return true;
        }
    }
    return read_number(at, field->most, value) && *value >= field->least;
}

/* "*", "7", "mon-fri", "*\/15", "8-18/2" */
static bool read_span(const char **at, const struct field *field, uint64_t *bits)
{
    unsigned from = field->least, to = field->most, step = 1;
    bool is_span = **at == '*';
    if (is_span) {
        ++*at;
    } else {
        if (!read_value(at, field, &from)) {
            return false;
        }
        to = from;
        if (**at == '-') {
            is_span = true;
            ++*at;
            if (!read_value(at, field, &to)) {
                return false;
            }
            to = field->most == 7 && to == 0 ? 7 : to; /* until Sunday */
        }
    }
    if (**at == '/') {
        ++*at;
        if (!is_span || !read_number(at, field->most, &step) || step == 0) {
            return false;
        }
    }
    for (unsigned i = from; i <= to; i += step) {
        *bits |= UINT64_C(1) << i;
    }
    return from <= to;
}

static bool read_field(const char **at, const struct field *field, uint64_t *bits)
{
    *bits = 0;
    do {
        if (!read_span(at, field, bits)) {
            return false;
        }
    } while (*(*at)++ == ',');
    --*at;
    return **at == ' ' || **at == '\t' || **at == '\0';
}

static const char *expand(const char *text)
{
    static const struct {
        const char *name, *text;
    } words[] = {{"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
                 {"@weekly", "0 0 * * 0"},  {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
                 {"@annually", "0 0 1 1 *"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i].name) == 0) {
            return words[i].text;
        }
    }
    return text;
}

/* Is there a month that has one of the days? */
static bool is_possible(const struct cron *cron)
{
    static const unsigned lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!cron->any_weekday) {
        return true;
    }
    for (unsigned month = 1; month <= 12; month++) {
        uint32_t days = cron->days & (uint32_t)((UINT64_C(2) << lengths[month - 1]) - 1);
        if ((cron->months >> month & 1) != 0 && days != 0) {
            return true;
        }
    }
    return false;
}

int cron_parse(const char *text, struct cron *cron)
{
    uint64_t bits[FIELDS];
    bool any[FIELDS];
    const char *at = expand(text);
    for (int i = 0; i < FIELDS; i++) {
        at += strspn(at, " \t");
        any[i] = *at == '*';
        if (!read_field(&at, &fields[i], &bits[i])) {
            return ERROR_SYNTAX;
        }
    }
    at += strspn(at, " \t");
    uint64_t days = bits[WEEKDAY] | bits[WEEKDAY] >> 7; /* from Sunday on */
    *cron = (struct cron){.minutes = bits[MINUTE],
                          .hours = (uint32_t)bits[HOUR],
                          .days = (uint32_t)bits[DAY],
                          .months = (uint32_t)bits[MONTH],
                          .weekdays = (uint8_t)((days >> 1 & 0x3f) | (days & 1) << 6),
                          .any_day = any[DAY],
                          .any_weekday = any[WEEKDAY],
                          .every_hour = bits[HOUR] == (UINT64_C(1) << 24) - 1};
    return *at == '\0' && is_possible(cron) ? 0 : ERROR_SYNTAX;
}

/* ---- time ---- */

/* As in cron: two days that are restricted are alternatives. */
static bool is_day(const struct cron *cron, const struct tzif_local *local)
{
    bool day = (cron->days >> local->day & 1) != 0, weekday = (cron->weekdays >> local->weekday & 1) != 0;
    bool either = !cron->any_day && !cron->any_weekday;
    return (cron->months >> local->month & 1) != 0 && (either ? day || weekday : day && weekday);
}

static bool is_minute(const struct cron *cron, const struct tzif_local *local)
{
    return (cron->hours >> local->second / HOUR_S & 1) != 0 &&
           (cron->minutes >> local->second % HOUR_S / MINUTE_S & 1) != 0 && is_day(cron, local);
}

/* Have clocks shown this before? */
static bool is_again(const struct tzif *zone, int64_t at_s)
{
    int32_t now = tzif_find_offset(zone, at_s), before = tzif_find_offset(zone, at_s - SHIFT_MAX_S);
    return before > now && tzif_find_offset(zone, at_s - (before - now)) == before;
}

/* Did clocks skip a minute at which it would have been due, right before? They do as if they went on as until
 * then. */
static bool has_skipped(const struct cron *cron, const struct tzif *zone, int64_t at_s)
{
    int32_t now = tzif_find_offset(zone, at_s), before = tzif_find_offset(zone, at_s - MINUTE_S);
    for (int32_t skipped = 0; skipped < now - before; skipped += MINUTE_S) {
        struct tzif_local local = tzif_read_clock(at_s + before + skipped);
        if (is_minute(cron, &local)) {
            return true;
        }
    }
    return false;
}

static bool is_due(const struct cron *cron, const struct tzif *zone, int64_t at_s,
                   const struct tzif_local *local)
{
    if (cron->every_hour) {
        return is_minute(cron, local);
    }
    return (is_minute(cron, local) && !is_again(zone, at_s)) || has_skipped(cron, zone, at_s);
}

int64_t cron_find_next(const struct cron *cron, const struct tzif *zone, int64_t after_s)
{
    int64_t at_s = after_s - after_s % MINUTE_S + (after_s % MINUTE_S < 0 ? 0 : MINUTE_S);
    for (int64_t end_s = at_s + AHEAD_S; at_s < end_s;) {
        struct tzif_local local = tzif_find_local(zone, at_s);
        if (is_due(cron, zone, at_s, &local)) {
            return at_s;
        }
        /* to the evening of a day that is none, and not past what clocks may do there */
        int64_t left_s = DAY_S - (int64_t)local.second - 2 * SHIFT_MAX_S;
        bool is_far = left_s > MINUTE_S && !is_day(cron, &local);
        at_s += is_far ? left_s - left_s % MINUTE_S : MINUTE_S;
    }
    return INT64_MAX;
}

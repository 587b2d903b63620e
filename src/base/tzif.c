/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tzif.h. Of a file with several versions of the same the second is read, which has 64 bits. Before the
 * first change its first type holds, after the last one the rule at the end; without one the last type. */
#include "config.h"

#include "base/tzif.h"

#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAY_S = 86400,
    OFFSET_MAX = 26 * 3600, /* RFC 9636 section 3.2 */
    TIME_MAX = 167 * 3600,  /* of a rule: section 3.3.2 */
    TRANSITIONS_MAX = 4096,
    TYPES_MAX = 256,
};

/* Of a rule, the day of a change. */
struct day {
    char kind; /* 'M': month, week, weekday; 'J': day 1..365, without 29 February; '0': day 0..365 */
    int month, week, day;
    int time_s; /* of the clocks until then */
};

struct rule {
    bool is_there, has_summer;
    int32_t standard, summer; /* offsets */
    struct day begin, end;    /* of summer time */
};

struct tzif {
    int64_t *times; /* of changes, ascending */
    uint8_t *types; /* from then on */
    size_t count;
    int32_t offsets[TYPES_MAX];
    struct rule rule;
};

/* ---- days ---- */

/* Days since 1970 of the first of January (proleptic Gregorian). */
static int64_t find_new_year(int64_t year)
{
    int64_t y = year - 1;
    int64_t leaps = (y >= 0 ? y / 4 : -((3 - y) / 4)) - (y >= 0 ? y / 100 : -((99 - y) / 100)) +
                    (y >= 0 ? y / 400 : -((399 - y) / 400));
    return 365 * (year - 1970) + leaps - 477;
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t divide_down(int64_t value, int64_t by)
{
    return value >= 0 ? value / by : -((by - 1 - value) / by);
}

static int64_t find_year(int64_t day)
{
    int64_t year = 1970 + divide_down(day, day >= 0 ? 366 : 365); /* not after it */
    while (find_new_year(year + 1) <= day) {
        year++;
    }
    return year;
}

static unsigned find_weekday(int64_t day)
{
    return (unsigned)(day + 3 - 7 * divide_down(day + 3, 7)); /* 1970 began on a Thursday */
}

/* How many days of a year are before each month, and in all. */
static const int *get_months(int64_t year)
{
    static const int months[2][13] = {{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
                                      {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366}};
    return months[is_leap(year)];
}

static int64_t find_day(const struct day *day, int64_t year)
{
    int64_t begin = find_new_year(year);
    if (day->kind == 'J') {
        return begin + day->day - 1 + (is_leap(year) && day->day >= 60);
    }
    if (day->kind == '0') {
        return begin + day->day;
    }
    const int *starts = get_months(year);
    int64_t first = begin + starts[day->month - 1], after = begin + starts[day->month];
    int64_t wanted = (day->day + 6) % 7; /* POSIX counts from Sunday */
    int64_t at = first + (wanted - (int64_t)find_weekday(first) + 7) % 7 + 7 * (day->week - 1);
    return at < after ? at : at - 7; /* week 5 is the last one */
}

/* ---- the rule for the future ---- */

struct reading {
    const char *at;
    bool failed;
};

static int read_number(struct reading *reading, int least, int most)
{
    int value = 0, digits = 0;
    while (*reading->at >= '0' && *reading->at <= '9' && digits < 4) {
        value = 10 * value + (*reading->at++ - '0');
        digits++;
    }
    reading->failed |= digits == 0 || value < least || value > most;
    return value;
}

static bool take(struct reading *reading, char c)
{
    bool is = *reading->at == c;
    reading->at += is;
    return is;
}

/* "[+-]hh[:mm[:ss]]" */
static int read_time(struct reading *reading, int hours_max)
{
    bool is_negative = take(reading, '-');
    if (!is_negative) {
        (void)take(reading, '+');
    }
    int seconds = 3600 * read_number(reading, 0, hours_max);
    if (take(reading, ':')) {
        seconds += 60 * read_number(reading, 0, 59);
        if (take(reading, ':')) {
            seconds += read_number(reading, 0, 59);
        }
    }
    return is_negative ? -seconds : seconds;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_quoted(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-';
}

/* "CET", "<+03>" */
static void skip_name(struct reading *reading)
{
    bool has_brackets = take(reading, '<');
    size_t len = 0;
    for (; has_brackets ? is_quoted(*reading->at) : is_letter(*reading->at); reading->at++) {
        len++;
    }
    reading->failed |= len < 3 || (has_brackets && !take(reading, '>'));
}

static void read_day(struct reading *reading, struct day *day)
{
    *day = (struct day){.kind = '0', .time_s = 2 * 3600};
    if (!take(reading, ',')) {
        reading->failed = true;
    } else if (take(reading, 'M')) {
        day->kind = 'M';
        day->month = read_number(reading, 1, 12);
        reading->failed |= !take(reading, '.');
        day->week = read_number(reading, 1, 5);
        reading->failed |= !take(reading, '.');
        day->day = read_number(reading, 0, 6);
    } else if (take(reading, 'J')) {
        day->kind = 'J';
        day->day = read_number(reading, 1, 365);
    } else {
        day->day = read_number(reading, 0, 365);
    }
    if (take(reading, '/')) {
        day->time_s = read_time(reading, TIME_MAX / 3600);
    }
}

/* "CET-1CEST,M3.5.0,M10.5.0/3"; "": there is none. False: it is broken. */
static bool read_rule(const char *text, struct rule *rule)
{
    struct reading reading = {.at = text};
    *rule = (struct rule){.is_there = text[0] != '\0'};
    if (!rule->is_there) {
        return true;
    }
    skip_name(&reading);
    rule->standard = -read_time(&reading, 24);
    if (!reading.failed && *reading.at != '\0') {
        rule->has_summer = true;
        skip_name(&reading);
        rule->summer = rule->standard + 3600;
        if (*reading.at != ',' && *reading.at != '\0') {
            rule->summer = -read_time(&reading, 24);
        }
        if (!reading.failed) {
            read_day(&reading, &rule->begin);
        }
        if (!reading.failed) {
            read_day(&reading, &rule->end);
        }
    }
    return !reading.failed && *reading.at == '\0';
}

static int32_t follow_rule(const struct rule *rule, int64_t time_s)
{
    if (!rule->has_summer) {
        return rule->standard;
    }
    int64_t year = find_year(divide_down(time_s + rule->standard, DAY_S));
    int64_t begin = find_day(&rule->begin, year) * DAY_S + rule->begin.time_s - rule->standard;
    int64_t end = find_day(&rule->end, year) * DAY_S + rule->end.time_s - rule->summer;
    bool is_summer = begin < end ? time_s >= begin && time_s < end : !(time_s >= end && time_s < begin);
    return is_summer ? rule->summer : rule->standard;
}

/* ---- the file ---- */

struct header {
    char version;
    uint32_t utc_count, standard_count, leap_count, time_count, type_count, char_count;
};

static struct header read_header(struct cursor *c)
{
    struct header header = {.version = '\0'};
    const uint8_t *magic = cursor_take(c, 4);
    c->failed |= magic == NULL || memcmp(magic, "TZif", 4) != 0;
    header.version = (char)cursor_read_u8(c);
    (void)cursor_take(c, 15);
    header.utc_count = cursor_read_u32(c);
    header.standard_count = cursor_read_u32(c);
    header.leap_count = cursor_read_u32(c);
    header.time_count = cursor_read_u32(c);
    header.type_count = cursor_read_u32(c);
    header.char_count = cursor_read_u32(c);
    c->failed |= header.time_count > TRANSITIONS_MAX || header.type_count == 0 ||
                 header.type_count > TYPES_MAX || header.char_count > TYPES_MAX * 8 ||
                 header.leap_count > TRANSITIONS_MAX || header.utc_count > header.type_count ||
                 header.standard_count > header.type_count;
    return header;
}

static void skip_block(struct cursor *c, const struct header *header, size_t time_size)
{
    (void)cursor_take(c, header->time_count * (time_size + 1) + header->type_count * (size_t)6 +
                             header->char_count + header->leap_count * (time_size + 4) +
                             header->standard_count + header->utc_count);
}

static void read_block(struct cursor *c, const struct header *header, bool is_long, struct tzif *zone)
{
    for (size_t i = 0; i < header->time_count; i++) {
        zone->times[i] = is_long ? cursor_read_i64(c) : (int64_t)(int32_t)cursor_read_u32(c);
        c->failed |= i != 0 && zone->times[i] <= zone->times[i - 1];
    }
    for (size_t i = 0; i < header->time_count; i++) {
        zone->types[i] = cursor_read_u8(c);
        c->failed |= zone->types[i] >= header->type_count;
    }
    for (size_t i = 0; i < header->type_count; i++) {
        zone->offsets[i] = (int32_t)cursor_read_u32(c);
        (void)cursor_take(c, 2);
        c->failed |= zone->offsets[i] < -OFFSET_MAX || zone->offsets[i] > OFFSET_MAX;
    }
    zone->count = header->time_count;
    (void)cursor_take(c, header->char_count + header->leap_count * (size_t)(is_long ? 12 : 8) +
                             header->standard_count + header->utc_count);
}

/* Between two newlines. */
static void read_footer(struct cursor *c, struct tzif *zone)
{
    char text[128] = "";
    size_t len = 0;
    c->failed |= cursor_read_u8(c) != '\n';
    for (uint8_t octet; !c->failed && (octet = cursor_read_u8(c)) != '\n';) {
        c->failed |= len == sizeof text - 1 || octet == '\0';
        if (!c->failed) {
            text[len++] = (char)octet;
        }
    }
    text[len] = '\0';
    c->failed |= !read_rule(text, &zone->rule);
}

int tzif_parse(const uint8_t *bytes, size_t len, struct arena *arena, const struct tzif **result)
{
    struct cursor c = cursor_init_const(bytes, len);
    struct header header = read_header(&c);
    bool is_long = header.version >= '2';
    if (!c.failed && is_long) {
        skip_block(&c, &header, 4);
        header = read_header(&c);
    }
    if (c.failed) {
        return ERROR_SYNTAX;
    }
    if (header.leap_count != 0) {
        return ERROR_UNSUPPORTED;
    }
    struct tzif *zone = arena_alloc(arena, sizeof *zone);
    zone->times = arena_alloc(arena, header.time_count * sizeof *zone->times);
    zone->types = arena_alloc(arena, header.time_count * sizeof *zone->types);
    read_block(&c, &header, is_long, zone);
    if (is_long) {
        read_footer(&c, zone);
    }
    *result = zone;
    return c.failed ? ERROR_SYNTAX : 0;
}

/* ---- times ---- */

int32_t tzif_find_offset(const struct tzif *zone, int64_t time_s)
{
    size_t low = 0, high = zone->count; /* the last change that is not after it is before `high` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= time_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->rule.is_there) {
        return follow_rule(&zone->rule, time_s);
    }
    return zone->offsets[low == 0 ? 0 : zone->types[low - 1]];
}

struct tzif_local tzif_read_clock(int64_t local_s)
{
    int64_t day = divide_down(local_s, DAY_S), year = find_year(day), of_year = day - find_new_year(year);
    const int *starts = get_months(year);
    unsigned month = 1;
    while (starts[month] <= of_year) {
        month++;
    }
    return (struct tzif_local){.month = month,
                               .day = (unsigned)(of_year - starts[month - 1]) + 1,
                               .weekday = find_weekday(day),
                               .second = (unsigned)(local_s - day * DAY_S)};
}

struct tzif_local tzif_find_local(const struct tzif *zone, int64_t time_s)
{
    return tzif_read_clock(time_s + tzif_find_offset(zone, time_s));
}

/* ---- files ---- */

bool tzif_is_name(const char *name)
{
    size_t len = strlen(name);
    bool is_name = len != 0 && len < 64 && name[0] != '/' && name[0] != '.' && name[0] != '-' &&
                   strstr(name, "..") == NULL && strstr(name, "/.") == NULL && strstr(name, "//") == NULL;
    for (size_t i = 0; is_name && i < len; i++) {
        is_name = is_quoted(name[i]) || name[i] == '_' || name[i] == '/' || name[i] == '.';
    }
    return is_name && name[len - 1] != '/';
}

const struct tzif *tzif_load(const char *folder, const char *name, struct arena *arena,
                             char why[TZIF_WHY_SIZE])
{
    char path[512];
    const struct tzif *zone = NULL;
    struct file file;
    size_t len;
    int error = 0;
    if (strcmp(name, "UTC") == 0) {
        return arena_alloc(arena, sizeof *zone); /* no changes, and offset 0 */
    }
    if (!tzif_is_name(name)) {
        snprintf(why, TZIF_WHY_SIZE, "expected a name such as \"Europe/Berlin\" or \"UTC\"");
        return NULL;
    }
    snprintf(path, sizeof path, "%s/%s", folder == NULL ? TZIF_FOLDER : folder, name);
    char *bytes = file_read_all(path, TZIF_SIZE_MAX, &file, &len, &error);
    if (bytes == NULL) {
        snprintf(why, TZIF_WHY_SIZE, "%.120s: %.100s", path, file.why);
        return NULL;
    }
    error = tzif_parse((const uint8_t *)bytes, len, arena, &zone);
    free(bytes);
    if (error != 0) {
        snprintf(why, TZIF_WHY_SIZE, "%.120s: %s", path,
                 error == ERROR_UNSUPPORTED ? "it counts leap seconds" : "found no time zone (TZif)");
        return NULL;
    }
    return zone;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The only place that asks the system for the time. */
#include "config.h"

#include "base/clock.h"

#include "base/error.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clock_init(struct clock *clock)
{
    *clock = (struct clock){.is_virtual = false};
}

void clock_init_virtual(struct clock *clock, int64_t mono_ms, int64_t wall_ms)
{
    *clock = (struct clock){.is_virtual = true, .mono_us = mono_ms * 1000, .wall_us = wall_ms * 1000};
}

void clock_advance(struct clock *clock, int64_t ms)
{
    clock->mono_us += ms * 1000;
    clock->wall_us += ms * 1000;
}

int64_t clock_now_us(const struct clock *clock)
{
    return clock->is_virtual ? clock->mono_us : read_us(CLOCK_MONOTONIC);
}

int64_t clock_now_ms(const struct clock *clock)
{
    return clock_now_us(clock) / 1000;
}

int64_t clock_wall_us(const struct clock *clock)
{
    return clock->is_virtual ? clock->wall_us : read_us(CLOCK_REALTIME);
}

int64_t clock_wall_ms(const struct clock *clock)
{
    return clock_wall_us(clock) / 1000;
}

static int64_t read_boot_us(const struct clock *clock)
{
    return clock->is_virtual ? clock->mono_us : read_us(CLOCK_BOOTTIME);
}

/* Read one between two readings of the other that are close: a thread may lose its processor in between. */
int64_t clock_offset_ms(const struct clock *clock)
{
    enum { TRIES = 5, CLOSE_US = 2000 };
    int64_t wall_ms = 0, before_us = 0, after_us = 0;
    for (int i = 0; i < TRIES && (i == 0 || after_us - before_us > CLOSE_US); i++) {
        before_us = read_boot_us(clock);
        wall_ms = clock_wall_ms(clock);
        after_us = read_boot_us(clock);
    }
    return wall_ms - (before_us + after_us) / 2000;
}

uint32_t clock_coarse_wall_s(void)
{
    return (uint32_t)time(NULL); /* CLOCK_REALTIME_COARSE, without a division */
}

uint64_t clock_coarse_wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_coarse_now_us(void)
{
    return (uint64_t)read_us(CLOCK_MONOTONIC_COARSE);
}

static uint64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t clock_precise_wall_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

uint64_t clock_machine_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return read_us(CLOCK_BOOTTIME) / 1000;
}

uint64_t clock_thread_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

const char *clock_write_rfc3339(int64_t wall_ms, char text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    int ms = (int)(wall_ms % 1000);
    if (ms < 0) {
        ms += 1000;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, CLOCK_TEXT_SIZE - len, ".%03dZ", ms);
    return text;
}

/* Exactly `digits` digits at *at; moves *at behind them. */
static bool read_number(const char **at, int digits, int low, int high, int *value)
{
    *value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at)) {
            return false;
        }
        *value = *value * 10 + (**at - '0');
    }
    return *value >= low && *value <= high;
}

static bool read_char(const char **at, char wanted)
{
    if (toupper((unsigned char)**at) != wanted) {
        return false;
    }
    (*at)++;
    return true;
}

static bool read_offset(const char **at, int *minutes)
{
    *minutes = 0;
    if (read_char(at, 'Z')) {
        return true;
    }
    int sign = **at == '-' ? -1 : 1, hours, rest;
    if (**at != '-' && **at != '+') {
        return false;
    }
    (*at)++;
    if (!read_number(at, 2, 0, 23, &hours) || !read_char(at, ':') || !read_number(at, 2, 0, 59, &rest)) {
        return false;
    }
    *minutes = sign * (hours * 60 + rest);
    return true;
}

static int read_fraction(const char **at)
{
    int ms = 0, scale = 100;
    if (**at != '.') {
        return 0;
    }
    for ((*at)++; isdigit((unsigned char)**at); (*at)++, scale /= 10) {
        ms += (**at - '0') * scale;
    }
    return ms;
}

int clock_parse_rfc3339(const char *text, int64_t *wall_ms)
{
    struct tm tm = {0};
    int offset;
    const char *at = text;
    if (!read_number(&at, 4, 1970, 9999, &tm.tm_year) || !read_char(&at, '-') ||
        !read_number(&at, 2, 1, 12, &tm.tm_mon) || !read_char(&at, '-') ||
        !read_number(&at, 2, 1, 31, &tm.tm_mday) || !read_char(&at, 'T') ||
        !read_number(&at, 2, 0, 23, &tm.tm_hour) || !read_char(&at, ':') ||
        !read_number(&at, 2, 0, 59, &tm.tm_min) || !read_char(&at, ':') ||
        !read_number(&at, 2, 0, 60, &tm.tm_sec)) {
        return ERROR_SYNTAX;
    }
    int ms = read_fraction(&at);
    if (!read_offset(&at, &offset) || *at != '\0') {
        return ERROR_SYNTAX;
    }
    int day = tm.tm_mday;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t seconds = (int64_t)timegm(&tm);
    if (tm.tm_mday != day && tm.tm_sec != 60) {
        return ERROR_SYNTAX; /* 30 February and the like */
    }
    *wall_ms = (seconds - offset * 60) * 1000 + ms;
    return 0;
}

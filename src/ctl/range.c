/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers are decimal, with a point: what strtod() takes beyond that (inf, nan, 0x10) is none here. */
#include "config.h"

#include "ctl/range.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 32 };

static const char digits[] = "0123456789";

/* What one of these is worth; 0: it is none of this unit. */
static double factor_of(const char *suffix, const char *unit)
{
    static const struct {
        const char *unit, *suffix;
        double factor;
    } factors[] = {{"s", "s", 1},     {"s", "m", 60},     {"s", "h", 3600},
                   {"s", "d", 86400}, {"s", "w", 604800}, {"%", "%", 1}};
    if (suffix[0] == '\0') {
        return 1;
    }
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        if (strcmp(factors[i].unit, unit) == 0 && strcmp(factors[i].suffix, suffix) == 0) {
            return factors[i].factor;
        }
    }
    return 0;
}

static int parse_number(const char *text, const char *unit, double *number)
{
    const char *at = text + (text[0] == '-' || text[0] == '+');
    size_t whole = strspn(at, digits), part = 0;
    const char *after = at + whole;
    if (*after == '.') {
        part = strspn(after + 1, digits);
        after += 1 + part;
    }
    double factor = factor_of(after, unit);
    if (whole + part == 0 || after - text >= NUMBER_MAX || factor == 0) {
        return ERROR_SYNTAX;
    }
    *number = strtod(text, NULL) * factor;
    return 0;
}

int range_parse(const char *text, const char *unit, struct range *range)
{
    char start[2 * NUMBER_MAX];
    *range = (struct range){.end = INFINITY, .inside = text[0] == '@'};
    text += range->inside;
    const char *colon = strchr(text, ':'), *end = colon == NULL ? text : colon + 1;
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    if (len >= sizeof start) {
        return ERROR_SYNTAX;
    }
    memcpy(start, text, len);
    start[len] = '\0';
    int error = colon == NULL && end[0] == '\0' ? ERROR_SYNTAX : 0;
    if (strcmp(start, "~") == 0) {
        range->start = -INFINITY;
    } else if (colon != NULL) {
        error = parse_number(start, unit, &range->start);
    }
    if (error == 0 && end[0] != '\0') {
        error = parse_number(end, unit, &range->end);
    }
    return error == 0 && range->start > range->end ? ERROR_SYNTAX : error;
}

bool range_tells(const struct range *range, double value)
{
    bool is_inside = value >= range->start && value <= range->end;
    return is_inside == range->inside;
}

const char *range_write(const struct range *range, char text[RANGE_SIZE])
{
    char start[NUMBER_MAX] = "", end[NUMBER_MAX] = "";
    if (isinf(range->start)) {
        snprintf(start, sizeof start, "~:");
    } else if (range->start != 0 || isinf(range->end)) {
        snprintf(start, sizeof start, "%.10g:", range->start);
    }
    if (!isinf(range->end)) {
        snprintf(end, sizeof end, "%.10g", range->end);
    }
    snprintf(text, RANGE_SIZE, "%s%s%s", range->inside ? "@" : "", start, end);
    return text;
}

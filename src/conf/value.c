/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Text checks for values in documents. */
#include "config.h"

#include "conf/value.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LEN = 63, POINTER_MAX_LEN = 255 };

struct unit {
    const char *name;
    uint64_t ms;
};

static const struct unit units[] = {{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};

int value_parse_duration(const char *text, uint64_t *ms)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0) {
        return ERROR_SYNTAX;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(text + digits, units[i].name) != 0) {
            continue;
        }
        if (digits > 12) { /* 12 digits of hours still fit 64 bits of milliseconds */
            return ERROR_TOO_LARGE;
        }
        *ms = strtoull(text, NULL, 10) * units[i].ms;
        return 0;
    }
    return ERROR_SYNTAX;
}

const char *value_write_duration(uint64_t ms, char text[VALUE_DURATION_SIZE])
{
    size_t i = ms == 0 ? 2 : 0;
    while (ms % units[i].ms != 0) {
        i++;
    }
    snprintf(text, VALUE_DURATION_SIZE, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
    return text;
}

int value_parse_size(const char *text, uint64_t *size)
{
    static const char *const suffixes[] = {"KiB", "MiB", "GiB", "TiB"};
    size_t digits = strspn(text, "0123456789");
    for (unsigned i = 0; digits != 0 && i < sizeof suffixes / sizeof *suffixes; i++) {
        if (strcmp(text + digits, suffixes[i]) == 0) {
            *size = digits > 6 ? 0 : (uint64_t)strtoull(text, NULL, 10) << 10 * (i + 1); /* 20 + 40 bits */
            return digits > 6 ? ERROR_TOO_LARGE : 0;
        }
    }
    return ERROR_SYNTAX;
}

int value_parse_percent(const char *text, double *share)
{
    size_t digits = strspn(text, "0123456789"), fraction = 0;
    const char *end = text + digits;
    if (*end == '.') {
        fraction = strspn(++end, "0123456789");
        end += fraction;
    }
    if (digits == 0 || digits > 3 || fraction > 9 || end[-1] == '.' || strcmp(end, "%") != 0) {
        return ERROR_SYNTAX;
    }
    double percent = 0, unit = 1;
    for (const char *at = text; at < end; at++) {
        if (*at != '.') {
            percent = percent * 10 + (*at - '0');
            unit = at > text + digits ? unit * 10 : unit;
        }
    }
    percent /= unit;
    if (percent <= 0 || percent > 100) {
        return ERROR_SYNTAX;
    }
    *share = percent / 100;
    return 0;
}

bool value_is_name(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t len = strspn(text, allowed);
    return len > 0 && len <= NAME_MAX_LEN && text[len] == '\0' && text[0] != '-';
}

bool value_is_pattern(const char *text)
{
    return strchr(text, '*') != NULL;
}

/* RFC 6901 section 3: tokens behind "/", in which "~" is only ever "~0" or "~1". */
bool value_is_pointer(const char *text)
{
    if (text[0] != '/' || strlen(text) > POINTER_MAX_LEN) {
        return false;
    }
    const char *tilde = strchr(text, '~');
    while (tilde != NULL && (tilde[1] == '0' || tilde[1] == '1')) {
        tilde = strchr(tilde + 1, '~');
    }
    return tilde == NULL;
}

/* On a mismatch only the last '*' has to take one more character: at most pattern times name steps. */
bool value_matches(const char *pattern, const char *name)
{
    const char *star = NULL, *resume = NULL;
    while (*name != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}

/* ---- octets ---- */

static int digit_of(char digit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = digit == '\0' ? NULL : strchr(digits, digit);
    return at == NULL ? -1 : (int)((at - digits) % 16);
}

ptrdiff_t value_parse_octets(const char *text, uint8_t *octets, size_t size)
{
    size_t count = 0;
    for (const char *at = text; *at != '\0'; count++) {
        int octet = (unsigned char)*at++;
        if (octet == '\\' && *at == '\\') {
            at++;
        } else if (octet == '\\') {
            int high = *at == 'x' ? digit_of(at[1]) : -1, low = high == -1 ? -1 : digit_of(at[2]);
            if (low == -1) {
                return ERROR_SYNTAX;
            }
            octet = high << 4 | low;
            at += 3;
        }
        if (count == size) {
            return ERROR_TOO_LARGE;
        }
        octets[count] = (uint8_t)octet;
    }
    return (ptrdiff_t)count;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of regular expressions: the first byte is the length of the expression, the second the size of the
 * pieces in which the rest comes. The result has to be the same as for all of it at once, and that of the C
 * library where both know the expression. */
#include "config.h"

#include "base/regex.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT = 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

/* Plain ASCII, without what the library reads otherwise, or takes for ever to find. */
static bool is_common(const char *pattern)
{
    size_t len = strlen(pattern), i = 0;
    while (i < len && (unsigned char)pattern[i] < 0x80 && pattern[i] != '\\' &&
           (pattern[i] != '(' || pattern[i + 1] != '?') &&
           (pattern[i] != '[' || strchr(".=", pattern[i + 1]) == NULL)) {
        i++;
    }
    return i == len && len <= SHORT && strpbrk(pattern, "{") == NULL;
}

static bool looks(const struct regex *regex, const uint8_t *text, size_t len, size_t piece)
{
    struct regex_scan scan;
    enum regex_progress progress = regex_begin(regex, &scan);
    for (size_t at = 0; at < len; at += piece) {
        progress = regex_feed(regex, &scan, text + at, len - at < piece ? len - at : piece);
    }
    expect(progress != REGEX_FOUND || regex_end(regex, &scan));
    expect(progress != REGEX_ABSENT || !regex_end(regex, &scan));
    return regex_end(regex, &scan);
}

static void compare(const char *pattern, const uint8_t *octets, size_t len, bool found)
{
    char text[SHORT + 1] = "";
    regex_t theirs;
    for (size_t i = 0; i < len; i++) {
        if (octets[i] == 0 || octets[i] >= 0x80) {
            return;
        }
    }
    memcpy(text, octets, len);
    if (regcomp(&theirs, pattern, REG_EXTENDED | REG_NOSUB) == 0) {
        expect((regexec(&theirs, text, 0, NULL, 0) == 0) == found);
        regfree(&theirs);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char pattern[256] = "", why[REGEX_WHY_SIZE];
    if (size < 2 || size - 2 < data[0]) {
        return 0;
    }
    memcpy(pattern, data + 2, data[0]);
    const uint8_t *text = data + 2 + data[0];
    size_t len = size - 2 - data[0];
    struct regex *regex = regex_new(pattern, why);
    if (regex == NULL) {
        expect(why[0] != '\0' && strlen(why) < REGEX_WHY_SIZE);
        return 0;
    }
    bool found = looks(regex, text, len, len + 1);
    expect(found == looks(regex, text, len, (size_t)data[1] + 1));
    if (is_common(pattern) && len <= SHORT) {
        compare(pattern, text, len, found);
    }
    regex_drop(regex);
    return 0;
}

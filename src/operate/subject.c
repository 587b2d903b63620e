/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See subject.h. */
#include "config.h"

#include "operate/subject.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 8 };

static const double hardly_more = 1.25;

static bool has_part(const uint32_t *parts, size_t count, uint32_t part)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i] == part) {
            return true;
        }
    }
    return false;
}

void subject_add(struct subject *subject, const char *first, const char *second, const char *third)
{
    const char *const words[] = {first, second, third};
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        hash =
            hash_bytes(hash, words[i] == NULL ? "" : words[i], words[i] == NULL ? 0 : strlen(words[i]) + 1);
    }
    uint32_t part = (uint32_t)hash_finish(hash);
    size_t kept = subject->count < SUBJECT_PARTS_MAX ? subject->count : SUBJECT_PARTS_MAX;
    if (has_part(subject->parts, kept, part)) {
        return;
    }
    if (kept < SUBJECT_PARTS_MAX) {
        subject->parts[kept] = part;
    }
    subject->count++;
    subject->whole += part;
}

void subject_write(const struct subject *subject, char text[SUBJECT_TEXT_SIZE])
{
    bool is_listed = subject->count <= SUBJECT_PARTS_MAX;
    size_t count = is_listed ? subject->count : 1, at = 0;
    for (size_t i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, SUBJECT_TEXT_SIZE - at, "%s%08x", i == 0 ? "" : "+",
                               is_listed ? subject->parts[i] : subject->whole);
    }
    (void)snprintf(text + at, SUBJECT_TEXT_SIZE - at, "@%.9g", subject->amount);
}

/* Is the part, as digits, in the list that ends with "@"? */
static bool lists(const char *text, uint32_t part)
{
    char digits[DIGITS + 1];
    (void)snprintf(digits, sizeof digits, "%08x", part);
    for (; strnlen(text, DIGITS) == DIGITS && *text != '@'; text += DIGITS + (text[DIGITS] == '+')) {
        if (memcmp(text, digits, DIGITS) == 0) {
            return true;
        }
    }
    return false;
}

bool subject_is_within(const struct subject *subject, const char *text)
{
    const char *amount = strchr(text, '@');
    bool is_listed = subject->count <= SUBJECT_PARTS_MAX;
    if (amount == NULL || subject->amount > strtod(amount + 1, NULL) * hardly_more) {
        return false;
    }
    for (size_t i = 0; is_listed && i < subject->count; i++) {
        if (!lists(text, subject->parts[i])) {
            return false;
        }
    }
    return is_listed || lists(text, subject->whole);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzing of requests that are sent again: what the header Idempotency-Key says, and what the store has of an
 * answer. A key that is good is good once more when it is written with its quotes; what was read of an answer
 * is written as what is read the same. */
#include "config.h"

#include "admin/receipts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { TEXT_MAX = 65536 };

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void try_key(const char *text)
{
    char key[RECEIPTS_KEY_MAX + 1], again[RECEIPTS_KEY_MAX + 1], quoted[2 * RECEIPTS_KEY_MAX + 3];
    size_t at = 0;
    if (receipts_parse_key(text, key) != 0) {
        return;
    }
    quoted[at++] = '"';
    for (const char *c = key; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            quoted[at++] = '\\';
        }
        quoted[at++] = *c;
    }
    quoted[at++] = '"';
    quoted[at] = '\0';
    expect(key[0] != '\0' && receipts_parse_key(quoted, again) == 0 && strcmp(key, again) == 0);
}

static void try_answer(const char *text)
{
    static const char name[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct receipts receipts = {.first = NULL}, others = {.first = NULL};
    if (receipts_read(&receipts, name, text) != 0) {
        expect(receipts.first == NULL);
        return;
    }
    char *once = receipts_write(receipts.first);
    expect(once != NULL && receipts_read(&others, name, once) == 0);
    char *twice = receipts_write(others.first);
    expect(strcmp(once, twice) == 0 && others.octets == receipts.octets);
    free(once);
    free(twice);
    receipts_fini(&receipts);
    receipts_fini(&others);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static char text[TEXT_MAX + 1];
    len = len > TEXT_MAX ? TEXT_MAX : len;
    memcpy(text, bytes, len);
    text[len] = '\0';
    try_key(text);
    try_answer(text);
    return 0;
}

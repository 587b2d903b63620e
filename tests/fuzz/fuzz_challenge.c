/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of challenges as objects of the store, the key in the first line: whatever is read can be written,
 * and means the same then. */
#include "config.h"

#include "daemon/challenge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void write_again(const char *name, const struct challenge_value *first)
{
    struct challenge_value second;
    const char *why;
    char *again;
    expect(challenge_is_value(first->value));
    char *key = challenge_write_key(name, first->value), *text = challenge_write(first);
    expect(challenge_read(key, text, &again, &second, &why) == 0);
    expect(strcmp(name, again) == 0 && strcmp(first->value, second.value) == 0);
    expect(first->set_ms == second.set_ms && first->expires_ms == second.expires_ms);
    char *twice = challenge_write(&second);
    expect(strcmp(text, twice) == 0);
    free(key);
    free(text);
    free(again);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct challenge_value value;
    char other[CHALLENGE_VALUE_SIZE], *name, *alone;
    const char *why;
    char *key = malloc(size + 1);
    if (key == NULL) {
        return 0;
    }
    memcpy(key, data, size);
    key[size] = '\0';
    char *text = strchr(key, '\n');
    if (text != NULL) {
        *text++ = '\0';
    }
    int error = challenge_read(key, text == NULL ? "" : text, &name, &value, &why);
    expect((error == 0) == (why == NULL) && (error == 0) == (name != NULL));
    if (error == 0) {
        expect(challenge_read_key(key, &alone, other) == 0 && strcmp(alone, name) == 0 &&
               strcmp(other, value.value) == 0);
        write_again(name, &value);
        free(alone);
    }
    free(name);
    free(key);
    return 0;
}

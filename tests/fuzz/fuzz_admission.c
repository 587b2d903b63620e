/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what is said when a machine joins a cluster: tokens, questions, answers. What is read can be
 * written, and is the same then. */
#include "config.h"

#include "base/arena.h"
#include "fleet/admission.h"

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

static void try_token(const char *text)
{
    struct admission_token first, second;
    if (admission_read_token(text, &first) == 0) {
        char *written = admission_write_token(&first);
        expect(admission_read_token(written, &second) == 0);
        char *again = admission_write_token(&second);
        expect(strcmp(written, again) == 0);
        free(written);
        free(again);
    }
}

static void try_ask(const char *text)
{
    struct admission_ask first, second;
    if (admission_read_ask(text, &first) == 0) {
        char *written = admission_write_ask(&first);
        expect(admission_read_ask(written, &second) == 0);
        expect(strcmp(first.secret, second.secret) == 0 && first.wall_ms == second.wall_ms);
        free(written);
    }
}

static void try_grant(const char *text)
{
    struct admission_grant first, second;
    struct arena *arena = arena_new(0);
    if (admission_read_grant(text, arena, &first) == 0) {
        char *written = admission_write_grant(&first);
        expect(admission_read_grant(written, arena, &second) == 0);
        expect(first.member == second.member && first.etcd_count == second.etcd_count);
        free(written);
    }
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text != NULL) {
        memcpy(text, data, size);
        text[size] = '\0';
        try_token(text);
        try_ask(text);
        try_grant(text);
    }
    free(text);
    return 0;
}

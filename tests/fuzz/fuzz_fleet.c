/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of what servers and vantages say to each other. What is read can be written, and is the same then;
 * what is not has a reason. */
#include "config.h"

#include "base/arena.h"
#include "fleet/message.h"

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

static void take(const struct fleet_message *message, struct arena *arena)
{
    struct fleet_message again;
    struct buffer first, second;
    char why[FLEET_WHY_SIZE];
    buffer_init(&first);
    buffer_init(&second);
    fleet_write(message, &first);
    expect(first.bytes[first.len - 1] == '\n' &&
           memchr(first.bytes, '\n', first.len) == first.bytes + first.len - 1);
    if (first.len <= FLEET_LINE_MAX) {
        expect(fleet_read(first.bytes, first.len - 1, arena, &again, why) == 0);
        expect(again.kind == message->kind);
        fleet_write(&again, &second);
        expect(first.len == second.len && memcmp(first.bytes, second.bytes, first.len) == 0);
    }
    buffer_fini(&first);
    buffer_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(0);
    struct fleet_message message;
    char why[FLEET_WHY_SIZE];
    int error = fleet_read((const char *)data, size, arena, &message, why);
    expect((error == 0) == (why[0] == '\0'));
    if (error == 0) {
        take(&message, arena);
    }
    arena_free(arena);
    return 0;
}

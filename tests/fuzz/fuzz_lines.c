/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of imports: objects as lines. What is read can be written, and is the same then; what is not has a
 * line and a reason. */
#include "config.h"

#include "past/lines.h"

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

static bool take(void *context, const struct store_object *object, size_t line)
{
    struct arena *arena = context;
    struct store_object again;
    struct buffer text;
    char why[LINES_WHY_SIZE];
    buffer_init(&text);
    lines_write(&text, object);
    expect(line != 0 && text.bytes[text.len - 1] == '\n');
    expect(lines_read(text.bytes, text.len - 1, arena, &again, why) == 0);
    expect(strcmp(again.kind, object->kind) == 0 && strcmp(again.key, object->key) == 0);
    expect(strcmp(again.value, object->value) == 0 && again.revision == object->revision);
    buffer_fini(&text);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(0);
    char why[LINES_WHY_SIZE] = "";
    size_t line;
    int error = lines_walk((const char *)data, size, arena, take, arena, &line, why);
    expect(error == 0 || (line != 0 && why[0] != '\0'));
    arena_free(arena);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of filters and marks, which come from clients, and of changes as JSON, whose texts come from
 * anybody: a mark that is read is written the same, and what is rendered is one line of JSON that says the
 * same. The first byte chooses. */
#include "config.h"

#include "base/buffer.h"
#include "events/filter.h"
#include "events/mark.h"
#include "events/render.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int truth)
{
    if (!truth) {
        abort();
    }
}

static void try_mark(const char *text)
{
    struct mark mark;
    char again[MARK_TEXT_SIZE];
    if (mark_parse(text, &mark) == 0) {
        expect(strcmp(mark_write(&mark, again), text) == 0);
    }
}

static void try_filter(const char *text)
{
    struct filter filter = {0};
    char bad[FILTER_BAD_SIZE];
    if (filter_parse_kinds(&filter, text, bad) == 0) {
        expect(filter.kinds != 0 && filter.kinds < UINT64_C(1) << CHANGE_KINDS);
    }
    filter = (struct filter){0};
    if (filter_parse_targets(&filter, text, bad) == 0) {
        expect(filter.target_count > 0);
        size_t len = strcspn(text, ",*");
        char name[CHANGE_NAME_MAX + 1];
        memcpy(name, text, len);
        name[len] = '\0';
        expect(filter_passes(&filter, &(struct change){.name = name}));
    } else {
        expect(strlen(bad) < FILTER_BAD_SIZE);
    }
}

static void try_render(const char *text)
{
    struct buffer out;
    struct change_body body;
    json_error_t error;
    change_body_init(&body);
    change_body_add(&body, "key", text);
    buffer_init(&out);
    change_render(
        &out,
        &(struct change){
            .seq = 1, .wall_ms = 1, .kind = CHANGE_HEALTH, .name = text, .actor = text, .body = body.text});
    expect(memchr(out.bytes, '\n', out.len) == NULL);
    json_t *json = json_loadb(out.bytes, out.len, JSON_REJECT_DUPLICATES, &error);
    expect(json != NULL);
    const json_t *name = json_object_get(json, "name");
    expect(json_is_string(name));
    json_t *plain = json_string(text); /* NULL: it is no UTF-8 */
    expect(plain == NULL || strcmp(json_string_value(name), text) == 0);
    json_decref(plain);
    json_decref(json);
    buffer_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(const char *text) = {try_mark, try_filter, try_render};
    if (size == 0 || size > 4096) {
        return 0;
    }
    char *text = malloc(size);
    expect(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    tries[data[0] % 3](text);
    free(text);
    return 0;
}

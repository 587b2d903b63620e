/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Fuzzer of the log's formats: one value with any octets, between two that are known. Whatever it is, the
 * text is one line whose fields are these three, and gives the value back; JSON is JSON and says the same. */
#include "config.h"

#include "base/log_record.h"
#include "base/log_text.h"
#include "base/utf8.h"

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

__attribute__((format(printf, 2, 3))) static void print(struct log_record *record, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    record->wall_ms = 0;
    record->level = 0;
    log_record_print(record, format, arguments);
    va_end(arguments);
}

static void check_text(const char *body, const char *value)
{
    static const char head[] = "event a=1 b=", tail[] = " c=2";
    size_t len = strlen(body), front = sizeof head - 1, back = sizeof tail - 1;
    expect(len >= front + back && memcmp(body, head, front) == 0);
    expect(strcmp(body + len - back, tail) == 0);
    expect(utf8_check(body, len) == len && strpbrk(body, "\n\r\x1b\x7f") == NULL);
    const char *at = body + front, *end = body + len - back;
    if (*at != '"') { /* as it is */
        expect(memchr(at, ' ', (size_t)(end - at)) == NULL && memchr(at, '"', (size_t)(end - at)) == NULL &&
               memchr(at, '=', (size_t)(end - at)) == NULL && end != at);
        return;
    }
    char quoted[LOG_RECORD_ROOM * 6 + 16];
    expect((size_t)(end - at) < sizeof quoted - 2);
    quoted[0] = '['; /* within quotes both formats are the same */
    memcpy(quoted + 1, at, (size_t)(end - at));
    memcpy(quoted + 1 + (end - at), "]", 2);
    json_t *array = json_loads(quoted, 0, NULL);
    expect(json_array_size(array) == 1 && strcmp(json_string_value(json_array_get(array, 0)), value) == 0);
    json_decref(array);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log_record record;
    struct buffer body, json, journal;
    char *value = calloc(1, size + 1);
    memcpy(value, data, size);
    buffer_init(&body);
    buffer_init(&json);
    buffer_init(&journal);
    print(&record, "event a=%d b=%s c=%u", 1, value, 2u);
    log_write_body(&record, &body);
    log_write_json(&record, &json);
    log_write_journal(&record, "steerd", &journal);
    json_t *document = json_loads(json.bytes, JSON_REJECT_DUPLICATES, NULL);
    expect(json_object_size(document) == 6 && strchr(json.bytes, '\n') == json.bytes + json.len - 1);
    const char *said = json_string_value(json_object_get(document, "b"));
    expect(said != NULL && json_integer_value(json_object_get(document, "c")) == 2);
    expect(utf8_check(value, strlen(value)) != strlen(value) || strlen(value) > LOG_VALUE_MAX ||
           strcmp(said, value) == 0);
    check_text(body.bytes, said);
    json_decref(document);
    buffer_fini(&body);
    buffer_fini(&json);
    buffer_fini(&journal);
    print(&record, "%s a=%s", value, value); /* in the event, too */
    log_write_text(&record, &body);
    expect(strchr(body.bytes, '\n') == body.bytes + body.len - 1);
    buffer_fini(&body);
    free(value);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See h2_request.h. */
#include "config.h"

#include "probe/h2_request.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char *find_next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end == NULL ? line + strlen(line) : end + 1;
}

/* RFC 9113 section 8.2.2: what is about a connection of HTTP/1.1 makes a request malformed. */
static bool is_of_connection(const char *name)
{
    return strcmp(name, "keep-alive") == 0 || strcmp(name, "http2-settings") == 0;
}

/* "Name: value", and CRLF; false: it is none for HTTP/2. */
static bool read_line(const char *line, struct arena *arena, struct h2_field *field)
{
    const char *colon = strchr(line, ':'), *value = colon + 1;
    char *name = memory_print("%.*s", (int)(colon - line), line);
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    value += strspn(value, " \t");
    size_t len = strcspn(value, "\r\n");
    while (len != 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) {
        len--;
    }
    char *rest = memory_print("%.*s", (int)len, value);
    *field = (struct h2_field){arena_share_text(arena, name), arena_share_text(arena, rest)};
    free(name);
    free(rest);
    return !is_of_connection(field->name);
}

static size_t count_lines(const char *lines)
{
    size_t count = 0;
    for (; lines != NULL && *lines != '\0'; lines = find_next_line(lines)) {
        count++;
    }
    return count;
}

struct h2_request h2_request_list(const struct probe_target *target, const struct h2_field *fields,
                                  size_t field_count, struct arena *arena)
{
    const char *line = target->headers;
    struct h2_field *all = memory_alloc_array(field_count + count_lines(line), sizeof *all);
    size_t count = 0;
    for (; count < field_count; count++) {
        all[count] = (struct h2_field){fields[count].name, arena_share_text(arena, fields[count].value)};
    }
    for (; line != NULL && *line != '\0'; line = find_next_line(line)) {
        count += read_line(line, arena, &all[count]);
    }
    const struct h2_field *shared = arena_share(arena, all, count * sizeof *all);
    free(all);
    return (struct h2_request){.fields = shared, .field_count = count};
}

bool h2_request_is_same(const struct h2_request *a, const struct h2_request *b)
{
    if (a == NULL || b == NULL || a->field_count != b->field_count) {
        return a == b;
    }
    size_t i = 0;
    while (i < a->field_count && strcmp(a->fields[i].name, b->fields[i].name) == 0 &&
           strcmp(a->fields[i].value, b->fields[i].value) == 0) {
        i++;
    }
    return i == a->field_count;
}

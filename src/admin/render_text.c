/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Texts to JSON. Those that are not UTF-8 (names from zone files) are written with \DDD escapes. */
#include "config.h"

#include "admin/render.h"

#include "base/buffer.h"

#include <string.h>

/* jansson refuses what is not UTF-8; then every octet outside ASCII is escaped as in a master file. */
json_t *render_text(const char *text)
{
    if (text == NULL) {
        return json_null();
    }
    json_t *value = json_string(text);
    if (value != NULL) {
        return value;
    }
    struct buffer escaped;
    buffer_init(&escaped);
    for (const char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < 128) {
            buffer_add(&escaped, at, 1);
        } else {
            buffer_print(&escaped, "\\%03u", (unsigned)(unsigned char)*at);
        }
    }
    value = json_string(escaped.bytes);
    buffer_fini(&escaped);
    return value;
}

json_t *render_texts(const char *const *texts, size_t count)
{
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, render_text(texts[i]));
    }
    return items;
}

json_t *render_name_groups(const char *names)
{
    json_t *list = names[0] == '\0' ? json_null() : json_array();
    while (names[0] != '\0') {
        size_t len = strcspn(names, ",");
        json_array_append_new(list, json_stringn(names, len));
        names += len + (names[len] == ',');
    }
    return list;
}

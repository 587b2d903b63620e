/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See page.h: page.html with the report in it. A script that holds JSON ends at "</script", so no "<" is
 * left of it. */
#include "config.h"

#include "page/page.h"

#include "base/buffer.h"
#include "base/embed.h"

#include <string.h>

EMBED(page, PAGE_PATH);

static const char marker[] = "@REPORT@";

char *page_write(const char *json)
{
    const char *hole = strstr(page_begin, marker);
    struct buffer text;
    buffer_init(&text);
    buffer_add(&text, page_begin, (size_t)(hole - page_begin));
    for (size_t len; json[0] != '\0'; json += len) {
        len = strcspn(json, "<");
        buffer_add(&text, json, len);
        if (json[len] == '<') {
            buffer_add_text(&text, "\\u003c");
            len++;
        }
    }
    buffer_add_text(&text, hole + sizeof marker - 1);
    return text.bytes;
}

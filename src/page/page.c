/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See page.h: page.html with the report in it. A script that holds JSON ends at "</script", so no "<" is
 * left of it. */
#include "config.h"

#include "page/page.h"

#include "base/buffer.h"
#include "base/embed.h"
#include "page/cut.h"

#include <stdlib.h>
#include <string.h>

EMBED(page, PAGE_PATH);

/* Octets of a report that a page holds as it is. */
enum { WHOLE_MAX = 4 << 20 };

static const char marker[] = "@REPORT@";

char *page_write(const char *json)
{
    char *few = strlen(json) > WHOLE_MAX ? page_cut(json) : NULL;
    const char *hole = strstr(page_text, marker);
    struct buffer text;
    buffer_init(&text);
    buffer_add(&text, page_text, (size_t)(hole - page_text));
    json = few != NULL ? few : json;
    for (size_t len; json[0] != '\0'; json += len) {
        len = strcspn(json, "<");
        buffer_add(&text, json, len);
        if (json[len] == '<') {
            buffer_add_text(&text, "\\u003c");
            len++;
        }
    }
    buffer_add_text(&text, hole + sizeof marker - 1);
    free(few);
    return text.bytes;
}

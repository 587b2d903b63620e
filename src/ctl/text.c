/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Cells of tables from values of JSON. */
#include "config.h"

#include "ctl/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MORE_SIZE = 24 }; /* " and 1000000 more" */

const char *text_or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

const char *text_join(const json_t *texts, const char *between, char list[TEXT_LIST_SIZE])
{
    size_t used = 0, count = json_array_size(texts);
    list[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *text = text_or_dash(json_string_value(json_array_get(texts, i)));
        if (used + strlen(between) + strlen(text) + MORE_SIZE >= TEXT_LIST_SIZE) {
            snprintf(list + used, TEXT_LIST_SIZE - used, "%s%zu more", i == 0 ? "" : " and ", count - i);
            break;
        }
        used += (size_t)snprintf(list + used, TEXT_LIST_SIZE - used, "%s%s", i == 0 ? "" : between, text);
    }
    return list;
}

const char *text_number(const json_t *object, const char *key, char out[TEXT_NUMBER_SIZE])
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) {
        snprintf(out, TEXT_NUMBER_SIZE, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(out, TEXT_NUMBER_SIZE, "%.3g", json_real_value(value));
    } else {
        snprintf(out, TEXT_NUMBER_SIZE, "-");
    }
    return out;
}

bool text_wants_colour(void)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && (none == NULL || none[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

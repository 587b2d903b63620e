/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See found.h. */
#include "config.h"

#include "past/found.h"

#include <jansson.h>

const char *found_text(const struct json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    default: return "null";
    }
}

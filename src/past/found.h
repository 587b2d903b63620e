/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What kind of JSON value was found where another one was expected, for messages. */
#pragma once

struct json_t;

const char *found_text(const struct json_t *value); /* "an object" "a string" "null"… */

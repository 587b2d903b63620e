/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An object of the store as one line of JSON: what recovery points, exports and imports consist of.
 *
 *   {"kind":"override","key":"region:us-east","revision":12,"written_ms":1763800000000,"expires_ms":0,"value":{…}}
 *
 * What a person writes needs kind, key and value only, in any order. Pure. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "store/store.h"

enum { LINES_WHY_SIZE = 256, LINES_MAX = STORE_VALUE_MAX + 8192 }; /* octets of a line */

/* With its newline. The value stays as it is. */
void lines_write(struct buffer *out, const struct store_object *object);

/* One line without its newline; the object's texts are in the arena. A value that lines_write() wrote is the
 * same octet by octet. 0, or ERROR_SYNTAX and what was found and expected. */
int lines_read(const char *text, size_t len, struct arena *arena, struct store_object *object,
               char why[LINES_WHY_SIZE]);

/* All lines of a text, empty ones left out; `got` returns false to end the walk. ERROR_SYNTAX: *line is the
 * number of the line that is none, from 1. */
int lines_walk(const char *text, size_t len, struct arena *arena,
               bool (*got)(void *context, const struct store_object *object, size_t line), void *context,
               size_t *line, char why[LINES_WHY_SIZE]);

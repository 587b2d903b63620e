/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where a value of a JSON text stands: line and column, from the text and the value's position in the tree
 * (the first child of the root, of that the third, and so on). The text must be valid JSON already; on any
 * other text the answer is meaningless, but reads stay inside it. Used only when something has to be
 * reported.
 *
 * Containers that were walked are remembered per level, so asking for many values in the order of the
 * document costs about one pass over the text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { LOCATE_MAX_DEPTH = 16 };

struct locate;

struct locate *locate_new(const char *text, size_t len); /* borrows the text */
void locate_free(struct locate *locate);                 /* NULL is fine */

/* Byte offsets of the value at path[0..depth), ordinals from the root downwards, and of its key (the same as
 * the value's outside objects). depth 0 is the root. Returns 0 or ERROR_NOT_FOUND. */
int locate_find_value(struct locate *locate, const size_t *path, size_t depth, size_t *key_at,
                      size_t *value_at);

/* Line and column, both from 1; the column counts characters. */
void locate_get_place(struct locate *locate, size_t offset, unsigned *line, unsigned *column);

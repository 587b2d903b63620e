/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where the members of one large object of a JSON text are, so that each can be parsed by itself and the tree
 * of the whole never has to be in memory. Only the outline is looked at: whoever parses the pieces, and the
 * text without them, finds what is no JSON. Reads stay inside the text, whatever it is. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct split_piece {
    size_t key_at, key_end; /* with its quotes */
    size_t value_at, value_end;
};

struct split {
    size_t begin, end; /* of the object, with its braces */
    struct split_piece *pieces;
    size_t count, capacity;
};

/* The members of the first member `key` of the object that the text is. False: there is no such object, or
 * the outline is not that of JSON. Either way split_fini() is due. */
bool split_init(struct split *split, const char *text, size_t len, const char *key);
/* The members of that object itself, whose begin and end are those of the text. */
bool split_init_root(struct split *split, const char *text, size_t len);
void split_fini(struct split *split);

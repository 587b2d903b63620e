/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Words for a reference that leads nowhere: the name that was probably meant, and what there is. */
#pragma once

#include "base/buffer.h"

#include <stddef.h>

/* An array of structs whose first member is their name (const char *), such as conf_az. */
struct suggest_list {
    const void *items;
    size_t count, size; /* size of one item */
};

/* Adds `, did you mean "a"? There are "a", "b" and 17 more` for the names of all lists. Only so many names
 * are looked at that a thousand messages about a large document stay quick. */
void suggest_write(const char *found, const struct suggest_list *lists, size_t list_count, struct buffer *to);

struct doc_node;
/* Error: there is no such az, check … as the node's text says; and what there is. */
void suggest_report(const struct doc_node *node, const char *kind, const struct suggest_list *list);

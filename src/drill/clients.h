/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Of a drill document: who asks. Inside of src/drill. */
#pragma once

#include "drill/document.h"

struct doc_node;

#define DRILL_CLIENTS_DEFAULT                                                                                \
    {                                                                                                        \
        .count = 1000000, .resolvers = 256, .negative_ms = 60000, .patience_ms = 5000                        \
    }

/* "clients" of the document. */
void clients_read(const struct drill_ground *ground, const struct doc_node *root, struct arena *arena,
                  struct drill_clients *to);
/* Names or patterns, absolute and in lower case; NULL: there are none. */
const char **clients_read_names(struct arena *arena, const struct doc_node *object, const char *key,
                                size_t *count);

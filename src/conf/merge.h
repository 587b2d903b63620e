/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several JSON texts as one: the members of their largest objects side by side, everything else from the one
 * that has it. Which octet is from where is known, so that messages name the file and the line that somebody
 * wrote. */
#pragma once

#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>

struct merge;

/* A text and the path that messages call it by; both are borrowed, and have to stay. */
struct merge_file {
    const char *path, *text;
    size_t len;
};

/* All are JSON objects, which somebody else has made sure of. `together` (NULL ends them) are keys whose
 * objects are put together; another key that two of them have is there twice in the result. NULL: it would be
 * larger than a document may be. */
struct merge *merge_new(const struct merge_file *files, size_t count, const char *const *together);
void merge_free(struct merge *merge); /* NULL is fine */
/* The result; stays until merge_free(). */
const char *merge_get_text(const struct merge *merge, size_t *len);
/* Of the octet at this place of the result: file, line and column. */
void merge_find_place(struct merge *merge, size_t at, struct report_place *place);

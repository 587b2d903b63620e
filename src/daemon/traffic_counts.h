/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the DNS threads have counted in the caches of one view, read into the book: differences since it was
 * read last, modulo 2^32. Private to src/daemon. */
#pragma once

#include "traffic/book.h"
#include "view/view.h"

struct traffic_counts;

/* Takes the view (view_hold_counts()). `before` (may be NULL) counts for the view before, and is of no use
 * from then on but to be freed: if that shares its caches, what was read of them is known. */
struct traffic_counts *traffic_counts_new(struct view *view, struct traffic_counts *before);
void traffic_counts_free(struct traffic_counts *counts); /* NULL is fine */
const struct view *traffic_counts_get_view(const struct traffic_counts *counts);

/* Places and endpoints of the view have rows from now on; names and classes get them with their first answer.
 */
void traffic_counts_enter(struct traffic_counts *counts, struct traffic_book *book, int64_t now_ms,
                          int64_t wall_ms);
/* In a sweep: what the view has is there. */
void traffic_counts_keep(struct traffic_counts *counts, struct traffic_book *book);
/* What came in the span. wall_ms: its start, for rows that begin with it. Returns how many answers. */
uint64_t traffic_counts_read(struct traffic_counts *counts, struct traffic_book *book,
                             const struct traffic_span *span, int64_t wall_ms);

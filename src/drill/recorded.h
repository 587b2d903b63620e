/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks for what, as it was recorded (`recorded` of a document): the share of all queries that each class
 * of each name has. Of a query and its answer one counts. Names that stand in the configuration count, and
 * those below a wildcard that no nearer name there hides. Inside of src/drill, and for who reads documents.
 */
#pragma once

#include "base/arena.h"
#include "base/report.h"
#include "drill/document.h"
#include "view/view.h"

/* Of names of the configuration, and networks of clients that ask for them. */
enum { DRILL_RECORDED_MAX = 1000000 };

/* Reads what `recorded` of the clients says, if that is there, in the arena. Returns 0, or an error, with
 * words and the offset in the report. */
int drill_load_recorded(const struct view *view, struct drill_clients *clients, struct arena *arena,
                        struct report *report);

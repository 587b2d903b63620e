/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a report says in figures, from its JSON. Private to src/page. */
#pragma once

#include "page/kept.h"

#include <jansson.h>

/* The report itself, borrowed; NULL: there is none. */
json_t *figures_find_report(json_t *root);
/* Of any JSON: what is not there, or something else, is none. */
void figures_read(json_t *root, struct page_figures *figures);

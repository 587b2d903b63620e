/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A report of a hundred thousand answers is no page: a browser would take minutes for it. */
#pragma once

/* What a page holds of a report in JSON: the first answers and events, how many are left out, and each course
 * once, with the number of its answers. Returns owned; NULL: it is no such report. */
char *page_cut(const char *json);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two reports of drills beside each other: what got worse, what got better. Pure. */
#pragma once

#include <stdbool.h>

enum page_verdict { PAGE_SAME, PAGE_BETTER, PAGE_WORSE, PAGE_NO_REPORT };

/* What differs, as JSON: { "worse": …, "figures": [ { "what", "before", "after", "worse" } ], "names": [ {
 * "what", "came", "went", "worse" } ], "reasons": […], "incomplete": … }; worse is null where more is
 * neither. Reports are those of simulations, of drills on a server, and either as it is kept. What is
 * measured differs by chance: up to a tenth of it is no difference. Returns owned, for free(); NULL with
 * NO_REPORT. */
char *page_compare(const char *before, const char *after, enum page_verdict *verdict);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "min_healthy" and "spill_below": how much of a tier has to be there. Errors go to the document's report. */
#pragma once

#include "conf/doc.h"

#include <stdint.h>

/* A share, 0 < share <= 1, or a number of endpoints; both 0: not given. */
struct conf_need {
    double share;
    uint32_t count;
};

/* 2 (endpoints), 0.5 or "50%". Absent or reported: not given. */
struct conf_need need_get(const struct doc_node *object, const char *key);

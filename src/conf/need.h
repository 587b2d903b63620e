/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "min_healthy" and "spill_below": how much of a tier has to be there. Errors go to the document's report. */
#pragma once

#include "conf/doc.h"
#include "conf/policy.h"

/* 2 (endpoints), 0.5 or "50%". Absent or reported: not given. */
struct conf_need need_get(const struct doc_node *object, const char *key);

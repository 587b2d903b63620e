/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is counted of steered names: answers of each name and of each class of clients of a policy, and how
 * often each member was in one. It counts what was chosen, also where the reply is truncated or the records
 * go into the additional section. Private to answer. */
#pragma once

#include "answer/work.h"
#include "base/count.h"
#include "steer/draw.h"

static inline void tally_answer(const struct work *w, const struct zone_steered *steered,
                                const struct steer_choice *choice)
{
    count_up32(&w->context->cache->names[steered->name]);
    count_up32(choice->answered);
}

static inline void tally_member(const struct steer_choice *choice, uint16_t member)
{
    count_up32(&choice->offered[member]);
}

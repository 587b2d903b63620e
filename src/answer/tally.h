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

/* A note that is due. */
void tally_put_note(const struct work *w, const struct steer_policy *policy,
                    const struct zone_steered *steered, const struct steer_choice *choice, uint32_t endpoint);

/* What was answered is noted: the client is in the sample. In line for where most answers come through. */
static inline __attribute__((always_inline)) void
tally_note_here(const struct work *w, const struct steer_policy *policy, const struct zone_steered *steered,
                const struct steer_choice *choice, uint32_t endpoint)
{
    const struct answer_context *context = w->context;
    uint64_t where = sights_get_where(w->request->number, endpoint);
    uint64_t moment = context->moment | (uint8_t)policy->group;
    if (__builtin_expect(sights_take_mark(context->sights, where, moment, w->request->client), 0)) {
        tally_put_note(w, policy, steered, choice, endpoint);
    }
}

/* member: UINT16_MAX where nobody was offered. */
void tally_note(const struct work *w, const struct steer_policy *policy, const struct zone_steered *steered,
                const struct steer_choice *choice, uint16_t member);

static inline bool tally_is_noted(const struct work *w)
{
    return __builtin_expect(w->request->number < w->context->below, 0);
}

static inline void tally_member(const struct steer_choice *choice, uint16_t member)
{
    count_up32(&choice->offered[member]);
}

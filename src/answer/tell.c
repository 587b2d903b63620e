/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tell.h. */
#include "config.h"

#include "answer/tell.h"

#include "steer/draw.h"

static void tell_steering(const struct work *w, struct answer_seen *seen)
{
    const struct work_chosen *chosen = &w->chosen;
    const struct answer_context *context = w->context;
    seen->choice = chosen->choice;
    seen->policy = steer_cache_find_policy(context->cache, steer_set_count(context->view->steer),
                                           chosen->choice, &seen->class_id);
    seen->members = chosen->member != ANSWER_NO_MEMBER ? &chosen->member : w->members;
    seen->member_count = chosen->member != ANSWER_NO_MEMBER ? 1 : chosen->member_count;
}

void tell_answer(const struct work *w, size_t len, unsigned drawn)
{
    struct answer_tap *tap = w->context->tap;
    struct answer_seen seen = {.context = w->context,
                               .request = w->request,
                               .query = &w->query,
                               .reply = w->reply.out,
                               .reply_len = len,
                               .rcode = w->reply.rcode,
                               .drawn = drawn};
    if (w->query.question_end != 0 && w->query.qclass == DNS_CLASS_IN) {
        const struct zone *zone = zone_table_find(w->context->view->zones, &w->query.key, 0);
        seen.apex_len = zone == NULL ? 0 : zone->apex_len;
    }
    if ((w->mark & ANSWER_STEERED) != 0) {
        tell_steering(w, &seen);
    }
    tap->tell(tap, &seen);
}

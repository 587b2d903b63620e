/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See contact.h. */
#include "config.h"

#include "health/contact.h"

const char *contact_witness_text(enum contact_witness witness)
{
    static const char *const texts[CONTACT_WITNESSES] = {[CONTACT_ETCD] = "etcd",
                                                         [CONTACT_NODES] = "nodes",
                                                         [CONTACT_VANTAGES] = "vantages",
                                                         [CONTACT_CONTROLS] = "controls"};
    return texts[witness];
}

bool contact_is_heard(const struct contact_signs *signs)
{
    uint32_t known = 0, heard = 0;
    for (int i = 0; i < CONTACT_WITNESSES; i++) {
        known += signs->witnesses[i].known;
        heard += signs->witnesses[i].heard;
    }
    bool sees = signs->witnesses[CONTACT_CONTROLS].known == 0 && signs->answering != 0;
    return known == 0 || heard != 0 || sees;
}

void contact_begin(struct contact *contact, const struct contact_past *past, const struct contact_plan *plan,
                   int64_t now_ms)
{
    *contact = (struct contact){.has_withdrawn = past->has_withdrawn,
                                .silent_ms = -1,
                                .heard_ms = -1,
                                .pardoned_ms = -1,
                                .followed_ms = now_ms};
    if (past->silent_ms < 0) {
        return;
    }
    /* What was noted by a clock that may have been set meanwhile: never enough to withdraw at once. */
    int64_t most_ms = plan->after_ms - CONTACT_AGAIN_MS, age_ms = past->silent_ms;
    if (plan->after_ms != 0 && age_ms > most_ms) {
        age_ms = most_ms < 0 ? 0 : most_ms;
    }
    contact->is_cut = true; /* and that was told */
    contact->silent_ms = now_ms > age_ms ? now_ms - age_ms : 0;
}

static void note(struct contact *contact, bool is_heard, int64_t now_ms)
{
    if (is_heard) {
        contact->silent_ms = contact->pardoned_ms = -1;
        contact->heard_ms = contact->heard_ms < 0 ? now_ms : contact->heard_ms;
    } else {
        contact->heard_ms = -1;
        contact->silent_ms = contact->silent_ms < 0 ? now_ms : contact->silent_ms;
    }
}

struct contact_turns contact_follow(struct contact *contact, const struct contact_plan *plan, bool is_heard,
                                    int64_t now_ms)
{
    struct contact_turns turns = {.was_lost = false};
    int64_t gap_ms = now_ms - contact->followed_ms;
    if (gap_ms > CONTACT_HELD_UP_MS) {
        contact->silent_ms += contact->silent_ms < 0 ? 0 : gap_ms;
        contact->heard_ms += contact->heard_ms < 0 ? 0 : gap_ms;
        contact->pardoned_ms += contact->pardoned_ms < 0 ? 0 : gap_ms;
    }
    contact->followed_ms = now_ms;
    note(contact, is_heard, now_ms);
    int64_t silence_ms = is_heard ? -1 : now_ms - contact->silent_ms;
    turns.was_found = is_heard && contact->is_cut;
    turns.was_lost = !contact->is_cut && silence_ms >= CONTACT_TOLD_MS;
    contact->is_cut = !is_heard && (contact->is_cut || turns.was_lost);
    int64_t counted_ms = contact->pardoned_ms < 0 ? silence_ms : now_ms - contact->pardoned_ms;
    turns.withdraws =
        contact->is_cut && !contact->has_withdrawn && plan->after_ms != 0 && counted_ms >= plan->after_ms;
    turns.announces =
        contact->has_withdrawn &&
        (plan->after_ms == 0 || (is_heard && now_ms - contact->heard_ms >= plan->back_after_ms));
    contact->has_withdrawn = (contact->has_withdrawn || turns.withdraws) && !turns.announces;
    return turns;
}

void contact_pardon(struct contact *contact, int64_t now_ms)
{
    contact->has_withdrawn = false;
    contact->pardoned_ms = contact->silent_ms < 0 ? -1 : now_ms;
}

int64_t contact_get_age(const struct contact *contact, int64_t now_ms)
{
    return contact->is_cut ? now_ms - contact->silent_ms : -1;
}

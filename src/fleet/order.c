/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What becomes of an order that a member has told, from another thread to who told it. */
#include "config.h"

#include "fleet/inside.h"

#include "base/memory.h"

#include <stdio.h>

struct order_mail {
    struct mail mail;
    unsigned number;
    uint64_t mark;
    char why[160];
};

/* What it does not take now it asks for again. */
static void take_order(struct fleet *fleet, struct mail *mail)
{
    const struct order_mail *answer = (const struct order_mail *)mail;
    struct session *session = fleet_find_session(fleet, answer->number);
    if (session != NULL) {
        (void)session_say(session,
                          &(struct fleet_message){.kind = FLEET_HOLDS, .holds = {answer->mark, answer->why}});
    }
}

void fleet_answer_order(struct fleet *fleet, unsigned number, uint64_t mark, const char *why)
{
    struct order_mail *mail = memory_alloc(sizeof *mail);
    *mail = (struct order_mail){.mail.take = take_order, .number = number, .mark = mark};
    snprintf(mail->why, sizeof mail->why, "%s", why);
    fleet_send(fleet, &mail->mail);
}

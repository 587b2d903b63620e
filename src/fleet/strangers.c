/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What strangers are told who want to be vantages, or nodes of the cluster. */
#include "config.h"

#include "fleet/inside.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

struct answer_mail {
    struct mail mail;
    uint64_t connection;
    enum fleet_kind kind;
    char why[240];
    char text[]; /* of what it is told */
};

static void take_answer(struct fleet *fleet, struct mail *mail)
{
    struct answer_mail *answer = (struct answer_mail *)mail;
    struct fleet_message message = {.kind = answer->kind, .enrolled = answer->text};
    if (answer->kind == FLEET_JOINED) {
        message.what = answer->text;
    }
    for (struct session *session = LIST_FIRST(&fleet->sessions); session != NULL;
         session = LIST_NEXT(session, link)) {
        if (session->id == answer->connection) {
            session_answer(session, &message, answer->why[0] == '\0' ? NULL : answer->why);
        }
    }
    explicit_bzero(answer->text, strlen(answer->text)); /* it may be a secret */
}

static void send_answer(struct fleet *fleet, uint64_t connection, enum fleet_kind kind, const char *text,
                        const char *why)
{
    size_t len = text == NULL ? 0 : strlen(text);
    struct answer_mail *mail = memory_alloc(sizeof *mail + len + 1);
    mail->mail.take = take_answer;
    mail->connection = connection;
    mail->kind = kind;
    memcpy(mail->text, text == NULL ? "" : text, len + 1);
    snprintf(mail->why, sizeof mail->why, "%s", why == NULL ? "" : why);
    fleet_send(fleet, &mail->mail);
}

void fleet_answer_enrol(struct fleet *fleet, uint64_t connection, const char *name, const char *why)
{
    send_answer(fleet, connection, FLEET_ENROLLED, name, why);
}

void fleet_answer_join(struct fleet *fleet, uint64_t connection, const char *what, const char *why)
{
    send_answer(fleet, connection, FLEET_JOINED, what, why);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of the thread of the vantages meet in: the mailbox, who is there, and what strangers are
 * told. */
#include "config.h"

#include "fleet/inside.h"

#include <stdio.h>
#include <unistd.h>

void fleet_send(struct fleet *fleet, struct mail *mail)
{
    pthread_mutex_lock(&fleet->mail_lock);
    STAILQ_INSERT_TAIL(&fleet->mails, mail, link);
    pthread_mutex_unlock(&fleet->mail_lock);
    ssize_t written = write(fleet->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* can only fail when it rings already */
}

struct mail *fleet_take_mail(struct fleet *fleet)
{
    pthread_mutex_lock(&fleet->mail_lock);
    struct mail *mail = STAILQ_FIRST(&fleet->mails);
    if (mail != NULL) {
        STAILQ_REMOVE_HEAD(&fleet->mails, link);
    }
    pthread_mutex_unlock(&fleet->mail_lock);
    return mail;
}

struct session *fleet_find_session(const struct fleet *fleet, unsigned number)
{
    struct session *session = LIST_FIRST(&fleet->sessions);
    while (session != NULL && (session->number != number || session->state != SESSION_CONNECTED)) {
        session = LIST_NEXT(session, link);
    }
    return session;
}

bool session_say(struct session *session, const struct fleet_message *message)
{
    struct buffer line;
    buffer_init(&line);
    fleet_write(message, &line);
    bool said = fleet_line_say(session->line, line.bytes, line.len);
    buffer_fini(&line);
    return said;
}

void session_end(struct session *session, const char *why)
{
    if (session->why[0] == '\0') {
        snprintf(session->why, sizeof session->why, "%.*s", (int)sizeof session->why - 1, why);
    }
}

struct fleet_status *session_status(const struct session *session)
{
    return &session->fleet->statuses[session->number];
}

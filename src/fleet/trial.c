/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One check, now, by a vantage. Who asked may give up at any time, so hooks are called under the lock by
 * which that is done. */
#include "config.h"

#include "fleet/inside.h"

#include "base/memory.h"

#include <stdlib.h>

struct trial_mail {
    struct mail mail;
    unsigned number;
};

static void take_trial(struct fleet *fleet, struct mail *mail)
{
    unsigned number = ((struct trial_mail *)mail)->number;
    struct session *session = fleet_find_session(fleet, number);
    if (session == NULL) {
        trial_end_all(fleet, number, "it is not connected");
    } else {
        trial_ask(fleet, session);
    }
}

uint32_t fleet_try(struct fleet *fleet, const struct fleet_trial *what)
{
    struct trial *trial = memory_alloc(sizeof *trial);
    struct trial_mail *mail = memory_alloc(sizeof *mail);
    pthread_mutex_lock(&fleet->trial_lock);
    trial->id = ++fleet->last_trial;
    trial->what = *what;
    LIST_INSERT_HEAD(&fleet->trials, trial, link);
    uint32_t id = trial->id;
    pthread_mutex_unlock(&fleet->trial_lock);
    *mail = (struct trial_mail){.mail.take = take_trial, .number = what->number};
    fleet_send(fleet, &mail->mail);
    return id;
}

static struct trial *find(const struct fleet *fleet, uint32_t id)
{
    struct trial *trial = LIST_FIRST(&fleet->trials);
    while (trial != NULL && trial->id != id) {
        trial = LIST_NEXT(trial, link);
    }
    return trial;
}

static void drop(struct trial *trial)
{
    if (trial != NULL) {
        LIST_REMOVE(trial, link);
        free(trial);
    }
}

void fleet_end_trial(struct fleet *fleet, uint32_t id)
{
    pthread_mutex_lock(&fleet->trial_lock);
    drop(find(fleet, id));
    pthread_mutex_unlock(&fleet->trial_lock);
}

void fleet_end_trials(struct fleet *fleet)
{
    trial_end_all(fleet, 0, "no vantage can come any more");
}

void trial_ask(struct fleet *fleet, struct session *session)
{
    pthread_mutex_lock(&fleet->trial_lock);
    for (struct trial *trial = LIST_FIRST(&fleet->trials), *next; trial != NULL; trial = next) {
        next = LIST_NEXT(trial, link);
        if (trial->what.number != session->number || trial->is_asked) {
            continue;
        }
        uint32_t index;
        bool has =
            session->used != NULL && fleet_share_find_identity(session->used, trial->what.identity, &index);
        trial->is_asked =
            has && session_say(session, &(struct fleet_message){.kind = FLEET_RUN,
                                                                .run = {trial->id, trial->what.identity}});
        if (!trial->is_asked) {
            trial->what.ended(trial->what.context, NULL,
                              has ? "it takes nothing at the moment" : "it does not make this check");
            drop(trial);
        }
    }
    pthread_mutex_unlock(&fleet->trial_lock);
}

void trial_trace(struct fleet *fleet, unsigned number, const struct fleet_message *message)
{
    pthread_mutex_lock(&fleet->trial_lock);
    const struct trial *trial = find(fleet, message->trace.id);
    if (trial != NULL && trial->what.number == number) {
        trial->what.traced(trial->what.context, message->trace.step, message->trace.at_us,
                           message->trace.text);
    }
    pthread_mutex_unlock(&fleet->trial_lock);
}

void trial_end(struct fleet *fleet, unsigned number, const struct fleet_message *message)
{
    pthread_mutex_lock(&fleet->trial_lock);
    struct trial *trial = find(fleet, message->ran.id);
    if (trial != NULL && trial->what.number == number) {
        trial->what.ended(trial->what.context, message, NULL);
        drop(trial);
    }
    pthread_mutex_unlock(&fleet->trial_lock);
}

void trial_end_all(struct fleet *fleet, unsigned number, const char *why)
{
    pthread_mutex_lock(&fleet->trial_lock);
    for (struct trial *trial = LIST_FIRST(&fleet->trials), *next; trial != NULL; trial = next) {
        next = LIST_NEXT(trial, link);
        if (number == 0 || trial->what.number == number) {
            trial->what.ended(trial->what.context, NULL, why);
            drop(trial);
        }
    }
    pthread_mutex_unlock(&fleet->trial_lock);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a vantage is to check, in one conversation with it: the list that it goes by, and the one that is on
 * its way, whole or, where the vantage knows of that, by what differs. */
#include "config.h"

#include "fleet/inside.h"

#include <stdio.h>
#include <string.h>

static void note_list(const struct session *session)
{
    struct fleet *fleet = session->fleet;
    pthread_mutex_lock(&fleet->status_lock);
    struct fleet_status *status = session_status(session);
    status->generation = session->used == NULL ? 0 : fleet_list_generation(session->used->list);
    status->targets = session->used == NULL ? 0 : (uint32_t)session->used->count;
    status->checks = session->used == NULL ? 0 : (uint32_t)session->used->check_count;
    status->declined_why[0] = '\0';
    pthread_mutex_unlock(&fleet->status_lock);
}

static void use(struct session *session, struct fleet_share *share)
{
    fleet_share_free(session->used);
    session->used = share;
    session->declined_count = 0;
    note_list(session);
}

/* It goes by the list that it has, if any, until there is another one. Takes the list. */
static void decline(struct session *session, struct fleet_share *share, const char *why)
{
    struct fleet *fleet = session->fleet;
    session->declined_mark = share->mark;
    session->declined_count = share->count;
    fleet_share_free(share);
    pthread_mutex_lock(&fleet->status_lock);
    snprintf(session_status(session)->declined_why, sizeof session_status(session)->declined_why, "%s", why);
    pthread_mutex_unlock(&fleet->status_lock);
    fleet->hooks.declined(fleet->hooks.context, session->number, why);
}

/* What the protocol has no numbers for nobody can take. */
static bool is_sayable(const struct fleet_share *share, char why[FLEET_WHY_SIZE])
{
    bool is = share->count <= FLEET_LIST_MAX && share->check_count <= FLEET_LIST_MAX;
    if (!is) {
        snprintf(why, FLEET_WHY_SIZE, "found a list of %zu targets and %zu checks, expected %d at most",
                 share->count, share->check_count, FLEET_LIST_MAX);
    }
    return is;
}

/* By this it may say, in another connection, that it has the list. */
static void say_mark(struct session *session, const struct fleet_share *share)
{
    (void)session_say(session,
                      &(struct fleet_message){.kind = FLEET_MARK,
                                              .mark = {fleet_list_generation(share->list), share->mark}});
}

/* Takes the list. */
static void begin_to_send(struct session *session, struct fleet_share *share)
{
    char why[FLEET_WHY_SIZE];
    if (share->count == session->declined_count && share->mark == session->declined_mark) {
        fleet_share_free(share);
    } else if (is_sayable(share, why)) {
        if (session->used != NULL && session->can_change) {
            fleet_share_change(share, session->used);
        }
        say_mark(session, share);
        session->sending = share;
        session->sent_ms = 0;
    } else {
        decline(session, share, why);
    }
}

/* Does it have this one already? */
static bool has_it(struct session *session, const struct fleet_share *share)
{
    bool claims = session->has_claim && session->claim == share->mark;
    session->has_claim = false; /* of its first list here */
    return session->used == NULL ? claims
                                 : session->used->mark == share->mark && session->used->count == share->count;
}

void session_follow(struct session *session)
{
    struct fleet_list *list = session->fleet->list;
    if (session->state != SESSION_CONNECTED || session->sending != NULL || list == NULL) {
        return;
    }
    struct fleet_share *share = fleet_share_new(list, session->fleet->members[session->number].name);
    if (!has_it(session, share)) {
        begin_to_send(session, share);
        return;
    }
    if (session->used != NULL && session->used->list == list) {
        fleet_share_free(share);
        return;
    }
    if (!session_say(session, &(struct fleet_message){.kind = FLEET_SAME,
                                                      .generation = fleet_list_generation(list)})) {
        fleet_share_free(share);
        session_end(session, "it takes nothing");
        return;
    }
    fleet_share_skip(share);
    use(session, share);
}

/* Who does not take the latest list goes by the one before for as long as that lasts. */
void session_aim(struct session *session, const struct fleet_aim *aims, size_t count)
{
    const struct fleet_list *list = session->fleet->list;
    if (session->used != NULL && session->used->list != list && session->sending == NULL) {
        fleet_list_aim_older(session->used->list, list, aims, count);
    }
}

static void note_refused(const struct session *session, const struct fleet_message *message)
{
    struct fleet *fleet = session->fleet;
    pthread_mutex_lock(&fleet->status_lock);
    struct fleet_status *status = session_status(session);
    status->refused = (uint32_t)message->taken.count + message->taken.more;
    snprintf(status->refused_why, sizeof status->refused_why, "%s",
             message->taken.count == 0 ? "" : message->taken.refused[0].why);
    pthread_mutex_unlock(&fleet->status_lock);
}

void session_hear_taken(struct session *session, const struct fleet_message *message)
{
    struct fleet *fleet = session->fleet;
    if (session->sending == NULL || !session->sending->has_ended ||
        fleet_list_generation(session->sending->list) != message->taken.generation) {
        if (session->used != NULL &&
            fleet_list_generation(session->used->list) == message->taken.generation) {
            note_refused(session, message); /* a `same`, of a list that it may have taken from us long ago */
        }
        return;
    }
    struct fleet_share *share = session->sending;
    session->sending = NULL;
    session->used_since = message->taken.generation;
    use(session, share);
    note_refused(session, message);
    fleet->hooks.taken(fleet->hooks.context, session->number, message);
    session_follow(session);
    trial_ask(fleet, session);
}

/* It says so at once, maybe while there is more of the list to be sent. */
void session_hear_untaken(struct session *session, const struct fleet_message *message)
{
    struct fleet_share *share = session->sending;
    if (share == NULL || !share->has_begun ||
        fleet_list_generation(share->list) != message->untaken.generation) {
        return; /* of the list before */
    }
    session->sending = NULL;
    decline(session, share, message->untaken.why);
    session_follow(session);
    trial_ask(session->fleet, session);
}

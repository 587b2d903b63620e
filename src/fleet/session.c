/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One connection of a vantage, from the handshake to its end. Who it is follows from its certificate alone;
 * the name that it says is for people. */
#include "config.h"

#include "fleet/inside.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    LINES_A_TURN = 16, /* then others have theirs */
    LINES_A_TICK = 500,
    ITEMS_A_TICK = 25000,
    FILL_TO = 256 << 10, /* octets that wait, while there is more to send */
    TAKE_MS = 60000,     /* at most, from the end of a list until it is in use */
};

static const char garbage[] = "what it said was not expected: ";

/* ---- saying ---- */

static void refuse(struct session *session, const char *why)
{
    (void)session_say(session, &(struct fleet_message){.kind = FLEET_REFUSED, .refused = why});
    (void)fleet_line_flush(session->line);
    session_end(session, why);
}

/* Its own clock may be anything. A line of its own, which vantages pass over that do not know it. */
static void say_time(struct session *session)
{
    (void)session_say(session, &(struct fleet_message){.kind = FLEET_CLOCK,
                                                       .wall_ms = clock_wall_ms(session->fleet->clock)});
}

void session_say_limits(struct session *session)
{
    if (session->state == SESSION_CONNECTED) {
        (void)session_say(session,
                          &(struct fleet_message){.kind = FLEET_LIMITS, .limits = session->fleet->limits});
    }
}

/* As much as is worth keeping for it. */
static void fill(struct session *session)
{
    struct buffer line;
    buffer_init(&line);
    while (fleet_line_waiting(session->line) < FILL_TO) {
        line.len = 0;
        bool more = session->sending != NULL && fleet_share_next(session->sending, &line);
        if (!more && session->sending != NULL && session->sent_ms == 0) {
            session->sent_ms = clock_now_ms(session->fleet->clock);
        }
        if (!more && session->sending == NULL && session->used != NULL) {
            more = fleet_share_next_aim(session->used, &line);
        }
        if (!more || !fleet_line_say(session->line, line.bytes, line.len)) {
            break;
        }
    }
    buffer_fini(&line);
    session_fill_parcels(session);
}

/* ---- who it is ---- */

/* As it calls itself: without what the name may have before a colon here. */
static bool is_called(const struct fleet_member *member, const char *name)
{
    const char *colon = strchr(member->name, ':');
    return strcmp(colon == NULL ? member->name : colon + 1, name) == 0;
}

/* By what it shows alone, unless several show the same: then the one that it says to be, or the first. */
static unsigned find_member(const struct fleet *fleet, const uint8_t fingerprint[TLS_FINGERPRINT_SIZE],
                            const char *name)
{
    unsigned found = 0;
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        const struct fleet_member *member = &fleet->members[i];
        bool fits = member->number == i && member->is_enrolled &&
                    memcmp(member->fingerprint, fingerprint, TLS_FINGERPRINT_SIZE) == 0;
        if (fits && (found == 0 || is_called(member, name))) {
            found = i;
        }
    }
    return found;
}

static void note_arrival(struct session *session, const struct fleet_hello *hello)
{
    struct fleet *fleet = session->fleet;
    pthread_mutex_lock(&fleet->status_lock);
    struct fleet_status *status = session_status(session), before = *status;
    *status = (struct fleet_status){.is_connected = true,
                                    .since_ms = clock_now_ms(fleet->clock),
                                    .heard_ms = session->heard_ms,
                                    .connections = before.connections + 1,
                                    .lines = before.lines,
                                    .opinions = before.opinions,
                                    .outdated = before.outdated};
    snprintf(status->from, sizeof status->from, "%s", session->from);
    snprintf(status->software, sizeof status->software, "%s", hello->software);
    snprintf(status->why, sizeof status->why, "%s", before.why);
    pthread_mutex_unlock(&fleet->status_lock);
}

static void greet(struct session *session, const struct fleet_hello *hello)
{
    struct fleet *fleet = session->fleet;
    unsigned number = find_member(fleet, session->fingerprint, hello->name);
    struct session *other = number == 0 ? NULL : fleet_find_session(fleet, number);
    if (!fleet_speaks(hello->version)) {
        char why[100];
        snprintf(why, sizeof why, "found version %u of the protocol, expected %d, or one more or less",
                 hello->version, FLEET_VERSION);
        refuse(session, why);
        return;
    }
    if (number == 0) {
        refuse(session, "this host is not enrolled here, or not any more");
        return;
    }
    if (other != NULL) {
        session_end(other, "a later connection of it has come");
        event_active(other->again, 0, 0);
        other->number = 0; /* from now on this is the one; it knows nothing of what that one was asked */
        trial_end_all(fleet, number, "a later connection of it has come");
    }
    session->number = number;
    session->state = SESSION_CONNECTED;
    session->has_claim = session->can_change = hello->has_list; /* who knows marks knows changes */
    session->claim = hello->list;
    memcpy(session->name, fleet->members[number].name, sizeof session->name);
    session->fresh_ms = clock_now_ms(fleet->clock);
    bool is_new = fleet->runs[number] != 0 && fleet->runs[number] != hello->run;
    fleet->runs[number] = hello->run;
    note_arrival(session, hello);
    (void)session_say(session, &(struct fleet_message){.kind = FLEET_WELCOME,
                                                       .welcome = {.version = FLEET_VERSION,
                                                                   .server = fleet->server,
                                                                   .heartbeat_ms = fleet->heartbeat_ms,
                                                                   .expires_ms = fleet->expires_ms}});
    say_time(session);
    session_say_limits(session);
    fleet->hooks.came(fleet->hooks.context,
                      &(struct fleet_notice){number, session->name, session->from, NULL}, is_new);
    session_follow(session);
}

/* Somebody else says whether it may. */
static void wait_for_answer(struct session *session)
{
    session->state = SESSION_ENROLLING;
    session->opened_ms = clock_now_ms(session->fleet->clock);
}

static void ask_to_enrol(struct session *session, const struct fleet_enrol *enrol)
{
    struct fleet *fleet = session->fleet;
    if (!fleet_speaks(enrol->version)) {
        refuse(session, "this version of the protocol is not known here");
        return;
    }
    wait_for_answer(session);
    fleet->hooks.enrol(fleet->hooks.context, session->id, enrol, session->fingerprint);
}

static void ask_to_join(struct session *session, const char *what)
{
    struct fleet *fleet = session->fleet;
    wait_for_answer(session);
    fleet->hooks.join(fleet->hooks.context, session->id, session->from, what);
}

void session_answer(struct session *session, const struct fleet_message *message, const char *why)
{
    if (session->state != SESSION_ENROLLING) {
        return;
    }
    if (why != NULL) {
        refuse(session, why);
        return;
    }
    session->state = SESSION_GREETING;
    session->opened_ms = clock_now_ms(session->fleet->clock);
    (void)session_say(session, message);
}

/* ---- hearing ---- */

static void hear_opinions(struct session *session, const struct fleet_message *message)
{
    struct fleet *fleet = session->fleet;
    size_t count = message->opinions.count;
    uint64_t last = session->used == NULL ? 0 : fleet_list_generation(session->used->list);
    bool is_current = session->used != NULL && message->opinions.generation >= session->used_since &&
                      message->opinions.generation <= last;
    pthread_mutex_lock(&fleet->status_lock);
    session_status(session)->opinions += count;
    session_status(session)->outdated += is_current ? 0 : count;
    pthread_mutex_unlock(&fleet->status_lock);
    session->items_left -= count < session->items_left ? (uint32_t)count : session->items_left;
    struct fleet_heard *heard = memory_alloc_array(count, sizeof *heard);
    for (size_t i = 0; i < count && is_current; i++) {
        const struct fleet_opinion *opinion = &message->opinions.items[i];
        if (!fleet_share_find(session->used, opinion->index, &heard[i].target)) {
            session_end(session, "it has an opinion of what is not in its list");
            is_current = false;
        } else {
            heard[i].identity = fleet_list_identity(session->used->list, heard[i].target);
            heard[i].opinion = *opinion;
        }
    }
    if (is_current) {
        fleet->hooks.heard(fleet->hooks.context, session->number, last, heard, count);
    }
    free(heard);
}

/* Who was not heard of for so long has no opinion any more until it says anew what it thinks (opinion.h),
 * which it does in another connection only: it may not know of that, if we were held up and not it. */
static bool is_overdue(struct session *session)
{
    const struct fleet *fleet = session->fleet;
    int64_t now_ms = clock_now_ms(fleet->clock), before_ms = session->fresh_ms;
    session->fresh_ms = now_ms;
    return now_ms - before_ms + FLEET_TICK_MS > fleet->expires_ms;
}

static void hear_member(struct session *session, const struct fleet_message *message)
{
    struct fleet *fleet = session->fleet;
    if ((message->kind == FLEET_OPINIONS || message->kind == FLEET_ALIVE) && is_overdue(session)) {
        session_end(session, "nothing was heard of it for too long");
        return;
    }
    switch (message->kind) {
    case FLEET_OPINIONS: hear_opinions(session, message); break;
    case FLEET_ALIVE: fleet->hooks.alive(fleet->hooks.context, session->number); break;
    case FLEET_SERIALS:
        if (fleet->hooks.serials != NULL) {
            fleet->hooks.serials(fleet->hooks.context, session->number, message->serials);
        }
        break;
    case FLEET_WANT:
        if (fleet->hooks.wanted != NULL) {
            fleet->hooks.wanted(fleet->hooks.context, session->number, session->id, message);
        }
        break;
    case FLEET_CAN: session->can_change = message->can_change; break;
    case FLEET_TAKEN: session_hear_taken(session, message); break;
    case FLEET_UNTAKEN: session_hear_untaken(session, message); break;
    case FLEET_TRACE: trial_trace(fleet, session->number, message); break;
    case FLEET_RAN: trial_end(fleet, session->number, message); break;
    case FLEET_ORDER:
        fleet->hooks.ordered(fleet->hooks.context, session->number, message->order.mark, message->order.text);
        break;
    default: session_end(session, "it said what only a server says"); break;
    }
}

static void hear(struct session *session, const struct fleet_message *message)
{
    if (session->state == SESSION_CONNECTED) {
        hear_member(session, message);
    } else if (session->state == SESSION_GREETING && message->kind == FLEET_HELLO) {
        greet(session, &message->hello);
    } else if (session->state == SESSION_GREETING && message->kind == FLEET_ENROL) {
        ask_to_enrol(session, &message->enrol);
    } else if (session->state == SESSION_GREETING && message->kind == FLEET_JOIN &&
               session->fleet->hooks.join != NULL) {
        ask_to_join(session, message->what);
    } else {
        session_end(session, "it did not say who it is");
    }
}

/* It may end within the reading of the first line. */
static void shake(struct session *session)
{
    if (!session->is_shaken && fleet_line_shake(session->line) == FLEET_READY) {
        session->is_shaken = true;
        fleet_line_get_fingerprint(session->line, session->fingerprint);
    }
}

void session_hear_line(struct session *session, const char *text, size_t len)
{
    char why[FLEET_WHY_SIZE], whole[FLEET_WHY_SIZE + sizeof garbage];
    struct fleet_message message;
    struct arena *arena = arena_new(0);
    struct fleet *fleet = session->fleet;
    int error = fleet_read(text, len, arena, &message, why);
    session->heard_ms = clock_now_ms(fleet->clock);
    session->lines_left--;
    if (session->number != 0) {
        pthread_mutex_lock(&fleet->status_lock);
        session_status(session)->heard_ms = session->heard_ms;
        session_status(session)->lines++;
        pthread_mutex_unlock(&fleet->status_lock);
    }
    shake(session);
    if (error == 0) {
        hear(session, &message);
    } else if (error != ERROR_UNSUPPORTED || session->state != SESSION_CONNECTED) {
        snprintf(whole, sizeof whole, "%s%s", garbage, why);
        session_end(session, whole);
    }
    arena_free(arena);
}

/* What comes, as much as its turn and its share of the time allow. */
static void hear_all(struct session *session)
{
    const char *text;
    size_t len;
    for (int i = 0; session->why[0] == '\0'; i++) {
        session->is_paused = session->lines_left == 0 || session->items_left == 0;
        if (session->is_paused) {
            return;
        }
        if (i == LINES_A_TURN) {
            event_active(session->again, 0, 0);
            return;
        }
        enum fleet_state state = fleet_line_next(session->line, &text, &len);
        if (state == FLEET_READY) {
            session_hear_line(session, text, len);
            continue;
        }
        if (state == FLEET_ENDED) {
            session_end(session, fleet_line_why(session->line));
        }
        return;
    }
}

/* ---- the connection ---- */

static void wait_for_socket(struct session *session)
{
    unsigned wants = fleet_line_wants(session->line);
    if ((wants & FLEET_WANTS_WRITE) != 0) {
        event_add(session->writes, NULL);
    } else {
        event_del(session->writes);
    }
    if (session->is_paused) {
        event_del(session->reads);
    } else {
        event_add(session->reads, NULL);
    }
}

/* What is put there when something has gone may be as much again. */
static void flush(struct session *session)
{
    size_t before = fleet_line_waiting(session->line);
    if (fleet_line_flush(session->line) == FLEET_ENDED) {
        session_end(session, fleet_line_why(session->line));
    }
    size_t after = fleet_line_waiting(session->line);
    session->fleet->sent += before - after;
    if (after == 0 || after < before || after < session->waiting) {
        session->moved_ms = clock_now_ms(session->fleet->clock);
    }
}

bool session_go_on(struct session *session)
{
    shake(session);
    hear_all(session);
    if (session->why[0] == '\0') {
        fill(session);
    }
    flush(session);
    fill(session);
    session->waiting = fleet_line_waiting(session->line);
    if (session->why[0] != '\0') {
        return false;
    }
    wait_for_socket(session);
    return true;
}

/* What is too late. */
static void judge_time(struct session *session, int64_t now_ms)
{
    const struct fleet *fleet = session->fleet;
    if (session->state != SESSION_CONNECTED) {
        if (now_ms - session->opened_ms >= FLEET_GREET_MS) {
            session_end(session, session->is_shaken ? "it did not say in time who it is"
                                                    : "the TLS handshake did not end in time");
        }
    } else if (now_ms - session->heard_ms >= fleet->expires_ms) {
        session_end(session, "nothing was heard of it");
    } else if (session->waiting != 0 && now_ms - session->moved_ms >= fleet->expires_ms) {
        session_end(session, "it takes nothing");
    } else if (session->sending != NULL && session->sent_ms != 0 && now_ms - session->sent_ms >= TAKE_MS) {
        session_end(session, "it does not take its list into use");
    }
}

bool session_tick(struct session *session)
{
    const struct fleet *fleet = session->fleet;
    int64_t now_ms = clock_now_ms(fleet->clock);
    session->lines_left = LINES_A_TICK;
    session->items_left = ITEMS_A_TICK;
    if (!session_go_on(session)) { /* first: it may be us who were held up, not the other side */
        return false;
    }
    judge_time(session, now_ms);
    if (session->state == SESSION_CONNECTED && now_ms - session->beat_ms >= fleet->heartbeat_ms) {
        uint64_t generation = session->used == NULL ? 0 : fleet_list_generation(session->used->list);
        session->beat_ms = now_ms;
        (void)session_say(
            session, &(struct fleet_message){.kind = FLEET_ALIVE, .alive = {generation, ++session->seq}});
        say_time(session);
    }
    return session_go_on(session);
}

/* ---- life ---- */

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    struct session *session = context;
    (void)fd, (void)what;
    if (!session_go_on(session)) {
        session_close(session);
    }
}

struct session *session_open(struct fleet *fleet, int fd, const struct addr_port *from)
{
    struct session *session = memory_alloc(sizeof *session);
    int64_t now_ms = clock_now_ms(fleet->clock);
    *session =
        (struct session){.fleet = fleet,
                         .id = ++fleet->last_id,
                         .fd = fd,
                         .line = fleet_line_open(fleet->context, fd),
                         .reads = event_new(fleet->base, fd, EV_READ | EV_PERSIST, on_ready, session),
                         .writes = event_new(fleet->base, fd, EV_WRITE | EV_PERSIST, on_ready, session),
                         .again = event_new(fleet->base, -1, 0, on_ready, session),
                         .opened_ms = now_ms,
                         .heard_ms = now_ms,
                         .moved_ms = now_ms,
                         .beat_ms = now_ms,
                         .lines_left = LINES_A_TICK,
                         .items_left = ITEMS_A_TICK};
    STAILQ_INIT(&session->parcels);
    (void)addr_write_port(from, session->from);
    LIST_INSERT_HEAD(&fleet->sessions, session, link);
    fleet->session_count++;
    if (session->line == NULL || session->reads == NULL || session->writes == NULL ||
        session->again == NULL) {
        session_end(session, "there is no memory");
        session_close(session);
        return NULL;
    }
    return session;
}

static void note_end(struct session *session)
{
    struct fleet *fleet = session->fleet;
    bool is_member = session->number != 0;
    pthread_mutex_lock(&fleet->status_lock);
    fleet->stats.turned_away += !is_member;
    if (is_member) {
        struct fleet_status *status = session_status(session);
        status->is_connected = false;
        status->since_ms = clock_now_ms(fleet->clock);
        status->waiting = 0;
        snprintf(status->why, sizeof status->why, "%s", session->why);
    }
    pthread_mutex_unlock(&fleet->status_lock);
    if (is_member) {
        trial_end_all(fleet, session->number, "the connection to it has ended");
    }
    fleet->hooks.left(
        fleet->hooks.context,
        &(struct fleet_notice){session->number, is_member ? session->name : "", session->from, session->why});
}

void session_close(struct session *session)
{
    struct fleet *fleet = session->fleet;
    if (session->line != NULL) {
        fleet_line_finish(session->line);
    }
    note_end(session);
    LIST_REMOVE(session, link);
    fleet->session_count--;
    struct event *events[] = {session->reads, session->writes, session->again};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    fleet_line_free(session->line);
    close(session->fd);
    session_drop_parcels(session);
    fleet_share_free(session->used);
    fleet_share_free(session->sending);
    free(session);
}

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

void session_end(struct session *session, const char *why)
{
    if (session->why[0] == '\0') {
        snprintf(session->why, sizeof session->why, "%.*s", (int)sizeof session->why - 1, why);
    }
}

static struct fleet_status *status_of(const struct session *session)
{
    return &session->fleet->statuses[session->number];
}

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
}

/* ---- the list ---- */

static void note_list(const struct session *session)
{
    struct fleet *fleet = session->fleet;
    pthread_mutex_lock(&fleet->status_lock);
    struct fleet_status *status = status_of(session);
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
    snprintf(status_of(session)->declined_why, sizeof status_of(session)->declined_why, "%s", why);
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

/* Takes the list. */
static void begin_to_send(struct session *session, struct fleet_share *share)
{
    char why[FLEET_WHY_SIZE];
    if (share->count == session->declined_count && share->mark == session->declined_mark) {
        fleet_share_free(share);
    } else if (is_sayable(share, why)) {
        session->sending = share;
        session->sent_ms = 0;
    } else {
        decline(session, share, why);
    }
}

void session_follow(struct session *session)
{
    struct fleet_list *list = session->fleet->list;
    if (session->state != SESSION_CONNECTED || session->sending != NULL || list == NULL) {
        return;
    }
    struct fleet_share *share = fleet_share_new(list, session->fleet->members[session->number].name);
    if (session->used == NULL || session->used->mark != share->mark || session->used->count != share->count) {
        begin_to_send(session, share);
        return;
    }
    if (session->used->list == list) {
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

static void hear_taken(struct session *session, const struct fleet_message *message)
{
    struct fleet *fleet = session->fleet;
    if (session->sending == NULL || !session->sending->has_ended ||
        fleet_list_generation(session->sending->list) != message->taken.generation) {
        return; /* of the list before, or a `same` */
    }
    struct fleet_share *share = session->sending;
    session->sending = NULL;
    session->used_since = message->taken.generation;
    use(session, share);
    pthread_mutex_lock(&fleet->status_lock);
    status_of(session)->refused = (uint32_t)message->taken.count + message->taken.more;
    snprintf(status_of(session)->refused_why, sizeof status_of(session)->refused_why, "%s",
             message->taken.count == 0 ? "" : message->taken.refused[0].why);
    pthread_mutex_unlock(&fleet->status_lock);
    fleet->hooks.taken(fleet->hooks.context, session->number, message);
    session_follow(session);
    trial_ask(fleet, session);
}

/* It says so at once, maybe while there is more of the list to be sent. */
static void hear_untaken(struct session *session, const struct fleet_message *message)
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

/* ---- who it is ---- */

static unsigned find_member(const struct fleet *fleet, const uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        const struct fleet_member *member = &fleet->members[i];
        if (member->number == i && member->is_enrolled &&
            memcmp(member->fingerprint, fingerprint, TLS_FINGERPRINT_SIZE) == 0) {
            return i;
        }
    }
    return 0;
}

static void note_arrival(struct session *session, const struct fleet_hello *hello)
{
    struct fleet *fleet = session->fleet;
    pthread_mutex_lock(&fleet->status_lock);
    struct fleet_status *status = status_of(session), before = *status;
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
    unsigned number = find_member(fleet, session->fingerprint);
    struct session *other = number == 0 ? NULL : fleet_find_session(fleet, number);
    if (hello->version != FLEET_VERSION) {
        char why[80];
        snprintf(why, sizeof why, "found version %u of the protocol, expected %d", hello->version,
                 FLEET_VERSION);
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
        other->number = 0; /* from now on this is the one */
    }
    session->number = number;
    session->state = SESSION_CONNECTED;
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
                      &(struct fleet_notice){number, fleet->members[number].name, session->from, NULL},
                      is_new);
    session_follow(session);
}

static void ask_to_enrol(struct session *session, const struct fleet_enrol *enrol)
{
    struct fleet *fleet = session->fleet;
    if (enrol->version != FLEET_VERSION) {
        refuse(session, "this version of the protocol is not known here");
        return;
    }
    session->state = SESSION_ENROLLING;
    session->opened_ms = clock_now_ms(fleet->clock);
    fleet->hooks.enrol(fleet->hooks.context, session->id, enrol, session->fingerprint);
}

void session_answer_enrol(struct session *session, const char *name, const char *why)
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
    (void)session_say(session, &(struct fleet_message){.kind = FLEET_ENROLLED, .enrolled = name});
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
    status_of(session)->opinions += count;
    status_of(session)->outdated += is_current ? 0 : count;
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

static void hear_member(struct session *session, const struct fleet_message *message)
{
    struct fleet *fleet = session->fleet;
    switch (message->kind) {
    case FLEET_OPINIONS: hear_opinions(session, message); break;
    case FLEET_ALIVE: fleet->hooks.alive(fleet->hooks.context, session->number); break;
    case FLEET_TAKEN: hear_taken(session, message); break;
    case FLEET_UNTAKEN: hear_untaken(session, message); break;
    case FLEET_TRACE: trial_trace(fleet, session->number, message); break;
    case FLEET_RAN: trial_end(fleet, session->number, message); break;
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
        status_of(session)->heard_ms = session->heard_ms;
        status_of(session)->lines++;
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

bool session_go_on(struct session *session)
{
    shake(session);
    hear_all(session);
    if (session->why[0] == '\0') {
        fill(session);
    }
    if (fleet_line_flush(session->line) == FLEET_ENDED) {
        session_end(session, fleet_line_why(session->line));
    }
    fill(session);
    size_t waiting = fleet_line_waiting(session->line);
    if (waiting == 0 || waiting < session->waiting) {
        session->moved_ms = clock_now_ms(session->fleet->clock);
    }
    session->waiting = waiting;
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
        struct fleet_status *status = status_of(session);
        status->is_connected = false;
        status->since_ms = clock_now_ms(fleet->clock);
        status->waiting = 0;
        snprintf(status->why, sizeof status->why, "%s", session->why);
    }
    pthread_mutex_unlock(&fleet->status_lock);
    if (is_member) {
        trial_end_all(fleet, session->number, "the connection to it has ended");
    }
    fleet->hooks.left(fleet->hooks.context,
                      &(struct fleet_notice){session->number,
                                             is_member ? fleet->members[session->number].name : "",
                                             session->from, session->why});
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
    fleet_share_free(session->used);
    fleet_share_free(session->sending);
    free(session);
}

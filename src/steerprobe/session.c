/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See session.h. There is no queue of what is to be told: while the socket takes something, the next lines
 * are made of the latest opinions. So a server that was slow or away is never told what is over. */
#include "config.h"

#include "steerprobe/session.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TURN_LINES = 32,
    OUT_WANTED = 64 << 10, /* octets: no more is made while so many wait */
    BEAT_LEAST_MS = 100,
    BEAT_MOST_MS = 60000,
};

struct session {
    struct session_plan plan;
    struct fleet_line *line;
    enum session_state state;
    bool is_shaken, has_more;
    char server[FLEET_NAME_MAX + 1];
    uint32_t beat_ms, expires_ms;
    int64_t heard_ms, taken_ms; /* it said something; it took something, or had nothing to take */
    size_t waiting;             /* octets that it had not taken then */
    uint64_t seq, told;
    struct assignment *coming;     /* a list that is not whole yet; NULL: none */
    bool passes_over;              /* what comes is of a list that was refused */
    char declined[FLEET_WHY_SIZE]; /* why the latest one was; "": it was not */
    bool tells_all;                /* a round of all is due */
    char why[FLEET_WHY_SIZE];
};

static void end(struct session *session, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void end(struct session *session, const char *format, ...)
{
    if (session->state != SESSION_ENDED) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(session->why, sizeof session->why, format, arguments);
        va_end(arguments);
        session->state = SESSION_ENDED;
    }
}

static int64_t now_ms(const struct session *session)
{
    return clock_now_ms(session->plan.world->clock);
}

static struct assignment *get_list(const struct session *session)
{
    return crew_get(session->plan.world->crew, session->plan.slot);
}

/* ---- to it ---- */

/* false: there is no room. */
static bool put(struct session *session, const struct fleet_message *message)
{
    struct buffer text;
    buffer_init(&text);
    fleet_write(message, &text);
    bool fits = fleet_line_say(session->line, text.bytes, text.len);
    buffer_fini(&text);
    return fits;
}

void session_say(struct session *session, const struct fleet_message *message)
{
    if (session->state == SESSION_CONNECTED && !put(session, message)) {
        log_warning("server takes nothing server=%s dropped=%s", session->plan.server,
                    fleet_kind_text(message->kind));
    }
}

static void tell(struct session *session, const struct fleet_opinion *opinions, size_t count, bool all)
{
    const struct fleet_message message = {.kind = FLEET_OPINIONS,
                                          .opinions = {.generation = assignment_generation(get_list(session)),
                                                       .seq = ++session->seq,
                                                       .all = all,
                                                       .items = opinions,
                                                       .count = count}};
    (void)put(session, &message); /* there is room: see tell_next() */
    session->told += count;
}

/* The next of the round, as many as one line takes. */
static void tell_round(struct session *session, struct fleet_opinion *opinions)
{
    bool ends;
    size_t count =
        crew_take_next(session->plan.world->crew, session->plan.slot, opinions, FLEET_OPINIONS_MAX, &ends);
    session->tells_all = session->tells_all && !ends;
    if (count != 0 || ends) {
        tell(session, opinions, count, ends);
    }
}

/* One line, if there is anything to tell: what is new first. */
static bool tell_next(struct session *session)
{
    struct fleet_opinion opinions[FLEET_OPINIONS_MAX];
    struct crew *crew = session->plan.world->crew;
    if (session->state != SESSION_CONNECTED || get_list(session) == NULL || session->coming != NULL ||
        fleet_line_waiting(session->line) >= OUT_WANTED) {
        return false;
    }
    size_t count = crew_take_changes(crew, session->plan.slot, opinions, FLEET_OPINIONS_MAX);
    if (count != 0) {
        tell(session, opinions, count, false);
    } else if (session->tells_all) {
        tell_round(session, opinions);
    }
    return count != 0 || session->tells_all;
}

static void flush(struct session *session)
{
    enum fleet_state state = fleet_line_flush(session->line);
    size_t waiting = fleet_line_waiting(session->line);
    if (state == FLEET_ENDED) {
        end(session, "%s", fleet_line_why(session->line));
    }
    if (waiting == 0 || waiting < session->waiting) {
        session->taken_ms = now_ms(session);
    }
    session->waiting = waiting;
}

void session_tell(struct session *session)
{
    while (tell_next(session)) {
        flush(session);
    }
    flush(session);
}

/* ---- from it: lists ---- */

/* The one before stays in use, and the connection with it: there would be nothing else to hear in another. */
static void decline(struct session *session, uint64_t generation)
{
    assignment_drop(session->coming);
    session->coming = NULL;
    session->passes_over = true;
    log_warning("list refused server=%s generation=%" PRIu64 " why=\"%s\"", session->plan.server, generation,
                session->declined);
    session_say(session,
                &(struct fleet_message){.kind = FLEET_UNTAKEN, .untaken = {generation, session->declined}});
}

static void begin_list(struct session *session, uint64_t generation, uint32_t count)
{
    assignment_drop(session->coming);
    session->coming = NULL;
    session->passes_over = false;
    if (count > ASSIGNMENT_TARGETS_MAX) {
        snprintf(session->declined, sizeof session->declined,
                 "found a list of %" PRIu32 " targets, expected %d at most", count, ASSIGNMENT_TARGETS_MAX);
        decline(session, generation);
        return;
    }
    session->coming = assignment_new(generation, count, session->plan.slot);
}

/* It is in use, and everything is told anew. */
static void say_taken(struct session *session)
{
    const struct assignment *list = get_list(session);
    struct fleet_message message = {.kind = FLEET_TAKEN, .taken.generation = assignment_generation(list)};
    message.taken.refused = assignment_refused(list, &message.taken.count);
    if (message.taken.count > FLEET_REASONS_MAX) {
        message.taken.more = (uint32_t)(message.taken.count - FLEET_REASONS_MAX);
        message.taken.count = FLEET_REASONS_MAX;
    }
    session->declined[0] = '\0';
    session_say(session, &message);
    crew_begin_anew(session->plan.world->crew, session->plan.slot);
    session->tells_all = true;
}

static void log_list(const struct session *session)
{
    const struct assignment *list = get_list(session);
    size_t count;
    const struct fleet_untaken *refused = assignment_refused(list, &count);
    log_info("list taken server=%s generation=%" PRIu64 " targets=%zu checks=%zu refused=%zu",
             session->plan.server, assignment_generation(list), assignment_count(list),
             assignment_count_checks(list), count);
    for (size_t i = 0; i < count && i < FLEET_REASONS_MAX; i++) {
        log_warning("check refused server=%s check=%" PRIu32 " why=%s", session->plan.server,
                    refused[i].check, refused[i].why);
    }
}

static void take_list(struct session *session, uint64_t generation, char why[FLEET_WHY_SIZE])
{
    struct assignment *list = session->coming;
    if (session->passes_over) {
        session->passes_over = false;
        return;
    }
    if (list == NULL || assignment_generation(list) != generation) {
        end(session, "it ends a list that it did not begin");
        return;
    }
    if (!assignment_finish(list, why)) {
        end(session, "its list: %s", why);
        return;
    }
    session->coming = NULL;
    crew_assign(session->plan.world->crew, session->plan.slot, session->plan.server, list,
                session->expires_ms);
    log_list(session);
    say_taken(session);
}

static void keep_list(struct session *session, uint64_t generation)
{
    if (get_list(session) == NULL) {
        end(session, "it says that the list is the same, and gave none");
        return;
    }
    crew_rename(session->plan.world->crew, session->plan.slot, generation);
    say_taken(session);
}

static void add_to_list(struct session *session, const struct fleet_message *message,
                        char why[FLEET_WHY_SIZE])
{
    bool good = session->coming != NULL;
    if (session->passes_over) {
        return;
    }
    if (good && message->kind == FLEET_CHECK && message->check.index == ASSIGNMENT_CHECKS_MAX) {
        snprintf(session->declined, sizeof session->declined, "found a list of more than %d checks",
                 ASSIGNMENT_CHECKS_MAX);
        decline(session, assignment_generation(session->coming));
        return;
    }
    if (!good) {
        snprintf(why, FLEET_WHY_SIZE, "there is none that it would belong to");
    } else if (message->kind == FLEET_CHECK) {
        good = assignment_add_check(session->coming, &message->check, why);
    } else {
        good = assignment_add_targets(session->coming, message->targets.items, message->targets.count, why);
    }
    if (!good) {
        end(session, "its list: %s: %s", fleet_kind_text(message->kind), why);
    }
}

static void aim(struct session *session, const struct fleet_message *message, char why[FLEET_WHY_SIZE])
{
    const struct assignment *list = get_list(session);
    if (list != NULL && assignment_generation(list) == message->aim.generation &&
        !crew_aim(session->plan.world->crew, session->plan.slot, message->aim.items, message->aim.count,
                  why)) {
        end(session, "aim: %s", why);
    }
}

/* ---- from it: the rest ---- */

static void refuse_run(struct session *session, uint32_t id, const char *why)
{
    session_say(session, &(struct fleet_message){.kind = FLEET_TRACE,
                                                 .trace = {.id = id, .step = "refused", .text = why}});
    session_say(session, &(struct fleet_message){.kind = FLEET_RAN,
                                                 .ran = {.id = id, .outcome = HEALTH_OUTCOME_LOCAL_ERROR}});
}

static void run(struct session *session, const struct fleet_message *message)
{
    struct assignment *list = get_list(session);
    ptrdiff_t index = list == NULL ? -1 : assignment_find(list, message->run.identity);
    int error = index == -1 ? ERROR_NOT_FOUND
                            : tries_start(session->plan.world->tries, session->plan.number, message->run.id,
                                          list, (size_t)index);
    if (error == ERROR_NOT_FOUND) {
        refuse_run(session, message->run.id, "there is nothing to check of it here");
    } else if (error != 0) {
        refuse_run(session, message->run.id, "too many checks that somebody wants to see are waiting");
    }
}

static void welcome(struct session *session, const struct fleet_message *message)
{
    if (message->welcome.version != FLEET_VERSION) {
        end(session, "it speaks version %" PRIu32 ", expected %d", message->welcome.version, FLEET_VERSION);
        return;
    }
    uint32_t beat_ms = message->welcome.heartbeat_ms;
    session->beat_ms = beat_ms < BEAT_LEAST_MS  ? BEAT_LEAST_MS
                       : beat_ms > BEAT_MOST_MS ? BEAT_MOST_MS
                                                : beat_ms;
    session->expires_ms = message->welcome.expires_ms;
    if (session->expires_ms < 2 * session->beat_ms) {
        session->expires_ms = 2 * session->beat_ms;
    }
    snprintf(session->server, sizeof session->server, "%s", message->welcome.server);
    session->state = SESSION_CONNECTED;
}

static void note_time(const struct session *session, int64_t wall_ms)
{
    const struct world *world = session->plan.world;
    int64_t own_ms = clock_offset_ms(world->clock);
    if (!wall_note(world->wall, session->plan.slot, wall_ms - clock_boot_ms(), own_ms)) {
        return;
    }
    if (world->wall->is_off) {
        log_warning("clock differs from that of the servers ahead_ms=%" PRId64
                    " effect=\"certificates are judged by theirs\"",
                    wall_measure(world->wall, own_ms));
    } else {
        log_info("clock agrees with that of the servers");
    }
}

static void hear_connected(struct session *session, const struct fleet_message *message,
                           char why[FLEET_WHY_SIZE])
{
    switch (message->kind) {
    case FLEET_LIST: begin_list(session, message->list.generation, message->list.count); break;
    case FLEET_CHECK:
    case FLEET_TARGETS: add_to_list(session, message, why); break;
    case FLEET_LISTED: take_list(session, message->generation, why); break;
    case FLEET_SAME: keep_list(session, message->generation); break;
    case FLEET_AIM: aim(session, message, why); break;
    case FLEET_ALIVE: break;
    case FLEET_LIMITS: crew_limit(session->plan.world->crew, session->plan.slot, &message->limits); break;
    case FLEET_CLOCK: note_time(session, message->wall_ms); break;
    case FLEET_RUN: run(session, message); break;
    default: end(session, "it says \"%s\", which is not for it to say", fleet_kind_text(message->kind));
    }
}

static void hear(struct session *session, const struct fleet_message *message)
{
    char why[FLEET_WHY_SIZE] = "";
    if (message->kind == FLEET_REFUSED) {
        end(session, "refused: %.150s", message->refused);
    } else if (session->state == SESSION_CONNECTED) {
        hear_connected(session, message, why);
    } else if (message->kind == FLEET_WELCOME) {
        welcome(session, message);
    } else {
        end(session, "it says \"%s\" before a welcome", fleet_kind_text(message->kind));
    }
}

/* ---- going on ---- */

static void write_fingerprint(const uint8_t fingerprint[TLS_FINGERPRINT_SIZE],
                              char text[STATE_FINGERPRINT + 1])
{
    for (size_t i = 0; i < TLS_FINGERPRINT_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", fingerprint[i]);
    }
}

static void shake(struct session *session)
{
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    char found[STATE_FINGERPRINT + 1];
    enum fleet_state state = fleet_line_shake(session->line);
    if (state == FLEET_ENDED) {
        end(session, "%s", fleet_line_why(session->line));
    }
    if (state != FLEET_READY) {
        return;
    }
    fleet_line_get_fingerprint(session->line, fingerprint);
    write_fingerprint(fingerprint, found);
    if (strcmp(found, session->plan.enrolment->fingerprint) != 0) {
        end(session,
            "found a certificate with the fingerprint %.16s…, expected %.16s…, which was enrolled with",
            found, session->plan.enrolment->fingerprint);
        return;
    }
    session->is_shaken = true;
    const struct fleet_message hello = {.kind = FLEET_HELLO,
                                        .hello = {.version = FLEET_VERSION,
                                                  .name = session->plan.enrolment->name,
                                                  .software = PACKAGE_VERSION,
                                                  .run = session->plan.world->run}};
    (void)put(session, &hello);
}

static void take_line(struct session *session, const char *text, size_t len)
{
    char why[FLEET_WHY_SIZE];
    struct fleet_message message;
    struct arena *arena = arena_new(0);
    int error = fleet_read(text, len, arena, &message, why);
    session->heard_ms = now_ms(session);
    if (error == 0) {
        hear(session, &message);
    } else if (error != ERROR_UNSUPPORTED) { /* what a later version may say is passed over */
        end(session, "what it says cannot be understood: %s", why);
    }
    arena_free(arena);
}

static void take_lines(struct session *session)
{
    const char *text;
    size_t len;
    session->has_more = false;
    enum session_state before = session->state;
    for (int i = 0; session->state != SESSION_ENDED; i++) {
        if (i == TURN_LINES || session->state != before) {
            session->has_more = true;
            return;
        }
        enum fleet_state state = fleet_line_next(session->line, &text, &len);
        if (state == FLEET_ENDED) {
            end(session, "%s", fleet_line_why(session->line));
        }
        if (state != FLEET_READY) {
            return;
        }
        take_line(session, text, len);
    }
}

enum session_state session_go_on(struct session *session)
{
    if (!session->is_shaken) {
        shake(session);
    }
    if (session->is_shaken) {
        take_lines(session);
        session_tell(session);
    }
    return session->state;
}

/* The round of all goes on at heartbeats, so much at a time that it is no burden. */
void session_beat(struct session *session)
{
    struct fleet_opinion opinions[FLEET_OPINIONS_MAX];
    take_lines(session); /* we may have been held up, not the other side */
    const struct assignment *list = get_list(session);
    int64_t now = now_ms(session);
    if (now - session->heard_ms > session->expires_ms) {
        end(session, "nothing was heard of it for %" PRIu32 " ms", session->expires_ms);
    } else if (now - session->taken_ms > session->expires_ms && session->waiting != 0) {
        end(session, "it took nothing for %" PRIu32 " ms", session->expires_ms);
    }
    if (session->state != SESSION_CONNECTED || fleet_line_waiting(session->line) >= OUT_WANTED) {
        return;
    }
    session_say(session, &(struct fleet_message){
                             .kind = FLEET_ALIVE,
                             .alive = {.generation = list == NULL ? 0 : assignment_generation(list),
                                       .seq = ++session->seq}});
    if (list != NULL && session->coming == NULL && !session->tells_all) {
        tell_round(session, opinions);
    }
}

bool session_has_more(const struct session *session)
{
    return session->has_more;
}

unsigned session_wants(const struct session *session)
{
    return fleet_line_wants(session->line);
}

const char *session_why(const struct session *session)
{
    return session->why;
}

uint32_t session_beat_ms(const struct session *session)
{
    return session->beat_ms;
}

uint64_t session_number(const struct session *session)
{
    return session->plan.number;
}

const char *session_server(const struct session *session)
{
    return session->server;
}

const char *session_declined(const struct session *session)
{
    return session->declined;
}

int64_t session_heard_ms(const struct session *session)
{
    return session->heard_ms;
}

uint64_t session_count_told(const struct session *session)
{
    return session->told;
}

/* ---- life ---- */

struct session *session_open(const struct session_plan *plan)
{
    struct session *session = memory_alloc(sizeof *session);
    *session = (struct session){.plan = *plan, .line = fleet_line_open(plan->context, plan->fd)};
    if (session->line == NULL) {
        free(session);
        return NULL;
    }
    session->heard_ms = session->taken_ms = now_ms(session);
    return session;
}

void session_close(struct session *session)
{
    if (session != NULL) {
        fleet_line_finish(session->line);
        fleet_line_free(session->line);
        assignment_drop(session->coming);
        free(session);
    }
}

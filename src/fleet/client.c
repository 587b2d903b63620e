/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See client.h. There is no queue of what is to be told: while the socket takes something, the next lines are
 * made of the latest opinions. So a server that was slow or away is never told what is over. */
#include "config.h"

#include "fleet/client.h"

#include "fleet/inside.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/hex.h"
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

struct fleet_client {
    struct fleet_client_plan plan;
    const struct fleet_client_hooks *hooks;
    struct fleet_line *line;
    enum fleet_client_state state;
    bool is_shaken, has_more;
    char server[FLEET_NAME_MAX + 1];
    uint32_t beat_ms, expires_ms;
    int64_t heard_ms, taken_ms; /* it said something; it took something, or had nothing to take */
    size_t waiting;             /* octets that it had not taken then */
    uint64_t seq, told;
    bool is_coming;                /* a list that is not whole yet, */
    uint64_t coming;               /* … of this generation */
    bool is_change;                /* of the one in use */
    uint64_t mark, marked;         /* by which the server knows a list; 0: not said. Its generation */
    bool says_list;                /* our hello did */
    bool passes_over;              /* what comes is of a list that was refused */
    char declined[FLEET_WHY_SIZE]; /* why the latest one was; "": it was not */
    bool tells_all;                /* a round of all is due */
    struct fleet_piece piece;      /* whose octets come next; of none: they are lines again */
    char bundle[FLEET_BUNDLE_SIZE];
    char why[FLEET_WHY_SIZE];
};

static void end(struct fleet_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void end(struct fleet_client *client, const char *format, ...)
{
    if (client->state != FLEET_CLIENT_ENDED) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(client->why, sizeof client->why, format, arguments);
        va_end(arguments);
        client->state = FLEET_CLIENT_ENDED;
    }
}

static int64_t now_ms(const struct fleet_client *client)
{
    return clock_now_ms(client->plan.clock);
}

static bool has_list(const struct fleet_client *client, uint64_t *generation)
{
    *generation = 0;
    return client->hooks->get(client->hooks->context, generation);
}

/* ---- to it ---- */

/* false: there is no room. */
static bool put(struct fleet_client *client, const struct fleet_message *message)
{
    struct buffer text;
    buffer_init(&text);
    fleet_write(message, &text);
    bool fits = fleet_line_say(client->line, text.bytes, text.len);
    buffer_fini(&text);
    return fits;
}

bool fleet_client_say(struct fleet_client *client, const struct fleet_message *message)
{
    return client->state != FLEET_CLIENT_CONNECTED || put(client, message);
}

/* What it has to know. */
static void say(struct fleet_client *client, const struct fleet_message *message)
{
    if (!fleet_client_say(client, message)) {
        end(client, "it takes nothing");
    }
}

static void tell(struct fleet_client *client, const struct fleet_opinion *opinions, size_t count, bool all)
{
    uint64_t generation;
    (void)has_list(client, &generation);
    const struct fleet_message message = {
        .kind = FLEET_OPINIONS,
        .opinions = {
            .generation = generation, .seq = ++client->seq, .all = all, .items = opinions, .count = count}};
    (void)put(client, &message); /* there is room: see tell_next() */
    client->told += count;
}

/* The next of the round, as many as one line takes. */
static void tell_round(struct fleet_client *client, struct fleet_opinion *opinions)
{
    bool ends;
    size_t count = client->hooks->take_next(client->hooks->context, opinions, FLEET_OPINIONS_MAX, &ends);
    client->tells_all = client->tells_all && !ends;
    if (count != 0 || ends) {
        tell(client, opinions, count, ends);
    }
}

/* One line, if there is anything to tell: what is new first, also while another list comes. Then all is told
 * anew, which is soon enough for what is not new. */
static bool tell_next(struct fleet_client *client)
{
    struct fleet_opinion opinions[FLEET_OPINIONS_MAX];
    uint64_t generation;
    if (client->state != FLEET_CLIENT_CONNECTED || !has_list(client, &generation) ||
        fleet_line_waiting(client->line) >= OUT_WANTED) {
        return false;
    }
    bool tells_all = client->tells_all && !client->is_coming;
    size_t count = client->hooks->take_changes(client->hooks->context, opinions, FLEET_OPINIONS_MAX);
    if (count != 0) {
        tell(client, opinions, count, false);
    } else if (tells_all) {
        tell_round(client, opinions);
    }
    return count != 0 || tells_all;
}

static void flush(struct fleet_client *client)
{
    enum fleet_state state = fleet_line_flush(client->line);
    size_t waiting = fleet_line_waiting(client->line);
    if (state == FLEET_ENDED) {
        end(client, "%s", fleet_line_why(client->line));
    }
    if (waiting == 0 || waiting < client->waiting) {
        client->taken_ms = now_ms(client);
    }
    client->waiting = waiting;
}

void fleet_client_tell(struct fleet_client *client)
{
    while (tell_next(client)) {
        flush(client);
    }
    flush(client);
}

/* ---- from it: lists ---- */

static void drop(struct fleet_client *client)
{
    if (client->is_coming) {
        client->hooks->drop(client->hooks->context);
    }
    client->is_coming = false;
}

/* The one before stays in use, and the connection with it: there would be nothing else to hear in another. */
static void decline(struct fleet_client *client, uint64_t generation, const char *why)
{
    drop(client);
    client->passes_over = true;
    snprintf(client->declined, sizeof client->declined, "%s", why);
    say(client, &(struct fleet_message){.kind = FLEET_UNTAKEN, .untaken = {generation, client->declined}});
}

static void judge(struct fleet_client *client, enum fleet_fit fit, enum fleet_kind kind, const char *why)
{
    if (fit == FLEET_DECLINED) {
        decline(client, client->coming, why);
    } else if (fit == FLEET_WRONG) {
        end(client, "its list: %s: %s", fleet_kind_text(kind), why);
    }
}

static void begin_list(struct fleet_client *client, uint64_t generation, uint32_t count, bool is_change)
{
    char why[FLEET_WHY_SIZE] = "";
    drop(client);
    client->passes_over = false;
    client->is_change = is_change;
    client->coming = generation;
    client->is_coming = true;
    judge(client, client->hooks->begin(client->hooks->context, generation, count, why), FLEET_LIST, why);
}

/* The rest is as in the one that we go by. */
static void begin_change(struct fleet_client *client, const struct fleet_message *message)
{
    uint64_t generation;
    if (!has_list(client, &generation) || generation != message->change.from) {
        end(client, "it changes the list %" PRIu64 ", which is not in use", message->change.from);
        return;
    }
    begin_list(client, message->change.generation, message->change.count, true);
}

/* Who says that knows of changes. */
static void note_mark(struct fleet_client *client, const struct fleet_message *message)
{
    if (client->mark == 0 && !client->says_list) {
        say(client, &(struct fleet_message){.kind = FLEET_CAN, .can_change = true});
    }
    client->marked = message->mark.generation;
    client->mark = message->mark.mark;
}

/* It is in use, and everything is told anew. */
static void say_taken(struct fleet_client *client)
{
    struct fleet_message message = {.kind = FLEET_TAKEN};
    (void)has_list(client, &message.taken.generation);
    message.taken.refused = client->hooks->refused(client->hooks->context, &message.taken.count);
    if (message.taken.count > FLEET_REASONS_MAX) {
        message.taken.more = (uint32_t)(message.taken.count - FLEET_REASONS_MAX);
        message.taken.count = FLEET_REASONS_MAX;
    }
    client->declined[0] = '\0';
    say(client, &message);
    client->hooks->begin_anew(client->hooks->context);
    client->tells_all = true;
}

static void take_list(struct fleet_client *client, uint64_t generation)
{
    char why[FLEET_WHY_SIZE] = "";
    if (client->passes_over) {
        client->passes_over = false;
        return;
    }
    if (!client->is_coming || client->coming != generation) {
        end(client, "it ends a list that it did not begin");
        return;
    }
    if (!client->hooks->take(client->hooks->context, why)) {
        end(client, "its list: %s", why);
        return;
    }
    client->is_coming = false;
    client->hooks->set_mark(client->hooks->context, client->marked == generation ? client->mark : 0);
    say_taken(client);
}

static void keep_list(struct fleet_client *client, uint64_t generation)
{
    uint64_t before;
    if (!has_list(client, &before)) {
        end(client, "it says that the list is the same, and gave none");
        return;
    }
    client->hooks->rename(client->hooks->context, generation);
    say_taken(client);
}

static void add_to_list(struct fleet_client *client, const struct fleet_message *message)
{
    char why[FLEET_WHY_SIZE] = "";
    if (client->passes_over) {
        return;
    }
    if (!client->is_coming) {
        judge(client, FLEET_WRONG, message->kind, "there is none that it would belong to");
        return;
    }
    if (message->kind == FLEET_KEEP && !client->is_change) {
        judge(client, FLEET_WRONG, message->kind, "it is no change of another one");
        return;
    }
    judge(client, client->hooks->add(client->hooks->context, message, why), message->kind, why);
}

static void aim(struct fleet_client *client, const struct fleet_message *message)
{
    char why[FLEET_WHY_SIZE] = "";
    uint64_t generation;
    if (has_list(client, &generation) && generation == message->aim.generation &&
        !client->hooks->aim(client->hooks->context, message, why)) {
        end(client, "aim: %s", why);
    }
}

/* ---- from it: the rest ---- */

static void welcome(struct fleet_client *client, const struct fleet_message *message)
{
    if (!fleet_speaks(message->welcome.version)) {
        end(client, "it speaks version %" PRIu32 ", expected %d", message->welcome.version, FLEET_VERSION);
        return;
    }
    uint32_t beat_ms = message->welcome.heartbeat_ms;
    client->beat_ms = beat_ms < BEAT_LEAST_MS  ? BEAT_LEAST_MS
                      : beat_ms > BEAT_MOST_MS ? BEAT_MOST_MS
                                               : beat_ms;
    client->expires_ms = message->welcome.expires_ms;
    if (client->expires_ms < 2 * client->beat_ms) {
        client->expires_ms = 2 * client->beat_ms;
    }
    snprintf(client->server, sizeof client->server, "%s", message->welcome.server);
    client->state = FLEET_CLIENT_CONNECTED;
}

/* Its octets come behind the line. */
static void expect_piece(struct fleet_client *client, const struct fleet_message *message)
{
    client->piece = message->piece;
    snprintf(client->bundle, sizeof client->bundle, "%s", message->piece.bundle);
    client->piece.bundle = client->bundle;
}

static void take_piece(struct fleet_client *client, const char *octets)
{
    struct fleet_message message = {.kind = FLEET_BLOCK, .piece = client->piece};
    message.piece.octets = (const uint8_t *)octets;
    client->piece.len = 0;
    client->hooks->hear(client->hooks->context, &message);
}

static void hear_connected(struct fleet_client *client, const struct fleet_message *message)
{
    switch (message->kind) {
    case FLEET_LIST: begin_list(client, message->list.generation, message->list.count, false); break;
    case FLEET_MARK: note_mark(client, message); break;
    case FLEET_CHANGE: begin_change(client, message); break;
    case FLEET_CHECK:
    case FLEET_KEEP:
    case FLEET_TARGETS: add_to_list(client, message); break;
    case FLEET_LISTED: take_list(client, message->generation); break;
    case FLEET_SAME: keep_list(client, message->generation); break;
    case FLEET_AIM: aim(client, message); break;
    case FLEET_ALIVE: break;
    case FLEET_BLOCK: expect_piece(client, message); break;
    case FLEET_LIMITS:
    case FLEET_CLOCK:
    case FLEET_HOLDS:
    case FLEET_HAS:
    case FLEET_NONE:
    case FLEET_RUN: client->hooks->hear(client->hooks->context, message); break;
    default: end(client, "it says \"%s\", which is not for it to say", fleet_kind_text(message->kind));
    }
}

static void hear(struct fleet_client *client, const struct fleet_message *message)
{
    if (message->kind == FLEET_REFUSED) {
        end(client, "refused: %.150s", message->refused);
    } else if (client->state == FLEET_CLIENT_CONNECTED) {
        hear_connected(client, message);
    } else if (message->kind == FLEET_WELCOME) {
        welcome(client, message);
    } else {
        end(client, "it says \"%s\" before a welcome", fleet_kind_text(message->kind));
    }
}

/* ---- going on ---- */

enum { SHOWN = 8 }; /* octets of a fingerprint, for people */

/* The list that we have is not said to who has never told its mark: an older server would not understand. */
static void say_hello(struct fleet_client *client)
{
    uint64_t generation,
        mark = has_list(client, &generation) ? client->hooks->get_mark(client->hooks->context) : 0;
    client->says_list = mark != 0;
    const struct fleet_message hello = {.kind = FLEET_HELLO,
                                        .hello = {.version = FLEET_VERSION,
                                                  .name = client->plan.name,
                                                  .software = PACKAGE_VERSION,
                                                  .run = client->plan.run,
                                                  .has_list = client->says_list,
                                                  .list = mark}};
    (void)put(client, &hello);
}

static void shake(struct fleet_client *client)
{
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    char found[2 * SHOWN + 1], expected[2 * SHOWN + 1];
    enum fleet_state state = fleet_line_shake(client->line);
    if (state == FLEET_ENDED) {
        end(client, "%s", fleet_line_why(client->line));
    }
    if (state != FLEET_READY) {
        return;
    }
    fleet_line_get_fingerprint(client->line, fingerprint);
    if (memcmp(fingerprint, client->plan.fingerprint, sizeof fingerprint) != 0) {
        end(client, "found a certificate with the fingerprint %s…, expected %s…, which was enrolled with",
            hex_write(fingerprint, SHOWN, found), hex_write(client->plan.fingerprint, SHOWN, expected));
        return;
    }
    client->is_shaken = true;
    say_hello(client);
}

void fleet_client_hear_line(struct fleet_client *client, const char *text, size_t len)
{
    char why[FLEET_WHY_SIZE];
    struct fleet_message message;
    struct arena *arena = arena_new(0);
    int error = fleet_read(text, len, arena, &message, why);
    client->heard_ms = now_ms(client);
    if (error == 0) {
        hear(client, &message);
    } else if (error != ERROR_UNSUPPORTED) { /* what a later version may say is passed over */
        end(client, "what it says cannot be understood: %s", why);
    }
    arena_free(arena);
}

/* What comes next, a line or what one has announced. False: it is not here yet, or nothing will be. */
static bool take_next(struct fleet_client *client)
{
    const char *text;
    size_t len = client->piece.len;
    bool is_piece = len != 0;
    enum fleet_state state =
        is_piece ? fleet_line_take(client->line, len, &text) : fleet_line_next(client->line, &text, &len);
    if (state == FLEET_ENDED) {
        end(client, "%s", fleet_line_why(client->line));
    } else if (state == FLEET_READY) {
        is_piece ? take_piece(client, text) : fleet_client_hear_line(client, text, len);
    }
    return state == FLEET_READY;
}

static void take_lines(struct fleet_client *client)
{
    client->has_more = false;
    enum fleet_client_state before = client->state;
    for (int i = 0; client->state != FLEET_CLIENT_ENDED; i++) {
        if (i == TURN_LINES || client->state != before) {
            client->has_more = true;
            return;
        }
        if (!take_next(client)) {
            return;
        }
    }
}

enum fleet_client_state fleet_client_go_on(struct fleet_client *client)
{
    if (!client->is_shaken) {
        shake(client);
    }
    if (client->is_shaken) {
        take_lines(client);
        fleet_client_tell(client);
    }
    return client->state;
}

/* The round of all goes on at heartbeats, so much at a time that it is no burden. */
void fleet_client_beat(struct fleet_client *client)
{
    struct fleet_opinion opinions[FLEET_OPINIONS_MAX];
    uint64_t generation;
    take_lines(client); /* we may have been held up, not the other side */
    bool has = has_list(client, &generation);
    int64_t now = now_ms(client);
    if (now - client->heard_ms > client->expires_ms) {
        end(client, "nothing was heard of it for %" PRIu32 " ms", client->expires_ms);
    } else if (now - client->taken_ms > client->expires_ms && client->waiting != 0) {
        end(client, "it took nothing for %" PRIu32 " ms", client->expires_ms);
    }
    if (client->state != FLEET_CLIENT_CONNECTED || fleet_line_waiting(client->line) >= OUT_WANTED) {
        return;
    }
    (void)fleet_client_say(
        client, &(struct fleet_message){.kind = FLEET_ALIVE,
                                        .alive = {.generation = generation, .seq = ++client->seq}});
    if (has && !client->is_coming && !client->tells_all) {
        tell_round(client, opinions);
    }
}

bool fleet_client_has_more(const struct fleet_client *client)
{
    return client->has_more;
}

unsigned fleet_client_wants(const struct fleet_client *client)
{
    return fleet_line_wants(client->line);
}

const char *fleet_client_why(const struct fleet_client *client)
{
    return client->why;
}

uint32_t fleet_client_beat_ms(const struct fleet_client *client)
{
    return client->beat_ms;
}

const char *fleet_client_server(const struct fleet_client *client)
{
    return client->server;
}

uint32_t fleet_client_expires_ms(const struct fleet_client *client)
{
    return client->expires_ms;
}

const char *fleet_client_declined(const struct fleet_client *client)
{
    return client->declined;
}

int64_t fleet_client_heard_ms(const struct fleet_client *client)
{
    return client->heard_ms;
}

uint64_t fleet_client_count_told(const struct fleet_client *client)
{
    return client->told;
}

/* ---- life ---- */

struct fleet_client *fleet_client_open(const struct fleet_client_plan *plan, struct tls_context *context,
                                       int fd)
{
    struct fleet_client *client = memory_alloc(sizeof *client);
    *client =
        (struct fleet_client){.plan = *plan, .hooks = plan->hooks, .line = fleet_line_open(context, fd)};
    if (client->line == NULL) {
        free(client);
        return NULL;
    }
    client->heard_ms = client->taken_ms = now_ms(client);
    return client;
}

void fleet_client_close(struct fleet_client *client)
{
    if (client != NULL) {
        if (client->says_list && client->beat_ms == 0) { /* there was no welcome: it may be older now */
            client->hooks->set_mark(client->hooks->context, 0);
        }
        drop(client);
        fleet_line_finish(client->line);
        fleet_line_free(client->line);
        free(client);
    }
}

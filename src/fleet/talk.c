/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See talk.h. */
#include "config.h"

#include "fleet/talk.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/hex.h"
#include "fleet/line.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, PORT_TEXT = 8 };

struct conversation {
    const struct fleet_talk *talk;
    struct fleet_talk_answer *answer;
    struct clock clock;
    int64_t until_ms;
    int fd;
    struct fleet_line *line;
};

static enum fleet_talk_end fail(struct conversation *c, enum fleet_talk_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum fleet_talk_end fail(struct conversation *c, enum fleet_talk_end end, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->answer->why, sizeof c->answer->why, format, arguments);
    va_end(arguments);
    return end;
}

/* Until the socket is ready; false: time is up. */
static bool wait_for(const struct conversation *c, unsigned wants)
{
    int64_t left_ms = c->until_ms - clock_now_ms(&c->clock);
    struct pollfd socket = {.fd = c->fd,
                            .events = (short)(((wants & FLEET_WANTS_READ) != 0 ? POLLIN : 0) |
                                              ((wants & FLEET_WANTS_WRITE) != 0 ? POLLOUT : 0))};
    return left_ms > 0 && poll(&socket, 1, (int)left_ms) == 1;
}

/* ---- getting there ---- */

static int try_address(struct conversation *c, const struct addrinfo *at)
{
    int error = 0;
    socklen_t len = sizeof error;
    c->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd == -1) {
        return errno;
    }
    if (connect(c->fd, at->ai_addr, at->ai_addrlen) == -1) {
        error = errno;
    }
    if (error == EINPROGRESS) {
        error = ETIMEDOUT;
        if (wait_for(c, FLEET_WANTS_WRITE) && getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
            error = errno;
        }
    }
    if (error != 0) {
        close(c->fd);
        c->fd = -1;
    }
    return error;
}

static void note_local(struct conversation *c)
{
    struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof at;
    struct addr_port local;
    if (getsockname(c->fd, (struct sockaddr *)&at, &len) == 0) {
        addr_from_sockaddr((const struct sockaddr *)&at, &local);
        c->answer->local = local.addr;
    }
}

static enum fleet_talk_end reach(struct conversation *c)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[PORT_TEXT];
    snprintf(port, sizeof port, "%u", c->talk->port);
    int error = getaddrinfo(c->talk->host, port, &hints, &found);
    if (error != 0) {
        return fail(c, FLEET_TALK_UNREACHABLE, "the name %.200s cannot be looked up: %s", c->talk->host,
                    gai_strerror(error));
    }
    for (struct addrinfo *at = found; at != NULL && c->fd == -1; at = at->ai_next) {
        c->until_ms = clock_now_ms(&c->clock) + PATIENCE_MS;
        error = try_address(c, at);
    }
    freeaddrinfo(found);
    if (c->fd == -1) {
        return fail(c, FLEET_TALK_UNREACHABLE, "cannot be reached: %s", strerror(error));
    }
    note_local(c);
    return FLEET_TALK_DONE;
}

static enum fleet_talk_end shake(struct conversation *c)
{
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    enum fleet_state state;
    while ((state = fleet_line_shake(c->line)) == FLEET_AGAIN) {
        if (!wait_for(c, fleet_line_wants(c->line))) {
            return fail(c, FLEET_TALK_UNREACHABLE, "says nothing: is this where steerd listens for it?");
        }
    }
    if (state == FLEET_ENDED) {
        return fail(c, FLEET_TALK_UNREACHABLE, "%s: is this where steerd listens for it?",
                    fleet_line_why(c->line));
    }
    fleet_line_get_fingerprint(c->line, fingerprint);
    (void)hex_write(fingerprint, sizeof fingerprint, c->answer->found);
    return memcmp(fingerprint, c->talk->fingerprint, sizeof fingerprint) == 0
               ? FLEET_TALK_DONE
               : fail(c, FLEET_TALK_OTHER, "it shows another certificate");
}

/* ---- asking ---- */

static enum fleet_talk_end say(struct conversation *c, const struct fleet_message *question)
{
    struct buffer out;
    enum fleet_state state;
    buffer_init(&out);
    fleet_write(question, &out);
    (void)fleet_line_say(c->line, out.bytes, out.len);
    explicit_bzero(out.bytes, out.len);
    buffer_fini(&out);
    while ((state = fleet_line_flush(c->line)) == FLEET_AGAIN) {
        if (!wait_for(c, fleet_line_wants(c->line))) {
            return fail(c, FLEET_TALK_UNREACHABLE, "takes nothing");
        }
    }
    return state == FLEET_READY ? FLEET_TALK_DONE
                                : fail(c, FLEET_TALK_UNREACHABLE, "%s", fleet_line_why(c->line));
}

static enum fleet_talk_end hear(struct conversation *c, struct arena *arena)
{
    const char *text;
    size_t len;
    char why[FLEET_WHY_SIZE];
    enum fleet_state state;
    while ((state = fleet_line_next(c->line, &text, &len)) == FLEET_AGAIN) {
        if (!wait_for(c, fleet_line_wants(c->line))) {
            return fail(c, FLEET_TALK_UNREACHABLE, "does not answer");
        }
    }
    if (state != FLEET_READY) {
        return fail(c, FLEET_TALK_UNREACHABLE, "%s", fleet_line_why(c->line));
    }
    return fleet_read(text, len, arena, &c->answer->message, why) == 0
               ? FLEET_TALK_DONE
               : fail(c, FLEET_TALK_GARBLED, "what it says cannot be understood: %s", why);
}

enum fleet_talk_end fleet_talk(const struct fleet_talk *talk, const struct fleet_message *question,
                               struct arena *arena, struct fleet_talk_answer *answer)
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    const struct tls_plan plan = {
        .use = TLS_USE_PINNED_CLIENT,
        .certificate = {talk->identity->certificate, strlen(talk->identity->certificate)},
        .key = {talk->identity->key, strlen(talk->identity->key)}};
    struct conversation c = {.talk = talk, .answer = answer, .fd = -1};
    *answer = (struct fleet_talk_answer){.why = ""};
    clock_init(&c.clock);
    struct tls_context *context = tls_context_new(&plan, &part, why);
    if (context == NULL) {
        return fail(&c, FLEET_TALK_UNREACHABLE, "there can be no TLS: %s", why);
    }
    enum fleet_talk_end end = reach(&c);
    if (end == FLEET_TALK_DONE) {
        c.line = fleet_line_open(context, c.fd);
        end = c.line == NULL ? fail(&c, FLEET_TALK_UNREACHABLE, "there is no memory for TLS") : shake(&c);
    }
    end = end == FLEET_TALK_DONE ? say(&c, question) : end;
    end = end == FLEET_TALK_DONE ? hear(&c, arena) : end;
    if (c.line != NULL) {
        fleet_line_finish(c.line);
        fleet_line_free(c.line);
    }
    if (c.fd != -1) {
        close(c.fd);
    }
    tls_context_drop(context);
    return end;
}

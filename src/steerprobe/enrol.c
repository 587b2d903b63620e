/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See enrol.h. Nothing is written before the server has said yes; if it said yes and that cannot be written,
 * the token is used up, which is said. */
#include "config.h"

#include "steerprobe/enrol.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/exits.h"
#include "base/memory.h"
#include "fleet/line.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, PORT_TEXT = 8, SECRET_LEAST = 32 };

/* ---- tokens ---- */

static bool is_hex(const char *text, size_t len)
{
    return strspn(text, "0123456789abcdefABCDEF") >= len;
}

int enrol_parse_token(const char *text, struct enrol_token *token)
{
    static const char version[] = "v1.";
    const char *from = text + strlen(version), *last = strrchr(text, '.');
    if (strncmp(text, version, strlen(version)) != 0 || last == NULL || last <= from ||
        strlen(last + 1) != STATE_FINGERPRINT || !is_hex(last + 1, STATE_FINGERPRINT)) {
        return ERROR_SYNTAX;
    }
    const char *secret = last;
    while (secret > from && secret[-1] != '.') {
        secret--;
    }
    size_t name_len = secret > from ? (size_t)(secret - 1 - from) : 0;
    if (name_len == 0 || name_len > FLEET_NAME_MAX || last - secret < SECRET_LEAST ||
        !is_hex(secret, (size_t)(last - secret))) {
        return ERROR_SYNTAX;
    }
    snprintf(token->name, sizeof token->name, "%.*s", (int)name_len, from);
    for (size_t i = 0; i <= STATE_FINGERPRINT; i++) {
        token->fingerprint[i] = (char)tolower((unsigned char)last[1 + i]);
    }
    return fleet_is_name(token->name) ? 0 : ERROR_SYNTAX;
}

/* ---- the conversation ---- */

struct talk {
    const char *server, *token_text;
    struct enrol_token token;
    struct clock clock;
    int64_t until_ms;
    int fd;
    struct fleet_line *line;
};

static int complain(const struct talk *talk, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(const struct talk *talk, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "steerprobe: %s: ", talk->server);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return EXITS_UNREACHABLE;
}

/* Until the socket is ready; false: time is up. */
static bool wait_for(const struct talk *talk, unsigned wants)
{
    int64_t left_ms = talk->until_ms - clock_now_ms(&talk->clock);
    struct pollfd socket = {.fd = talk->fd,
                            .events = (short)(((wants & FLEET_WANTS_READ) != 0 ? POLLIN : 0) |
                                              ((wants & FLEET_WANTS_WRITE) != 0 ? POLLOUT : 0))};
    return left_ms > 0 && poll(&socket, 1, (int)left_ms) == 1;
}

static int try_address(struct talk *talk, const struct addrinfo *at)
{
    int error = 0;
    socklen_t len = sizeof error;
    talk->fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (talk->fd == -1) {
        return errno;
    }
    if (connect(talk->fd, at->ai_addr, at->ai_addrlen) == -1) {
        error = errno;
    }
    if (error == EINPROGRESS) {
        error = ETIMEDOUT;
        if (wait_for(talk, FLEET_WANTS_WRITE) &&
            getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1) {
            error = errno;
        }
    }
    if (error != 0) {
        close(talk->fd);
        talk->fd = -1;
    }
    return error;
}

static int reach(struct talk *talk, const struct state_place *place)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[PORT_TEXT];
    snprintf(port, sizeof port, "%u", place->port);
    int error = getaddrinfo(place->host, port, &hints, &found);
    if (error != 0) {
        return complain(talk, "the name %s cannot be looked up: %s", place->host, gai_strerror(error));
    }
    for (struct addrinfo *at = found; at != NULL && talk->fd == -1; at = at->ai_next) {
        talk->until_ms = clock_now_ms(&talk->clock) + PATIENCE_MS;
        error = try_address(talk, at);
    }
    freeaddrinfo(found);
    return talk->fd != -1 ? EXITS_OK : complain(talk, "cannot be reached: %s", strerror(error));
}

static int shake(struct talk *talk)
{
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    char found[STATE_FINGERPRINT + 1];
    enum fleet_state state;
    while ((state = fleet_line_shake(talk->line)) == FLEET_AGAIN) {
        if (!wait_for(talk, fleet_line_wants(talk->line))) {
            return complain(talk, "says nothing: is this where steerd listens for vantages?");
        }
    }
    if (state == FLEET_ENDED) {
        return complain(talk, "%s: is this where steerd listens for vantages?", fleet_line_why(talk->line));
    }
    fleet_line_get_fingerprint(talk->line, fingerprint);
    for (size_t i = 0; i < sizeof fingerprint; i++) {
        snprintf(found + 2 * i, 3, "%02x", fingerprint[i]);
    }
    if (strcmp(found, talk->token.fingerprint) != 0) {
        (void)complain(talk,
                       "this is not the server that made the token: found a certificate with the fingerprint "
                       "%s, expected %s",
                       found, talk->token.fingerprint);
        return EXITS_REFUSED;
    }
    return EXITS_OK;
}

static int flush(struct talk *talk)
{
    enum fleet_state state;
    while ((state = fleet_line_flush(talk->line)) == FLEET_AGAIN) {
        if (!wait_for(talk, fleet_line_wants(talk->line))) {
            return complain(talk, "takes nothing");
        }
    }
    return state == FLEET_READY ? EXITS_OK : complain(talk, "%s", fleet_line_why(talk->line));
}

static int judge(const struct talk *talk, const char *text, size_t len)
{
    char why[FLEET_WHY_SIZE];
    struct fleet_message message;
    struct arena *arena = arena_new(0);
    int code = EXITS_OK;
    if (fleet_read(text, len, arena, &message, why) != 0) {
        code = complain(talk, "what it says cannot be understood: %s", why);
    } else if (message.kind == FLEET_REFUSED) {
        (void)complain(talk, "refused: %s", message.refused);
        code = EXITS_REFUSED;
    } else if (message.kind != FLEET_ENROLLED) {
        code = complain(talk, "found \"%s\", expected \"enrolled\"", fleet_kind_text(message.kind));
    }
    arena_free(arena);
    return code;
}

static int ask(struct talk *talk)
{
    const struct fleet_message message = {
        .kind = FLEET_ENROL,
        .enrol = {.version = FLEET_VERSION, .name = talk->token.name, .token = talk->token_text}};
    struct buffer out;
    const char *text;
    size_t len;
    enum fleet_state state;
    buffer_init(&out);
    fleet_write(&message, &out);
    (void)fleet_line_say(talk->line, out.bytes, out.len);
    explicit_bzero(out.bytes, out.len);
    buffer_fini(&out);
    int code = flush(talk);
    if (code != EXITS_OK) {
        return code;
    }
    while ((state = fleet_line_next(talk->line, &text, &len)) == FLEET_AGAIN) {
        if (!wait_for(talk, fleet_line_wants(talk->line))) {
            return complain(talk, "does not answer");
        }
    }
    return state == FLEET_READY ? judge(talk, text, len) : complain(talk, "%s", fleet_line_why(talk->line));
}

static int converse(struct talk *talk, const struct enrolment *enrolment)
{
    char why[TLS_WHY_SIZE];
    enum tls_part part;
    const struct tls_plan plan = {.use = TLS_USE_PINNED_CLIENT,
                                  .certificate = {enrolment->certificate, strlen(enrolment->certificate)},
                                  .key = {enrolment->key, strlen(enrolment->key)}};
    struct tls_context *context = tls_context_new(&plan, &part, why);
    if (context == NULL) {
        return complain(talk, "there can be no TLS: %s", why);
    }
    int code = reach(talk, &enrolment->place);
    if (code == EXITS_OK) {
        talk->line = fleet_line_open(context, talk->fd);
        code = talk->line == NULL ? complain(talk, "there is no memory for TLS") : shake(talk);
    }
    if (code == EXITS_OK) {
        code = ask(talk);
    }
    if (talk->line != NULL) {
        fleet_line_finish(talk->line);
        fleet_line_free(talk->line);
    }
    if (talk->fd != -1) {
        close(talk->fd);
    }
    tls_context_drop(context);
    return code;
}

static int keep(const struct talk *talk, const char *folder, const struct enrolment *enrolment)
{
    char *path = NULL;
    int error = state_write(folder, enrolment, &path);
    if (error == 0) {
        printf("enrolled as %s with %s, kept in %s\n", enrolment->name, talk->server, path);
    } else {
        fprintf(
            stderr,
            "steerprobe: %s: it has enrolled this host, but that cannot be written to %s: %s; the token is "
            "used up, make another one\n",
            talk->server, path, error_text(error));
    }
    free(path);
    return error == 0 ? EXITS_OK : EXITS_REFUSED;
}

/* Before the token is used up: can the folder be written to? */
static int look_at_folder(const char *folder, const struct enrolment *enrolment)
{
    int error = state_try(folder, enrolment);
    if (error != 0) {
        fprintf(stderr, "steerprobe: the state folder %s: %s%s\n", folder, error_text(error),
                error == -EACCES || error == -EPERM ? " (who runs steerprobe has to own it)" : "");
        return EXITS_REFUSED;
    }
    return EXITS_OK;
}

int enrol(const char *folder, const char *token, const char *server)
{
    struct talk talk = {.server = server, .token_text = token, .fd = -1};
    struct enrolment enrolment = {.name = NULL};
    struct tls_identity identity;
    clock_init(&talk.clock);
    if (enrol_parse_token(token, &talk.token) != 0) {
        fputs("steerprobe: this is no token, expected v1.NAME.SECRET.FINGERPRINT as steerctl vantage enrol "
              "prints it\n",
              stderr);
        return EXITS_USAGE;
    }
    if (state_parse_place(server, &enrolment.place) != 0) {
        fprintf(stderr, "steerprobe: --server %s: expected HOST:PORT\n", server);
        return EXITS_USAGE;
    }
    if (!tls_identity_make(talk.token.name, &identity)) {
        return complain(&talk, "there can be no key: the library refused");
    }
    enrolment.name = memory_copy_text(talk.token.name);
    enrolment.fingerprint = memory_copy_text(talk.token.fingerprint);
    enrolment.certificate = memory_copy_text(identity.certificate);
    enrolment.key = memory_copy_text(identity.key);
    tls_identity_fini(&identity);
    int code = look_at_folder(folder, &enrolment);
    if (code == EXITS_OK) {
        code = converse(&talk, &enrolment);
    }
    if (code == EXITS_OK) {
        code = keep(&talk, folder, &enrolment);
    }
    state_fini_enrolment(&enrolment);
    return code;
}

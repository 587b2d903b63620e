/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See enrol.h. Nothing is written before the server has said yes; if it said yes and that cannot be written,
 * the token is used up, which is said. */
#include "config.h"

#include "steerprobe/enrol.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/exits.h"
#include "base/hex.h"
#include "base/memory.h"
#include "fleet/talk.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_LEAST = 32 };

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
};

static int complain(const struct talk *talk, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int complain(const struct talk *talk, int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "steerprobe: %s: ", talk->server);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return code;
}

static int judge(const struct talk *talk, enum fleet_talk_end end, const struct fleet_talk_answer *answer)
{
    const struct fleet_message *message = &answer->message;
    if (end == FLEET_TALK_OTHER) {
        return complain(talk, EXITS_REFUSED,
                        "this is not the server that made the token: found a certificate with the "
                        "fingerprint %s, expected %s",
                        answer->found, talk->token.fingerprint);
    }
    if (end != FLEET_TALK_DONE) {
        return complain(talk, EXITS_UNREACHABLE, "%s", answer->why);
    }
    if (message->kind == FLEET_REFUSED) {
        return complain(talk, EXITS_REFUSED, "refused: %s", message->refused);
    }
    return message->kind == FLEET_ENROLLED
               ? EXITS_OK
               : complain(talk, EXITS_UNREACHABLE, "found \"%s\", expected \"enrolled\"",
                          fleet_kind_text(message->kind));
}

static int converse(const struct talk *talk, const struct enrolment *enrolment)
{
    const struct tls_identity identity = {.certificate = enrolment->certificate, .key = enrolment->key};
    const struct fleet_message question = {
        .kind = FLEET_ENROL,
        .enrol = {.version = FLEET_VERSION, .name = talk->token.name, .token = talk->token_text}};
    struct fleet_talk plan = {
        .host = enrolment->place.host, .port = enrolment->place.port, .identity = &identity};
    struct fleet_talk_answer answer;
    struct arena *arena = arena_new(0);
    (void)hex_read(talk->token.fingerprint, plan.fingerprint, sizeof plan.fingerprint); /* it is good */
    enum fleet_talk_end end = fleet_talk(&plan, &question, arena, &answer);
    int code = judge(talk, end, &answer);
    arena_free(arena);
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

/* One that it has already, or a new one. */
static bool find_key(const char *folder, struct enrolment *enrolment)
{
    struct tls_identity identity;
    if (state_find_key(folder, enrolment->name, &enrolment->place, enrolment)) {
        return true;
    }
    if (!tls_identity_make(enrolment->name, &identity)) {
        return false;
    }
    enrolment->certificate = memory_copy_text(identity.certificate);
    enrolment->key = memory_copy_text(identity.key);
    tls_identity_fini(&identity);
    return true;
}

int enrol(const char *folder, const char *token, const char *server)
{
    struct talk talk = {.server = server, .token_text = token};
    struct enrolment enrolment = {.name = NULL};
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
    enrolment.name = memory_copy_text(talk.token.name);
    enrolment.fingerprint = memory_copy_text(talk.token.fingerprint);
    int code = find_key(folder, &enrolment)
                   ? look_at_folder(folder, &enrolment)
                   : complain(&talk, EXITS_UNREACHABLE, "there can be no key: the library refused");
    if (code == EXITS_OK) {
        code = converse(&talk, &enrolment);
    }
    if (code == EXITS_OK) {
        code = keep(&talk, folder, &enrolment);
    }
    state_fini_enrolment(&enrolment);
    return code;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See join.h. What can be found out here is found out before the token is shown, since it can be used once.
 */
#include "config.h"

#include "join/join.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/exits.h"
#include "base/memory.h"
#include "fleet/admission.h"
#include "fleet/talk.h"
#include "join/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct joining {
    const struct join_order *order;
    struct admission_token token;
    struct target target;
    struct arena *arena;
    struct admission_grant grant;
    struct addr_port node; /* that has answered */
    char listen[ADDR_TEXT_SIZE];
};

/* ---- before ---- */

/* From standard input, where others do not see it. */
static int read_token(const struct join_order *order, struct admission_token *token)
{
    char line[ADMISSION_TOKEN_MAX + 2] = "";
    const char *text = order->token;
    if (strcmp(text, "-") == 0) {
        text = fgets(line, sizeof line, stdin) == NULL ? "" : line;
        line[strcspn(line, "\r\n")] = '\0';
    }
    int error = admission_read_token(text, token);
    explicit_bzero(line, sizeof line);
    if (error != 0) {
        fputs("steerctl: this is no token, expected join1.… as steerctl cluster invite prints it\n", stderr);
    }
    return error == 0 ? EXITS_OK : EXITS_USAGE;
}

static bool look_for(const struct joining *joining, const char *name, const char *what)
{
    bool has = target_has(&joining->target, name);
    if (!has) {
        fprintf(stderr,
                "steerctl: %s/%s is not there: bring %s for etcd, which the cluster does not hand out\n",
                joining->target.where, name, what);
    }
    return has;
}

static bool look_at_files(const struct joining *joining)
{
    const struct admission_token *token = &joining->token;
    bool good = true;
    if (token->brings_certificate) {
        good = look_for(joining, TARGET_CERTIFICATE, "a certificate");
        good = look_for(joining, TARGET_KEY, "its key") && good;
    }
    if (token->brings_password) {
        good = look_for(joining, TARGET_PASSWORD, "the password") && good;
    }
    return good;
}

static bool try_target(struct joining *joining)
{
    static const char *const any[] = {"https://127.0.0.1:2379"};
    const struct section section = {.name = joining->token.cluster,
                                    .node = joining->token.node,
                                    .etcd = any,
                                    .etcd_count = 1,
                                    .listen =
                                        joining->order->listen[0] == '\0' ? NULL : joining->order->listen,
                                    .member = 1};
    return target_try(&joining->target, &section);
}

/* ---- asking ---- */

static int judge(struct joining *joining, enum fleet_talk_end end, const struct fleet_talk_answer *answer,
                 const char *where)
{
    const struct fleet_message *message = &answer->message;
    if (end == FLEET_TALK_OTHER) {
        fprintf(stderr,
                "steerctl: %s: this is not the node that the token names: found a certificate with the "
                "fingerprint %s\n",
                where, answer->found);
        return EXITS_UNREACHABLE;
    }
    if (end != FLEET_TALK_DONE) {
        fprintf(stderr, "steerctl: %s: unreachable: %s\n", where, answer->why);
        return EXITS_UNREACHABLE;
    }
    if (message->kind == FLEET_REFUSED) {
        fprintf(stderr, "steerctl: %s: refused: %s\n", where, message->refused);
        return EXITS_REFUSED;
    }
    if (message->kind != FLEET_JOINED ||
        admission_read_grant(message->what, joining->arena, &joining->grant) != 0) {
        fprintf(stderr, "steerctl: %s: what it says cannot be understood; the token may be used up\n", where);
        return EXITS_REFUSED;
    }
    return EXITS_OK;
}

static int ask(struct joining *joining, const struct admission_place *place,
               const struct tls_identity *identity)
{
    const struct admission_token *token = &joining->token;
    char where[ADDR_TEXT_SIZE], host[ADDR_TEXT_SIZE];
    struct clock clock;
    struct fleet_talk_answer answer;
    struct admission_ask wanted = {.has_certificate = token->brings_certificate,
                                   .has_password = token->brings_password};
    clock_init(&clock);
    wanted.wall_ms = clock_wall_ms(&clock);
    memcpy(wanted.cluster, token->cluster, sizeof wanted.cluster);
    memcpy(wanted.node, token->node, sizeof wanted.node);
    memcpy(wanted.secret, token->secret, sizeof wanted.secret);
    struct fleet_talk talk = {
        .host = addr_write(&place->at.addr, host), .port = place->at.port, .identity = identity};
    memcpy(talk.fingerprint, place->fingerprint, sizeof talk.fingerprint);
    char *what = admission_write_ask(&wanted);
    const struct fleet_message question = {.kind = FLEET_JOIN, .what = what};
    enum fleet_talk_end end = fleet_talk(&talk, &question, joining->arena, &answer);
    explicit_bzero(what, strlen(what));
    free(what);
    joining->node = place->at;
    const struct addr_port local = {.addr = answer.local, .port = place->at.port};
    (void)addr_write_port(&local, joining->listen);
    return judge(joining, end, &answer, addr_write_port(&place->at, where));
}

/* The first that answers decides. */
static int ask_all(struct joining *joining)
{
    struct tls_identity identity;
    int code = EXITS_UNREACHABLE;
    if (!tls_identity_make(joining->token.node, &identity)) {
        fputs("steerctl: there can be no key: the library refused\n", stderr);
        return EXITS_REFUSED;
    }
    for (size_t i = 0; i < joining->token.place_count && code == EXITS_UNREACHABLE; i++) {
        code = ask(joining, &joining->token.places[i], &identity);
    }
    tls_identity_fini(&identity);
    return code;
}

/* ---- keeping it ---- */

static bool add_files(struct joining *joining)
{
    struct target *target = &joining->target;
    const struct admission_grant *grant = &joining->grant;
    return (grant->ca == NULL || target_add(target, TARGET_CA, grant->ca, false)) &&
           (grant->certificate == NULL || (target_add(target, TARGET_CERTIFICATE, grant->certificate, true) &&
                                           target_add(target, TARGET_KEY, grant->key, true))) &&
           (grant->password == NULL || target_add(target, TARGET_PASSWORD, grant->password, true));
}

static int keep(struct joining *joining)
{
    const struct admission_grant *grant = &joining->grant;
    const struct section section = {.name = joining->token.cluster,
                                    .node = joining->token.node,
                                    .etcd = grant->etcd,
                                    .etcd_count = grant->etcd_count,
                                    .ca = grant->ca == NULL ? NULL : TARGET_CA,
                                    .certificate = grant->uses_certificate ? TARGET_CERTIFICATE : NULL,
                                    .key = grant->uses_certificate ? TARGET_KEY : NULL,
                                    .user = grant->user,
                                    .password_file = grant->user == NULL ? NULL : TARGET_PASSWORD,
                                    .listen = joining->order->listen[0] != '\0' ? joining->order->listen
                                                                                : joining->listen,
                                    .acknowledge = grant->acknowledge,
                                    .deadline_ms = grant->deadline_ms,
                                    .member = grant->member};
    if (!add_files(joining) || !target_put(&joining->target, &section)) {
        fprintf(
            stderr,
            "steerctl: the cluster has %s as a node now, but that cannot be written here; the token is used "
            "up: steerctl cluster invite %s --replace, at a node, makes another one\n",
            section.node, section.node);
        return EXITS_REFUSED;
    }
    printf("%s is a node of %s, and listens for the others at %s: written to %s.\nStart steerd, or steerctl "
           "reload.\n",
           section.node, section.name, section.listen, joining->target.path);
    return EXITS_OK;
}

int join(const struct join_order *order)
{
    struct joining joining = {.order = order};
    int code = read_token(order, &joining.token);
    if (code != EXITS_OK) {
        return code;
    }
    joining.arena = arena_new(0);
    code = target_open(&joining.target, order->config) && look_at_files(&joining) && try_target(&joining)
               ? EXITS_OK
               : EXITS_REFUSED;
    code = code == EXITS_OK ? ask_all(&joining) : code;
    code = code == EXITS_OK ? keep(&joining) : code;
    target_fini(&joining.target);
    explicit_bzero(&joining.token, sizeof joining.token);
    arena_free(joining.arena);
    return code;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A machine that shows a token becomes a node: what it says is judged as far as that goes without others, and
 * then once more with the turn, so that of two that show one token at two nodes the second one is told that
 * it was used. Nothing of what a node needs is said before that is written. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/durable.h"
#include "daemon/server.h"
#include "daemon/vantages_inside.h"
#include "admin/lockout.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sha2.h"
#include "conf/cluster.h"
#include "fleet/admission.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_SIZE = 240 };

struct admitting {
    struct store_job job; /* the first, so that one is the other */
    struct clustered *clustered;
    uint64_t connection;
    char from[ADDR_TEXT_SIZE];
    struct admission_ask ask;
    struct admission_grant grant;
    struct arena *texts;
    struct store_op ops[2];
    void *change; /* of clustered_begin_change(); NULL: it has none */
    char why[WHY_SIZE];
};

/* ---- the end ---- */

static void tell(struct admitting *admitting, const char *what, const char *why)
{
    struct server *server = admitting->clustered->server;
    if (why != NULL) {
        log_warning("node not admitted node=%s from=%s why=\"%s\"", admitting->ask.node, admitting->from,
                    why);
    }
    vantages_answer_join(server->vantages, admitting->connection, what, why);
}

static void finish(struct admitting *admitting)
{
    if (admitting->change != NULL) {
        clustered_end_change(admitting->change, NULL, NULL);
    }
    explicit_bzero(&admitting->ask, sizeof admitting->ask);
    arena_free(admitting->texts);
    free(admitting);
}

static void refuse(struct admitting *admitting, const char *why)
{
    tell(admitting, NULL, why);
    finish(admitting);
}

static void on_written(struct store_job *job)
{
    struct admitting *admitting = (struct admitting *)job;
    struct clustered *clustered = admitting->clustered;
    if (job->error != 0) {
        snprintf(admitting->why, sizeof admitting->why,
                 "that %s is a node could not be written: %s; the token may be used up", admitting->ask.node,
                 error_text(job->error));
        refuse(admitting, admitting->why);
        return;
    }
    clustered_forget_known(clustered, admitting->ask.node);
    clustered_tell_member(clustered, admitting->ask.node, "joined", NULL);
    char *what = admission_write_grant(&admitting->grant);
    tell(admitting, what, NULL);
    explicit_bzero(what, strlen(what));
    free(what);
    finish(admitting);
}

/* ---- may it? ---- */

static const char *complain(struct admitting *admitting, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static const char *complain(struct admitting *admitting, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(admitting->why, sizeof admitting->why, format, arguments);
    va_end(arguments);
    return admitting->why;
}

static const char *judge_token(struct admitting *admitting, const struct clustered_name *said, bool *is_bad)
{
    const struct admission_ask *ask = &admitting->ask;
    unsigned char hash[STORE_HASH_SIZE];
    clustered_hash_secret(ask->secret, hash);
    *is_bad = !said->is_invited || !sha2_is_equal(hash, said->invite.hash, sizeof hash);
    if (*is_bad) {
        return complain(admitting, "wrong token: it is not the one that was given out last for %s",
                        ask->node);
    }
    if (said->invite.used_ms != 0) {
        return complain(admitting, "used token: a machine has become %s with it already", ask->node);
    }
    if (clock_wall_ms(&admitting->clustered->server->clock) >= said->invite.until_ms) {
        return complain(admitting, "expired token: steerctl cluster invite %s makes another one", ask->node);
    }
    return NULL;
}

static const char *judge_machine(struct admitting *admitting, const struct clustered_name *said)
{
    const struct clustered *clustered = admitting->clustered;
    const struct conf_cluster *conf = clustered->server->view->server->cluster;
    const struct admission_ask *ask = &admitting->ask;
    const struct cluster_node *node = clustered_find_node(clustered, ask->node);
    int64_t ahead_ms = ask->wall_ms - clock_wall_ms(&clustered->server->clock);
    if (ahead_ms > ADMISSION_CLOCK_MS || ahead_ms < -ADMISSION_CLOCK_MS) {
        return complain(admitting,
                        "clock: that of this machine is %" PRId64 " s %s that of %s: set it, and join again",
                        (ahead_ms < 0 ? -ahead_ms : ahead_ms) / 1000, ahead_ms < 0 ? "behind" : "ahead of",
                        clustered->node);
    }
    if ((node != NULL && node->is_fresh) ||
        (said->is_member && !said->member.is_removed && !said->invite.replaces)) {
        return complain(admitting, "name taken: %s is a node, and runs or was not to be replaced", ask->node);
    }
    if (conf->certificate != NULL && !conf->shares_credentials && !ask->has_certificate) {
        return complain(admitting,
                        "%s does not hand out the certificate and the key for etcd (share_credentials)",
                        clustered->node);
    }
    if (conf->user != NULL && !conf->shares_credentials && !ask->has_password) {
        return complain(admitting, "%s does not hand out the password for etcd (share_credentials)",
                        clustered->node);
    }
    return NULL;
}

/* NULL: it may; else why not. */
static const char *judge(struct admitting *admitting, struct clustered_name *said, bool *is_bad)
{
    const struct clustered *clustered = admitting->clustered;
    *is_bad = false;
    if (strcmp(admitting->ask.cluster, clustered->name) != 0) {
        *is_bad = true;
        return complain(admitting, "wrong cluster: this is a node of %s, and the token is of %s",
                        clustered->name, admitting->ask.cluster);
    }
    if (clustered_read_name(clustered, admitting->ask.node, said) != 0) {
        return "what was said of that name cannot be understood";
    }
    const char *why = judge_token(admitting, said, is_bad);
    return why != NULL ? why : judge_machine(admitting, said);
}

/* ---- what it needs ---- */

/* In the arena. False: it was said why not. */
static bool read_file(struct admitting *admitting, const char *path, const char **text)
{
    struct file file;
    size_t len = 0;
    int code = 0;
    *text = NULL;
    if (path == NULL) {
        return true;
    }
    char *bytes = file_read_all(path, ADMISSION_FILE_MAX, &file, &len, &code);
    if (bytes == NULL || strlen(bytes) != len) {
        (void)complain(admitting, "the file %.100s cannot be read there: %s", path,
                       bytes == NULL ? file.why : "it is no text");
        free(bytes);
        return false;
    }
    *text = arena_copy_text(admitting->texts, bytes);
    explicit_bzero(bytes, len);
    free(bytes);
    return true;
}

static bool fill_grant(struct admitting *admitting)
{
    static const char *const policies[] = {[CONF_ACKNOWLEDGE_LOCAL] = "local",
                                           [CONF_ACKNOWLEDGE_MAJORITY] = "majority",
                                           [CONF_ACKNOWLEDGE_ALL] = "all"};
    const struct conf_cluster *conf = admitting->clustered->server->view->server->cluster;
    const struct admission_ask *ask = &admitting->ask;
    struct admission_grant *grant = &admitting->grant;
    bool shares_certificate = conf->shares_credentials && !ask->has_certificate;
    bool shares_password = conf->shares_credentials && !ask->has_password;
    grant->acknowledge = policies[conf->acknowledge];
    grant->deadline_ms = conf->deadline_ms;
    grant->uses_certificate = conf->certificate != NULL;
    grant->user = arena_copy_text(admitting->texts, conf->user);
    grant->password = shares_password ? arena_copy_text(admitting->texts, conf->password) : NULL;
    for (size_t i = 0; i < conf->etcd_count && i < ADMISSION_ETCD_MAX; i++) {
        grant->etcd[grant->etcd_count++] = arena_copy_text(admitting->texts, conf->etcd[i]);
    }
    while (grant->member == 0) {
        random_make_secret(&grant->member, sizeof grant->member);
    }
    return read_file(admitting, conf->ca, &grant->ca) &&
           read_file(admitting, shares_certificate ? conf->certificate : NULL, &grant->certificate) &&
           read_file(admitting, shares_certificate ? conf->key : NULL, &grant->key);
}

static void submit(struct admitting *admitting, struct clustered_name *said)
{
    struct clustered *clustered = admitting->clustered;
    const char *name = admitting->ask.node;
    int64_t wall_ms = clock_wall_ms(&clustered->server->clock);
    struct cluster_member member = {.id = admitting->grant.member, .at_ms = wall_ms};
    snprintf(member.by, sizeof member.by, "%s", clustered->node);
    said->invite.used_ms = wall_ms;
    admitting->ops[0] = clustered_member_op(name, &member, admitting->texts);
    admitting->ops[1] = clustered_invite_op(name, &said->invite, admitting->texts);
    admitting->job = (struct store_job){.cause = {.actor = arena_print(admitting->texts, "node:%s", name),
                                                  .peer = arena_copy_text(admitting->texts, admitting->from),
                                                  .reason = "it has joined with a token",
                                                  .request = "steerctl cluster join"},
                                        .ops = admitting->ops,
                                        .op_count = 2,
                                        .done = on_written};
    durable_submit(clustered->server->durable, &admitting->job);
}

static void on_turn(void *argument, const struct admin_turn *turn)
{
    struct admitting *admitting = argument;
    struct clustered *clustered = admitting->clustered;
    struct clustered_name said;
    bool is_bad;
    if (turn->error != 0 || clustered->cluster == NULL) {
        refuse(admitting,
               complain(admitting, "%s can write nothing now (%.120s): try again, or ask another node",
                        clustered->node == NULL ? "this node" : clustered->node,
                        turn->why[0] != '\0' ? turn->why : error_text(turn->error)));
        return;
    }
    const char *why = judge(admitting, &said, &is_bad);
    if (why == NULL && !fill_grant(admitting)) {
        why = admitting->why;
    }
    if (why != NULL) {
        refuse(admitting, why);
        return;
    }
    submit(admitting, &said);
}

/* ---- the beginning ---- */

static struct lockout *get_lockout(struct clustered *clustered)
{
    if (clustered->lockout == NULL) {
        uint64_t secret;
        random_make_secret(&secret, sizeof secret);
        clustered->lockout = memory_alloc(sizeof *clustered->lockout);
        lockout_init(clustered->lockout, secret);
    }
    return clustered->lockout;
}

/* As far as it is known without others; who tries one after the other waits. */
static const char *look(struct admitting *admitting, const char *what)
{
    struct clustered *clustered = admitting->clustered;
    struct addr_port from = {.port = 0};
    struct clustered_name said;
    int64_t now_ms = clock_now_ms(&clustered->server->clock);
    (void)addr_parse_port(admitting->from, &from);
    int64_t wait_ms = lockout_get_wait_ms(get_lockout(clustered), &from.addr, now_ms);
    if (wait_ms > 0) {
        return complain(admitting, "too many tokens from here were wrong: try again in %" PRId64 " s",
                        wait_ms / 1000 + 1);
    }
    bool is_bad = admission_read_ask(what, &admitting->ask) != 0;
    const char *why = is_bad ? "what is asked cannot be understood" : judge(admitting, &said, &is_bad);
    if (is_bad) {
        lockout_note_bad(clustered->lockout, &from.addr, now_ms);
    } else if (why == NULL) {
        lockout_note_good(clustered->lockout, &from.addr, now_ms);
    }
    return why;
}

void clustered_admit(struct server *server, uint64_t connection, const char *from, const char *what)
{
    struct clustered *clustered = server->clustered;
    if (clustered == NULL || clustered->cluster == NULL || server->is_frozen ||
        !durable_has_store(server->durable)) {
        vantages_answer_join(server->vantages, connection, NULL,
                             "this steerd is no node of a cluster with etcd, or none that can write now");
        return;
    }
    struct admitting *admitting = memory_alloc(sizeof *admitting);
    *admitting = (struct admitting){.clustered = clustered, .connection = connection, .texts = arena_new(0)};
    snprintf(admitting->from, sizeof admitting->from, "%s", from);
    const char *why = look(admitting, what);
    if (why != NULL) {
        refuse(admitting, why);
        return;
    }
    admitting->change = clustered_begin_change(server, false, on_turn, admitting);
}

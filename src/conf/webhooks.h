/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "webhooks" and "hooks" of steerd.json: who is told of events, by a request or by a command. Plain data in
 * the arena of the document. */
#pragma once

#include "conf/doc.h"
#include "events/filter.h"
#include "exec/ask.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf_server;

enum {
    CONF_WEBHOOKS_MAX = 16,
    CONF_HOOKS_MAX = 32,
    CONF_WEBHOOK_SECRETS_MAX = 4,
    CONF_WEBHOOK_BATCH_MAX = 100,
    CONF_HOOK_AT_ONCE_MAX = 16,
};

struct conf_webhook {
    const char *name;
    const char *url; /* of http or https, without credentials */
    const char *ca;  /* file of authorities, PEM; NULL: those of the system */
    struct {
        const uint8_t *bytes; /* never to be shown */
        size_t len;
    } secrets[CONF_WEBHOOK_SECRETS_MAX]; /* each makes a signature */
    size_t secret_count;                 /* 0: requests are not signed */
    const struct filter *filter;
    uint32_t timeout_ms; /* of a request */
    uint32_t give_up_ms; /* after an event */
    uint32_t batch;      /* events per request, at most */
};

enum conf_hook_when {
    CONF_HOOK_AFTER,  /* it is told what has happened */
    CONF_HOOK_BEFORE, /* it is asked before a planned switch, which it can stop */
    CONF_HOOK_STOP,   /* it stops what a live drill loses, */
    CONF_HOOK_UNDO,   /* and undoes that */
};

static inline const char *conf_hook_when_text(enum conf_hook_when when)
{
    return when == CONF_HOOK_BEFORE ? "before"
           : when == CONF_HOOK_STOP ? "stop"
           : when == CONF_HOOK_UNDO ? "undo"
                                    : "after";
}

struct conf_hook {
    const char *name;
    enum conf_hook_when when;
    bool is_about_switches;      /* hooks_run() runs it; of those after, events of the kind do */
    const struct filter *filter; /* NULL: no event */
    const struct exec_ask *ask;
    uint32_t timeout_ms;
    uint32_t at_once; /* runs, at most */
};

void webhooks_read(const struct doc_node *root, struct conf_server *server);
void conf_hooks_read(const struct doc_node *root, struct conf_server *server);
/* A command that is no answer to events: "command", "environment", "timeout" and "output_max" of this object,
 * with room for one more word. In the server's arena. */
const struct conf_hook *conf_hook_read_command(const struct doc_node *node, struct conf_server *server,
                                               const char *name);

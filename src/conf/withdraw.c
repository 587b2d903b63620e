/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See withdraw.h. The command is one as that of a hook. */
#include "config.h"

#include "conf/withdraw.h"

#include "base/arena.h"
#include "conf/server.h"
#include "conf/webhooks.h"

#include <string.h>

enum {
    AFTER_LEAST_MS = 10000, /* as long as it takes to find out */
    AFTER_MOST_MS = 7 * 24 * 3600000,
    BACK_LEAST_MS = 1000,
    BACK_MOST_MS = 3600000,
};

/* "never" is what it is by itself, and may be said. */
static uint32_t read_after(const struct doc_node *node)
{
    static const uint32_t range[2] = {AFTER_LEAST_MS, AFTER_MOST_MS};
    struct doc_node after;
    if (!doc_find(node, "after", &after) || (doc_is_text(&after) && strcmp(doc_text(&after), "never") == 0)) {
        return 0;
    }
    return doc_get_duration_ms(node, "after", range, 0);
}

/* What only a command needs. */
static void reject_command(const struct doc_node *node)
{
    static const char *const keys[] = {"command", "environment", "timeout", "output_max"};
    struct doc_node member;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (doc_find(node, keys[i], &member)) {
            doc_error_at_key(&member, "found \"%s\" without \"how\": \"hook\"", keys[i]);
        }
    }
}

void withdraw_read(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"after",       "back_after", "how",        "command",
                                       "environment", "timeout",    "output_max", NULL};
    static const char *const hows[] = {
        [CONF_WITHDRAW_STOP] = "stop_answering", [CONF_WITHDRAW_HOOK] = "hook", NULL};
    static const uint32_t back[2] = {BACK_LEAST_MS, BACK_MOST_MS};
    struct doc_node node;
    if (!doc_find(root, "withdraw", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    struct conf_withdraw *to = arena_alloc(server->arena, sizeof *to);
    to->after_ms = read_after(&node);
    to->back_after_ms = doc_get_duration_ms(&node, "back_after", back, CONF_WITHDRAW_BACK_DEFAULT_MS);
    to->how = (enum conf_withdraw_how)doc_get_choice(&node, "how", hows, CONF_WITHDRAW_STOP);
    if (to->how == CONF_WITHDRAW_HOOK) {
        to->hook = conf_hook_read_command(&node, server, "withdraw");
    } else {
        reject_command(&node);
    }
    server->withdraw = to;
}

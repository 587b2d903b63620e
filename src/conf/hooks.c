/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "hooks" of steerd.json. The command and its environment are those of a check of type exec: no shell, an
 * absolute path. */
#include "config.h"

#include "base/arena.h"
#include "conf/check_exec.h"
#include "conf/server.h"
#include "conf/topology.h"
#include "conf/webhooks.h"
#include "conf/webhooks_filter.h"

#include <string.h>

enum {
    TIMEOUT_DEFAULT_MS = 30000,
    TIMEOUT_LEAST_MS = 100,
    TIMEOUT_MOST_MS = 600000,
    VARIABLES_OURS = 16, /* STEERD_… */
    TEXT_OURS = 8192,
};

static void read_command(const struct doc_node *node, struct conf_server *server, struct conf_hook *hook)
{
    struct conf_check check = {.port = 0};
    size_t total = 0;
    if (server->has_no_commands) {
        doc_error(node, "found a command, expected none: \"commands\" is \"never\"");
    }
    check_exec_read(node, server->arena, &check);
    hook->ask = check.exec;
    for (size_t i = 0; i < hook->ask->word_count; i++) {
        total += strlen(hook->ask->words[i]) + 1;
    }
    for (size_t i = 0; i < hook->ask->variable_count; i++) {
        total += strlen(hook->ask->variables[i]) + 1;
    }
    if (total > EXEC_TEXT_MAX - TEXT_OURS || hook->ask->variable_count > EXEC_WORDS_MAX - VARIABLES_OURS) {
        doc_error(
            node,
            "found a command and an environment of %zu octets in %zu variables, expected at most %d in %d",
            total, hook->ask->variable_count, EXEC_TEXT_MAX - TEXT_OURS, EXEC_WORDS_MAX - VARIABLES_OURS);
    }
}

/* What runs because of what it caused would run for ever. */
static void read_occasions(const struct doc_node *node, struct conf_server *server, struct conf_hook *hook)
{
    struct doc_node on;
    if (!doc_require(node, "on", &on)) {
        return;
    }
    bool is_before = hook->when == CONF_HOOK_BEFORE; /* a switch asks; what was done is an event */
    const struct filter *filter =
        webhooks_read_filter(node, "on", server->arena, is_before ? &hook->is_about_switches : NULL);
    if (hook->when == CONF_HOOK_STOP || hook->when == CONF_HOOK_UNDO) {
        if (filter->kinds != UINT64_C(1) << CHANGE_DRILL) {
            doc_error(&on, "found something else than \"drill\", which alone is stopped and undone");
        }
        hook->is_about_switches = true;
        return;
    }
    if ((filter->kinds >> CHANGE_HOOK & 1) != 0) {
        doc_error(&on,
                  "found \"hook\", expected other kinds: a hook that runs because one has run never ends");
    } else if (filter->kinds == 0 && !hook->is_about_switches) {
        doc_error(&on, "found no kind of events, expected at least one");
    } else if (is_before && filter->kinds != 0) {
        doc_error(&on,
                  "found kinds of events with \"when\": \"before\", expected \"switchover\" alone: events "
                  "have happened");
    }
    hook->filter = filter->kinds == 0 ? NULL : filter;
}

static void read_one(const struct doc_node *node, struct conf_server *server, struct conf_hook *hook)
{
    static const char *const keys[] = {"name",    "command", "environment", "on",      "when",
                                       "targets", "timeout", "output_max",  "at_once", NULL};
    static const char *const whens[] = {[CONF_HOOK_AFTER] = "after",
                                        [CONF_HOOK_BEFORE] = "before",
                                        [CONF_HOOK_STOP] = "stop",
                                        [CONF_HOOK_UNDO] = "undo",
                                        NULL};
    static const uint32_t timeout[2] = {TIMEOUT_LEAST_MS, TIMEOUT_MOST_MS};
    static const uint32_t at_once[2] = {1, CONF_HOOK_AT_ONCE_MAX};
    if (!doc_check_object(node, keys)) {
        return;
    }
    hook->name = webhooks_read_name(node, server->arena);
    for (const struct conf_hook *one = server->hooks; one < hook; one++) {
        if (hook->name[0] != '\0' && strcmp(one->name, hook->name) == 0) {
            doc_error(node, "found a second hook \"%s\", expected one of a name", hook->name);
        }
    }
    hook->when = (enum conf_hook_when)doc_get_choice(node, "when", whens, CONF_HOOK_AFTER);
    read_command(node, server, hook);
    read_occasions(node, server, hook);
    hook->timeout_ms = doc_get_duration_ms(node, "timeout", timeout, TIMEOUT_DEFAULT_MS);
    hook->at_once = doc_get_number(node, "at_once", at_once, 1);
}

/* Nobody would undo it. */
static void check_pairs(const struct doc_node *list, const struct conf_server *server)
{
    bool stops = false, undoes = false;
    for (size_t i = 0; i < server->hook_count; i++) {
        stops |= server->hooks[i].when == CONF_HOOK_STOP;
        undoes |= server->hooks[i].when == CONF_HOOK_UNDO;
    }
    if (stops && !undoes) {
        doc_error(list, "found a hook with \"when\": \"stop\", expected one with \"undo\" as well");
    }
}

const struct conf_hook *conf_hook_read_command(const struct doc_node *node, struct conf_server *server,
                                               const char *name)
{
    static const uint32_t timeout[2] = {TIMEOUT_LEAST_MS, TIMEOUT_MOST_MS};
    struct conf_hook *hook = arena_alloc(server->arena, sizeof *hook);
    hook->name = name;
    hook->at_once = 1;
    read_command(node, server, hook);
    hook->timeout_ms = doc_get_duration_ms(node, "timeout", timeout, TIMEOUT_DEFAULT_MS);
    if (hook->ask->word_count == EXEC_WORDS_MAX) {
        doc_error(node, "found a command of %d words, expected room for one more", EXEC_WORDS_MAX);
    }
    return hook;
}

void conf_hooks_read(const struct doc_node *root, struct conf_server *server)
{
    struct doc_node list, item = {0};
    if (!doc_find(root, "hooks", &list) || !doc_check_array(&list, "an array of hooks")) {
        return;
    }
    if (doc_count(&list) > CONF_HOOKS_MAX) {
        doc_error(&list, "found %zu hooks, expected at most %d", doc_count(&list), CONF_HOOKS_MAX);
        return;
    }
    server->hooks = arena_alloc(server->arena, (doc_count(&list) + 1) * sizeof *server->hooks);
    while (doc_next(&list, &item)) {
        server->hooks[server->hook_count].name = "";
        read_one(&item, server, &server->hooks[server->hook_count]);
        server->hook_count++;
    }
    check_pairs(&list, server);
}

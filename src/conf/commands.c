/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See commands.h. Checks are compared as they are written: one whose interval changes counts as a new one,
 * which is stricter than needed and cannot miss anything. Hooks are compared by what they run: when they run
 * is no right of its own. */
#include "config.h"

#include "conf/commands.h"

#include "conf/keytable.h"
#include "conf/server.h"
#include "conf/webhooks.h"
#include "conf/withdraw.h"
#include "exec/ask.h"

#include <stdio.h>
#include <string.h>

static bool is_command(const struct conf_check *check)
{
    return check->exec != NULL || check->file != NULL;
}

static bool is_same(const struct conf_check *before, const struct conf_check *next)
{
    return before != NULL && before->definition != NULL && next->definition != NULL &&
           strcmp(before->definition, next->definition) == 0;
}

static void tell_new(const char *file, const char *kind, const char *name, const char *what,
                     struct report *report)
{
    char path[160];
    snprintf(path, sizeof path, "$.%s.%.128s", kind, name);
    report_add(report, REPORT_ERROR, &(struct report_place){.file = file, .path = path},
               "found a new %s, which only the role admin may bring", what);
}

static bool has_new_check(const struct conf_topology *before, const struct conf_topology *next,
                          struct report *report)
{
    bool is_new = false;
    for (size_t i = 0; next != NULL && i < next->check_count; i++) {
        const struct conf_check *check = &next->checks[i];
        const struct conf_check *same =
            before == NULL || !is_command(check)
                ? NULL
                : keytable_find(before->check_names, check->name, strlen(check->name));
        if (is_command(check) && !is_same(same, check)) {
            is_new = true;
            tell_new(next->path, "checks", check->name, check->exec != NULL ? "exec check" : "file check",
                     report);
        }
    }
    return is_new;
}

static bool are_same_texts(const char *const *left, const char *const *right, size_t count)
{
    size_t same = 0;
    while (same < count && strcmp(left[same], right[same]) == 0) {
        same++;
    }
    return same == count;
}

static bool is_same_hook(const struct conf_hook *before, const struct conf_hook *next)
{
    const struct exec_ask *left = before->ask, *right = next->ask;
    return left->word_count == right->word_count && left->variable_count == right->variable_count &&
           are_same_texts(left->words, right->words, left->word_count) &&
           are_same_texts(left->variables, right->variables, left->variable_count);
}

static const struct conf_hook *get_withdraw_hook(const struct conf_server *server)
{
    return server->withdraw == NULL ? NULL : server->withdraw->hook;
}

static bool has_hook(const struct conf_server *server, const struct conf_hook *hook)
{
    const struct conf_hook *other = server == NULL ? NULL : get_withdraw_hook(server);
    bool found = other != NULL && is_same_hook(other, hook);
    for (size_t i = 0; server != NULL && i < server->hook_count && !found; i++) {
        found = is_same_hook(&server->hooks[i], hook);
    }
    return found;
}

static bool has_new_hook(const struct conf_server *before, const struct conf_server *next,
                         struct report *report)
{
    bool is_new = false;
    const struct conf_hook *last = next == NULL ? NULL : get_withdraw_hook(next);
    for (size_t i = 0; next != NULL && i <= next->hook_count; i++) {
        const struct conf_hook *hook = i < next->hook_count ? &next->hooks[i] : last;
        if (hook != NULL && !has_hook(before, hook)) {
            is_new = true;
            tell_new("steerd.json", "hooks", hook->name, "hook", report);
        }
    }
    return is_new;
}

enum role commands_find_lacking(const struct commands_place *before, const struct commands_place *next,
                                enum role role, struct report *report)
{
    if (role == ROLE_NONE || role >= ROLE_ADMIN) {
        return ROLE_NONE;
    }
    bool has_check = has_new_check(before->topology, next->topology, report);
    bool has_hook = has_new_hook(before->server, next->server, report);
    return has_check || has_hook ? ROLE_ADMIN : ROLE_NONE;
}

static bool refuse(const char *file, const char *path, const char *what, const char *who,
                   struct report *report)
{
    report_add(report, REPORT_ERROR, &(struct report_place){.file = file, .path = path},
               "found a %s, expected none: %s has \"commands\": \"never\"", what, who);
    return true;
}

bool commands_refuse(const struct commands_place *place, const char *who, struct report *report)
{
    const struct conf_topology *topology = place->topology;
    const struct conf_server *server = place->server;
    bool has_one = false;
    char path[160];
    for (size_t i = 0; topology != NULL && i < topology->check_count; i++) {
        const struct conf_check *check = &topology->checks[i];
        if (is_command(check)) {
            snprintf(path, sizeof path, "$.checks.%.128s", check->name);
            has_one = refuse(topology->path, path,
                             check->exec != NULL ? "check of type exec" : "check of type file", who, report);
        }
    }
    for (size_t i = 0; server != NULL && i < server->hook_count; i++) {
        snprintf(path, sizeof path, "$.hooks[%zu]", i);
        has_one = refuse("steerd.json", path, "hook", who, report);
    }
    if (server != NULL && get_withdraw_hook(server) != NULL) {
        has_one = refuse("steerd.json", "$.withdraw", "hook", who, report);
    }
    return !has_one;
}

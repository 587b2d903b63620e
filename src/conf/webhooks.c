/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See webhooks.h. A secret is never shown in a message. */
#include "config.h"

#include "conf/webhooks.h"

#include "base/arena.h"
#include "base/error.h"
#include "conf/secret.h"
#include "conf/server.h"
#include "conf/value.h"
#include "conf/webhooks_filter.h"
#include "conf/zones.h"

#include <string.h>

enum {
    URL_MAX = 2048,
    SECRET_LEAST = 16,
    SECRET_MOST = 256,
    BATCH_DEFAULT = 50,
    TIMEOUT_DEFAULT_MS = 10000,
    TIMEOUT_LEAST_MS = 100,
    TIMEOUT_MOST_MS = 60000,
    GIVE_UP_DEFAULT_MS = 3600000,
    GIVE_UP_LEAST_MS = 1000,
    GIVE_UP_MOST_MS = 7 * 24 * 3600000,
};

/* What libcurl makes of it is its own; this is what an operator may have meant. */
static const char *judge_url(const char *url)
{
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;
    size_t len = host == NULL ? 0 : strcspn(host, "/?#");
    if (host == NULL) {
        return "an address that begins with https:// or http://";
    }
    for (const char *at = url; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 127) {
            return "an address of visible ASCII characters";
        }
    }
    if (memchr(host, '@', len) != NULL) {
        return "an address without user and password: they would be shown";
    }
    return len == 0 || strlen(url) > URL_MAX ? "an address with a host, of at most 2048 octets" : NULL;
}

static void read_url(const struct doc_node *node, struct conf_server *server, struct conf_webhook *webhook)
{
    struct doc_node url;
    webhook->url = "";
    if (!doc_require(node, "url", &url)) {
        return;
    }
    const char *expected = doc_is_text(&url) ? judge_url(doc_text(&url)) : "a text";
    if (expected != NULL) {
        doc_error_expected(&url, expected);
    } else {
        webhook->url = arena_copy_text(server->arena, doc_text(&url));
    }
}

/* ---- secrets ---- */

/* Each line is one: while receivers learn a new one, requests are signed with both. */
static bool take_secrets(char *text, size_t len, struct arena *arena, struct conf_webhook *webhook)
{
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line_len = end == NULL ? len - at : (size_t)(end - (text + at)), line = at;
        at += line_len + 1;
        while (line_len != 0 && (text[line + line_len - 1] == '\r' || text[line + line_len - 1] == ' ')) {
            line_len--;
        }
        if (line_len == 0) {
            continue;
        }
        if (line_len < SECRET_LEAST || line_len > SECRET_MOST ||
            webhook->secret_count == CONF_WEBHOOK_SECRETS_MAX) {
            return false;
        }
        uint8_t *bytes = arena_alloc_bytes(arena, line_len);
        memcpy(bytes, text + line, line_len);
        webhook->secrets[webhook->secret_count].bytes = bytes;
        webhook->secrets[webhook->secret_count++].len = line_len;
    }
    return webhook->secret_count != 0;
}

static void read_secrets(const struct doc_node *node, struct conf_server *server,
                         struct conf_webhook *webhook)
{
    struct doc_node member;
    struct secret_file file;
    const char *path = doc_get_text(node, "secret_file");
    if (path == NULL) {
        return;
    }
    (void)doc_find(node, "secret_file", &member);
    path = zones_resolve_path(server, path);
    if (secret_file_read(&member, path, &file)) {
        if (take_secrets(file.text, file.len, server->arena, webhook)) {
            secret_judge_mode(&member, path, file.mode, "a secret");
        } else {
            doc_error(&member, "the file %s holds no secret, expected 1 to %d lines of %d to %d octets", path,
                      CONF_WEBHOOK_SECRETS_MAX, SECRET_LEAST, SECRET_MOST);
        }
    }
    secret_file_forget(&file);
}

/* ---- filters ---- */

static void read_kinds(const struct doc_node *node, const char *key, struct filter *filter,
                       bool *is_about_switches)
{
    struct doc_node list, item = {0};
    if (!doc_find(node, key, &list)) {
        return;
    }
    while (doc_next_text(&list, "a kind of events or an array of them", &item)) {
        if (is_about_switches != NULL && strcmp(doc_text(&item), "switchover") == 0) {
            *is_about_switches = true;
        } else if (filter_add_kind(filter, doc_text(&item)) != 0) {
            doc_error_expected(&item, "a kind of events, such as \"health\" or \"override\"");
        }
    }
}

static void read_targets(const struct doc_node *node, struct filter *filter)
{
    struct doc_node list, item = {0};
    if (!doc_find(node, "targets", &list)) {
        return;
    }
    while (doc_next_text(&list, "a name or an array of names", &item)) {
        int error = filter_add_target(filter, doc_text(&item));
        if (error == ERROR_TOO_LARGE) {
            doc_error(&item, "found more than %d names", FILTER_TARGETS_MAX);
            return;
        }
        if (error != 0) {
            doc_error_expected(&item, "a name, such as \"region:us-east\" or \"endpoint:web-*\"");
        }
    }
}

const struct filter *webhooks_read_filter(const struct doc_node *node, const char *key, struct arena *arena,
                                          bool *is_about_switches)
{
    struct filter *filter = arena_alloc(arena, sizeof *filter);
    read_kinds(node, key, filter, is_about_switches);
    read_targets(node, filter);
    return filter;
}

const char *webhooks_read_name(const struct doc_node *node, struct arena *arena)
{
    struct doc_node name;
    if (!doc_require(node, "name", &name)) {
        return "";
    }
    if (!doc_is_text(&name) || !value_is_name(doc_text(&name))) {
        doc_error_expected(&name, "a name: " VALUE_NAME_RULE);
        return "";
    }
    return arena_copy_text(arena, doc_text(&name));
}

/* ---- the list ---- */

static void read_one(const struct doc_node *node, struct conf_server *server, struct conf_webhook *webhook)
{
    static const char *const keys[] = {"name",    "url",     "ca",    "secret_file", "kinds",
                                       "targets", "timeout", "batch", "give_up",     NULL};
    static const uint32_t timeout[2] = {TIMEOUT_LEAST_MS, TIMEOUT_MOST_MS};
    static const uint32_t give_up[2] = {GIVE_UP_LEAST_MS, GIVE_UP_MOST_MS};
    static const uint32_t batch[2] = {1, CONF_WEBHOOK_BATCH_MAX};
    if (!doc_check_object(node, keys)) {
        return;
    }
    webhook->name = webhooks_read_name(node, server->arena);
    for (const struct conf_webhook *one = server->webhooks; one < webhook; one++) {
        if (webhook->name[0] != '\0' && strcmp(one->name, webhook->name) == 0) {
            doc_error(node, "found a second webhook \"%s\", expected one of a name", webhook->name);
        }
    }
    read_url(node, server, webhook);
    read_secrets(node, server, webhook);
    const char *ca = doc_get_text(node, "ca");
    webhook->ca = ca == NULL ? NULL : zones_resolve_path(server, ca);
    webhook->filter = webhooks_read_filter(node, "kinds", server->arena, NULL);
    webhook->timeout_ms = doc_get_duration_ms(node, "timeout", timeout, TIMEOUT_DEFAULT_MS);
    webhook->give_up_ms = doc_get_duration_ms(node, "give_up", give_up, GIVE_UP_DEFAULT_MS);
    webhook->batch = doc_get_number(node, "batch", batch, BATCH_DEFAULT);
}

void webhooks_read(const struct doc_node *root, struct conf_server *server)
{
    struct doc_node list, item = {0};
    if (!doc_find(root, "webhooks", &list) || !doc_check_array(&list, "an array of webhooks")) {
        return;
    }
    if (doc_count(&list) > CONF_WEBHOOKS_MAX) {
        doc_error(&list, "found %zu webhooks, expected at most %d", doc_count(&list), CONF_WEBHOOKS_MAX);
        return;
    }
    server->webhooks = arena_alloc(server->arena, (doc_count(&list) + 1) * sizeof *server->webhooks);
    while (doc_next(&list, &item)) {
        server->webhooks[server->webhook_count].name = "";
        read_one(&item, server, &server->webhooks[server->webhook_count]);
        server->webhook_count++;
    }
}

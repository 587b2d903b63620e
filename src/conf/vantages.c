/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See vantages.h. */
#include "config.h"

#include "conf/vantages.h"

#include "base/arena.h"
#include "base/memory.h"
#include "conf/value.h"
#include "conf/zones.h"

#include <stdlib.h>
#include <string.h>

enum {
    VANTAGES_MAX = 32,
    WEIGHT_MAX = 100,
    COUNT_MAX = VANTAGES_MAX * WEIGHT_MAX,
    NAMES_MAX = 64,
    EXPIRES_DEFAULT_MS = 10000,
    EXPIRES_LEAST_MS = 1000,
    EXPIRES_MOST_MS = 600000,
    HEARTBEAT_DEFAULT_MS = 2000,
    HEARTBEAT_LEAST_MS = 100,
    HEARTBEAT_MOST_MS = 200000,
};

/* ---- quorum ---- */

static void read_kind(const struct doc_node *node, struct conf_quorum *quorum)
{
    static const struct {
        const char *text;
        enum conf_quorum_kind kind;
    } kinds[] = {{"any", CONF_QUORUM_ANY}, {"majority", CONF_QUORUM_MAJORITY}, {"all", CONF_QUORUM_ALL}};
    static const uint32_t range[2] = {1, COUNT_MAX};
    struct doc_node member;
    if (!doc_find(node, "quorum", &member)) {
        return;
    }
    for (size_t i = 0; doc_is_text(&member) && i < sizeof kinds / sizeof *kinds; i++) {
        quorum->kind = strcmp(doc_text(&member), kinds[i].text) == 0 ? kinds[i].kind : quorum->kind;
    }
    if (doc_is_text(&member) || doc_is_bool(&member, true) || doc_is_bool(&member, false)) {
        if (quorum->kind == CONF_QUORUM_DEFAULT) {
            doc_error_expected(&member, "\"any\", \"majority\", \"all\" or a whole number");
        }
    } else if (doc_read_number(&member, range, &quorum->count)) {
        quorum->kind = CONF_QUORUM_COUNT;
    }
}

/* A name, or one in which '*' stands for anything; of a node of the cluster "node:" is before it. */
static bool is_pattern(const char *text)
{
    char name[64];
    text += strncmp(text, "node:", 5) == 0 ? 5 : 0;
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof name) {
        return false;
    }
    for (size_t i = 0; i <= len; i++) {
        name[i] = text[i] == '*' ? 'x' : text[i];
    }
    return value_is_name(name);
}

void quorum_read_names(const struct doc_node *node, struct arena *arena, struct conf_quorum *quorum)
{
    struct doc_node list, item = {0};
    if (!doc_find(node, "vantages", &list)) {
        return;
    }
    if (doc_count_texts(&list) > NAMES_MAX) {
        doc_error(&list, "found %zu vantages, expected at most %d", doc_count_texts(&list), NAMES_MAX);
        return;
    }
    const char **names = memory_alloc_array(doc_count_texts(&list), sizeof *names);
    size_t issues = doc_count_issues(node->doc);
    while (doc_next_text(&list, "a name of a vantage or an array of names", &item)) {
        if (is_pattern(doc_text(&item))) {
            names[quorum->name_count++] = arena_share_text(arena, doc_text(&item));
        } else {
            doc_error_expected(
                &item, "a name of a vantage, which may have '*' in it for any characters: " VALUE_NAME_RULE);
        }
    }
    quorum->names = arena_share(arena, names, quorum->name_count * sizeof *names);
    free(names);
    if (quorum->name_count == 0 && issues == doc_count_issues(node->doc)) {
        doc_error(&list, "found no vantage, expected at least one: nobody would judge");
    }
}

static void read_count(const struct doc_node *node, struct conf_quorum *quorum)
{
    static const uint32_t range[2] = {1, VANTAGES_MAX};
    read_kind(node, quorum);
    quorum->at_least = doc_get_number(node, "at_least", range, 0);
}

void quorum_read(const struct doc_node *node, struct arena *arena, struct conf_quorum *quorum)
{
    read_count(node, quorum);
    quorum_read_names(node, arena, quorum);
}

/* ---- steerd.json ---- */

static void read_local(const struct doc_node *vantages, struct conf_vantages *to)
{
    static const char *const keys[] = {"weight", NULL};
    static const uint32_t range[2] = {0, WEIGHT_MAX};
    struct doc_node local;
    if (doc_find(vantages, "local", &local) && doc_check_object(&local, keys)) {
        to->local_weight = doc_get_number(&local, "weight", range, 1);
    }
}

static void read_address(const struct doc_node *item, struct conf_vantages *to)
{
    struct addr_port at;
    if (!doc_is_text(item) || addr_parse_port(doc_text(item), &at) != 0) {
        doc_error_expected(item,
                           "an address and a port, such as \"192.0.2.1:5307\" or \"[2001:db8::1]:5307\"");
    } else if (to->listen_count < CONF_VANTAGE_LISTEN_MAX) {
        to->listen[to->listen_count++] = at;
    }
}

static void read_listen(const struct doc_node *vantages, struct conf_server *server)
{
    struct conf_vantages *to = &server->vantages;
    struct doc_node list, item = {0};
    if (!doc_find(vantages, "listen", &list)) {
        return;
    }
    if (doc_count_texts(&list) > CONF_VANTAGE_LISTEN_MAX) {
        doc_error(&list, "found %zu addresses, expected at most %d", doc_count_texts(&list),
                  CONF_VANTAGE_LISTEN_MAX);
        return;
    }
    to->listen = arena_alloc(server->arena, CONF_VANTAGE_LISTEN_MAX * sizeof *to->listen);
    while (doc_next_text(&list, "\"address:port\" or an array of them", &item)) {
        read_address(&item, to);
    }
    if (server->state_path == NULL) {
        doc_error_at_key(&list,
                         "found \"listen\" for vantages without \"state\", expected a folder where it is "
                         "kept who they are");
    }
}

static void read_heartbeat(const struct doc_node *vantages, struct conf_vantages *to)
{
    static const uint32_t range[2] = {HEARTBEAT_LEAST_MS, HEARTBEAT_MOST_MS};
    struct doc_node member;
    uint32_t most = to->expires_ms / 3;
    to->heartbeat_ms = doc_get_duration_ms(vantages, "heartbeat", range,
                                           most < HEARTBEAT_DEFAULT_MS ? most : HEARTBEAT_DEFAULT_MS);
    if (to->heartbeat_ms > most && doc_find(vantages, "heartbeat", &member)) {
        doc_error(&member,
                  "found a heartbeat of %u ms, expected at most a third of \"expires\", which is %u ms",
                  to->heartbeat_ms, most);
    }
}

static void read_identity(const struct doc_node *vantages, struct conf_server *server)
{
    struct doc_node certificate, key;
    bool has_certificate = doc_find(vantages, "certificate", &certificate),
         has_key = doc_find(vantages, "key", &key);
    const char *paths[2] = {doc_get_text(vantages, "certificate"), doc_get_text(vantages, "key")};
    if (has_certificate != has_key) {
        doc_error_at_key(has_certificate ? &certificate : &key,
                         "found \"%s\" alone, expected \"certificate\" and \"key\"",
                         has_certificate ? "certificate" : "key");
    } else if (paths[0] != NULL && paths[1] != NULL) {
        server->vantages.certificate = zones_resolve_path(server, paths[0]);
        server->vantages.key = zones_resolve_path(server, paths[1]);
    }
}

void vantages_read(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"quorum",    "at_least",    "expires", "local", "listen",
                                       "heartbeat", "certificate", "key",     NULL};
    static const uint32_t expires_range[2] = {EXPIRES_LEAST_MS, EXPIRES_MOST_MS};
    struct conf_vantages *to = &server->vantages;
    struct doc_node vantages;
    to->local_weight = 1;
    to->expires_ms = EXPIRES_DEFAULT_MS;
    to->heartbeat_ms = HEARTBEAT_DEFAULT_MS;
    if (!doc_find(root, "vantages", &vantages) || !doc_check_object(&vantages, keys)) {
        return;
    }
    to->is_on = true;
    read_count(&vantages, &to->quorum);
    to->expires_ms = doc_get_duration_ms(&vantages, "expires", expires_range, EXPIRES_DEFAULT_MS);
    read_local(&vantages, to);
    read_listen(&vantages, server);
    read_heartbeat(&vantages, to);
    read_identity(&vantages, server);
}

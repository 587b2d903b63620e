/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See cluster.h. A password is never shown in a message. */
#include "config.h"

#include "conf/cluster.h"

#include "base/arena.h"
#include "base/hex.h"
#include "conf/secret.h"
#include "conf/server.h"
#include "conf/zones.h"

#include <string.h>

#define NODE_RULE "1 to 58 letters, digits or '-', which is not the first or last"

enum {
    URL_MAX = 512,
    USER_MAX = 128,
    DEADLINE_DEFAULT_MS = 1000,
    DEADLINE_LEAST_MS = 100,
    DEADLINE_MOST_MS = 60000,
    ACTIVATE_DEFAULT_MS = 60000,
    ACTIVATE_LEAST_MS = 1000,
    ACTIVATE_MOST_MS = 3600000,
};

bool conf_is_node_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t len = strlen(text);
    return len != 0 && len <= CONF_NODE_NAME_MAX && strspn(text, letters) == len && text[0] != '-' &&
           text[len - 1] != '-';
}

static const char *read_name(const struct doc_node *node, const char *key, struct arena *arena)
{
    struct doc_node name;
    if (!doc_require(node, key, &name)) {
        return "";
    }
    if (!doc_is_text(&name) || !conf_is_node_name(doc_text(&name))) {
        doc_error_expected(&name, "a name: " NODE_RULE);
        return "";
    }
    return arena_copy_text(arena, doc_text(&name));
}

/* ---- addresses ---- */

static size_t read_addresses(const struct doc_node *list, struct arena *arena, struct addr_port **addresses)
{
    struct doc_node item = {0};
    size_t count = 0;
    if (doc_count_texts(list) > CONF_CLUSTER_LISTEN_MAX) {
        doc_error(list, "found %zu addresses, expected at most %d", doc_count_texts(list),
                  CONF_CLUSTER_LISTEN_MAX);
        return 0;
    }
    *addresses = arena_alloc(arena, CONF_CLUSTER_LISTEN_MAX * sizeof **addresses);
    while (doc_next_text(list, "\"address:port\" or an array of them", &item)) {
        struct addr_port at;
        if (addr_parse_port(doc_text(&item), &at) == 0) {
            (*addresses)[count++] = at;
        } else {
            doc_error_expected(&item,
                               "an address and a port, such as \"192.0.2.1:5308\" or \"[2001:db8::1]:5308\"");
        }
    }
    return count;
}

/* ---- etcd ---- */

static const char *judge_endpoint(const char *url)
{
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;
    if (host == NULL || host[0] == '\0' || strlen(url) > URL_MAX || strcspn(host, "/?#@") != strlen(host)) {
        return "an address of etcd, such as \"https://10.0.0.1:2379\", without a path";
    }
    for (const char *at = url; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 127) {
            return "an address of visible ASCII characters";
        }
    }
    return NULL;
}

static void read_endpoints(const struct doc_node *node, struct arena *arena, struct conf_cluster *to)
{
    struct doc_node list, item = {0};
    if (!doc_find(node, "etcd", &list)) {
        return;
    }
    size_t issues = doc_count_issues(node->doc);
    if (doc_count_texts(&list) > CONF_CLUSTER_ETCD_MAX) {
        doc_error(&list, "found %zu addresses of etcd, expected at most %d", doc_count_texts(&list),
                  CONF_CLUSTER_ETCD_MAX);
        return;
    }
    to->etcd = arena_alloc(arena, CONF_CLUSTER_ETCD_MAX * sizeof *to->etcd);
    while (doc_next_text(&list, "an address of etcd or an array of them", &item)) {
        const char *expected = judge_endpoint(doc_text(&item));
        if (expected == NULL) {
            to->etcd[to->etcd_count++] = arena_copy_text(arena, doc_text(&item));
        } else {
            doc_error_expected(&item, expected);
        }
    }
    if (to->etcd_count == 0 && issues == doc_count_issues(node->doc)) {
        doc_error(&list, "found no address of etcd, expected at least one");
    }
}

/* The first line. */
static const char *take_password(char *text, size_t len, struct arena *arena)
{
    size_t line = 0;
    while (line < len && text[line] != '\n' && text[line] != '\r' && text[line] != '\0') {
        line++;
    }
    if (line == 0 || line > CONF_CLUSTER_PASSWORD_MAX || (line < len && text[line] == '\0')) {
        return NULL;
    }
    char *password = arena_alloc_bytes(arena, line + 1);
    memcpy(password, text, line);
    password[line] = '\0';
    return password;
}

static void read_password(const struct doc_node *node, struct conf_server *server, struct conf_cluster *to)
{
    struct doc_node member;
    struct secret_file file;
    const char *path = doc_get_text(node, "password_file");
    if (path == NULL) {
        return;
    }
    (void)doc_find(node, "password_file", &member);
    path = zones_resolve_path(server, path);
    if (!secret_file_read(&member, path, &file)) {
        to->password = NULL;
    } else if ((to->password = take_password(file.text, file.len, server->arena)) == NULL) {
        doc_error(&member, "the file %s holds no password, expected a line of 1 to %d octets", path,
                  CONF_CLUSTER_PASSWORD_MAX);
    } else {
        secret_judge_mode(&member, path, file.mode, "a password");
    }
    secret_file_forget(&file);
}

/* Two that are of use together only. */
static void check_pair(const struct doc_node *node, const char *first, const char *second)
{
    struct doc_node members[2];
    bool has_first = doc_find(node, first, &members[0]), has_second = doc_find(node, second, &members[1]);
    if (has_first != has_second) {
        doc_error_at_key(&members[has_first ? 0 : 1], "found \"%s\" alone, expected \"%s\" and \"%s\"",
                         has_first ? first : second, first, second);
    }
}

static const char *read_path(const struct doc_node *node, const char *key, const struct conf_server *server)
{
    const char *path = doc_get_text(node, key);
    return path == NULL ? NULL : zones_resolve_path(server, path);
}

/* 16 hexadecimal digits, not all 0. */
static uint64_t read_member(const struct doc_node *node)
{
    struct doc_node member;
    const char *text = doc_get_text(node, "member");
    if (text == NULL) {
        return 0;
    }
    uint64_t id;
    if ((!hex_read_word(text, &id) || id == 0) && doc_find(node, "member", &member)) {
        doc_error_expected(&member, "16 hexadecimal digits, as \"steerctl cluster join\" has written them");
    }
    return id;
}

/* Whose zones and topology. */
static void read_configuration(const struct doc_node *node, struct conf_server *server,
                               struct conf_cluster *to)
{
    static const char *const wheres[] = {
        [CONF_CONFIGURATION_FILES] = "files", [CONF_CONFIGURATION_BUNDLE] = "bundle", NULL};
    static const char *const whos[] = {
        [CONF_ACTIVATE_ALL] = "all", [CONF_ACTIVATE_MAJORITY] = "majority", NULL};
    static const uint32_t range[2] = {ACTIVATE_LEAST_MS, ACTIVATE_MOST_MS};
    struct doc_node member;
    to->configuration =
        (enum conf_configuration)doc_get_choice(node, "configuration", wheres, CONF_CONFIGURATION_FILES);
    to->activate = (enum conf_activate)doc_get_choice(node, "activate", whos, CONF_ACTIVATE_ALL);
    to->activate_within_ms = doc_get_duration_ms(node, "activate_within", range, ACTIVATE_DEFAULT_MS);
    if (to->configuration == CONF_CONFIGURATION_BUNDLE && server->owner == CONF_OWNER_API &&
        doc_find(node, "configuration", &member)) {
        doc_error(&member, "found \"bundle\" where documents belong to the API, expected one of them: leave "
                           "out \"documents\"");
    }
}

static void read_etcd(const struct doc_node *node, struct conf_server *server, struct conf_cluster *to)
{
    static const char *const only[] = {"ca",     "certificate",   "key",      "acknowledge",
                                       "user",   "password_file", "deadline", "share_credentials",
                                       "member", "configuration", "activate", "activate_within",
                                       NULL};
    static const char *const policies[] = {[CONF_ACKNOWLEDGE_LOCAL] = "local",
                                           [CONF_ACKNOWLEDGE_MAJORITY] = "majority",
                                           [CONF_ACKNOWLEDGE_ALL] = "all",
                                           NULL};
    static const uint32_t range[2] = {DEADLINE_LEAST_MS, DEADLINE_MOST_MS};
    struct doc_node member;
    bool has_etcd = doc_find(node, "etcd", &member);
    for (size_t i = 0; !has_etcd && only[i] != NULL; i++) {
        if (doc_find(node, only[i], &member)) {
            doc_error_at_key(&member, "\"%s\" has no meaning without \"etcd\"", only[i]);
        }
    }
    read_endpoints(node, server->arena, to);
    to->ca = read_path(node, "ca", server);
    to->certificate = read_path(node, "certificate", server);
    to->key = read_path(node, "key", server);
    check_pair(node, "certificate", "key");
    const char *user = doc_get_text(node, "user");
    if (user != NULL && strlen(user) > USER_MAX) {
        (void)doc_find(node, "user", &member);
        doc_error(&member, "found %zu octets, expected at most %d", strlen(user), USER_MAX);
    }
    to->user = user == NULL ? NULL : arena_copy_text(server->arena, user);
    read_password(node, server, to);
    check_pair(node, "user", "password_file");
    to->acknowledge =
        (enum conf_acknowledge)doc_get_choice(node, "acknowledge", policies, CONF_ACKNOWLEDGE_MAJORITY);
    to->shares_credentials = doc_get_bool(node, "share_credentials", false);
    to->member = read_member(node);
    to->deadline_ms = doc_get_duration_ms(node, "deadline", range, DEADLINE_DEFAULT_MS);
    read_configuration(node, server, to);
}

/* ---- peers ---- */

static bool parse_fingerprint(const char *text, uint8_t fingerprint[CONF_CLUSTER_FINGERPRINT_SIZE])
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t len = (size_t)2 * CONF_CLUSTER_FINGERPRINT_SIZE;
    if (strlen(text) != len || strspn(text, digits) != len) {
        return false;
    }
    memset(fingerprint, 0, CONF_CLUSTER_FINGERPRINT_SIZE);
    for (size_t i = 0; i < len; i++) {
        size_t digit = (size_t)(strchr(digits, text[i]) - digits) % 16;
        fingerprint[i / 2] = (uint8_t)(fingerprint[i / 2] << 4 | digit);
    }
    return true;
}

static void read_peer(const struct doc_node *node, struct arena *arena, struct conf_peer *peer)
{
    static const char *const keys[] = {"at", "fingerprint", NULL};
    struct doc_node at, fingerprint;
    if (!doc_check_object(node, keys)) {
        return;
    }
    size_t issues = doc_count_issues(node->doc);
    if (doc_require(node, "at", &at)) {
        peer->at_count = read_addresses(&at, arena, &peer->at);
        if (peer->at_count == 0 && issues == doc_count_issues(node->doc)) {
            doc_error(&at, "found no address, expected at least one");
        }
    }
    if (doc_require(node, "fingerprint", &fingerprint) &&
        (!doc_is_text(&fingerprint) || !parse_fingerprint(doc_text(&fingerprint), peer->fingerprint))) {
        doc_error_expected(&fingerprint,
                           "a fingerprint of 64 hexadecimal digits, as \"steerctl vantages\" there shows it");
    }
}

static void check_peer(const struct doc_node *node, const struct conf_cluster *cluster)
{
    const struct conf_peer *peer = &cluster->peers[cluster->peer_count];
    if (!conf_is_node_name(peer->name)) {
        doc_error_at_key(node, "found the node \"%s\", expected a name: " NODE_RULE, peer->name);
    } else if (strcmp(peer->name, cluster->node) == 0) {
        doc_error_at_key(node, "found this node itself, \"%s\", expected the others only", peer->name);
    }
    for (size_t i = 0; i < cluster->peer_count; i++) {
        if (memcmp(cluster->peers[i].fingerprint, peer->fingerprint, sizeof peer->fingerprint) == 0) {
            doc_error_at_key(node, "found the fingerprint of \"%s\" again, expected one of its own",
                             cluster->peers[i].name);
        }
    }
}

static void read_peers(const struct doc_node *node, struct conf_server *server, struct conf_cluster *to)
{
    struct doc_node list, item = {0}, etcd;
    if (!doc_find(node, "peers", &list) || !doc_check_object(&list, NULL)) {
        return;
    }
    if (doc_find(node, "etcd", &etcd)) {
        doc_error_at_key(&list,
                         "found \"peers\" with \"etcd\", expected one of them: through etcd nodes know "
                         "of each other");
    }
    if (doc_count(&list) > CONF_CLUSTER_PEERS_MAX) {
        doc_error(&list, "found %zu peers, expected at most %d", doc_count(&list), CONF_CLUSTER_PEERS_MAX);
        return;
    }
    to->peers = arena_alloc(server->arena, (doc_count(&list) + 1) * sizeof *to->peers);
    while (doc_next(&list, &item)) {
        size_t issues = doc_count_issues(node->doc);
        to->peers[to->peer_count].name = arena_copy_text(server->arena, item.key);
        read_peer(&item, server->arena, &to->peers[to->peer_count]);
        if (issues == doc_count_issues(node->doc)) {
            check_peer(&item, to);
            to->peer_count++;
        }
    }
}

/* The others are told through etcd to come there: at a wildcard everybody would find itself. */
static void check_listen(const struct doc_node *list, const struct conf_cluster *cluster)
{
    static const struct addr any = {.family = ADDR_NONE};
    for (size_t i = 0; i < cluster->listen_count; i++) {
        const struct addr *at = &cluster->listen[i].addr;
        if (memcmp(at->bytes, any.bytes, sizeof at->bytes) == 0) {
            doc_error(list, "found a wildcard address with \"etcd\", expected an address of this host: the "
                            "other nodes are told to come there");
            return;
        }
    }
}

void cluster_read(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"name",
                                       "node",
                                       "etcd",
                                       "ca",
                                       "certificate",
                                       "key",
                                       "user",
                                       "password_file",
                                       "listen",
                                       "peers",
                                       "acknowledge",
                                       "deadline",
                                       "share_credentials",
                                       "member",
                                       "configuration",
                                       "activate",
                                       "activate_within",
                                       NULL};
    struct doc_node node, listen;
    if (!doc_find(root, "cluster", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    struct conf_cluster *to = arena_alloc(server->arena, sizeof *to);
    to->name = read_name(&node, "name", server->arena);
    to->node = read_name(&node, "node", server->arena);
    if (doc_find(&node, "listen", &listen)) {
        to->listen_count = read_addresses(&listen, server->arena, &to->listen);
    }
    read_etcd(&node, server, to);
    if (to->etcd_count != 0) {
        check_listen(&listen, to);
    }
    read_peers(&node, server, to);
    if (server->state_path == NULL) {
        doc_error_at_key(&node,
                         "found \"cluster\" without \"state\", expected a folder where it is kept what "
                         "nodes agree on");
    }
    server->cluster = to;
    server->vantages.is_on = true; /* the other nodes are some */
    server->vantages.local_name = arena_print(server->arena, "node:%s", to->node);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading TSIG keys. A secret stands in the document or, where others may read that, in a file of its own. */
#include "config.h"

#include "conf/keys.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/error.h"
#include "conf/secret.h"
#include "conf/zones.h"
#include "dns/name.h"

#include <string.h>

enum { KEYS_MAX = 1000, SECRET_MAX = 512, SECRET_WANTED = 16 };

#define BASE64_RULE "base64 of 1 to 512 octets"

/* Base64 to octets in the server's arena; false: it is none. */
static bool decode(const char *text, size_t len, struct conf_server *server, struct conf_key *key)
{
    uint8_t secret[SECRET_MAX];
    int got = base64_decode(text, len, secret, sizeof secret);
    if (got > 0) {
        key->secret = arena_copy(server->arena, secret, (size_t)got);
        key->secret_len = (size_t)got;
    }
    explicit_bzero(secret, sizeof secret);
    return got > 0;
}

static void read_file(const struct doc_node *node, const char *path, struct conf_server *server,
                      struct conf_key *key)
{
    struct secret_file file;
    if (!secret_file_read(node, path, &file)) {
        return;
    }
    while (file.len != 0 && strchr(" \t\r\n", file.text[file.len - 1]) != NULL) {
        file.len--;
    }
    if (decode(file.text, file.len, server, key)) {
        secret_judge_mode(node, path, file.mode, "a secret");
    } else {
        doc_error(node, "the file %s holds no secret, expected " BASE64_RULE, path);
    }
    secret_file_forget(&file);
}

static void read_secret(const struct doc_node *object, struct conf_server *server, struct conf_key *key)
{
    struct doc_node secret, file;
    bool has_secret = doc_find(object, "secret", &secret), has_file = doc_find(object, "secret_file", &file);
    if (has_secret == has_file) {
        doc_error(object, "found %s, expected \"secret\" or \"secret_file\"",
                  has_secret ? "both" : "no secret");
        return;
    }
    if (has_file) {
        const char *path = doc_get_text(object, "secret_file");
        if (path != NULL) {
            read_file(&file, zones_resolve_path(server, path), server, key);
        }
        return;
    }
    const char *text = doc_is_text(&secret) ? doc_text(&secret) : "";
    if (!decode(text, strlen(text), server, key)) {
        doc_error(&secret, "this is no secret, expected " BASE64_RULE);
    }
}

static enum dns_tsig_algorithm read_algorithm(const struct doc_node *object)
{
    const char *texts[DNS_TSIG_ALGORITHMS + 1] = {NULL};
    for (int i = 0; i < DNS_TSIG_ALGORITHMS; i++) {
        texts[i] = dns_tsig_algorithm_text((enum dns_tsig_algorithm)i);
    }
    return (enum dns_tsig_algorithm)doc_get_choice(object, "algorithm", texts, DNS_TSIG_HMAC_SHA256);
}

static int find_name(const struct conf_server *server, const char *name)
{
    for (size_t i = 0; i < server->key_count; i++) {
        if (strcmp(server->keys[i].name, name) == 0) {
            return (int)i;
        }
    }
    return CONF_NO_KEY;
}

static bool read_name(const struct doc_node *item, struct conf_server *server, struct conf_key *key)
{
    uint8_t wire[DNS_NAME_MAX];
    key->name = zones_parse_origin(server->arena, item->key);
    int len = key->name == NULL ? -1 : dns_name_parse(key->name, NULL, wire);
    if (len < 2 || len > DNS_TSIG_KEY_NAME_MAX) {
        doc_error_at_key(item, "\"%.100s\" is no name of a key, expected a domain name of at most %d octets",
                         item->key, DNS_TSIG_KEY_NAME_MAX);
        return false;
    }
    if (find_name(server, key->name) != CONF_NO_KEY) {
        doc_error_at_key(item, "the key \"%.100s\" is there already", item->key);
        return false;
    }
    dns_name_lower(wire, (size_t)len);
    key->wire = arena_copy(server->arena, wire, (size_t)len);
    return true;
}

static void read_key(const struct doc_node *item, struct conf_server *server)
{
    static const char *const keys[] = {"algorithm", "secret", "secret_file", NULL};
    struct conf_key key = {.name = NULL};
    if (!read_name(item, server, &key) || !doc_check_object(item, keys)) {
        return;
    }
    key.algorithm = read_algorithm(item);
    read_secret(item, server, &key);
    if (key.secret_len != 0 && key.secret_len < SECRET_WANTED) {
        doc_warning(item, "the secret has %zu octets, expected at least %d: it can be guessed",
                    key.secret_len, SECRET_WANTED);
    }
    server->keys[server->key_count++] = key;
}

void keys_read(const struct doc_node *root, struct conf_server *server)
{
    struct doc_node map, item = {0};
    if (!doc_find(root, "keys", &map) || !doc_check_object(&map, NULL)) {
        return;
    }
    if (doc_count(&map) > KEYS_MAX) {
        doc_error(&map, "found %zu keys, expected at most %d", doc_count(&map), KEYS_MAX);
        return;
    }
    server->keys = arena_alloc(server->arena, doc_count(&map) * sizeof *server->keys);
    while (doc_next(&map, &item)) {
        read_key(&item, server);
    }
}

int keys_find(const struct doc_node *object, const struct conf_server *server)
{
    struct doc_node node;
    const char *text = doc_get_text(object, "key");
    if (text == NULL || !doc_find(object, "key", &node)) {
        return CONF_NO_KEY;
    }
    const char *name = zones_parse_origin(server->arena, text);
    int index = name == NULL ? CONF_NO_KEY : find_name(server, name);
    if (index == CONF_NO_KEY) {
        doc_error(&node, "there is no key \"%.100s\", expected one of \"keys\"", text);
    }
    return index;
}

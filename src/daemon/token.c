/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See token.h. What an object says and is not understood makes the whole of it unreadable: half a token might
 * let in somebody. */
#include "config.h"

#include "daemon/token.h"

#include "base/error.h"
#include "base/hex.h"
#include "base/random.h"
#include "base/sha2.h"
#include "conf/value.h"
#include "daemon/stored.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_SIZE = 32, HEX_SIZE = 2 * SECRET_SIZE + 1 };

static const char prefix[] = "st1.";

bool token_is_name(const char *name)
{
    return strlen(name) < TOKEN_NAME_SIZE && value_is_name(name);
}

/* ---- objects ---- */

static void set_texts(json_t *object, const char *key, const char texts[][TOKEN_SCOPE_SIZE], size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(texts[i]));
    }
    json_object_set_new(object, key, list);
}

char *token_write(const struct token *token)
{
    json_t *object = json_object();
    json_object_set_new(object, "role", json_string(role_text(token->role)));
    set_texts(object, "regions", token->regions, token->region_count);
    set_texts(object, "zones", token->zones, token->zone_count);
    json_object_set_new(object, "made_by", json_string(token->made_by));
    stored_set_time(object, "made", token->made_ms);
    stored_set_time(object, "expires", token->expires_ms);
    stored_set_time(object, "rotated", token->rotated_ms);
    stored_set_time(object, "used", token->used_ms);
    stored_set_hex(object, "sha256", token->hash, TOKEN_HASH_SIZE);
    if (token->overlap_ms != 0) {
        stored_set_time(object, "overlap", token->overlap_ms);
        stored_set_hex(object, "old_sha256", token->old_hash, TOKEN_HASH_SIZE);
    }
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* What is wrong is told by the key: each time as `why`. */

static int64_t get_time(struct stored_reading *r, const char *key, bool is_needed)
{
    if (is_needed) {
        stored_need(r, key, key);
    }
    return stored_get_time(r, key, key);
}

static void get_text(struct stored_reading *r, const char *key, char *text, size_t size)
{
    stored_need(r, key, key);
    stored_get_text(r, key, text, size, key);
}

static size_t get_texts(struct stored_reading *r, const char *key, char texts[][TOKEN_SCOPE_SIZE])
{
    const json_t *list = stored_find(r, key), *item;
    size_t i, count = 0;
    if (!json_is_array(list) || json_array_size(list) > ADMIN_SCOPES_MAX) {
        stored_fail(r, key);
        return 0;
    }
    json_array_foreach(list, i, item)
    {
        const char *value = json_string_value(item);
        if (value == NULL || strlen(value) >= TOKEN_SCOPE_SIZE) {
            stored_fail(r, key);
        } else {
            snprintf(texts[count++], TOKEN_SCOPE_SIZE, "%s", value);
        }
    }
    return count;
}

static void read_object(struct stored_reading *r, struct token *token)
{
    char role[16] = "";
    get_text(r, "role", role, sizeof role);
    token->role = role_parse(role);
    if (token->role == ROLE_NONE) {
        stored_fail(r, "role");
    }
    token->region_count = get_texts(r, "regions", token->regions);
    token->zone_count = get_texts(r, "zones", token->zones);
    get_text(r, "made_by", token->made_by, sizeof token->made_by);
    token->made_ms = get_time(r, "made", true);
    token->expires_ms = get_time(r, "expires", true);
    token->rotated_ms = get_time(r, "rotated", false);
    token->used_ms = get_time(r, "used", false);
    stored_need(r, "sha256", "sha256");
    (void)stored_get_hex(r, "sha256", token->hash, sizeof token->hash, "sha256");
    bool has_old = stored_get_hex(r, "old_sha256", token->old_hash, sizeof token->old_hash, "old_sha256");
    token->overlap_ms = get_time(r, "overlap", has_old);
    if (!has_old && token->overlap_ms != 0) {
        stored_fail(r, "old_sha256");
    }
    if (r->found != json_object_size(r->object)) {
        stored_fail(r, "something that this version does not know");
    }
}

int token_read(const char *name, const char *value, struct token *token, char why[TOKEN_WHY_SIZE])
{
    *token = (struct token){.name = ""};
    why[0] = '\0';
    json_t *object = json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    if (!json_is_object(object) || !token_is_name(name)) {
        snprintf(why, TOKEN_WHY_SIZE, "found no object of a token");
    } else {
        snprintf(token->name, sizeof token->name, "%s", name);
        read_object(&reading, token);
        if (reading.why != NULL) {
            snprintf(why, TOKEN_WHY_SIZE, "\"%s\" is missing, or not what was expected", reading.why);
        }
    }
    json_decref(object);
    return why[0] == '\0' ? 0 : ERROR_SYNTAX;
}

/* ---- secrets ---- */

static void hash_text(const char *text, uint8_t hash[TOKEN_HASH_SIZE])
{
    struct sha256 sha;
    _Static_assert((int)TOKEN_HASH_SIZE == (int)SHA256_SIZE, "a hash has to fit");
    sha256_init(&sha);
    sha256_add(&sha, text, strlen(text));
    sha256_end(&sha, hash);
}

void token_make_secret(struct token *token, char text[ADMIN_TOKEN_SIZE])
{
    uint8_t secret[SECRET_SIZE];
    char hex[HEX_SIZE];
    random_make_secret(secret, sizeof secret);
    snprintf(text, ADMIN_TOKEN_SIZE, "%s%s.%s", prefix, token->name, hex_write(secret, sizeof secret, hex));
    hash_text(text, token->hash);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(hex, sizeof hex);
}

bool token_read_name(const char *text, char name[TOKEN_NAME_SIZE])
{
    size_t head = sizeof prefix - 1;
    const char *end = strrchr(text, '.');
    if (strncmp(text, prefix, head) != 0 || end == NULL || end <= text + head ||
        strlen(end + 1) != HEX_SIZE - 1 || (size_t)(end - text) - head >= TOKEN_NAME_SIZE) {
        return false;
    }
    snprintf(name, TOKEN_NAME_SIZE, "%.*s", (int)((size_t)(end - text) - head), text + head);
    return token_is_name(name);
}

const char *token_judge(const struct token *token, const char *text, int64_t wall_ms)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    hash_text(text, hash);
    bool is_it = sha2_is_equal(hash, token->hash, sizeof hash),
         was_it = sha2_is_equal(hash, token->old_hash, sizeof hash) && token->overlap_ms != 0;
    if (!is_it && !was_it) {
        return "the token is not known";
    }
    if (!is_it && wall_ms >= token->overlap_ms) {
        return "the token was rotated: another one has taken its place";
    }
    return wall_ms < token->expires_ms ? NULL : "the token has expired";
}

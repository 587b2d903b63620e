/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See token.h. What an object says and is not understood makes the whole of it unreadable: half a token might
 * let in somebody. */
#include "config.h"

#include "daemon/token.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/sha2.h"
#include "conf/value.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { SECRET_SIZE = 32, HEX_SIZE = 2 * SECRET_SIZE + 1 };

static const char prefix[] = "st1.";

bool token_is_name(const char *name)
{
    return strlen(name) < TOKEN_NAME_SIZE && value_is_name(name);
}

static const char *write_hex(const uint8_t *bytes, char text[HEX_SIZE])
{
    for (size_t i = 0; i < SECRET_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return text;
}

/* ---- objects ---- */

static void set_time(json_t *object, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_ms != 0) {
        json_object_set_new(object, key, json_string(clock_write_rfc3339(wall_ms, text)));
    }
}

static void set_hash(json_t *object, const char *key, const uint8_t *hash)
{
    char text[HEX_SIZE];
    _Static_assert((int)TOKEN_HASH_SIZE == (int)SECRET_SIZE, "they are written alike");
    json_object_set_new(object, key, json_string(write_hex(hash, text)));
}

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
    set_time(object, "made", token->made_ms);
    set_time(object, "expires", token->expires_ms);
    set_time(object, "rotated", token->rotated_ms);
    set_time(object, "used", token->used_ms);
    set_hash(object, "sha256", token->hash);
    if (token->overlap_ms != 0) {
        set_time(object, "overlap", token->overlap_ms);
        set_hash(object, "old_sha256", token->old_hash);
    }
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

struct reading {
    const json_t *object;
    char *why; /* "": nothing is wrong */
    size_t found;
};

static const json_t *find(struct reading *r, const char *key)
{
    const json_t *value = json_object_get(r->object, key);
    r->found += value != NULL;
    return value;
}

static void fail(struct reading *r, const char *key)
{
    if (r->why[0] == '\0') {
        snprintf(r->why, TOKEN_WHY_SIZE, "\"%s\" is missing, or not what was expected", key);
    }
}

static int64_t get_time(struct reading *r, const char *key, bool is_needed)
{
    const json_t *value = find(r, key);
    int64_t wall_ms = 0;
    if (value == NULL
            ? is_needed
            : !json_is_string(value) || clock_parse_rfc3339(json_string_value(value), &wall_ms) != 0) {
        fail(r, key);
    }
    return wall_ms;
}

static void get_text(struct reading *r, const char *key, char *text, size_t size)
{
    const char *value = json_string_value(find(r, key));
    if (value == NULL || strlen(value) >= size) {
        fail(r, key);
    } else {
        snprintf(text, size, "%s", value);
    }
}

static size_t get_texts(struct reading *r, const char *key, char texts[][TOKEN_SCOPE_SIZE])
{
    const json_t *list = find(r, key), *item;
    size_t i, count = 0;
    if (!json_is_array(list) || json_array_size(list) > ADMIN_SCOPES_MAX) {
        fail(r, key);
        return 0;
    }
    json_array_foreach(list, i, item)
    {
        const char *value = json_string_value(item);
        if (value == NULL || strlen(value) >= TOKEN_SCOPE_SIZE) {
            fail(r, key);
        } else {
            snprintf(texts[count++], TOKEN_SCOPE_SIZE, "%s", value);
        }
    }
    return count;
}

static bool get_hash(struct reading *r, const char *key, uint8_t *hash, bool is_needed)
{
    const json_t *value = find(r, key);
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) != HEX_SIZE - 1 || strspn(text, "0123456789abcdef") != HEX_SIZE - 1) {
        if (value != NULL || is_needed) {
            fail(r, key);
        }
        return false;
    }
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++) {
        unsigned octet = 0;
        (void)sscanf(text + 2 * i, "%2x", &octet); /* NOLINT(cert-err34-c): two digits */
        hash[i] = (uint8_t)octet;
    }
    return true;
}

static void read_object(struct reading *r, struct token *token)
{
    char role[16] = "";
    get_text(r, "role", role, sizeof role);
    token->role = role_parse(role);
    if (token->role == ROLE_NONE) {
        fail(r, "role");
    }
    token->region_count = get_texts(r, "regions", token->regions);
    token->zone_count = get_texts(r, "zones", token->zones);
    get_text(r, "made_by", token->made_by, sizeof token->made_by);
    token->made_ms = get_time(r, "made", true);
    token->expires_ms = get_time(r, "expires", true);
    token->rotated_ms = get_time(r, "rotated", false);
    token->used_ms = get_time(r, "used", false);
    (void)get_hash(r, "sha256", token->hash, true);
    bool has_old = get_hash(r, "old_sha256", token->old_hash, false);
    token->overlap_ms = get_time(r, "overlap", has_old);
    if (!has_old && token->overlap_ms != 0) {
        fail(r, "old_sha256");
    }
    if (r->found != json_object_size(r->object)) {
        fail(r, "something that this version does not know");
    }
}

int token_read(const char *name, const char *value, struct token *token, char why[TOKEN_WHY_SIZE])
{
    *token = (struct token){.name = ""};
    why[0] = '\0';
    json_t *object = json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    struct reading reading = {.object = object, .why = why};
    if (!json_is_object(object) || !token_is_name(name)) {
        snprintf(why, TOKEN_WHY_SIZE, "found no object of a token");
    } else {
        snprintf(token->name, sizeof token->name, "%s", name);
        read_object(&reading, token);
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
    snprintf(text, ADMIN_TOKEN_SIZE, "%s%s.%s", prefix, token->name, write_hex(secret, hex));
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

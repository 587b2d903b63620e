/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See vantage_member.h. What an object says and is not understood makes the whole of it unreadable: half a
 * member might let in somebody. */
#include "config.h"

#include "daemon/vantage_member.h"

#include "base/error.h"
#include "base/hex.h"
#include "base/random.h"
#include "base/sha2.h"
#include "conf/value.h"
#include "daemon/stored.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

bool vantage_is_name(const char *name)
{
    return fleet_is_name(name) && value_is_name(name) && strcmp(name, "local") != 0;
}

/* Which has something in it that no name of a vantage has. */
static bool is_node_name(const char *name)
{
    return strncmp(name, "node:", 5) == 0 && strlen(name) <= FLEET_NAME_MAX && fleet_is_name(name + 5);
}

/* ---- objects ---- */

char *vantage_write_member(const struct vantage_member *member)
{
    json_t *object = json_object();
    json_object_set_new(object, "number", json_integer(member->number));
    json_object_set_new(object, "weight", json_integer(member->weight == 0 ? 1 : member->weight));
    json_object_set_new(object, "drained", json_boolean(member->drained));
    stored_set_flag(object, "node", member->is_node);
    stored_set_time(object, "made", member->made_ms);
    if (member->is_enrolled) {
        stored_set_time(object, "enrolled", member->enrolled_ms);
        stored_set_hex(object, "fingerprint", member->fingerprint, sizeof member->fingerprint);
    }
    if (member->has_token) {
        stored_set_time(object, "token_until", member->token_until_ms);
        stored_set_hex(object, "token_sha256", member->token_hash, sizeof member->token_hash);
    }
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* What is wrong is told by the key: each time as `why`. */

static uint32_t get_number(struct stored_reading *r, const char *key, uint32_t most)
{
    uint32_t number = (uint32_t)stored_get_number(r, key, most, key);
    if (number < 1) {
        stored_fail(r, key);
    }
    return number < 1 ? 1 : number;
}

static bool get_hex(struct stored_reading *r, const char *key, uint8_t *bytes, size_t len)
{
    return stored_get_hex(r, key, bytes, len, key);
}

static void read_object(struct stored_reading *r, struct vantage_member *member)
{
    member->number = (uint8_t)get_number(r, "number", FLEET_MEMBERS_MAX - 1);
    member->weight = get_number(r, "weight", VANTAGE_WEIGHT_MAX); /* that of a node follows from elsewhere */
    stored_need(r, "drained", "drained");
    member->drained = stored_get_flag(r, "drained", "drained");
    member->is_node = stored_get_flag(r, "node", "node");
    member->made_ms = stored_get_time(r, "made", "made");
    member->is_enrolled = get_hex(r, "fingerprint", member->fingerprint, sizeof member->fingerprint);
    member->enrolled_ms = stored_get_time(r, "enrolled", "enrolled");
    member->has_token = get_hex(r, "token_sha256", member->token_hash, sizeof member->token_hash);
    if (member->has_token) {
        stored_need(r, "token_until", "token_until");
    }
    member->token_until_ms = stored_get_time(r, "token_until", "token_until");
    if (r->found != json_object_size(r->object)) {
        stored_fail(r, "something that this version does not know");
    }
}

int vantage_read_member(const char *name, const char *value, struct vantage_member *member,
                        char why[VANTAGE_WHY_SIZE])
{
    *member = (struct vantage_member){.number = 0};
    why[0] = '\0';
    json_t *object = json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    if (!json_is_object(object) || !(vantage_is_name(name) || is_node_name(name))) {
        snprintf(why, VANTAGE_WHY_SIZE, "found no object of a vantage");
    } else {
        snprintf(member->name, sizeof member->name, "%s", name);
        read_object(&reading, member);
        if (member->is_node == vantage_is_name(name)) {
            stored_fail(&reading, "node");
        }
        if (reading.why != NULL) {
            snprintf(why, VANTAGE_WHY_SIZE, "\"%s\" is missing, or not what was expected", reading.why);
        }
    }
    json_decref(object);
    return why[0] == '\0' ? 0 : ERROR_SYNTAX;
}

/* ---- tokens ---- */

static void hash_secret(const char *secret, size_t len, uint8_t hash[VANTAGE_HASH_SIZE])
{
    struct sha256 sha;
    _Static_assert((int)VANTAGE_HASH_SIZE == (int)SHA256_SIZE, "a hash has to fit");
    sha256_init(&sha);
    sha256_add(&sha, secret, len);
    sha256_end(&sha, hash);
}

void vantage_make_token(struct vantage_member *member, const uint8_t fingerprint[TLS_FINGERPRINT_SIZE],
                        int64_t until_ms, char token[VANTAGE_TOKEN_SIZE])
{
    uint8_t secret[VANTAGE_SECRET_SIZE];
    char text[2 * VANTAGE_SECRET_SIZE + 1], ours[2 * TLS_FINGERPRINT_SIZE + 1];
    random_make_secret(secret, sizeof secret);
    (void)hex_write(secret, sizeof secret, text);
    (void)hex_write(fingerprint, TLS_FINGERPRINT_SIZE, ours);
    hash_secret(text, sizeof text - 1, member->token_hash);
    member->has_token = true;
    member->token_until_ms = until_ms;
    snprintf(token, VANTAGE_TOKEN_SIZE, "v1.%s.%s.%s", member->name, text, ours);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(text, sizeof text);
}

const char *vantage_judge_token(const struct vantage_member *member, const char *token, int64_t wall_ms)
{
    static const char wrong[] =
        "the token is not the one that was given out for this name, or was used already";
    uint8_t hash[VANTAGE_HASH_SIZE];
    const char *end = strrchr(token, '.'), *begin = end;
    size_t name_len = strlen(member->name);
    while (begin != NULL && begin > token && begin[-1] != '.') {
        begin--;
    }
    if (!member->has_token || begin == NULL || strncmp(token, "v1.", 3) != 0 ||
        (size_t)(begin - token) != 3 + name_len + 1 || strncmp(token + 3, member->name, name_len) != 0) {
        return wrong;
    }
    hash_secret(begin, (size_t)(end - begin), hash);
    if (!sha2_is_equal(hash, member->token_hash, sizeof hash)) {
        return wrong;
    }
    return wall_ms < member->token_until_ms ? NULL : "the token has expired: ask for a new one";
}

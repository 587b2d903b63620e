/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See vantage_member.h. What an object says and is not understood makes the whole of it unreadable: half a
 * member might let in somebody. */
#include "config.h"

#include "daemon/vantage_member.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/sha2.h"
#include "conf/value.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

bool vantage_is_name(const char *name)
{
    return fleet_is_name(name) && value_is_name(name) && strcmp(name, "local") != 0;
}

/* ---- octets as text ---- */

const char *vantage_write_hex(const uint8_t *bytes, size_t len, char *text)
{
    for (size_t i = 0; i < len; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return text;
}

static int digit_of(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    return at == NULL ? -1 : (int)(at - digits);
}

/* Exactly so many, in lower case. */
static bool read_hex(const char *text, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int high = digit_of(text[2 * i]), low = high == -1 ? -1 : digit_of(text[2 * i + 1]);
        if (low == -1) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return text[2 * len] == '\0';
}

/* ---- objects ---- */

static void set_time(json_t *object, const char *key, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE];
    if (wall_ms != 0) {
        json_object_set_new(object, key, json_string(clock_write_rfc3339(wall_ms, text)));
    }
}

static void set_hex(json_t *object, const char *key, const uint8_t *bytes, size_t len)
{
    char text[2 * TLS_FINGERPRINT_SIZE + 1];
    json_object_set_new(object, key, json_string(vantage_write_hex(bytes, len, text)));
}

char *vantage_write_member(const struct vantage_member *member)
{
    json_t *object = json_object();
    json_object_set_new(object, "number", json_integer(member->number));
    json_object_set_new(object, "weight", json_integer(member->weight));
    json_object_set_new(object, "drained", json_boolean(member->drained));
    set_time(object, "made", member->made_ms);
    if (member->is_enrolled) {
        set_time(object, "enrolled", member->enrolled_ms);
        set_hex(object, "fingerprint", member->fingerprint, sizeof member->fingerprint);
    }
    if (member->has_token) {
        set_time(object, "token_until", member->token_until_ms);
        set_hex(object, "token_sha256", member->token_hash, sizeof member->token_hash);
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
        snprintf(r->why, VANTAGE_WHY_SIZE, "\"%s\" is missing, or not what was expected", key);
    }
}

static uint32_t get_number(struct reading *r, const char *key, uint32_t most)
{
    const json_t *value = find(r, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > most) {
        fail(r, key);
        return 1;
    }
    return (uint32_t)number;
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

static bool get_hex(struct reading *r, const char *key, uint8_t *bytes, size_t len)
{
    const json_t *value = find(r, key);
    if (value != NULL && (!json_is_string(value) || !read_hex(json_string_value(value), bytes, len))) {
        fail(r, key);
    }
    return value != NULL;
}

static void read_object(struct reading *r, struct vantage_member *member)
{
    const json_t *drained = find(r, "drained");
    member->number = (uint8_t)get_number(r, "number", FLEET_MEMBERS_MAX - 1);
    member->weight = get_number(r, "weight", VANTAGE_WEIGHT_MAX);
    member->drained = json_is_true(drained);
    if (!json_is_boolean(drained)) {
        fail(r, "drained");
    }
    member->made_ms = get_time(r, "made", false);
    member->is_enrolled = get_hex(r, "fingerprint", member->fingerprint, sizeof member->fingerprint);
    member->enrolled_ms = get_time(r, "enrolled", false);
    member->has_token = get_hex(r, "token_sha256", member->token_hash, sizeof member->token_hash);
    member->token_until_ms = get_time(r, "token_until", member->has_token);
    if (r->found != json_object_size(r->object)) {
        fail(r, "something that this version does not know");
    }
}

int vantage_read_member(const char *name, const char *value, struct vantage_member *member,
                        char why[VANTAGE_WHY_SIZE])
{
    *member = (struct vantage_member){.number = 0};
    why[0] = '\0';
    json_t *object = json_loads(value, JSON_REJECT_DUPLICATES, NULL);
    struct reading reading = {.object = object, .why = why};
    if (!json_is_object(object) || !vantage_is_name(name)) {
        snprintf(why, VANTAGE_WHY_SIZE, "found no object of a vantage");
    } else {
        snprintf(member->name, sizeof member->name, "%s", name);
        read_object(&reading, member);
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
    (void)vantage_write_hex(secret, sizeof secret, text);
    (void)vantage_write_hex(fingerprint, TLS_FINGERPRINT_SIZE, ours);
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

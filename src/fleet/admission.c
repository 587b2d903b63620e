/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See admission.h. */
#include "config.h"

#include "fleet/admission.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/number.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN "join1."

enum { PORT_MAX = 65535, DEADLINE_MOST_MS = 60000, TEXT_MAX = 1024 };

static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t len = strlen(text);
    return len != 0 && len <= ADMISSION_NAME_MAX && strspn(text, letters) == len && text[0] != '-' &&
           text[len - 1] != '-';
}

static bool is_secret(const char *text)
{
    uint8_t secret[ADMISSION_SECRET_SIZE];
    return hex_read(text, secret, sizeof secret);
}

/* ---- tokens ---- */

bool admission_is_token(const char *text)
{
    return strncmp(text, BEGIN, strlen(BEGIN)) == 0;
}

/* Up to the next dot, which is stepped over. False: there is none, or there is no room. */
static bool take_part(const char **at, char *part, size_t size)
{
    const char *dot = strchr(*at, '.');
    if (dot == NULL || (size_t)(dot - *at) >= size) {
        return false;
    }
    snprintf(part, size, "%.*s", (int)(dot - *at), *at);
    *at = dot + 1;
    return true;
}

/* "FINGERPRINT@ADDRESS/PORT" */
static bool read_place(const char *text, struct admission_place *place)
{
    char print[2 * ADMISSION_PRINT_SIZE + 1], address[ADDR_TEXT_SIZE];
    uint64_t port;
    const char *from = strchr(text, '@'), *slash = from == NULL ? NULL : strchr(from, '/');
    if (slash == NULL || from - text != (ptrdiff_t)sizeof print - 1 ||
        (size_t)(slash - from) > sizeof address || slash[1] < '1' || slash[1] > '9') {
        return false;
    }
    snprintf(print, sizeof print, "%.*s", (int)(from - text), text);
    snprintf(address, sizeof address, "%.*s", (int)(slash - from - 1), from + 1);
    if (!number_read(slash + 1, 10, PORT_MAX, &port) || addr_parse(address, &place->at.addr) != 0) {
        return false;
    }
    place->at.port = (uint16_t)port;
    return hex_read(print, place->fingerprint, sizeof place->fingerprint);
}

static bool read_places(const char *text, struct admission_token *token)
{
    char one[(size_t)2 * ADMISSION_PRINT_SIZE + ADDR_TEXT_SIZE + 16];
    for (const char *at = text;; at++) {
        size_t len = strcspn(at, ",");
        if (len >= sizeof one || token->place_count == ADMISSION_PLACES_MAX) {
            return false;
        }
        snprintf(one, sizeof one, "%.*s", (int)len, at);
        if (!read_place(one, &token->places[token->place_count])) {
            return false;
        }
        token->place_count++;
        at += len;
        if (*at == '\0') {
            return true;
        }
    }
}

int admission_read_token(const char *text, struct admission_token *token)
{
    char brings[4];
    const char *at = text + strlen(BEGIN);
    *token = (struct admission_token){.place_count = 0};
    if (!admission_is_token(text) || strlen(text) > ADMISSION_TOKEN_MAX ||
        !take_part(&at, token->cluster, sizeof token->cluster) ||
        !take_part(&at, token->node, sizeof token->node) || !take_part(&at, brings, sizeof brings) ||
        !take_part(&at, token->secret, sizeof token->secret)) {
        return ERROR_SYNTAX;
    }
    bool both = strcmp(brings, "cp") == 0;
    token->brings_certificate = both || strcmp(brings, "c") == 0;
    token->brings_password = both || strcmp(brings, "p") == 0;
    bool brings_none = strcmp(brings, "0") == 0;
    bool good = (brings_none || token->brings_certificate || token->brings_password) &&
                is_name(token->cluster) && is_name(token->node) && is_secret(token->secret) &&
                read_places(at, token);
    return good ? 0 : ERROR_SYNTAX;
}

char *admission_write_token(const struct admission_token *token)
{
    struct buffer out;
    char address[ADDR_TEXT_SIZE], print[2 * ADMISSION_PRINT_SIZE + 1];
    const char *brings = token->brings_certificate && token->brings_password ? "cp"
                         : token->brings_certificate                         ? "c"
                         : token->brings_password                            ? "p"
                                                                             : "0";
    buffer_init(&out);
    buffer_print(&out, BEGIN "%s.%s.%s.%s.", token->cluster, token->node, brings, token->secret);
    for (size_t i = 0; i < token->place_count; i++) {
        buffer_print(&out, "%s", i == 0 ? "" : ",");
        buffer_print(&out, "%s@%s/%u", hex_write(token->places[i].fingerprint, ADMISSION_PRINT_SIZE, print),
                     addr_write(&token->places[i].at.addr, address), token->places[i].at.port);
    }
    char *text = strdup(out.bytes);
    explicit_bzero(out.bytes, out.len);
    buffer_fini(&out);
    return text;
}

/* ---- JSON ---- */

struct reading {
    const json_t *object;
    size_t found;
    bool is_bad;
};

/* NULL: it is not there. */
static const char *find_text(struct reading *r, const char *key, size_t most)
{
    const json_t *value = json_object_get(r->object, key);
    r->found += value != NULL;
    if (value == NULL) {
        return NULL;
    }
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) != json_string_length(value) || strlen(text) > most) {
        r->is_bad = true;
        return NULL;
    }
    return text;
}

static void copy_text(struct reading *r, const char *key, char *to, size_t size)
{
    const char *text = find_text(r, key, size - 1);
    r->is_bad = r->is_bad || text == NULL;
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static int64_t get_number(struct reading *r, const char *key, int64_t most)
{
    const json_t *value = json_object_get(r->object, key);
    json_int_t number = json_integer_value(value);
    r->found += value != NULL;
    r->is_bad = r->is_bad || !json_is_integer(value) || number < 0 || number > most;
    return number;
}

static bool get_flag(struct reading *r, const char *key)
{
    const json_t *value = json_object_get(r->object, key);
    r->found += value != NULL;
    r->is_bad = r->is_bad || !json_is_boolean(value);
    return json_is_true(value);
}

/* A member that is not known would have meant something. */
static bool is_good(const struct reading *r)
{
    return json_is_object(r->object) && !r->is_bad && r->found == json_object_size(r->object);
}

static char *finish(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL) {
        json_object_set_new(object, key, json_string(text));
    }
}

/* ---- who wants to be one ---- */

int admission_read_ask(const char *text, struct admission_ask *ask)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct reading r = {.object = root};
    *ask = (struct admission_ask){.wall_ms = 0};
    copy_text(&r, "cluster", ask->cluster, sizeof ask->cluster);
    copy_text(&r, "node", ask->node, sizeof ask->node);
    copy_text(&r, "secret", ask->secret, sizeof ask->secret);
    ask->has_certificate = get_flag(&r, "has_certificate");
    ask->has_password = get_flag(&r, "has_password");
    ask->wall_ms = get_number(&r, "time", INT64_MAX);
    bool good = is_good(&r) && is_name(ask->cluster) && is_name(ask->node) && is_secret(ask->secret);
    json_decref(root);
    return good ? 0 : ERROR_SYNTAX;
}

char *admission_write_ask(const struct admission_ask *ask)
{
    json_t *object = json_object();
    set_text(object, "cluster", ask->cluster);
    set_text(object, "node", ask->node);
    set_text(object, "secret", ask->secret);
    json_object_set_new(object, "has_certificate", json_boolean(ask->has_certificate));
    json_object_set_new(object, "has_password", json_boolean(ask->has_password));
    json_object_set_new(object, "time", json_integer(ask->wall_ms));
    return finish(object);
}

/* ---- what it needs ---- */

static const char *keep_text(struct reading *r, const char *key, size_t most, struct arena *arena)
{
    const char *text = find_text(r, key, most);
    return text == NULL ? NULL : arena_copy_text(arena, text);
}

static void read_etcd(struct reading *r, struct arena *arena, struct admission_grant *grant)
{
    const json_t *list = json_object_get(r->object, "etcd");
    size_t count = json_array_size(list);
    r->found += list != NULL;
    r->is_bad = r->is_bad || count == 0 || count > ADMISSION_ETCD_MAX;
    for (size_t i = 0; !r->is_bad && i < count; i++) {
        const char *url = json_string_value(json_array_get(list, i));
        r->is_bad = url == NULL || strlen(url) > TEXT_MAX;
        grant->etcd[grant->etcd_count++] = arena_copy_text(arena, url == NULL ? "" : url);
    }
}

static void read_files(struct reading *r, struct arena *arena, struct admission_grant *grant)
{
    grant->ca = keep_text(r, "ca", ADMISSION_FILE_MAX, arena);
    grant->uses_certificate = get_flag(r, "uses_certificate");
    grant->certificate = keep_text(r, "certificate", ADMISSION_FILE_MAX, arena);
    grant->key = keep_text(r, "key", ADMISSION_FILE_MAX, arena);
    grant->user = keep_text(r, "user", TEXT_MAX, arena);
    grant->password = keep_text(r, "password", TEXT_MAX, arena);
    r->is_bad = r->is_bad || (grant->certificate == NULL) != (grant->key == NULL) ||
                (grant->certificate != NULL && !grant->uses_certificate) ||
                (grant->password != NULL && grant->user == NULL);
}

int admission_read_grant(const char *text, struct arena *arena, struct admission_grant *grant)
{
    char member[17];
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct reading r = {.object = root};
    *grant = (struct admission_grant){.member = 0};
    copy_text(&r, "member", member, sizeof member);
    (void)hex_read_word(member, &grant->member);
    read_etcd(&r, arena, grant);
    const char *acknowledge = keep_text(&r, "acknowledge", TEXT_MAX, arena);
    grant->acknowledge = acknowledge == NULL ? "" : acknowledge;
    grant->deadline_ms = (uint32_t)get_number(&r, "deadline_ms", DEADLINE_MOST_MS);
    read_files(&r, arena, grant);
    bool good = is_good(&r) && grant->member != 0;
    json_decref(root);
    return good ? 0 : ERROR_SYNTAX;
}

char *admission_write_grant(const struct admission_grant *grant)
{
    char member[17];
    json_t *object = json_object(), *etcd = json_array();
    snprintf(member, sizeof member, "%016" PRIx64, grant->member);
    set_text(object, "member", member);
    for (size_t i = 0; i < grant->etcd_count; i++) {
        json_array_append_new(etcd, json_string(grant->etcd[i]));
    }
    json_object_set_new(object, "etcd", etcd);
    set_text(object, "acknowledge", grant->acknowledge);
    json_object_set_new(object, "deadline_ms", json_integer(grant->deadline_ms));
    set_text(object, "ca", grant->ca);
    json_object_set_new(object, "uses_certificate", json_boolean(grant->uses_certificate));
    set_text(object, "certificate", grant->certificate);
    set_text(object, "key", grant->key);
    set_text(object, "user", grant->user);
    set_text(object, "password", grant->password);
    return finish(object);
}

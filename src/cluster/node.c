/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See node.h. */
#include "config.h"

#include "cluster/node.h"

#include "base/error.h"
#include "base/utf8.h"
#include "cluster/json.h"

#include <stdio.h>
#include <string.h>

enum { PROTOCOLS_MAX = 1 << 16 };

const char *cluster_phase_text(enum cluster_phase phase)
{
    switch (phase) {
    case CLUSTER_AWAY: return "away";
    case CLUSTER_CATCHING: return "catching_up";
    case CLUSTER_FOLLOWING: return "following";
    case CLUSTER_ESTRANGED: return "estranged";
    }
    return "";
}

bool cluster_is_bundle_id(const char *text)
{
    enum { LEN = CLUSTER_BUNDLE_ID_SIZE - 1 };
    return strnlen(text, LEN + 1) == LEN && strspn(text, "0123456789abcdef") == LEN;
}

const char *cluster_bundle_text(enum cluster_bundle_is is)
{
    switch (is) {
    case CLUSTER_BUNDLE_NONE: return "none";
    case CLUSTER_BUNDLE_FETCHING: return "fetching";
    case CLUSTER_BUNDLE_CHECKING: return "checking";
    case CLUSTER_BUNDLE_READY: return "ready";
    case CLUSTER_BUNDLE_FAILED: return "failed";
    }
    return "";
}

static json_t *write_bundle(const struct cluster_bundle *bundle)
{
    json_t *object = json_object();
    if (bundle->has_own_files) {
        json_object_set_new(object, "own_files", json_true());
    }
    json_set_text(object, "serves", bundle->serves);
    json_put_text(object, "is", cluster_bundle_text(bundle->is));
    if (bundle->is != CLUSTER_BUNDLE_NONE) {
        json_put_text(object, "id", bundle->id);
        json_set_word(object, "round", bundle->round);
        json_set_number(object, "done", bundle->done);
        json_set_text(object, "why", bundle->why);
    }
    return object;
}

static void write_self(json_t *object, const struct cluster_self *self)
{
    json_t *listen = json_array();
    for (size_t i = 0; i < self->listen_count; i++) {
        char text[ADDR_TEXT_SIZE];
        json_array_append_new(listen, json_string(addr_write_port(&self->listen[i], text)));
    }
    json_set_word(object, "health", self->health);
    json_set_word(object, "configuration", self->configuration);
    if (self->overrides != 0) {
        json_set_word(object, "overrides", self->overrides);
    }
    json_set_number(object, "generation", self->generation);
    json_object_set_new(object, "listen", listen);
    if (self->has_fingerprint) {
        json_set_hex(object, "fingerprint", self->fingerprint, sizeof self->fingerprint);
    }
    if (self->bundle.is_told) {
        json_object_set_new(object, "bundle", write_bundle(&self->bundle));
    }
}

char *cluster_write_node(const struct cluster_node *node)
{
    json_t *object = json_object();
    json_put_text(object, "name", node->name);
    json_set_word(object, "run", node->run);
    json_put_text(object, "software", node->software);
    json_set_number(object, "protocol", node->protocol);
    json_set_time(object, "at", node->wall_ms);
    json_set_number(object, "beat", node->beat);
    json_set_number(object, "applied", node->applied);
    json_set_hex(object, "hash", node->hash, sizeof node->hash);
    if (node->over != 0) {
        json_set_number(object, "over", node->over);
    }
    write_self(object, &node->self);
    json_put_text(object, "phase", node->phase);
    json_object_set_new(object, "has_work", json_boolean(node->has_work));
    if (node->is_leased) {
        json_object_set_new(object, "leased", json_true());
        json_set_number(object, "term", node->term);
    }
    return json_finish(object);
}

/* ---- reading ---- */

static void copy_text(struct json_reading *reading, const char *key, char *to, size_t size)
{
    snprintf(to, size, "%s", json_get_text(reading, key, "\"name\" or \"software\": expected a text"));
}

static void read_listen(struct json_reading *reading, struct cluster_self *self)
{
    const json_t *listen = json_object_get(reading->object, "listen");
    size_t count = json_array_size(listen);
    for (size_t i = 0; i < count && self->listen_count < CLUSTER_LISTEN_MAX; i++) {
        const char *text = json_string_value(json_array_get(listen, i));
        if (text == NULL || addr_parse_port(text, &self->listen[self->listen_count]) != 0) {
            json_fail(reading, "\"listen\": expected addresses with ports");
            return;
        }
        self->listen_count++;
    }
}

static const char *find_phase(const char *text)
{
    for (enum cluster_phase phase = CLUSTER_AWAY; phase <= CLUSTER_ESTRANGED; phase++) {
        if (strcmp(text, cluster_phase_text(phase)) == 0) {
            return cluster_phase_text(phase);
        }
    }
    return "";
}

static bool find_bundle_is(const char *text, enum cluster_bundle_is *is)
{
    for (int at = CLUSTER_BUNDLE_NONE; at <= CLUSTER_BUNDLE_FAILED; at++) {
        if (strcmp(text, cluster_bundle_text((enum cluster_bundle_is)at)) == 0) {
            *is = (enum cluster_bundle_is)at;
            return true;
        }
    }
    return false;
}

static void read_bundle_id(struct json_reading *reading, const char *text, char id[CLUSTER_BUNDLE_ID_SIZE])
{
    if (text != NULL && cluster_is_bundle_id(text)) {
        memcpy(id, text, CLUSTER_BUNDLE_ID_SIZE);
    } else if (text != NULL) {
        json_fail(reading, "\"bundle\": expected IDs of 64 hexadecimal digits");
    }
}

/* A state that is not known here is of a later version: what that says of it counts as nothing. */
static void read_bundle(struct json_reading *reading, struct cluster_bundle *bundle)
{
    static const char why[] = "\"bundle\": a member is not what it is to be";
    bundle->has_own_files = json_find_flag(reading, "own_files", why);
    read_bundle_id(reading, json_find_text(reading, "serves", why), bundle->serves);
    bundle->is_told = find_bundle_is(json_get_text(reading, "is", why), &bundle->is);
    if (bundle->is == CLUSTER_BUNDLE_NONE) {
        return;
    }
    read_bundle_id(reading, json_get_text(reading, "id", why), bundle->id);
    bundle->round = json_get_word(reading, "round", why);
    bundle->done = (unsigned)json_get_number(reading, "done", 100, why);
    const char *text = json_find_text(reading, "why", why);
    size_t len = text == NULL ? 0 : strlen(text);
    len = utf8_check(text == NULL ? "" : text, len < sizeof bundle->why ? len : sizeof bundle->why - 1);
    snprintf(bundle->why, sizeof bundle->why, "%.*s", (int)len, text == NULL ? "" : text);
}

static void find_bundle(struct json_reading *reading, struct cluster_bundle *bundle)
{
    struct json_reading inner = {.object = json_object_get(reading->object, "bundle")};
    if (inner.object == NULL) {
        return;
    }
    read_bundle(&inner, bundle);
    if (inner.error != 0) {
        json_fail(reading, inner.why);
    }
}

static void read_self(struct json_reading *reading, struct cluster_self *self)
{
    self->health = json_get_word(reading, "health", "\"health\": expected 16 hexadecimal digits");
    self->configuration =
        json_get_word(reading, "configuration", "\"configuration\": expected 16 hexadecimal digits");
    if (json_object_get(reading->object, "overrides") != NULL) {
        self->overrides =
            json_get_word(reading, "overrides", "\"overrides\": expected 16 hexadecimal digits");
    }
    self->generation = json_get_number(reading, "generation", INT64_MAX, "\"generation\": expected a number");
    self->has_fingerprint = json_object_get(reading->object, "fingerprint") != NULL;
    if (self->has_fingerprint) {
        json_get_hex(reading, "fingerprint", self->fingerprint, sizeof self->fingerprint,
                     "\"fingerprint\": expected 64 hexadecimal digits");
    }
    read_listen(reading, self);
    find_bundle(reading, &self->bundle);
}

int cluster_read_node(const char *text, size_t len, struct cluster_node *node, const char **why)
{
    struct json_reading reading;
    *node = (struct cluster_node){.phase = ""};
    json_open(&reading, text, len);
    copy_text(&reading, "name", node->name, sizeof node->name);
    copy_text(&reading, "software", node->software, sizeof node->software);
    node->run = json_get_word(&reading, "run", "\"run\": expected 16 hexadecimal digits");
    node->protocol =
        (uint32_t)json_get_number(&reading, "protocol", PROTOCOLS_MAX, "\"protocol\": expected a number");
    node->beat = json_get_number(&reading, "beat", INT64_MAX, "\"beat\": expected a number");
    node->applied = json_get_number(&reading, "applied", INT64_MAX, "\"applied\": expected a number");
    node->over = json_object_get(reading.object, "over") == NULL
                     ? 0
                     : json_get_number(&reading, "over", INT64_MAX, "\"over\": expected a number");
    node->wall_ms = json_find_time(&reading, "at", "\"at\": expected milliseconds");
    json_get_hex(&reading, "hash", node->hash, sizeof node->hash, "\"hash\": expected 64 hexadecimal digits");
    read_self(&reading, &node->self);
    node->phase = find_phase(json_get_text(&reading, "phase", "\"phase\": expected a text"));
    node->has_work = json_find_flag(&reading, "has_work", "\"has_work\": expected true or false");
    node->is_leased = json_find_flag(&reading, "leased", "\"leased\": expected true or false");
    node->term =
        node->is_leased ? json_get_number(&reading, "term", INT64_MAX, "\"term\": expected a number") : 0;
    if (!cluster_is_name(node->name)) {
        json_fail(&reading, "\"name\": expected a name");
    }
    return json_close(&reading, why);
}

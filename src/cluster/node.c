/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See node.h. */
#include "config.h"

#include "cluster/node.h"

#include "base/error.h"
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

static void write_self(json_t *object, const struct cluster_self *self)
{
    json_t *listen = json_array();
    for (size_t i = 0; i < self->listen_count; i++) {
        char text[ADDR_TEXT_SIZE];
        json_array_append_new(listen, json_string(addr_write_port(&self->listen[i], text)));
    }
    json_set_word(object, "health", self->health);
    json_set_word(object, "configuration", self->configuration);
    json_set_number(object, "generation", self->generation);
    json_object_set_new(object, "listen", listen);
    if (self->has_fingerprint) {
        json_set_hex(object, "fingerprint", self->fingerprint, sizeof self->fingerprint);
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
    write_self(object, &node->self);
    json_put_text(object, "phase", node->phase);
    json_object_set_new(object, "has_work", json_boolean(node->has_work));
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

static void read_self(struct json_reading *reading, struct cluster_self *self)
{
    self->health = json_get_word(reading, "health", "\"health\": expected 16 hexadecimal digits");
    self->configuration =
        json_get_word(reading, "configuration", "\"configuration\": expected 16 hexadecimal digits");
    self->generation = json_get_number(reading, "generation", INT64_MAX, "\"generation\": expected a number");
    self->has_fingerprint = json_object_get(reading->object, "fingerprint") != NULL;
    if (self->has_fingerprint) {
        json_get_hex(reading, "fingerprint", self->fingerprint, sizeof self->fingerprint,
                     "\"fingerprint\": expected 64 hexadecimal digits");
    }
    read_listen(reading, self);
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
    node->wall_ms = json_find_time(&reading, "at", "\"at\": expected milliseconds");
    json_get_hex(&reading, "hash", node->hash, sizeof node->hash, "\"hash\": expected 64 hexadecimal digits");
    read_self(&reading, &node->self);
    node->phase = find_phase(json_get_text(&reading, "phase", "\"phase\": expected a text"));
    node->has_work = json_find_flag(&reading, "has_work", "\"has_work\": expected true or false");
    if (!cluster_is_name(node->name)) {
        json_fail(&reading, "\"name\": expected a name");
    }
    return json_close(&reading, why);
}

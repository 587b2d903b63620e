/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The other nodes, as this one knows them: a node is one until it is removed, whether or not it runs. They
 * lie in the local store (cluster / nodes), written when something of them changes, so that a process that is
 * started while etcd is away is linked with them all the same. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/durable.h"
#include "daemon/server.h"
#include "daemon/stored.h"
#include "base/error.h"
#include "base/memory.h"
#include "cluster/rollout.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROTOCOL_MAX = 1 << 16 };

/* ---- as they lie there ---- */

/* {"cluster": …, "nodes": [{"name", "protocol", "fingerprint", "listen"}]}. Owned. */
static char *write_all(const struct clustered *clustered)
{
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < clustered->known_count; i++) {
        const struct clustered_known *node = &clustered->known[i];
        json_t *item = json_object(), *listen = json_array();
        for (size_t k = 0; k < node->self.listen_count; k++) {
            char text[ADDR_TEXT_SIZE];
            json_array_append_new(listen, json_string(addr_write_port(&node->self.listen[k], text)));
        }
        json_object_set_new(item, "name", json_string(node->name));
        stored_set_number(item, "protocol", node->protocol);
        stored_set_hex(item, "fingerprint", node->self.fingerprint, sizeof node->self.fingerprint);
        json_object_set_new(item, "listen", listen);
        json_array_append_new(list, item);
    }
    json_object_set_new(object, "cluster", json_string(clustered->name));
    json_object_set_new(object, "nodes", list);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void read_listen(struct stored_reading *reading, struct cluster_self *self)
{
    const json_t *list = stored_find(reading, "listen");
    for (size_t i = 0; i < json_array_size(list) && self->listen_count < CLUSTER_LISTEN_MAX; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (text == NULL || addr_parse_port(text, &self->listen[self->listen_count]) != 0) {
            stored_fail(reading, "listen");
            return;
        }
        self->listen_count++;
    }
}

/* What is not understood of a node makes that one unknown, and no other. */
static void read_one(struct clustered *clustered, const json_t *item)
{
    struct stored_reading reading = {.object = item};
    struct clustered_known node = {.protocol = 0};
    stored_get_text(&reading, "name", node.name, sizeof node.name, "name");
    node.protocol = (uint32_t)stored_get_number(&reading, "protocol", PROTOCOL_MAX, "protocol");
    node.self.has_fingerprint = stored_get_hex(&reading, "fingerprint", node.self.fingerprint,
                                               sizeof node.self.fingerprint, "fingerprint");
    read_listen(&reading, &node.self);
    bool good = json_is_object(item) && reading.why == NULL && cluster_is_name(node.name) &&
                node.self.has_fingerprint && strcmp(node.name, clustered->node) != 0;
    if (good && clustered->known_count < CLUSTER_NODES_MAX) {
        clustered->known[clustered->known_count++] = node;
    }
}

static void read_all(void *context, const struct store_object *object)
{
    struct clustered *clustered = context;
    json_t *root = json_loads(object->value, JSON_REJECT_DUPLICATES, NULL);
    const char *cluster = json_string_value(json_object_get(root, "cluster"));
    const json_t *list = json_object_get(root, "nodes"), *item;
    size_t i;
    if (cluster != NULL && strcmp(cluster, clustered->name) == 0) {
        json_array_foreach(list, i, item)
        {
            read_one(clustered, item);
        }
    }
    json_decref(root);
    free(clustered->known_text);
    clustered->known_text = memory_copy_text(object->value);
}

/* ---- who is known ---- */

static size_t find(const struct clustered *clustered, const char *name)
{
    size_t i = 0;
    while (i < clustered->known_count && strcmp(clustered->known[i].name, name) != 0) {
        i++;
    }
    return i;
}

bool clustered_knows(const struct clustered *clustered, const char *name)
{
    return find(clustered, name) < clustered->known_count;
}

static void take_out(struct clustered *clustered, size_t at)
{
    clustered->known_count--;
    memmove(&clustered->known[at], &clustered->known[at + 1],
            (clustered->known_count - at) * sizeof clustered->known[0]);
}

static void keep(struct clustered *clustered)
{
    char *text = write_all(clustered);
    bool is_same = clustered->known_text != NULL && strcmp(text, clustered->known_text) == 0;
    bool is_none = clustered->known_text == NULL && clustered->known_count == 0;
    if (is_same || is_none) {
        free(text);
        return;
    }
    const struct store_op op = {
        .kind = CLUSTER_KIND, .key = NODES_KEY, .value = text, .if_revision = STORE_ANY};
    durable_note(clustered->server->durable, &op, 1, "the nodes that are known");
    free(clustered->known_text);
    clustered->known_text = text;
}

void clustered_forget_known(struct clustered *clustered, const char *name)
{
    size_t at = find(clustered, name);
    if (at < clustered->known_count) {
        take_out(clustered, at);
        keep(clustered);
    }
}

void clustered_forget_all(struct clustered *clustered)
{
    if (clustered->known_count != 0) {
        clustered->known_count = 0;
        keep(clustered);
    }
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct clustered_known *)a)->name, ((const struct clustered_known *)b)->name);
}

static bool is_as(const struct clustered_known *known, const struct cluster_node *node)
{
    bool is = known->protocol == node->protocol && known->self.listen_count == node->self.listen_count &&
              memcmp(known->self.fingerprint, node->self.fingerprint, sizeof known->self.fingerprint) == 0;
    for (size_t i = 0; is && i < known->self.listen_count; i++) {
        is = known->self.listen[i].port == node->self.listen[i].port &&
             addr_equal(&known->self.listen[i].addr, &node->self.listen[i].addr);
    }
    return is;
}

/* Returns whether something is another than before. */
static bool take(struct clustered *clustered, const struct cluster_node *node)
{
    size_t at = find(clustered, node->name);
    if (!node->self.has_fingerprint || at == CLUSTER_NODES_MAX) {
        return false; /* it cannot come, and nobody can be sure of it */
    }
    if (at < clustered->known_count && is_as(&clustered->known[at], node)) {
        return false;
    }
    struct clustered_known *to = &clustered->known[at];
    clustered->known_count += at == clustered->known_count;
    *to =
        (struct clustered_known){.protocol = node->protocol,
                                 .self = {.listen_count = node->self.listen_count, .has_fingerprint = true}};
    memcpy(to->name, node->name, sizeof to->name);
    memcpy(to->self.listen, node->self.listen, sizeof to->self.listen);
    memcpy(to->self.fingerprint, node->self.fingerprint, sizeof to->self.fingerprint);
    return true;
}

/* A host that says it has another name now: nobody has this one any more, and what is shown is a node's that
 * is there. (Of hosts that show the same both are there.) */
static bool is_renamed(const struct clustered_known *known, const struct cluster_node *nodes, size_t count)
{
    bool is_shown = false;
    for (size_t i = 1; i < count; i++) {
        if (strcmp(nodes[i].name, known->name) == 0) {
            return false;
        }
        is_shown = is_shown || (nodes[i].self.has_fingerprint &&
                                memcmp(nodes[i].self.fingerprint, known->self.fingerprint,
                                       sizeof known->self.fingerprint) == 0);
    }
    return is_shown;
}

void clustered_follow_known(struct clustered *clustered, const struct cluster_node *nodes, size_t count)
{
    bool has_changed = false;
    for (size_t i = 1; i < count; i++) {
        has_changed = take(clustered, &nodes[i]) || has_changed;
    }
    for (size_t i = clustered->known_count; i-- > 0;) {
        if (is_renamed(&clustered->known[i], nodes, count)) {
            take_out(clustered, i);
            has_changed = true;
        }
    }
    if (has_changed) {
        qsort(clustered->known, clustered->known_count, sizeof clustered->known[0], compare);
        keep(clustered);
    }
}

/* Who runs says it in etcd; of the others it is known that they are nodes. */
size_t clustered_list_said(const struct clustered *clustered, struct rollout_node *nodes)
{
    const struct cluster_node *list;
    if (clustered == NULL || clustered->cluster == NULL) {
        return 0;
    }
    size_t count = cluster_list_nodes(clustered->cluster, &list), listed = count;
    for (size_t i = 0; i < listed; i++) {
        nodes[i] = (struct rollout_node){
            .name = list[i].name, .is_fresh = list[i].is_fresh, .bundle = &list[i].self.bundle};
    }
    for (size_t i = 0; i < clustered->known_count; i++) {
        size_t at = 0;
        while (at < listed && strcmp(list[at].name, clustered->known[i].name) != 0) {
            at++;
        }
        if (at == listed) {
            nodes[count++] = (struct rollout_node){.name = clustered->known[i].name};
        }
    }
    return count;
}

bool clustered_is_calm(const struct clustered *clustered)
{
    return clustered_rests(clustered);
}

void clustered_drop_known(struct clustered *clustered)
{
    clustered->known_count = 0;
    free(clustered->known_text);
    clustered->known_text = NULL;
}

int clustered_read_known(struct clustered *clustered)
{
    struct report *report = report_new();
    struct store_reader *reader;
    clustered_drop_known(clustered);
    int error = store_reader_open(clustered->folder, report, &reader);
    if (error == 0) {
        error = store_get(reader, CLUSTER_KIND, NODES_KEY, read_all, clustered);
        store_reader_close(reader);
    }
    report_free(report);
    return error == ERROR_NOT_FOUND ? 0 : error;
}

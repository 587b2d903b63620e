/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See doors.h. A certificate that cannot be used is a warning: the configuration says nothing wrong, a file
 * does, and neither answers nor the socket hang on it. */
#include "config.h"

#include "conf/doors.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/source.h"
#include "conf/doc.h"
#include "conf/secret.h"
#include "conf/server.h"
#include "conf/zones.h"
#include "tls/tls.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

/* Octets of a file, owned. */
struct material {
    char *bytes;
    size_t len;
};

static void wipe(struct material *material)
{
    if (material->bytes != NULL) {
        explicit_bzero(material->bytes, material->len);
        free(material->bytes);
        material->bytes = NULL;
    }
}

/* False: it is not given, or cannot be read, which was reported. No answer is made of it, so it is no source
 * of the configuration: copies of that have no key of ours. */
static bool read_material(const struct doc_node *door, const char *key, const struct conf_server *server,
                          struct material *material)
{
    struct doc_node node;
    struct file file;
    int code = 0;
    const char *path = doc_get_text(door, key);
    if (path == NULL || !doc_find(door, key, &node)) {
        return false;
    }
    path = zones_resolve_path(server, path);
    source_see(doc_get_report(door), path);
    material->bytes = file_read_all(path, FILE_MAX, &file, &material->len, &code);
    if (material->bytes == NULL) {
        doc_warning(&node, "the file %s cannot be read: %s", path, file.why);
        return false;
    }
    if (strcmp(key, "key") == 0) {
        secret_judge_mode(&node, path, file.mode, "a private key");
    }
    return true;
}

static struct tls_context *make_context(const struct doc_node *door, const struct tls_plan *plan)
{
    static const char *const keys[] = {
        [TLS_PART_NONE] = "certificate", [TLS_PART_CERTIFICATE] = "certificate", [TLS_PART_KEY] = "key"};
    struct doc_node node;
    enum tls_part part;
    char why[TLS_WHY_SIZE];
    struct tls_context *context = tls_context_new(plan, &part, why);
    if (context == NULL && doc_find(door, keys[part], &node)) {
        doc_warning(&node, "%s", why);
    }
    return context;
}

/* `ca` is empty where none is asked for. */
static struct tls_context *make_door(const struct doc_node *door, const struct material parts[2],
                                     const struct material *ca)
{
    struct doc_node node;
    char why[TLS_WHY_SIZE];
    struct tls_plan plan = {.use = TLS_USE_SERVER,
                            .certificate = {parts[0].bytes, parts[0].len},
                            .key = {parts[1].bytes, parts[1].len},
                            .partial_chain = true};
    struct tls_authorities *authorities =
        ca->bytes == NULL ? NULL : tls_authorities_new(ca->bytes, ca->len, why);
    if (ca->bytes != NULL && authorities == NULL) {
        if (doc_find(door, "client_ca", &node)) {
            doc_warning(&node, "%s", why);
        }
        return NULL;
    }
    plan.authorities = authorities;
    struct tls_context *context = make_context(door, &plan);
    tls_authorities_free(authorities);
    return context;
}

static struct tls_context *read_context(const struct doc_node *door, const struct conf_server *server)
{
    struct material parts[2] = {{NULL, 0}}, ca = {NULL, 0};
    struct doc_node node;
    struct tls_context *context = NULL;
    bool has_all = doc_require(door, "certificate", &node);
    has_all &= doc_require(door, "key", &node);
    if (has_all) {
        bool asks = doc_find(door, "client_ca", &node);
        bool good = read_material(door, "certificate", server, &parts[0]);
        good &= read_material(door, "key", server, &parts[1]);
        good &= !asks || read_material(door, "client_ca", server, &ca);
        context = good ? make_door(door, parts, &ca) : NULL;
    }
    wipe(&parts[0]);
    wipe(&parts[1]);
    wipe(&ca);
    return context;
}

static bool is_taken(const struct conf_server *server, const struct addr_port *at)
{
    for (size_t i = 0; i < server->door_count; i++) {
        if (addr_equal(&server->doors[i].at.addr, &at->addr) && server->doors[i].at.port == at->port) {
            return true;
        }
    }
    return false;
}

static void read_door(const struct doc_node *item, struct conf_server *server)
{
    static const char *const keys[] = {"address", "certificate", "key", "client_ca", NULL};
    struct conf_door door = {.context = NULL};
    struct doc_node address;
    if (!doc_check_object(item, keys) || !doc_require(item, "address", &address)) {
        return;
    }
    if (!doc_is_text(&address) || addr_parse_port(doc_text(&address), &door.at) != 0) {
        doc_error_expected(&address,
                           "an address and a port, such as \"192.0.2.1:8443\" or \"[2001:db8::1]:8443\"");
    } else if (is_taken(server, &door.at)) {
        doc_error(&address, "found %s twice", doc_text(&address));
    } else {
        bool is_past = report_get_root(doc_get_report(item)) != NULL; /* nobody listens there any more */
        door.context = is_past ? NULL : read_context(item, server);
        server->doors[server->door_count++] = door;
    }
}

static void check_roles(const struct doc_node *list, const struct conf_server *server)
{
    struct doc_node item = {0}, ca;
    while (doc_next(list, &item)) {
        if (doc_is_object(&item) && doc_find(&item, "client_ca", &ca) && !server->client_roles.is_given) {
            doc_warning(&ca, "found no \"client_roles\": no certificate will be worth anything");
        }
    }
}

void doors_read(const struct doc_node *admin, struct conf_server *server)
{
    struct doc_node list, item = {0};
    roles_read(admin, "client_roles", true, server->arena, &server->client_roles);
    if (!doc_find(admin, "listen", &list) ||
        !doc_check_array(&list, "an array of objects with \"address\", \"certificate\" and \"key\"")) {
        return;
    }
    if (doc_count(&list) > CONF_DOORS_MAX) {
        doc_error(&list, "found %zu addresses, expected at most %d", doc_count(&list), CONF_DOORS_MAX);
        return;
    }
    server->doors = arena_alloc(server->arena, CONF_DOORS_MAX * sizeof *server->doors);
    while (doc_next(&list, &item)) {
        read_door(&item, server);
    }
    check_roles(&list, server);
}

void doors_drop(struct conf_server *server)
{
    for (size_t i = 0; i < server->door_count; i++) {
        tls_context_drop(server->doors[i].context);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See taps.h. Nothing is opened here: who receives may come later. */
#include "config.h"

#include "conf/taps.h"

#include "base/arena.h"
#include "conf/zones.h"

#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { ONE_OF_MAX = 1000000000 };

static void read_sample(const struct doc_node *node, struct conf_sample *sample)
{
    static const uint32_t range[2] = {1, ONE_OF_MAX};
    static const char *const choices[] = {"query", "client", NULL};
    sample->one_of = doc_get_number(node, "sample", range, 1);
    sample->by_client = doc_get_choice(node, "sample_by", choices, 0) == 1;
}

/* ---- dnstap ---- */

static const char *read_text(const struct doc_node *node, const char *key, const char *otherwise, size_t max,
                             struct conf_server *server)
{
    struct doc_node member;
    if (!doc_find(node, key, &member)) {
        return otherwise;
    }
    const char *text = doc_text(&member);
    if (text == NULL || strlen(text) > max) {
        char expected[64];
        snprintf(expected, sizeof expected, "a string of at most %zu octets", max);
        doc_error_expected(&member, expected);
        return otherwise;
    }
    return arena_copy_text(server->arena, text);
}

/* As collectors know this server where nothing is said: by the name that it tells, or that of the machine. */
static const char *find_identity(struct conf_server *server)
{
    char name[CONF_IDENTITY_MAX + 1];
    if (server->identity != NULL) {
        return server->identity;
    }
    if (gethostname(name, sizeof name) == -1) {
        return "";
    }
    name[sizeof name - 1] = '\0';
    return arena_copy_text(server->arena, name);
}

static void read_path(const struct doc_node *node, const char *key, struct conf_server *server,
                      struct conf_dnstap *dnstap)
{
    struct doc_node member;
    size_t limit = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
    const char *path = doc_get_text(node, key);
    if (path == NULL) {
        return;
    }
    (void)doc_find(node, key, &member);
    dnstap->path = zones_resolve_path(server, path);
    if (dnstap->target == CONF_DNSTAP_SOCKET && strlen(dnstap->path) > limit) {
        doc_error(&member, "the path %s has %zu bytes, expected at most %zu for a unix socket", dnstap->path,
                  strlen(dnstap->path), limit);
    }
}

static void read_address(const struct doc_node *node, struct conf_dnstap *dnstap)
{
    struct doc_node member;
    (void)doc_find(node, "tcp", &member);
    const char *text = doc_text(&member);
    if (text == NULL || addr_parse_port(text, &dnstap->at) != 0 || dnstap->at.port == 0) {
        doc_error_expected(&member, "an address and a port, such as \"192.0.2.1:6000\"");
    }
}

static void read_target(const struct doc_node *node, struct conf_server *server, struct conf_dnstap *dnstap)
{
    static const char *const keys[] = {
        [CONF_DNSTAP_SOCKET] = "socket", [CONF_DNSTAP_TCP] = "tcp", [CONF_DNSTAP_FILE] = "file"};
    struct doc_node member;
    unsigned found = 0;
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (doc_find(node, keys[i], &member)) {
            dnstap->target = (enum conf_dnstap_target)i;
            found++;
        }
    }
    if (found != 1) {
        doc_error(node, "found %u of \"socket\", \"tcp\" and \"file\", expected one", found);
    } else if (dnstap->target == CONF_DNSTAP_TCP) {
        read_address(node, dnstap);
    } else {
        read_path(node, keys[dnstap->target], server, dnstap);
    }
}

static void read_dnstap(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"socket",   "tcp",      "file",    "sample", "sample_by",
                                       "messages", "identity", "version", NULL};
    static const char *const messages[] = {[CONF_DNSTAP_BOTH] = "both",
                                           [CONF_DNSTAP_QUERIES] = "queries",
                                           [CONF_DNSTAP_RESPONSES] = "responses",
                                           NULL};
    struct doc_node node;
    if (!doc_find(root, "dnstap", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    struct conf_dnstap *dnstap = arena_alloc(server->arena, sizeof *dnstap);
    read_sample(&node, &dnstap->sample);
    read_target(&node, server, dnstap);
    dnstap->messages =
        (enum conf_dnstap_messages)doc_get_choice(&node, "messages", messages, CONF_DNSTAP_BOTH);
    dnstap->identity = read_text(&node, "identity", NULL, CONF_IDENTITY_MAX, server);
    dnstap->version = read_text(&node, "version", PACKAGE_STRING, CONF_VERSION_MAX, server);
    if (dnstap->identity == NULL) {
        dnstap->identity = find_identity(server);
    }
    server->dnstap = dnstap;
}

/* ---- query log ---- */

static void read_query_log(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"sample", "sample_by", "format", "file", NULL};
    static const char *const formats[] = {"text", "json", NULL};
    struct doc_node node, format;
    if (!doc_find(root, "query_log", &node) || !doc_check_object(&node, keys)) {
        return;
    }
    struct conf_query_log *log = arena_alloc(server->arena, sizeof *log);
    const char *path = doc_get_text(&node, "file");
    read_sample(&node, &log->sample);
    log->is_json = doc_get_choice(&node, "format", formats, 0) == 1;
    log->path = path == NULL ? NULL : zones_resolve_path(server, path);
    if (path == NULL && doc_find(&node, "format", &format)) {
        doc_error_at_key(&format,
                         "found a format without \"file\": lines of the log have the format of the log");
    }
    server->query_log = log;
}

void taps_read(const struct doc_node *root, struct conf_server *server)
{
    read_dnstap(root, server);
    read_query_log(root, server);
}

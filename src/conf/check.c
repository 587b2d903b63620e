/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading a check. Host and path go into an HTTP request as they are, so what could break out of it is
 * refused (RFC 9110 section 7.2, RFC 9112 section 3.2). */
#include "config.h"

#include "conf/check.h"

#include "base/memory.h"
#include "conf/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTERVAL_DEFAULT_MS = 2000, TIMEOUT_DEFAULT_MS = 1000, FALL_DEFAULT = 3, RISE_DEFAULT = 2 };
enum { HOST_MAX_LEN = 255, PATH_MAX_LEN = 1024, POINTER_MAX_LEN = 255, OCTETS_MAX = 255 };

static const uint32_t interval_range_ms[2] = {50, 3600000};
static const uint32_t count_range[2] = {1, 100};
static const uint32_t port_range[2] = {1, 65535};
static const uint32_t status_range[2] = {100, 599};

static enum conf_check_type read_type(const struct doc_node *node)
{
    static const char *const types[] = {[CONF_CHECK_HTTP] = "http", [CONF_CHECK_TCP] = "tcp", NULL};
    static const char *const later[] = {"https", "dns", "icmp", "exec", "push", "grpc", NULL};
    struct doc_node type;
    if (!doc_require(node, "type", &type)) {
        return CONF_CHECK_HTTP;
    }
    for (size_t i = 0; doc_is_text(&type) && later[i] != NULL; i++) {
        if (strcmp(doc_text(&type), later[i]) == 0) {
            doc_error(&type, "a check of type \"%s\" is not supported yet, expected \"http\" or \"tcp\"",
                      later[i]);
            return CONF_CHECK_HTTP;
        }
    }
    return (enum conf_check_type)doc_get_choice(node, "type", types, CONF_CHECK_HTTP);
}

static void read_times(const struct doc_node *node, struct conf_check *check)
{
    size_t issues = doc_count_issues(node->doc);
    struct doc_node timeout;
    char found[VALUE_DURATION_SIZE], limit[VALUE_DURATION_SIZE];
    check->interval_ms = doc_get_duration_ms(node, "interval", interval_range_ms, INTERVAL_DEFAULT_MS);
    uint32_t otherwise = check->interval_ms < TIMEOUT_DEFAULT_MS ? check->interval_ms : TIMEOUT_DEFAULT_MS;
    check->timeout_ms = doc_get_duration_ms(node, "timeout", interval_range_ms, otherwise);
    if (issues == doc_count_issues(node->doc) && check->timeout_ms > check->interval_ms &&
        doc_find(node, "timeout", &timeout)) {
        doc_error(&timeout, "found a timeout of %s, expected at most the interval of %s",
                  value_write_duration(check->timeout_ms, found),
                  value_write_duration(check->interval_ms, limit));
    }
}

/* "status": 200 or [200, 399] */
static void read_status(const struct doc_node *node, struct conf_check *check)
{
    struct doc_node status, bound = {0};
    uint32_t bounds[2] = {200, 299};
    if (doc_find(node, "status", &status)) {
        if (!doc_is_array(&status)) {
            (void)doc_read_number(&status, status_range, &bounds[0]);
            bounds[1] = bounds[0];
        } else if (doc_count(&status) != 2) {
            doc_error(&status,
                      "found %zu numbers, expected one status or [lowest, highest], such as [200, 399]",
                      doc_count(&status));
        } else {
            bool good = true;
            while (doc_next(&status, &bound)) {
                good &= doc_read_number(&bound, status_range, &bounds[bound.ordinal]);
            }
            if (good && bounds[0] > bounds[1]) {
                doc_error(&status, "found [%u, %u], expected the lowest status first", bounds[0], bounds[1]);
            }
        }
    }
    check->status_low = (uint16_t)bounds[0];
    check->status_high = (uint16_t)bounds[1];
}

/* Visible ASCII and nothing else, at most max bytes. */
static bool is_visible(const char *text, size_t max)
{
    size_t len = 0;
    while (text[len] > ' ' && text[len] < 0x7f) {
        len++;
    }
    return len <= max && text[len] == '\0';
}

static bool is_host(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:[]";
    return text[strspn(text, allowed)] == '\0' && is_visible(text, HOST_MAX_LEN);
}

/* RFC 6901 section 3: tokens behind "/", in which "~" is only ever "~0" or "~1". */
static bool is_pointer(const char *text)
{
    if (text[0] != '/' || strlen(text) > POINTER_MAX_LEN) {
        return false;
    }
    const char *tilde = strchr(text, '~');
    while (tilde != NULL && (tilde[1] == '0' || tilde[1] == '1')) {
        tilde = strchr(tilde + 1, '~');
    }
    return tilde == NULL;
}

static void read_load(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    const char *load = doc_get_text(node, "load");
    struct doc_node member;
    if (load != NULL && !is_pointer(load)) {
        (void)doc_find(node, "load", &member);
        doc_error_expected(&member, "a JSON pointer to a number in the answer, such as \"/load\" or "
                                    "\"/status/cpu/0\"");
        return;
    }
    check->load = arena_copy_text(arena, load);
}

static void read_request(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct doc_node member;
    const char *host = doc_get_text(node, "host"), *path = doc_get_text(node, "path");
    if (host != NULL && !is_host(host)) {
        (void)doc_find(node, "host", &member);
        doc_error_expected(&member, "a host name or address, with \":port\" if it needs one");
    }
    if (path != NULL && (path[0] != '/' || !is_visible(path, PATH_MAX_LEN))) {
        (void)doc_find(node, "path", &member);
        doc_error_expected(
            &member, "a path that begins with \"/\" and holds visible ASCII only, up to 1024 characters");
    }
    read_load(node, arena, check);
    check->host = arena_copy_text(arena, host);
    check->path = arena_copy_text(arena, path != NULL ? path : "/");
    read_status(node, check);
}

static void refuse_keys(const struct doc_node *node, const char *const *keys, const char *type,
                        const char *other)
{
    struct doc_node member;
    for (size_t i = 0; keys[i] != NULL; i++) {
        if (doc_find(node, keys[i], &member)) {
            doc_error_at_key(&member, "\"%s\" has no meaning in a check of type \"%s\", only in \"%s\"",
                             keys[i], type, other);
        }
    }
}

static void refuse_tcp_keys(const struct doc_node *node)
{
    static const char *const keys[] = {"send", "expect", NULL};
    refuse_keys(node, keys, "http", "tcp");
}

static void refuse_http_keys(const struct doc_node *node)
{
    static const char *const keys[] = {"host", "path", "status", "load", NULL};
    refuse_keys(node, keys, "tcp", "http");
}

static const uint8_t *read_octets(const struct doc_node *node, const char *key, struct arena *arena,
                                  uint32_t *len)
{
    uint8_t octets[OCTETS_MAX];
    const char *text = doc_get_text(node, key);
    struct doc_node member;
    *len = 0;
    if (text == NULL) {
        return NULL;
    }
    ptrdiff_t count = value_parse_octets(text, octets, sizeof octets);
    if (count < 0) {
        (void)doc_find(node, key, &member);
        doc_error_expected(&member, "1 to 255 octets, in which \"\\\\xHH\" is any octet and \"\\\\\\\\\" a "
                                    "backslash (as JSON writes them)");
        return NULL;
    }
    *len = (uint32_t)count;
    return arena_copy(arena, octets, (size_t)count);
}

static void read_talk(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    struct doc_node send, expect;
    check->send = read_octets(node, "send", arena, &check->send_len);
    check->expect = read_octets(node, "expect", arena, &check->expect_len);
    if (check->send != NULL && !doc_find(node, "expect", &expect) && doc_find(node, "send", &send)) {
        doc_error_at_key(&send, "found \"send\" without \"expect\", expected both: that octets were taken "
                                "says no more than that the connection was");
    }
}

void check_read(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    static const char *const keys[] = {"type", "port",   "interval", "timeout", "fall",   "rise", "host",
                                       "path", "status", "load",     "send",    "expect", NULL};
    struct doc_node port;
    uint32_t number = 0;
    check->path = "/";
    if (!doc_check_object(node, keys)) {
        return;
    }
    check->type = read_type(node);
    if (doc_require(node, "port", &port) && doc_read_number(&port, port_range, &number)) {
        check->port = (uint16_t)number;
    }
    read_times(node, check);
    check->fall = (uint16_t)doc_get_number(node, "fall", count_range, FALL_DEFAULT);
    check->rise = (uint16_t)doc_get_number(node, "rise", count_range, RISE_DEFAULT);
    if (check->type == CONF_CHECK_TCP) {
        refuse_http_keys(node);
        read_talk(node, arena, check);
    } else {
        refuse_tcp_keys(node);
        read_request(node, arena, check);
    }
}

/* ---- advice ---- */

static bool is_bare(const struct conf_check *check)
{
    return check->type == CONF_CHECK_TCP && check->expect == NULL;
}

static bool has_bare_only(const struct conf_topology *topology, const struct conf_endpoint *endpoint)
{
    size_t i = 0;
    while (i < endpoint->check_count && is_bare(&topology->checks[endpoint->checks[i]])) {
        i++;
    }
    return i == endpoint->check_count;
}

void check_warn_of_bare(const struct conf_topology *topology, const struct doc_node *root)
{
    struct doc_node checks, node = {0};
    size_t *counts = memory_alloc_array(topology->check_count, sizeof *counts);
    const char **first = memory_alloc_array(topology->check_count, sizeof(const char *));
    for (size_t i = topology->endpoint_count; i-- > 0;) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        for (size_t j = 0; j < endpoint->check_count && has_bare_only(topology, endpoint); j++) {
            counts[endpoint->checks[j]]++;
            first[endpoint->checks[j]] = endpoint->name;
        }
    }
    bool has_checks = doc_find(root, "checks", &checks) && doc_is_object(&checks);
    for (size_t i = 0; i < topology->check_count && has_checks && doc_next(&checks, &node); i++) {
        if (counts[i] != 0) {
            char more[40] = "";
            if (counts[i] > 1) {
                snprintf(more, sizeof more, " (and %zu more)", counts[i] - 1);
            }
            doc_warning(
                &node,
                "endpoint \"%.100s\"%s has no other kind of check than this one, which does not see a "
                "process that is stopped or hangs: the kernel accepts connections for it; give it "
                "\"expect\" (and \"send\"), or use type \"http\"",
                first[i], more);
        }
    }
    free(first);
    free(counts);
}

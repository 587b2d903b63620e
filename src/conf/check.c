/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading a check: what all kinds have, and what tcp says; http and tls are in files of their own. */
#include "config.h"

#include "conf/check.h"

#include "base/memory.h"
#include "conf/check_dns.h"
#include "conf/check_exec.h"
#include "conf/check_file.h"
#include "conf/check_grpc.h"
#include "conf/check_http.h"
#include "conf/check_icmp.h"
#include "conf/check_lag.h"
#include "conf/check_tls.h"
#include "conf/value.h"
#include "conf/vantages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTERVAL_DEFAULT_MS = 2000, TIMEOUT_DEFAULT_MS = 1000, FALL_DEFAULT = 3, RISE_DEFAULT = 2 };
enum { TTL_DEFAULT_MS = 30000 };
enum { OCTETS_MAX = 255, DNS_PORT = 53 };

static const uint32_t interval_range_ms[2] = {50, 3600000};
static const uint32_t ttl_range_ms[2] = {1000, 86400000};
static const uint32_t count_range[2] = {1, 100};
static const uint32_t port_range[2] = {1, 65535};

#define KIND(type) (1u << (type))
#define HTTP       (KIND(CONF_CHECK_HTTP) | KIND(CONF_CHECK_HTTPS))
#define TCP        KIND(CONF_CHECK_TCP)
#define PUSH       KIND(CONF_CHECK_PUSH)
#define ICMP       KIND(CONF_CHECK_ICMP)
#define GRPC       KIND(CONF_CHECK_GRPC)
#define ALL        (~0u)
#define EXEC       KIND(CONF_CHECK_EXEC)
#define FILES      KIND(CONF_CHECK_FILE)
#define MADE       (ALL & ~PUSH)   /* by us */
#define ASKS       (MADE & ~FILES) /* somebody, who may take his time */
#define ANYWHERE   (ASKS & ~EXEC)  /* by vantages, too */

static const char *const types[] = {[CONF_CHECK_HTTP] = "http",   [CONF_CHECK_TCP] = "tcp",
                                    [CONF_CHECK_HTTPS] = "https", [CONF_CHECK_PUSH] = "push",
                                    [CONF_CHECK_DNS] = "dns",     [CONF_CHECK_ICMP] = "icmp",
                                    [CONF_CHECK_GRPC] = "grpc",   [CONF_CHECK_EXEC] = "exec",
                                    [CONF_CHECK_FILE] = "file",   NULL};

/* Which kinds have it. */
static const struct {
    const char *key;
    unsigned kinds;
} keys[] = {
    {"type", ALL},
    {"port", ASKS & ~ICMP},
    {"interval", MADE},
    {"timeout", ASKS},
    {"recheck", MADE},
    {"back_off", ASKS},
    {"fall", ALL},
    {"rise", ALL},
    {"window", ALL},
    {"hold_down", ALL},
    {"flap", ALL},
    {"host", HTTP | GRPC},
    {"path", HTTP},
    {"status", HTTP},
    {"load", HTTP},
    {"lag", HTTP | EXEC | FILES},
    {"method", HTTP},
    {"headers", HTTP | GRPC},
    {"max_body", HTTP},
    {"tls", KIND(CONF_CHECK_HTTPS) | GRPC},
    {"send", HTTP | TCP},
    {"expect", HTTP | TCP},
    {"json", HTTP},
    {"expect_regex", HTTP},
    {"keep_alive", HTTP | GRPC},
    {"proxy", HTTP | TCP | GRPC},
    {"ttl", PUSH},
    {"absent", PUSH | FILES},
    {"query", KIND(CONF_CHECK_DNS)},
    {"rcode", KIND(CONF_CHECK_DNS)},
    {"answer", KIND(CONF_CHECK_DNS)},
    {"transport", KIND(CONF_CHECK_DNS)},
    {"recursion", KIND(CONF_CHECK_DNS)},
    {"edns", KIND(CONF_CHECK_DNS)},
    {"packets", ICMP},
    {"spacing", ICMP},
    {"loss", ICMP},
    {"rtt", ICMP},
    {"quorum", ANYWHERE},
    {"at_least", ANYWHERE},
    {"vantages", ANYWHERE},
    {"service", GRPC},
    {"stale", MADE},
    {"command", EXEC},
    {"environment", EXEC},
    {"output_max", EXEC},
    {"warning", EXEC},
    {"unknown", EXEC},
    {"file", FILES},
    {"format", FILES},
    {"key", FILES},
    {"max_age", FILES},
};
enum { KEYS = sizeof keys / sizeof *keys, TYPES = sizeof types / sizeof *types - 1 };
#define ALL_TYPES (KIND(TYPES) - 1)

const char *conf_check_type_text(enum conf_check_type type)
{
    return types[type];
}

enum { LIST_SIZE = 160 };

/* "http" and "https" */
static const char *list_types(unsigned kinds, const char *before_last, char text[LIST_SIZE])
{
    size_t used = 0;
    for (unsigned i = 0; i < TYPES; i++) {
        unsigned behind = (kinds & ALL_TYPES) >> i >> 1;
        if ((kinds >> i & 1) != 0) {
            used += (size_t)snprintf(text + used, LIST_SIZE - used, "%s\"%s\"",
                                     used == 0     ? ""
                                     : behind == 0 ? before_last
                                                   : ", ",
                                     types[i]);
        }
    }
    return text;
}

static enum conf_check_type read_type(const struct doc_node *node)
{
    struct doc_node type;
    return doc_require(node, "type", &type)
               ? (enum conf_check_type)doc_get_choice(node, "type", types, CONF_CHECK_HTTP)
               : CONF_CHECK_HTTP;
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

/* Default: ten intervals, but not less than a minute, nor than three of the longest ones. */
static void read_stale(const struct doc_node *node, struct conf_check *check)
{
    enum { INTERVALS = 10, LEAST_MS = 60000, LONG_ONES = 3 };
    static const uint32_t range_ms[2] = {1000, 7 * 24 * 3600 * 1000};
    uint32_t otherwise = INTERVALS * check->interval_ms;
    otherwise = otherwise < LEAST_MS ? LEAST_MS : otherwise;
    otherwise = otherwise < LONG_ONES * check->back_off_ms ? LONG_ONES * check->back_off_ms : otherwise;
    check->stale_ms = doc_get_duration_ms(node, "stale", range_ms, otherwise);
}

/* Other intervals: a shorter one while a verdict hangs, a longer one while nothing comes back. */
static void read_paces(const struct doc_node *node, struct conf_check *check)
{
    struct doc_node recheck, back_off;
    char found[VALUE_DURATION_SIZE], limit[VALUE_DURATION_SIZE];
    check->recheck_ms = doc_get_duration_ms(node, "recheck", interval_range_ms, 0);
    check->back_off_ms = doc_get_duration_ms(node, "back_off", interval_range_ms, 0);
    if (check->recheck_ms > check->interval_ms && doc_find(node, "recheck", &recheck)) {
        doc_error(&recheck, "found %s, expected at most the interval of %s",
                  value_write_duration(check->recheck_ms, found),
                  value_write_duration(check->interval_ms, limit));
    }
    if (check->back_off_ms != 0 && check->back_off_ms < check->interval_ms &&
        doc_find(node, "back_off", &back_off)) {
        doc_error(&back_off, "found %s, expected at least the interval of %s",
                  value_write_duration(check->back_off_ms, found),
                  value_write_duration(check->interval_ms, limit));
    }
}

static void refuse_keys_of_others(const struct doc_node *node, enum conf_check_type type)
{
    struct doc_node member;
    char others[LIST_SIZE];
    for (size_t i = 0; i < KEYS; i++) {
        if ((keys[i].kinds >> type & 1) == 0 && doc_find(node, keys[i].key, &member)) {
            doc_error_at_key(&member, "\"%s\" has no meaning in a check of type \"%s\", only in %s",
                             keys[i].key, types[type], list_types(keys[i].kinds, " and ", others));
        }
    }
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

static void read_talk(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check)
{
    check->send = read_octets(node, "send", topology->arena, &check->send_len);
    check->expect = read_octets(node, "expect", topology->arena, &check->expect_len);
}

static void read_proxy(const struct doc_node *node, struct conf_check *check)
{
    static const char *const versions[] = {"v1", "v2", NULL};
    struct doc_node proxy;
    if (doc_find(node, "proxy", &proxy)) {
        check->proxy = (uint8_t)(1 + doc_get_choice(node, "proxy", versions, 0));
    }
}

static void check_talk(const struct doc_node *node, const struct conf_check *check)
{
    struct doc_node send, expect;
    if (check->send != NULL && !doc_find(node, "expect", &expect) && doc_find(node, "send", &send)) {
        doc_error_at_key(&send, "found \"send\" without \"expect\", expected both: that octets were taken "
                                "says no more than that the connection was");
    }
}

/* Each report is a verdict, and so is one time without. */
static void read_push(const struct doc_node *node, struct conf_check *check)
{
    static const char *const absents[] = {"unknown", "down", NULL};
    refuse_keys_of_others(node, check->type);
    check->ttl_ms = doc_get_duration_ms(node, "ttl", ttl_range_ms, TTL_DEFAULT_MS);
    check->absent_fails = doc_get_choice(node, "absent", absents, 0) == 1;
    check->interval_ms = check->ttl_ms;
    check->fall = (uint16_t)doc_get_number(node, "fall", count_range, 1);
    check->rise = (uint16_t)doc_get_number(node, "rise", count_range, 1);
    window_read(node, &check->window);
    stay_read(node, &check->stay);
}

static void read_kind(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check)
{
    refuse_keys_of_others(node, check->type);
    read_talk(node, topology, check);
    read_proxy(node, check);
    switch (check->type) {
    case CONF_CHECK_TCP: check_talk(node, check); break;
    case CONF_CHECK_DNS: check_dns_read(node, topology->arena, check); break;
    case CONF_CHECK_GRPC: check_grpc_read(node, topology, check); break;
    case CONF_CHECK_EXEC:
        check_exec_read(node, topology->arena, check);
        check_lag_read(node, topology->arena, check);
        break;
    case CONF_CHECK_FILE:
        check_file_read(node, topology, check);
        check_lag_read(node, topology->arena, check);
        break;
    case CONF_CHECK_HTTP: check_http_read(node, topology->arena, check); break;
    case CONF_CHECK_HTTPS:
        check_http_read(node, topology->arena, check);
        check_tls_read(node, topology, check);
        break;
    case CONF_CHECK_ICMP: check_icmp_read(node, topology->arena, check); break;
    case CONF_CHECK_PUSH: break;
    }
}

static void read_port(const struct doc_node *node, struct conf_check *check)
{
    struct doc_node port;
    uint32_t number = check->type == CONF_CHECK_DNS ? DNS_PORT : 0;
    bool is_optional = number != 0 || check->type == CONF_CHECK_EXEC;
    if (check->type == CONF_CHECK_ICMP || check->type == CONF_CHECK_FILE) {
        return;
    }
    if (is_optional ? doc_find(node, "port", &port) : doc_require(node, "port", &port)) {
        (void)doc_read_number(&port, port_range, &number);
    }
    check->port = (uint16_t)number;
}

static const char *keep_definition(const struct doc_node *node, struct arena *arena)
{
    struct buffer text;
    buffer_init(&text);
    doc_dump(node, &text);
    const char *kept = arena_copy_text(arena, text.bytes);
    buffer_fini(&text);
    return kept;
}

void check_read(const struct doc_node *node, struct conf_topology *topology, struct conf_check *check)
{
    const char *known[KEYS + 1] = {NULL};
    for (size_t i = 0; i < KEYS; i++) {
        known[i] = keys[i].key;
    }
    check->path = "/";
    if (!doc_check_object(node, known)) {
        return;
    }
    check->definition = keep_definition(node, topology->arena);
    check->type = read_type(node);
    if (check->type == CONF_CHECK_PUSH) {
        read_push(node, check);
        return;
    }
    read_port(node, check);
    read_times(node, check);
    read_paces(node, check);
    read_stale(node, check);
    bool is_told = check->type == CONF_CHECK_FILE; /* a verdict, by somebody else */
    check->fall = (uint16_t)doc_get_number(node, "fall", count_range, is_told ? 1 : FALL_DEFAULT);
    check->rise = (uint16_t)doc_get_number(node, "rise", count_range, is_told ? 1 : RISE_DEFAULT);
    window_read(node, &check->window);
    stay_read(node, &check->stay);
    quorum_read(node, topology->arena, &check->quorum);
    read_kind(node, topology, check);
}

/* ---- advice ---- */

static bool is_bare(const struct conf_check *check)
{
    return check->type == CONF_CHECK_ICMP || (check->type == CONF_CHECK_TCP && check->expect == NULL);
}

static const char *advise(const struct conf_check *bare)
{
    return bare->type == CONF_CHECK_ICMP
               ? "replies to pings for it; have a check of another type, too"
               : "accepts connections for it; give it \"expect\" (and \"send\"), or use type \"http\"";
}

static bool has_bare_only(const struct conf_topology *topology, const struct conf_endpoint *endpoint)
{
    size_t i = 0;
    while (i < endpoint->check_count && is_bare(&topology->checks[endpoint->uses[i].check])) {
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
            counts[endpoint->uses[j].check]++;
            first[endpoint->uses[j].check] = endpoint->name;
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
                "process that is stopped or hangs: the kernel %s",
                first[i], more, advise(&topology->checks[i]));
        }
    }
    free(first);
    free(counts);
}

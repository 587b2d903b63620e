/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading limits. Rates become what base/limiter.h wants, prefix lengths become masks, so that nothing is
 * left to compute for a query. */
#include "config.h"

#include "conf/limits.h"

#include "base/arena.h"
#include "conf/access.h"

#include <endian.h>

enum {
    RATE_MAX = 100000,
    RATE_DEFAULT = 200,
    SLIP_MAX = 10,
    SLIP_DEFAULT = 2,
    BURST_MS = 1000,
    BURST_MAX_MS = 60000,
    IPV4_PREFIX = 24,
    IPV6_PREFIX = 56,
    TABLE_MIN = 1024,
    TABLE_MAX = 1 << 26,
    TABLE_DEFAULT = 1 << 18,
    AMPLIFICATION_MAX = 100,
    CLIENTS_MAX = 1 << 20,
    CLIENTS_DEFAULT = 10000,
    CLIENTS_PER_ADDRESS = 100,
    IDLE_MS = 10000,
    IDLE_MIN_MS = 100,
    IDLE_MAX_MS = 3600000,
    CHECKS_MAX = 1000000,
    COMMANDS_MAX = 1000,
};

/* ---- rrl ---- */

static bool read_bool(const struct doc_node *object, const char *key)
{
    struct doc_node node;
    if (!doc_find(object, key, &node)) {
        return false;
    }
    bool value = doc_is_bool(&node, true);
    if (!value && !doc_is_bool(&node, false)) {
        doc_error_expected(&node, "true or false");
    }
    return value;
}

static void set_rate(struct conf_rrl *rrl, unsigned kind, uint32_t per_second)
{
    rrl->rates[kind].interval_us = per_second == 0 ? 0 : (1000000 + per_second - 1) / per_second;
}

static void read_rates(const struct doc_node *object, struct conf_rrl *rrl)
{
    static const char *const kinds[] = {[CONF_RRL_POSITIVE] = "positive",
                                        [CONF_RRL_NODATA] = "nodata",
                                        [CONF_RRL_NXDOMAIN] = "nxdomain",
                                        [CONF_RRL_REFERRAL] = "referral",
                                        [CONF_RRL_ERROR] = "error",
                                        [CONF_RRL_ALL] = "all",
                                        NULL};
    static const uint32_t rate_range[2] = {1, RATE_MAX}, kind_range[2] = {0, RATE_MAX};
    uint32_t rate = doc_get_number(object, "rate", rate_range, RATE_DEFAULT);
    struct doc_node rates;
    bool given = doc_find(object, "rates", &rates) && doc_check_object(&rates, kinds);
    for (unsigned kind = 0; kind < CONF_RRL_KINDS; kind++) {
        uint32_t otherwise = kind == CONF_RRL_ALL ? 0 : rate;
        set_rate(rrl, kind, given ? doc_get_number(&rates, kinds[kind], kind_range, otherwise) : otherwise);
    }
}

static void read_prefixes(const struct doc_node *object, struct conf_rrl *rrl)
{
    static const uint32_t v4_range[2] = {1, 32}, v6_range[2] = {1, 64};
    rrl->ipv4_prefix = (uint8_t)doc_get_number(object, "ipv4_prefix", v4_range, IPV4_PREFIX);
    rrl->ipv6_prefix = (uint8_t)doc_get_number(object, "ipv6_prefix", v6_range, IPV6_PREFIX);
    rrl->ipv4_mask = htobe32(UINT32_MAX << (32 - rrl->ipv4_prefix));
    rrl->ipv6_mask = htobe64(UINT64_MAX << (64 - rrl->ipv6_prefix));
}

static void read_rrl(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"rate",        "rates",  "burst",      "slip",     "ipv4_prefix",
                                       "ipv6_prefix", "exempt", "table_size", "log_only", NULL};
    static const uint32_t burst_range[2] = {BURST_MS, BURST_MAX_MS}, slip_range[2] = {0, SLIP_MAX},
                          table_range[2] = {TABLE_MIN, TABLE_MAX};
    struct doc_node object;
    if (!doc_find(root, "rrl", &object) || !doc_check_object(&object, keys)) {
        return;
    }
    struct conf_rrl *rrl = arena_alloc(server->arena, sizeof *rrl);
    uint32_t burst_ms = doc_get_duration_ms(&object, "burst", burst_range, BURST_MS);
    uint32_t slip = doc_get_number(&object, "slip", slip_range, SLIP_DEFAULT);
    for (unsigned kind = 0; kind < CONF_RRL_KINDS; kind++) {
        rrl->rates[kind].depth_us = burst_ms * 1000;
        rrl->rates[kind].slip = (uint8_t)slip;
    }
    read_rates(&object, rrl);
    read_prefixes(&object, rrl);
    rrl->exempt = access_read(&object, "exempt", server->arena);
    rrl->table_size = doc_get_number(&object, "table_size", table_range, TABLE_DEFAULT);
    rrl->log_only = read_bool(&object, "log_only");
    server->rrl = rrl;
}

/* ---- tcp ---- */

static void read_tcp(const struct doc_node *root, struct conf_tcp *tcp)
{
    static const char *const keys[] = {"clients", "clients_per_address", "ipv4_prefix", "ipv6_prefix", "idle",
                                       NULL};
    static const uint32_t clients_range[2] = {1, CLIENTS_MAX}, each_range[2] = {0, CLIENTS_MAX},
                          v4_range[2] = {1, 32}, v6_range[2] = {1, 128},
                          idle_range[2] = {IDLE_MIN_MS, IDLE_MAX_MS};
    struct doc_node object;
    *tcp = (struct conf_tcp){.clients = CLIENTS_DEFAULT,
                             .clients_per_address = CLIENTS_PER_ADDRESS,
                             .ipv4_prefix = 32,
                             .ipv6_prefix = 64,
                             .idle_ms = IDLE_MS};
    if (doc_find(root, "tcp", &object) && doc_check_object(&object, keys)) {
        tcp->clients = doc_get_number(&object, "clients", clients_range, tcp->clients);
        tcp->clients_per_address =
            doc_get_number(&object, "clients_per_address", each_range, tcp->clients_per_address);
        tcp->ipv4_prefix = (uint8_t)doc_get_number(&object, "ipv4_prefix", v4_range, tcp->ipv4_prefix);
        tcp->ipv6_prefix = (uint8_t)doc_get_number(&object, "ipv6_prefix", v6_range, tcp->ipv6_prefix);
        tcp->idle_ms = doc_get_duration_ms(&object, "idle", idle_range, tcp->idle_ms);
    }
}

/* ---- probe ---- */

static void read_probe(const struct doc_node *root, struct conf_probe *probe)
{
    static const char *const keys[] = {"in_flight", "per_address", "per_second", "commands", NULL};
    static const uint32_t range[2] = {1, CHECKS_MAX}, commands_range[2] = {1, COMMANDS_MAX};
    struct doc_node object;
    if (doc_find(root, "probe", &object) && doc_check_object(&object, keys)) {
        probe->in_flight = doc_get_number(&object, "in_flight", range, 0);
        probe->per_address = doc_get_number(&object, "per_address", range, 0);
        probe->per_second = doc_get_number(&object, "per_second", range, 0);
        probe->commands = doc_get_number(&object, "commands", commands_range, 0);
    }
}

void limits_read(const struct doc_node *root, struct conf_server *server)
{
    static const uint32_t amplification_range[2] = {1, AMPLIFICATION_MAX};
    read_rrl(root, server);
    server->amplification = doc_get_number(root, "amplification", amplification_range, 0);
    read_tcp(root, &server->tcp);
    read_probe(root, &server->probe);
}

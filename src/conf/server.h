/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerd.json as a checked struct: listen addresses, threads, zones, topology, state, admin, geo, log,
 * identity, version, cookies, and what goes into answers.
 * Plain data in one arena; immutable after loading. Relative paths were made relative to the folder of the
 * file. */
#pragma once

#include "base/acl.h"
#include "base/addr.h"
#include "base/log.h"
#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What holds for one zone beside its data. */
struct conf_zone_options {
    const struct acl *allow_query; /* NULL: everybody */
};

/* One zone to load. */
struct conf_zone_source {
    const struct conf_zone_options *options; /* never NULL; zones may share it */
    const char *origin;      /* presentation form, absolute, lower case, such as "example.com." or "." */
    const char *zone_path;   /* master file */
    const char *policy_path; /* policy document; NULL if the zone has none */
};

enum { CONF_SECRET_SIZE = 16, CONF_SECRETS_MAX = 8, CONF_IDENTITY_MAX = 128, CONF_VERSION_MAX = 128 };

struct conf_server {
    const char *path; /* of the document, for messages */
    struct addr_port *listen;
    size_t listen_count; /* at least 1 */
    unsigned threads;    /* DNS threads per listen address and transport, 1..64; default 1 */
    unsigned edns_size;  /* largest UDP answer, 512..4096; default 1232 */
    struct conf_zone_source *zones;
    size_t zone_count;
    const char *topology_path;  /* NULL: no topology, no steering */
    const char *state_path;     /* folder; NULL if not given */
    const char *admin_socket;   /* NULL: no admin */
    unsigned admin_socket_mode; /* default 0600 */
    const char **geo_paths;     /* MMDB files in order of preference */
    size_t geo_count;
    enum log_level log_level; /* default info */
    const char *identity;     /* NSID, id.server: 1..CONF_IDENTITY_MAX octets; NULL: not told */
    const char *version;    /* version.bind: up to CONF_VERSION_MAX octets, default "steerd"; "": not told */
    bool has_cookies;       /* default true */
    bool minimal_responses; /* additional data in referrals only; default false */
    bool rotate;            /* the records of static RRsets; default false */
    bool extended_errors;   /* RFC 8914; default true */
    uint8_t (*secrets)[CONF_SECRET_SIZE]; /* of cookies; the first one makes, all verify */
    size_t secret_count;                  /* 0: a random one */
    struct arena *arena;                  /* owns all of it */
};

/* Load and check. All errors go to the report. Returns owned, or NULL if there was any error.
 * "zones" given as a folder is listed here: every NAME.zone becomes a zone (%XX escapes in NAME are decoded,
 * "%2E.zone" is the root), NAME.json beside it is its policy; a policy without a zone file is an error. */
struct conf_server *conf_load_server(const char *path, struct report *report);
void conf_free_server(struct conf_server *server); /* NULL is fine */

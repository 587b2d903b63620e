/* SPDX-License-Identifier: BSD-3-Clause
 *
 * steerd.json as a checked struct: listen addresses, threads, zones, topology, state, admin, geo, log,
 * identity, version, cookies, limits, keys, zone options, and what goes into answers.
 * Plain data in one arena; immutable after loading. Relative paths were made relative to the folder of the
 * file. */
#pragma once

#include "base/acl.h"
#include "base/addr.h"
#include "base/limiter.h"
#include "base/log.h"
#include "base/report.h"
#include "conf/cluster.h"
#include "conf/doors.h"
#include "conf/drills.h"
#include "conf/quorum.h"
#include "conf/roles.h"
#include "conf/withdraw.h"
#include "dns/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key that messages are signed with (RFC 8945). */
struct conf_key {
    const char *name;    /* presentation form, absolute, lower case */
    const uint8_t *wire; /* the same, at most DNS_TSIG_KEY_NAME_MAX octets */
    enum dns_tsig_algorithm algorithm;
    const uint8_t *secret; /* never to be shown */
    size_t secret_len;
};

enum { CONF_NO_KEY = -1 };

/* Who may copy a zone: the first entry that holds the address and asks for no other key than the one that the
 * request is signed with decides. */
struct conf_transfer_peer {
    struct addr_prefix prefix;
    int key; /* index in keys; CONF_NO_KEY: none is asked for */
    bool deny;
};

/* Who is told that a zone changed. */
struct conf_secondary {
    struct addr_port at;
    int key; /* signs what is sent; CONF_NO_KEY: nothing does */
};

/* Whose number the SOA carries (RFC 1982). */
enum conf_serial {
    CONF_SERIAL_FILE, /* the zone file's */
    CONF_SERIAL_AUTO, /* raised with every change; never behind the file's and the Unix time of the change */
    CONF_SERIAL_UNIXTIME, /* the Unix time of the change */
};

/* What holds for one zone beside its data. */
struct conf_zone_options {
    const struct acl *allow_query; /* NULL: everybody */
    const struct conf_transfer_peer *transfer_to;
    size_t transfer_to_count; /* 0: nobody */
    const struct conf_secondary *notify;
    size_t notify_count;
    bool renders_steered; /* copies hold steered names as they are answered now; else as in the zone file */
    bool has_serial;      /* serial was given */
    enum conf_serial serial;
};

/* What becomes of the client subnet option of queries (RFC 7871). */
enum conf_subnets {
    CONF_SUBNETS_USE,    /* it tells where clients are */
    CONF_SUBNETS_IGNORE, /* it does not: answers are good for every subnet */
    CONF_SUBNETS_OFF,    /* as if it were unknown: no answer has it */
};

/* What holds for one listen address. */
struct conf_listener {
    const struct acl *allow;   /* who may ask; NULL: everybody */
    const struct acl *proxies; /* who says by the PROXY protocol whom it asks for; NULL: nobody */
    enum conf_subnets subnets;
};

/* One zone to load. */
struct conf_zone_source {
    const struct conf_zone_options *options; /* never NULL; zones may share it */
    const char *origin;      /* presentation form, absolute, lower case, such as "example.com." or "." */
    const char *zone_path;   /* master file */
    const char *policy_path; /* policy document; NULL if the zone has none */
};

/* What a UDP answer is, for response-rate limiting. */
enum conf_rrl_kind {
    CONF_RRL_POSITIVE, /* identical: the same name and type, or the same wildcard or DNAME */
    CONF_RRL_NODATA,   /* the same name */
    CONF_RRL_NXDOMAIN, /* the same zone */
    CONF_RRL_REFERRAL, /* the same delegation */
    CONF_RRL_ERROR,    /* any other rcode */
    CONF_RRL_ALL,      /* any of these together, counted beside them */
    CONF_RRL_KINDS
};

struct conf_rrl {
    struct limiter_rate rates[CONF_RRL_KINDS];
    uint8_t ipv4_prefix, ipv6_prefix; /* 1..32, 1..64: who shares a rate */
    uint32_t ipv4_mask;               /* network order, over sin_addr */
    uint64_t ipv6_mask;               /* network order, over the first half of sin6_addr */
    const struct acl *exempt;         /* NULL: nobody */
    size_t table_size;
    bool log_only; /* count and log, but answer */
};

/* When a UDP query with a client cookie has to bring a good server cookie too (RFC 7873 section 5.2.3). */
enum conf_cookies_require {
    CONF_COOKIES_NEVER,
    CONF_COOKIES_LIMITED, /* when its answer is over a rate limit: BADCOOKIE where else TC would be sent */
    CONF_COOKIES_ALWAYS,
};

/* What SIGHUP does. */
enum conf_hangup {
    CONF_HANGUP_RELOAD,
    CONF_HANGUP_UPGRADE, /* if another program has been installed, that takes over; else reload */
};

struct conf_tcp {
    uint32_t clients;                 /* connections in all, at least 1 */
    uint32_t clients_per_address;     /* of one prefix; 0: no limit of their own */
    uint8_t ipv4_prefix, ipv6_prefix; /* 1..32, 1..128 */
    uint32_t idle_ms;
};

/* Of health checks: what is over starts later; 0: no limit, but for that of open files. */
struct conf_probe {
    uint32_t in_flight, per_address, per_second;
    uint32_t commands; /* 0: 64 */
};

/* Whose word documents are: the topology, and policies. */
enum conf_owner {
    CONF_OWNER_FILES, /* that of the files */
    CONF_OWNER_API,   /* that of the store, which the admin API changes; files are taken over once */
};

/* Recovery points: when they are made, and which are kept. */
struct conf_points {
    uint32_t every_ms;    /* 0: none by themselves; default 1 h */
    uint32_t keep_count;  /* at least 1; default 24 */
    uint32_t keep_days;   /* younger ones are kept, too; default 0 */
    uint64_t health_size; /* octets of past health that are kept beside them, at most; default 256 MiB */
};

enum { CONF_SECRET_SIZE = 16, CONF_SECRETS_MAX = 8, CONF_IDENTITY_MAX = 128, CONF_VERSION_MAX = 128 };

struct conf_webhook;
struct conf_hook;
struct source_tree;
struct conf_dnstap;
struct conf_query_log;

/* What the process takes away from itself. */
struct conf_confine {
    const char *user;       /* whom it becomes; NULL: it stays who started it */
    bool dns_threads;       /* they may only answer, and no memory becomes executable; default true */
    bool no_new_privileges; /* programs that it starts get no more than it has; default true */
    bool files;             /* it writes in its own folders only; default true */
    const char **write;     /* further folders that are its own */
    size_t write_count;
};

struct conf_server {
    const char *path; /* of the document, for messages */
    struct addr_port *listen;
    struct conf_listener *listeners; /* for each of them */
    size_t listen_count;             /* at least 1 */
    unsigned threads;                /* DNS threads per listen address and transport, 1..64; default 1 */
    unsigned load_threads;           /* that read zones at once, 1..64; 0: as many as there are processors */
    size_t load_memory;              /* octets that a load may take; 0: most of what there is */
    struct conf_confine confine;
    uint32_t start_wait_ms;  /* at most for the first checks, before the first answer; default 2 s */
    uint32_t last_health_ms; /* what is known of health outlives the process by so much; 0: not at all;
                                default 1 h */
    enum conf_hangup hangup;
    enum conf_owner owner;   /* of documents; default the files */
    bool has_no_commands;    /* "commands": "never": a configuration with one is an error */
    bool keep_configuration; /* copies of what serves stay in the state folder; default true */
    struct conf_points points;
    struct conf_drills drills;
    unsigned edns_size; /* largest UDP answer, 512..4096; default 1232 */
    struct conf_zone_source *zones;
    size_t zone_count;
    const struct conf_zone_options *zone_defaults; /* of zones that do not have their own */
    const char *topology_path;                     /* NULL: no topology, no steering */
    const char **topology_paths;                   /* all of its files, that one first */
    size_t topology_count;
    const struct source_tree *tree; /* of the bundle that stands for the folder of the document; NULL: none */
    bool is_bare;                   /* it is to be that of a bundle, and there is none yet */
    const char *state_path;         /* folder; NULL if not given */
    const char *admin_socket;       /* NULL: no admin */
    unsigned admin_socket_mode;     /* default 0600 */
    struct roles socket_roles;      /* of those who may open it */
    struct conf_door *doors;        /* where the admin API listens beside its socket */
    size_t door_count;
    struct roles client_roles;    /* of who comes there with a certificate */
    const char *resolver_servers; /* "192.0.2.1:53,[2001:db8::1]:53"; NULL: of the system */
    const char **geo_paths;       /* MMDB files in order of preference */
    size_t geo_count;
    struct log_options log; /* default: info, text, stderr */
    const char *identity;   /* NSID, id.server: 1..CONF_IDENTITY_MAX octets; NULL: not told */
    const char *version;    /* version.bind: up to CONF_VERSION_MAX octets, default "steerd"; "": not told */
    bool minimal_responses; /* additional data in referrals only; default false */
    bool rotate;            /* the records of static RRsets; default false */
    bool extended_errors;   /* RFC 8914; default true */
    bool has_cookies;       /* default true */
    uint8_t (*secrets)[CONF_SECRET_SIZE]; /* of cookies; the first one makes, all verify */
    size_t secret_count;                  /* 0: a random one */
    enum conf_cookies_require cookies_require;
    const struct conf_rrl *rrl; /* NULL: off */
    unsigned amplification;     /* a UDP answer is at most so many times its query without a cookie; 0: off */
    struct conf_tcp tcp;
    struct conf_probe probe;
    struct conf_vantages vantages;
    const struct conf_cluster *cluster;   /* NULL: it is a server by itself */
    const struct conf_withdraw *withdraw; /* NULL: by an operator's word only, and then as by default */
    struct conf_key *keys;                /* TSIG */
    size_t key_count;
    unsigned max_transfers; /* that go on at once per TCP thread, 1..10000; default 100 */
    struct conf_webhook *webhooks;
    size_t webhook_count;
    struct conf_hook *hooks;
    size_t hook_count;
    const struct conf_dnstap *dnstap;       /* NULL: off */
    const struct conf_query_log *query_log; /* NULL: off */
    bool is_broken;      /* errors were reported: not to be served from (conf_read_server) */
    struct arena *arena; /* owns all of it */
};

/* Load and check. All errors go to the report. Returns owned, or NULL if there was any error.
 * "zones" given as a folder is listed here: every NAME.zone becomes a zone (%XX escapes in NAME are decoded,
 * "%2E.zone" is the root), NAME.json beside it is its policy; a policy without a zone file is an error. */
struct conf_server *conf_load_server(const char *path, struct report *report);
/* The same for those who look for more errors: what could be read of a broken document, with is_broken. NULL
 * if it is no JSON object at all. */
struct conf_server *conf_read_server(const char *path, struct report *report);
/* What documents are parsed into comes with the thread's reserve, too (base/memory.h). Once, before there are
 * other threads. */
void conf_use_reserve(void);
void conf_free_server(struct conf_server *server); /* NULL is fine */

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * topology.json as checked structs: regions, azs, endpoints, checks. Everything refers to everything by
 * index. Objects are in the order of the document. Plain data in one arena; immutable after loading. */
#pragma once

#include "base/addr.h"
#include "base/report.h"
#include "conf/quorum.h"
#include "conf/ramp.h"
#include "conf/rule.h"
#include "conf/stay.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum conf_check_type {
    CONF_CHECK_HTTP,
    CONF_CHECK_TCP,
    CONF_CHECK_HTTPS,
    CONF_CHECK_PUSH,
    CONF_CHECK_DNS,
    CONF_CHECK_ICMP,
    CONF_CHECK_GRPC,
    CONF_CHECK_EXEC,
    CONF_CHECK_FILE
};

struct conf_given;
struct dns_ask;
struct exec_ask;
struct keytable;
struct sheet_ask;
struct tls_authorities;
struct tls_context;

/* What a check names by its path, for those who make it elsewhere: wiped in the end, one may be a key. */
struct conf_file {
    const char *path; /* as it is written */
    const char *content;
    size_t len;
};

enum { CONF_TLS_FILES = 3 };

/* How an https check talks TLS. */
struct conf_tls {
    struct conf_file files[CONF_TLS_FILES];
    size_t file_count;
    struct tls_context *context; /* of the topology */
    uint64_t mark;               /* equal marks: contexts of equal content */
    const char *name;            /* asked for and looked for; NULL: what "host" says, or the endpoint */
    const char *protocols;       /* https: what ALPN offers, as tls_peer has it; NULL: HTTP/1.1 alone */
    bool resumes;
    uint32_t warn_days, min_days; /* of the certificate's end: warned of, failing from; 0: never */
};

/* No padding that bytes could differ in: it is compared and hashed as bytes. */
struct conf_icmp {
    uint32_t packets;    /* 1..CONF_PACKETS_MAX; default 3 */
    uint32_t spacing_ms; /* from one to the next: 10 ms .. 10 s; default 50 ms */
    uint32_t rtt_ms;     /* longest until a reply, in the mean; 0: as long as there is time */
    uint32_t reserved;
    double loss; /* share of packets that may be lost: 0..0.99; default 0.34 */
};
enum { CONF_PACKETS_MAX = 20 };

/* What a check asks for is how far a copy of data lags behind. */
enum conf_lag_unit { CONF_LAG_SECONDS, CONF_LAG_MILLISECONDS, CONF_LAG_BYTES };
enum conf_stage { CONF_STAGE_UNKNOWN, CONF_STAGE_START, CONF_STAGE_FULL, CONF_STAGE_REAL_TIME };
enum { CONF_STAGES = CONF_STAGE_REAL_TIME + 1 };

struct conf_lag {
    const char *value; /* JSON pointer (RFC 6901) to the number */
    enum conf_lag_unit unit;
    const char *stage;              /* likewise, to a text that says how far the copying is; NULL: none */
    const char *words[CONF_STAGES]; /* which one means which stage */
};

/* Statuses as bits: of status s bit s - CONF_STATUS_LEAST. RFC 9110 section 15 ends at 599; servers do not.
 */
enum { CONF_STATUS_LEAST = 100, CONF_STATUS_MOST = 999, CONF_STATUS_WORDS = 15 };

struct conf_check {
    const char *name;
    const char *definition; /* as it is written: a JSON object, compact; read again it gives the same check */
    enum conf_check_type type;
    uint16_t port;
    uint32_t interval_ms; /* 50 ms .. 1 h; default 2 s */
    uint32_t timeout_ms;  /* 50 ms .. interval; default 1 s or the interval if that is shorter */
    uint32_t recheck_ms;  /* 50 ms .. interval: the interval while a verdict hangs on the next; 0: none */
    uint32_t back_off_ms; /* interval .. 1 h: the longest interval while it fails; 0: none */
    uint32_t stale_ms;    /* without a result for so long nothing is known now; 1 s .. 7 days */
    uint16_t fall, rise;  /* consecutive results that change the verdict, 1..100; default 3 and 2 */
    struct conf_window window;
    struct conf_stay stay; /* without failback */
    struct conf_quorum quorum;
    const char *host;             /* http: Host header, grpc: :authority; NULL: the endpoint's address */
    const char *path;             /* http: request target, begins with "/"; default "/" */
    const uint64_t *statuses;     /* http: accepted: CONF_STATUS_WORDS; default 200 to 299 */
    const char *method;           /* http: "GET", "HEAD" or "POST" */
    const char *headers;          /* http: lines that end with CRLF; NULL: none */
    uint32_t body_max;            /* http: octets of the body that are looked at */
    const uint8_t *send, *expect; /* octets to say (http: as the body), and that have to come; NULL: none */
    uint32_t send_len, expect_len;
    bool keep_alive;      /* http, grpc: one connection for many checks */
    uint8_t proxy;        /* http, grpc, tcp: which version of the PROXY protocol it begins with; 0: none */
    const char *load;     /* http: JSON pointer (RFC 6901) to a number in the body: the load; NULL: none */
    struct conf_lag *lag; /* http: it is asked of copies, not of endpoints; NULL: none */
    struct conf_tls *tls; /* https, grpc; NULL: none */
    struct regex *regex;  /* http: that has to match the body (base/regex.h); NULL: none */
    const struct wish *wishes; /* http: what its JSON has to say (base/wish.h) */
    size_t wish_count;
    uint32_t ttl_ms;              /* push: how long a report counts; of all others 0 */
    bool absent_fails;            /* push: when nobody has reported for so long, that is a failure */
    struct dns_ask *dns;          /* dns; NULL: none */
    const struct conf_icmp *icmp; /* icmp; NULL: none */
    const char *service;          /* grpc: "": the whole server; of all others NULL */
    struct exec_ask *exec;        /* exec; NULL: none */
    const struct sheet_ask *file; /* file; NULL: none */
};

/* When an endpoint sheds weight: from `low` on, all of it from `high` on. */
struct conf_load {
    bool is_given;
    double low, high;    /* 0 <= low < high */
    uint32_t max_age_ms; /* of a report that counts; default 1 min, also where none is given */
};

/* Degrees. No padding that bytes could differ in: locations are compared as bytes. */
struct conf_location {
    double latitude, longitude;
    uint64_t is_known;
};

struct conf_region {
    const char *name;
    double lost_at; /* share of lost azs from which the region is lost, 0 < x <= 1; default 1 */
    struct conf_location location;
    struct conf_stay stay;
    struct conf_ramp ramp;
};

struct conf_az {
    const char *name;
    uint32_t region;
    struct conf_location location; /* if it is not the region's */
    double lost_at;                /* share of unhealthy endpoints from which the az is lost; default 1 */
    struct conf_stay stay;
    struct conf_ramp ramp;
};

/* A host name whose addresses are looked up. Endpoints may share it. */
struct conf_host {
    const char *name;    /* presentation form without the final dot, lower case */
    const uint8_t *wire; /* the same */
    size_t wire_len;
    uint32_t index; /* in hosts */
};

/* What a check is to an endpoint: health/health.h. */
enum conf_role { CONF_REQUIRED, CONF_COUNTED, CONF_WATCHED };

/* A check of an endpoint. */
struct conf_use {
    uint32_t check;               /* index */
    uint8_t role;                 /* enum conf_role */
    uint8_t families;             /* for which it is run: 1: IPv4, 2: IPv6, 3: both */
    const struct addr *addresses; /* of each family what is asked instead; NULL: the endpoint's own */
    const char *key;              /* file: what is looked for instead of the check's own; NULL: that */
};

/* How an endpoint comes back, and who says so. */
struct conf_manner {
    struct conf_stay stay;
    struct conf_ramp ramp;
    struct conf_quorum quorum; /* of it the names, if any */
};

/* What is behind pointers is there once for all endpoints that have the same. */
struct conf_endpoint {
    const char *name;
    uint32_t az, region;
    uint32_t weight;              /* 0..65535; default 1. 0 is never picked while others are available */
    uint32_t capacity;            /* requests per second, informational; 0 = not given */
    const struct conf_host *host; /* NULL: none */
    struct conf_use *uses;        /* its checks; empty: nothing is known about this endpoint, it is served */
    uint32_t check_count;
    uint16_t at_least; /* so many of those that are not watched; 0: those that are required */
    bool together;     /* "families": one that fails takes the other one along */
    const struct conf_location *location; /* NULL: the az's */
    const struct conf_load *load;         /* conf_get_load() */
    const struct conf_manner *manner;     /* conf_get_manner() */
    struct addr v4,
        v6; /* family ADDR_NONE where there is none; at least one is there, unless there is a host */
};

/* Endpoints that policies name together. */
struct conf_group {
    const char *name;
    uint32_t *endpoints; /* ascending, each once; at least 1 */
    size_t endpoint_count;
};

/* What is asked to learn whether steerd itself sees anything. */
struct conf_control {
    struct addr addr;
    uint32_t check;
};

/* When steerd distrusts its own sight: health/brake.h. */
struct conf_brake {
    bool is_on;
    double share;     /* default 1 */
    uint32_t targets; /* default 3 */
    uint32_t hold_ms; /* 1 s .. 1 h; default 1 min */
    struct conf_control *controls;
    size_t control_count;
};

/* What is in one place is copied to another of its kind. */
struct conf_replication {
    bool of_azs;                  /* else of regions */
    uint32_t from, to;            /* which */
    enum conf_stage stage;        /* declared */
    bool is_asked;                /* else it is reported */
    struct addr addr;             /* of whom is asked; ADDR_NONE: of a host, or nobody is: */
    const struct conf_host *host; /* NULL: it has an address, or it is this host that knows, … */
    uint32_t check;               /* … and what: one with a lag */
    uint32_t rpo_ms;              /* 0: as of all */
    uint32_t max_age_ms;          /* of a word that counts */
    uint32_t hold_ms;             /* for so long what is better has to stay so */
};

/* What a recovery has to reach. 0: not given. */
struct conf_objective {
    const char *name;  /* of this name, absolute and in lower case; NULL: of a pair of regions, or of all */
    uint32_t from, to; /* of a pair: which */
    uint32_t rto_ms, rpo_ms; /* time until clients are served again; data that may be lost */
    double capacity;         /* share of its capacity that has to be left, or be there where it goes */
    double errors;           /* of all only: share of requests that may fail where traffic goes to */
    bool may_move;           /* default true */
};

/* Steered names that an order may be about alone. */
struct conf_name_group {
    const char *name;
    uint64_t digest; /* of its names, in whichever order */
};
enum { CONF_NAME_GROUPS_MAX = 64 };

struct conf_topology {
    const char *path;
    struct conf_region *regions;
    size_t region_count;
    struct conf_az *azs;
    size_t az_count;
    struct conf_endpoint *endpoints;
    size_t endpoint_count;
    const struct conf_host **hosts; /* each once */
    size_t host_count;
    struct conf_group *groups;
    size_t group_count;
    struct conf_check *checks;
    size_t check_count;
    struct conf_replication *replications;
    size_t replication_count;
    bool together;         /* "families" of endpoints that do not say */
    struct conf_ramp ramp; /* "ramp" of all that do not say */
    struct conf_brake brake;
    struct conf_rules rules;
    struct conf_objective objective;   /* of all */
    struct conf_objective *objectives; /* of pairs, then of names, those sorted */
    size_t objective_count, objective_name_count;
    struct conf_name_group *name_groups;
    size_t name_group_count;
    struct keytable *grouped; /* private: name, "*.suffix" -> uint32_t, its group */
    bool has_wild_names;      /* private */
    uint32_t rto_ms, rpo_ms;  /* of `objective`: "objectives": {"rto": "30s", "rpo": "5s"}; 0 = not given */
    struct arena *arena;
    struct keytable *geo;         /* shared geo rules: name -> struct conf_geo (georule.h) */
    struct keytable *places;      /* private: name -> struct conf_place */
    struct keytable *check_names; /* private: name -> struct conf_check */
    struct keytable *host_names;  /* private: wire name -> struct conf_host */
    struct keytable *contexts;    /* private: content -> struct tls_context (tls.h), */
    struct tls_context **held;    /* … which are all here, to be dropped */
    size_t held_count, held_capacity;
    struct keytable *files; /* private: content -> a copy of it, */
    struct conf_file *kept; /* … which are all here */
    size_t kept_count, kept_capacity;
    size_t sheet_count;                  /* private: different files that checks look into */
    struct tls_authorities *authorities; /* private: the system's; NULL: not asked for, or not there */
    bool sought_authorities;
    /* private: of checks that come one by one (checks.h) */
    bool is_told; /* then no file of theirs is opened */
    size_t check_room, given_count;
    const struct conf_given *given;
};

static inline const struct conf_load *conf_get_load(const struct conf_endpoint *endpoint)
{
    static const struct conf_load none = {.is_given = false};
    return endpoint->load == NULL ? &none : endpoint->load;
}

static inline const struct conf_manner *conf_get_manner(const struct conf_endpoint *endpoint)
{
    static const struct conf_manner none = {.quorum.kind = CONF_QUORUM_DEFAULT};
    return endpoint->manner == NULL ? &none : endpoint->manner;
}

/* Regions, azs, endpoints and groups share one name space, so that a bare name says which it is. */
enum conf_kind { CONF_REGION, CONF_AZ, CONF_ENDPOINT, CONF_GROUP };

struct conf_place {
    enum conf_kind kind;
    uint32_t index;
};

/* Load and check (topology_read.c); all errors go to the report. Returns owned, or NULL if there was any
 * error. */
struct conf_topology *conf_load_topology(const char *path, struct report *report);
/* The same of one that is in several files: their regions, checks, endpoints, groups, geo rules and groups of
 * names stand side by side, and anything else in one of them. */
struct conf_topology *conf_load_topologies(const char *const *paths, size_t count, struct report *report);
/* The same from bytes (tests, fuzzers); path is for messages only. */
struct conf_topology *conf_parse_topology(const char *path, const char *text, size_t len,
                                          struct report *report);
void conf_free_topology(struct conf_topology *topology);

/* Index of an object by name, or -1. */
ptrdiff_t conf_find_region(const struct conf_topology *topology, const char *name);
/* What is said of this name (absolute, lower case) itself; NULL: nothing. */
static inline const struct conf_objective *conf_find_objective(const struct conf_topology *topology,
                                                               const char *name)
{
    size_t from = topology->objective_count - topology->objective_name_count, to = topology->objective_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(topology->objectives[middle].name, name);
        if (order == 0) {
            return &topology->objectives[middle];
        }
        from = order < 0 ? middle + 1 : from;
        to = order < 0 ? to : middle;
    }
    return NULL;
}
/* 1 + index of the group that the name (absolute, lower case) is in: by itself, else by the longest
 * "*.suffix" that it is below; 0: none. */
uint32_t conf_find_name_group(const struct conf_topology *topology, const char *name);
ptrdiff_t conf_find_az(const struct conf_topology *topology, const char *name);
ptrdiff_t conf_find_endpoint(const struct conf_topology *topology, const char *name);
ptrdiff_t conf_find_check(const struct conf_topology *topology, const char *name);
/* What a name of any kind stands for: borrowed from the topology, or NULL. */
const struct conf_place *conf_find_place(const struct conf_topology *topology, const char *name);
static inline bool conf_accepts_status(const uint64_t *statuses, uint32_t status)
{
    uint32_t bit = status - CONF_STATUS_LEAST;
    return status >= CONF_STATUS_LEAST && status <= CONF_STATUS_MOST &&
           (statuses[bit / 64] >> bit % 64 & 1) != 0;
}
const char *conf_check_type_text(enum conf_check_type type); /* "http" … */
const char *conf_kind_text(enum conf_kind kind);             /* "a region" "an az" "an endpoint" "a group" */

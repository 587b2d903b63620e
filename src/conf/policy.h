/* SPDX-License-Identifier: BSD-3-Clause
 *
 * zones/<origin>.json as checked structs: the policy of each steered name of a zone, with every reference to
 * the topology resolved to indices. Plain data in one arena; immutable after loading. Names that are written
 * alike share their members, tiers and geo rules: equal pointers mean equal contents. */
#pragma once

#include "base/addr.h"
#include "base/report.h"
#include "conf/georule.h"
#include "conf/topology.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_pick { CONF_PICK_WEIGHTED, CONF_PICK_ROUND_ROBIN, CONF_PICK_ALL, CONF_PICK_STICKY };

enum conf_apart { CONF_APART_NOTHING, CONF_APART_AZ, CONF_APART_REGION };

/* A member of a steered name: an endpoint and its weight for this name. */
struct conf_member {
    uint32_t endpoint; /* index in the topology */
    uint32_t weight;   /* from "weights" of the name, else of the endpoint */
    /* "weights": {"canary": "5%"}: members with the same group number have this share of their tier together.
     * Group 0: no such share. */
    double share;
    uint32_t group;
    bool is_spare; /* of a fallback's pool only: in no tier */
};

/* One tier: which members of the name it holds. ["us-east", "eu-west-1a", "web-x"] in the document, or an
 * object with more about it. */
struct conf_tier {
    const char *label; /* the references as written, joined by "+" */
    uint32_t *members; /* indices into conf_name.members, ascending */
    size_t member_count;
    struct conf_need min_healthy, spill_below; /* not given: as the name says */
    double trickle;                            /* 0..0.5; 0: none */
    double latitude, longitude;                /* with `nearest` */
};

/* What is answered when no tier serves. */
struct conf_last_resort {
    const struct conf_tier *pool; /* these first; NULL: none */
    enum conf_fallback then;
};

/* "sticky": clients in one prefix stick together. */
struct conf_sticky {
    uint8_t v4_len, v6_len; /* default 24, 56 */
    uint32_t hold_ms;       /* an endpoint that came back gets no clients for so long; default 0 */
};

struct conf_tiers {
    struct conf_tier *items; /* in order of preference; at least 1 */
    size_t count;
    /* 0: as listed. Else items are all members by where they are (the places in the order of the topology),
     * and a client gets the so many nearest of them as tiers; behind those, with `others`, a tier with the
     * rest. */
    unsigned nearest;
    bool others;
    /* Of rules: */
    bool fence;                              /* answers never leave the tiers */
    enum conf_spill spill;                   /* CONF_SPILL_DEFAULT: as the name says */
    const struct conf_last_resort *fallback; /* NULL: that of the name */
};

/* Rdata in presentation form, names relative to the zone's origin, and where it is written. */
struct conf_rdata {
    const char *text;
    struct report_place place;
};

struct conf_list {
    struct conf_rdata *items;
    size_t count;
};

enum { CONF_NO_LIST = 0xffff };

/* What the members of a name answer with for one type. */
struct conf_record_type {
    uint16_t type;
    struct conf_list *lists; /* one per key of the document */
    size_t list_count;
    uint16_t
        *of_member; /* for each member its list, or CONF_NO_LIST: nothing is said; an empty one: no records */
    struct report_place place;
};

struct conf_records {
    struct conf_record_type *types;
    size_t count;
};

enum conf_host_answer {
    CONF_HOST_AUTO, /* default: a CNAME where that is allowed, else addresses */
    CONF_HOST_CNAME,
    CONF_HOST_ADDRESSES,
};

struct conf_name {
    const char *owner;    /* absolute presentation form, lower case; wildcards allowed */
    uint32_t ttl;         /* seconds; default 30; no less than "ttl_floor" of the document */
    uint32_t ttl_failing; /* at most ttl, while something fails; likewise */
    bool has_ttl_failing;
    struct conf_member *members; /* in topology order, each endpoint once; at least 1 */
    size_t member_count;
    struct conf_tiers tiers;                   /* without "tiers": one tier with every member, label "all" */
    struct conf_need min_healthy, spill_below; /* of tiers that say nothing else */
    enum conf_spill spill;                     /* default next */
    const struct conf_geo *geo;                /* rules that win over `tiers`; NULL: none */
    const struct conf_tiers *outcomes;         /* of geo, in its order */
    enum conf_pick pick;                       /* default weighted */
    struct conf_sticky sticky;                 /* of CONF_PICK_STICKY */
    enum conf_apart apart;                     /* of what answers have to be different ones */
    unsigned answers;                          /* 1..64; default 1; of no effect with pick "all" */
    const struct conf_last_resort *fallback;   /* default first */
    const struct report_place *wants_static;   /* where it, or that of a rule, says "static"; NULL: nowhere */
    const struct conf_records *records;        /* shared by names that are written alike; NULL: none */
    bool ignores_subnet;                       /* "client_subnet": "ignore"; default "use" */
    bool falls_back;                           /* "on_hold": "fallback"; default "stay" */
    enum conf_host_answer host_answer;         /* how endpoints that are host names answer */
    bool may_alias;                            /* as far as the document goes, they may be CNAMEs */
    bool addresses;        /* of the endpoints are answered, but for types that `records` has for them */
    unsigned line, column; /* of the name in the document, 0 if not known */
};

/* Whose address a name of "whoami" answers with. */
enum conf_whoami_address {
    CONF_WHOAMI_BEST, /* the client subnet if the query has one, else that of the resolver; default */
    CONF_WHOAMI_RESOLVER,
    CONF_WHOAMI_SUBNET,
    CONF_WHOAMI_BOTH,
};

/* A name that tells who asks: by TXT all, by A and AAAA an address. */
struct conf_whoami {
    const char *owner; /* as of names */
    const char *of;    /* the steered name of which the class is told; NULL: none */
    enum conf_whoami_address address;
    struct report_place place;
};

/* A record that is the same for everybody, as if the master file had it. */
struct conf_static {
    const char *owner; /* as of names */
    uint32_t ttl;      /* seconds; default 300 */
    uint16_t type;
    struct conf_rdata rdata;
};

struct conf_policy {
    const char *path;
    const char *origin;
    struct conf_name *names;
    size_t name_count;
    uint32_t ttl_floor; /* s; what names say is that already */
    struct conf_whoami *whoamis;
    size_t whoami_count;
    struct conf_static *statics; /* in the order of the document */
    size_t static_count;
    struct arena *arena;
};

/* Load and check against a topology (borrowed during the call only). A reference to a region, az or endpoint
 * that does not exist, a pattern that matches nothing, a tier without members, a name outside the origin: all
 * errors in the report. Returns owned, or NULL if there was any error. Without a topology (NULL) only the
 * syntax is looked at, and NULL is returned. */
struct conf_policy *conf_load_policy(const char *path, const char *origin,
                                     const struct conf_topology *topology, struct report *report);
struct conf_policy *conf_parse_policy(const char *path, const char *origin, const char *text, size_t len,
                                      const struct conf_topology *topology, struct report *report);
void conf_free_policy(struct conf_policy *policy);

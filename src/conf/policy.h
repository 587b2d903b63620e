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

enum conf_pick { CONF_PICK_WEIGHTED, CONF_PICK_ROUND_ROBIN, CONF_PICK_ALL };
enum conf_fallback { CONF_FALLBACK_ALL, CONF_FALLBACK_STATIC, CONF_FALLBACK_NODATA, CONF_FALLBACK_SERVFAIL };

/* A member of a steered name: an endpoint and its weight for this name. */
struct conf_member {
    uint32_t endpoint; /* index in the topology */
    uint32_t weight;   /* from "weights" of the name, else of the endpoint */
};

/* One tier: which members of the name it holds. ["us-east", "eu-west-1a", "web-x"] in the document. */
struct conf_tier {
    const char *label; /* the references as written, joined by "+" */
    uint32_t *members; /* indices into conf_name.members, ascending */
    size_t member_count;
    double latitude, longitude; /* with `nearest` */
};

struct conf_tiers {
    struct conf_tier *items; /* in order of preference; at least 1 */
    size_t count;
    /* 0: as listed. Else items are all members by where they are (the places in the order of the topology),
     * and a client gets the so many nearest of them as tiers; behind those, with `others`, a tier with the
     * rest. */
    unsigned nearest;
    bool others;
};

struct conf_name {
    const char *owner;           /* absolute presentation form, lower case; wildcards allowed */
    uint32_t ttl;                /* seconds; default 30 */
    struct conf_member *members; /* in topology order, each endpoint once; at least 1 */
    size_t member_count;
    struct conf_tiers tiers;           /* without "tiers": one tier with every member, label "all" */
    const struct conf_geo *geo;        /* rules that win over `tiers`; NULL: none */
    const struct conf_tiers *outcomes; /* of geo, in its order */
    enum conf_pick pick;               /* default weighted */
    unsigned answers;                  /* 1..64; default 1; of no effect with pick "all" */
    enum conf_fallback fallback;       /* default all */
    unsigned line, column;             /* of the name in the document, 0 if not known */
};

struct conf_policy {
    const char *path;
    const char *origin;
    struct conf_name *names;
    size_t name_count;
    struct arena *arena;
};

/* Load and check against a topology (borrowed during the call only). A reference to a region, az or endpoint
 * that does not exist, a pattern that matches nothing, a tier without members, a name outside the origin: all
 * errors in the report. Returns owned, or NULL if there was any error. */
struct conf_policy *conf_load_policy(const char *path, const char *origin,
                                     const struct conf_topology *topology, struct report *report);
struct conf_policy *conf_parse_policy(const char *path, const char *origin, const char *text, size_t len,
                                      const struct conf_topology *topology, struct report *report);
void conf_free_policy(struct conf_policy *policy);

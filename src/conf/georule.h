/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Geo rules: which clients get which tiers. A set of rules is written at a name, or under a name of its own
 * in "geo_rules" of a policy or of the topology and shared by all that refer to it. Conditions are texts,
 * numbers and prefixes here; what they mean is known to src/geo. Plain data in an arena; immutable after
 * loading. */
#pragma once

#include "base/addr.h"
#include "conf/refs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The wider first, as in src/geo. */
enum conf_geo_kind {
    CONF_GEO_CONTINENT,   /* texts: AF AN AS EU NA OC SA */
    CONF_GEO_COUNTRY,     /* texts: ISO 3166-1 alpha-2, upper case */
    CONF_GEO_SUBDIVISION, /* texts: "US-CA", as written */
    CONF_GEO_CITY,        /* texts: names as written; numbers: GeoNames ids */
    CONF_GEO_ASN,         /* numbers */
    CONF_GEO_KINDS
};

struct conf_geo_values {
    const char **texts;
    size_t text_count;
    uint32_t *numbers;
    size_t number_count;
};

/* "when" of a rule: all the given conditions hold (an array of values: any of them). */
struct conf_geo_rule {
    struct conf_geo_values values[CONF_GEO_KINDS];
    struct addr_prefix *prefixes; /* "cidr" */
    size_t prefix_count;
    uint32_t outcome; /* number in the set's outcomes */
};

/* Where goes what a tier cannot take: to the next one, or to all others by capacity. */
enum conf_spill { CONF_SPILL_DEFAULT /* as the name says */, CONF_SPILL_NEXT, CONF_SPILL_CAPACITY };

/* What rules lead to. */
struct conf_geo_outcome {
    const struct refs *tiers;
    const struct refs_fallback *fallback; /* NULL: that of the name */
    enum conf_spill spill;
    bool fence;          /* answers never leave the tiers, not even by the name's fallback */
    uint32_t first_rule; /* that leads here */
};

struct conf_geo {
    const char *label; /* "geo" at a name, else the name of the set */
    bool is_shared;
    struct conf_geo_rule *rules; /* as written: which of them wins is a matter of src/geo */
    size_t rule_count;
    struct conf_geo_outcome *outcomes; /* each once */
    size_t outcome_count;
    bool has_pools;    /* one of the outcomes has */
    uint64_t identity; /* hash of all conditions and outcome numbers: equal ones ask the same */
};

enum { GEORULE_MAX = 65000 }; /* classes that steering knows, less those of nearest places */

/* "spill" of a name or rule. */
enum conf_spill georule_get_spill(const struct doc_node *node, enum conf_spill otherwise);

/* The array of rules. name NULL: they are written at a name. Never NULL. */
const struct conf_geo *georule_read(struct refs_reader *refs, const struct doc_node *node, const char *name,
                                    struct arena *arena);

struct keytable;

/* "geo_rules" of a document, if it has them: each set (struct conf_geo) is entered by its name. `taken` (may
 * be NULL) are those of the topology, whose names are not to be used again. */
void georule_read_sets(struct refs_reader *refs, const struct doc_node *root, struct arena *arena,
                       struct keytable *sets, const struct keytable *taken);

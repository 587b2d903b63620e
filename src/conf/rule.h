/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules of topology.json: what has to hold whenever traffic is moved, by an operator or by itself.
 * Plain data, in the topology's arena; what they mean is in operate/rules.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_rule_type {
    CONF_RULE_SERVING,    /* "serving": so many regions or azs serve */
    CONF_RULE_LOST,       /* "lost": no more of them are lost by themselves */
    CONF_RULE_NOT_ALL_OF, /* "not_all_of": one of these serves */
    CONF_RULE_CAPACITY,   /* "capacity": this share of it serves */
    CONF_RULE_LAG,        /* "lag": who takes over has the data */
    CONF_RULE_WAIT,       /* "wait": so long between two moves */
    CONF_RULE_FREEZE,     /* "freeze": not in these windows */
    CONF_RULE_TYPES
};
enum { CONF_RULES_MAX = 64, CONF_RULE_TARGETS_MAX = 64, CONF_RULE_WINDOWS_MAX = 64 };
#define CONF_RULE_EVERYWHERE UINT32_MAX

struct conf_place;
struct tzif;

/* When nothing is to be moved: every week by the clocks of a place, or once. */
struct conf_freeze {
    bool is_weekly;
    uint8_t days;          /* on which it begins: a bit each, from Monday on */
    uint32_t from_s, to_s; /* of the day, up to 86400; to_s before from_s: of the next day */
    const struct tzif *zone;
    const char *zone_name;
    int64_t begin_ms, end_ms; /* once: wall */
};

struct conf_rule {
    const char *name;
    const char *definition; /* as it is written: JSON, compact */
    enum conf_rule_type type;
    bool automatic, manual; /* to whom it applies; at least one of them */
    bool of_azs;            /* serving, lost: what is counted; else regions */
    uint32_t in;            /* likewise: the region of these azs, or CONF_RULE_EVERYWHERE */
    uint32_t count;         /* serving: at least, 1 or more; lost: at most */
    double share;           /* capacity: at least, 0 < share <= 1 */
    /* not_all_of: which, 2 or more, each once. An enum conf_kind and an index for each. */
    const struct conf_place **targets;
    size_t target_count;
    /* lag: pairs that replicate, numbers in the topology; of azs they are for orders only. */
    uint32_t *pairs;
    size_t pair_count;
    bool any_stage;              /* else only real_time will do */
    bool only_copies;            /* nobody else takes over, not even while all copies are good */
    uint32_t wait_ms;            /* wait */
    struct conf_freeze *freezes; /* freeze */
    size_t freeze_count;
};

/* All of them, and what they count, laid out so that counting is one walk over few octets. */
struct conf_rules {
    struct conf_rule *items; /* in the order of the document */
    size_t count;
    /* Only if there are any: endpoints az by az. Of az i those from az_first[i] to az_first[i + 1]. */
    uint32_t *az_first, *by_az;
    uint32_t *capacities; /* in that order; 1 for each where no endpoint has a capacity */
    uint64_t capacity;    /* of all */
    bool is_by_number;    /* none has: it is endpoints that are counted */
};

const char *conf_rule_type_text(enum conf_rule_type type);

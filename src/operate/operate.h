/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The operator's verbs over a view, without transport: look at objects, override them, explain an answer. The
 * caller holds the application's health lock during every call, unless the view is a copy of its own. Results
 * are plain data in an arena of the caller's; strings are copied. */
#pragma once

#include "base/arena.h"
#include "geo/geo.h"
#include "health/health.h"
#include "view/hosts.h"
#include "view/view.h"

#include <stddef.h>

/* What the host name of an endpoint resolves to. */
struct operate_host {
    const char *name;
    const char *loop; /* the steered name that it leads back to; NULL: none */
    enum view_host_state state;
    struct view_news families[VIEW_FAMILIES]; /* VIEW_V4, VIEW_V6 */
};

/* Safety rules hold answers in a region that is lost, or keep it down until its data are there. */
struct operate_hold {
    bool is_return; /* the latter */
    const char **rules;
    size_t rule_count;
    int64_t since_ms; /* wall */
    const char *why;  /* with the command that releases all of them */
};

/* An endpoint, az or region, and all that is known of its state. */
enum { OPERATE_MISSING_MAX = 8 };

struct operate_target {
    enum health_kind kind;
    const char *name;
    const char *az, *region; /* of what it is part; NULL where that does not apply */
    struct health_status status;
    const struct health_override *override; /* NULL: none */
    const struct conf_endpoint *endpoint;   /* endpoints only; borrowed from the view's topology */
    const struct operate_host *host;        /* NULL: it has none */
    const struct operate_hold *hold;        /* regions only; NULL: no rule does */
    /* Regions and azs: who in it is counted as unhealthy, the first ones in topology order, up to
     * OPERATE_MISSING_MAX. */
    const char **missing;
    size_t missing_count;
};

/* Has an endpoint addresses of this family, its own or those of its host? */
static inline bool operate_has_family(const struct operate_target *target, enum health_family family)
{
    bool is_v6 = family == HEALTH_V6;
    if (target->host != NULL) {
        return target->host->families[is_v6 ? VIEW_V6 : VIEW_V4].count != 0;
    }
    return (is_v6 ? &target->endpoint->v6 : &target->endpoint->v4)->family != ADDR_NONE;
}

struct operate_targets {
    struct operate_target *items;
    size_t count;
    size_t first; /* number of the first one among all of the kind */
};

/* All of a kind, in topology order. */
void operate_list_targets(const struct view *view, enum health_kind kind, struct arena *arena,
                          struct operate_targets *targets);
/* Of these only those from `first` on, and `count` at most; count 0: there are no more. */
void operate_list_some(const struct view *view, enum health_kind kind, struct arena *arena,
                       struct operate_targets *targets);
/* Of these only those with an override: up to `count` of them from number `first` on; then `first` is where
 * to go on. count 0: there are no more. */
void operate_list_overridden(const struct view *view, enum health_kind kind, struct arena *arena,
                             struct operate_targets *targets);
/* Its number in that order; -1: there is none. */
/* Names of the endpoints of a group of the topology, in the arena. 0 or ERROR_NOT_FOUND. */
int operate_list_group(const struct view *view, const char *name, struct arena *arena,
                       const char *const **names, size_t *count);
ptrdiff_t operate_find_target(const struct view *view, enum health_kind kind, const char *name);
/* One by name: 0 or ERROR_NOT_FOUND. */
int operate_get_target(const struct view *view, enum health_kind kind, const char *name, struct arena *arena,
                       struct operate_target *target);

/* "region:us-east", "az:us-east-1a", "endpoint:web-a": 0, ERROR_SYNTAX (no such kind) or ERROR_NOT_FOUND. */
int operate_parse_target(const struct view *view, const char *text, enum health_kind *kind, uint32_t *index);

/* What an endpoint says of its load; of no source: forget what it said. 0 or ERROR_NOT_FOUND. */
int operate_put_load(const struct view *view, const char *endpoint, const struct health_load_report *report,
                     int64_t wall_ms, int64_t now_ms);
/* A report about an endpoint for a check of type push, to all of its monitors. 0; ERROR_NOT_FOUND: there is
 * no such endpoint; ERROR_INVALID: it has no such check; ERROR_UNSUPPORTED: that check is not of this type.
 */
int operate_push(const struct view *view, const char *endpoint, const char *check,
                 const struct health_push *push, int64_t wall_ms, int64_t now_ms,
                 enum health_push_fate *fate);
/* What it would shed with a load. Likewise. */
int operate_foresee_shed(const struct view *view, const char *endpoint, double load, double *shed);
/* Put (desired is not AUTO) or remove (AUTO) an override, a dormant one as well. 0, ERROR_NOT_FOUND,
 * ERROR_INVALID: an expiry that is not in the future, or not after the start, or ERROR_CONFLICT: one with a
 * start where one is in force. */
int operate_judge_override(const struct view *view, enum health_kind kind, const char *name,
                           const struct health_override *override, int64_t wall_ms);
int operate_put_override(const struct view *view, enum health_kind kind, const char *name,
                         const struct health_override *override, int64_t wall_ms);

/* Some of the overrides whose target is gone; the cursor is {0} at first. Returns how many, 0: no more. */
enum { OPERATE_DORMANT_PAGE = 64 };
size_t operate_list_dormant(const struct view *view, struct health_dormant_cursor *cursor,
                            struct arena *arena, struct health_dormant items[OPERATE_DORMANT_PAGE]);
/* Behind the one of that name; false: there is none. */
bool operate_seek_dormant(const struct view *view, enum health_kind kind, const char *name,
                          struct health_dormant_cursor *cursor);

/* Of the override of an endpoint, or of its az or region (kind): "drain of region us-east is planned for … by
 * alice: storm", or "drain of 20 % of region us-east by alice is not whole yet: storm". */
const char *operate_describe_plan(const struct view *view, uint32_t endpoint, enum health_kind kind,
                                  struct arena *arena);
/* ---- assumptions ---- */

/* An override that nobody has put. */
struct operate_assumption {
    enum health_kind kind;
    uint32_t index;
    enum health_desired desired;
    const char *to;    /* of a drain, as in health_override; NULL: as policies have it */
    const char *names; /* likewise; NULL: of all */
    uint8_t share;     /* likewise */
};

/* "region:us-east=down", "endpoint:web-a=drain", "region:us-east=drain:20" (20 % of it), "az:us-east-1a=auto"
 * (without its override): 0, ERROR_SYNTAX or ERROR_NOT_FOUND. */
int operate_parse_assumption(const struct view *view, const char *text,
                             struct operate_assumption *assumption);
/* The same text again. */
const char *operate_write_assumption(const struct view *view, const struct operate_assumption *assumption,
                                     struct arena *arena);

/* The state of an endpoint as names of a group (1 + index; 0: of none) see it. */
enum health_state operate_find_state(const struct view *view, uint32_t endpoint, uint32_t group);

/* Put the overrides on a copy (view_copy); of two of the same object the later one holds. */
void operate_assume(struct view *copy, const struct operate_assumption *assumptions, size_t count,
                    int64_t wall_ms);

/* ---- explain ---- */

struct operate_member {
    const char *endpoint, *az, *region,
        *tier; /* tier: label of the tier (or "pool …") in which it is considered, or NULL */
    enum health_observed observed; /* by its own checks, with the family of the type asked */
    struct health_effective effective;
    const struct operate_target *decider; /* the endpoint, az or region that made it so; NULL: nothing did */
    const char *excluded;                 /* why it is in no answer; NULL: it may be */
    const char
        *own_reason; /* likewise where it is about it, not about its tier; of who is held: what is so */
    bool sticks;     /* the client sticks to it */
    uint32_t weight;
    double shed;          /* of its weight, because of its load, 0..1 */
    unsigned ramp;        /* percent of its weight that it has, 100 unless it came back a moment ago */
    double counts;        /* the weight that is left; all of it where load is ignored */
    double odds;          /* of being in an answer now */
    bool chosen;          /* odds > 0 */
    const char *address;  /* the first of the type asked, A or AAAA; NULL: it has none */
    const char **records; /* rdata of the type asked, in presentation form */
    size_t record_count;
    int64_t held_ms; /* wall time until which no client sticks to it; 0: it is not held */
};

struct operate_tier {
    const char *label;
    uint32_t members, serving;
    uint32_t left_out; /* members that do not count: they lack the family that is asked for */
    uint32_t held;     /* members that fell, and count as if they had not: a safety rule holds them */
    bool barred;       /* it has no share, since a safety rule forbids to go there */
    double healthy;    /* the serving share, 0..1 */
    bool by_capacity;  /* measured by capacity, else by number */
    double available;  /* that, less what is shed because of load */
    const char *min_healthy, *spill_below; /* "50 %", "2"; NULL: not given */
    double trickle;                        /* 0: none */
    double share;                          /* of answers, 0..1 */
    bool considered, qualifies, selected;  /* selected: share > 0 */
};

/* Why a client is of its class: only where geography plays a part and the client is known. */
struct operate_geo {
    const char *rule;    /* "geo[0]", "by-continent[2]"; NULL: none matched */
    const char *cidr;    /* the prefix of the rule that matched; NULL: it has none */
    const char *network; /* all of it is of this class */
    struct geo_place place;
};

struct operate_explanation {
    const char *name, *type, *client; /* as understood; client may be NULL */
    const char *zone;                 /* NULL: no zone of ours */
    const char *rcode;
    bool steered;
    uint32_t policy;          /* of a steered name, as in the list of names */
    const char *steered_name; /* the owner whose policy applied (a wildcard, or the end of a CNAME chain) */
    const char *class_label;
    const char *pick;              /* "weighted" …; NULL: not steered */
    const char *sticks;            /* the prefix of the client that decides a sticky pick; NULL: none */
    const struct operate_geo *geo; /* NULL: geography plays no part */
    unsigned scope;                /* of the reply */
    const char *scope_reason;      /* "geo", "sticky", "negative"; NULL: it holds for every client */
    const char *source;            /* steer_source_text() */
    uint32_t ttl;
    const char
        *ttl_reason; /* "ttl", "ttl_failing", "planned", "override", "zone", "negative"; NULL: not steered */
    const char *fallback; /* "all" …: where no tier serves; NULL: not steered */
    const char *pool;     /* "pool …", that comes before it; NULL: none */
    bool fenced;          /* answers never leave the tiers */
    struct operate_tier *tiers;
    size_t tier_count;
    struct operate_member *members;
    size_t member_count;
    const char **answers; /* the records of one real answer now, in presentation form */
    size_t answer_count;
    const char **steps; /* the same story as sentences, in order */
    size_t step_count;
};

/* A query type by mnemonic, "A" or "TYPE257", without regard to case: 0 or ERROR_SYNTAX. */
int operate_parse_type(const char *text, uint16_t *type);

struct answer_challenges;
struct operate_question {
    const char *name;
    uint16_t type;
    const struct addr *client;                  /* NULL: not known, no geography */
    int64_t wall_ms;                            /* now */
    const struct answer_challenges *challenges; /* of ACME, beside the zones; NULL: none */
};

/* Say this before all other steps. */
void operate_tell_first(struct operate_explanation *explanation, const char *text, struct arena *arena);

/* Ask the answer code for real and say why it answers so. 0, or ERROR_SYNTAX for a name that is none. */
int operate_explain(const struct view *view, const struct operate_question *question, struct arena *arena,
                    struct operate_explanation *explanation);

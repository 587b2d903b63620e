/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The health table: one word per endpoint, az and region, written by whoever holds `struct health`, read by
 * DNS threads with plain atomic loads. A word holds what was observed beside what the operator desires;
 * neither overwrites the other. What answers follow (the effective state of an endpoint) is derived from
 * three words, so losing a region is one store.
 *
 * Order: override of the endpoint, of its az, of its region (narrowest wins), else lost az or region, else
 * the endpoint's own verdict. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum health_kind { HEALTH_ENDPOINT, HEALTH_AZ, HEALTH_REGION };

/* Of addresses. What an endpoint is worth to a client depends on which one it comes with: health is seen for
 * each by itself, and for what has no family (an endpoint as a whole, a record of another type) by any. */
enum health_family { HEALTH_V4, HEALTH_V6, HEALTH_ANY };
enum { HEALTH_FAMILIES = HEALTH_ANY, HEALTH_VIEWS = HEALTH_ANY + 1 };

enum health_observed { HEALTH_OBSERVED_UNKNOWN, HEALTH_OBSERVED_HEALTHY, HEALTH_OBSERVED_UNHEALTHY };
enum health_desired { HEALTH_DESIRED_AUTO, HEALTH_DESIRED_DRAIN, HEALTH_DESIRED_UP, HEALTH_DESIRED_DOWN };

enum health_state {
    HEALTH_UNKNOWN, /* no data yet: served, since nothing speaks against it */
    HEALTH_HEALTHY,
    HEALTH_UNHEALTHY,
    HEALTH_DRAINED, /* never served, by no fallback */
    HEALTH_FORCED_UP,
    HEALTH_FORCED_DOWN,
};
enum { HEALTH_STATES = HEALTH_FORCED_DOWN + 1 };

enum health_decider {
    HEALTH_BY_VERDICT,           /* "verdict": of the checks, or nothing known */
    HEALTH_BY_AZ_LOST,           /* "az_lost" */
    HEALTH_BY_REGION_LOST,       /* "region_lost" */
    HEALTH_BY_ENDPOINT_OVERRIDE, /* "endpoint_override" */
    HEALTH_BY_AZ_OVERRIDE,       /* "az_override" */
    HEALTH_BY_REGION_OVERRIDE,   /* "region_override" */
};

/* The word: bits 0-1 observed, bits 2-3 desired, bit 5: an override is planned for later. Of endpoints, too:
 * - observed is what holds while any family works, and bits 14-15 and 16-17 are what IPv4 and IPv6 differ
 * from that in (xor). So a word without them says the same of both, and one operation gives what it says of
 * one;
 * - bits 4 and 20: the latest results of a check of IPv4, of IPv6 speak against its verdict, but are not
 *   enough to change it yet;
 * - bits 6-7: a host name resolves to addresses of IPv4, of IPv6;
 * - bits 8-13: how much of its weight the endpoint sheds because of its load, in steps of which
 *   HEALTH_SHED_ALL are everything.
 * Bits 18-19 stay clear: there HEALTH_ANY differs from observed.
 * - bits 21-27, also of azs and regions: how many percent of its weight are withheld because it came back a
 *   moment ago (ramp.h), and bits 28-30: from whom, a bit for each of HEALTH_V4, V6, ANY. */
enum {
    HEALTH_WORD_OBSERVED = 3,
    HEALTH_WORD_DESIRED_SHIFT = 2,
    HEALTH_WORD_DESIRED = 3 << 2,
    HEALTH_WORD_WAVERS_V4 = 1 << 4,
    HEALTH_WORD_PLANNED = 1 << 5,
    HEALTH_WORD_RESOLVED_SHIFT = 6,
    HEALTH_WORD_RESOLVED_V4 = 1 << 6,
    HEALTH_WORD_RESOLVED_V6 = 1 << 7,
    HEALTH_WORD_RESOLVED = 3 << 6,
    HEALTH_WORD_SHED_SHIFT = 8,
    HEALTH_WORD_SHED = 63 << 8,
    HEALTH_WORD_FAMILIES_SHIFT = 14, /* two bits for each */
    HEALTH_WORD_FAMILIES = 15 << 14,
    HEALTH_WORD_VERDICTS = HEALTH_WORD_OBSERVED | HEALTH_WORD_FAMILIES,
    HEALTH_WORD_WAVERS_V6 = 1 << 20,
    HEALTH_WORD_WAVERS = HEALTH_WORD_WAVERS_V4 | HEALTH_WORD_WAVERS_V6,
    HEALTH_SHED_ALL = 32,
    HEALTH_WORD_RAMP_SHIFT = 21,
    HEALTH_WORD_RAMP = 127 << 21,
    HEALTH_WORD_RAMPING_SHIFT = 28,
    HEALTH_WORD_RAMPING = 7 << 28,
    HEALTH_RAMP_WHOLE = 100, /* percent */
};

/* Bit 31: there is an override of it that is about some names only. Nothing else of the word says anything of
 * that but that it is planned; what it wants stands in struct health_scope. */
#define HEALTH_WORD_SCOPED (UINT32_C(1) << 31)

#define HEALTH_CHANGING (UINT64_C(1) << 63)

/* Order of the stores of a change: what a word tells of (when it left or came back, addresses of a host),
 * then generation | CHANGING, then the words, each a release, then the next generation, a release.
 *
 * Who derives something loads the generation (acquire), then the words (acquire). So
 * - a generation without the mark shows every word of its change;
 * - a word may belong to a change that is still under way. Then the acquire of the word itself shows what it
 *   tells of, and the mark, or a later generation, to the next one who asks whether the derived still holds;
 * - what was derived from a mixture of old and new words therefore serves no other query. */
/* When (wall time, ms) the word last began and stopped to keep what it stands for from serving, and when it
 * did so before that; 0: it never did. Stored before the word. */
struct health_outage {
    _Atomic uint64_t left_ms, back_ms, before_left_ms, before_back_ms;
};

/* When an object fell, as numbers of an order in which also stands since when something is forbidden
 * (health/guard.h); 0: before anybody counted. Stored before the word. */
struct health_fall {
    _Atomic uint64_t fell[HEALTH_VIEWS]; /* of azs and regions: [HEALTH_ANY] */
    _Atomic uint64_t ordered;            /* when an override of it began or ended */
};

struct health_way {
    uint32_t from, to; /* regions */
};

/* Since when something is forbidden, 0: it is not; and those times before in which something fell there,
 * since when and until when each, the latest first; 0: there are no more. */
enum { HEALTH_BAN_TIMES = 8 };
struct health_ban {
    _Atomic uint64_t since;
    struct health_ban_time {
        _Atomic uint64_t was, ended;
    } times[HEALTH_BAN_TIMES];
};

/* What is forbidden to those who move by themselves. */
struct health_bans {
    _Atomic uint32_t count; /* of what is forbidden now; stored before what falls under it */
    uint32_t way_count;
    struct health_fall *endpoints, *azs, *regions;
    struct health_ban *leaving;    /* of regions: to leave it for any other */
    struct health_ban *moving;     /* of ways: to leave a region for the one where that leads */
    const struct health_way *ways; /* those of a region stand side by side: */
    const uint32_t *first_way;     /* of each region; and the end of the last one */
};

/* What few overrides say besides, a number beside each word. A change of one is a change of the table, like
 * that of a word, and stored before that. */
struct health_marks {
    _Atomic uint32_t count; /* of those that are not 0 */
    _Atomic uint32_t *endpoints, *azs, *regions;
};

static inline uint32_t health_exit_make(enum health_kind kind, uint32_t index)
{
    return (index + 1) << 1 | (kind == HEALTH_AZ);
}

enum { HEALTH_TTL_MAX_S = INT32_MAX }; /* RFC 2181, section 8 */
static inline uint32_t health_ttl_make(uint32_t ttl_s)
{
    return (ttl_s < HEALTH_TTL_MAX_S ? ttl_s : HEALTH_TTL_MAX_S - 1) + 1; /* 0 s is a TTL like any other */
}

/* Beside it: the override is a drain in part, so what it is of is about to change. */
#define HEALTH_TTL_PARTLY (UINT32_C(1) << 31)

/* What an override wants that is about some names only: stored before the word that has HEALTH_WORD_SCOPED,
 * in one change with it. Without that it says nothing, and stays as it was: who has read the word of before
 * finds what belonged to that. For the same reason the wish is stored before the groups, and read after them:
 * names that are new to a drain never see what it wanted before. */
struct health_scope {
    _Atomic uint64_t groups; /* of names, a bit each */
    _Atomic uint32_t wish;   /* as a word has it: HEALTH_WORD_DESIRED, RAMP, RAMPING; planned: 0 */
};
enum { HEALTH_GROUPS_MAX = 64 };

/* By object: they take memory where there is such an override. */
struct health_scopes {
    struct health_scope *endpoints, *azs, *regions;
};

struct health_table {
    /* Grows with every change of any word, after the words were stored: what was derived from the words at an
     * equal generation still holds. Begins at 1. HEALTH_CHANGING is set before the first word is stored:
     * while it is, nothing derived holds, and who asks reads the words. So all names follow a store at one
     * instant, also if the writer is held up in the middle. */
    _Atomic uint64_t generation;
    uint32_t endpoint_count, az_count, region_count;
    _Atomic uint32_t *endpoints, *azs, *regions;
    struct health_outage (*endpoints_outage)[HEALTH_VIEWS]; /* by enum health_family */
    struct health_outage *azs_outage, *regions_outage;
    struct health_bans *bans; /* NULL: no rule forbids anything, ever */
    /* Where what an override in force moves off is to go: 0 (as policies have it), or a region or an az, see
     * health_exit_make(). NULL: there never is any. */
    struct health_marks *exits;
    /* How long answers live at most that follow an override, in force or planned: 0 (as policies have it), or
     * see health_ttl_make() and HEALTH_TTL_PARTLY. NULL likewise. */
    struct health_marks *ttls;
    struct health_scopes *scopes; /* NULL: no word has HEALTH_WORD_SCOPED, ever */
};

struct health_effective {
    enum health_state state;
    enum health_decider decided_by;
};

const char *health_observed_text(enum health_observed observed); /* "unknown" "healthy" "unhealthy" */
const char *health_desired_text(enum health_desired desired);    /* "auto" "drain" "up" "down" */
const char *health_state_text(enum health_state state); /* "unknown" … "drained" "forced_up" "forced_down" */
const char *health_decider_text(enum health_decider decider);
const char *health_kind_text(enum health_kind kind);                      /* "endpoint" "az" "region" */
const char *health_family_text(enum health_family family);                /* "ipv4" "ipv6" "any" */
int health_parse_desired(const char *text, enum health_desired *desired); /* 0 or ERROR_NOT_FOUND */
int health_parse_kind(const char *text, enum health_kind *kind);
/* "region:us-east": 0, and *name is in the text, or ERROR_SYNTAX. */
int health_parse_target(const char *text, enum health_kind *kind, const char **name);

/* The word of an endpoint as it would be if both families were like this one. */
static inline uint32_t health_word_of(uint32_t word, enum health_family family)
{
    return word ^ (word >> (HEALTH_WORD_FAMILIES_SHIFT + 2 * (unsigned)family) & HEALTH_WORD_OBSERVED);
}

/* Do the latest results of its checks speak against what it says of this family? */
static inline bool health_word_wavers(uint32_t word, enum health_family family)
{
    static const uint32_t bits[] = {HEALTH_WORD_WAVERS_V4, HEALTH_WORD_WAVERS_V6, HEALTH_WORD_WAVERS};
    return (word & bits[family]) != 0;
}

/* Of an endpoint: as a whole; see health_word_of(). */
static inline enum health_observed health_word_observed(uint32_t word)
{
    return (enum health_observed)(word & HEALTH_WORD_OBSERVED);
}

static inline enum health_desired health_word_desired(uint32_t word)
{
    return (enum health_desired)((word & HEALTH_WORD_DESIRED) >> HEALTH_WORD_DESIRED_SHIFT);
}

/* The rule above, on three words; for one family of an endpoint pass health_word_of(). For an az pass its own
 * word as `endpoint` and 0 as `az`; for a region pass its word as `endpoint` and 0 for both others
 * (health_status of those kinds names the deciders accordingly).
 */
static inline struct health_effective health_combine(uint32_t endpoint, uint32_t az, uint32_t region)
{
    static const enum health_state forced[] = {[HEALTH_DESIRED_AUTO] = HEALTH_UNKNOWN,
                                               [HEALTH_DESIRED_DRAIN] = HEALTH_DRAINED,
                                               [HEALTH_DESIRED_UP] = HEALTH_FORCED_UP,
                                               [HEALTH_DESIRED_DOWN] = HEALTH_FORCED_DOWN};
    if (((endpoint | az | region) & HEALTH_WORD_DESIRED) != 0) {
        if ((endpoint & HEALTH_WORD_DESIRED) != 0) {
            return (struct health_effective){forced[health_word_desired(endpoint)],
                                             HEALTH_BY_ENDPOINT_OVERRIDE};
        }
        if ((az & HEALTH_WORD_DESIRED) != 0) {
            return (struct health_effective){forced[health_word_desired(az)], HEALTH_BY_AZ_OVERRIDE};
        }
        return (struct health_effective){forced[health_word_desired(region)], HEALTH_BY_REGION_OVERRIDE};
    }
    if (health_word_observed(region) == HEALTH_OBSERVED_UNHEALTHY) {
        return (struct health_effective){HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST};
    }
    if (health_word_observed(az) == HEALTH_OBSERVED_UNHEALTHY) {
        return (struct health_effective){HEALTH_UNHEALTHY, HEALTH_BY_AZ_LOST};
    }
    return (struct health_effective){(enum health_state)health_word_observed(endpoint), HEALTH_BY_VERDICT};
}

static inline struct health_effective health_table_effective(const struct health_table *table,
                                                             uint32_t endpoint, uint32_t az, uint32_t region,
                                                             enum health_family family)
{
    uint32_t word = atomic_load_explicit(&table->endpoints[endpoint], memory_order_relaxed);
    return health_combine(health_word_of(word, family),
                          atomic_load_explicit(&table->azs[az], memory_order_relaxed),
                          atomic_load_explicit(&table->regions[region], memory_order_relaxed));
}

/* The word as names of a group see it; 0: of none. */
static inline uint32_t health_word_within(uint32_t word, const struct health_scope *scope, uint32_t group)
{
    if ((word & HEALTH_WORD_SCOPED) == 0) {
        return word;
    }
    uint64_t groups = atomic_load_explicit(&scope->groups, memory_order_acquire);
    uint32_t wish = atomic_load_explicit(&scope->wish, memory_order_acquire);
    if (group == 0 || (groups >> (group - 1) & 1) == 0) {
        return word & ~(uint32_t)HEALTH_WORD_PLANNED;
    }
    if ((wish & HEALTH_WORD_RAMP) > (word & HEALTH_WORD_RAMP)) {
        word = (word & ~(uint32_t)HEALTH_WORD_RAMP) | (wish & HEALTH_WORD_RAMP);
    }
    return word | (wish & (HEALTH_WORD_DESIRED | HEALTH_WORD_RAMPING));
}

/* The three words of at[0], at[1], at[2] (an endpoint, its az, its region) as names of a group see them
 * (health_word_within()). Returns whether some names see others. */
static inline bool health_table_load_within(const struct health_table *table, const uint32_t at[3],
                                            enum health_family family, uint32_t group, uint32_t words[3])
{
    const struct health_scopes *scopes = table->scopes;
    words[0] = health_word_of(atomic_load_explicit(&table->endpoints[at[0]], memory_order_acquire), family);
    words[1] = atomic_load_explicit(&table->azs[at[1]], memory_order_acquire);
    words[2] = atomic_load_explicit(&table->regions[at[2]], memory_order_acquire);
    bool is_scoped = ((words[0] | words[1] | words[2]) & HEALTH_WORD_SCOPED) != 0;
    if (is_scoped) {
        words[0] = health_word_within(words[0], &scopes->endpoints[at[0]], group);
        words[1] = health_word_within(words[1], &scopes->azs[at[1]], group);
        words[2] = health_word_within(words[2], &scopes->regions[at[2]], group);
    }
    return is_scoped;
}

/* What that makes of it. */
static inline struct health_effective health_table_effective_within(const struct health_table *table,
                                                                    uint32_t endpoint, uint32_t az,
                                                                    uint32_t region,
                                                                    enum health_family family, uint32_t group)
{
    uint32_t words[3];
    const uint32_t at[] = {endpoint, az, region};
    (void)health_table_load_within(table, at, family, group, words);
    return health_combine(words[0], words[1], words[2]);
}

/* Whose planned override will decide about an endpoint when its time comes, as its words are now? The
 * narrowest one's, unless an override that is as narrow or narrower is in force. False: nobody's. */
static inline bool health_find_planned(uint32_t endpoint, uint32_t az, uint32_t region,
                                       enum health_kind *kind)
{
    const uint32_t words[] = {[HEALTH_ENDPOINT] = endpoint, [HEALTH_AZ] = az, [HEALTH_REGION] = region};
    for (int i = HEALTH_ENDPOINT; i <= HEALTH_REGION && (words[i] & HEALTH_WORD_DESIRED) == 0; i++) {
        if ((words[i] & HEALTH_WORD_PLANNED) != 0) {
            *kind = (enum health_kind)i;
            return true;
        }
    }
    return false;
}

static inline unsigned health_word_shed(uint32_t word)
{
    return (word & HEALTH_WORD_SHED) >> HEALTH_WORD_SHED_SHIFT;
}

/* Percent of the weight that this word withholds from a family, 0..99. */
static inline unsigned health_word_withheld(uint32_t word, enum health_family family)
{
    bool is_meant = (word >> (HEALTH_WORD_RAMPING_SHIFT + (unsigned)family) & 1) != 0;
    return is_meant ? (word & HEALTH_WORD_RAMP) >> HEALTH_WORD_RAMP_SHIFT : 0;
}

/* Of the words of an endpoint, its az and its region whoever withholds most decides. What an operator wants
 * up has all of its weight. */
static inline unsigned health_find_withheld(const uint32_t words[3], enum health_family family,
                                            enum health_state state)
{
    if (((words[0] | words[1] | words[2]) & HEALTH_WORD_RAMPING) == 0 || state == HEALTH_FORCED_UP) {
        return 0;
    }
    unsigned most = health_word_withheld(words[0], family);
    for (int i = 1; i < 3; i++) {
        unsigned other = health_word_withheld(words[i], family);
        most = other > most ? other : most;
    }
    return most;
}

/* Does this word alone keep what it stands for from serving? */
static inline bool health_word_blocks(uint32_t word)
{
    enum health_desired desired = health_word_desired(word);
    return desired == HEALTH_DESIRED_DRAIN || desired == HEALTH_DESIRED_DOWN ||
           (desired == HEALTH_DESIRED_AUTO && health_word_observed(word) == HEALTH_OBSERVED_UNHEALTHY);
}

/* May an endpoint in this state be chosen? Unknown counts: nothing speaks against it. */
static inline bool health_state_serves(enum health_state state)
{
    return state == HEALTH_HEALTHY || state == HEALTH_UNKNOWN || state == HEALTH_FORCED_UP;
}

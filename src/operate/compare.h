/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What another configuration changes for traffic: zones and names that come, go, lose more than half of their
 * records or have others, names that become steered or cease to be, members that steered names gain and lose,
 * answers that move, and settings that show only later, such as a threshold or a fallback. Answers are
 * evaluated as those of queries are, once per distinct pair of policies that the same name has before and
 * after, classes of clients and type, on the states that each of the views has.
 *
 * An endpoint is the same if it has the same addresses, whatever its name. Of classes those two are compared
 * that some client is in, before and after, whatever their labels. */
#pragma once

#include "base/arena.h"
#include "base/report.h"
#include "operate/whatif.h"
#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of zones the first ones only. */
enum operate_fate {
    OPERATE_ADDED,
    OPERATE_REMOVED,
    OPERATE_SHRUNK,
    OPERATE_ZONE_FATES,
    OPERATE_CHANGED = OPERATE_ZONE_FATES, /* other records */
    OPERATE_RETIMED,                      /* the same with another TTL */
    OPERATE_STEERED,                      /* was static */
    OPERATE_UNSTEERED,                    /* is static */
    OPERATE_FATES
};

static inline const char *operate_fate_text(enum operate_fate fate)
{
    static const char *const texts[] = {
        [OPERATE_ADDED] = "added",        [OPERATE_REMOVED] = "removed",     [OPERATE_SHRUNK] = "shrunk",
        [OPERATE_CHANGED] = "changed",    [OPERATE_RETIMED] = "ttl_changed", [OPERATE_STEERED] = "steered",
        [OPERATE_UNSTEERED] = "unsteered"};
    return texts[fate];
}

struct operate_counted {
    const char *name;
    uint32_t records[2]; /* [0]: before, [1]: after; of OPERATE_RETIMED the first TTL that is another one, of
                            zones that are held up the serial */
};

struct operate_counts {
    struct operate_counted *items; /* the first ones */
    size_t count, total;
};

enum { OPERATE_MEMBERS_LISTED = 10 };

struct operate_members {
    const char *names[OPERATE_MEMBERS_LISTED]; /* endpoints */
    size_t count, total;
};

/* Of the names with one pair of policies. */
struct operate_membership {
    const char *name; /* the first one */
    uint32_t name_count;
    struct operate_members gained, lost;
};

struct operate_move {
    const char *name;
    uint32_t name_count;
    const char *class_label, *class_before; /* class_before: NULL: the same */
    const char *types[OPERATE_ROW_TYPES];   /* NULL ends them */
    enum operate_severity severity;         /* UNSERVED, FALLBACK or MOVED */
    const char *before, *after;             /* "tier us-east" …, of the first type */
};

enum operate_scope {
    OPERATE_OF_SERVER,
    OPERATE_OF_ZONE,
    OPERATE_OF_NAME,
    OPERATE_OF_TOPOLOGY,
    OPERATE_OF_REGION,
    OPERATE_OF_AZ,
    OPERATE_OF_ENDPOINT,
    OPERATE_OF_CHECK
};

static inline const char *operate_scope_text(enum operate_scope scope)
{
    static const char *const texts[] = {
        [OPERATE_OF_SERVER] = "server",     [OPERATE_OF_ZONE] = "zone",     [OPERATE_OF_NAME] = "name",
        [OPERATE_OF_TOPOLOGY] = "topology", [OPERATE_OF_REGION] = "region", [OPERATE_OF_AZ] = "az",
        [OPERATE_OF_ENDPOINT] = "endpoint", [OPERATE_OF_CHECK] = "check"};
    return texts[scope];
}

enum { OPERATE_SETTINGS_MAX = 64 };

/* A key of a document by which objects that are there before and after differ. */
struct operate_setting {
    enum operate_scope scope;
    const char *key;
    const char **items; /* the first ones; of names one per pair of policies; none of server and topology */
    size_t count, total;
    bool at_start; /* it takes effect with the next start of the server */
};

struct operate_comparison {
    struct operate_counts zones[OPERATE_ZONE_FATES], names[OPERATE_FATES];
    struct operate_counts
        held_up;       /* zones with other records, but no later serial: secondaries keep theirs */
    size_t steered[2]; /* names */
    struct operate_membership *memberships;
    size_t membership_count, membership_total;
    size_t gained, lost;        /* members, of all names */
    struct operate_move *moves; /* the worst first */
    size_t move_count, move_total;
    size_t names_moved[OPERATE_MOVED + 1]; /* by their worst severity */
    struct operate_setting *settings;      /* as they were found */
    size_t setting_count;
    const char **steps; /* the whole in sentences; none: nothing changes */
    size_t step_count;
};

struct operate_compare {
    const struct view *view[2];  /* before, after */
    const char *zone;            /* this one only, as it is listed; NULL: all */
    const struct zone *read;     /* what that will be; NULL: it is in view[1] already */
    size_t limit;                /* items of each list */
    int64_t wall_ms[2];          /* when each of them answers */
    const struct report *report; /* may call it off; NULL: nobody does */
};

/* Nobody exchanges zones of the views meanwhile; of their states only words are read, so they may serve. The
 * result lives in the arena and borrows nothing. */
void operate_compare_views(const struct operate_compare *compare, struct arena *arena,
                           struct operate_comparison *comparison);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drill "simulate": what a document says that happens, computed in virtual time with the health and steering
 * code that serves, on a health machine of its own. Nothing of the live view or its health changes.
 *
 * The simulated prober follows the topology: each monitor that anything happens to is checked every interval,
 * and ends as the causes (causes.h) that are in force say. The first check after a cause begins or ends comes
 * at the worst moment: a whole interval after it, unless the monitor is being checked already; so the n-th
 * failure ends at n intervals, plus the timeout. The report also gives the expected time (half an interval
 * less). Whatever nothing happens to stays as it is at the start, and what was down at the start does not
 * come back. Overrides start and end at their times as long as the run lasts.
 *
 * A list of losses is the short form of a document: all of them at 0, for good, and the run lasts until the
 * last check has made its verdict fall. */
#pragma once

#include "base/arena.h"
#include "base/progress.h"
#include "drill/document.h"
#include "drill/part.h"
#include "health/health.h"
#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drill_scenario {
    const struct drill_loss *losses; /* the short form; none with a document */
    size_t loss_count;
    enum health_outcome failure; /* TIMEOUT (a dead host) or REFUSED (a dead process) …; NONE: TIMEOUT */
    bool from_live;  /* start from the live health (overrides, what is down already); else all is healthy */
    int64_t wall_ms; /* when it happens: decides which overrides start or end meanwhile */
    struct progress *progress; /* NULL: nobody looks */
    const struct drill_document
        *document; /* for this topology; NULL: the losses. Its from_live does not count */
};

/* Where the traffic of a name goes: shares by region, before and after. */
struct drill_share {
    const char *region;   /* NULL: not to any endpoint (static records, no data, SERVFAIL) */
    double before, after; /* 0..1 */
};

struct drill_name {
    const char *name, *type, *class_label; /* class of clients; "default" where there is no geography */
    uint32_t ttl;
    const char *before, *after; /* source and tier, such as "tier us-east" or "fallback static" */
    bool changes;
    bool unserved; /* after: nothing healthy answers (fallback, or no record of this type where there was one)
                    */
    bool held; /* after: a safety rule keeps it where nothing serves, or from all but its fallback. Then it is
                  neither unserved nor to_lost */
    const struct drill_share *shares;
    size_t share_count;
    double to_lost;     /* share that still goes to what is lost, afterwards: nothing noticed (no checks, an
                           override, too few failures for lost_at), or the fallback offers everything */
    int64_t decided_ms; /* after the loss, worst case; -1: does not change */
    int64_t decided_expected_ms; /* on average over the moment of the loss; -1 likewise */
    int64_t detected_ms; /* the first failure of the check that decided it, worst case; -1: it was no check */
    uint32_t phase_ms;   /* both are so much less, or anything between: the loss is at any moment of that */
    uint32_t rto_ms;     /* its own, not that of all; 0: it has none */
    const char *rto_of;  /* "the name", or "the pair us-east to eu-west" by which it moves */
    bool late;           /* it changes, and its decision + TTL is above that */
    uint32_t course;     /* all its answers, in the report's courses */
    uint32_t owner;      /* number of the name in the view */
    double weight;       /* its part in all users: names count alike, and classes of clients */
};

/* What is answered from a time on. */
struct drill_step {
    int64_t at_ms;
    const char *from; /* as `before` and `after` of a name */
    uint32_t ttl_max; /* TTLs are no higher; UINT32_MAX: those of the names */
    uint32_t records; /* so many parts are in one answer */
    const struct drill_part *parts;
    size_t part_count; /* 0: nobody (static records, no data, SERVFAIL) */
    bool is_empty;     /* there are no records at all */
    bool changes;      /* other places than before, not the TTL alone */
};

/* All answers of a type and class of clients, from the start on: names that have it in common share it. */
struct drill_course {
    const struct drill_step *steps; /* the first at 0 */
    size_t step_count;
};

/* Something begins or ends, until the next thing does. Times from `at_ms` on. */
struct drill_phase {
    int64_t at_ms;
    const char *text;     /* "region:us-east lost" */
    bool is_back;         /* things end only: the way back */
    int64_t detection_ms; /* the first check that sees it has ended; -1: none does */
    int64_t failing_ms;   /* that check has begun; measured ones are taken as if they took no time */
    int64_t decision_ms;  /* the last change of answers; -1: none changes */
    size_t changed;       /* answers that changed, each time that they did */
    const char **lost; /* what no client reaches meanwhile: "region:us-east", else its azs, else endpoints */
    size_t lost_count, lost_left_out; /* DRILL_PHASE_LOST_MAX at most, and how many more */
};

enum { DRILL_PHASE_LOST_MAX = 256 };

/* Where an endpoint is, by name. */
struct drill_place {
    const char *name, *az, *region;
};

struct drill_event {
    int64_t at_ms;    /* after the loss, worst case */
    const char *text; /* "first failed check of web-a (timeout)", "endpoint web-a unhealthy", "region us-east
                         lost" … */
    bool is_detail;   /* of a single endpoint: the first to be left out where a list is cut */
};

/* The last check that an answer waited for. */
struct drill_decider {
    const char *endpoint; /* NULL: it was no check (an override that ended, or nothing at all) */
    uint32_t rounds;      /* checks from the loss to the verdict */
    uint32_t interval_ms;
    uint32_t timeout_ms; /* 0: it failed at once */
    uint32_t recheck_ms; /* of those after the first one; 0: as ever */
    int64_t failed_ms;   /* since the start: the first that failed in this phase; -1: it was no check */
};

/* A place: its share of all requests by second. */
struct drill_series {
    const char *name;
    const double *shares;
};

/* A region in the second in which it has most to do for what it can do. */
struct drill_capacity {
    const char *region;
    double all, capacity; /* requests per second: with all endpoints, and with those that are there then */
    double use;           /* of the latter */
    int64_t at_ms;        /* -1: it never serves */
};

/* Where some of the clients are. */
struct drill_from {
    const char *where; /* "DE", "AS64500", "192.0.2.0/24" */
    double share;
};

/* What users notice (population.h). Shares are of all requests, 0..1; lists are by second. */
struct drill_users {
    uint64_t clients;
    double per_second; /* requests of all of them; 0: not known */
    uint32_t resolvers;
    const struct drill_from *froms; /* those of the rest are of all classes alike */
    size_t from_count;
    const struct drill_recorded *recorded; /* or they are as that says; without its shares. NULL: not so */
    size_t cohorts;                        /* different answers over time */
    size_t second_count;
    const double *failed, *failed_one, *failed_all; /* of clients as they are; were all to take the first
                                                       address; were all to try the others */
    const double *misled;                           /* led to what is lost */
    double share, share_one, share_all;             /* failed in all the time: likewise */
    double worst;                                   /* the worst second */
    int64_t first_ms, last_ms;                      /* failed requests; -1: none */
    int64_t moved_ms[4]; /* since the first loss until 50, 90, 99, 100 % of those who were led to what is lost
                            are not; -1: never, or nobody was */
    struct drill_series *regions, *azs;
    size_t region_count, az_count;
    const double *nowhere;             /* to no endpoint */
    struct drill_capacity *capacities; /* of regions whose endpoints say theirs */
    size_t capacity_count;
};

/* A copy of what is lost, at that moment. */
struct drill_copy {
    const char *from, *to, *lost;
    int64_t at_ms;
    int64_t lag_ms; /* what is lost of the data; -1: not known */
    int64_t rpo_ms; /* 0: none */
    const char *from_region, *to_region;
};

/* Somebody who looked. */
struct drill_watcher {
    const char *name, *region; /* NULL: nobody says where it is */
    uint32_t weight;
    bool is_drained;
};

/* Of users, and of the moments of a check's interval at which a loss may come: until then so many of them
 * have been reached, 50, 90, 99 and 100 %. */
enum { DRILL_QUANTILES = 4 };
struct drill_times {
    int64_t ms[DRILL_QUANTILES]; /* -1: there is nobody */
};

struct drill_report {
    const char *mode;                /* "shadow" …: times were measured; NULL: it was simulated */
    const struct drill_copy *copies; /* of regions and azs that a document loses */
    size_t copy_count;
    const struct drill_users *users; /* NULL: of the short form */
    bool has_document;
    bool is_cut;             /* more happened than a report holds: it ends there, before its time */
    const char *title;       /* of the document; NULL: it has none */
    const char *description; /* likewise */
    uint64_t seed;           /* likewise */
    int64_t duration_ms;     /* of virtual time; of the short form: when the last verdict fell */
    const struct drill_phase *phases;
    size_t phase_count;
    const struct drill_course *courses;
    size_t course_count;
    const struct drill_place *endpoints; /* all of the topology */
    size_t endpoint_count;
    const char **misses; /* objectives of the document that were missed, in words */
    size_t miss_count;
    const char **lost; /* "region:us-east" … */
    size_t lost_count;
    enum health_outcome failure;
    bool from_live;
    const struct drill_watcher *watchers; /* who looked; none: the server itself alone */
    size_t watcher_count;
    const struct drill_event *events;
    size_t event_count;
    const struct drill_name *names; /* each steered name, type and class; changed ones first */
    size_t name_count, changed_count, unserved_count, held_count;
    size_t late_count;                       /* of names with an RTO of their own */
    size_t to_lost_count;                    /* of names: to_lost is not 0 */
    size_t owner_count, owner_changed_count; /* names, however many types and classes each has */
    const struct drill_share *total;         /* all names alike */
    size_t total_count;
    int64_t detection_ms; /* the first failed check, worst case; -1: nothing that is lost is checked */
    int64_t failing_ms;   /* and when it had begun; meaningful if detection_ms is not -1 */
    int64_t decision_ms;  /* the last verdict that changes an answer, worst case; -1: none changes */
    int64_t decision_expected_ms;             /* on average over the moment of the loss; -1 likewise */
    struct drill_times detections, decisions; /* of answers that change */
    int64_t ttl_ms;                           /* the largest TTL among changed names: caches follow by then */
    int64_t recovery_ms; /* decision + ttl; -1: nothing to recover; meaningful if unserved_count and
                            to_lost_count are 0 */
    uint8_t resources[DRILL_RESOURCES]; /* of a document: the level that each is declared to meet; 0: none */
    int64_t rto_ms;                     /* objective from the topology; 0: none */
    int64_t common_decision_ms; /* of answers that go by rto_ms, as of all; -1: none of these changes */
    int64_t common_ttl_ms;
    struct progress *progress; /* of the scenario: writing goes on with it */
    bool meets_rto; /* within the objective, all names served, nothing sent to what is lost; false without
                       an objective */
    struct drill_decider decider; /* of decision_ms */
    /* Why it failed: names were unserved, traffic goes to what is lost, or the objective is missed. None: it
     * ended well. */
    const char **reasons;
    size_t reason_count;
};

/* Returns 0, or ERROR_INVALID (a view without topology, no loss and no document, a loss that does not exist,
 * a failure that is none), or ERROR_CANCELLED by the progress. The report lives in the arena and borrows
 * nothing else. The health of the view is read: the caller holds the health lock, or the view is a copy of
 * its own. */
/* Of answers that go by rto_ms: decision + TTL; -1: none changes. */
static inline int64_t drill_common_recovery(const struct drill_report *report)
{
    return report->common_decision_ms < 0 ? -1 : report->common_decision_ms + report->common_ttl_ms;
}

int drill_simulate(const struct view *view, const struct drill_scenario *scenario, struct arena *arena,
                   struct drill_report *report);

/* The report as JSON text, with the text for people in it (returns owned, for free(); NULL: cancelled), and
 * as that text alone. */
char *drill_write_json(const struct drill_report *report);
/* Likewise without lists of answers, events and courses: how many are left out stands there. */
char *drill_write_head(const struct drill_report *report);
/* Of a text of the former what stands before its lists, owned; they are named in "left_out". NULL: it is
 * none.
 */
char *drill_cut_json(const char *json);
char *drill_write_text(const struct drill_report *report);

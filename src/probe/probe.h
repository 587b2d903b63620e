/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The embedded prober: runs checks on time, on a thread of its own, and reports every result at once through
 * a callback. It knows addresses, not names, zones or policies. Nobody ever waits for it. */
#pragma once

#include "base/addr.h"
#include "health/outcome.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_type { PROBE_HTTP, PROBE_TCP };

/* Why a check of ours could not be made (HEALTH_OUTCOME_LOCAL_ERROR). */
enum probe_cause {
    PROBE_CAUSE_NONE,
    PROBE_CAUSE_NO_ROUTE,    /* "no_route" */
    PROBE_CAUSE_LINK_DOWN,   /* "link_down" */
    PROBE_CAUSE_NO_ADDRESS,  /* "no_address": none of our own, or no port is left */
    PROBE_CAUSE_DESCRIPTORS, /* "descriptors" */
    PROBE_CAUSE_MEMORY,      /* "memory" */
    PROBE_CAUSE_FORBIDDEN,   /* "forbidden": by a rule of this host */
    PROBE_CAUSE_OTHER,       /* "other" */
};
enum { PROBE_CAUSES = PROBE_CAUSE_OTHER + 1 };
const char *probe_cause_text(enum probe_cause cause);

/* One thing to check on a schedule. Strings and addresses are copied by
 * prober_make_targets(). */
struct probe_target {
    enum probe_type type;
    struct addr_port at; /* in_turn: the port only */
    /* Several addresses, up to PROBE_ADDRESSES_MAX: each check goes to the next one of them. With none the
     * check fails at once. */
    bool in_turn;
    const struct addr *addresses;
    size_t address_count;
    bool is_first;                    /* of those that are new together it is checked before the others */
    bool idle;                        /* holds its place in the list, and is not checked */
    uint32_t interval_ms, timeout_ms; /* from 50 ms */
    const char *host; /* http: Host header; NULL: the address (with the port if it is not 80) */
    const char *path; /* http: request target; NULL: "/" */
    uint16_t status_low, status_high; /* http: accepted status codes */
    const char *load; /* http: JSON pointer to a number in the body of an accepted answer; NULL: not read */
    const uint8_t *send, *expect; /* tcp: what to say, and what has to come then; both may be missing */
    size_t send_len, expect_len;  /* send: only with expect, of 1 to EXPECT_LEN_MAX octets */
    uint64_t identity; /* targets of equal identity keep their schedule and their check in flight */
};

enum { PROBE_ADDRESSES_MAX = 8 };

/* Other addresses for a target that has several. */
struct probe_aim {
    uint32_t target; /* index in the list */
    bool idle;
    uint8_t address_count;
    struct addr addresses[PROBE_ADDRESSES_MAX];
};

struct probe_result {
    uint64_t generation; /* of the target list */
    uint32_t target;     /* index in that list */
    uint64_t identity;   /* of the target */
    enum health_outcome outcome;
    uint16_t detail;      /* HTTP status, or 0 */
    uint32_t duration_us; /* from the start of the check to its end */
    bool has_load;        /* the number was there: `load` holds, 0 or more */
    double load;
};

struct probe_hooks {
    void *context;
    /* Called on the prober's thread as soon as a check has ended. Must not call back into the prober. */
    void (*ended)(void *context, const struct probe_result *result);
};

struct prober;

/* Starts the thread; there is nothing to check yet. Returns 0 and an owned prober, or a negative error. */
int prober_open(const struct probe_hooks *hooks, struct prober **prober);
/* A list of targets, made ready for the prober, which takes a while if it is long; on any thread. Returns
 * owned. */
struct targets;
struct targets *prober_make_targets(uint64_t generation, const struct probe_target *targets, size_t count);
void prober_free_targets(struct targets *targets); /* that were not used; NULL is fine */
/* Replace the list of targets (takes it); from any thread; returns at once. First checks are spread over one
 * interval (at most 1 s), those of targets that are to be first before the others; later ones are jittered by
 * up to 10 % of the interval so that they do not march in step. The schedule is kept: a slow answer does not
 * delay the next start, and a target never has two checks in flight.
 */
void prober_use_targets(struct prober *prober, struct targets *targets);
/* Some targets of the list that was brought last have other addresses now, or none, if it is of this
 * generation. From any thread; returns at once. Costs what these targets are, however long the list is. */
void prober_aim(struct prober *prober, uint64_t generation, const struct probe_aim *aims, size_t count);
/* Make and use. */
void prober_set_targets(struct prober *prober, uint64_t generation, const struct probe_target *targets,
                        size_t count);
/* Stop, join the thread, close everything, free. After it returns no hook is called. NULL is fine. */
void prober_close(struct prober *prober);

struct probe_stats {
    uint64_t started, ended[HEALTH_OUTCOME_COUNT];
    uint64_t targets, in_flight;
    struct {
        uint64_t checks, targets; /* that could not be made; whose latest one could not */
    } causes[PROBE_CAUSES];       /* [PROBE_CAUSE_NONE]: unused */
};
void prober_get_stats(struct prober *prober, struct probe_stats *stats); /* from any thread */

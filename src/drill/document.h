/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill as an operator writes it: a JSON document, whose schema is doc/schema/drill.json. Read against a
 * topology, since it speaks of regions, azs, endpoints and checks by name. */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/report.h"
#include "drill/causes.h"
#include "drill/what.h"
#include "operate/switchover.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a drill may cost: turns are begins and ends, of a flap each down and up of it. */
enum {
    DRILL_CAUSES_MAX = 256,
    DRILL_TURNS_MAX = 1000,
    DRILL_MOVES_MAX = 16,
    DRILL_DURATION_MAX_MS = 24 * 3600 * 1000,
    DRILL_NAMES_MAX = 1000,
    DRILL_ORIGINS_MAX = 1000
};

/* Where some of the clients are. */
struct drill_clients_from {
    enum { DRILL_FROM_PREFIX, DRILL_FROM_COUNTRY, DRILL_FROM_ASN } kind;
    struct addr_prefix prefix;
    uint32_t value;   /* of a country (geo_number_country()), or an AS */
    double share;     /* of all clients */
    const char *text; /* "DE", "AS64500", "192.0.2.0/24" */
};

/* What a recording says of who asks for what (recorded.h). */
struct drill_recorded {
    const char *path;
    uint64_t queries;            /* for names of the configuration */
    uint64_t others;             /* for other names: they do not count */
    uint64_t nameless;           /* without a question, or a client: likewise */
    const double *const *shares; /* by name of the view and class: of all queries; NULL: nobody asks for it */
};

/* Who asks. */
struct drill_clients {
    uint64_t count;
    double per_second; /* requests of all of them; 0: not known */
    uint32_t resolvers;
    double ignore_share; /* of resolvers that keep answers for ignore_ms at least */
    int64_t ignore_ms;
    double retry_share; /* of clients that try the next address */
    int64_t negative_ms, patience_ms;
    const char **names; /* they ask for those, or for what matches a pattern; absolute, lower case */
    size_t name_count;  /* 0: for all */
    const struct drill_clients_from *origins; /* those of the rest are spread evenly over classes */
    size_t origin_count;
    const char *recorded; /* or what this file says of names and clients; NULL: there is none */
    const struct drill_recorded *recording; /* that has been read: by whoever reads the document */
    /* By policy and class: the share of all clients that it is for (origins.h). NULL: whoever needs it finds
     * it. */
    const double *const *weights;
};

/* What GB/T 20988-2007 asks for besides times. */
enum drill_resource {
    DRILL_BACKUP,
    DRILL_PROCESSING,
    DRILL_NETWORK,
    DRILL_SITE,
    DRILL_SUPPORT,
    DRILL_OPERATION,
    DRILL_PLAN,
    DRILL_RESOURCES
};

struct drill_objectives {
    uint8_t resources[DRILL_RESOURCES]; /* the level that each is declared to meet; 0: nothing is said */
    int64_t rto_ms;                     /* 0: that of the topology */
    int64_t rpo_ms;                     /* 0: as the topology has it, and then nothing is missed by it */
    bool has_max_failed;
    double max_failed;                       /* share of all requests of the drill */
    double capacity;                         /* that may be used of what is left in a region; 0: not given */
    const char **must_move, **must_not_move; /* names, or patterns with '*'; absolute, lower case */
    size_t must_move_count, must_not_move_count;
};

/* Of a live one: who sees it first, and what ends it early. What is not given is 0. */
struct drill_live {
    bool by_override, by_hooks; /* else by injection */
    unsigned canary, capacity;  /* percent */
    double errors;              /* share of requests */
    int64_t canary_ms, recovery_ms;
};

/* A switchover that the drill does: it is executed at a time, and perhaps rolled back at another one. */
struct drill_move {
    int64_t at_ms, until_ms; /* since the start of the drill; until: INT64_MAX: it is not */
    struct switchover plan;  /* planned; its targets are in the arena, as all else */
    const char **accepted;   /* findings that do not keep it from being executed, nor hold its steps */
    size_t accepted_count;
    const char *text; /* "switchover of region:us-east to eu-west" */
};

struct drill_document {
    const char *name, *description; /* NULL: not given */
    uint64_t seed;
    int64_t duration_ms;        /* 0: not given: some minutes after the last event */
    bool from_live;             /* else all is healthy at its start */
    struct drill_cause *causes; /* by time; the indices are of the topology and its health machine */
    size_t cause_count;
    struct drill_move *moves;
    size_t move_count;
    struct drill_vantages vantages; /* none: nobody looks but the server itself */
    struct drill_clients clients;
    struct drill_objectives objectives;
    struct drill_live live;
};

struct drill_source {
    const char *path; /* without text: of the file; else for messages only */
    const char *text; /* NULL: what the file has */
    size_t len;
    struct report *report; /* has all errors */
};

/* Returns 0, or ERROR_INVALID. The document lives in the arena and borrows nothing else. */
int drill_parse_document(const struct drill_source *source, const struct drill_ground *ground,
                         struct arena *arena, struct drill_document *document);

/* One that says nothing: everything is as by default, and nothing happens. */
void drill_init_document(struct drill_document *document);

/* How long it lasts. */
int64_t drill_document_duration(const struct drill_document *document);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Of a drill document: who looks, and what things happen to. */
#pragma once

#include "base/arena.h"
#include "conf/quorum.h"
#include "drill/causes.h"
#include "health/opinion.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct geo_db;

/* A vantage that looks besides the server itself. */
#define DRILL_NO_REGION UINT32_MAX
struct drill_vantage {
    const char *name;
    uint8_t number; /* as in causes.h and health/opinion.h */
    uint32_t weight;
    bool is_drained;
    uint32_t region; /* where it is; DRILL_NO_REGION: not said */
};

struct drill_vantages {
    struct drill_vantage *items; /* each number once */
    size_t count;
    uint32_t local_region; /* of the server itself; DRILL_NO_REGION: not said */
    /* By endpoint: who looks at it where it says who does, a bit for each number; NULL: no link asks. */
    const uint32_t *sights;
};

/* What a document is read against. */
struct drill_ground {
    const struct conf_topology *topology;
    const struct conf_vantages *vantages;  /* of the server; NULL: there may be some */
    const struct drill_vantages *enrolled; /* they look, unless the document says who does; NULL: nobody */
    struct geo_db *const *geo; /* which countries and ASNs there are; of geo_count 0: that is not known */
    size_t geo_count;
    const char *beside; /* a file: it may name others, which lie beside that one; NULL: it may not */
    bool is_real;       /* no others can: it is a drill on the server */
};

/* Those that are enrolled, in the lock of the machine. They live in the arena, and borrow nothing. */
void drill_list_enrolled(const struct health *health, struct arena *arena, struct drill_vantages *list);

/* ---- reading: inside of src/drill ---- */

struct doc_node;

struct what_reader {
    const struct drill_ground *ground;
    struct arena *arena;
    bool from_live; /* it begins as the server stands */
    struct drill_vantages *vantages;
};

/* "vantages", and those that are known without it. Before any event. */
void what_read_vantages(const struct what_reader *reader, const struct doc_node *root);
/* "what" of an event. False: it was reported. */
bool what_read(const struct what_reader *reader, const struct doc_node *event, struct drill_cause *cause);
/* A region, az or endpoint, as a text. False: it was reported. */
bool what_read_place(const struct what_reader *reader, const struct doc_node *node,
                     struct drill_cause *cause);
/* Is all that a cause takes within what recovers? */
bool what_is_within(const struct conf_topology *topology, const struct drill_cause *cause,
                    const struct drill_cause *recovered);

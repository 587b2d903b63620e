/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "tiers" and "fallback" as they are written, before it is known whose they are: references to regions, azs,
 * groups and endpoints in order of preference, or the wish for the nearest ones. The same text gives the same
 * pointer, as long as nothing was wrong with it. Errors go to the document's report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/need.h"
#include "conf/topology.h"

#include <stdbool.h>
#include <stddef.h>

enum { REFS_NEAREST_DEFAULT = 3, REFS_NEAREST_MAX = 8 };

struct refs_item {
    const char *text;
    const struct conf_place *place; /* NULL: a pattern of endpoints */
};

struct refs_tier {
    const char *label; /* the references as written, joined by "+", unless it has a name of its own */
    struct refs_item *items;
    size_t count;
    struct conf_need min_healthy, spill_below; /* not given: as the name says */
    double trickle;                            /* 0..0.5; 0: none */
    bool complete; /* false: something was reported, so what is missing may not be missing */
};

struct refs {
    struct refs_tier *tiers;
    size_t count;
    unsigned nearest; /* 0: tiers as listed; else so many nearest ones, and no tiers */
    bool others;      /* behind the nearest, a tier with all the others */
};

enum conf_fallback {
    CONF_FALLBACK_FIRST, /* the default */
    CONF_FALLBACK_ALL,
    CONF_FALLBACK_STATIC,
    CONF_FALLBACK_NODATA,
    CONF_FALLBACK_SERVFAIL
};

struct refs_fallback {
    const struct refs_tier *pool; /* endpoints, patterns and groups; NULL: none */
    enum conf_fallback then;
};

struct refs_reader;

/* Refs go to the arena; the topology is borrowed until refs_reader_free(). Returns owned. */
struct refs_reader *refs_reader_new(const struct conf_topology *topology, struct arena *arena);
void refs_reader_free(struct refs_reader *reader);

/* Never NULL. */
const struct refs *refs_read(struct refs_reader *reader, const struct doc_node *node);

/* "fallback" of a name or rule; NULL: it has none. */
const struct refs_fallback *refs_read_fallback(struct refs_reader *reader, const struct doc_node *object);

/* Error: `what` and the text of the node, which is no name of the topology; what there is of the kinds from
 * `first` on. */
void refs_report_missing(const struct conf_topology *topology, const struct doc_node *node, const char *what,
                         enum conf_kind first);

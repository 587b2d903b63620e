/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "tiers" as they are written, before it is known whose they are: references to regions, azs and endpoints in
 * order of preference, or the wish for the nearest ones. The same text gives the same pointer, as long as
 * nothing was wrong with it. Errors go to the document's report. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/topology.h"

#include <stdbool.h>
#include <stddef.h>

enum { REFS_NEAREST_DEFAULT = 3, REFS_NEAREST_MAX = 8 };

struct refs_tier {
    const char *label; /* the references as written, joined by "+" */
    const struct conf_place **places;
    size_t count;
    bool complete; /* false: something was reported, so what is missing may not be missing */
};

struct refs {
    struct refs_tier *tiers;
    size_t count;
    unsigned nearest; /* 0: tiers as listed; else so many nearest ones, and no tiers */
    bool others;      /* behind the nearest, a tier with all the others */
};

struct refs_reader;

/* Refs go to the arena; the topology is borrowed until refs_reader_free(). Returns owned. */
struct refs_reader *refs_reader_new(const struct conf_topology *topology, struct arena *arena);
void refs_reader_free(struct refs_reader *reader);

/* Never NULL. */
const struct refs *refs_read(struct refs_reader *reader, const struct doc_node *node);

/* Error: `what` and the text of the node, which is no name of the topology; what there is of the kinds from
 * `first` on. */
void refs_report_missing(const struct conf_topology *topology, const struct doc_node *node, const char *what,
                         enum conf_kind first);

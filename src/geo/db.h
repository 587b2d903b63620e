/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this folder share about databases. The leaves of `networks` are numbers of `facts`, whose
 * texts are numbers of `texts`; 0 is where the database knows nothing. */
#pragma once

#include "geo/facts.h"
#include "geo/geo.h"
#include "geo/pool.h"
#include "geo/trie.h"

#include <stdatomic.h>

#include <maxminddb.h>

struct geo_db {
    _Atomic uint32_t holders; /* of any thread; everything else is read-only */
    struct geo_db_info info;
    struct geo_signature signature;
    struct geo_trie networks; /* equal neighbours are merged */
    uint32_t root_v4, root_v6;
    struct geo_pool facts, texts;
};

/* ---- data.c: the data section ---- */

/* Bytes of values in the format of the MaxMind DB specification, and how much work may still be spent on
 * them. */
struct geo_data {
    const uint8_t *bytes;
    size_t len;
    uint64_t budget;
};

/* A value at the end of a path of keys, such as {"country", "iso_code"}. */
struct geo_scalar {
    enum { GEO_SCALAR_TEXT, GEO_SCALAR_WHOLE, GEO_SCALAR_REAL } type;
    const char *text; /* not terminated */
    size_t len;
    uint64_t whole;
    double real;
};

/* What is looked for in the data: paths of keys ("#0" is the first of an array), and what is called for each
 * scalar that one of them leads to. */
enum { GEO_PATH_MAX = 4, GEO_PATHS_MAX = 32 };
struct geo_sink {
    const char *const (*paths)[GEO_PATH_MAX];
    size_t path_count; /* at most GEO_PATHS_MAX */
    void *context;
    void (*take)(void *context, size_t path, const struct geo_scalar *scalar);
};

/* Check the value at an offset and all that it leads to: sizes within bounds, known types, no pointer to a
 * pointer, bounded depth and size. What the sink (may be NULL) looks for is handed to it on the way. Returns
 * NULL, or what is wrong. */
const char *geo_data_check(struct geo_data *data, size_t offset, const struct geo_sink *sink);

/* The same for metadata, at the beginning of the bytes; and that its lists are what the library expects. */
const char *geo_data_check_metadata(struct geo_data *data);

/* ---- read.c ---- */

/* Check data and read what rules can ask for: NULL, or what is wrong. */
const char *geo_read_facts(struct geo_data *data, size_t offset, struct geo_pool *texts,
                           struct geo_facts *facts);

/* ---- load.c: the search tree ---- */

/* Walk the whole search tree: check it and its data, fill networks, facts and texts. Errors go to the report;
 * returns 0 or ERROR_INVALID. */
int geo_load_tree(struct geo_db *db, const MMDB_s *mmdb, const char *path, struct report *report);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of this folder share about an open database. A place is a country and a continent packed
 * into a number; PLACE_UNKNOWN is where the database has neither. */
#pragma once

#include "geo/geo.h"
#include "geo/trie.h"

#include <maxminddb.h>

enum { GEO_PLACE_UNKNOWN = 0, GEO_CODE_BITS = 10, GEO_CODE_NONE = 0, GEO_CODES = 26 * 26 + 1 };

/* Where the data of a network begins, and what it says. */
struct geo_entry {
    uint32_t offset;
    uint32_t place;
    bool used;
};

struct geo_entries {
    struct geo_entry *slots; /* open addressing, at most half full */
    size_t room, used;
};

struct geo_db {
    MMDB_s mmdb;
    struct geo_entries entries;
    struct geo_trie places; /* the whole database as places, equal neighbours merged */
    uint32_t root_v4, root_v6;
};

/* Two letters as 1..GEO_CODES - 1, any case; GEO_CODE_NONE for anything else. */
unsigned geo_code_read(const char *text, size_t len);
void geo_code_write(unsigned code, char text[3]);

static inline uint32_t geo_place_pack(unsigned country, unsigned continent)
{
    return (uint32_t)continent << GEO_CODE_BITS | country;
}

static inline unsigned geo_place_country(uint32_t place)
{
    return place & ((1u << GEO_CODE_BITS) - 1);
}

static inline unsigned geo_place_continent(uint32_t place)
{
    return place >> GEO_CODE_BITS;
}

/* ---- data.c: the data section ---- */

/* Bytes of values in the format of the MaxMind DB specification, and how much work may still be spent on
 * them. */
struct geo_data {
    const uint8_t *bytes;
    size_t len;
    uint64_t budget;
};

/* Check the value at an offset and all that it leads to: sizes within bounds, known types, no pointer to a
 * pointer, bounded depth and size. Returns NULL, or what is wrong. The library decodes with unbounded
 * recursion in Debian 12's version (1.7.1), so nothing may reach it that was not checked. */
const char *geo_data_check(struct geo_data *data, size_t offset);

/* The same for metadata, at the beginning of the bytes; and that its lists are what the library expects. */
const char *geo_data_check_metadata(struct geo_data *data);

/* The place that checked data says. */
uint32_t geo_data_read_place(const MMDB_s *mmdb, uint32_t offset);

/* ---- load.c: the search tree ---- */

/* Walk the whole search tree: check it and its data, fill entries and places. Errors go to the report;
 * returns 0 or ERROR_INVALID. */
int geo_load_tree(struct geo_db *db, const char *path, struct report *report);
const struct geo_entry *geo_find_entry(const struct geo_entries *entries, uint32_t offset); /* or NULL */

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Address -> class and scope. Databases in MaxMind format are opened once, checked, and never change; the
 * rules of a name (or of many: identical ones are the caller's to intern) compile with them into one prefix
 * tree, so a lookup costs one walk and gives the class and the exact ECS scope (RFC 7871): every address
 * within `scope` bits has the same class, and one bit less would not. Read-only after opening or building;
 * lookups are safe from any thread and neither allocate nor lock. */
#pragma once

#include "base/addr.h"
#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- databases ---- */

struct geo_db;

/* Open and verify. MaxMind layout (country.iso_code, continent.code) and flat layout (country_code; the
 * continent follows from the country) are both known. On failure the report says why and NULL is returned. */
struct geo_db *geo_open_db(const char *path, struct report *report);
void geo_close_db(struct geo_db *db); /* NULL is fine */

struct geo_place {
    char country[3];    /* "" if not known */
    char continent[3];  /* "" if not known */
    uint8_t prefix_len; /* of the database's network, in bits of the address' own family */
};

/* Returns false if the database knows nothing of the address (place is filled with "" and the prefix_len of
 * the gap). */
bool geo_find_place(const struct geo_db *db, const struct addr *addr, struct geo_place *place);

/* The continent (two letters) of a country, or "" if the country is not known. */
const char *geo_get_continent(const char country[3]);

/* ---- rules ---- */

/* A rule matches when every kind of condition that it gives matches; a kind matches when any of its values
 * does. Prefix rules come before all others, the longest prefix first; otherwise the first rule in order
 * wins. */
struct geo_rule {
    const char *const *countries;
    size_t country_count;
    const char *const *continents;
    size_t continent_count;
    const struct addr_prefix *prefixes;
    size_t prefix_count;
    uint16_t class_id; /* what a lookup gives; 0 is the default class when no rule matches */
};

struct geo_tree;

/* Compile rules over databases (the first that knows an address decides; may be none if no rule needs one).
 * The tree copies what it needs: rules and databases may go away. */
struct geo_tree *geo_build_tree(const struct geo_rule *rules, size_t rule_count, struct geo_db *const *dbs,
                                size_t db_count);
/* A tree may be shared: each holder frees it once. NULL is fine for both. */
void geo_hold_tree(const struct geo_tree *tree);
void geo_free_tree(struct geo_tree *tree);

struct geo_match {
    uint16_t class_id;
    uint8_t scope; /* prefix length in bits of the address' own family */
};

struct geo_match geo_find_class(const struct geo_tree *tree, const struct addr *addr);
size_t geo_tree_size(const struct geo_tree *tree); /* bytes */

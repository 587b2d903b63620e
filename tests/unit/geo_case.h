/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random databases and rules, and what is true of an address by brute force: linear search over the lists
 * that both were made from. Shared by test_geo_random.c, which compares. */
#pragma once

#include "geo/geo.h"

#include "mmdb_make.h"

#include "base/random.h"

typedef unsigned __int128 number; /* an address as a number, in the bits of its family */

enum { NETWORKS = 16, RULES = 7, PREFIXES = 4, DATABASES = 3, VALUES = 2, SITES = 5, LISTS = 2 };

struct geo_case {
    struct mmdb_network networks[DATABASES][NETWORKS];
    struct mmdb_plan plans[DATABASES];
    struct geo_db *dbs[DATABASES];
    size_t db_count;
    struct addr_prefix prefixes[RULES][PREFIXES];
    const char *texts[RULES][GEO_KINDS][VALUES];
    uint32_t numbers[RULES][GEO_KINDS][VALUES];
    struct geo_rule rules[RULES];
    struct geo_nearest lists[LISTS];
    struct geo_plan plan;
    struct geo_tree *tree;
};

unsigned geo_family_bits(uint8_t family);
number geo_to_number(const struct addr *addr);
struct addr geo_to_addr(number n, uint8_t family);
number geo_mask(number n, unsigned bits, unsigned len); /* clear the bits behind the prefix */

/* Databases, plan and tree; to be zero before. */
void geo_case_make(struct geo_case *c, struct random *random);
void geo_case_free(struct geo_case *c);

/* What is true of an address: the first database that says a thing, if those before it do not mean another
 * country. */
struct geo_truth {
    const char *country, *continent, *city;
    const struct mmdb_network *states, *location;
    uint32_t city_id, asn;
};

struct geo_truth geo_find_truth(const struct geo_case *c, const struct addr *addr);
/* The IPv4 address that an IPv6 one stands for, if no rule has a prefix where it is (c NULL: none has); else
 * itself. */
struct addr geo_true_client(const struct geo_case *c, const struct addr *addr);
/* Also holds geo_explain() to the truth. */
unsigned geo_true_class(const struct geo_case *c, const struct addr *client);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Address -> class and scope. Databases in MaxMind format are opened once, checked, and never change; the
 * rules of a name (or of many) compile with them into one prefix tree, so a lookup costs one walk and gives
 * the class and the exact ECS scope (RFC 7871): every address within `scope` bits has the same class, and one
 * bit less would not. Read-only after opening or building; lookups are safe from any thread and neither
 * allocate nor lock. */
#pragma once

#include "base/addr.h"
#include "base/arena.h"
#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What rules can ask for besides prefixes; the wider first. */
enum geo_kind { GEO_CONTINENT, GEO_COUNTRY, GEO_SUBDIVISION, GEO_CITY, GEO_ASN, GEO_KINDS };
#define GEO_KNOWS_LOCATION (1u << GEO_KINDS)

/* ---- databases ---- */

struct geo_db;

/* Which contents a file has, as far as its inode says. All 0: there is no such file. */
struct geo_signature {
    uint64_t device, inode, size;
    int64_t modified_ns;
};

struct geo_db_info {
    const char *path, *type; /* type: as the database calls itself, printable */
    uint64_t build_epoch;    /* Unix time at which it was made; 0: it does not say, or nonsense */
    unsigned ip_version;
    unsigned knows;           /* bits 1 << enum geo_kind, and GEO_KNOWS_LOCATION */
    size_t networks, places;  /* distinct prefixes after merging; distinct places among them */
    size_t file_size, memory; /* bytes */
};

/* Open and verify. MaxMind layout (country.iso_code, city.names.en, location.latitude …) and flat layout
 * (country_code, city, latitude …) are both known. On failure the report says why and NULL is returned. */
struct geo_db *geo_open_db(const char *path, struct report *report);
/* The same with where it is, if that is not what its path says. */
struct geo_db *geo_open_db_at(const char *path, const char *real, struct report *report);
/* A database may be shared: each holder closes it once. NULL is fine for both. */
void geo_hold_db(const struct geo_db *db);
void geo_close_db(struct geo_db *db);
const struct geo_db_info *geo_get_info(const struct geo_db *db);
const struct geo_signature *geo_get_signature(const struct geo_db *db); /* of the file that was read */
struct geo_signature geo_sign_file(const char *path);
bool geo_signature_equal(const struct geo_signature *a, const struct geo_signature *b);

/* What databases know of an address, the first that knows a thing deciding. Texts are borrowed from the
 * arena. */
struct geo_place {
    char country[3];             /* ISO 3166-1; "" if not known */
    char continent[3];           /* "" if not known */
    const char *subdivisions[4]; /* "US-CA", "US-California"; NULL ends them */
    size_t subdivision_count;
    const char *city;      /* NULL if not known */
    uint32_t city_id, asn; /* 0 if not known */
    double latitude, longitude;
    bool has_location;  /* by the database; else a country's stands in for it */
    uint8_t prefix_len; /* the databases say the same for all addresses within so many bits */
};

/* Returns false if nothing is known. IPv6 addresses that stand for IPv4 ones are where these are. */
bool geo_find_place(struct geo_db *const *dbs, size_t db_count, const struct addr *addr, struct arena *arena,
                    struct geo_place *place);

/* The continent (two letters) of a country, or "" if the country is not known. */
const char *geo_get_continent(const char country[3]);

/* ---- rules ---- */

struct geo_values {
    const char *const *texts; /* GEO_CITY: names; GEO_SUBDIVISION: "US-CA"; without regard to (ASCII) case */
    size_t text_count;
    const uint32_t *numbers; /* GEO_CITY: GeoNames ids; GEO_ASN */
    size_t number_count;
};

/* A rule matches when every kind of condition that it gives matches; a kind matches when any of its values
 * does. Of the rules that match, the one with the longest matching prefix wins; then the one with an ASN, a
 * city, a subdivision, a country, a continent, in that order of weight; then the first. So the narrowest rule
 * wins, wherever it stands. */
struct geo_rule {
    struct geo_values values[GEO_KINDS];
    const struct addr_prefix *prefixes;
    size_t prefix_count;
    uint32_t target;
};

/* What a match leads to: a class, or GEO_NEAREST | the number of a list of sites. */
#define GEO_NEAREST UINT32_C(0x80000000)

struct geo_site {
    double latitude, longitude; /* degrees */
};

/* The `count` sites that are nearest to a client, in order of distance, are its class. A client whose place
 * is not known gets the first ones as they are listed; with `otherwise` of a plan that is class 0. */
struct geo_nearest {
    const struct geo_site *sites;
    size_t site_count; /* 1..GEO_SITES_MAX */
    unsigned count;    /* 1..GEO_NEAREST_MAX; more than there are sites means all */
};

enum { GEO_SITES_MAX = 1024, GEO_NEAREST_MAX = 8, GEO_ORDERS_MAX = 4096, GEO_RULES_MAX = 65535 };

struct geo_plan {
    const struct geo_rule *rules;
    size_t rule_count;
    uint32_t otherwise;   /* target of clients that no rule matches: class 0, or nearest sites */
    uint16_t class_count; /* classes below it are the caller's own, at least class 0; those of sites follow */
    const struct geo_nearest *nearest;
    size_t nearest_count;
};

/* All databases joined, as far as rules need them; what several trees need is joined once. One thread. */
struct geo_atlas;

/* Borrows the databases. */
struct geo_atlas *geo_atlas_new(struct geo_db *const *dbs, size_t db_count);
/* What is built with it is called off with the report, which is borrowed: good for nothing then. */
void geo_atlas_follow(struct geo_atlas *atlas, const struct report *report);
void geo_atlas_free(struct geo_atlas *atlas); /* NULL is fine */

struct geo_tree;

/* Cannot fail. The tree copies what it needs: plan and atlas may go away. */
struct geo_tree *geo_build_tree(const struct geo_plan *plan, struct geo_atlas *atlas);
/* A tree may be shared: each holder frees it once. NULL is fine for both. */
void geo_hold_tree(const struct geo_tree *tree);
void geo_free_tree(struct geo_tree *tree);
size_t geo_tree_size(const struct geo_tree *tree); /* bytes, those for explaining included */

/* The classes of nearest sites: class plan->class_count + i is orders[i]. (Where `otherwise` is a list of
 * sites, its order as listed is class 0 and not among them.) */
struct geo_order {
    uint32_t nearest; /* number of the list */
    uint16_t count;
    const uint16_t *sites; /* numbers in the list, the nearest first */
};

size_t geo_get_orders(const struct geo_tree *tree, const struct geo_order **orders);
/* How many nearest sites a list's classes tell apart: less than asked for where that would be more than
 * GEO_ORDERS_MAX classes. */
unsigned geo_get_nearest_count(const struct geo_tree *tree, uint32_t nearest);
/* What rules and targets ask of databases: bits as in geo_db_info.knows. */
unsigned geo_tree_needs(const struct geo_tree *tree);

/* Did any of the databases know a city or subdivision that the rules ask for, by name or by GeoNames id? */
bool geo_tree_knows(const struct geo_tree *tree, const char *text);
bool geo_tree_knows_city(const struct geo_tree *tree, uint32_t id);

/* ---- asking ---- */

struct geo_match {
    uint16_t class_id;
    uint8_t scope; /* prefix length in bits of the address' own family */
};

/* The class that an address has if its leaf does not tell: more than any policy has. */
enum { GEO_CLASS_ELSEWHERE = 0xffff };

/* IPv6 addresses that stand for IPv4 ones (compatible, ::1 with them; mapped; of NAT64, 6to4 and Teredo) have
 * the class of these, unless a rule has a prefix where they are. */
struct geo_match geo_find_class(const struct geo_tree *tree, const struct addr *addr);
/* The same for the data path, which asks geo_find_class() if the class is GEO_CLASS_ELSEWHERE. */
struct geo_match geo_look_up(const struct geo_tree *tree, const struct addr *addr);
/* A tree by which everybody has that class. */
const struct geo_tree *geo_get_nowhere(void);

/* An address of a client of each class from 0 to count-1; family ADDR_NONE: nobody has that class. Takes as
 * long as the tree is large, at most. */
void geo_find_examples(const struct geo_tree *tree, struct addr *examples, size_t count);

/* Each class of the one tree with each of the other that some address has at once, maybe several times. NULL:
 * a tree in which everybody has class 0. */
typedef void geo_pair_visit(void *context, uint16_t a, uint16_t b);
void geo_pair_classes(const struct geo_tree *a, const struct geo_tree *b, geo_pair_visit *visit,
                      void *context);

/* Which rule decided: its index, or -1 for none; and the prefix of it that matched (family ADDR_NONE: it has
 * none; of IPv4 for an IPv6 address that stands for one). dbs as the tree was built with. */
struct geo_reason {
    ptrdiff_t rule;
    struct addr_prefix prefix;
};

struct geo_reason geo_explain(const struct geo_tree *tree, struct geo_db *const *dbs, size_t db_count,
                              const struct addr *client);

/* ---- where many clients are ---- */

/* Two letters, any case, as a number that is not 0; 0: no code of a country could look like this. */
uint32_t geo_number_country(const char *text);
/* Do any databases know networks of this country (by its number) or AS? kind: GEO_COUNTRY or GEO_ASN. */
bool geo_knows(struct geo_db *const *dbs, size_t db_count, enum geo_kind kind, uint32_t value);

/* Each network of which a country or an AS is known, in order of addresses, IPv4 first. Of several databases
 * the first that knows decides. IPv4 addresses as IPv6 spells them are left out. */
struct geo_network_visitor {
    /* Returns whether to go on. */
    bool (*visit)(void *context, uint32_t value, const struct addr_prefix *network);
    void *context;
};
void geo_visit_networks(struct geo_db *const *dbs, size_t db_count, enum geo_kind kind,
                        const struct geo_network_visitor *to);

/* Adds `weight` to the classes of the addresses of a network, to each by its part of them; class_count or
 * more is the first. */
void geo_weigh_classes(const struct geo_tree *tree, const struct addr_prefix *network, double weight,
                       double *by_class, size_t class_count);

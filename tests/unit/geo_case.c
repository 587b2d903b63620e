/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See geo_case.h: making the cases. */
#include "config.h"

#include "unit.h"

#include "geo_case.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const some_countries[] = {"US", "DE", "FR", "JP", "BR"};
static const char *const some_continents[] = {"NA", "EU", "EU", "AS", "SA"};
static const char *const some_cities[] = {"Paris", "Rome", "Bad Homburg"};
static const char *const some_states[] = {"A", "B"}; /* codes, and names */

/* Far from each other, so that no rounding changes which is nearer. */
static const struct geo_site sites[SITES] = {
    {38.9, -77}, {53.3, -6.3}, {1.3, 103.8}, {-33.9, 151.2}, {-23.5, -46.6}};
static const struct geo_site somewhere[] = {{40.7, -74},  {48.1, 11.6},   {59.3, 18.1},   {35.7, 139.7},
                                            {13.1, 80.3}, {-36.8, 174.8}, {-34.6, -58.4}, {19.4, -99.1}};

unsigned geo_family_bits(uint8_t family)
{
    return family == ADDR_V4 ? 32 : 128;
}

number geo_to_number(const struct addr *addr)
{
    number n = 0;
    for (size_t i = 0; i < addr_len(addr); i++) {
        n = n << 8 | addr->bytes[i];
    }
    return n;
}

struct addr geo_to_addr(number n, uint8_t family)
{
    struct addr addr = {.family = family};
    for (size_t i = addr_len(&addr); i > 0; i--) {
        addr.bytes[i - 1] = (uint8_t)n;
        n >>= 8;
    }
    return addr;
}

/* Clear the bits behind the prefix. */
number geo_mask(number n, unsigned bits, unsigned len)
{
    return len == 0 ? 0 : n >> (bits - len) << (bits - len);
}

/* ---- making cases ---- */

/* Crowded, so that prefixes of networks and rules meet: a few fixed beginnings, then random bits. */
static struct addr_prefix random_prefix(struct random *random, bool v6_allowed)
{
    static const uint8_t starts[][4] = {{0x20, 0x01, 0x0d, 0xb8}, {0x20, 0x02, 10, 1}, {10, 1, 0, 0}, {0}};
    struct addr_prefix prefix = {0};
    prefix.addr.family = v6_allowed && random_below(random, 2) == 0 ? ADDR_V6 : ADDR_V4;
    memcpy(prefix.addr.bytes, starts[prefix.addr.family == ADDR_V4 ? 2 : random_below(random, 4)], 4);
    size_t spread = random_below(random, 3);
    for (size_t i = spread * 2; i < addr_len(&prefix.addr) && i < spread * 2 + 2; i++) {
        prefix.addr.bytes[i] = (uint8_t)random_next(random);
    }
    prefix.len = (uint8_t)(1 + random_below(random, geo_family_bits(prefix.addr.family)));
    addr_mask(&prefix.addr, prefix.len);
    return prefix;
}

static void fill_network(struct mmdb_network *network, bool is_flat, struct random *random)
{
    size_t place = random_below(random, 5);
    if (random_below(random, 8) != 0) {
        memcpy(network->country, some_countries[place], 3);
        memcpy(network->continent, some_continents[place], 3);
        for (size_t level = 0; level < random_below(random, 3); level++) {
            network->subdivision_codes[level] = is_flat ? NULL : some_states[random_below(random, 2)];
            network->subdivision_names[level] = some_states[random_below(random, 2)];
        }
    }
    if (random_below(random, 2) == 0) {
        network->city = some_cities[random_below(random, 3)];
        network->city_id = is_flat ? 0 : (uint32_t)random_below(random, 3);
    }
    if (random_below(random, 2) == 0) {
        const struct geo_site *site = &somewhere[random_below(random, sizeof somewhere / sizeof *somewhere)];
        network->has_location = true;
        network->latitude = site->latitude;
        network->longitude = site->longitude;
    }
    network->asn = (uint32_t)random_below(random, 4);
}

static void open_database(struct geo_case *c, size_t index, struct random *random)
{
    struct mmdb_plan *plan = &c->plans[index];
    *plan = (struct mmdb_plan){.ip_version = random_below(random, 4) == 0 ? 4 : 6,
                               .record_size = 24 + 4 * (unsigned)random_below(random, 3),
                               .flat = random_below(random, 2) == 0,
                               .aliases = random_below(random, 2) == 0,
                               .networks = c->networks[index],
                               .network_count = random_below(random, NETWORKS + 1)};
    plan->aliases = plan->aliases && plan->ip_version == 6;
    for (size_t i = 0; i < plan->network_count; i++) {
        struct mmdb_network *network = &c->networks[index][i];
        do {
            network->prefix = random_prefix(random, plan->ip_version == 6);
            /* Networks over an alias would replace it in this writer. */
        } while (
            plan->aliases && network->prefix.addr.family == ADDR_V6 &&
            (network->prefix.len < 96 && (geo_mask(geo_to_number(&network->prefix.addr), 128, 80) == 0 ||
                                          network->prefix.len < 17 || network->prefix.addr.bytes[1] == 2)));
        fill_network(network, plan->flat, random);
    }
    struct mmdb_file file = mmdb_make(plan);
    struct report *report = report_new();
    char path[MMDB_PATH_SIZE];
    int fd;
    c->dbs[index] = geo_open_db(mmdb_path(file.bytes, file.len, &fd, path), report);
    if (c->dbs[index] == NULL) {
        report_write(report, stdout);
        fail();
    }
    close(fd);
    free(file.bytes);
    report_free(report);
}

static const char *random_text(enum geo_kind kind, struct random *random)
{
    static const char *const states[] = {"us-a", "DE-B", "fr-A", "JP-b", "br-a", "US-B"};
    static const char *const cities[] = {"paris", "ROME", "Bad Homburg", "Nowhere"};
    switch (kind) {
    case GEO_CONTINENT: return some_continents[random_below(random, 5)];
    case GEO_COUNTRY: return some_countries[random_below(random, 5)];
    case GEO_SUBDIVISION: return states[random_below(random, 6)];
    default: return cities[random_below(random, 4)];
    }
}

static void add_condition(struct geo_case *c, size_t rule, enum geo_kind kind, struct random *random)
{
    struct geo_values *values = &c->rules[rule].values[kind];
    *values = (struct geo_values){.texts = c->texts[rule][kind], .numbers = c->numbers[rule][kind]};
    for (size_t i = 0; i <= random_below(random, VALUES); i++) {
        bool is_number = kind == GEO_ASN || (kind == GEO_CITY && random_below(random, 3) == 0);
        if (is_number) {
            c->numbers[rule][kind][values->number_count++] = (uint32_t)(1 + random_below(random, 3));
        } else {
            c->texts[rule][kind][values->text_count++] = random_text(kind, random);
        }
    }
}

/* Targets of rules are their index + 1, so that explaining can be held to them, or nearest sites. */
static uint32_t random_target(const struct geo_case *c, uint32_t otherwise, struct random *random)
{
    bool is_nearest = c->plan.nearest_count != 0 && random_below(random, 3) == 0;
    return is_nearest ? GEO_NEAREST | (uint32_t)random_below(random, c->plan.nearest_count) : otherwise;
}

static void make_rule(struct geo_case *c, size_t i, struct random *random)
{
    struct geo_rule *rule = &c->rules[i];
    /* Several rules with one class: networks of both merge. */
    *rule = (struct geo_rule){.prefixes = c->prefixes[i],
                              .target = random_target(c, 1 + (uint32_t)random_below(random, 4), random)};
    rule->prefix_count = random_below(random, 2) * random_below(random, PREFIXES + 1);
    for (size_t p = 0; p < rule->prefix_count; p++) {
        if (random_below(random, 3) == 0) {
            c->prefixes[i][p] = c->prefixes[i / 2][p]; /* two rules for the same addresses */
        } else if (random_below(random, 20) == 0) {
            c->prefixes[i][p].len = 0;
            addr_mask(&c->prefixes[i][p].addr, 0);
        }
    }
    for (int kind = 0; kind < GEO_KINDS; kind++) {
        if (random_below(random, 4) == 0) {
            add_condition(c, i, (enum geo_kind)kind, random);
        }
    }
}

static void make_rules(struct geo_case *c, struct random *random)
{
    c->lists[0] = (struct geo_nearest){sites, SITES, 1 + (unsigned)random_below(random, 3)};
    c->lists[1] = (struct geo_nearest){sites + 1, 2, 2};
    c->plan = (struct geo_plan){.rules = c->rules,
                                .rule_count = random_below(random, RULES + 1),
                                .class_count = 5,
                                .nearest = c->lists,
                                .nearest_count = random_below(random, LISTS + 1)};
    c->plan.otherwise = random_target(c, 0, random);
    for (size_t i = 0; i < (size_t)RULES * PREFIXES; i++) {
        c->prefixes[i / PREFIXES][i % PREFIXES] = random_prefix(random, true);
    }
    for (size_t i = 0; i < c->plan.rule_count; i++) {
        make_rule(c, i, random);
    }
}

void geo_case_make(struct geo_case *c, struct random *random)
{
    c->db_count = random_below(random, DATABASES + 1);
    for (size_t i = 0; i < c->db_count; i++) {
        open_database(c, i, random);
    }
    make_rules(c, random);
    struct geo_atlas *atlas = geo_atlas_new(c->dbs, c->db_count);
    c->tree = geo_build_tree(&c->plan, atlas);
    geo_atlas_free(atlas);
}

void geo_case_free(struct geo_case *c)
{
    for (size_t i = 0; i < c->db_count; i++) {
        geo_close_db(c->dbs[i]);
    }
    geo_free_tree(c->tree);
}

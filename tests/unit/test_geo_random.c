/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Random rules over random databases against brute force: what a look-up says is computed a second time from
 * the lists of networks and rules by linear search, at the first address of every stretch in which nothing
 * changes. So "all addresses within the scope have this class, and with one bit less they do not" is proven
 * over all addresses of both families, aliases included. Seeds are fixed. */
#include "config.h"

#include "unit.h"

#include "geo/geo.h"

#include "mmdb_make.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned __int128 number; /* an address as a number, in the bits of its family */

enum { NETWORKS = 24, RULES = 6, PREFIXES = 4, DATABASES = 2, POINTS = 4096 };

struct case_ {
    struct mmdb_network networks[DATABASES][NETWORKS];
    struct mmdb_plan plans[DATABASES];
    struct geo_db *dbs[DATABASES];
    size_t db_count;
    struct addr_prefix prefixes[RULES][PREFIXES];
    const char *countries[RULES][2], *continents[RULES][1];
    struct geo_rule rules[RULES];
    size_t rule_count;
};

static const char *const some_countries[] = {"US", "DE", "FR", "JP", "BR"};
static const char *const some_continents[] = {"NA", "EU", "EU", "AS", "SA"};

static unsigned family_bits(uint8_t family)
{
    return family == ADDR_V4 ? 32 : 128;
}

static number to_number(const struct addr *addr)
{
    number n = 0;
    for (size_t i = 0; i < addr_len(addr); i++) {
        n = n << 8 | addr->bytes[i];
    }
    return n;
}

static struct addr to_addr(number n, uint8_t family)
{
    struct addr addr = {.family = family};
    for (size_t i = addr_len(&addr); i > 0; i--) {
        addr.bytes[i - 1] = (uint8_t)n;
        n >>= 8;
    }
    return addr;
}

/* Clear the bits behind the prefix. */
static number mask(number n, unsigned bits, unsigned len)
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
    prefix.len = (uint8_t)(1 + random_below(random, family_bits(prefix.addr.family)));
    addr_mask(&prefix.addr, prefix.len);
    return prefix;
}

static void open_database(struct case_ *c, size_t index, struct random *random)
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
        size_t place = random_below(random, 5);
        do {
            network->prefix = random_prefix(random, plan->ip_version == 6);
            /* Networks over an alias would replace it in this writer. */
        } while (
            plan->aliases && network->prefix.addr.family == ADDR_V6 &&
            (network->prefix.len < 96 && (mask(to_number(&network->prefix.addr), 128, 80) == 0 ||
                                          network->prefix.len < 17 || network->prefix.addr.bytes[1] == 2)));
        if (random_below(random, 8) != 0) {
            memcpy(network->country, some_countries[place], 3);
            memcpy(network->continent, some_continents[place], 3);
        }
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

static void make_rules(struct case_ *c, struct random *random)
{
    c->rule_count = random_below(random, RULES + 1);
    for (size_t i = 0; i < (size_t)RULES * PREFIXES; i++) {
        c->prefixes[i / PREFIXES][i % PREFIXES] = random_prefix(random, true);
    }
    for (size_t i = 0; i < c->rule_count; i++) {
        struct geo_rule *rule = &c->rules[i];
        *rule = (struct geo_rule){.countries = c->countries[i],
                                  .continents = c->continents[i],
                                  .prefixes = c->prefixes[i],
                                  .class_id = (uint16_t)random_below(random, 4)};
        rule->prefix_count = random_below(random, 2) * random_below(random, PREFIXES + 1);
        rule->country_count = random_below(random, 3);
        rule->continent_count = random_below(random, 3) == 0;
        for (size_t p = 0; p < rule->prefix_count; p++) {
            if (i > 0 && random_below(random, 3) == 0) {
                c->prefixes[i][p] =
                    c->prefixes[i - 1][p]; /* two rules for the same addresses: the first wins */
            } else if (random_below(random, 20) == 0) {
                c->prefixes[i][p].len = 0;
                addr_mask(&c->prefixes[i][p].addr, 0);
            }
        }
        for (size_t k = 0; k < rule->country_count; k++) {
            c->countries[i][k] = some_countries[random_below(random, 5)];
        }
        c->continents[i][0] = some_continents[random_below(random, 5)];
    }
}

/* ---- the truth, slowly ---- */

/* Where the database looks for an address: in its IPv4 part or its IPv6 part. */
static struct addr find_alias(const struct mmdb_plan *plan, const struct addr *addr)
{
    number n = to_number(addr);
    if (addr->family == ADDR_V6 && n >> 32 == 0) {
        return to_addr(n, ADDR_V4);
    }
    if (addr->family == ADDR_V6 && plan->aliases && n >> 112 == 0x2002) {
        return to_addr(n >> 80 & 0xffffffff, ADDR_V4);
    }
    if (addr->family == ADDR_V6 && plan->aliases && n >> 32 == 0xffff) {
        return to_addr(n & 0xffffffff, ADDR_V4);
    }
    return *addr;
}

static const struct mmdb_network *find_network(const struct mmdb_plan *plan, const struct addr *addr)
{
    if (plan->ip_version == 4 && addr->family == ADDR_V6) {
        return NULL;
    }
    struct addr at = find_alias(plan, addr), wide = {.family = ADDR_V6};
    memcpy(wide.bytes + (at.family == ADDR_V4 ? 12 : 0), at.bytes, addr_len(&at));
    for (size_t i = plan->network_count; i > 0; i--) {
        const struct mmdb_network *network = &plan->networks[i - 1];
        if (addr_in_prefix(&at, &network->prefix) || addr_in_prefix(&wide, &network->prefix)) {
            return network;
        }
    }
    return NULL;
}

static bool list_has(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0) {
            return true;
        }
    }
    return count == 0;
}

static unsigned true_class(const struct case_ *c, const struct addr *addr)
{
    const char *country = "", *continent = "";
    for (size_t d = 0; d < c->db_count && country[0] == 0; d++) {
        const struct mmdb_network *network = find_network(&c->plans[d], addr);
        country = network == NULL ? "" : network->country;
        continent = network == NULL ? "" : network->continent;
    }
    int best = -1, best_len = -2;
    for (size_t i = 0; i < c->rule_count; i++) {
        const struct geo_rule *rule = &c->rules[i];
        int len = rule->prefix_count == 0 ? -1 : -2;
        for (size_t p = 0; p < rule->prefix_count; p++) {
            if (addr_in_prefix(addr, &rule->prefixes[p]) && rule->prefixes[p].len > len) {
                len = rule->prefixes[p].len;
            }
        }
        if (len > best_len && list_has(rule->countries, rule->country_count, country) &&
            list_has(rule->continents, rule->continent_count, continent)) {
            best = rule->class_id;
            best_len = len;
        }
    }
    return best == -1 ? 0 : (unsigned)best;
}

/* ---- all stretches ---- */

struct points {
    number at[POINTS];
    unsigned class_id[POINTS];
    size_t count;
};

static void add_stretch(struct points *points, number first, unsigned bits, unsigned len)
{
    assert_true(points->count + 2 <= POINTS);
    points->at[points->count++] = first;
    number last = first | (len == 128 ? 0 : ~(number)0 >> len >> (128 - bits));
    last = len >= bits ? first : last;
    if (last != ~(number)0 >> (128 - bits)) {
        points->at[points->count++] = last + 1;
    }
}

/* Both ends of a prefix, and of its images where a database looks into its IPv4 part. */
static void add_prefix(struct points *points, const struct addr_prefix *prefix, uint8_t family)
{
    number n = to_number(&prefix->addr);
    if (prefix->addr.family == family) {
        add_stretch(points, n, family_bits(family), prefix->len);
    } else if (family == ADDR_V6) {
        add_stretch(points, n, 128, prefix->len + 96u);
        add_stretch(points, n | (number)0xffff << 32, 128, prefix->len + 96u);
        add_stretch(points, n << 80 | (number)0x2002 << 112, 128, prefix->len + 16u);
    } else if (n >> 32 == 0 && prefix->len >= 96) {
        add_stretch(points, n, 32, prefix->len - 96u);
    }
}

static void add_networks(struct points *points, const struct mmdb_plan *plan, uint8_t family)
{
    for (size_t i = 0; i < plan->network_count; i++) {
        const struct addr_prefix *prefix = &plan->networks[i].prefix;
        number n = to_number(&prefix->addr);
        add_prefix(points, prefix, family);
        /* IPv6 networks inside ::/96 show in the aliases, too. */
        if (prefix->addr.family == ADDR_V6 && n >> 32 == 0 && prefix->len >= 96) {
            add_prefix(points, &(struct addr_prefix){to_addr(n, ADDR_V4), (uint8_t)(prefix->len - 96)},
                       family);
        }
    }
}

static int compare_numbers(const void *a, const void *b)
{
    const number *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

static void list_points(struct points *points, const struct case_ *c, uint8_t family)
{
    points->count = 0;
    points->at[points->count++] = 0;
    add_stretch(points, 0, family_bits(family), family == ADDR_V4 ? 32 : 96);
    if (family == ADDR_V6) {
        add_stretch(points, (number)0xffff << 32, 128, 96);
        add_stretch(points, (number)0x2002 << 112, 128, 16);
    }
    for (size_t i = 0; i < c->db_count; i++) {
        add_networks(points, &c->plans[i], family);
    }
    for (size_t i = 0; i < c->rule_count; i++) {
        for (size_t p = 0; p < c->rules[i].prefix_count; p++) {
            add_prefix(points, &c->prefixes[i][p], family); /* too many points do no harm */
        }
    }
    qsort(points->at, points->count, sizeof *points->at, compare_numbers);
    for (size_t i = 0; i < points->count; i++) {
        struct addr addr = to_addr(points->at[i], family);
        points->class_id[i] = true_class(c, &addr);
    }
}

/* Do all stretches that meet the prefix have this class? */
static bool is_uniform(const struct points *points, unsigned bits, number first, unsigned len,
                       unsigned class_id)
{
    number last = len >= bits ? first : first | (~(number)0 >> (128 - bits) >> len);
    for (size_t i = 0; i < points->count; i++) {
        bool begins_inside = points->at[i] >= first && points->at[i] <= last;
        bool holds_first = points->at[i] <= first && (i + 1 == points->count || points->at[i + 1] > first);
        if ((begins_inside || holds_first) && points->class_id[i] != class_id) {
            return false;
        }
    }
    return true;
}

static void check_family(const struct case_ *c, const struct geo_tree *tree, uint8_t family,
                         struct points *points)
{
    unsigned bits = family_bits(family);
    list_points(points, c, family);
    for (size_t i = 0; i < points->count; i++) {
        struct addr addr = to_addr(points->at[i], family);
        struct geo_match match = geo_find_class(tree, &addr);
        char text[ADDR_TEXT_SIZE];
        if (match.class_id != points->class_id[i]) {
            fail_msg("%s: class %u, expected %u", addr_write(&addr, text), match.class_id,
                     points->class_id[i]);
        }
        if (!is_uniform(points, bits, mask(points->at[i], bits, match.scope), match.scope, match.class_id)) {
            fail_msg("%s/%u: other classes within the scope", addr_write(&addr, text), match.scope);
        }
        if (match.scope > 0 && is_uniform(points, bits, mask(points->at[i], bits, match.scope - 1u),
                                          match.scope - 1u, match.class_id)) {
            fail_msg("%s/%u: the scope could be wider", addr_write(&addr, text), match.scope);
        }
    }
}

static void check_places(const struct case_ *c, const struct points *points, uint8_t family)
{
    for (size_t d = 0; d < c->db_count; d++) {
        for (size_t i = 0; i < points->count; i++) {
            struct addr addr = to_addr(points->at[i], family);
            const struct mmdb_network *network = find_network(&c->plans[d], &addr);
            struct geo_place place;
            bool known = geo_find_place(c->dbs[d], &addr, &place);
            assert_int_equal(known, network != NULL && network->country[0] != 0);
            assert_string_equal(place.country, network == NULL ? "" : network->country);
            assert_string_equal(place.continent, network == NULL ? "" : network->continent);
            assert_true(place.prefix_len <= family_bits(family));
        }
    }
}

static void check_case(struct random *random, struct points *points)
{
    struct case_ c;
    memset(&c, 0, sizeof c);
    c.db_count = random_below(random, DATABASES + 1);
    for (size_t i = 0; i < c.db_count; i++) {
        open_database(&c, i, random);
    }
    make_rules(&c, random);
    struct geo_tree *tree = geo_build_tree(c.rules, c.rule_count, c.dbs, c.db_count);
    check_family(&c, tree, ADDR_V4, points);
    check_places(&c, points, ADDR_V4);
    check_family(&c, tree, ADDR_V6, points);
    check_places(&c, points, ADDR_V6);
    for (size_t i = 0; i < c.db_count; i++) {
        geo_close_db(c.dbs[i]);
    }
    geo_free_tree(tree);
}

static void scopes_are_exact(void **state)
{
    (void)state;
    struct points *points = memory_alloc(sizeof *points);
    for (uint64_t seed = 1; seed <= 600; seed++) {
        struct random random;
        random_init(&random, seed);
        check_case(&random, points);
    }
    free(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scopes_are_exact)};
    return cmocka_run_group_tests_name("geo_random", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What geography costs: compiling many client networks or a real database, and the walk per query. Under
 * callgrind, the difference between two N is exact per look-up.
 * usage: bench_geo networks COUNT LENGTH REGIONS N      random prefixes of one length, REGIONS rules
 *        bench_geo country FILE N                        a rule per continent over a database
 *        bench_geo nearest FILE N                        sixteen sites over a database */
#include "config.h"

#include "geo/geo.h"

#include "base/memory.h"
#include "base/random.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ADDRESSES = 4096 };

static double now_s(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct addr random_v4(struct random *random)
{
    struct addr addr = {.family = ADDR_V4};
    uint32_t bits = (uint32_t)random_next(random);
    memcpy(addr.bytes, &bits, sizeof bits);
    return addr;
}

/* Half of the addresses are inside of known networks, if there are any. */
static void look_up(const struct geo_tree *tree, const struct addr_prefix *prefixes, size_t prefix_count,
                    unsigned long count)
{
    static struct addr addresses[ADDRESSES];
    struct random random;
    random_init(&random, 2);
    for (size_t i = 0; i < ADDRESSES; i++) {
        addresses[i] = i % 2 == 0 && prefix_count != 0 ? prefixes[random_below(&random, prefix_count)].addr
                                                       : random_v4(&random);
    }
    double began = now_s();
    unsigned long sum = 0, scopes = 0;
    for (unsigned long i = 0; i < count; i++) {
        struct geo_match match = geo_find_class(tree, &addresses[i % ADDRESSES]);
        sum += match.class_id;
        scopes += match.scope;
    }
    double took = now_s() - began;
    printf("%lu look-ups, %.1f ns each, mean class %.2f, mean scope %.1f\n", count,
           count == 0 ? 0 : took * 1e9 / (double)count, count == 0 ? 0 : (double)sum / (double)count,
           count == 0 ? 0 : (double)scopes / (double)count);
}

static struct geo_tree *build(const struct geo_plan *plan, struct geo_db *const *dbs, size_t db_count)
{
    double began = now_s();
    struct geo_atlas *atlas = geo_atlas_new(dbs, db_count);
    struct geo_tree *tree = geo_build_tree(plan, atlas);
    double first = now_s();
    geo_free_tree(geo_build_tree(plan, atlas));
    const struct geo_order *orders;
    printf("built in %.3f s, another one in %.3f s; %zu bytes, %zu classes of nearest sites\n", first - began,
           now_s() - first, geo_tree_size(tree), geo_get_orders(tree, &orders));
    geo_atlas_free(atlas);
    return tree;
}

static void bench_networks(char **arguments)
{
    size_t count = strtoul(arguments[0], NULL, 10), rules = strtoul(arguments[2], NULL, 10);
    uint8_t len = (uint8_t)strtoul(arguments[1], NULL, 10);
    struct addr_prefix *prefixes = memory_alloc_array(count, sizeof *prefixes);
    struct geo_rule *list = memory_alloc_array(rules, sizeof *list);
    struct random random;
    random_init(&random, 1);
    for (size_t i = 0; i < count; i++) {
        prefixes[i] = (struct addr_prefix){.addr = random_v4(&random), .len = len};
        addr_mask(&prefixes[i].addr, len);
    }
    for (size_t i = 0; i < rules; i++) {
        list[i] = (struct geo_rule){.prefixes = prefixes + i * (count / rules),
                                    .prefix_count = count / rules,
                                    .target = (uint32_t)i + 1};
    }
    struct geo_plan plan = {.rules = list, .rule_count = rules, .class_count = (uint16_t)(rules + 1)};
    struct geo_tree *tree = build(&plan, NULL, 0);
    look_up(tree, prefixes, count, strtoul(arguments[3], NULL, 10));
    geo_free_tree(tree);
    free(prefixes);
    free(list);
}

static struct geo_db *open_db(const char *path)
{
    struct report *report = report_new();
    double began = now_s();
    struct geo_db *db = geo_open_db(path, report);
    report_write(report, stderr);
    report_free(report);
    if (db == NULL) {
        exit(1);
    }
    const struct geo_db_info *info = geo_get_info(db);
    printf("%s: opened in %.3f s, %zu networks, %zu places, %zu bytes\n", info->type, now_s() - began,
           info->networks, info->places, info->memory);
    return db;
}

static void bench_country(const char *path, unsigned long count)
{
    static const char *const continents[] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
    struct geo_rule rules[7];
    memset(rules, 0, sizeof rules);
    for (size_t i = 0; i < 7; i++) {
        rules[i].values[GEO_CONTINENT] = (struct geo_values){.texts = &continents[i], .text_count = 1};
        rules[i].target = (uint32_t)i + 1;
    }
    struct geo_db *db = open_db(path);
    struct geo_plan plan = {.rules = rules, .rule_count = 7, .class_count = 8};
    struct geo_tree *tree = build(&plan, &db, 1);
    look_up(tree, NULL, 0, count);
    geo_free_tree(tree);
    geo_close_db(db);
}

static void bench_nearest(const char *path, unsigned long count)
{
    static const struct geo_site sites[16] = {{38.9, -77},    {40, -83},    {37.4, -121.9}, {45.8, -119.7},
                                              {-23.5, -46.6}, {53.3, -6.3}, {50.1, 8.7},    {51.5, 0},
                                              {48.9, 2.3},    {59.3, 18},   {26, 50.5},     {-33.9, 18.4},
                                              {19, 72.8},     {1.3, 103.8}, {35.7, 139.7},  {-33.9, 151.2}};
    struct geo_nearest nearest = {.sites = sites, .site_count = 16, .count = 3};
    struct geo_db *db = open_db(path);
    struct geo_plan plan = {
        .otherwise = GEO_NEAREST, .class_count = 1, .nearest = &nearest, .nearest_count = 1};
    struct geo_tree *tree = build(&plan, &db, 1);
    look_up(tree, NULL, 0, count);
    geo_free_tree(tree);
    geo_close_db(db);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "networks") == 0) {
        bench_networks(argv + 2);
    } else if (argc == 4 && strcmp(argv[1], "country") == 0) {
        bench_country(argv[2], strtoul(argv[3], NULL, 10));
    } else if (argc == 4 && strcmp(argv[1], "nearest") == 0) {
        bench_nearest(argv[2], strtoul(argv[3], NULL, 10));
    } else {
        fputs("usage: bench_geo networks COUNT LENGTH REGIONS N | country FILE N | nearest FILE N\n", stderr);
        return 2;
    }
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See geo_case.h: the truth, slowly. Written without a look at src/geo: lists instead of trees, haversines
 * instead of vectors. */
#include "config.h"

#include "unit.h"

#include "geo_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const some_countries[] = {"US", "DE", "FR", "JP", "BR"};
/* Roughly where the countries are. */
static const struct geo_site middles[] = {{38, -94}, {51, 10}, {47, 2.5}, {36, 138}, {-20, -47}};

/* Where the database looks for an address: in its IPv4 part or its IPv6 part. */
static struct addr find_alias(const struct mmdb_plan *plan, const struct addr *addr)
{
    number n = geo_to_number(addr);
    if (addr->family == ADDR_V6 && n >> 32 == 0) {
        return geo_to_addr(n, ADDR_V4);
    }
    if (addr->family == ADDR_V6 && plan->aliases && n >> 112 == 0x2002) {
        return geo_to_addr(n >> 80 & 0xffffffff, ADDR_V4);
    }
    if (addr->family == ADDR_V6 && plan->aliases && n >> 32 == 0xffff) {
        return geo_to_addr(n & 0xffffffff, ADDR_V4);
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

/* Whether a rule has a prefix within the addresses that begin like n. */
static bool is_ruled(const struct geo_case *c, number n, unsigned len)
{
    for (size_t i = 0; i < c->plan.rule_count; i++) {
        for (size_t p = 0; p < c->rules[i].prefix_count; p++) {
            const struct addr_prefix *prefix = &c->rules[i].prefixes[p];
            if (prefix->addr.family == ADDR_V6 && prefix->len >= len &&
                geo_mask(geo_to_number(&prefix->addr), 128, len) == geo_mask(n, 128, len)) {
                return true;
            }
        }
    }
    return false;
}

struct addr geo_true_client(const struct geo_case *c, const struct addr *addr)
{
    number n = geo_to_number(addr);
    number high = n >> 32;
    if (addr->family == ADDR_V4) {
        return *addr;
    }
    if ((high == 0 || high == 0xffff || high == (number)0xffff << 16 || high == (number)0x0064ff9b << 64) &&
        (c == NULL || !is_ruled(c, n, 96))) {
        return geo_to_addr(n & 0xffffffff, ADDR_V4);
    }
    if (n >> 112 == 0x2002 && (c == NULL || !is_ruled(c, n, 16))) {
        return geo_to_addr(n >> 80 & 0xffffffff, ADDR_V4);
    }
    if (n >> 96 == 0x20010000 && (c == NULL || !is_ruled(c, n, 32))) {
        return geo_to_addr(~n & 0xffffffff, ADDR_V4);
    }
    return *addr;
}

struct geo_truth geo_find_truth(const struct geo_case *c, const struct addr *addr)
{
    struct geo_truth truth = {.country = "", .continent = ""};
    for (size_t d = 0; d < c->db_count; d++) {
        const struct mmdb_network *network = find_network(&c->plans[d], addr);
        if (network == NULL) {
            continue;
        }
        truth.asn = truth.asn != 0 ? truth.asn : network->asn;
        if (truth.country[0] != 0 && network->country[0] != 0 &&
            strcmp(truth.country, network->country) != 0) {
            continue;
        }
        if (truth.country[0] == 0) {
            truth.country = network->country;
            truth.continent = network->continent;
        }
        bool has_states = network->subdivision_names[0] != NULL;
        truth.states = truth.states == NULL && has_states ? network : truth.states;
        truth.location = truth.location == NULL && network->has_location ? network : truth.location;
        if (truth.city == NULL && network->city != NULL) {
            truth.city = network->city;
            truth.city_id = network->city_id;
        }
    }
    return truth;
}

static bool is_in_state(const struct geo_truth *truth, const char *wanted)
{
    char text[16];
    for (size_t i = 0; i < 4 && truth->states != NULL; i++) {
        const char *state =
            i < 2 ? truth->states->subdivision_codes[i] : truth->states->subdivision_names[i - 2];
        snprintf(text, sizeof text, "%s-%s", truth->states->country, state == NULL ? "" : state);
        if (state != NULL && strcasecmp(text, wanted) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_text(const struct geo_truth *truth, int kind, const char *text)
{
    switch (kind) {
    case GEO_CONTINENT: return strcmp(truth->continent, text) == 0;
    case GEO_COUNTRY: return strcmp(truth->country, text) == 0;
    case GEO_SUBDIVISION: return is_in_state(truth, text);
    default: return truth->city != NULL && strcasecmp(truth->city, text) == 0;
    }
}

static bool rule_holds(const struct geo_rule *rule, const struct geo_truth *truth)
{
    for (int kind = 0; kind < GEO_KINDS; kind++) {
        const struct geo_values *values = &rule->values[kind];
        bool holds = values->text_count + values->number_count == 0;
        for (size_t i = 0; i < values->text_count; i++) {
            holds |= has_text(truth, kind, values->texts[i]);
        }
        for (size_t i = 0; i < values->number_count; i++) {
            holds |= values->numbers[i] == (kind == GEO_ASN ? truth->asn : truth->city_id);
        }
        if (!holds) {
            return false;
        }
    }
    return true;
}

/* -1: no prefix is asked for; -2: none matches. */
static int longest_prefix(const struct geo_rule *rule, const struct addr *addr)
{
    int len = rule->prefix_count == 0 ? -1 : -2;
    for (size_t p = 0; p < rule->prefix_count; p++) {
        if (addr_in_prefix(addr, &rule->prefixes[p]) && rule->prefixes[p].len > len) {
            len = rule->prefixes[p].len;
        }
    }
    return len;
}

static int compare_narrowness(const struct geo_rule *a, const struct geo_rule *b)
{
    for (int kind = GEO_KINDS - 1; kind >= 0; kind--) {
        int left = a->values[kind].text_count + a->values[kind].number_count != 0,
            right = b->values[kind].text_count + b->values[kind].number_count != 0;
        if (left != right) {
            return left - right;
        }
    }
    return 0;
}

static int true_rule(const struct geo_case *c, const struct geo_truth *truth, const struct addr *addr)
{
    int best = -1, best_len = -2;
    for (size_t i = 0; i < c->plan.rule_count; i++) {
        int len = longest_prefix(&c->rules[i], addr);
        if (len == -2 || !rule_holds(&c->rules[i], truth)) {
            continue;
        }
        if (best == -1 || len > best_len ||
            (len == best_len && compare_narrowness(&c->rules[i], &c->rules[best]) > 0)) {
            best = (int)i;
            best_len = len;
        }
    }
    return best;
}

/* Kilometres, by the haversine formula. */
static double distance(const struct geo_site *a, const struct geo_site *b)
{
    const double radians = acos(-1) / 180;
    double across = sin((b->latitude - a->latitude) * radians / 2),
           along = sin((b->longitude - a->longitude) * radians / 2);
    double h = across * across + cos(a->latitude * radians) * cos(b->latitude * radians) * along * along;
    return 2 * 6371 * asin(sqrt(h));
}

/* Is the order the one of the client? */
static bool is_true_order(const struct geo_nearest *list, const struct geo_order *order,
                          const struct geo_site *client)
{
    bool taken[SITES] = {false};
    size_t count = list->count < list->site_count ? list->count : list->site_count;
    for (size_t i = 0; i < count; i++) {
        size_t next = 0;
        while (next + 1 < list->site_count && taken[next]) {
            next++;
        }
        for (size_t s = next + 1; s < list->site_count && client != NULL; s++) {
            bool nearer = distance(client, &list->sites[s]) < distance(client, &list->sites[next]);
            next = !taken[s] && nearer ? s : next;
        }
        taken[next] = true;
        if (order->count != count || order->sites[i] != next) {
            return false;
        }
    }
    return true;
}

static unsigned true_nearest(const struct geo_case *c, const struct geo_truth *truth, uint32_t list)
{
    const struct geo_order *orders;
    struct geo_site site;
    bool known = truth->location != NULL;
    if (known) {
        site = (struct geo_site){truth->location->latitude, truth->location->longitude};
    }
    for (size_t i = 0; i < 5 && !known && truth->country[0] != 0; i++) {
        known = strcmp(truth->country, some_countries[i]) == 0;
        site = middles[i];
    }
    size_t count = geo_get_orders(c->tree, &orders);
    const struct geo_order as_listed = {list, (uint16_t)geo_get_nearest_count(c->tree, list),
                                        (const uint16_t[]){0, 1, 2, 3, 4}};
    if (c->plan.otherwise == (GEO_NEAREST | list) &&
        is_true_order(&c->lists[list], &as_listed, known ? &site : NULL)) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (orders[i].nearest == list && is_true_order(&c->lists[list], &orders[i], known ? &site : NULL)) {
            return c->plan.class_count + (unsigned)i;
        }
    }
    fail_msg("no class has the order that is true");
    return 0;
}

unsigned geo_true_class(const struct geo_case *c, const struct addr *client)
{
    struct addr addr = geo_true_client(c, client);
    struct geo_truth truth = geo_find_truth(c, &addr);
    int rule = true_rule(c, &truth, &addr);
    assert_int_equal(geo_explain(c->tree, c->dbs, c->db_count, client).rule, rule);
    uint32_t target = rule == -1 ? c->plan.otherwise : c->rules[rule].target;
    return (target & GEO_NEAREST) != 0 ? true_nearest(c, &truth, target & ~GEO_NEAREST) : target;
}

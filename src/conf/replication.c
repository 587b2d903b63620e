/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading what is copied where: regions to regions, azs to azs. Pairs that go both ways are fine, however
 * many: all of them hold the data then. A circle that goes one way only has nobody who has the data first;
 * what goes both ways counts as one place when circles are looked for. */
#include "config.h"

#include "conf/replication.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "conf/destination.h"
#include "conf/suggest.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

enum { AGE_LEAST_MS = 60000, AGE_CHECKS = 3, HOLD_DEFAULT_MS = 10000 };

static const char *const stages[] = {"", "start", "full", "real_time", NULL};

struct place {
    unsigned line, column;
};

struct reading {
    struct conf_topology *topology;
    struct place *places; /* of the pairs */
    size_t *items;        /* likewise: which of all items they are */
    size_t item;          /* the next one, of all */
    size_t host_count;    /* names that were read */
    /* of the object under way */
    bool of_azs;
    uint32_t from;
    ptrdiff_t circle; /* the pair that closes one; -1: none was looked for */
    struct buffer words;
};

static const char *get_name(const struct conf_topology *topology, bool of_azs, uint32_t index)
{
    return of_azs ? topology->azs[index].name : topology->regions[index].name;
}

/* ---- one pair ---- */

/* Returns whether there is such a place. */
static bool read_to(const struct reading *reading, const struct doc_node *to, uint32_t *index)
{
    const char *kind = reading->of_azs ? "az" : "region", *name = doc_text(to);
    if (name == NULL) {
        doc_error_expected(to, reading->of_azs ? "the name of an az" : "the name of a region");
        return false;
    }
    const struct conf_place *place = conf_find_place(reading->topology, name);
    if (place == NULL) {
        const struct conf_topology *t = reading->topology;
        const struct suggest_list regions = {t->regions, t->region_count, sizeof *t->regions},
                                  azs = {t->azs, t->az_count, sizeof *t->azs};
        suggest_report(to, kind, reading->of_azs ? &azs : &regions);
    } else if (place->kind != (reading->of_azs ? CONF_AZ : CONF_REGION)) {
        doc_error(to, "\"%.100s\" is %s, expected %s: regions replicate to regions, and azs to azs", name,
                  conf_kind_text(place->kind), reading->of_azs ? "an az" : "a region");
    } else if (place->index == reading->from) {
        doc_error(to, "%s \"%.100s\" replicates to itself, expected another one", kind, name);
    } else {
        *index = place->index;
        return true;
    }
    return false;
}

/* A command and a file may know of it here. */
static bool needs_address(const struct conf_topology *topology, const struct conf_replication *pair)
{
    enum conf_check_type type = topology->checks[pair->check].type;
    return type != CONF_CHECK_EXEC && type != CONF_CHECK_FILE;
}

static void read_address(struct reading *reading, const struct doc_node *lag, struct conf_replication *pair)
{
    struct conf_topology *topology = reading->topology;
    struct doc_node address;
    if (!doc_find(lag, "address", &address)) {
        if (!pair->is_asked || needs_address(topology, pair)) {
            (void)doc_require(lag, "address", &address);
        }
    } else if (pair->is_asked && topology->checks[pair->check].type == CONF_CHECK_FILE) {
        doc_error_at_key(&address, "found \"address\", expected none: check \"%.100s\" looks into a file",
                         topology->checks[pair->check].name);
    } else if (!doc_is_text(&address)) {
        doc_error_expected(&address, "an IPv4 or IPv6 address, or a host name");
    } else if (addr_parse(doc_text(&address), &pair->addr) != 0) {
        pair->addr.family = ADDR_NONE;
        if (reading->host_count <
            REPLICATIONS_MAX) { /* there is room for so many, also of pairs that are none */
            reading->host_count++;
            pair->host = destination_read_host(topology, &address);
        }
    }
}

static void read_check(const struct conf_topology *topology, const struct doc_node *lag,
                       struct conf_replication *pair)
{
    struct doc_node check;
    if (!doc_require(lag, "check", &check)) {
        return;
    }
    ptrdiff_t index = doc_is_text(&check) ? conf_find_check(topology, doc_text(&check)) : -1;
    if (index < 0) {
        doc_error_expected(&check, "the name of a check");
    } else if (topology->checks[index].lag == NULL) {
        doc_error(&check, "check \"%.100s\" asks for no lag, expected one that has \"lag\"",
                  doc_text(&check));
    } else {
        pair->check = (uint32_t)index;
        pair->is_asked = true;
    }
}

static void read_lag(struct reading *reading, const struct doc_node *item, struct conf_replication *pair)
{
    static const char *const keys[] = {"check", "address", NULL};
    struct doc_node lag;
    if (!doc_find(item, "lag", &lag) || (doc_is_text(&lag) && strcmp(doc_text(&lag), "push") == 0)) {
        return;
    }
    if (!doc_is_object(&lag)) {
        doc_error_expected(&lag, "\"push\", or an object such as { \"check\": \"db-lag\", \"address\": "
                                 "\"192.0.2.1\" }");
        return;
    }
    (void)doc_check_object(&lag, keys);
    read_check(reading->topology, &lag, pair);
    read_address(reading, &lag, pair);
}

/* What is asked has to have the time to answer. */
static void read_times(const struct conf_topology *topology, const struct doc_node *item,
                       struct conf_replication *pair)
{
    static const uint32_t age_ms[2] = {1000, 24u * 3600 * 1000}, hold_ms[2] = {0, 3600 * 1000},
                          rpo_ms[2] = {1, 30u * 24 * 3600 * 1000};
    const struct conf_check *check = pair->is_asked ? &topology->checks[pair->check] : NULL;
    uint32_t least_ms = check == NULL ? 0 : check->interval_ms + check->timeout_ms;
    uint32_t usual_ms = check == NULL ? 0 : AGE_CHECKS * check->interval_ms;
    struct doc_node member;
    pair->rpo_ms = doc_get_duration_ms(item, "rpo", rpo_ms, 0);
    pair->hold_ms = doc_get_duration_ms(item, "hold", hold_ms, HOLD_DEFAULT_MS);
    pair->max_age_ms =
        doc_get_duration_ms(item, "max_age", age_ms, usual_ms > AGE_LEAST_MS ? usual_ms : AGE_LEAST_MS);
    if (pair->max_age_ms < least_ms && doc_find(item, "max_age", &member)) {
        char found[VALUE_DURATION_SIZE], least[VALUE_DURATION_SIZE];
        doc_error(&member, "found %s, expected at least %s: the interval and the timeout of check \"%.100s\"",
                  value_write_duration(pair->max_age_ms, found), value_write_duration(least_ms, least),
                  check->name);
    }
    if (check != NULL && check->lag->stage != NULL && doc_find(item, "stage", &member)) {
        doc_error_at_key(&member,
                         "check \"%.100s\" says the stage itself, expected only one of them to say it",
                         check->name);
    }
    if (check != NULL && check->lag->unit == CONF_LAG_BYTES && doc_find(item, "rpo", &member)) {
        doc_error_at_key(&member,
                         "check \"%.100s\" says how many bytes a copy lags behind, which no RPO "
                         "can be compared with: expected a check in \"s\" or \"ms\"",
                         check->name);
    }
}

static ptrdiff_t find_same(const struct conf_topology *topology, const struct conf_replication *pair)
{
    for (size_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *other = &topology->replications[i];
        if (other->of_azs == pair->of_azs && other->from == pair->from && other->to == pair->to) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

static void add_pair(struct reading *reading, const struct doc_node *item, const struct doc_node *to,
                     const struct conf_replication *pair)
{
    struct conf_topology *topology = reading->topology;
    size_t count = topology->replication_count;
    ptrdiff_t same = find_same(topology, pair);
    if (same != -1) {
        doc_error(to, "\"%.100s\" replicates to \"%.100s\" already, in line %u, column %u",
                  get_name(topology, pair->of_azs, pair->from), get_name(topology, pair->of_azs, pair->to),
                  reading->places[same].line, reading->places[same].column);
    } else if (count == REPLICATIONS_MAX) {
        doc_error(item, "found more than %d pairs that replicate, expected at most so many",
                  REPLICATIONS_MAX);
    } else {
        doc_find_key_place(item, &reading->places[count].line, &reading->places[count].column);
        reading->items[count] = reading->item;
        topology->replications[topology->replication_count++] = *pair;
    }
}

static void read_item(struct reading *reading, const struct doc_node *item)
{
    static const char *const keys[] = {"to", "stage", "lag", "rpo", "max_age", "hold", NULL};
    struct conf_replication pair = {.of_azs = reading->of_azs, .from = reading->from};
    struct doc_node to = *item;
    bool is_object = !doc_is_text(item);
    if (is_object && (!doc_check_object(item, keys) || !doc_require(item, "to", &to))) {
        return;
    }
    bool is_known = read_to(reading, &to, &pair.to);
    if (is_object) {
        pair.stage = (enum conf_stage)doc_get_choice(item, "stage", stages, CONF_STAGE_UNKNOWN);
        read_lag(reading, item, &pair);
        read_times(reading->topology, item, &pair);
    } else {
        pair.max_age_ms = AGE_LEAST_MS;
        pair.hold_ms = HOLD_DEFAULT_MS;
    }
    if (is_known) {
        add_pair(reading, item, &to, &pair);
    }
}

/* ---- all of them ---- */

/* Second time round. */
static void report_circle(struct reading *reading, const struct doc_node *item)
{
    if (reading->circle != -1 && reading->items[reading->circle] == reading->item) {
        doc_error(item,
                  "this closes a circle that goes one way only, %s: expected that somebody has the data "
                  "first, or that all of these go both ways",
                  reading->words.bytes);
    }
}

static void walk_list(struct reading *reading, const struct doc_node *object,
                      void (*visit)(struct reading *reading, const struct doc_node *item))
{
    struct doc_node list, item = {0};
    if (!doc_find(object, "replicates_to", &list) || (!doc_is_array(&list) && visit == report_circle) ||
        !doc_check_array(&list, "an array of names or of objects such as { \"to\": \"eu-west\" }")) {
        return;
    }
    while (doc_next(&list, &item)) {
        visit(reading, &item);
        reading->item++;
    }
}

static void walk(struct reading *reading, const struct doc_node *root,
                 void (*visit)(struct reading *reading, const struct doc_node *item))
{
    struct doc_node regions, region = {0}, azs;
    uint32_t az_index = 0;
    reading->item = 0;
    if (!doc_find(root, "regions", &regions) || !doc_is_object(&regions)) {
        return;
    }
    for (uint32_t i = 0; doc_next(&regions, &region); i++) {
        if (!doc_is_object(&region)) {
            continue;
        }
        reading->of_azs = false;
        reading->from = i;
        walk_list(reading, &region, visit);
        struct doc_node az = {0};
        bool has_azs = doc_find(&region, "azs", &azs) && doc_is_object(&azs);
        for (; has_azs && doc_next(&azs, &az); az_index++) {
            reading->of_azs = true;
            reading->from = az_index;
            if (doc_is_object(&az)) {
                walk_list(reading, &az, visit);
            }
        }
    }
}

/* ---- circles ---- */

/* Of each place, the first of those that go both ways with it, directly or not. */
static void join_places(const struct conf_topology *topology, bool of_azs, uint32_t *joined, size_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        joined[i] = i;
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < topology->replication_count; i++) {
            const struct conf_replication *pair = &topology->replications[i];
            const struct conf_replication back = {.of_azs = of_azs, .from = pair->to, .to = pair->from};
            if (pair->of_azs == of_azs && joined[pair->from] < joined[pair->to] &&
                find_same(topology, &back) != -1) {
                joined[pair->to] = joined[pair->from];
                again = true;
            } else if (pair->of_azs == of_azs && joined[pair->to] < joined[pair->from] &&
                       find_same(topology, &back) != -1) {
                joined[pair->from] = joined[pair->to];
                again = true;
            }
        }
    }
}

/* A pair that is left and leads to where this one begins; -1: none. */
static ptrdiff_t find_before(const struct conf_topology *topology, const bool *gone, const uint32_t *joined,
                             const struct conf_replication *pair)
{
    for (size_t i = 0; i < topology->replication_count; i++) {
        if (!gone[i] && joined[topology->replications[i].to] == joined[pair->from]) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

/* What nothing leads to leads nowhere: what is left in the end are circles, and what hangs on them. */
static ptrdiff_t find_circle(const struct conf_topology *topology, bool of_azs, const uint32_t *joined,
                             bool gone[REPLICATIONS_MAX])
{
    ptrdiff_t left = -1;
    for (size_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *pair = &topology->replications[i];
        gone[i] = pair->of_azs != of_azs || joined[pair->from] == joined[pair->to];
    }
    for (bool again = true; again;) {
        again = false;
        left = -1;
        for (size_t i = 0; i < topology->replication_count; i++) {
            if (!gone[i] && find_before(topology, gone, joined, &topology->replications[i]) == -1) {
                gone[i] = again = true;
            }
            left = gone[i] ? left : (ptrdiff_t)i;
        }
    }
    for (size_t i = 0; left != -1 && i < topology->replication_count; i++) { /* into the circle itself */
        left = find_before(topology, gone, joined, &topology->replications[left]);
    }
    return left;
}

/* "us to eu, eu to ap, ap to us" */
static void write_circle(struct reading *reading, const bool *gone, const uint32_t *joined)
{
    const struct conf_topology *topology = reading->topology;
    ptrdiff_t way[REPLICATIONS_MAX], at = reading->circle;
    size_t count = 0;
    do {
        way[count++] = at;
        at = find_before(topology, gone, joined, &topology->replications[at]);
    } while (at != reading->circle && count < REPLICATIONS_MAX);
    while (count != 0) {
        const struct conf_replication *pair = &topology->replications[way[--count]];
        buffer_print(&reading->words, "%s%.60s to %.60s", reading->words.len == 0 ? "" : ", ",
                     get_name(topology, pair->of_azs, pair->from),
                     get_name(topology, pair->of_azs, pair->to));
    }
}

static void check_circles(struct reading *reading, const struct doc_node *root)
{
    struct conf_topology *topology = reading->topology;
    for (int of_azs = 0; of_azs < 2; of_azs++) {
        size_t count = of_azs != 0 ? topology->az_count : topology->region_count;
        uint32_t *joined = memory_alloc_array(count, sizeof *joined);
        join_places(topology, of_azs != 0, joined, count);
        bool gone[REPLICATIONS_MAX] = {false};
        reading->circle = find_circle(topology, of_azs != 0, joined, gone);
        if (reading->circle != -1) {
            buffer_init(&reading->words);
            write_circle(reading, gone, joined);
            walk(reading, root, report_circle);
            buffer_fini(&reading->words);
        }
        free(joined);
    }
}

void replication_read(struct conf_topology *topology, const struct doc_node *root)
{
    struct reading reading = {
        .topology = topology,
        .places = memory_alloc_array(REPLICATIONS_MAX, sizeof *reading.places),
        .items = memory_alloc_array(REPLICATIONS_MAX, sizeof *reading.items),
        .circle = -1,
    };
    topology->replications = arena_alloc(topology->arena, REPLICATIONS_MAX * sizeof *topology->replications);
    walk(&reading, root, read_item);
    check_circles(&reading, root);
    free(reading.places);
    free(reading.items);
}

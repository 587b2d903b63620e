/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See assignment.h. */
#include "config.h"

#include "steerprobe/assignment.h"

#include "base/memory.h"
#include "base/report.h"
#include "conf/checks.h"
#include "fleet/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_INTERVAL_MS = 1000 };

struct item {
    uint64_t identity;
    const char *name, *host;
    uint32_t check;
    bool in_turn, idle;
    uint8_t address_count;
    struct addr addresses[FLEET_ADDRESSES_MAX];
};

/* Of the identities, sorted. */
struct place {
    uint64_t identity;
    uint32_t index;
};

struct assignment {
    unsigned holders;
    uint64_t generation, salt, mark;
    struct arena *arena; /* texts */
    struct conf_topology *checks;
    struct item *items;
    struct place *places; /* once it is whole */
    size_t count, room;
    struct fleet_untaken refused[ASSIGNMENT_CHECKS_MAX];
    size_t refused_count;
    bool is_refused[ASSIGNMENT_CHECKS_MAX];
};

/* ---- life ---- */

struct assignment *assignment_new(uint64_t generation, uint32_t count, uint64_t salt)
{
    struct assignment *assignment = memory_alloc(sizeof *assignment);
    assignment->holders = 1;
    assignment->generation = generation;
    assignment->salt = salt;
    assignment->arena = arena_new(0);
    assignment->checks = conf_new_checks(ASSIGNMENT_CHECKS_MAX);
    assignment->items = memory_alloc_array(count, sizeof *assignment->items);
    assignment->room = count;
    return assignment;
}

struct assignment *assignment_hold(struct assignment *assignment)
{
    assignment->holders++;
    return assignment;
}

void assignment_drop(struct assignment *assignment)
{
    if (assignment != NULL && --assignment->holders == 0) {
        conf_free_topology(assignment->checks);
        arena_free(assignment->arena);
        free(assignment->items);
        free(assignment->places);
        free(assignment);
    }
}

/* ---- checks ---- */

/* What only looks at the network. No server has a program run here, or a file read, whoever it became: what
 * is not named is refused. */
static bool is_made_here(const struct conf_check *check)
{
    static const char *const types[] = {"http", "https", "tcp", "dns", "icmp", "grpc"};
    const char *type = conf_check_type_text(check->type);
    size_t i = 0;
    while (i < sizeof types / sizeof *types && strcmp(types[i], type) != 0) {
        i++;
    }
    return i < sizeof types / sizeof *types;
}

static void refuse(struct assignment *assignment, uint32_t check, const struct report *report)
{
    const struct report_item *item = report_count(report) == 0 ? NULL : report_get(report, 0);
    const char *at = item == NULL || item->place.path == NULL ? "" : item->place.path;
    assignment->is_refused[check] = true;
    assignment->refused[assignment->refused_count++] = (struct fleet_untaken){
        .check = check,
        .why = arena_print(assignment->arena, "%.400s%s%.100s%s",
                           item == NULL ? "it is no check" : item->message, at[0] == '\0' ? "" : " (at ", at,
                           at[0] == '\0' ? "" : ")")};
}

bool assignment_add_check(struct assignment *assignment, const struct fleet_check *check,
                          char why[FLEET_WHY_SIZE])
{
    struct conf_given given[FLEET_FILES_MAX];
    size_t given_count = check->file_count < FLEET_FILES_MAX ? check->file_count : FLEET_FILES_MAX;
    if (check->index != assignment->checks->check_count || check->index >= ASSIGNMENT_CHECKS_MAX) {
        snprintf(why, FLEET_WHY_SIZE, "found the check %" PRIu32 ", expected %zu, and %d at most",
                 check->index, assignment->checks->check_count, ASSIGNMENT_CHECKS_MAX);
        return false;
    }
    for (size_t i = 0; i < given_count; i++) {
        given[i] = (struct conf_given){.path = check->files[i].path, .content = check->files[i].content};
    }
    struct report *report = report_new();
    bool good = conf_add_check(assignment->checks, check->definition, given, given_count, report);
    const struct conf_check *made = &assignment->checks->checks[check->index];
    if (good && !is_made_here(made)) {
        report_add(report, REPORT_ERROR, &(struct report_place){.path = "$.type"},
                   "checks of type \"%s\" are not made by vantages", conf_check_type_text(made->type));
        good = false;
    }
    if (!good) {
        refuse(assignment, check->index, report);
    }
    report_free(report);
    return true;
}

size_t assignment_count_checks(const struct assignment *assignment)
{
    return assignment->checks->check_count;
}

const struct fleet_untaken *assignment_refused(const struct assignment *assignment, size_t *count)
{
    *count = assignment->refused_count;
    return assignment->refused;
}

/* ---- targets ---- */

static void set_addresses(struct item *item, const struct addr *addresses, size_t count)
{
    item->address_count = (uint8_t)(count < FLEET_ADDRESSES_MAX ? count : FLEET_ADDRESSES_MAX);
    for (size_t i = 0; i < item->address_count; i++) {
        item->addresses[i] = addresses[i];
    }
}

bool assignment_add_targets(struct assignment *assignment, const struct fleet_target *targets, size_t count,
                            char why[FLEET_WHY_SIZE])
{
    if (count > assignment->room - assignment->count) {
        snprintf(why, FLEET_WHY_SIZE, "found more than the %zu that were announced", assignment->room);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct fleet_target *from = &targets[i];
        struct item *to = &assignment->items[assignment->count];
        if (from->check >= assignment->checks->check_count) {
            snprintf(why, FLEET_WHY_SIZE, "\"%.60s\" has the check %" PRIu32 ", of %zu", from->name,
                     from->check, assignment->checks->check_count);
            return false;
        }
        if (!from->in_turn && from->address_count != 1) {
            snprintf(why, FLEET_WHY_SIZE, "\"%.60s\" has %zu addresses, expected 1", from->name,
                     from->address_count);
            return false;
        }
        *to = (struct item){.identity = from->identity,
                            .name = arena_copy_text(assignment->arena, from->name),
                            .host = arena_copy_text(assignment->arena, from->host),
                            .check = from->check,
                            .in_turn = from->in_turn,
                            .idle = from->idle};
        set_addresses(to, from->addresses, from->address_count);
        assignment->count++;
    }
    return true;
}

static bool keep_one(struct assignment *assignment, const struct item *from, int32_t shift)
{
    int64_t check = (int64_t)from->check + shift;
    if (check < 0 || check >= (int64_t)assignment->checks->check_count) {
        return false;
    }
    struct item *to = &assignment->items[assignment->count++];
    *to = *from;
    to->check = (uint32_t)check;
    to->name = arena_copy_text(assignment->arena, from->name);
    to->host = arena_copy_text(assignment->arena, from->host);
    return true;
}

bool assignment_keep(struct assignment *assignment, const struct assignment *from,
                     const struct fleet_range *ranges, size_t count, char why[FLEET_WHY_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        const struct fleet_range *range = &ranges[i];
        if (range->from > from->count || range->count > from->count - range->from) {
            snprintf(why, FLEET_WHY_SIZE, "found %" PRIu32 " targets from %" PRIu32 " on, of %zu",
                     range->count, range->from, from->count);
            return false;
        }
        if (range->count > assignment->room - assignment->count) {
            snprintf(why, FLEET_WHY_SIZE, "found more than the %zu that were announced", assignment->room);
            return false;
        }
        for (size_t j = 0; j < range->count; j++) {
            if (!keep_one(assignment, &from->items[range->from + j], range->shift)) {
                snprintf(why, FLEET_WHY_SIZE,
                         "\"%.60s\" has a check %" PRId32 " behind that of before, of %zu",
                         from->items[range->from + j].name, range->shift, assignment->checks->check_count);
                return false;
            }
        }
    }
    return true;
}

static int compare(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->identity < b->identity ? -1 : a->identity > b->identity;
}

bool assignment_finish(struct assignment *assignment, char why[FLEET_WHY_SIZE])
{
    if (assignment->count != assignment->room) {
        snprintf(why, FLEET_WHY_SIZE, "found %zu targets, expected the %zu that were announced",
                 assignment->count, assignment->room);
        return false;
    }
    assignment->places = memory_alloc_array(assignment->count, sizeof *assignment->places);
    for (size_t i = 0; i < assignment->count; i++) {
        assignment->places[i] =
            (struct place){.identity = assignment->items[i].identity, .index = (uint32_t)i};
    }
    qsort(assignment->places, assignment->count, sizeof *assignment->places, compare);
    for (size_t i = 1; i < assignment->count; i++) {
        if (assignment->places[i].identity == assignment->places[i - 1].identity) {
            snprintf(why, FLEET_WHY_SIZE, "found two targets of the identity %016" PRIx64,
                     assignment->places[i].identity);
            return false;
        }
    }
    return true;
}

size_t assignment_count(const struct assignment *assignment)
{
    return assignment->count;
}

uint64_t assignment_generation(const struct assignment *assignment)
{
    return assignment->generation;
}

void assignment_rename(struct assignment *assignment, uint64_t generation)
{
    assignment->generation = generation;
}

void assignment_set_mark(struct assignment *assignment, uint64_t mark)
{
    assignment->mark = mark;
}

uint64_t assignment_mark(const struct assignment *assignment)
{
    return assignment->mark;
}

bool assignment_aim(struct assignment *assignment, const struct fleet_aim *aims, size_t count,
                    char why[FLEET_WHY_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        if (aims[i].index >= assignment->count || !assignment->items[aims[i].index].in_turn) {
            snprintf(why, FLEET_WHY_SIZE, "target %" PRIu32 " is not there, or not one of a host name",
                     aims[i].index);
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct item *item = &assignment->items[aims[i].index];
        item->idle = aims[i].idle;
        set_addresses(item, aims[i].addresses, aims[i].address_count);
    }
    return true;
}

/* ---- for those who work with it ---- */

static bool is_idle(const struct assignment *assignment, const struct item *item)
{
    return item->idle || assignment->is_refused[item->check];
}

struct probe_target assignment_describe(const struct assignment *assignment, size_t index,
                                        struct arena *arena)
{
    const struct item *item = &assignment->items[index];
    const struct conf_check *check = &assignment->checks->checks[item->check];
    if (assignment->is_refused[item->check]) { /* it holds its place */
        return (struct probe_target){.type = PROBE_TCP,
                                     .at = {.addr = {.family = ADDR_V4}, .port = 1},
                                     .interval_ms = HELD_INTERVAL_MS,
                                     .timeout_ms = HELD_INTERVAL_MS,
                                     .identity = item->identity,
                                     .idle = true};
    }
    struct probe_target target = fleet_describe_check(check, arena);
    target.identity = item->identity;
    target.idle = item->idle;
    target.host = target.host == NULL ? item->host : target.host;
    if (item->in_turn) {
        target.in_turn = true;
        target.subject = item->identity ^ assignment->salt; /* servers may know other addresses of a name */
        target.addresses = item->addresses;
        target.address_count = item->address_count;
    } else {
        target.at.addr = item->addresses[0];
    }
    return target;
}

void assignment_plan(const struct assignment *assignment, struct verdicts_plan *plans)
{
    for (size_t i = 0; i < assignment->count; i++) {
        const struct item *item = &assignment->items[i];
        const struct conf_check *check = &assignment->checks->checks[item->check];
        bool has_window = check->window.of != 0;
        plans[i] = (struct verdicts_plan){.identity = item->identity,
                                          .rise = check->rise,
                                          .fall = has_window ? check->window.fail : check->fall,
                                          .window = check->window.of,
                                          .idle = is_idle(assignment, item),
                                          .interval_ms = check->interval_ms,
                                          .recheck_ms = check->recheck_ms,
                                          .stale_ms = check->stale_ms};
    }
}

const char *assignment_name(const struct assignment *assignment, size_t index)
{
    return assignment->items[index].name;
}

ptrdiff_t assignment_find(const struct assignment *assignment, uint64_t identity)
{
    const struct place key = {.identity = identity};
    const struct place *found = bsearch(&key, assignment->places, assignment->count, sizeof key, compare);
    return found == NULL ? -1 : (ptrdiff_t)found->index;
}

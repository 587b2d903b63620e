/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See list.h. */
#include "config.h"

#include "fleet/list.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/memory.h"

#include <fnmatch.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct target {
    uint64_t identity, mark; /* mark: of all that is said of it, but for addresses in turn */
    const char *name, *host;
    struct addr *addresses; /* in turn: room for all that may come */
    uint64_t aimed;         /* the change that it has these by */
    uint32_t check, scope;
    uint8_t address_count;
    bool in_turn, idle;
};

struct scope {
    const char *const *names;
    size_t count;
};

struct fleet_list {
    _Atomic unsigned holders;
    uint64_t generation;
    struct arena *arena;
    struct target *targets;
    size_t count, capacity;
    struct fleet_check *checks;
    uint64_t *check_marks; /* 0: it does not fit */
    size_t check_count, check_capacity, mark_capacity;
    struct scope *scopes; /* the first: everybody */
    size_t scope_count, scope_capacity;
    uint32_t *hosts; /* targets in turn */
    size_t host_count, host_capacity;
    uint64_t aims; /* changes of addresses so far */
};

/* ---- made ---- */

struct fleet_list *fleet_list_new(uint64_t generation)
{
    struct fleet_list *list = memory_alloc(sizeof *list);
    atomic_init(&list->holders, 1);
    list->generation = generation;
    list->arena = arena_new(0);
    list->scopes = memory_grow(NULL, 0, &list->scope_capacity, sizeof *list->scopes);
    list->scopes[list->scope_count++] = (struct scope){.count = 0};
    return list;
}

struct fleet_list *fleet_list_hold(struct fleet_list *list)
{
    atomic_fetch_add_explicit(&list->holders, 1, memory_order_relaxed);
    return list;
}

void fleet_list_drop(struct fleet_list *list)
{
    if (list != NULL && atomic_fetch_sub_explicit(&list->holders, 1, memory_order_acq_rel) == 1) {
        free(list->targets);
        free(list->checks);
        free(list->check_marks);
        free(list->scopes);
        free(list->hosts);
        arena_free(list->arena);
        free(list);
    }
}

static bool is_same_scope(const struct scope *scope, const char *const *names, size_t count)
{
    size_t i = 0;
    while (i < count && scope->count == count && strcmp(scope->names[i], names[i]) == 0) {
        i++;
    }
    return scope->count == count && i == count;
}

uint32_t fleet_list_add_scope(struct fleet_list *list, const char *const *names, size_t count)
{
    for (size_t i = 0; i < list->scope_count; i++) {
        if (is_same_scope(&list->scopes[i], names, count)) {
            return (uint32_t)i;
        }
    }
    const char **copies = arena_alloc(list->arena, count * sizeof(const char *));
    for (size_t i = 0; i < count; i++) {
        copies[i] = arena_copy_text(list->arena, names[i]);
    }
    list->scopes = memory_grow(list->scopes, list->scope_count, &list->scope_capacity, sizeof *list->scopes);
    list->scopes[list->scope_count] = (struct scope){.names = copies, .count = count};
    return (uint32_t)list->scope_count++;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return text == NULL ? hash_bytes(hash, "\xff", 1) : hash_bytes(hash, text, strlen(text) + 1);
}

/* As the other side will. */
static bool can_be_read(const struct buffer *line)
{
    char why[FLEET_WHY_SIZE];
    struct fleet_message message;
    struct arena *arena = arena_new(0);
    bool can =
        line->len <= FLEET_LINE_MAX && fleet_read(line->bytes, line->len - 1, arena, &message, why) == 0;
    arena_free(arena);
    return can;
}

/* By the line itself: what does not fit is not sent. */
static uint64_t mark_check(const struct fleet_check *check)
{
    struct buffer line;
    struct fleet_message message = {.kind = FLEET_CHECK, .check = *check};
    message.check.index = FLEET_LIST_MAX; /* whichever it gets */
    buffer_init(&line);
    fleet_write(&message, &line);
    uint64_t mark = can_be_read(&line) ? hash_finish(hash_bytes(HASH_START, line.bytes, line.len)) | 1 : 0;
    buffer_fini(&line);
    return mark;
}

uint32_t fleet_list_add_check(struct fleet_list *list, const struct fleet_check *check)
{
    struct fleet_file *files = arena_alloc(list->arena, check->file_count * sizeof *files);
    for (size_t i = 0; i < check->file_count; i++) {
        files[i] = (struct fleet_file){.path = arena_copy_text(list->arena, check->files[i].path),
                                       .content = arena_copy_text(list->arena, check->files[i].content)};
    }
    list->checks = memory_grow(list->checks, list->check_count, &list->check_capacity, sizeof *list->checks);
    list->check_marks =
        memory_grow(list->check_marks, list->check_count, &list->mark_capacity, sizeof *list->check_marks);
    struct fleet_check *to = &list->checks[list->check_count];
    *to = (struct fleet_check){.definition = arena_copy_text(list->arena, check->definition),
                               .files = files,
                               .file_count = check->file_count};
    list->check_marks[list->check_count] = mark_check(to);
    return (uint32_t)list->check_count++;
}

static uint64_t mark_target(const struct fleet_list *list, const struct target *target)
{
    uint64_t hash = hash_bytes(HASH_START, &target->identity, sizeof target->identity);
    hash = hash_bytes(hash, &list->check_marks[target->check], sizeof *list->check_marks);
    hash = hash_text(hash_text(hash, target->name), target->host);
    hash = hash_bytes(hash, &target->in_turn, sizeof target->in_turn);
    if (!target->in_turn) {
        hash = hash_bytes(hash, target->addresses, target->address_count * sizeof *target->addresses);
        hash = hash_bytes(hash, &target->idle, sizeof target->idle);
    }
    return hash_finish(hash);
}

void fleet_list_add_target(struct fleet_list *list, const struct fleet_target *from, uint32_t scope)
{
    list->targets = memory_grow(list->targets, list->count, &list->capacity, sizeof *list->targets);
    struct target *to = &list->targets[list->count];
    size_t count = from->address_count < FLEET_ADDRESSES_MAX ? from->address_count : FLEET_ADDRESSES_MAX;
    size_t room = from->in_turn ? FLEET_ADDRESSES_MAX : count;
    *to = (struct target){.identity = from->identity,
                          .name = arena_copy_text(list->arena, from->name),
                          .host = arena_copy_text(list->arena, from->host),
                          .addresses = arena_alloc(list->arena, room * sizeof *to->addresses),
                          .address_count = (uint8_t)count,
                          .check = from->check,
                          .scope = scope,
                          .in_turn = from->in_turn,
                          .idle = from->idle};
    for (size_t i = 0; i < count; i++) {
        to->addresses[i] = from->addresses[i];
    }
    to->mark = mark_target(list, to);
    if (to->in_turn) {
        list->hosts = memory_grow(list->hosts, list->host_count, &list->host_capacity, sizeof *list->hosts);
        list->hosts[list->host_count++] = (uint32_t)list->count;
    }
    list->count++;
}

bool fleet_list_has_room(const struct fleet_list *list, uint32_t check)
{
    return list->check_marks[check] != 0;
}

uint64_t fleet_list_generation(const struct fleet_list *list)
{
    return list->generation;
}

uint64_t fleet_list_identity(const struct fleet_list *list, size_t target)
{
    return list->targets[target].identity;
}

void fleet_list_aim(struct fleet_list *list, const struct fleet_aim *aims, size_t count)
{
    list->aims++;
    for (size_t i = 0; i < count; i++) {
        struct target *target = aims[i].index < list->count ? &list->targets[aims[i].index] : NULL;
        if (target != NULL && target->in_turn) {
            size_t n =
                aims[i].address_count < FLEET_ADDRESSES_MAX ? aims[i].address_count : FLEET_ADDRESSES_MAX;
            memcpy(target->addresses, aims[i].addresses, n * sizeof *target->addresses);
            target->address_count = (uint8_t)n;
            target->idle = aims[i].idle;
            target->aimed = list->aims;
        }
    }
}

struct place {
    uint64_t identity;
    uint32_t index;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->identity < b->identity ? -1 : a->identity > b->identity;
}

/* Both may be long: what is new is sorted, and looked for by each of the older ones. */
void fleet_list_aim_older(struct fleet_list *older, const struct fleet_list *list,
                          const struct fleet_aim *aims, size_t count)
{
    struct place *places = memory_alloc_array(count, sizeof *places);
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (aims[i].index < list->count) {
            places[known++] = (struct place){list->targets[aims[i].index].identity, (uint32_t)i};
        }
    }
    qsort(places, known, sizeof *places, compare_places);
    for (size_t j = 0; j < older->host_count; j++) {
        const struct place key = {.identity = older->targets[older->hosts[j]].identity};
        const struct place *found = bsearch(&key, places, known, sizeof key, compare_places);
        if (found != NULL) {
            struct fleet_aim aim = aims[found->index];
            aim.index = older->hosts[j];
            fleet_list_aim(older, &aim, 1);
        }
    }
    free(places);
}

/* ---- shared ---- */

static bool is_in(const struct scope *scope, const char *name)
{
    for (size_t i = 0; i < scope->count; i++) {
        if (fnmatch(scope->names[i], name, 0) == 0) {
            return true;
        }
    }
    return scope->count == 0;
}

static void add_check_of(struct fleet_share *share, uint32_t check)
{
    if (share->checks[check] == FLEET_NO_CHECK) {
        share->order[share->check_count] = check;
        share->checks[check] = (uint32_t)share->check_count++;
    }
}

struct fleet_share *fleet_share_new(struct fleet_list *list, const char *name)
{
    struct fleet_share *share = memory_alloc(sizeof *share);
    bool *scopes = memory_alloc_array(list->scope_count, sizeof *scopes);
    share->list = fleet_list_hold(list);
    share->checks = memory_alloc_array(list->check_count, sizeof *share->checks);
    share->order = memory_alloc_array(list->check_count, sizeof *share->order);
    share->targets = memory_alloc_array(list->count, sizeof *share->targets);
    memset(share->checks, 0xff, list->check_count * sizeof *share->checks);
    for (size_t i = 0; i < list->scope_count; i++) {
        scopes[i] = is_in(&list->scopes[i], name);
    }
    share->mark = HASH_START;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct target *target = &list->targets[i];
        if (scopes[target->scope] && list->check_marks[target->check] != 0) {
            add_check_of(share, target->check);
            share->targets[share->count++] = i;
            share->mark = hash_bytes(share->mark, &target->mark, sizeof target->mark);
        }
    }
    share->aimed = list->aims;
    if (share->count == list->count) {
        free(share->targets);
        share->targets = NULL;
    }
    free(scopes);
    return share;
}

void fleet_share_free(struct fleet_share *share)
{
    if (share != NULL) {
        fleet_list_drop(share->list);
        free(share->targets);
        free(share->checks);
        free(share->order);
        free(share->kept);
        free(share);
    }
}

static uint32_t target_of(const struct fleet_share *share, size_t index)
{
    return share->targets == NULL ? (uint32_t)index : share->targets[index];
}

/* ---- what differs ---- */

/* Lists mostly keep their order, so what is looked for is the next one; else there is an index of them. */
struct finder {
    const struct fleet_share *share;
    struct place *places; /* sorted; NULL: nobody needed it yet */
    uint32_t next;
};

static const struct target *target_at(const struct fleet_share *share, size_t index)
{
    return &share->list->targets[target_of(share, index)];
}

static struct place *sort_places(const struct fleet_share *share)
{
    struct place *places = memory_alloc_array(share->count, sizeof *places);
    for (size_t i = 0; i < share->count; i++) {
        places[i] = (struct place){target_at(share, i)->identity, (uint32_t)i};
    }
    qsort(places, share->count, sizeof *places, compare_places);
    return places;
}

static bool find_place(struct finder *finder, uint64_t identity, uint32_t *index)
{
    const struct fleet_share *share = finder->share;
    const struct place key = {.identity = identity}, *found;
    if (finder->next < share->count && target_at(share, finder->next)->identity == identity) {
        *index = finder->next++;
        return true;
    }
    finder->places = finder->places == NULL ? sort_places(share) : finder->places;
    found = bsearch(&key, finder->places, share->count, sizeof key, compare_places);
    *index = found == NULL ? 0 : found->index;
    finder->next = found == NULL ? finder->next : found->index + 1;
    return found != NULL;
}

/* Addresses of one in turn are what was told of it, if there is nothing more to tell. */
static bool has_told(const struct fleet_share *share, const struct target *was, const struct target *is)
{
    return was->aimed <= share->aimed && was->idle == is->idle && was->address_count == is->address_count &&
           (is->address_count == 0 ||
            memcmp(was->addresses, is->addresses, is->address_count * sizeof *is->addresses) == 0);
}

static void keep(struct fleet_share *share, uint32_t index, uint32_t from, int32_t shift)
{
    struct fleet_kept *last = share->kept_count == 0 ? NULL : &share->kept[share->kept_count - 1];
    if (last != NULL && last->first + last->range.count == index &&
        last->range.from + last->range.count == from && last->range.shift == shift) {
        last->range.count++;
        return;
    }
    share->kept = memory_grow(share->kept, share->kept_count, &share->kept_room, sizeof *share->kept);
    share->kept[share->kept_count++] = (struct fleet_kept){index, {from, 1, shift}};
}

void fleet_share_change(struct fleet_share *share, const struct fleet_share *before)
{
    struct finder finder = {.share = before};
    share->is_change = true;
    share->before = before->list->generation;
    for (uint32_t i = 0; i < share->count && before->count != 0; i++) {
        const struct target *is = target_at(share, i), *was;
        uint32_t from;
        if (!find_place(&finder, is->identity, &from)) {
            continue;
        }
        was = target_at(before, from);
        if (was->mark == is->mark && (!is->in_turn || has_told(before, was, is))) {
            keep(share, i, from, (int32_t)share->checks[is->check] - (int32_t)before->checks[was->check]);
        }
    }
    free(finder.places);
}

static bool keeps_next(const struct fleet_share *share)
{
    return share->next_kept < share->kept_count && share->kept[share->next_kept].first == share->next_target;
}

/* ---- line by line ---- */

static void write_begin(struct fleet_share *share, struct buffer *line)
{
    struct fleet_message message = {.kind = FLEET_LIST,
                                    .list = {share->list->generation, (uint32_t)share->count}};
    if (share->is_change) {
        message.kind = FLEET_CHANGE;
        message.change.generation = share->list->generation;
        message.change.from = share->before;
        message.change.count = (uint32_t)share->count;
    }
    share->has_begun = true;
    fleet_write(&message, line);
}

static void write_check(struct fleet_share *share, struct buffer *line)
{
    const struct fleet_check *check = &share->list->checks[share->order[share->next_check]];
    struct fleet_message message = {.kind = FLEET_CHECK, .check = *check};
    message.check.index = (uint32_t)share->next_check++;
    fleet_write(&message, line);
}

static struct fleet_target describe(const struct fleet_share *share, size_t index)
{
    const struct target *target = target_at(share, index);
    return (struct fleet_target){.identity = target->identity,
                                 .check = share->checks[target->check],
                                 .name = target->name,
                                 .host = target->host,
                                 .in_turn = target->in_turn,
                                 .idle = target->idle,
                                 .addresses = target->addresses,
                                 .address_count = target->address_count};
}

/* As many as go into a line by their number and their texts. */
static void write_targets(struct fleet_share *share, struct buffer *line)
{
    enum { ROOM = FLEET_LINE_MAX / 2, ABOUT = 160 + FLEET_ADDRESSES_MAX * ADDR_TEXT_SIZE };
    struct fleet_target *items = memory_alloc_array(FLEET_TARGETS_MAX, sizeof *items);
    size_t count = 0, about = 0;
    while (share->next_target < share->count && !keeps_next(share) && count < FLEET_TARGETS_MAX &&
           about < ROOM) {
        struct fleet_target *item = &items[count++];
        *item = describe(share, share->next_target++);
        about += ABOUT + strlen(item->name) + (item->host == NULL ? 0 : strlen(item->host));
    }
    fleet_write(&(struct fleet_message){.kind = FLEET_TARGETS, .targets = {items, count}}, line);
    free(items);
}

static void write_kept(struct fleet_share *share, struct buffer *line)
{
    struct fleet_range *items = memory_alloc_array(FLEET_RANGES_MAX, sizeof *items);
    size_t count = 0;
    for (; keeps_next(share) && count < FLEET_RANGES_MAX; share->next_kept++) {
        items[count] = share->kept[share->next_kept].range;
        share->next_target += items[count++].count;
    }
    fleet_write(&(struct fleet_message){.kind = FLEET_KEEP, .keep = {items, count}}, line);
    free(items);
}

bool fleet_share_next(struct fleet_share *share, struct buffer *line)
{
    if (share->has_ended) {
        return false;
    }
    if (!share->has_begun) {
        write_begin(share, line);
    } else if (share->next_check < share->check_count) {
        write_check(share, line);
    } else if (keeps_next(share)) {
        write_kept(share, line);
    } else if (share->next_target < share->count) {
        write_targets(share, line);
    } else {
        share->has_ended = true;
        fleet_write(&(struct fleet_message){.kind = FLEET_LISTED, .generation = share->list->generation},
                    line);
    }
    return true;
}

void fleet_share_skip(struct fleet_share *share)
{
    share->has_begun = share->has_ended = true;
    share->aimed = 0;
    for (size_t i = 0; i < share->list->host_count; i++) {
        struct target *target = &share->list->targets[share->list->hosts[i]];
        target->aimed = target->aimed == 0 ? 1 : target->aimed;
    }
    share->list->aims = share->list->aims == 0 ? 1 : share->list->aims;
}

/* Of a target of the list. */
static bool find_index(const struct fleet_share *share, uint32_t target, uint32_t *index)
{
    size_t low = 0, high = share->count;
    if (share->targets == NULL) {
        *index = target;
        return true;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (share->targets[middle] < target) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *index = (uint32_t)low;
    return low < share->count && share->targets[low] == target;
}

/* One walk over those in turn per change; what changes amid it is sent by the next one. */
bool fleet_share_next_aim(struct fleet_share *share, struct buffer *line)
{
    const struct fleet_list *list = share->list;
    struct fleet_aim items[100];
    size_t count = 0;
    if (!share->has_ended || share->aimed == list->aims) {
        return false;
    }
    share->aim_goal = share->next_host == 0 ? list->aims : share->aim_goal;
    for (; share->next_host < list->host_count && count < sizeof items / sizeof *items; share->next_host++) {
        const struct target *target = &list->targets[list->hosts[share->next_host]];
        uint32_t index;
        if (target->aimed > share->aimed && find_index(share, list->hosts[share->next_host], &index)) {
            items[count++] = (struct fleet_aim){.index = index,
                                                .idle = target->idle,
                                                .addresses = target->addresses,
                                                .address_count = target->address_count};
        }
    }
    if (share->next_host == list->host_count) {
        share->next_host = 0;
        share->aimed = share->aim_goal;
    }
    if (count != 0) {
        fleet_write(&(struct fleet_message){.kind = FLEET_AIM, .aim = {list->generation, items, count}},
                    line);
    }
    return count != 0;
}

bool fleet_share_find(const struct fleet_share *share, uint32_t index, uint32_t *target)
{
    if (index >= share->count) {
        return false;
    }
    *target = target_of(share, index);
    return true;
}

bool fleet_share_find_identity(const struct fleet_share *share, uint64_t identity, uint32_t *index)
{
    for (size_t i = 0; i < share->count; i++) {
        if (share->list->targets[target_of(share, i)].identity == identity) {
            *index = (uint32_t)i;
            return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The memory of a choice, and what makes two of them equal. Called by whoever keeps choices: caches, drills,
 * explain. */
#include "config.h"

#include "steer/steer.h"

#include "base/sanitizer.h"

#include <string.h>

static size_t round_up(size_t size)
{
    return (size + 7u) & ~(size_t)7;
}

static size_t max(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t count_accepted(const struct steer_choice *choice)
{
    size_t count = 0;
    for (size_t i = 0; i < choice->part_count; i++) {
        const struct steer_part *part = &choice->parts[i];
        bool has = part->group != NULL && part->group->table != NULL;
        count = has ? part->listed + part->group->count : count;
    }
    return count;
}

static bool notes_outages(const struct steer_choice *choice)
{
    bool notes = false;
    for (size_t i = 0; i < choice->part_count; i++) {
        notes |= choice->parts[i].holds;
    }
    return notes;
}

/* The choice may be that tier alone. */
static void widen_for(struct steer_room *room, const struct steer_tier *tier)
{
    if (tier != NULL) {
        size_t groups = tier->groups == NULL ? 1 : tier->group_count;
        room->members = max(room->members, tier->count);
        room->parts = max(room->parts, groups);
    }
}

/* All tiers may be in a choice at once; a fallback may offer every member of the policy. */
struct steer_room steer_find_room(const struct steer_policy *policy, uint16_t class_id)
{
    const struct steer_class *class = &policy->classes[class_id];
    struct steer_room room = {.members = 0};
    for (size_t t = 0; t < class->tier_count; t++) {
        room.members += class->tiers[t].count;
        room.parts += class->tiers[t].groups == NULL ? 1 : class->tiers[t].group_count;
    }
    widen_for(&room, class->pool);
    widen_for(&room, class->rest);
    room.members = max(room.members, class->offered_count);
    room.accepted = policy->pick == STEER_PICK_STICKY ? room.members : 0;
    room.outages = policy->sticky.hold_ms > 0 ? room.accepted : 0;
    room.parts = max(room.parts, 1);
    return room;
}

void steer_widen_room(struct steer_room *room, const struct steer_policy *policy)
{
    for (uint16_t class_id = 0; class_id < policy->class_count; class_id++) {
        struct steer_room own = steer_find_room(policy, class_id);
        *room = (struct steer_room){.members = max(room->members, own.members),
                                    .parts = max(room->parts, own.parts),
                                    .accepted = max(room->accepted, own.accepted),
                                    .outages = max(room->outages, own.outages)};
    }
}

/* Where the arrays of a choice begin in its memory, and where it ends. In builds with AddressSanitizer there
 * is a red zone behind each of them. */
struct layout {
    size_t weights, members, accepted, outages, size;
};

static struct layout lay_out(struct steer_room room)
{
    struct layout at;
    at.weights = round_up(room.parts * sizeof(struct steer_part)) + SANITIZER_RED_ZONE;
    at.members = at.weights + round_up(room.members * sizeof(uint32_t)) + SANITIZER_RED_ZONE;
    at.accepted = at.members + round_up(room.members * sizeof(uint16_t)) + SANITIZER_RED_ZONE;
    at.outages = at.accepted + round_up(room.accepted * sizeof(uint32_t)) + SANITIZER_RED_ZONE;
    at.size = at.outages + room.outages * sizeof(struct steer_outage) + SANITIZER_RED_ZONE;
    return at;
}

size_t steer_room_size(struct steer_room room)
{
    return lay_out(room).size;
}

void steer_choice_init(struct steer_choice *choice, struct steer_room room, void *memory)
{
    struct layout at = lay_out(room);
    uint8_t *bytes = memory;
    *choice = (struct steer_choice){.generation = 0};
    choice->parts = memory;
    choice->weights = (uint32_t *)(void *)(bytes + at.weights);
    choice->members = (uint16_t *)(void *)(bytes + at.members);
    choice->accepted = (uint32_t *)(void *)(bytes + at.accepted);
    choice->outages_at = (uint32_t)((at.outages - at.accepted) / sizeof *choice->accepted);
    sanitizer_poison(bytes, at.size);
    sanitizer_unpoison(choice->parts, room.parts * sizeof *choice->parts);
    sanitizer_unpoison(choice->weights, room.members * sizeof *choice->weights);
    sanitizer_unpoison(choice->members, room.members * sizeof *choice->members);
    sanitizer_unpoison(choice->accepted, room.accepted * sizeof *choice->accepted);
    sanitizer_unpoison(steer_get_outages(choice), room.outages * sizeof(struct steer_outage));
}

struct steer_room steer_choice_room(const struct steer_choice *choice)
{
    size_t accepted = count_accepted(choice);
    return (struct steer_room){.members = choice->count,
                               .parts = max(choice->part_count, 1),
                               .accepted = accepted,
                               .outages = notes_outages(choice) ? accepted : 0};
}

void steer_choice_copy(struct steer_choice *to, const struct steer_choice *from)
{
    struct steer_choice copy = *from;
    copy.parts = to->parts;
    copy.weights = to->weights;
    copy.members = to->members;
    copy.accepted = to->accepted;
    copy.outages_at = to->outages_at;
    memcpy(to->parts, from->parts, from->part_count * sizeof *to->parts);
    memcpy(to->weights, from->weights, from->count * sizeof *to->weights);
    memcpy(to->members, from->members, from->count * sizeof *to->members);
    memcpy(to->accepted, from->accepted, count_accepted(from) * sizeof *to->accepted);
    if (notes_outages(from)) {
        memcpy(steer_get_outages(to), steer_get_outages(from),
               count_accepted(from) * sizeof(struct steer_outage));
    }
    *to = copy;
}

static bool parts_equal(const struct steer_choice *a, const struct steer_choice *b)
{
    for (size_t i = 0; i < a->part_count; i++) {
        const struct steer_part *one = &a->parts[i], *other = &b->parts[i];
        if (one->tier != other->tier || one->until != other->until || one->count != other->count) {
            return false;
        }
    }
    return true;
}

bool steer_choice_equal(const struct steer_choice *a, const struct steer_choice *b)
{
    return a->source == b->source && (!steer_source_has_tier(a->source) || a->tier == b->tier) &&
           a->part_count == b->part_count && a->count == b->count && parts_equal(a, b) &&
           memcmp(a->members, b->members, a->count * sizeof *a->members) == 0 &&
           memcmp(a->weights, b->weights, a->count * sizeof *a->weights) == 0;
}

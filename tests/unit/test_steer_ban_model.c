/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of steer: what must be true of answers that rules forbid to move, whatever happens in which order:
 * endpoints and regions that fall and come back, rules that begin and end, releases, orders, reloads, copies.
 * Each is looked at by itself, from what was answered before and what a machine without rules would answer:
 * nobody leaves where it is for where that is forbidden because something fell; who is held is so by a rule
 * that is in force; nobody is held where it was not. */
#include "config.h"

#include "guard_world.h"

#include "base/buffer.h"
#include "base/random.h"
#include "health/record.h"

#include <stdlib.h>
#include <string.h>

enum { NAMES = 12, STEPS = 300, RUNS = 120, TEXT = 64 };

enum event { FALLS, COMES_BACK, FORBIDS, ALLOWS, RELEASES, ORDERS, RELOADS, COPIES, RESTARTS, EVENTS };

/* What a name answered. */
struct seen {
    char text[TEXT];
    enum steer_source source;
    enum steer_hold hold;
    uint16_t held_tier;
    int tier;         /* of the first part; -1: none */
    bool is_one_tier; /* all of it is that tier's */
    unsigned regions; /* a bit each */
};

struct scene {
    struct random random;
    struct health *health;
    struct name *names[NAMES];
    struct seen before[NAMES];
    bool forbade[REGIONS][REGIONS + 1]; /* before the event; [REGIONS]: anywhere */
    enum event event;
    uint64_t seed;
    unsigned variant;
};

static uint32_t draw(struct scene *s, uint32_t below)
{
    return (uint32_t)random_below(&s->random, below);
}

/* Tiers of one or two endpoints, each in a region of its own. */
static struct name *make_name(struct scene *s)
{
    char text[TEXT];
    uint32_t order[REGIONS] = {US, EU, AP, SA}, count = 1 + draw(s, REGIONS), len = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = i + draw(s, REGIONS - i), region = order[other], which = draw(s, 3);
        order[other] = order[i];
        if (i != 0) {
            text[len++] = ',';
        }
        if (which != 1) {
            text[len++] = (char)('a' + 2 * region);
        }
        if (which != 0) {
            text[len++] = (char)('b' + 2 * region);
        }
    }
    text[len] = '\0';
    struct name *name = guard_name(text);
    static const enum steer_fallback fallbacks[] = {STEER_FALLBACK_FIRST, STEER_FALLBACK_NODATA,
                                                    STEER_FALLBACK_ALL};
    name->policy.fallback = fallbacks[draw(s, 3)];
    name->policy.falls_back = draw(s, 3) == 0;
    return name;
}

static struct seen look(struct name *name, const struct health *health)
{
    struct seen seen = {.tier = -1, .is_one_tier = true};
    strcpy(seen.text, guard_answer(name, health));
    const struct steer_choice *choice = &name->choice;
    seen.source = choice->source;
    seen.hold = choice->hold;
    seen.held_tier = choice->held_tier;
    for (size_t i = 0; i < choice->part_count; i++) {
        const struct steer_part *part = &choice->parts[i];
        if (steer_source_has_tier(choice->source)) {
            seen.tier = i == 0 ? part->tier : seen.tier;
            seen.is_one_tier &= part->tier == seen.tier;
        }
        for (size_t j = 0; j < part->count; j++) {
            seen.regions |= 1u << choice->members[part->first + j] / 2;
        }
    }
    return seen;
}

static struct seen look_free(struct name *name, const struct health *health)
{
    struct health_table *copy = health_copy_words(health_get_table(health));
    copy->bans = NULL;
    guard_ask(name, copy);
    struct steer_choice choice = name->choice;
    struct seen seen = {.source = choice.source, .tier = -1};
    for (uint32_t i = 0; i < choice.count; i++) {
        seen.regions |= 1u << choice.members[i] / 2;
    }
    free(copy);
    return seen;
}

static bool forbids(const struct health *health, uint32_t from, uint32_t to)
{
    bool any = false;
    for (size_t rule = 0; rule <= RULES; rule++) {
        any |= health_guard_forbids(health, rule, from, to == REGIONS ? HEALTH_ANYWHERE : to);
    }
    return any;
}

/* ---- what happens ---- */

static void reload(struct scene *s, bool as_copy)
{
    struct health *next = as_copy ? health_new_like(s->health) : guard_machine_of(s->variant);
    health_carry(next, s->health, guard_wall);
    health_free(s->health);
    s->health = next;
}

/* Orders are kept elsewhere. */
static void keep_orders(const struct health *from, struct health *to)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health_count(from, kind); i++) {
            struct health_status status;
            const struct health_override *override = health_get_override(from, kind, i);
            assert_int_equal(health_get_status(from, kind, i, &status), 0);
            if (override != NULL) {
                assert_int_equal(health_restore_override(to, kind, status.name, override, false, guard_wall),
                                 0);
            }
        }
    }
}

/* Written down, with what changed while it was, and read by the next process. */
static void restart(struct scene *s)
{
    struct health_sizes sizes = health_get_sizes(s->health);
    struct health_writer *writer = health_writer_new(&sizes);
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    struct buffer stream;
    size_t at = 0;
    buffer_init(&stream);
    health_writer_begin(writer, s->health);
    while (health_writer_step(writer, 1 + draw(s, 20), &stream)) {
    }
    guard_heal(s->health, 0);
    guard_lose(s->health, 0);
    guard_forbid(s->health, FREEZE, US, HEALTH_ANYWHERE,
                 !health_guard_forbids(s->health, FREEZE, US, HEALTH_ANYWHERE));
    for (size_t i = 0; i < NAMES; i++) {
        s->before[i] = look(s->names[i], s->health);
    }
    while (health_writer_catch_up(writer, 1 + draw(s, 5), &stream) != 0) {
    }
    health_writer_end(writer);
    health_writer_free(writer);
    while (health_record_next((const uint8_t *)stream.bytes, stream.len, &at, &record) == 0) {
        assert_int_equal(health_reader_take(reader, &record), 0);
    }
    struct health *read = health_reader_finish(reader, &(struct health_reading){.wall_ms = guard_wall}),
                  *next = guard_machine_of(s->variant);
    assert_non_null(read);
    if (draw(s, 2) == 0) {
        health_carry(next, read, guard_wall);
        keep_orders(s->health, next);
        health_reader_put_right(reader, next);
    } else { /* a takeover */
        keep_orders(s->health, next);
        health_adopt(next, read, guard_wall);
    }
    health_reader_free(reader);
    health_free(read);
    health_free(s->health);
    s->health = next;
    buffer_fini(&stream);
}

static void happen(struct scene *s)
{
    uint32_t endpoint = draw(s, ENDPOINTS), from = draw(s, REGIONS), to = draw(s, REGIONS);
    uint32_t rule = 1 + draw(s, RULES - 1);
    static const uint8_t chances[EVENTS] = {30, 22, 13, 12, 5, 8, 4, 3, 3};
    uint32_t luck = draw(s, 100), event = 0;
    for (; luck >= chances[event]; event++) {
        luck -= chances[event];
    }
    s->event = (enum event)event;
    switch (s->event) {
    case FALLS: guard_lose(s->health, endpoint); break;
    case COMES_BACK: guard_heal(s->health, endpoint); break;
    case FORBIDS:
    case ALLOWS:
        guard_forbid(s->health, rule, from, to == from ? HEALTH_ANYWHERE : to, s->event == FORBIDS);
        break;
    case RELEASES:
        (void)health_release_hold(s->health, from, draw(s, (uint32_t)health_count_guards(s->health)),
                                  guard_wall);
        break;
    case ORDERS:
        if (draw(s, 2) == 0) {
            guard_order(s->health, HEALTH_REGION, from, draw(s, 3) == 0 ? HEALTH_DESIRED_DRAIN : 0);
        } else {
            guard_order(s->health, HEALTH_ENDPOINT, endpoint, draw(s, 3) == 0 ? HEALTH_DESIRED_DOWN : 0);
        }
        break;
    case RELOADS: reload(s, false); break;
    case COPIES: reload(s, true); break;
    case RESTARTS: restart(s); break;
    case EVENTS: break;
    }
}

/* ---- what must be true ---- */

static uint32_t region_of(const struct name *name, int tier)
{
    return name->tiers[tier].members[0] / 2u;
}

static void nobody_leaves(const struct scene *s, size_t i, const struct seen *now)
{
    const struct seen *before = &s->before[i];
    if (s->event != FALLS || before->hold == STEER_HOLDS_ELSEWHERE || before->tier < 0 ||
        !before->is_one_tier || (before->source != STEER_FROM_TIER && before->source != STEER_FROM_HELD)) {
        return;
    }
    uint32_t from = region_of(s->names[i], before->tier);
    for (int tier = 0; tier < before->tier; tier++) {
        uint32_t earlier = region_of(s->names[i], tier);
        if (forbids(s->health, earlier, from) || forbids(s->health, earlier, REGIONS)) {
            return; /* by which way it came here is not known any more */
        }
    }
    for (uint32_t to = 0; to < REGIONS; to++) {
        bool goes = to != from && (now->regions >> to & 1) != 0;
        bool was = s->forbade[from][to] || s->forbade[from][REGIONS];
        bool is = (to != from && forbids(s->health, from, to)) || forbids(s->health, from, REGIONS);
        bool is_nowhere = now->source == STEER_FROM_SICK && before->source == STEER_FROM_HELD;
        if (goes && was && is && !is_nowhere) { /* else nobody serves, and it began after the fall */
            fail_msg("seed %lu: name %zu leaves %u for %u, which is forbidden: \"%s\" to \"%s\"",
                     (unsigned long)s->seed, i, from, to, before->text, now->text);
        }
    }
}

static void who_is_held_is_so_by_a_rule(const struct scene *s, size_t i, const struct seen *now)
{
    struct seen free = look_free(s->names[i], s->health);
    if (now->hold == STEER_HOLDS_NOTHING) {
        assert_int_equal(now->source, free.source);
        assert_int_equal(now->regions, free.regions);
        return;
    }
    uint32_t from = region_of(s->names[i], now->held_tier);
    bool any = forbids(s->health, from, REGIONS);
    for (uint32_t to = 0; to < REGIONS; to++) {
        any |= to != from && (free.regions >> to & 1) != 0 && forbids(s->health, from, to);
    }
    if (!any) {
        fail_msg("seed %lu: name %zu is held by nothing: \"%s\"", (unsigned long)s->seed, i, now->text);
    }
}

static void nobody_comes_back(const struct scene *s, size_t i, const struct seen *now)
{
    const struct seen *before = &s->before[i];
    bool is_back = now->hold == STEER_HOLDS || now->hold == STEER_HOLDS_BACK;
    bool was_somewhere = before->source == STEER_FROM_TIER || before->source == STEER_FROM_HELD;
    if (is_back && was_somewhere && before->tier >= 0 && before->tier != now->held_tier &&
        !(before->hold == now->hold && before->held_tier == now->held_tier)) {
        fail_msg("seed %lu: name %zu is held where it was not: \"%s\" to \"%s\"", (unsigned long)s->seed, i,
                 before->text, now->text);
    }
}

static void check(struct scene *s)
{
    for (size_t i = 0; i < NAMES; i++) {
        struct seen now = look(s->names[i], s->health);
        nobody_leaves(s, i, &now);
        nobody_comes_back(s, i, &now);
        if (s->event >= RELOADS) {
            assert_string_equal(now.text, s->before[i].text);
        }
        who_is_held_is_so_by_a_rule(s, i, &now);
        s->before[i] = now;
    }
}

/* Who waits has waited. */
static void let_pass(struct scene *s)
{
    guard_wall += WAIT_MS;
    health_follow_guards(s->health, guard_wall);
    for (size_t i = 0; i < NAMES; i++) {
        s->before[i] = look(s->names[i], s->health);
    }
}

static void run(uint64_t seed, unsigned variant)
{
    struct scene s = {.health = guard_machine_of(variant), .seed = seed, .variant = variant};
    random_init(&s.random, seed);
    for (size_t i = 0; i < NAMES; i++) {
        s.names[i] = make_name(&s);
        s.before[i] = look(s.names[i], s.health);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        if ((variant & GUARD_WAITS) != 0 && draw(&s, 5) == 0) {
            let_pass(&s);
        }
        for (uint32_t from = 0; from < REGIONS; from++) {
            for (uint32_t to = 0; to <= REGIONS; to++) {
                s.forbade[from][to] = to != from && forbids(s.health, from, to);
            }
        }
        happen(&s);
        check(&s);
    }
    for (size_t i = 0; i < NAMES; i++) {
        guard_name_free(s.names[i]);
    }
    health_free(s.health);
}

/* And what failed once. For more: STEERD_MODEL_SEEDS="FIRST COUNT". */
static void whatever_happens(void **state)
{
    (void)state;
    static const uint64_t found[] = {285, 2298, 6449};
    const char *seeds = getenv("STEERD_MODEL_SEEDS");
    char *rest = NULL;
    uint64_t first = seeds == NULL ? 0 : strtoull(seeds, &rest, 10),
             count = seeds == NULL ? RUNS : strtoull(rest, NULL, 10);
    for (uint64_t seed = first; seed < first + count; seed++) {
        run(seed, (unsigned)(seed % GUARD_VARIANTS));
    }
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        run(found[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whatever_happens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which answers a loss changes, when, and where their traffic goes. Work is per distinct (policy, class,
 * type) and change of health; only the rows of the report are per name. */
#include "config.h"

#include "drill/answers.h"

#include "base/memory.h"
#include "conf/value.h"
#include "dns/types.h"
#include "operate/choice.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    const struct steer_policy *policy;
    uint16_t class_id;
    uint16_t types; /* one bit */
    const char *type;
    struct steer_choice before, now, after; /* after: at the last mark where it was another one */
    int64_t decided_ms, interval_ms; /* of the last change in a loss, and of the check that brought it */
    int64_t detected_ms;             /* likewise; -1: it was no check */
    struct drill_step *steps;
    size_t step_count, step_capacity;
    uint32_t course;
    bool unserved, held;   /* at any mark */
    double to_lost;        /* likewise, the largest */
    size_t row_count;      /* names that share it */
    struct drill_name row; /* what they have in common at the end */
    uint32_t *regions;     /* of row.shares */
    uint32_t pair_rto_ms;  /* of the pairs of regions by which it moves, the least; 0: there is none */
    const char *pair;
};

struct drill_answers {
    const struct view *view;
    const struct health_table *table;
    struct progress *progress;
    struct slot *slots; /* of each policy: class by class, type by type */
    size_t slot_count;
    size_t *first_slot; /* by policy */
    struct steer_choice scratch;
    double *odds;
    const struct view_name **guarded; /* they must not move */
    size_t guarded_count;
    struct drill_weights weights;
    double *sums; /* by region, the last one for nowhere: before, after, and both of all names */
    struct arena *arena;
    struct arena *report_arena;
};

/* ---- following ---- */

static struct steer_choice new_choice(struct arena *arena, struct steer_room room)
{
    struct steer_choice choice;
    steer_choice_init(&choice, room, arena_alloc(arena, steer_room_size(room)));
    return choice;
}

static size_t list_slots(struct drill_answers *answers)
{
    const struct steer_set *set = answers->view->steer;
    struct steer_room room = {.members = 0};
    size_t count = 0, policies = steer_set_count(set);
    answers->first_slot = arena_alloc(answers->arena, policies * sizeof *answers->first_slot);
    for (size_t i = 0; i < policies; i++) {
        const struct steer_policy *policy = steer_set_get(set, (uint32_t)i);
        answers->first_slot[i] = count;
        count += (size_t)policy->class_count * policy->type_count;
        steer_widen_room(&room, policy);
    }
    answers->scratch = new_choice(answers->arena, room);
    answers->odds = arena_alloc(answers->arena, room.members * sizeof *answers->odds);
    return count;
}

static struct slot *slot_of(const struct drill_answers *answers, const struct view_name *name,
                            uint16_t class_id, unsigned type)
{
    const struct steer_policy *policy = steer_set_get(answers->view->steer, name->policy);
    return &answers->slots[answers->first_slot[name->policy] + (size_t)class_id * policy->type_count + type];
}

/* In virtual time, before any hold could begin: what lasts is told. */
static struct steer_ask ask_of(const struct slot *slot)
{
    return (struct steer_ask){.now_ms = 0, .class_id = slot->class_id, .types = slot->types};
}

static bool has_type(const struct view_name *name, unsigned type)
{
    return (name->types & 1u << type) != 0;
}

static const char *describe(struct arena *arena, const struct slot *slot, const struct steer_choice *choice)
{
    const struct steer_class *class = &slot->policy->classes[slot->class_id];
    return operate_describe_choice(class, choice, slot->type, arena);
}

/* What is answered from now on. */
static void add_step(struct drill_answers *answers, struct slot *slot, int64_t at_ms, bool changes)
{
    const struct steer_choice *now = &slot->now;
    struct drill_part *parts = arena_alloc(answers->report_arena, now->count * sizeof *parts);
    operate_find_shares(slot->policy, now, answers->odds);
    for (size_t i = 0; i < now->count; i++) {
        parts[i] = (struct drill_part){slot->policy->members[now->members[i]].endpoint, answers->odds[i]};
    }
    uint32_t most = slot->policy->pick == STEER_PICK_ALL ? STEER_ANSWERS_MAX : slot->policy->answers;
    slot->steps = memory_grow(slot->steps, slot->step_count, &slot->step_capacity, sizeof *slot->steps);
    slot->steps[slot->step_count++] =
        (struct drill_step){.at_ms = at_ms,
                            .from = describe(answers->report_arena, slot, now),
                            .ttl_max = now->ttl,
                            .records = now->count < most ? now->count : most,
                            .parts = parts,
                            .part_count = now->count,
                            .is_empty = now->count == 0 && now->source != STEER_FROM_STATIC,
                            .changes = changes};
}

static void use_slot(struct drill_answers *answers, const struct view_name *name, uint16_t class_id,
                     unsigned type)
{
    char text[DNS_TYPE_TEXT_SIZE];
    struct slot *slot = slot_of(answers, name, class_id, type);
    if (!has_type(name, type) || slot->row_count++ != 0) {
        return;
    }
    slot->policy = steer_set_get(answers->view->steer, name->policy);
    slot->class_id = class_id;
    slot->types = (uint16_t)(1u << type);
    slot->type = arena_copy_text(answers->arena, dns_write_type(slot->policy->types[type], text));
    slot->decided_ms = -1;
    slot->before = new_choice(answers->arena, steer_find_room(slot->policy, class_id));
    slot->now = new_choice(answers->arena, steer_find_room(slot->policy, class_id));
    slot->after = new_choice(answers->arena, steer_find_room(slot->policy, class_id));
    steer_evaluate(slot->policy, ask_of(slot), answers->table, &slot->before, NULL);
    steer_choice_copy(&slot->now, &slot->before);
    steer_choice_copy(&slot->after, &slot->before);
    add_step(answers, slot, 0, false);
}

struct drill_answers *drill_answers_new(const struct view *view, const struct health_table *table,
                                        struct arena *arena, struct progress *progress)
{
    struct drill_answers *answers = memory_alloc(sizeof *answers);
    answers->arena = arena_new(0);
    answers->report_arena = arena;
    answers->view = view;
    answers->table = table;
    answers->progress = progress;
    answers->slot_count = list_slots(answers);
    answers->slots = arena_alloc(answers->arena, answers->slot_count * sizeof *answers->slots);
    answers->sums =
        arena_alloc(answers->arena, 4 * (view->topology->region_count + 1) * sizeof *answers->sums);
    progress_expect(progress, view->name_count);
    for (size_t i = 0; i < view->name_count && progress_step(progress, 1); i++) {
        const struct steer_policy *policy = steer_set_get(view->steer, view->names[i].policy);
        for (uint16_t class_id = 0; class_id < policy->class_count; class_id++) {
            for (unsigned type = 0; type < policy->type_count; type++) {
                use_slot(answers, &view->names[i], class_id, type);
            }
        }
    }
    return answers;
}

void drill_answers_free(struct drill_answers *answers)
{
    for (size_t i = 0; i < answers->slot_count; i++) {
        free(answers->slots[i].steps);
    }
    arena_free(answers->arena);
    free(answers);
}

static bool follow_slot(struct drill_answers *answers, struct slot *slot, const struct drill_moment *moment)
{
    steer_evaluate(slot->policy, ask_of(slot), answers->table, &answers->scratch, NULL);
    bool changes = !steer_choice_equal(&slot->now, &answers->scratch);
    if (!changes && slot->now.ttl == answers->scratch.ttl) {
        return false;
    }
    steer_choice_copy(&slot->now, &answers->scratch);
    add_step(answers, slot, moment->at_ms, changes);
    int64_t decided_ms = moment->at_ms - moment->since_ms;
    if (changes && !moment->is_back && decided_ms >= slot->decided_ms) {
        slot->decided_ms = decided_ms;
        slot->interval_ms = moment->interval_ms;
        slot->detected_ms = moment->failed_ms < moment->since_ms ? -1 : moment->failed_ms - moment->since_ms;
    }
    return changes;
}

size_t drill_answers_follow(struct drill_answers *answers, const struct drill_moment *moment)
{
    size_t changed = 0;
    progress_expect(answers->progress, answers->slot_count);
    for (size_t i = 0; i < answers->slot_count && progress_step(answers->progress, 1); i++) {
        struct slot *slot = &answers->slots[i];
        if (slot->row_count != 0 && follow_slot(answers, slot, moment)) {
            changed += slot->row_count;
        }
    }
    return changed;
}

/* ---- reporting ---- */

/* Where a choice sends traffic: each endpoint its part of all the odds. Returns the part of lost endpoints
 * (is_lost may be NULL). */
static double add_shares(struct drill_answers *answers, const struct slot *slot,
                         const struct steer_choice *choice, const bool *is_lost, double *sums)
{
    double lost = 0;
    if (choice->count == 0) {
        sums[answers->view->topology->region_count] = 1;
        return 0;
    }
    operate_find_shares(slot->policy, choice, answers->odds);
    for (size_t i = 0; i < choice->count; i++) {
        const struct steer_member *member = &slot->policy->members[choice->members[i]];
        double share = answers->odds[i];
        sums[slot->policy->places[member->endpoint].region] += share;
        lost += is_lost != NULL && is_lost[member->endpoint] ? share : 0;
    }
    return lost;
}

struct share_list {
    struct drill_share *items;
    uint32_t *regions; /* of each; the number of regions stands for nowhere */
    size_t count;
};

/* The regions that have any share, in topology order, and nowhere last. */
static struct share_list list_shares(const struct drill_answers *answers, const double *before,
                                     const double *after, struct arena *arena)
{
    const struct conf_topology *topology = answers->view->topology;
    size_t room = 0;
    for (size_t i = 0; i <= topology->region_count; i++) {
        room += before[i] > 0 || after[i] > 0;
    }
    struct share_list list = {.items = arena_alloc(arena, room * sizeof *list.items),
                              .regions = arena_alloc(answers->arena, room * sizeof *list.regions)};
    for (size_t i = 0; i <= topology->region_count; i++) {
        if (before[i] > 0 || after[i] > 0) {
            const char *name = i == topology->region_count ? NULL : topology->regions[i].name;
            list.regions[list.count] = (uint32_t)i;
            list.items[list.count++] =
                (struct drill_share){arena_copy_text(arena, name), before[i], after[i]};
        }
    }
    return list;
}

static bool is_held(const struct steer_choice *choice)
{
    return choice->hold == STEER_HOLDS || choice->hold == STEER_HOLDS_BACK;
}

static bool is_unserved(const struct slot *slot)
{
    enum steer_source source = slot->now.source;
    bool serves = source == STEER_FROM_TIER || source == STEER_FROM_POOL || source == STEER_FROM_FIRST;
    return !is_held(&slot->now) && (!serves || (slot->now.count == 0 && slot->before.count != 0));
}

size_t drill_answers_count_unserved(const struct drill_answers *answers)
{
    size_t count = 0;
    for (size_t i = 0; i < answers->slot_count; i++) {
        const struct slot *slot = &answers->slots[i];
        count += slot->row_count != 0 && is_unserved(slot) ? slot->row_count : 0;
    }
    return count;
}

size_t drill_answers_count_misled(struct drill_answers *answers, const bool *is_lost)
{
    size_t columns = answers->view->topology->region_count + 1, count = 0;
    for (size_t i = 0; i < answers->slot_count; i++) {
        const struct slot *slot = &answers->slots[i];
        memset(answers->sums, 0, columns * sizeof *answers->sums);
        bool is_misled = slot->row_count != 0 &&
                         add_shares(answers, slot, &slot->now, is_lost, answers->sums) > 0 &&
                         !is_held(&slot->now);
        count += is_misled ? slot->row_count : 0;
    }
    return count;
}

/* ---- names that must not move ---- */

void drill_answers_guard(struct drill_answers *answers, const char *const *names, size_t count)
{
    const struct view *view = answers->view;
    answers->guarded = arena_alloc(answers->arena, (view->name_count + 1) * sizeof *answers->guarded);
    for (size_t i = 0; i < view->name_count; i++) {
        bool is_guarded = false;
        for (size_t n = 0; n < count && !is_guarded; n++) {
            is_guarded = value_matches(names[n], view->names[i].owner);
        }
        if (is_guarded) {
            answers->guarded[answers->guarded_count++] = &view->names[i];
        }
    }
}

static bool has_moved(const struct drill_answers *answers, const struct view_name *name)
{
    const struct steer_policy *policy = steer_set_get(answers->view->steer, name->policy);
    for (unsigned type = 0; type < policy->type_count; type++) {
        for (uint16_t class_id = 0; has_type(name, type) && class_id < policy->class_count; class_id++) {
            const struct slot *slot = slot_of(answers, name, class_id, type);
            if (!steer_choice_equal(&slot->before, &slot->now)) {
                return true;
            }
        }
    }
    return false;
}

const char *drill_answers_find_moved(const struct drill_answers *answers)
{
    for (size_t i = 0; i < answers->guarded_count; i++) {
        if (has_moved(answers, answers->guarded[i])) {
            return answers->guarded[i]->owner;
        }
    }
    return NULL;
}

/* ---- marks ---- */

static void mark_slot(struct drill_answers *answers, struct slot *slot, const bool *is_lost)
{
    size_t columns = answers->view->topology->region_count + 1;
    memset(answers->sums, 0, columns * sizeof *answers->sums);
    double to_lost = add_shares(answers, slot, &slot->now, is_lost, answers->sums);
    bool held = is_held(&slot->now);
    bool unserved = is_unserved(slot);
    bool is_worse = unserved || held || !(slot->unserved || slot->held);
    slot->held = slot->held || held;
    slot->to_lost = !held && to_lost > slot->to_lost ? to_lost : slot->to_lost;
    slot->unserved = slot->unserved || unserved;
    if (is_worse && !steer_choice_equal(&slot->before, &slot->now)) {
        steer_choice_copy(&slot->after, &slot->now);
    }
}

void drill_answers_mark(struct drill_answers *answers, const bool *is_lost)
{
    for (size_t i = 0; i < answers->slot_count; i++) {
        if (answers->slots[i].row_count != 0) {
            mark_slot(answers, &answers->slots[i], is_lost);
        }
    }
}

/* Does it lose a part of what went there, or get one? */
static bool moves(const struct slot *slot, uint32_t region, bool away)
{
    for (size_t i = 0; i < slot->row.share_count; i++) {
        const struct drill_share *own = &slot->row.shares[i];
        if (slot->regions[i] == region) {
            return away ? own->after < own->before - 1e-9 : own->after > own->before + 1e-9;
        }
    }
    return false;
}

static void find_pair(const struct conf_topology *topology, struct slot *slot, struct arena *arena)
{
    size_t pairs = topology->objective_count - topology->objective_name_count;
    for (size_t i = 0; i < pairs && slot->row.changes; i++) {
        const struct conf_objective *pair = &topology->objectives[i];
        bool is_less = slot->pair_rto_ms == 0 || pair->rto_ms < slot->pair_rto_ms;
        if (pair->rto_ms != 0 && is_less && moves(slot, pair->from, true) && moves(slot, pair->to, false)) {
            slot->pair_rto_ms = pair->rto_ms;
            slot->pair = arena_print(arena, "the pair %s to %s", topology->regions[pair->from].name,
                                     topology->regions[pair->to].name);
        }
    }
}

static void finish_slot(struct drill_answers *answers, struct slot *slot, struct arena *arena)
{
    size_t columns = answers->view->topology->region_count + 1;
    double *before = answers->sums, *after = answers->sums + columns;
    struct drill_name *row = &slot->row;
    memset(answers->sums, 0, 2 * columns * sizeof *before);
    (void)add_shares(answers, slot, &slot->before, NULL, before);
    (void)add_shares(answers, slot, &slot->after, NULL, after);
    struct share_list shares = list_shares(answers, before, after, arena);
    row->shares = shares.items;
    row->share_count = shares.count;
    slot->regions = shares.regions;
    row->changes = !steer_choice_equal(&slot->before, &slot->after);
    row->held = slot->held;
    row->to_lost = slot->to_lost;
    row->unserved = slot->unserved;
    row->decided_ms = row->changes ? slot->decided_ms : -1;
    row->decided_expected_ms = row->changes ? slot->decided_ms - slot->interval_ms / 2 : -1;
    row->detected_ms = row->changes ? slot->detected_ms : -1;
    row->phase_ms = (uint32_t)slot->interval_ms;
    row->type = arena_copy_text(arena, slot->type);
    row->class_label = arena_copy_text(arena, slot->policy->classes[slot->class_id].label);
    row->before = describe(arena, slot, &slot->before);
    row->after = describe(arena, slot, &slot->after);
    row->course = slot->course;
    find_pair(answers->view->topology, slot, arena);
}

static void count_row(struct drill_report *report, const struct drill_name *row)
{
    report->late_count += row->late;
    report->unserved_count += row->unserved;
    report->held_count += row->held;
    report->to_lost_count += row->to_lost > 0;
    if (!row->changes) {
        return;
    }
    report->changed_count++;
    if (row->decided_ms >= report->decision_ms) {
        bool is_later = row->decided_ms > report->decision_ms;
        int64_t expected_ms = row->decided_expected_ms, known_ms = report->decision_expected_ms;
        report->decision_expected_ms = is_later || expected_ms > known_ms ? expected_ms : known_ms;
        report->decision_ms = row->decided_ms;
    }
    int64_t ttl_ms = (int64_t)row->ttl * 1000;
    report->ttl_ms = ttl_ms > report->ttl_ms ? ttl_ms : report->ttl_ms;
    if (row->rto_ms == 0) {
        report->common_ttl_ms = ttl_ms > report->common_ttl_ms ? ttl_ms : report->common_ttl_ms;
        report->common_decision_ms =
            row->decided_ms > report->common_decision_ms ? row->decided_ms : report->common_decision_ms;
    }
}

/* Add a row's shares to those of all names; weight: its part of its name, so that all names count alike. */
static void add_to_total(struct drill_answers *answers, const struct slot *slot, double weight)
{
    size_t columns = answers->view->topology->region_count + 1;
    double *before = answers->sums + 2 * columns, *after = before + columns;
    for (size_t i = 0; i < slot->row.share_count; i++) {
        before[slot->regions[i]] += slot->row.shares[i].before * weight;
        after[slot->regions[i]] += slot->row.shares[i].after * weight;
    }
}

/* What is said of the name comes first, then of a pair by which it moves. own: NULL: nothing of the name. */
static void judge_rto(const struct conf_objective *own, const struct slot *slot, struct drill_name *row)
{
    bool has_own = own != NULL && own->rto_ms != 0;
    row->rto_ms = has_own ? own->rto_ms : slot->pair_rto_ms;
    row->rto_of = has_own ? "the name" : slot->pair;
    row->late = row->rto_ms != 0 && row->changes && row->decided_ms + (int64_t)row->ttl * 1000 > row->rto_ms;
}

/* Users ask for addresses, of both families alike, where a name has them. */
static double weigh_users(const struct drill_answers *answers, const struct slot *slot,
                          const struct view_name *name)
{
    unsigned addresses = name->types & (STEER_HAS_A | STEER_HAS_AAAA);
    unsigned asked = addresses != 0 ? addresses : name->types;
    const double *const *by_name = answers->weights.by_name, *const *by_policy = answers->weights.by_policy;
    const double *classes = by_name != NULL     ? by_name[name - answers->view->names]
                            : by_policy != NULL ? by_policy[name->policy]
                                                : NULL;
    double of_class = classes != NULL   ? classes[slot->class_id]
                      : by_name != NULL ? 0
                                        : 1.0 / slot->policy->class_count;
    return (asked & slot->types) == 0 ? 0 : of_class / __builtin_popcount(asked);
}

/* All rows of one name, to `rows`. Returns how many. */
static size_t add_rows(struct drill_answers *answers, const struct view_name *name, struct arena *arena,
                       struct drill_name *rows)
{
    const struct steer_policy *policy = steer_set_get(answers->view->steer, name->policy);
    uint16_t class_count = policy->class_count;
    double weight = 1.0 / (class_count * __builtin_popcount(name->types));
    const char *owner = arena_copy_text(arena, name->owner);
    const struct conf_objective *own = conf_find_objective(answers->view->topology, name->owner);
    size_t count = 0;
    for (unsigned type = 0; type < policy->type_count; type++) {
        for (uint16_t class_id = 0; has_type(name, type) && class_id < class_count; class_id++) {
            const struct slot *slot = slot_of(answers, name, class_id, type);
            add_to_total(answers, slot, weight);
            rows[count] = slot->row;
            rows[count].name = owner;
            rows[count].ttl = name->ttl;
            rows[count].owner = (uint32_t)(name - answers->view->names);
            rows[count].weight = weigh_users(answers, slot, name);
            judge_rto(own, slot, &rows[count++]);
        }
    }
    return count;
}

/* What needs a look comes first: changed and unserved, changed, sent to what is lost, the rest. */
static int rank_of(const struct drill_name *row)
{
    if (row->changes) {
        return row->unserved || row->held ? 0 : 1;
    }
    return row->to_lost > 0 || row->unserved || row->held ? 2 : 3;
}

static const struct drill_name *sort_rows(const struct drill_name *rows, size_t count, struct arena *arena)
{
    struct drill_name *sorted = arena_alloc(arena, count * sizeof *sorted);
    size_t n = 0;
    for (int rank = 0; rank <= 3; rank++) {
        for (size_t i = 0; i < count; i++) {
            if (rank_of(&rows[i]) == rank) {
                sorted[n++] = rows[i];
            }
        }
    }
    return sorted;
}

static void list_total(struct drill_answers *answers, struct arena *arena, struct drill_report *report)
{
    size_t columns = answers->view->topology->region_count + 1;
    double *before = answers->sums + 2 * columns;
    for (size_t i = 0; i < 2 * columns; i++) {
        before[i] /= report->owner_count == 0 ? 1 : (double)report->owner_count;
    }
    struct share_list shares = list_shares(answers, before, before + columns, arena);
    report->total = shares.items;
    report->total_count = shares.count;
}

/* All that have happened, of slots that a name uses. */
static void list_courses(struct drill_answers *answers, struct drill_report *report)
{
    struct drill_course *courses = arena_alloc(answers->report_arena, answers->slot_count * sizeof *courses);
    for (size_t i = 0; i < answers->slot_count; i++) {
        struct slot *slot = &answers->slots[i];
        if (slot->row_count == 0) {
            continue;
        }
        slot->course = (uint32_t)report->course_count;
        courses[report->course_count++] = (struct drill_course){
            arena_copy(answers->report_arena, slot->steps, slot->step_count * sizeof *slot->steps),
            slot->step_count};
    }
    report->courses = courses;
}

void drill_answers_report(struct drill_answers *answers, struct drill_weights weights,
                          struct drill_report *report)
{
    size_t room = 0;
    answers->weights = weights;
    struct arena *arena = answers->report_arena;
    list_courses(answers, report);
    progress_expect(answers->progress, answers->slot_count + answers->view->name_count);
    for (size_t i = 0; i < answers->slot_count && progress_step(answers->progress, 1); i++) {
        struct slot *slot = &answers->slots[i];
        room += slot->row_count;
        if (slot->row_count != 0) {
            finish_slot(answers, slot, arena);
        }
    }
    struct drill_name *rows = memory_alloc_array(room, sizeof *rows);
    report->decision_ms = report->decision_expected_ms = report->common_decision_ms = -1;
    for (size_t i = 0; i < answers->view->name_count && progress_step(answers->progress, 1); i++) {
        struct drill_name *first = rows + report->name_count;
        size_t count = add_rows(answers, &answers->view->names[i], arena, first),
               changed = report->changed_count;
        for (size_t r = 0; r < count; r++) {
            count_row(report, &first[r]);
        }
        report->name_count += count;
        report->owner_count += count != 0;
        report->owner_changed_count += report->changed_count > changed;
    }
    for (size_t i = 0; i < report->name_count && weights.by_name == NULL; i++) {
        rows[i].weight /= (double)report->owner_count;
    }
    report->names = sort_rows(rows, report->name_count, arena);
    list_total(answers, arena, report);
    free(rows);
}

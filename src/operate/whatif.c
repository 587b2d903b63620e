/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See whatif.h. All rows are evaluated once to be judged, sorted and summed up, and kept as a few octets
 * each; those of the page are evaluated again to be told in full. So the size of a report does not follow
 * that of the configuration. */
#include "config.h"

#include "operate/whatif_internal.h"

#include "base/error.h"
#include "base/memory.h"
#include "dns/key.h"
#include "dns/name.h"
#include "dns/types.h"
#include "operate/choice.h"
#include "operate/operate.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double least_share = 1e-9; /* less than that is nothing */

/* ---- names with the same policy and types ---- */

static uint16_t type_of(const struct steer_policy *policy, uint16_t bit)
{
    return policy->types[__builtin_ctz(bit)];
}

static int compare_order(const void *left, const void *right, void *context)
{
    const struct view_name *names = context;
    uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
    const struct view_name *a = &names[i], *b = &names[j];
    int by_policy = (a->policy > b->policy) - (a->policy < b->policy);
    int by_types = (a->types > b->types) - (a->types < b->types);
    return by_policy != 0 ? by_policy : by_types != 0 ? by_types : (i > j) - (i < j);
}

static const struct view_name *name_at(const struct whatif *w, uint32_t at)
{
    return &w->question->view[0]->names[w->order[at]];
}

static bool begins_entry(const struct whatif *w, uint32_t at)
{
    if (at == 0) {
        return true;
    }
    const struct view_name *name = name_at(w, at), *last = name_at(w, at - 1);
    return last->policy != name->policy || last->types != name->types;
}

static void list_entries(struct whatif *w)
{
    const struct view *view = w->question->view[0];
    uint32_t count = 0;
    w->order = arena_alloc(w->scratch, view->name_count * sizeof *w->order);
    for (uint32_t i = 0; i < view->name_count; i++) {
        if (w->question->policy < 0 || view->names[i].policy == (uint32_t)w->question->policy) {
            w->order[count++] = i;
        }
    }
    if (count != 0) { /* qsort may not be given nothing */
        qsort_r(w->order, count, sizeof *w->order, compare_order, view->names);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (begins_entry(w, i)) {
            const struct view_name *name = name_at(w, i);
            w->entries = memory_grow(w->entries, w->entry_count, &w->entry_capacity, sizeof *w->entries);
            w->entries[w->entry_count++] =
                (struct whatif_entry){.policy = name->policy, .first = i, .types = name->types};
        }
        w->entries[w->entry_count - 1].count++;
        if (w->question->rates != NULL) {
            w->entries[w->entry_count - 1].rate += w->question->rates->names[w->order[i]];
        }
    }
    w->report->names = count;
}

/* Does the zone file have records that stand in for the name's steered ones of a type (its bit)? */
static bool has_static(const struct view *view, const struct view_name *name, uint16_t type)
{
    uint8_t wire[DNS_NAME_MAX];
    struct dns_key key;
    if (dns_name_parse(name->owner, NULL, wire) < 0) {
        return false;
    }
    dns_key_fill(&key, wire, sizeof wire);
    const struct zone *zone = zone_table_find(view->zones, &key, 0);
    uint32_t at = zone == NULL || zone->failed ? 0 : zone_find_node(zone, &key);
    const struct zone_node *node = at == 0 ? NULL : zone_get_node(zone, at);
    uint16_t wanted = type_of(steer_set_get(view->steer, name->policy), type);
    for (unsigned i = 0; node != NULL && i < node->rrset_count; i++) {
        const struct zone_rrset *rrset = &node->rrsets[i];
        if (rrset->type == wanted && (rrset->flags & ZONE_RRSET_STEERED) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- one row ---- */

const struct steer_policy *whatif_policy(const struct whatif *w, const struct whatif_row *row)
{
    return steer_set_get(w->question->view[0]->steer, w->entries[row->entry].policy);
}

/* Buffers for the largest choice there is. */
static void make_room(struct whatif *w)
{
    struct steer_room room = {.members = 0};
    for (size_t i = 0; i < w->entry_count; i++) {
        steer_widen_room(&room, steer_set_get(w->question->view[0]->steer, w->entries[i].policy));
    }
    for (int side = 0; side < 2; side++) {
        steer_choice_init(&w->first[side], room, arena_alloc(w->scratch, steer_room_size(room)));
        steer_choice_init(&w->choice[side], room, arena_alloc(w->scratch, steer_room_size(room)));
    }
    w->shares = arena_alloc(w->scratch, room.members * sizeof *w->shares);
}

void whatif_evaluate(struct whatif *w, const struct whatif_row *row, uint16_t type,
                     struct steer_choice choice[2])
{
    const struct steer_ask ask = {
        .now_ms = (uint64_t)w->question->wall_ms, .class_id = row->class_id, .types = type};
    for (int side = 0; side < 2; side++) {
        steer_evaluate(whatif_policy(w, row), ask, w->question->view[side]->table, &choice[side], NULL);
    }
}

uint32_t whatif_count_unserved(struct whatif *w, const struct whatif_row *row, uint16_t type, int side,
                               const struct steer_choice *choice)
{
    struct whatif_entry *entry = &w->entries[row->entry];
    if (choice->count != 0) {
        return 0;
    }
    if (choice->source != STEER_FROM_STATIC) {
        entry->all_unserved[side] = true;
        return entry->count;
    }
    uint32_t without = 0;
    for (uint32_t i = 0; i < entry->count; i++) {
        without += !has_static(w->question->view[0], name_at(w, entry->first + i), type);
    }
    entry->statics[side] |= type;
    return without;
}

/* Where nothing is to be added up. */
static bool differs_plainly(const struct steer_choice choice[2])
{
    return (choice[0].count == 0) != (choice[1].count == 0) ||
           (choice[0].count == 0 && choice[0].source != choice[1].source);
}

/* Who gets more of the row than before, and is not where it should go. */
static void find_elsewhere(const struct whatif *w, const struct whatif_row *row)
{
    struct operate_aim *aim = w->question->aim;
    const struct conf_topology *t = w->topology;
    const char *name = name_at(w, w->entries[row->entry].first)->owner,
               *class_label = whatif_policy(w, row)->classes[row->class_id].label;
    bool is_region = operate_find_target(w->question->view[0], HEALTH_REGION, aim->to) >= 0;
    size_t count = is_region ? t->region_count : t->az_count;
    for (size_t i = 0; i <= count; i++) { /* the last one: no endpoint at all */
        const char *place = i == count ? "" : is_region ? t->regions[i].name : t->azs[i].name;
        double *const *shares = is_region ? w->row.regions : w->row.azs;
        double more = i == count ? w->row.nowhere[1] - w->row.nowhere[0] : shares[1][i] - shares[0][i];
        if (more > least_share && strcmp(place, aim->to) != 0) {
            subject_add(&aim->subject, name, class_label, place);
            aim->subject.amount += more;
        }
    }
}

/* Other shares: whether, and whether they are too much for somebody. */
static bool find_overload(struct whatif *w, const struct whatif_row *row, const struct steer_choice choice[2],
                          bool *changed)
{
    const struct steer_policy *policy = whatif_policy(w, row);
    whatif_add_shares(w, policy, choice, 1, &w->row);
    whatif_sum_up(w, policy, &w->row);
    *changed |= whatif_moves(policy, &w->row);
    if (w->question->aim != NULL) {
        find_elsewhere(w, row);
    }
    bool overloads = *changed && whatif_overloads(w, &w->row);
    whatif_clear(w, policy, &w->row);
    return overloads;
}

/* What became of it. */
static enum operate_severity judge(struct whatif *w, const struct whatif_row *row, uint16_t type,
                                   const struct steer_choice choice[2], bool *changed)
{
    uint32_t unserved[2];
    bool is_fallback[2], overloads = false;
    for (int side = 0; side < 2; side++) {
        unserved[side] = whatif_count_unserved(w, row, type, side, &choice[side]);
        is_fallback[side] = choice[side].source != STEER_FROM_TIER;
    }
    *changed = differs_plainly(choice);
    if (!steer_choice_equal(&choice[0], &choice[1])) {
        overloads = find_overload(w, row, choice, changed);
    }
    if (unserved[1] != 0) {
        return unserved[1] > unserved[0] ? OPERATE_UNSERVED : OPERATE_STILL_UNSERVED;
    }
    if (is_fallback[1]) {
        return is_fallback[0] ? OPERATE_STILL_FALLBACK : OPERATE_FALLBACK;
    }
    return overloads ? OPERATE_OVERLOADED : *changed ? OPERATE_MOVED : OPERATE_UNCHANGED;
}

/* ---- all rows ---- */

static size_t count_bits(uint16_t bits)
{
    return (size_t)__builtin_popcount(bits);
}

static void add_row(struct whatif *w, const struct whatif_row *row, uint16_t type,
                    const struct steer_choice choice[2])
{
    struct whatif_entry *entry = &w->entries[row->entry];
    w->rows = memory_grow(w->rows, w->row_count, &w->row_capacity, sizeof *w->rows);
    struct whatif_row *added = &w->rows[w->row_count++];
    *added = *row;
    added->types = type;
    added->severity = (uint8_t)judge(w, row, type, choice, &added->changed);
    entry->changed |= added->changed;
    w->report->rows_by_severity[added->severity]++;
}

static bool is_alike(const struct whatif *w)
{
    return steer_choice_equal(&w->first[0], &w->choice[0]) && steer_choice_equal(&w->first[1], &w->choice[1]);
}

/* The part of a class in the answers of its policy. */
static double find_class_part(const struct whatif *w, const struct steer_policy *policy, uint16_t class_id)
{
    const double *rates = w->report->is_by_rates && w->question->rates->classes != NULL
                              ? w->question->rates->classes[policy->id]
                              : NULL;
    double sum = 0;
    for (size_t i = 0; rates != NULL && i < policy->class_count; i++) {
        sum += rates[i];
    }
    return rates != NULL && sum > 0 ? rates[class_id] / sum : 1.0 / (double)policy->class_count;
}

/* What one type of a class of these names weighs among all. Of types nothing is counted: they are alike. */
static double weigh(const struct whatif *w, const struct whatif_entry *entry,
                    const struct steer_policy *policy, uint16_t class_id)
{
    double names = w->report->is_by_rates ? entry->rate : (double)entry->count;
    return names * find_class_part(w, policy, class_id) / (double)count_bits(entry->types);
}

/* The rows of one class: a type that is answered as the first one is goes with it. What falls back on the
 * zone file does not: names may have static records of one type and not of another. */
static void add_class(struct whatif *w, size_t entry_at, uint16_t class_id)
{
    struct whatif_entry *entry = &w->entries[entry_at];
    struct whatif_row row = {.entry = (uint32_t)entry_at, .class_id = class_id, .name_count = entry->count};
    const struct steer_policy *policy = whatif_policy(w, &row);
    double weight = weigh(w, entry, policy, class_id);
    size_t first = w->row_count;
    for (unsigned type = 1; type <= entry->types; type <<= 1) {
        if ((entry->types & type) == 0) {
            continue;
        }
        bool is_first = w->row_count == first;
        struct steer_choice *choice = is_first ? w->first : w->choice;
        whatif_evaluate(w, &row, (uint16_t)type, choice);
        whatif_add_shares(w, policy, choice, weight, &w->whole);
        w->weight += weight;
        bool is_static = choice[0].source == STEER_FROM_STATIC || choice[1].source == STEER_FROM_STATIC;
        if (!is_first && !is_static && is_alike(w)) {
            w->rows[first].types |= (uint16_t)type;
        } else {
            add_row(w, &row, (uint16_t)type, choice);
        }
    }
}

static int compare_rows(const void *left, const void *right)
{
    const struct whatif_row *a = left, *b = right;
    const uint32_t as[] = {a->severity, UINT32_MAX - a->name_count, a->entry, a->class_id, a->types};
    const uint32_t bs[] = {b->severity, UINT32_MAX - b->name_count, b->entry, b->class_id, b->types};
    for (size_t i = 0; i < sizeof as / sizeof *as; i++) {
        if (as[i] != bs[i]) {
            return as[i] < bs[i] ? -1 : 1;
        }
    }
    return 0;
}

static void list_rows(struct whatif *w)
{
    struct progress *progress = w->question->progress;
    progress_expect(progress, w->entry_count);
    for (size_t i = 0; i < w->entry_count && progress_step(progress, 1); i++) {
        uint16_t class_count = steer_set_get(w->question->view[0]->steer, w->entries[i].policy)->class_count;
        for (uint16_t class_id = 0; class_id < class_count; class_id++) {
            add_class(w, i, class_id);
        }
    }
    if (w->row_count != 0) {
        qsort(w->rows, w->row_count, sizeof *w->rows, compare_rows);
    }
    w->report->rows_total = w->row_count;
}

/* ---- names ---- */

static bool lacks_static(const struct whatif *w, const struct view_name *name, uint16_t types)
{
    for (unsigned type = 1; type <= types; type <<= 1) {
        if ((types & type) != 0 && !has_static(w->question->view[0], name, (uint16_t)type)) {
            return true;
        }
    }
    return false;
}

static void count_names(struct whatif *w)
{
    struct progress *progress = w->question->progress;
    progress_expect(progress, w->entry_count);
    for (size_t i = 0; i < w->entry_count && progress_step(progress, 1); i++) {
        const struct whatif_entry *entry = &w->entries[i];
        w->report->names_changed += entry->changed ? entry->count : 0;
        for (int side = 0; side < 2; side++) {
            size_t unserved = entry->all_unserved[side] ? entry->count : 0;
            for (uint32_t n = 0; unserved == 0 && entry->statics[side] != 0 && n < entry->count; n++) {
                w->report->names_unserved[side] +=
                    lacks_static(w, name_at(w, entry->first + n), entry->statics[side]);
            }
            w->report->names_unserved[side] += unserved;
        }
    }
}

/* ---- the page ---- */

static const char *write_cursor(const struct whatif *w, const struct whatif_row *row)
{
    return arena_print(w->arena, "%u.%u.%u.%u.%u", row->severity, row->name_count, row->entry, row->class_id,
                       row->types);
}

static int parse_cursor(const char *text, struct whatif_row *row)
{
    static const uint32_t limits[] = {OPERATE_SEVERITIES, UINT32_MAX, UINT32_MAX, UINT16_MAX, UINT16_MAX};
    uint32_t numbers[sizeof limits / sizeof *limits];
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        char *end = NULL;
        bool is_last = i + 1 == sizeof limits / sizeof *limits;
        unsigned long number = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
        if (end == NULL || number > limits[i] || *end != (is_last ? '\0' : '.')) {
            return ERROR_SYNTAX;
        }
        numbers[i] = (uint32_t)number;
        text = end + 1;
    }
    *row = (struct whatif_row){.severity = (uint8_t)numbers[0],
                               .name_count = numbers[1],
                               .entry = numbers[2],
                               .class_id = (uint16_t)numbers[3],
                               .types = (uint16_t)numbers[4]};
    return 0;
}

static void tell_types(const struct steer_policy *policy, struct operate_row *to, uint16_t types,
                       struct arena *arena)
{
    char text[DNS_TYPE_TEXT_SIZE];
    size_t count = 0;
    for (unsigned type = 1; type <= types; type <<= 1) {
        if ((types & type) != 0 && count + 1 < OPERATE_ROW_TYPES) {
            to->types[count++] =
                arena_copy_text(arena, dns_write_type(type_of(policy, (uint16_t)type), text));
        }
    }
}

static void tell_names(const struct whatif *w, const struct whatif_entry *entry, struct operate_row *to)
{
    to->name_count = entry->count;
    to->name_listed = entry->count < OPERATE_ROW_NAMES ? entry->count : OPERATE_ROW_NAMES;
    to->names = arena_alloc(w->arena, to->name_listed * sizeof *to->names);
    for (uint32_t i = 0; i < to->name_listed; i++) {
        to->names[i] = arena_copy_text(w->arena, name_at(w, entry->first + i)->owner);
    }
}

static void tell_row(struct whatif *w, const struct whatif_row *row, struct operate_row *to)
{
    const struct steer_policy *policy = whatif_policy(w, row);
    const struct steer_class *class = &policy->classes[row->class_id];
    uint16_t type = row->types & (uint16_t)-row->types;
    *to = (struct operate_row){.policy = w->entries[row->entry].policy,
                               .class_label = arena_copy_text(w->arena, class->label),
                               .severity = (enum operate_severity)row->severity,
                               .changed = row->changed};
    tell_types(policy, to, row->types, w->arena);
    tell_names(w, &w->entries[row->entry], to);
    whatif_evaluate(w, row, type, w->first);
    whatif_add_shares(w, policy, w->first, 1, &w->row);
    whatif_sum_up(w, policy, &w->row);
    for (int side = 0; side < 2; side++) {
        const struct steer_choice *choice = &w->first[side];
        to->side[side] =
            (struct operate_side){.answer = operate_describe_choice(class, choice, to->types[0], w->arena),
                                  .source = steer_source_text(choice->source),
                                  .unserved = whatif_count_unserved(w, row, type, side, choice),
                                  .carries = whatif_find_room(w, &w->row, side)};
    }
    whatif_list_regions(w, &w->row, to->side[0].carries, &to->regions);
    whatif_list_azs(w, &w->row, to->side[0].carries, &to->azs);
    whatif_list_endpoints(w, policy, to->side[0].carries, &to->endpoints);
    whatif_clear(w, policy, &w->row);
}

static void tell_page(struct whatif *w, const struct whatif_row *after)
{
    size_t from = 0, limit = w->question->limit;
    while (after != NULL && from < w->row_count && compare_rows(&w->rows[from], after) <= 0) {
        from++;
    }
    size_t left = w->row_count - from, count = left < limit ? left : limit;
    w->report->rows = arena_alloc(w->arena, count * sizeof *w->report->rows);
    w->report->row_count = count;
    for (size_t i = 0; i < count; i++) {
        tell_row(w, &w->rows[from + i], &w->report->rows[i]);
    }
    if (count != 0 && count < left) {
        w->report->next_cursor = write_cursor(w, &w->rows[from + count - 1]);
    }
}

/* ---- the whole ---- */

/* Shares of what all names answer together. */
static void tell_whole(struct whatif *w)
{
    for (int side = 0; side < 2 && w->weight > 0; side++) {
        for (size_t i = 0; i < w->topology->endpoint_count; i++) {
            w->whole.endpoints[side][i] /= w->weight;
        }
        w->whole.nowhere[side] /= w->weight;
    }
    whatif_sum_up(w, NULL, &w->whole);
    double traffic = w->question->traffic;
    w->report->traffic_is_given = traffic > 0;
    w->report->traffic = traffic > 0 ? traffic : whatif_find_room(w, &w->whole, 0);
    whatif_list_regions(w, &w->whole, w->report->traffic, &w->report->regions);
    whatif_list_azs(w, &w->whole, w->report->traffic, &w->report->azs);
}

int operate_report_what_if(const struct operate_what_if *question, struct arena *arena,
                           struct operate_report *report)
{
    struct whatif_row after = {.entry = 0};
    *report = (struct operate_report){.assumed_count = question->assumed_count};
    report->assumed = arena_alloc(arena, question->assumed_count * sizeof *report->assumed);
    for (size_t i = 0; i < question->assumed_count; i++) {
        report->assumed[i] = arena_copy_text(arena, question->assumed[i]);
    }
    if (question->cursor != NULL && parse_cursor(question->cursor, &after) != 0) {
        return ERROR_SYNTAX;
    }
    struct whatif w = {.question = question,
                       .topology = question->view[0]->topology,
                       .arena = arena,
                       .scratch = arena_new(0),
                       .report = report};
    report->is_by_rates = question->rates != NULL && question->rates->all > 0;
    if (w.topology != NULL) {
        list_entries(&w);
        make_room(&w);
        whatif_init_tally(&w, &w.whole);
        whatif_init_tally(&w, &w.row);
        list_rows(&w);
        count_names(&w);
        tell_whole(&w);
        tell_page(&w, question->cursor == NULL ? NULL : &after);
        if (question->policy == -1) {
            whatif_find_brakes(&w);
        }
    }
    whatif_tell_story(arena, report);
    free(w.entries);
    free(w.rows);
    arena_free(w.scratch);
    return progress_is_cancelled(question->progress) ? ERROR_CANCELLED : 0;
}

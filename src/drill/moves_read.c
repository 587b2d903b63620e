/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See moves_read.h. The same words as for a switchover of the API (admin/request_switchover.c), and when. */
#include "config.h"

#include "drill/moves_read.h"

#include "base/buffer.h"
#include "conf/doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL = 100, EACH_MS = 60 * 1000 };

static const uint32_t any_ms[2] = {0, 7u * 24 * 3600 * 1000}, some_ms[2] = {1, 7u * 24 * 3600 * 1000},
                      each_ms[2] = {1000, 24u * 3600 * 1000};

struct move_reader {
    const struct what_reader *what;
    struct drill_move *move;
};

static void read_source(const struct move_reader *reader, const struct doc_node *node)
{
    struct switchover *plan = &reader->move->plan;
    struct doc_node source, item = {.value = NULL};
    if (!doc_require(node, "source", &source)) {
        return;
    }
    size_t room = doc_count_texts(&source);
    if (room > SWITCHOVER_TARGETS_MAX) {
        doc_error(&source, "found %zu places, expected %d at most", room, SWITCHOVER_TARGETS_MAX);
        return;
    }
    plan->targets = arena_alloc(reader->what->arena, (room + 1) * sizeof *plan->targets);
    while (doc_next_text(&source, "a place or an array of places", &item)) {
        struct drill_cause place = {.at_ms = 0};
        const char *name = strchr(doc_text(&item), ':');
        if (what_read_place(reader->what, &item, &place)) {
            struct switchover_target *to = &plan->targets[plan->target_count++];
            *to = (struct switchover_target){.kind = place.kind};
            snprintf(to->name, sizeof to->name, "%s", name + 1);
        }
    }
}

static void read_destination(const struct move_reader *reader, const struct doc_node *node)
{
    const struct conf_topology *topology = reader->what->ground->topology;
    struct switchover *plan = &reader->move->plan;
    struct doc_node member;
    const char *to = doc_get_text(node, "to");
    bool is_known = false;
    if (to == NULL || !doc_find(node, "to", &member)) {
        return;
    }
    for (size_t i = 0; i < topology->region_count; i++) {
        is_known |= strcmp(topology->regions[i].name, to) == 0;
    }
    for (size_t i = 0; i < topology->az_count; i++) {
        is_known |= strcmp(topology->azs[i].name, to) == 0;
    }
    if (!is_known) {
        doc_error(&member, "found \"%.100s\", expected the name of a region or an az", to);
    }
    snprintf(plan->to, sizeof plan->to, "%s", to);
}

static void read_steps(const struct move_reader *reader, const struct doc_node *node)
{
    static const uint32_t percent[2] = {1, ALL};
    struct switchover *plan = &reader->move->plan;
    struct doc_node steps, item = {.value = NULL};
    uint32_t before = 0;
    plan->each_ms = doc_get_duration_ms(node, "each", each_ms, EACH_MS);
    if (!doc_find(node, "steps", &steps) || !doc_check_array(&steps, "an array of percentages")) {
        return;
    }
    while (doc_next(&steps, &item)) {
        uint32_t step = 0;
        if (!doc_read_number(&item, percent, &step)) {
            continue;
        }
        if (step <= before || plan->step_count == SWITCHOVER_STEPS_MAX) {
            doc_error(&item, "found %u, expected percentages that rise, %d at most", step,
                      SWITCHOVER_STEPS_MAX);
            return;
        }
        before = step;
        if (step < ALL) { /* which is how it ends anyway */
            plan->steps[plan->step_count++] = (uint8_t)step;
        }
    }
}

static void read_accepted(const struct move_reader *reader, const struct doc_node *node)
{
    struct doc_node list, item = {.value = NULL};
    struct drill_move *move = reader->move;
    if (!doc_find(node, "accept", &list)) {
        return;
    }
    move->accepted = arena_alloc(reader->what->arena, (doc_count_texts(&list) + 1) * sizeof *move->accepted);
    while (doc_next_text(&list, "a finding or an array of findings", &item)) {
        move->accepted[move->accepted_count++] = arena_copy_text(reader->what->arena, doc_text(&item));
    }
}

/* Real ones would be refused while another one moves the same. */
static void reject_twice(const struct doc_node *node, const struct drill_document *document)
{
    const struct drill_move *own = &document->moves[document->move_count - 1];
    for (size_t i = 0; i + 1 < document->move_count; i++) {
        const struct switchover *other = &document->moves[i].plan;
        for (size_t a = 0; a < own->plan.target_count * other->target_count; a++) {
            const struct switchover_target *mine = &own->plan.targets[a / other->target_count],
                                           *theirs = &other->targets[a % other->target_count];
            if (mine->kind == theirs->kind && strcmp(mine->name, theirs->name) == 0) {
                doc_error(node, "found %s:%s in two switchovers, expected it in one",
                          health_kind_text(mine->kind), mine->name);
            }
        }
    }
}

static const char *write_text(const struct move_reader *reader)
{
    const struct switchover *plan = &reader->move->plan;
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, "switchover of ");
    for (size_t i = 0; i < plan->target_count; i++) {
        buffer_print(&text, "%s%s:%s", i == 0 ? "" : ", ", health_kind_text(plan->targets[i].kind),
                     plan->targets[i].name);
    }
    if (plan->to[0] != '\0') {
        buffer_print(&text, " to %s", plan->to);
    }
    const char *copy = arena_copy_text(reader->what->arena, text.bytes);
    buffer_fini(&text);
    return copy;
}

static void read_one(const struct move_reader *reader, const struct doc_node *node)
{
    static const char *const keys[] = {"at", "source", "to", "steps", "each", "accept", "for", NULL};
    struct drill_move *move = reader->move;
    struct doc_node member;
    if (!doc_check_object(node, keys)) {
        return;
    }
    snprintf(move->plan.id, sizeof move->plan.id, "of a drill");
    snprintf(move->plan.actor, sizeof move->plan.actor, "drill");
    if (doc_require(node, "at", &member)) {
        move->at_ms = doc_get_duration_ms(node, "at", any_ms, 0);
    }
    if (doc_find(node, "for", &member)) {
        move->until_ms = move->at_ms + doc_get_duration_ms(node, "for", some_ms, 1);
    }
    read_source(reader, node);
    read_destination(reader, node);
    read_steps(reader, node);
    read_accepted(reader, node);
    move->text = write_text(reader);
}

void moves_read(const struct what_reader *reader, const struct doc_node *root,
                struct drill_document *document)
{
    struct doc_node list, node = {.value = NULL};
    if (!doc_find(root, "switchovers", &list) || !doc_check_array(&list, "an array of switchovers")) {
        return;
    }
    size_t count = doc_count(&list);
    if (count > DRILL_MOVES_MAX) {
        doc_error(&list, "found %zu switchovers, expected %d at most", count, DRILL_MOVES_MAX);
        return;
    }
    document->moves = arena_alloc(reader->arena, (count + 1) * sizeof *document->moves);
    while (doc_next(&list, &node)) {
        struct drill_move *move = &document->moves[document->move_count++];
        *move = (struct drill_move){.until_ms = INT64_MAX};
        read_one(&(struct move_reader){reader, move}, &node);
        reject_twice(&node, document);
        if (document->duration_ms != 0 && move->at_ms > document->duration_ms) {
            doc_error(&node,
                      "found a switchover after the end of the drill, expected none after its \"duration\"");
        }
    }
}

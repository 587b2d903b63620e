/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the graph to a table (the subset construction), and looking. A state is the set of nodes where a match
 * that began anywhere may be. Octets that no set of the expression tells apart share a column. */
#include "config.h"

#include "base/regex_parts.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_ABSENT, STATE_FOUND, STATE_FIRST };
enum { STATES_MAX = 2000, CELLS_MAX = 1 << 16, WORDS = NODES_MAX / 64, INDEX_SIZE = 4096, OCTETS = 256 };

struct regex {
    _Atomic unsigned holders;
    uint16_t first;
    size_t classes;
    uint8_t class_of[OCTETS];
    bool *ends;     /* by state: found, if nothing more comes */
    uint16_t *next; /* by state and class */
    char *text;
};

struct members {
    uint64_t words[WORDS];
};

struct builder {
    struct graph graph;
    struct regex *regex;
    struct members again; /* where a match may begin later */
    struct members *states;
    size_t count;
    uint16_t index[INDEX_SIZE]; /* open addressing; 0: free */
    uint8_t octets[OCTETS];     /* one of each class */
    char *why;
};

/* ---- sets of nodes ---- */

static void add_member(struct members *members, uint16_t node)
{
    members->words[node / 64] |= UINT64_C(1) << node % 64;
}

static bool has_member(const struct members *members, uint16_t node)
{
    return (members->words[node / 64] >> node % 64 & 1) != 0;
}

/* Nodes to be looked at, each once at most. */
struct pile {
    size_t height;
    uint16_t nodes[NODES_MAX];
};

static void push(struct pile *pile, struct members *members, uint16_t node)
{
    if (!has_member(members, node)) {
        add_member(members, node);
        pile->nodes[pile->height++] = node;
    }
}

/* Where one gets from `node` without an octet. */
static void add_reachable(const struct graph *graph, struct members *members, uint16_t node, bool begins,
                          bool ends)
{
    struct pile pile = {.height = 0};
    push(&pile, members, node);
    while (pile.height != 0) {
        const struct node *n = &graph->nodes[pile.nodes[--pile.height]];
        if (n->kind == NODE_EMPTY || n->kind == NODE_SPLIT || (n->kind == NODE_BEGIN && begins) ||
            (n->kind == NODE_END && ends)) {
            push(&pile, members, n->a);
        }
        if (n->kind == NODE_SPLIT) {
            push(&pile, members, n->b);
        }
    }
}

/* What matters of them: nodes that wait for an octet or for the end. */
static bool keep_what_waits(const struct graph *graph, struct members *members)
{
    bool any = false;
    for (uint16_t i = 0; i < graph->count; i++) {
        enum node_kind kind = graph->nodes[i].kind;
        if (has_member(members, i) && kind != NODE_SET && kind != NODE_END && kind != NODE_MATCH) {
            members->words[i / 64] &= ~(UINT64_C(1) << i % 64);
        }
        any |= has_member(members, i);
    }
    return any;
}

/* ---- states ---- */

static uint16_t match_of(const struct builder *b)
{
    return (uint16_t)(b->graph.count - 1);
}

static bool ends_well(const struct builder *b, const struct members *members, bool begins)
{
    struct members reached = {{0}};
    for (uint16_t i = 0; i < b->graph.count; i++) {
        if (b->graph.nodes[i].kind == NODE_END && has_member(members, i)) {
            add_reachable(&b->graph, &reached, b->graph.nodes[i].a, begins, true);
        }
    }
    return has_member(&reached, match_of(b));
}

/* 0: there are too many. `begins`: the first one, which is none of the others. */
static uint16_t find_state(struct builder *b, struct members *members, bool begins)
{
    if (has_member(members, match_of(b))) {
        return STATE_FOUND;
    }
    if (!keep_what_waits(&b->graph, members)) {
        return STATE_ABSENT;
    }
    size_t at = (size_t)hash_finish(hash_bytes(HASH_START, members, sizeof *members)) % INDEX_SIZE;
    for (; !begins && b->index[at] != 0; at = (at + 1) % INDEX_SIZE) {
        if (memcmp(&b->states[b->index[at]], members, sizeof *members) == 0) {
            return b->index[at];
        }
    }
    if (b->count == STATES_MAX || (b->count + 1) * b->regex->classes > CELLS_MAX) {
        snprintf(b->why, REGEX_WHY_SIZE,
                 "found an expression that needs a table of more than %d states or %d cells, expected a "
                 "simpler one",
                 STATES_MAX, CELLS_MAX);
        return STATE_ABSENT;
    }
    b->states[b->count] = *members;
    b->regex->ends[b->count] = ends_well(b, members, begins);
    if (!begins) {
        b->index[at] = (uint16_t)b->count;
    }
    return (uint16_t)b->count++;
}

static uint16_t step(struct builder *b, size_t state, uint8_t octet)
{
    struct members next = b->again;
    for (size_t w = 0; w < WORDS; w++) {
        for (uint64_t word = b->states[state].words[w]; word != 0; word &= word - 1) {
            const struct node *node = &b->graph.nodes[w * 64 + (size_t)__builtin_ctzll(word)];
            if (node->kind == NODE_SET && set_has(node->set, octet)) {
                add_reachable(&b->graph, &next, node->a, false, false);
            }
        }
    }
    return find_state(b, &next, false);
}

/* ---- columns ---- */

static void find_classes(struct builder *b)
{
    struct regex *regex = b->regex;
    regex->classes = 1;
    for (size_t i = 0; i < b->graph.count; i++) {
        uint16_t renamed[2 * OCTETS];
        size_t classes = 0;
        memset(renamed, 0xff, sizeof renamed);
        for (unsigned o = 0; b->graph.nodes[i].kind == NODE_SET && o < OCTETS; o++) {
            uint16_t *to = &renamed[2 * regex->class_of[o] + set_has(b->graph.nodes[i].set, o)];
            *to = *to == UINT16_MAX ? (uint16_t)classes++ : *to;
            regex->class_of[o] = (uint8_t)*to;
        }
        regex->classes = classes > regex->classes ? classes : regex->classes;
    }
    for (unsigned o = 0; o < OCTETS; o++) {
        b->octets[regex->class_of[o]] = (uint8_t)o;
    }
}

static void build(struct builder *b)
{
    struct regex *regex = b->regex;
    struct members first = {{0}};
    find_classes(b);
    size_t states = CELLS_MAX / regex->classes < STATES_MAX ? CELLS_MAX / regex->classes : STATES_MAX;
    regex->next = memory_alloc_array(states * regex->classes, sizeof *regex->next);
    regex->ends = memory_alloc_array(states, sizeof *regex->ends);
    b->states = memory_alloc_array(states, sizeof *b->states);
    b->count = STATE_FIRST;
    regex->ends[STATE_FOUND] = true;
    for (size_t c = 0; c < regex->classes; c++) {
        regex->next[STATE_FOUND * regex->classes + c] = STATE_FOUND;
    }
    add_reachable(&b->graph, &b->again, b->graph.start, false, false);
    add_reachable(&b->graph, &first, b->graph.start, true, false);
    regex->first = find_state(b, &first, true);
    for (size_t s = STATE_FIRST; s < b->count && b->why[0] == '\0'; s++) {
        for (size_t c = 0; c < regex->classes && b->why[0] == '\0'; c++) {
            regex->next[s * regex->classes + c] = step(b, s, b->octets[c]);
        }
    }
    regex->next = memory_resize(regex->next, b->count * regex->classes, sizeof *regex->next);
    regex->ends = memory_resize(regex->ends, b->count, sizeof *regex->ends);
    free(b->states);
}

/* ---- life ---- */

struct regex *regex_new(const char *pattern, char why[REGEX_WHY_SIZE])
{
    struct builder *b = memory_alloc(sizeof *b);
    why[0] = '\0';
    b->why = why;
    b->graph.nodes = memory_alloc_array(NODES_MAX, sizeof *b->graph.nodes);
    b->regex = memory_alloc(sizeof *b->regex);
    atomic_init(&b->regex->holders, 1);
    struct regex *regex = b->regex;
    regex->text = memory_copy_text(pattern);
    if (strlen(pattern) > REGEX_LEN_MAX) {
        snprintf(why, REGEX_WHY_SIZE, "found %zu octets, expected at most %d", strlen(pattern),
                 REGEX_LEN_MAX);
    } else if (regex_parse(pattern, &b->graph, why)) {
        build(b);
    }
    free(b->graph.nodes);
    free(b);
    if (why[0] != '\0') {
        regex_drop(regex);
        return NULL;
    }
    return regex;
}

struct regex *regex_hold(struct regex *regex)
{
    if (regex != NULL) {
        atomic_fetch_add_explicit(&regex->holders, 1, memory_order_relaxed);
    }
    return regex;
}

void regex_drop(struct regex *regex)
{
    if (regex != NULL && atomic_fetch_sub_explicit(&regex->holders, 1, memory_order_acq_rel) == 1) {
        free(regex->next);
        free(regex->ends);
        free(regex->text);
        free(regex);
    }
}

const char *regex_get_text(const struct regex *regex)
{
    return regex->text;
}

/* ---- looking ---- */

static enum regex_progress judge(const struct regex_scan *scan)
{
    return scan->state == STATE_FOUND ? REGEX_FOUND : scan->state == STATE_ABSENT ? REGEX_ABSENT : REGEX_MORE;
}

enum regex_progress regex_begin(const struct regex *regex, struct regex_scan *scan)
{
    scan->state = regex->first;
    return judge(scan);
}

enum regex_progress regex_feed(const struct regex *regex, struct regex_scan *scan, const uint8_t *octets,
                               size_t len)
{
    size_t state = scan->state;
    for (size_t i = 0; i < len && state >= STATE_FIRST; i++) {
        state = regex->next[state * regex->classes + regex->class_of[octets[i]]];
    }
    scan->state = (uint16_t)state;
    return judge(scan);
}

bool regex_end(const struct regex *regex, const struct regex_scan *scan)
{
    return regex->ends[scan->state];
}

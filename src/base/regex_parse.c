/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the text of a regular expression to a graph. What was read last lies at the end of the nodes, so it is
 * repeated by copying them. */
#include "config.h"

#include "base/regex_parts.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32, TIMES_MAX = 255, NO_LIMIT = -1 };

/* Nodes from `from` to the last one; the `a` of `end` is open. */
struct piece {
    size_t from;
    uint16_t start, end;
};

struct level {
    size_t from;
    struct piece choice, sequence, last;
    bool has_choice, has_last, can_repeat;
};

struct parser {
    const char *text, *at;
    struct graph *graph;
    char *why;
    bool failed;
    size_t depth;
    struct level levels[DEPTH_MAX];
};

static void fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct parser *p, const char *format, ...)
{
    va_list arguments;
    if (p->failed) {
        return;
    }
    p->failed = true;
    va_start(arguments, format);
    vsnprintf(p->why, REGEX_WHY_SIZE, format, arguments);
    va_end(arguments);
}

static int place(const struct parser *p)
{
    return (int)(p->at - p->text) + 1;
}

/* ---- nodes ---- */

static uint16_t add_node(struct parser *p, enum node_kind kind, uint16_t a, uint16_t b)
{
    if (p->graph->count == NODES_MAX) {
        fail(p, "found more than %d octets, sets and repetitions when those of {n,m} are written out",
             NODES_MAX);
        return 0;
    }
    p->graph->nodes[p->graph->count] = (struct node){.kind = kind, .a = a, .b = b};
    return (uint16_t)p->graph->count++;
}

static struct node *node_of(struct parser *p, uint16_t index)
{
    return &p->graph->nodes[index];
}

static struct piece add_empty(struct parser *p)
{
    size_t from = p->graph->count;
    uint16_t node = add_node(p, NODE_EMPTY, 0, 0);
    return (struct piece){.from = from, .start = node, .end = node};
}

static void join(struct parser *p, struct piece *first, const struct piece *second)
{
    node_of(p, first->end)->a = second->start;
    first->end = second->end;
}

static struct level *level_of(struct parser *p)
{
    return &p->levels[p->depth];
}

static void open_level(struct parser *p)
{
    struct level *level = level_of(p);
    *level = (struct level){.from = p->graph->count};
    level->sequence = add_empty(p);
}

static void take_last(struct parser *p)
{
    struct level *level = level_of(p);
    if (level->has_last) {
        join(p, &level->sequence, &level->last);
        level->has_last = false;
    }
}

static void put(struct parser *p, struct piece piece, bool can_repeat)
{
    struct level *level = level_of(p);
    take_last(p);
    level->last = piece;
    level->has_last = true;
    level->can_repeat = can_repeat;
}

static void put_node(struct parser *p, enum node_kind kind)
{
    size_t from = p->graph->count;
    uint16_t node = add_node(p, kind, 0, 0);
    put(p, (struct piece){.from = from, .start = node, .end = node}, kind == NODE_SET);
}

/* ---- alternatives and groups ---- */

static void end_alternative(struct parser *p)
{
    struct level *level = level_of(p);
    take_last(p);
    if (level->has_choice) {
        uint16_t split = add_node(p, NODE_SPLIT, level->choice.start, level->sequence.start);
        uint16_t end = add_node(p, NODE_EMPTY, 0, 0);
        node_of(p, level->choice.end)->a = end;
        node_of(p, level->sequence.end)->a = end;
        level->choice = (struct piece){.start = split, .end = end};
    } else {
        level->choice = level->sequence;
        level->has_choice = true;
    }
    level->choice.from = level->from;
}

static void open_group(struct parser *p)
{
    if (p->depth + 1 == DEPTH_MAX) {
        fail(p, "found \"(\" within %d others at character %d, expected less of them", DEPTH_MAX - 1,
             place(p));
        return;
    }
    p->at += p->at[1] == '?' && p->at[2] == ':' ? 2 : 0;
    take_last(p);
    p->depth++;
    open_level(p);
}

static void close_group(struct parser *p)
{
    if (p->depth == 0) {
        fail(p, "found \")\" at character %d, with no \"(\" before it", place(p));
        return;
    }
    end_alternative(p);
    struct piece group = level_of(p)->choice;
    p->depth--;
    put(p, group, true);
}

/* ---- repetition ---- */

static void repeat(struct parser *p, struct piece *piece, char sign)
{
    uint16_t split = add_node(p, NODE_SPLIT, piece->start, 0), end = add_node(p, NODE_EMPTY, 0, 0);
    node_of(p, split)->b = end;
    node_of(p, piece->end)->a = sign == '?' ? end : split;
    piece->start = sign == '+' ? piece->start : split;
    piece->end = end;
}

/* The nodes of the piece once more. */
static struct piece copy(struct parser *p, const struct piece *piece, size_t len)
{
    size_t from = p->graph->count, by = from - piece->from;
    for (size_t i = piece->from; i < piece->from + len && !p->failed; i++) {
        struct node *node = node_of(p, add_node(p, NODE_EMPTY, 0, 0));
        *node = p->graph->nodes[i];
        node->a = (uint16_t)(node->a + by);
        node->b = (uint16_t)(node->b + by);
    }
    return (struct piece){
        .from = from, .start = (uint16_t)(piece->start + by), .end = (uint16_t)(piece->end + by)};
}

static void repeat_times(struct parser *p, struct piece *piece, int least, int most)
{
    size_t len = p->graph->count - piece->from;
    int copies = most == NO_LIMIT ? (least == 0 ? 1 : least) : most;
    if (most == 0) {
        p->graph->count = piece->from;
        *piece = add_empty(p);
        return;
    }
    struct piece pieces[TIMES_MAX], all = *piece;
    pieces[0] = *piece;
    for (int i = 1; i < copies && !p->failed; i++) {
        pieces[i] = copy(p, piece, len);
    }
    for (int i = 0; i < copies && !p->failed; i++) {
        if (most == NO_LIMIT && i == copies - 1) {
            repeat(p, &pieces[i], least == 0 ? '*' : '+');
        } else if (i >= least) {
            repeat(p, &pieces[i], '?');
        }
        if (i == 0) {
            all = pieces[0];
        } else {
            join(p, &all, &pieces[i]);
        }
    }
    *piece = (struct piece){.from = piece->from, .start = all.start, .end = all.end};
}

static bool read_count(const char **at, int *value)
{
    *value = 0;
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    for (; isdigit((unsigned char)**at) && *value <= TIMES_MAX; (*at)++) {
        *value = *value * 10 + (**at - '0');
    }
    return *value <= TIMES_MAX;
}

static void read_times(struct parser *p)
{
    const char *at = p->at + 1;
    int least, most = 0;
    bool good = read_count(&at, &least);
    if (good && *at == ',') {
        at++;
        most = NO_LIMIT;
        good = *at == '}' || read_count(&at, &most);
    } else {
        most = least;
    }
    if (!good || *at != '}' || (most != NO_LIMIT && most < least)) {
        fail(p, "found \"{\" at character %d, expected {n}, {n,} or {n,m} with 0 <= n <= m <= %d, or \"\\{\"",
             place(p), TIMES_MAX);
        return;
    }
    p->at = at;
    repeat_times(p, &level_of(p)->last, least, most);
}

static void read_repetition(struct parser *p)
{
    struct level *level = level_of(p);
    if (!level->has_last || !level->can_repeat) {
        fail(p, "found \"%c\" at character %d, with nothing to repeat before it", *p->at, place(p));
    } else if (*p->at == '{') {
        read_times(p);
    } else {
        repeat(p, &level->last, *p->at);
    }
}

/* ---- sets ---- */

static void add_range(uint64_t set[SET_WORDS], unsigned low, unsigned high)
{
    for (unsigned i = low; i <= high; i++) {
        set[i / 64] |= UINT64_C(1) << i % 64;
    }
}

static void invert(uint64_t set[SET_WORDS])
{
    for (size_t i = 0; i < SET_WORDS; i++) {
        set[i] = ~set[i];
    }
}

static void add_text(uint64_t set[SET_WORDS], const char *octets)
{
    for (; *octets != '\0'; octets++) {
        add_range(set, (unsigned char)*octets, (unsigned char)*octets);
    }
}

static void add_members(uint64_t set[SET_WORDS], char class)
{
    switch (class) {
    case 'd': add_range(set, '0', '9'); break;
    case 's': add_text(set, " \t\n\v\f\r"); break;
    default: /* w */
        add_range(set, '0', '9');
        add_range(set, 'A', 'Z');
        add_range(set, 'a', 'z');
        add_text(set, "_");
        break;
    }
}

/* Behind "\": adds to the set. Returns the octet, or -1 where it stands for several. */
static int read_escape(struct parser *p, uint64_t set[SET_WORDS])
{
    static const char from[] = "nrt", to[] = "\n\r\t";
    unsigned char c = (unsigned char)*++p->at;
    const char *known = c == '\0' ? NULL : strchr(from, c);
    if (known != NULL) {
        c = (unsigned char)to[known - from];
    } else if (c != '\0' && strchr("dswDSW", c) != NULL) {
        uint64_t class[SET_WORDS] = {0};
        add_members(class, (char)tolower(c));
        if (isupper(c)) {
            invert(class);
        }
        for (size_t i = 0; i < SET_WORDS; i++) {
            set[i] |= class[i];
        }
        return -1;
    } else if (c == '\0' || isalnum(c) || c >= 0x80) {
        fail(p, "found \"\\\" at character %d, expected one of d w s D W S n r t or punctuation behind it",
             place(p) - 1);
        p->at -= c == '\0';
        return -1;
    }
    add_range(set, c, c);
    return c;
}

static bool read_class(struct parser *p, uint64_t set[SET_WORDS])
{
    static const struct {
        const char *name;
        int (*has)(int);
    } classes[] = {{"[:alnum:]", isalnum}, {"[:alpha:]", isalpha}, {"[:blank:]", isblank},
                   {"[:cntrl:]", iscntrl}, {"[:digit:]", isdigit}, {"[:graph:]", isgraph},
                   {"[:lower:]", islower}, {"[:print:]", isprint}, {"[:punct:]", ispunct},
                   {"[:space:]", isspace}, {"[:upper:]", isupper}, {"[:xdigit:]", isxdigit}};
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t len = strlen(classes[i].name);
        if (strncmp(p->at, classes[i].name, len) == 0) {
            for (unsigned c = 0; c < 0x80; c++) {
                if (classes[i].has((int)c)) {
                    add_range(set, c, c);
                }
            }
            p->at += len - 1;
            return true;
        }
    }
    return false;
}

/* One octet of a set, or -1: several. */
static int read_member(struct parser *p, uint64_t set[SET_WORDS])
{
    unsigned char c = (unsigned char)*p->at;
    if (c == '\\') {
        return read_escape(p, set);
    }
    if (c == '[' && (p->at[1] == ':' || p->at[1] == '.' || p->at[1] == '=')) {
        if (!read_class(p, set)) {
            fail(p, "found \"[%c\" at character %d, expected [:alpha:], [:digit:] or another known class",
                 p->at[1], place(p));
        }
        return -1;
    }
    if (c >= 0x80) {
        fail(p, "found a character at %d that is no ASCII, which a set cannot hold: write (a|b)", place(p));
    }
    add_range(set, c, c);
    return c;
}

/* At its "[". */
static void read_set(struct parser *p)
{
    uint64_t set[SET_WORDS] = {0};
    int opened = place(p);
    bool inverted = p->at[1] == '^', is_first = true;
    p->at += inverted ? 2 : 1;
    for (; !p->failed && (*p->at != ']' || is_first) && *p->at != '\0'; p->at++, is_first = false) {
        int low = read_member(p, set), from = place(p);
        if (low != -1 && p->at[1] == '-' && p->at[2] != ']' && p->at[2] != '\0') {
            uint64_t ignored[SET_WORDS] = {0};
            p->at += 2;
            int high = read_member(p, ignored);
            if (high < low) {
                fail(p, "found a range at character %d that ends before it begins", from);
                return;
            }
            add_range(set, (unsigned)low, (unsigned)high);
        }
    }
    if (p->failed) {
        return;
    }
    if (*p->at != ']') {
        fail(p, "found \"[\" at character %d, with no \"]\" behind it", opened);
        return;
    }
    if (inverted) {
        invert(set);
    }
    put_node(p, NODE_SET);
    memcpy(node_of(p, level_of(p)->last.start)->set, set, sizeof set);
}

/* ---- the whole ---- */

static void read_octet(struct parser *p)
{
    uint64_t set[SET_WORDS] = {0};
    if (*p->at == '\\') {
        (void)read_escape(p, set);
    } else if (*p->at == '.') {
        invert(set);
    } else {
        add_range(set, (unsigned char)*p->at, (unsigned char)*p->at);
    }
    put_node(p, NODE_SET);
    memcpy(node_of(p, level_of(p)->last.start)->set, set, sizeof set);
}

/* A character of UTF-8 is repeated as a whole. */
static void read_character(struct parser *p)
{
    read_octet(p);
    struct piece all = level_of(p)->last;
    for (; (*p->at & 0x80) != 0 && (p->at[1] & 0xc0) == 0x80; p->at++) {
        size_t from = p->graph->count;
        uint16_t node = add_node(p, NODE_SET, 0, 0);
        add_range(node_of(p, node)->set, (unsigned char)p->at[1], (unsigned char)p->at[1]);
        join(p, &all, &(struct piece){.from = from, .start = node, .end = node});
    }
    level_of(p)->last = all;
}

static void read_one(struct parser *p)
{
    switch (*p->at) {
    case '(': open_group(p); break;
    case ')': close_group(p); break;
    case '|':
        end_alternative(p);
        level_of(p)->sequence = add_empty(p);
        break;
    case '*':
    case '+':
    case '?':
    case '{': read_repetition(p); break;
    case '^': put_node(p, NODE_BEGIN); break;
    case '$': put_node(p, NODE_END); break;
    case '[': read_set(p); break;
    default: read_character(p); break;
    }
}

bool regex_parse(const char *pattern, struct graph *graph, char why[REGEX_WHY_SIZE])
{
    struct parser p = {.text = pattern, .at = pattern, .graph = graph, .why = why};
    graph->count = 0;
    open_level(&p);
    for (; !p.failed && *p.at != '\0'; p.at++) {
        read_one(&p);
    }
    if (p.depth != 0) {
        fail(&p, "found \"(\" without \")\", expected as many of both");
    }
    end_alternative(&p);
    graph->start = level_of(&p)->choice.start;
    uint16_t match = add_node(&p, NODE_MATCH, 0, 0);
    node_of(&p, level_of(&p)->choice.end)->a = match;
    return !p.failed;
}

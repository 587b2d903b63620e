/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_questions.h. */
#include "config.h"

#include "operate/switchover_questions.h"

#include "dns/name.h"
#include "dns/types.h"
#include "operate/message.h"
#include "operate/operate.h"

#include <stdlib.h>
#include <string.h>

struct question {
    const char *owner;
    uint16_t type;
    uint8_t name[DNS_NAME_MAX];
    size_t name_len;
    bool is_answered;
};

struct switchover_questions {
    struct arena *arena;
    struct question *items;
    size_t count;
    struct addr *inside; /* sorted */
    size_t inside_count;
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct addr));
}

/* ---- who may not be in any answer ---- */

static void add_address(struct switchover_questions *to, const struct addr *address)
{
    struct addr *item = &to->inside[to->inside_count];
    if (address->family != ADDR_NONE) {
        memset(item, 0, sizeof *item); /* padding is compared, too */
        item->family = address->family;
        memcpy(item->bytes, address->bytes, addr_len(address));
        to->inside_count++;
    }
}

static void gather_addresses(struct switchover_questions *to, const struct view *view, const bool *inside)
{
    size_t count = view->topology->endpoint_count;
    to->inside = arena_alloc(to->arena, (2 * count + 1) * sizeof *to->inside);
    for (size_t i = 0; i < count; i++) {
        if (inside[i]) {
            add_address(to, &view->topology->endpoints[i].v4);
            add_address(to, &view->topology->endpoints[i].v6);
        }
    }
    qsort(to->inside, to->inside_count, sizeof *to->inside, compare);
}

/* Who has an address outside as well is told apart by nobody. */
static void forget_shared(struct switchover_questions *to, const struct view *view, const bool *inside)
{
    for (size_t i = 0; i < view->topology->endpoint_count; i++) {
        const struct addr *both[] = {&view->topology->endpoints[i].v4, &view->topology->endpoints[i].v6};
        for (int f = 0; f < 2 && !inside[i]; f++) {
            struct addr key;
            memset(&key, 0, sizeof key);
            key.family = both[f]->family;
            memcpy(key.bytes, both[f]->bytes, addr_len(both[f]));
            struct addr *found = bsearch(&key, to->inside, to->inside_count, sizeof key, compare);
            if (found != NULL) {
                memmove(found, found + 1, (size_t)(to->inside + --to->inside_count - found) * sizeof *found);
            }
        }
    }
}

/* ---- questions ---- */

static void add_question(struct switchover_questions *to, const struct view_name *name, uint16_t type)
{
    struct question *item = &to->items[to->count];
    bool is_wildcard = name->owner[0] == '*' && name->owner[1] == '.';
    const char *owner =
        is_wildcard ? arena_print(to->arena, "steerd-verify%s", name->owner + 1) : name->owner;
    *item = (struct question){.owner = owner, .type = type};
    int len = dns_name_parse(owner, NULL, item->name);
    if (len > 0) {
        item->name_len = (size_t)len;
        to->count++;
    }
}

struct switchover_questions *switchover_ask_questions(const struct switchover *switchover,
                                                      const struct view *view, struct arena *arena)
{
    struct switchover_questions *made = arena_alloc(arena, sizeof *made);
    const bool *inside = switchover_mark_endpoints(switchover, view, arena);
    const bool *touched = switchover_mark_policies(view, inside, switchover->names, arena);
    *made = (struct switchover_questions){.arena = arena};
    made->items = arena_alloc(arena, SWITCHOVER_QUESTIONS_MAX * sizeof *made->items);
    gather_addresses(made, view, inside);
    forget_shared(made, view, inside);
    size_t names = 0, at = 0;
    for (size_t i = 0; i < view->name_count; i++) {
        names += touched[view->names[i].policy];
    }
    size_t every = names * 2 / SWITCHOVER_QUESTIONS_MAX + 1;
    for (size_t i = 0; i < view->name_count && made->count + 2 <= SWITCHOVER_QUESTIONS_MAX; i++) {
        if (touched[view->names[i].policy] && at++ % every == 0) {
            add_question(made, &view->names[i], DNS_TYPE_A);
            add_question(made, &view->names[i], DNS_TYPE_AAAA);
        }
    }
    return made;
}

size_t switchover_count_questions(const struct switchover_questions *questions)
{
    return questions->count;
}

size_t switchover_write_question(const struct switchover_questions *questions, size_t index,
                                 uint8_t out[SWITCHOVER_QUERY_MAX])
{
    const struct question *item = &questions->items[index];
    const struct message_question ask = {.name = item->name, .name_len = item->name_len, .type = item->type};
    size_t len = message_write_query(&ask, out);
    out[0] = (uint8_t)(index >> 8);
    out[1] = (uint8_t)index;
    return len;
}

/* ---- replies ---- */

static bool is_inside(const struct switchover_questions *questions, const char *record)
{
    const char *last = strrchr(record, ' ');
    struct addr parsed, key;
    if (last == NULL || addr_parse(last + 1, &parsed) != 0) {
        return false; /* a CNAME, whose end is looked at by itself */
    }
    memset(&key, 0, sizeof key);
    key.family = parsed.family;
    memcpy(key.bytes, parsed.bytes, addr_len(&parsed));
    return bsearch(&key, questions->inside, questions->inside_count, sizeof key, compare) != NULL;
}

enum switchover_reply switchover_read_reply(struct switchover_questions *questions, const uint8_t *bytes,
                                            size_t len, const char **seen)
{
    size_t id = len < DNS_HEADER_SIZE ? SIZE_MAX : (size_t)bytes[0] << 8 | bytes[1];
    struct message_text text;
    if (id >= questions->count || questions->items[id].is_answered || (bytes[2] & 0x80) == 0) {
        return SWITCHOVER_REPLY_NONE;
    }
    struct question *item = &questions->items[id];
    item->is_answered = true;
    message_read(bytes, len, questions->arena, &text);
    if (text.rcode != 0) {
        *seen = arena_print(questions->arena, "%s is answered with error %u", item->owner, text.rcode);
        return SWITCHOVER_REPLY_FAILED;
    }
    for (size_t i = 0; i < text.answer_count; i++) {
        if (is_inside(questions, text.answers[i])) {
            *seen = arena_copy_text(questions->arena, text.answers[i]);
            return SWITCHOVER_REPLY_THERE;
        }
    }
    return SWITCHOVER_REPLY_ELSEWHERE;
}

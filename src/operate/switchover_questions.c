/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_questions.h. */
#include "config.h"

#include "operate/switchover_questions.h"

#include "dns/name.h"
#include "dns/types.h"
#include "operate/message.h"
#include "operate/operate.h"
#include "operate/switchover_inside.h"

#include <string.h>

struct question {
    const char *owner, *class_label; /* NULL: whoever asks, without a client */
    uint16_t type;
    struct addr client;
    uint8_t name[DNS_NAME_MAX];
    size_t name_len;
};

/* A client of each class of a policy. */
struct clients {
    const struct geo_tree *tree; /* that they were found in; NULL: none yet */
    struct addr *items;
    size_t count;
};

struct switchover_questions {
    struct arena *arena;
    struct question *items;
    size_t count, names, classes;
    struct clients clients;
    struct switchover_inside inside;
};

/* ---- clients ---- */

/* Policies that follow each other mostly have the same tree. */
static void find_clients(struct switchover_questions *to, const struct steer_policy *policy)
{
    struct clients *clients = &to->clients;
    if (clients->tree != policy->geo || clients->count != policy->class_count) {
        clients->tree = policy->geo;
        clients->count = policy->class_count;
        clients->items = arena_alloc(to->arena, clients->count * sizeof *clients->items);
        geo_find_examples(policy->geo, clients->items, clients->count);
    }
}

/* ---- questions ---- */

static void add_question(struct switchover_questions *to, const struct question *question)
{
    if (to->count < SWITCHOVER_QUESTIONS_MAX) {
        to->items[to->count++] = *question;
    }
}

static void add_types(struct switchover_questions *to, struct question *question)
{
    static const uint16_t types[] = {DNS_TYPE_A, DNS_TYPE_AAAA};
    to->classes++;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        question->type = types[i];
        add_question(to, question);
    }
}

/* Classes after the first, which is that of whoever asks without saying for whom. */
static void add_classes(struct switchover_questions *to, const struct steer_policy *policy,
                        struct question *question)
{
    size_t every = (policy->class_count - 1u) / SWITCHOVER_CLASSES_MAX + 1;
    find_clients(to, policy);
    for (size_t i = 0; i < policy->class_count; i += every) {
        if (to->clients.items[i].family != ADDR_NONE) {
            question->client = to->clients.items[i];
            question->class_label = policy->classes[i].label;
            add_types(to, question);
        }
    }
}

static void add_name(struct switchover_questions *to, const struct view *view, const struct view_name *name)
{
    const struct steer_policy *policy = steer_set_get(view->steer, name->policy);
    bool is_wildcard = name->owner[0] == '*' && name->owner[1] == '.';
    const char *owner =
        is_wildcard ? arena_print(to->arena, "steerd-verify%s", name->owner + 1) : name->owner;
    struct question question = {.owner = owner};
    int len = dns_name_parse(owner, NULL, question.name);
    if (len > 0) {
        question.name_len = (size_t)len;
        to->names++;
        add_types(to, &question);
        if (policy->geo != NULL) {
            add_classes(to, policy, &question);
        }
    }
}

/* How many questions a name makes. */
static size_t count_questions(const struct view *view, const struct view_name *name)
{
    const struct steer_policy *policy = steer_set_get(view->steer, name->policy);
    size_t classes = policy->geo == NULL                            ? 0
                     : policy->class_count > SWITCHOVER_CLASSES_MAX ? SWITCHOVER_CLASSES_MAX
                                                                    : policy->class_count;
    return 2 * (1 + classes);
}

struct switchover_questions *switchover_ask_questions(const struct switchover *switchover,
                                                      const struct view *view, struct arena *arena)
{
    struct switchover_questions *made = arena_alloc(arena, sizeof *made);
    const bool *inside = switchover_mark_endpoints(switchover, view, arena);
    const bool *touched = switchover_mark_policies(view, inside, switchover->names, arena);
    const struct view_name **asked = arena_alloc(arena, SWITCHOVER_QUESTIONS_MAX * sizeof *asked);
    *made = (struct switchover_questions){.arena = arena};
    made->items = arena_alloc(arena, SWITCHOVER_QUESTIONS_MAX * sizeof *made->items);
    size_t questions = 0, at = 0;
    for (size_t i = 0; i < view->name_count; i++) {
        questions += touched[view->names[i].policy] ? count_questions(view, &view->names[i]) : 0;
    }
    size_t every = questions == 0 ? 1 : (questions - 1) / SWITCHOVER_QUESTIONS_MAX + 1;
    for (size_t i = 0; i < view->name_count && made->count < SWITCHOVER_QUESTIONS_MAX; i++) {
        if (touched[view->names[i].policy] && at++ % every == 0) {
            asked[made->names] = &view->names[i];
            add_name(made, view, &view->names[i]);
        }
    }
    switchover_gather_inside(view, inside, asked, made->names, arena, &made->inside);
    return made;
}

size_t switchover_count_questions(const struct switchover_questions *questions)
{
    return questions->count;
}

size_t switchover_count_asked_names(const struct switchover_questions *questions)
{
    return questions->names;
}

size_t switchover_count_asked_classes(const struct switchover_questions *questions)
{
    return questions->classes;
}

size_t switchover_write_question(const struct switchover_questions *questions, size_t index,
                                 uint8_t out[SWITCHOVER_QUERY_MAX])
{
    const struct question *item = &questions->items[index];
    const struct message_question ask = {.name = item->name,
                                         .name_len = item->name_len,
                                         .type = item->type,
                                         .client = item->class_label == NULL ? NULL : &item->client};
    size_t len = message_write_query(&ask, out);
    out[0] = (uint8_t)(index >> 8);
    out[1] = (uint8_t)index;
    return len;
}

/* ---- replies ---- */

/* "", " for a client of geo[0] (192.0.2.1)" */
static const char *tell_client(const struct switchover_questions *questions, const struct question *item)
{
    char client[ADDR_TEXT_SIZE];
    return item->class_label == NULL ? ""
                                     : arena_print(questions->arena, " for a client of %s (%s)",
                                                   item->class_label, addr_write(&item->client, client));
}

enum switchover_reply switchover_read_reply(struct switchover_questions *questions, const uint8_t *bytes,
                                            size_t len, size_t *index, const char **seen)
{
    enum { IS_REPLY = 0x80, IS_CUT = 0x02 };
    struct message_text text;
    *index = len < DNS_HEADER_SIZE ? SIZE_MAX : (size_t)bytes[0] << 8 | bytes[1];
    if (*index >= questions->count || (bytes[2] & IS_REPLY) == 0) {
        return SWITCHOVER_REPLY_NONE;
    }
    const struct question *item = &questions->items[*index];
    message_read(bytes, len, questions->arena, &text);
    if (text.rcode != 0) {
        *seen = arena_print(questions->arena, "%s is answered with error %u%s", item->owner, text.rcode,
                            tell_client(questions, item));
        return SWITCHOVER_REPLY_FAILED;
    }
    for (size_t i = 0; i < text.answer_count; i++) {
        if (switchover_leads_inside(&questions->inside, text.answers[i])) {
            *seen = arena_print(questions->arena, "%s%s", text.answers[i], tell_client(questions, item));
            return SWITCHOVER_REPLY_THERE;
        }
    }
    return (bytes[2] & IS_CUT) != 0 ? SWITCHOVER_REPLY_CUT : SWITCHOVER_REPLY_ELSEWHERE;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Body of POST /v1/drills with "mode": "shadow" or "live". */
#include "config.h"

#include "admin/request_inside.h"
#include "conf/value.h"
#include "base/error.h"
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DURATION_MS = 5 * 60 * 1000,
    ALL = 100,
    /* What is wider is no shadow drill's, but everybody. */
    V4_LEAST = 8,
    V6_LEAST = 16
};

static bool has_mode(const json_t *body, const char *text)
{
    const char *mode = json_string_value(json_object_get(body, "mode"));
    return mode != NULL && strcmp(mode, text) == 0;
}

bool request_is_shadow(const char *text, size_t len)
{
    json_t *body = text == NULL ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    bool is = has_mode(body, "shadow") || has_mode(body, "live");
    json_decref(body);
    return is;
}

bool request_is_live(const char *text, size_t len)
{
    json_t *body = text == NULL ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    bool is = has_mode(body, "live");
    json_decref(body);
    return is;
}

static void check_losses(const json_t *body, struct request_shadow *wanted, struct problem *problem)
{
    struct request_texts texts = {.count = 0};
    if (request_get_texts(body, "lose", ADMIN_SHADOW_LOSSES_MAX, &texts, problem) && texts.count == 0) {
        problem_add_field(problem, "lose", "required: what is lost, such as region:us-east");
    }
    memcpy(wanted->losses, texts.items, texts.count * sizeof *texts.items);
    wanted->order.losses = wanted->losses;
    wanted->order.loss_count = texts.count;
}

static void add_prefix(const char *text, const char *field, struct addr_prefix *to, struct problem *problem)
{
    int error = addr_parse_prefix(text, to);
    unsigned least = error == 0 && to->addr.family == ADDR_V6 ? V6_LEAST : V4_LEAST;
    if (error == ERROR_INVALID) {
        problem_add_field(problem, field, "found \"%.60s\", whose bits behind the prefix are not all 0",
                          text);
    } else if (error != 0) {
        problem_add_field(problem, field, "found \"%.60s\", expected a prefix such as 192.0.2.0/24", text);
    } else if (to->len < least) {
        problem_add_field(problem, field,
                          "found \"%.60s\", expected /%u at the least: that would be everybody", text, least);
    }
}

static size_t check_prefixes(const json_t *clients, const char *at, const char *key,
                             struct addr_prefix prefixes[ADMIN_SHADOW_PREFIXES_MAX], struct problem *problem)
{
    struct request_texts texts = {.count = 0};
    if (!request_get_texts(clients, key, ADMIN_SHADOW_PREFIXES_MAX, &texts, problem)) {
        return 0;
    }
    const char *field = arena_print(problem->arena, "%s.%s", at, key);
    for (size_t i = 0; i < texts.count; i++) {
        add_prefix(texts.items[i], field, &prefixes[i], problem);
        for (size_t before = 0; before < i && !problem_is_set(problem); before++) {
            if (addr_in_prefix(&prefixes[i].addr, &prefixes[before]) ||
                addr_in_prefix(&prefixes[before].addr, &prefixes[i])) {
                problem_add_field(problem, field, "found \"%.60s\" within another one", texts.items[i]);
            }
        }
    }
    return texts.count;
}

static size_t check_listen(const json_t *clients, const char *at,
                           struct addr_port listen[ADMIN_SHADOW_LISTEN_MAX], struct problem *problem)
{
    struct request_texts texts = {.count = 0};
    if (!request_get_texts(clients, "listen", ADMIN_SHADOW_LISTEN_MAX, &texts, problem)) {
        return 0;
    }
    const char *field = arena_print(problem->arena, "%s.listen", at);
    for (size_t i = 0; i < texts.count; i++) {
        if (addr_parse_port(texts.items[i], &listen[i]) != 0) {
            problem_add_field(problem, field,
                              "found \"%.60s\", expected a listen address such as 192.0.2.1:5301",
                              texts.items[i]);
        }
    }
    return texts.count;
}

/* at: the member of the body, or of the document. */
static void check_clients(json_t *clients, const char *at, struct admin_shadow_clients *to,
                          struct problem *problem)
{
    static const char *const known[] = {"prefixes", "ecs", "listen", "tsig_key", NULL};
    if (!json_is_object(clients)) {
        problem_add_field(problem, at, "required: an object with prefixes, ecs, listen or tsig_key");
        return;
    }
    request_reject_unknown(clients, known, problem);
    to->source_count = check_prefixes(clients, at, "prefixes", to->sources, problem);
    to->subnet_count = check_prefixes(clients, at, "ecs", to->subnets, problem);
    to->listen_count = check_listen(clients, at, to->listen, problem);
    to->key = arena_copy_text(problem->arena, request_get_text(clients, "tsig_key", problem));
    if (to->source_count == 0 && to->subnet_count == 0 && to->listen_count == 0 && to->key == NULL &&
        !problem_is_set(problem)) {
        problem_add_field(problem, at, "found none: nobody would see the drill");
    }
}

static void check_duration(const json_t *body, int64_t *duration_ms, struct problem *problem)
{
    const char *text = request_get_text(body, "duration", problem);
    *duration_ms = DURATION_MS;
    if (text != NULL && (when_parse_duration(text, duration_ms) != 0 || *duration_ms < ADMIN_SHADOW_MIN_MS ||
                         *duration_ms > ADMIN_SHADOW_MAX_MS)) {
        problem_add_field(problem, "duration", "found \"%.50s\", expected a duration from 1s to 1h", text);
    }
}

static const char *check_failure(const json_t *body, struct problem *problem)
{
    const char *text = request_get_text(body, "failure", problem);
    if (text != NULL && strcmp(text, "timeout") != 0 && strcmp(text, "refused") != 0) {
        problem_add_field(problem, "failure", "found \"%.50s\", expected timeout or refused", text);
    }
    return text != NULL && strcmp(text, "refused") == 0 ? "refused" : "timeout";
}

/* The short form. */
static void check_short_form(json_t *body, struct request_shadow *wanted, struct problem *problem)
{
    static const char *const known[] = {"mode",     "lose",   "failure", "clients",
                                        "duration", "reason", "actor",   NULL};
    request_reject_unknown(body, known, problem);
    check_losses(body, wanted, problem);
    check_clients(json_object_get(body, "clients"), "clients", &wanted->order.clients, problem);
    check_duration(body, &wanted->order.duration_ms, problem);
    wanted->order.failure = check_failure(body, problem);
}

static size_t count_texts(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : 1;
}

/* A text, or a list of such. */
static void add_places(const json_t *value, const char **places, struct admin_shadow_order *order,
                       struct problem *problem)
{
    for (size_t i = 0; i < count_texts(value); i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (json_is_string(item)) {
            places[order->loss_count++] = arena_copy_text(problem->arena, json_string_value(item));
        }
    }
}

/* What it happens to, as far as it is text: the rest is refused by whoever reads the document. */
static void list_places(const json_t *document, struct request_shadow *wanted, struct problem *problem)
{
    const json_t *events = json_object_get(document, "events"),
                 *moves = json_object_get(document, "switchovers"), *item;
    size_t i, room = json_array_size(events) + 1;
    json_array_foreach(moves, i, item)
    {
        room += count_texts(json_object_get(item, "source"));
    }
    const char **places = arena_alloc(problem->arena, room * sizeof *places);
    wanted->order.loss_count = 0;
    json_array_foreach(events, i, item)
    {
        const json_t *what = json_object_get(item, "what");
        add_places(json_is_string(what) ? what : NULL, places, &wanted->order, problem);
    }
    json_array_foreach(moves, i, item)
    {
        add_places(json_object_get(item, "source"), places, &wanted->order, problem);
    }
    wanted->order.losses = places;
}

/* A document, by itself or as a member; who sees it is said beside it, or in it. */
static void check_document(json_t *body, const char *text, size_t len, struct request_shadow *wanted,
                           struct problem *problem)
{
    static const char *const known[] = {"mode", "document", "clients", "reason", "actor", NULL};
    json_t *document = json_object_get(body, "document"), *clients = json_object_get(body, "clients");
    bool is_member = document != NULL;
    if (is_member && !json_is_object(document)) {
        problem_add_field(problem, "document", "expected an object: a drill document");
        return;
    }
    if (is_member) {
        request_reject_unknown(body, known, problem);
    }
    bool is_beside = is_member && clients != NULL;
    check_clients(is_beside ? clients : json_object_get(is_member ? document : body, "shadow"),
                  is_beside || is_member ? "clients" : "shadow", &wanted->order.clients, problem);
    list_places(is_member ? document : body, wanted, problem);
    char *own = is_member ? json_dumps(document, JSON_INDENT(2)) : NULL;
    wanted->order.document = own != NULL ? arena_copy_text(problem->arena, own) : text;
    wanted->order.document_len = own != NULL ? strlen(own) : len;
    free(own);
}

/* ---- live ---- */

/* 0: it is not given. */
static unsigned check_percent(const json_t *body, const char *key, struct problem *problem)
{
    const json_t *value = json_object_get(body, key);
    json_int_t percent = json_integer_value(value);
    if (value != NULL && (!json_is_integer(value) || percent < 1 || percent > ALL)) {
        problem_add_field(problem, key, "expected whole percent from 1 to 100");
        return 0;
    }
    return (unsigned)percent;
}

static void check_span(const json_t *body, const char *key, int64_t *ms, struct problem *problem)
{
    const char *text = request_get_text(body, key, problem);
    if (text != NULL &&
        (when_parse_duration(text, ms) != 0 || *ms < ADMIN_SHADOW_MIN_MS || *ms > ADMIN_SHADOW_MAX_MS)) {
        problem_add_field(problem, key, "found \"%.50s\", expected a duration from 1s to 1h", text);
    }
}

static void check_by(const json_t *body, struct admin_live_order *live, struct problem *problem)
{
    const char *text = request_get_text(body, "by", problem);
    live->by = text == NULL                    ? ADMIN_LIVE_UNSAID
               : strcmp(text, "override") == 0 ? ADMIN_LIVE_OVERRIDE
               : strcmp(text, "hooks") == 0    ? ADMIN_LIVE_HOOKS
                                               : ADMIN_LIVE_INJECT;
    if (text != NULL && strcmp(text, admin_live_by_text(live->by)) != 0) {
        problem_add_field(problem, "by", "found \"%.50s\", expected inject, override or hooks", text);
    }
}

static void check_canary(const json_t *body, const json_t *document, struct admin_live_order *live,
                         struct problem *problem)
{
    const json_t *of_document = json_object_get(json_object_get(document, "live"), "canary");
    live->canary = check_percent(body, "canary", problem);
    check_span(body, "canary_for", &live->canary_ms, problem);
    unsigned canary = live->canary != 0 ? live->canary : (unsigned)json_integer_value(of_document);
    if (live->canary_ms != 0 && (canary == 0 || canary == ALL)) {
        problem_add_field(problem, "canary_for", "found it without canary, a share below 100 percent");
    }
}

/* A document is a member: who begins it says why, and confirms it. */
static void check_live_document(json_t *body, struct request_shadow *wanted, struct problem *problem)
{
    const json_t *document = json_object_get(body, "document");
    if (!json_is_object(document)) {
        problem_add_field(problem, "document",
                          document == NULL ? "required: a live drill is begun with {\"mode\": \"live\", "
                                             "\"document\": …, \"reason\": …}"
                                           : "expected an object: a drill document");
        return;
    }
    list_places(document, wanted, problem);
    char *own = json_dumps(document, JSON_INDENT(2));
    wanted->order.document = arena_copy_text(problem->arena, own);
    wanted->order.document_len = strlen(own);
    free(own);
}

/* 0.02, "2%"; 0: it is not there. */
static double check_share(const json_t *body, const char *key, struct problem *problem)
{
    const json_t *value = json_object_get(body, key);
    double share = json_number_value(value);
    bool is_percent = json_is_string(value) && value_parse_percent(json_string_value(value), &share) == 0;
    if (value != NULL && !is_percent && !(share > 0 && share <= 1)) {
        problem_add_field(problem, key, "expected a share above 0 and at most 1, or such as \"2%%\"");
    }
    return share;
}

static void check_live(json_t *body, bool is_document, struct request_shadow *wanted, struct problem *problem)
{
    static const char *const known[] = {"mode",           "lose",         "failure",        "duration",
                                        "document",       "by",           "canary",         "canary_for",
                                        "abort_capacity", "abort_errors", "abort_recovery", "accept",
                                        "reason",         "confirm",      "actor",          NULL};
    static const char *const of_document[] = {
        "mode",       "document",       "by",           "canary",
        "canary_for", "abort_capacity", "abort_errors", "abort_recovery",
        "accept",     "reason",         "confirm",      "actor",
        NULL};
    struct request_texts texts = {.count = 0};
    struct admin_live_order *live = &wanted->live;
    wanted->order.live = live;
    if (is_document) {
        check_live_document(body, wanted, problem);
    }
    if (problem_is_set(problem)) {
        return; /* it is a document by itself: all in it would be unknown here */
    }
    request_reject_unknown(body, is_document ? of_document : known, problem);
    if (!is_document) {
        check_losses(body, wanted, problem);
        check_duration(body, &wanted->order.duration_ms, problem);
        wanted->order.failure = check_failure(body, problem);
    }
    check_by(body, live, problem);
    check_canary(body, json_object_get(body, "document"), live, problem);
    live->capacity = check_percent(body, "abort_capacity", problem);
    live->errors = check_share(body, "abort_errors", problem);
    check_span(body, "abort_recovery", &live->recovery_ms, problem);
    live->confirm = arena_copy_text(problem->arena, request_get_text(body, "confirm", problem));
    if (request_get_texts(body, "accept", ADMIN_LIVE_ACCEPTED_MAX, &texts, problem)) {
        memcpy(wanted->accepted, texts.items, texts.count * sizeof *texts.items);
    }
    live->accepted = wanted->accepted;
    live->accepted_count = texts.count;
    if (json_object_get(body, "reason") == NULL) {
        problem_add_field(problem, "reason", "required: why");
    }
}

int request_parse_shadow(const char *text, size_t len, struct request_shadow *wanted, struct problem *problem)
{
    *wanted = (struct request_shadow){.order.loss_count = 0};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    bool is_document = json_object_get(body, "document") != NULL || json_object_get(body, "events") != NULL;
    if (has_mode(body, "live")) {
        check_live(body, is_document, wanted, problem);
    } else if (is_document) {
        check_document(body, text, len, wanted, problem);
    } else {
        check_short_form(body, wanted, problem);
    }
    request_check_body_cause(body, wanted->reason, wanted->actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

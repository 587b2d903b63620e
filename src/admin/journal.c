/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The resources that read the journal: who did what, and whether it is whole. On workers: they wait for a
 * disk. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"

#include <string.h>

static const char *given(const struct call *call, enum route_parameter parameter)
{
    return call->route.parameters[parameter];
}

/* What went wrong in the store. */
static void reply_unread(struct call *call, int error, const char *why)
{
    problem_set(&call->problem, PROBLEM_NO_JOURNAL, "%s", why == NULL ? error_text(error) : why);
    call_reply_problem(call);
}

/* Digits only: at most 2^63 - 1, as SQL counts. */
static bool parse_seq(const char *text, size_t len, uint64_t *seq)
{
    *seq = 0;
    if (len == 0 || len > 19) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *seq = *seq * 10 + (uint64_t)(text[i] - '0');
    }
    return *seq <= INT64_MAX;
}

/* ---- pages ---- */

/* A time, or how long ago that was. */
static int64_t parse_moment(struct call *call, enum route_parameter parameter, const char *field)
{
    const char *text = given(call, parameter);
    int64_t ms = 0;
    if (text == NULL || clock_parse_rfc3339(text, &ms) == 0) {
        return ms;
    }
    if (request_parse_duration(text, &ms) == 0) {
        int64_t now_ms = clock_wall_ms(&call->admin->clock);
        return ms < now_ms ? now_ms - ms : 1;
    }
    problem_add_field(&call->problem, field,
                      "found \"%s\", expected a time such as 2026-11-21T04:05:06Z, or how long ago it was, "
                      "such as 90m or 2d",
                      text);
    return 0;
}

/* "region:us-east"; it need not be there any more. */
static bool is_target(const char *text)
{
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        const char *word = health_kind_text((enum health_kind)kind);
        size_t len = strlen(word);
        if (strncmp(text, word, len) == 0 && text[len] == ':' && text[len + 1] != '\0') {
            return true;
        }
    }
    return false;
}

static void parse_subject(struct call *call, struct admin_journal *journal)
{
    const char *target = given(call, ROUTE_ABOUT);
    journal->kind = given(call, ROUTE_KIND);
    journal->key = given(call, ROUTE_KEY);
    if (target != NULL && (journal->kind != NULL || journal->key != NULL)) {
        problem_add_field(&call->problem, "target", "a target and kind or key exclude each other");
    } else if (target != NULL && !is_target(target)) {
        problem_add_field(&call->problem, "target",
                          "found \"%s\", expected region:NAME, az:NAME or endpoint:NAME", target);
    } else if (target != NULL) {
        journal->kind = "override";
        journal->key = target;
    } else if (journal->key != NULL && journal->kind == NULL) {
        problem_add_field(&call->problem, "key", "a key needs its kind, such as kind=override");
    }
}

static void parse_page(struct call *call, struct admin_journal *journal)
{
    const char *cursor = given(call, ROUTE_CURSOR), *order = given(call, ROUTE_ORDER);
    *journal = (struct admin_journal){
        .actor = given(call, ROUTE_ACTOR), .limit = call->route.limit, .progress = call->progress};
    parse_subject(call, journal);
    journal->since_ms = parse_moment(call, ROUTE_SINCE, "since");
    journal->until_ms = parse_moment(call, ROUTE_UNTIL, "until");
    if (cursor != NULL && !parse_seq(cursor, strlen(cursor), &journal->cursor)) {
        problem_add_field(&call->problem, "cursor",
                          "found \"%s\", expected the next_cursor of a page, or the seq of an entry", cursor);
    }
    if (order != NULL && strcmp(order, "newest") != 0 && strcmp(order, "oldest") != 0) {
        problem_add_field(&call->problem, "order", "found \"%s\", expected newest or oldest", order);
    }
    journal->oldest_first = order != NULL && strcmp(order, "oldest") == 0;
}

void handle_journal(struct call *call)
{
    struct admin_journal journal;
    parse_page(call, &journal);
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    int error = call->admin->verbs.read_journal(call->reader, &journal, call->arena);
    if (error != 0) {
        reply_unread(call, error, journal.why);
        return;
    }
    json_t *document = json_object(), *items = json_array();
    for (size_t i = 0; i < journal.count; i++) {
        json_array_append_new(items, render_entry(&journal.items[i]));
    }
    json_object_set_new(document, "items", items);
    json_object_set_new(document, "next_cursor",
                        journal.next == 0 ? json_null()
                                          : json_sprintf("%llu", (unsigned long long)journal.next));
    call_reply_json(call, 200, document);
}

/* ---- is it whole? ---- */

static int parse_digit(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

/* "SEQ:HASH", as the log has it. */
static bool parse_anchor(const char *text, uint64_t *seq, unsigned char hash[ADMIN_HASH_LEN])
{
    size_t len = strcspn(text, ":");
    if (!parse_seq(text, len, seq) || *seq == 0 || strlen(text) != len + ADMIN_HASH_TEXT_SIZE) {
        return false;
    }
    for (size_t i = 0; i < ADMIN_HASH_LEN; i++) {
        const char *at = text + len + 1 + 2 * i;
        int high = parse_digit(at[0]), low = parse_digit(at[1]);
        if (high < 0 || low < 0) {
            return false;
        }
        hash[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

void handle_verify(struct call *call)
{
    unsigned char hash[ADMIN_HASH_LEN];
    struct admin_audit audit = {.progress = call->progress};
    const char *anchor = given(call, ROUTE_ANCHOR);
    if (anchor != NULL && !parse_anchor(anchor, &audit.anchor_seq, hash)) {
        problem_add_field(
            &call->problem, "anchor",
            "found \"%s\", expected SEQ:HASH of a line \"journal anchor\" of the log, HASH in %d "
            "hexadecimal digits",
            anchor, 2 * ADMIN_HASH_LEN);
        call_reply_problem(call);
        return;
    }
    audit.anchor = anchor == NULL ? NULL : hash;
    int error = call->admin->verbs.verify_journal(call->reader, &audit, call->arena);
    if (error != 0) {
        reply_unread(call, error, audit.why);
    } else {
        call_reply_json(call, 200, render_audit(&audit));
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Strict reading of what is asked of the journal. Called for each such request, and by the fuzzer. */
#include "config.h"

#include "admin/query.h"

#include "admin/request.h"
#include "base/error.h"
#include "base/when.h"

#include <string.h>

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

/* 0: any. */
static int64_t parse_moment(const char *text, const char *field, int64_t now_ms, struct problem *problem)
{
    int64_t ms = 0;
    if (text != NULL && when_parse(text, now_ms, &ms) != 0) {
        problem_add_field(problem, field, "found \"%s\", expected " WHEN_EXPECTED, text);
    }
    return ms;
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

static void parse_subject(const char *const *given, struct admin_journal *journal, struct problem *problem)
{
    const char *target = given[ROUTE_ABOUT];
    journal->kind = given[ROUTE_KIND];
    journal->key = given[ROUTE_KEY];
    if (target != NULL && (journal->kind != NULL || journal->key != NULL)) {
        problem_add_field(problem, "target", "a target and kind or key exclude each other");
    } else if (target != NULL && !is_target(target)) {
        problem_add_field(problem, "target", "found \"%s\", expected region:NAME, az:NAME or endpoint:NAME",
                          target);
    } else if (target != NULL) {
        journal->kind = "override";
        journal->key = target;
    } else if (journal->key != NULL && journal->kind == NULL) {
        problem_add_field(problem, "key", "a key needs its kind, such as kind=override");
    }
}

/* Waiting is for what comes next. */
static void parse_wait(const char *text, struct admin_journal *journal, struct problem *problem)
{
    if (text == NULL) {
        return;
    }
    if (when_parse_duration(text, &journal->wait_ms) != 0 || journal->wait_ms > ADMIN_WAIT_MAX_MS) {
        problem_add_field(problem, "wait", "found \"%s\", expected a duration of at most %ds, such as 30s",
                          text, ADMIN_WAIT_MAX_MS / 1000);
    }
    if (!journal->oldest_first) {
        problem_add_field(problem, "wait", "it needs order=oldest: what comes is behind all others");
    }
    if (journal->until_ms != 0) {
        problem_add_field(problem, "wait", "it and until exclude each other");
    }
}

int query_parse_journal(const struct route *route, int64_t now_ms, struct admin_journal *journal,
                        struct problem *problem)
{
    const char *const *given = route->parameters;
    const char *cursor = given[ROUTE_CURSOR], *order = given[ROUTE_ORDER];
    *journal = (struct admin_journal){.actor = given[ROUTE_ACTOR], .limit = route->limit};
    parse_subject(given, journal, problem);
    journal->since_ms = parse_moment(given[ROUTE_SINCE], "since", now_ms, problem);
    journal->until_ms = parse_moment(given[ROUTE_UNTIL], "until", now_ms, problem);
    if (cursor != NULL && !parse_seq(cursor, strlen(cursor), &journal->cursor)) {
        problem_add_field(problem, "cursor",
                          "found \"%s\", expected the next_cursor of a page, or the seq of an entry", cursor);
    }
    if (order != NULL && strcmp(order, "newest") != 0 && strcmp(order, "oldest") != 0) {
        problem_add_field(problem, "order", "found \"%s\", expected newest or oldest", order);
    }
    journal->oldest_first = order != NULL && strcmp(order, "oldest") == 0;
    parse_wait(given[ROUTE_WAIT], journal, problem);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

int query_parse_row(const char *cursor, struct arena *arena, const char **endpoint, size_t *row)
{
    const char *slash = strrchr(cursor, '/');
    uint64_t number;
    if (slash == NULL || slash == cursor || !parse_seq(slash + 1, strlen(slash + 1), &number) ||
        number > UINT32_MAX) {
        return ERROR_SYNTAX;
    }
    *endpoint = arena_print(arena, "%.*s", (int)(slash - cursor), cursor);
    *row = (size_t)number;
    return 0;
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

int query_parse_audit(const struct route *route, unsigned char hash[ADMIN_HASH_LEN],
                      struct admin_audit *audit, struct problem *problem)
{
    const char *anchor = route->parameters[ROUTE_ANCHOR];
    *audit = (struct admin_audit){.anchor = anchor == NULL ? NULL : hash};
    if (anchor == NULL || parse_anchor(anchor, &audit->anchor_seq, hash)) {
        return 0;
    }
    problem_add_field(problem, "anchor",
                      "found \"%s\", expected SEQ:HASH of a line \"journal anchor\" of the log, HASH in %d "
                      "hexadecimal digits",
                      anchor, 2 * ADMIN_HASH_LEN);
    return ERROR_INVALID;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who did what: the journal as a table, and whether it is whole. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LIMIT_DEFAULT = 50,
    LIMIT_FOLLOW = 10, /* before what comes */
    LIMIT_MAX = 1000,
    AWAY_MAX = 60, /* how often a server that is gone is looked for, once a second */
    REFUSED_MAX = 3,
};

/* ---- cells ---- */

/* "drain, TTL 30 s, until 2026-11-21 05:05:06Z", "planned drain from … until …"; of other kinds that it is
 * there. */
#define STATE(side)                                                                                          \
    "[?" side ".state|[?" side ".planned|planned ]{" side ".state}[, TTL {" side ".ttl} s,]"                 \
    "[?" side ".planned|[ from {" side ".starts:second}]][ until {" side ".expires:second}]]"                \
    "[!" side ".state|[?" side "|there][!" side "|auto]]"

/* ", overrides data, slowly": the safety rules that it was done in spite of, which the request names. */
static void add_overridden(const json_t *entry, struct buffer *to)
{
    static const char key[] = "override_rules=";
    char clean[TEXT_LINE_SIZE];
    const char *at = strchr(text_clean(text_or_dash(text_of(entry, "request")), clean, sizeof clean), '?');
    at = at == NULL ? NULL : strstr(at, key);
    if (at == NULL) {
        return;
    }
    buffer_add_text(to, ", overrides ");
    for (at += strlen(key); *at != '\0' && *at != '&'; at++) {
        buffer_print(to, *at == ',' ? "%c " : "%c", *at);
    }
}

static bool write_change(const json_t *entry, struct buffer *to)
{
    (void)template_fill(to,
                        "[?kind=refusal|{after.count} x {after.peer|=-}: {after.request|=-}]"
                        "[?kind=override|" STATE("before") " -> " STATE(
                            "after") "]"
                                     "[!kind=refusal|[!kind=override|[?after|[?before|changed][!before|made]]"
                                     "[!after|removed]]]",
                        entry);
    add_overridden(entry, to);
    return true;
}

/* Who is said to have done it, and who is proven to have. */
static bool write_who(const json_t *entry, struct buffer *to)
{
    const char *actor = text_of(entry, "actor"), *peer = text_of(entry, "peer");
    if (!template_fill(to, "{actor|peer}", entry)) {
        return false;
    }
    if (actor != NULL && peer != NULL && strcmp(actor, peer) != 0) {
        char clean[TABLE_CELL_SIZE];
        buffer_print(to, " [%s]", text_clean(peer, clean, sizeof clean));
    }
    return true;
}

static const struct template_row columns[] = {ROW("WHEN", "{time:when}"),
                                              ROW_OF("WHO [PROVEN]", write_who),
                                              ROW("WHAT", "[!kind=override|{kind|=-} ]{key|=-}"),
                                              ROW_OF("BEFORE -> AFTER", write_change),
                                              ROW("REASON", "{reason}"),
                                              ROW_END};

/* ---- history ---- */

/* Returns false for what is no number of rows. */
static bool parse_limit(const struct steerctl *ctl, size_t *limit)
{
    *limit = (ctl->given & OPTION_FOLLOW) != 0 ? LIMIT_FOLLOW : LIMIT_DEFAULT;
    if (ctl->limit == NULL) {
        return true;
    }
    uint64_t number;
    bool is_good = number_read(ctl->limit, 10, LIMIT_MAX, &number) && number != 0;
    *limit = (size_t)number;
    return is_good;
}

/* Pages until there are enough: one of them may be short, as what a filter leaves out takes time, too. */
static enum steerctl_exit fetch(const struct steerctl *ctl, const char *target, size_t limit, json_t *items,
                                char **cursor)
{
    enum steerctl_exit code;
    do {
        struct buffer page;
        buffer_init(&page);
        buffer_print(&page, "%s%climit=%zu", target, strchr(target, '?') == NULL ? '?' : '&',
                     limit - json_array_size(items));
        code = steerctl_list_part(ctl, page.bytes, items, cursor);
        buffer_fini(&page);
    } while (code == STEERCTL_OK && *cursor != NULL && json_array_size(items) < limit);
    return code;
}

/* ---- and then what comes ---- */

static void print_entry(const struct steerctl *ctl, const json_t *entry)
{
    if (ctl->json) {
        text_print_json(entry, JSON_COMPACT | JSON_REAL_PRECISION(12));
        return;
    }
    template_line(columns, entry);
}

/* The latest last. */
static void print_entries(const struct steerctl *ctl, const json_t *items, bool latest_first)
{
    size_t count = json_array_size(items);
    for (size_t i = 0; i < count; i++) {
        print_entry(ctl, json_array_get(items, latest_first ? count - 1 - i : i));
    }
    fflush(stdout);
}

/* One page of what comes, or of nothing; the cursor stays where it was if it fails. */
static enum steerctl_exit fetch_next(const struct steerctl *ctl, const char *path, char **cursor)
{
    json_t *items = json_array();
    char *next = strdup(*cursor);
    enum steerctl_exit code = steerctl_list_part(ctl, path, items, &next);
    if (code == STEERCTL_OK && next != NULL) {
        print_entries(ctl, items, false);
        free(*cursor);
        *cursor = next;
        next = NULL;
    }
    free(next);
    json_decref(items);
    return code;
}

/* From the latest of the items on, until there is no server to be found. */
static enum steerctl_exit follow(const struct steerctl *ctl, const char *filter, const json_t *items)
{
    char number[TEXT_NUMBER_SIZE];
    char *cursor =
        strdup(json_array_size(items) == 0 ? "0" : text_number(json_array_get(items, 0), "seq", number));
    enum steerctl_exit code = STEERCTL_OK;
    struct buffer path;
    buffer_init(&path);
    buffer_print(&path, "%s%corder=oldest&wait=1m&limit=%d", filter, strchr(filter, '?') == NULL ? '?' : '&',
                 LIMIT_MAX);
    for (int failures = 0; failures < (code == STEERCTL_UNREACHABLE ? AWAY_MAX : REFUSED_MAX);) {
        code = fetch_next(ctl, path.bytes, &cursor);
        failures = code == STEERCTL_OK ? 0 : failures + 1;
        if (failures != 0) {
            (void)sleep(1);
        }
    }
    free(cursor);
    buffer_fini(&path);
    return code;
}

enum steerctl_exit run_history(const struct steerctl *ctl)
{
    const char *target = ctl->word_count > 1 ? ctl->words[1] : NULL, *plural, *name;
    size_t limit;
    if (target != NULL && !target_split(target, &plural, &name)) {
        return steerctl_usage(TARGET_EXPECTED, target);
    }
    if (!parse_limit(ctl, &limit)) {
        return steerctl_usage("found --limit \"%s\", expected a number from 1 to %d", ctl->limit, LIMIT_MAX);
    }
    struct buffer path;
    json_t *items = json_array();
    char *cursor = NULL;
    buffer_init(&path);
    buffer_add_text(&path, "/v1/journal");
    steerctl_add_query(&path, "target", target);
    steerctl_add_query(&path, "since", ctl->since);
    steerctl_add_query(&path, "actor", ctl->actor);
    bool follows = (ctl->given & OPTION_FOLLOW) != 0;
    enum steerctl_exit code = fetch(ctl, path.bytes, limit, items, &cursor);
    if (code == STEERCTL_OK && follows) {
        print_entries(ctl, items, true);
        code = follow(ctl, path.bytes, items);
    } else if (code == STEERCTL_OK && ctl->json) {
        steerctl_print_page(items, cursor);
    } else if (code == STEERCTL_OK) {
        template_table(ctl, columns, items);
    }
    if (code == STEERCTL_OK && !follows && !ctl->json && cursor != NULL) {
        puts("... there are older ones: --limit, or --since for a while");
    }
    bool is_empty = json_array_size(items) == 0;
    free(cursor);
    json_decref(items);
    buffer_fini(&path);
    if (code == STEERCTL_OK && is_empty && target != NULL &&
        target_explain(ctl, STEERCTL_REFUSED, plural, name) == STEERCTL_NOT_FOUND) {
        code = STEERCTL_NOT_FOUND; /* what is gone has a history; what never was has none */
    }
    return code;
}

/* ---- audit ---- */

static const struct template_row audit_lines[] = {ROW("journal", "[?whole|whole][!whole|BROKEN]"),
                                                  ROW("?where", "[!whole|[entry {bad_seq}][!bad_seq|-]]"),
                                                  ROW("?why", "[!whole|{why|=-}]"),
                                                  ROW("entries", "{entries}"),
                                                  ROW("?anchor", "{anchor.seq}:{anchor.hash}"),
                                                  ROW("?last", "{last.seq}:{last.hash}"),
                                                  ROW_END};

enum steerctl_exit run_audit(const struct steerctl *ctl)
{
    struct buffer target;
    json_t *json;
    if (strcmp(ctl->words[1], "verify") != 0) {
        return steerctl_usage("found \"%s\", expected audit verify", ctl->words[1]);
    }
    buffer_init(&target);
    buffer_add_text(&target, "/v1/journal:verify");
    steerctl_add_query(&target, "anchor", ctl->anchor);
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", target.bytes, NULL, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        template_lines(ctl, audit_lines, json);
    }
    if (code == STEERCTL_OK && !json_is_true(json_object_get(json, "whole"))) {
        code = STEERCTL_BROKEN;
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

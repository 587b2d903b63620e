/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who did what: the journal as a table, and whether it is whole. */
#include "config.h"

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
    CELL = 256,
    AWAY_MAX = 60, /* how often a server that is gone is looked for, once a second */
    REFUSED_MAX = 3,
};

/* ---- cells ---- */

/* Who is said to have done it, and who is proven to have. */
static const char *who_cell(const json_t *entry, char out[CELL])
{
    const char *actor = text_of(entry, "actor"), *peer = text_of(entry, "peer");
    if (actor == NULL || peer == NULL || strcmp(actor, peer) == 0) {
        return actor == NULL ? peer : actor;
    }
    snprintf(out, CELL, "%s [%s]", actor, peer);
    return out;
}

static const char *what_cell(const json_t *entry, char out[CELL])
{
    const char *kind = text_or_dash(text_of(entry, "kind")), *key = text_of(entry, "key");
    if (strcmp(kind, "override") == 0) {
        return key;
    }
    snprintf(out, CELL, "%s %s", kind, text_or_dash(key));
    return out;
}

/* "drain, TTL 30 s, until 2026-11-21 05:05:06Z", "planned drain from … until …"; of other kinds how large
 * they are. */
static const char *state_cell(const json_t *entry, const char *side, char out[CELL])
{
    const json_t *value = json_object_get(entry, side);
    const char *state = text_of(value, "state"), *starts = text_of(value, "starts"),
               *expires = text_of(value, "expires");
    bool is_planned = json_is_true(json_object_get(value, "planned"));
    if (!json_is_object(value) || state == NULL) {
        snprintf(out, CELL, "%s", json_is_null(value) ? "-" : "there");
        return out;
    }
    size_t used = (size_t)snprintf(out, CELL, "%s%.32s", is_planned ? "planned " : "", state);
    if (json_is_integer(json_object_get(value, "ttl"))) {
        used += (size_t)snprintf(out + used, CELL - used, ", TTL %lld s,",
                                 (long long)json_integer_value(json_object_get(value, "ttl")));
    }
    if (is_planned && starts != NULL && strlen(starts) >= 19) {
        used += (size_t)snprintf(out + used, CELL - used, " from %.10s %.8sZ", starts, starts + 11);
    }
    if (expires != NULL && strlen(expires) >= 19) {
        snprintf(out + used, CELL - used, " until %.10s %.8sZ", expires, expires + 11);
    }
    return out;
}

/* ", overrides data, slowly": the safety rules that it was done in spite of, which the request names. */
static void add_overridden(const json_t *entry, char out[2 * CELL])
{
    static const char key[] = "override_rules=";
    const char *request = text_of(entry, "request");
    const char *at = request == NULL ? NULL : strchr(request, '?');
    at = at == NULL ? NULL : strstr(at, key);
    if (at == NULL) {
        return;
    }
    size_t used = strlen(out);
    used += (size_t)snprintf(out + used, 2 * CELL - used, ", overrides ");
    for (at += strlen(key); *at != '\0' && *at != '&' && used + 2 < 2 * CELL; at++) {
        used += (size_t)snprintf(out + used, 2 * CELL - used, *at == ',' ? "%c " : "%c", *at);
    }
}

static const char *change_cell(const json_t *entry, char out[2 * CELL])
{
    bool is_override = text_of(entry, "kind") != NULL && strcmp(text_of(entry, "kind"), "override") == 0;
    bool had = !json_is_null(json_object_get(entry, "before"));
    bool has = !json_is_null(json_object_get(entry, "after"));
    char before[CELL], after[CELL];
    if (text_of(entry, "kind") != NULL && strcmp(text_of(entry, "kind"), "refusal") == 0) {
        const json_t *refusal = json_object_get(entry, "after");
        snprintf(out, 2 * CELL, "%lld x %.80s: %.100s",
                 (long long)json_integer_value(json_object_get(refusal, "count")),
                 text_or_dash(text_of(refusal, "peer")), text_or_dash(text_of(refusal, "request")));
        return out;
    }
    if (is_override) {
        snprintf(out, 2 * CELL, "%s -> %s", had ? state_cell(entry, "before", before) : "auto",
                 has ? state_cell(entry, "after", after) : "auto");
    } else {
        snprintf(out, 2 * CELL, "%s", has ? had ? "changed" : "made" : "removed");
    }
    add_overridden(entry, out);
    return out;
}

static void show_history(const struct steerctl *ctl, const json_t *items, bool is_cut)
{
    static const char *const headings[] = {"WHEN", "WHO [PROVEN]", "WHAT", "BEFORE -> AFTER", "REASON", NULL};
    size_t i;
    const json_t *entry;
    char text[2 * CELL];
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, entry)
    {
        table_add(table, text_when(entry, text));
        table_add(table, who_cell(entry, text));
        table_add(table, what_cell(entry, text));
        table_add(table, change_cell(entry, text));
        table_add(table, text_of(entry, "reason"));
    }
    table_print(table);
    if (is_cut) {
        puts("... there are older ones: --limit, or --since for a while");
    }
}

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
    char when[TEXT_WHEN_SIZE], who[CELL], what[CELL], change[2 * CELL], clean[5][TABLE_CELL_SIZE];
    if (ctl->json) {
        text_print_json(entry, JSON_COMPACT | JSON_REAL_PRECISION(12));
        return;
    }
    const char *const cells[] = {text_when(entry, when), who_cell(entry, who), what_cell(entry, what),
                                 change_cell(entry, change), text_of(entry, "reason")};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        printf("%s%s", i == 0 ? "" : "  ", text_clean(text_or_dash(cells[i]), clean[i], sizeof clean[i]));
    }
    putchar('\n');
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
        show_history(ctl, items, cursor != NULL);
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

static void print_anchor(const char *label, const json_t *anchor)
{
    char text[CELL], number[TEXT_NUMBER_SIZE];
    if (json_is_object(anchor)) {
        snprintf(text, sizeof text, "%s:%s", text_number(anchor, "seq", number),
                 text_or_dash(text_of(anchor, "hash")));
        text_line(label, text);
    }
}

static void show_audit(const json_t *audit)
{
    char text[TEXT_NUMBER_SIZE], where[64] = "";
    bool is_whole = json_is_true(json_object_get(audit, "whole"));
    text_line("journal", is_whole ? "whole" : "BROKEN");
    if (!is_whole) {
        if (json_is_integer(json_object_get(audit, "bad_seq"))) {
            snprintf(where, sizeof where, "entry %s", text_number(audit, "bad_seq", text));
        }
        text_line("where", where[0] == '\0' ? NULL : where);
        text_line("why", text_of(audit, "why"));
    }
    text_line("entries", text_number(audit, "entries", text));
    print_anchor("anchor", json_object_get(audit, "anchor"));
    print_anchor("last", json_object_get(audit, "last"));
}

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
        show_audit(json);
    }
    if (code == STEERCTL_OK && !json_is_true(json_object_get(json, "whole"))) {
        code = STEERCTL_BROKEN;
    }
    json_decref(json);
    buffer_fini(&target);
    return code;
}

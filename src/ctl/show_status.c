/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the server says of itself, in the terminal: of what is well, as little as possible. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>

static void count_row(struct table *table, const json_t *status, const char *kind)
{
    static const char *const states[] = {"total",   "healthy",   "unhealthy",   "unknown",
                                         "drained", "forced_up", "forced_down", "stays_down"};
    const json_t *counts = json_object_get(status, kind);
    char text[32];
    table_add(table, kind);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        table_add(table, text_number(counts, states[i], text));
    }
}

/* Only while it holds, or where there is none. */
static void show_brake(const json_t *status, const char *family)
{
    const json_t *brake = json_object_get(json_object_get(status, "brake"), family);
    const char *state = text_of(brake, "state");
    char text[TABLE_CELL_SIZE], label[32], failing[32], targets[32];
    snprintf(label, sizeof label, "brake %s", family);
    if (state != NULL && strcmp(state, "holding") == 0) {
        snprintf(text, sizeof text,
                 "HOLDS until %s: %s of %s targets failed at once, nothing falls meanwhile",
                 text_or_dash(text_of(brake, "until")), text_number(brake, "failing", failing),
                 text_number(brake, "targets", targets));
        text_line(label, text);
    } else if (state != NULL && strcmp(state, "off") == 0) {
        text_line(label, "off");
    }
}

/* Only where there are some. */
static void show_vantages(const json_t *counts)
{
    static const char *const keys[] = {"fresh", "silent", "set_aside", "drained"};
    static const char *const words[] = {"fresh", "silent", "set aside", "drained"};
    char text[TABLE_CELL_SIZE] = "";
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        long long count = (long long)json_integer_value(json_object_get(counts, keys[i]));
        size_t used = strlen(text);
        if (count != 0) {
            snprintf(text + used, sizeof text - used, "%s%lld %s", used == 0 ? "" : ", ", count, words[i]);
        }
    }
    if (text[0] != '\0') {
        text_line("vantages", text);
    }
}

static void show_holds(const json_t *holds)
{
    size_t i;
    const json_t *hold;
    json_array_foreach(holds, i, hold)
    {
        text_line("HELD", text_of(hold, "why"));
    }
}

/* Only where anything is copied. */
static void show_replication(const json_t *counts)
{
    char text[TABLE_CELL_SIZE], pairs[32], over[32], unknown[32];
    if (json_integer_value(json_object_get(counts, "pairs")) == 0) {
        return;
    }
    snprintf(text, sizeof text, "%s of %s pairs over their RPO, %s unknown",
             text_number(counts, "over_rpo", over), text_number(counts, "pairs", pairs),
             text_number(counts, "unknown", unknown));
    text_line("replication", text);
}

/* Only those that are not as they should be. */
static void show_files(const json_t *files)
{
    size_t index;
    json_t *file;
    json_array_foreach(files, index, file)
    {
        const char *state = text_of(file, "state");
        char text[TABLE_CELL_SIZE];
        if (state != NULL && strcmp(state, "good") != 0) {
            bool stands = json_is_string(json_object_get(file, "read"));
            const char *why = text_of(file, "error");
            snprintf(text, sizeof text, "%s %s%s%s%s", text_or_dash(text_of(file, "path")), state,
                     why == NULL ? "" : ": ", why == NULL ? "" : why,
                     stands ? "; what it said before stands" : "");
            text_line("check file", text);
        }
    }
}

/* Only where something is not as it should be. */
static void show_store(const json_t *store)
{
    const char *state = text_of(store, "state");
    char text[TABLE_CELL_SIZE], owed[32];
    if (state != NULL && strcmp(state, "failing") == 0) {
        snprintf(text, sizeof text, "FAILS since %s, a restart would forget %s changes: %s",
                 text_or_dash(text_of(store, "since")), text_number(store, "owed", owed),
                 text_or_dash(text_of(store, "reason")));
        text_line("store", text);
    } else if (state != NULL && strcmp(state, "none") == 0) {
        text_line("store", "none: a restart forgets overrides (no \"state\" folder)");
    }
}

static void show_archive(const json_t *archive)
{
    const char *state = text_of(archive, "state");
    char text[TABLE_CELL_SIZE], missing[32];
    const json_t *lacks = json_object_get(archive, "missing");
    if (state != NULL && strcmp(state, "failing") == 0) {
        snprintf(text, sizeof text, "FAILS since %s, what serves is not kept: %s",
                 text_or_dash(text_of(archive, "since")), text_or_dash(text_of(archive, "reason")));
        text_line("archive", text);
    } else if (json_integer_value(lacks) != 0) {
        snprintf(text, sizeof text, "%s files of what serves are not kept: they changed too soon",
                 text_number(archive, "missing", missing));
        text_line("archive", text);
    }
}

/* Only where it says more than that all is well. */
static void show_last(const json_t *status)
{
    const json_t *last = json_object_get(status, "last_health");
    const char *start = text_of(last, "start"), *error = text_of(last, "error");
    char text[TABLE_CELL_SIZE], checks[32], waiting[32];
    if (start != NULL && strcmp(start, "restored") == 0) {
        snprintf(text, sizeof text, "restored, %s checks; %s endpoints not checked since",
                 text_number(last, "checks", checks), text_number(last, "waiting", waiting));
        text_line("last health", text);
    } else if (start != NULL && strcmp(start, "none") != 0) {
        text_line("last health", strcmp(start, "too_old") == 0 ? "too old" : start);
    }
    if (error != NULL) {
        snprintf(text, sizeof text, "NOT KEPT: %s", error);
        text_line("last health", text);
    }
}

/* As loud as a terminal is. */
static void show_live(const json_t *live)
{
    char text[2 * TABLE_CELL_SIZE], lose[TEXT_LIST_SIZE];
    const char *actor = text_of(live, "actor"), *reason = text_of(live, "reason");
    if (!json_is_object(live)) {
        return;
    }
    snprintf(text, sizeof text,
             "%s IS ON: %lld %% of ALL clients are answered as if %.200s were lost, until %s",
             text_or_dash(text_of(live, "id")), (long long)json_integer_value(json_object_get(live, "share")),
             text_join(json_object_get(live, "lose"), ", ", lose), text_or_dash(text_of(live, "ends")));
    text_line("LIVE DRILL", text);
    snprintf(text, sizeof text, "%s: %s; steerctl drill stop %s ends it", text_or_dash(actor),
             text_or_dash(reason), text_or_dash(text_of(live, "id")));
    text_line("", text);
}

/* Only where something is not as it should be. */
static void show_contact(const json_t *contact)
{
    char text[TABLE_CELL_SIZE];
    if (json_is_true(json_object_get(contact, "cut_off"))) {
        const char *withdraws = text_of(contact, "withdraws");
        snprintf(text, sizeof text, "SINCE %s: nobody is heard of, answers go by the last verdicts%s%s",
                 text_or_dash(text_of(contact, "cut_off_since")), withdraws == NULL ? "" : "; withdraws at ",
                 withdraws == NULL ? "" : withdraws);
        text_line("CUT OFF", text);
    }
    if (text_of(contact, "withdrawn_by") != NULL) {
        snprintf(text, sizeof text, "SINCE %s by %s: steerctl serving",
                 text_or_dash(text_of(contact, "since")), text_of(contact, "withdrawn_by"));
        text_line("WITHDRAWN", text);
    }
}

void show_status(const struct steerctl *ctl, const json_t *status)
{
    static const char *const headings[] = {"",        "TOTAL",     "HEALTHY",     "UNHEALTHY",  "UNKNOWN",
                                           "DRAINED", "FORCED_UP", "FORCED_DOWN", "STAYS_DOWN", NULL};
    char text[32];
    show_live(json_object_get(status, "live_drill"));
    show_contact(json_object_get(status, "contact"));
    show_holds(json_object_get(status, "holds"));
    text_line("version", text_of(status, "version"));
    text_line("generation", text_number(status, "generation", text));
    text_line("started", text_of(status, "started"));
    text_line("loaded", text_of(status, "loaded"));
    text_line("zones", text_number(status, "zones", text));
    text_line("names", text_number(status, "names", text));
    text_line("overrides", text_number(status, "overrides", text));
    text_line("  planned", text_number(status, "overrides_planned", text));
    text_line("  dormant", text_number(status, "overrides_dormant", text));
    show_brake(status, "ipv4");
    show_brake(status, "ipv6");
    show_vantages(json_object_get(status, "vantages"));
    show_replication(json_object_get(status, "replication"));
    show_files(json_object_get(status, "files"));
    show_store(json_object_get(status, "store"));
    show_archive(json_object_get(status, "archive"));
    show_last(status);
    putchar('\n');
    struct table *table = table_new(ctl, headings);
    count_row(table, status, "regions");
    count_row(table, status, "azs");
    count_row(table, status, "endpoints");
    table_print(table);
}

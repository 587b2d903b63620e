/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the server says of itself, in the terminal: of what is well, as little as possible. */
#include "config.h"

#include "ctl/template.h"
#include "ctl/verbs.h"

static bool write_vantages(const json_t *status, struct buffer *to)
{
    static const char *const keys[] = {"fresh", "silent", "set_aside", "drained"};
    static const char *const words[] = {"fresh", "silent", "set aside", "drained"};
    const json_t *counts = json_object_get(status, "vantages");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        long long count = (long long)json_integer_value(json_object_get(counts, keys[i]));
        if (count != 0) {
            buffer_print(to, "%s%lld %s", to->len == 0 ? "" : ", ", count, words[i]);
        }
    }
    return to->len != 0;
}

/* As loud as a terminal is: what goes on, and what is not as it should be. */
static const struct template_row loud[] = {
    ROW("?LIVE DRILL", "{live_drill.id} IS ON: {live_drill.share} % of ALL clients are answered as if "
                       "{live_drill.lose:, } were "
                       "lost, until {live_drill.ends|=-}"),
    ROW("?",
        "[?live_drill|{live_drill.actor|=-}: {live_drill.reason|=-}; steerctl drill stop {live_drill.id} "
        "ends it]"),
    ROW("?CUT OFF", "[?contact.cut_off|SINCE {contact.cut_off_since|=-}: nobody is heard of, answers go by "
                    "the last verdicts"
                    "[; withdraws at {contact.withdraws}]]"),
    ROW("?WITHDRAWN",
        "[?contact.withdrawn_by|SINCE {contact.since|=-} by {contact.withdrawn_by}: steerctl serving]"),
    ROW_END};

static const struct template_row hold_lines[] = {ROW("HELD", "{why}"), ROW_END};

#define BRAKE(family)                                                                                        \
    "[?brake." family ".state=holding|HOLDS until {brake." family ".until|=-}: {brake." family               \
    ".failing} of "                                                                                          \
    "{brake." family ".targets} targets failed at once, nothing falls meanwhile]"                            \
    "[?brake." family ".state=off|off]"

/* Parts of which there is nothing, or that are well, say nothing. */
static const struct template_row lines[] = {
    ROW("version", "{version}"),
    ROW("generation", "{generation}"),
    ROW("started", "{started}"),
    ROW("loaded", "{loaded}"),
    ROW("zones", "{zones}"),
    ROW("names", "{names}"),
    ROW("overrides", "{overrides}"),
    ROW("  planned", "{overrides_planned}"),
    ROW("  dormant", "{overrides_dormant}"),
    ROW("?brake ipv4", BRAKE("ipv4")),
    ROW("?brake ipv6", BRAKE("ipv6")),
    ROW_OF("?vantages", write_vantages),
    ROW("?replication",
        "[+replication.pairs|{replication.over_rpo} of {replication.pairs} pairs over their RPO, "
        "{replication.unknown} unknown]"),
    ROW_END};

static const struct template_row file_lines[] = {
    ROW("?check file", "[!state=good|{path|=-} {state}[: {error}][?read|; what it said before stands]]"),
    ROW_END};

static const struct template_row kept_lines[] = {
    ROW("?store", "[?store.state=failing|FAILS since {store.since|=-}, a restart would forget {store.owed} "
                  "changes: {store.reason|=-}]"
                  "[?store.state=none|none: a restart forgets overrides (no \"state\" folder)]"),
    ROW("?archive",
        "[?archive.state=failing|FAILS since {archive.since|=-}, what serves is not kept: "
        "{archive.reason|=-}]"
        "[!archive.state=failing|[+archive.missing|{archive.missing} files of what serves are not kept: they "
        "changed too soon]]"),
    ROW("?last health", "[?last_health.start=restored|restored, {last_health.checks} checks; "
                        "{last_health.waiting} endpoints not "
                        "checked since]"
                        "[?last_health.start=too_old|too old]"
                        "[!last_health.start=restored|[!last_health.start=too_old|[!last_health.start=none|{"
                        "last_health.start}]]]"),
    ROW("?last health", "NOT KEPT: {last_health.error}"), ROW_END};

static const struct template_row count_columns[] = {ROW("", "{kind}"),
                                                    ROW("TOTAL", "{total}"),
                                                    ROW("HEALTHY", "{healthy}"),
                                                    ROW("UNHEALTHY", "{unhealthy}"),
                                                    ROW("UNKNOWN", "{unknown}"),
                                                    ROW("DRAINED", "{drained}"),
                                                    ROW("FORCED_UP", "{forced_up}"),
                                                    ROW("FORCED_DOWN", "{forced_down}"),
                                                    ROW("STAYS_DOWN", "{stays_down}"),
                                                    ROW_END};

void show_status(const struct steerctl *ctl, const json_t *status)
{
    static const char *const kinds[] = {"regions", "azs", "endpoints"};
    json_t *counts = json_array();
    template_lines(ctl, loud, status);
    template_lines_each(ctl, hold_lines, json_object_get(status, "holds"));
    template_lines(ctl, lines, status);
    template_lines_each(ctl, file_lines, json_object_get(status, "files"));
    template_lines(ctl, kept_lines, status);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        json_t *row = json_copy(json_object_get(status, kinds[i]));
        json_object_set_new(row, "kind", json_string(kinds[i]));
        json_array_append_new(counts, row);
    }
    template_table_below(ctl, count_columns, counts);
    json_decref(counts);
}

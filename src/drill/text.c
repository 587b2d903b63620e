/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill report for people: the result in one line, what is wrong, when what happens, where which name goes.
 * Long lists are cut and say so; the JSON form has everything. */
#include "config.h"

#include "drill/drill.h"
#include "drill/level.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/words.h"
#include "drill/reasons.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 50, EVENTS_MAX = 40, DETAILS_MAX = 20, FROMS_MAX = 10 };

static void write_losses(struct buffer *out, const struct drill_report *report)
{
    for (size_t i = 0; i < report->lost_count; i++) {
        buffer_print(out, "%s%s", i == 0 ? "" : ", ", report->lost[i]);
    }
}

static void write_headline(struct buffer *out, const struct drill_report *report)
{
    char recovery[DRILL_SECONDS_SIZE], detection[DRILL_SECONDS_SIZE], decision[DRILL_SECONDS_SIZE],
        ttl[DRILL_SECONDS_SIZE];
    if (report->title != NULL) {
        buffer_print(out, "%s: ", report->title);
    }
    write_losses(out, report);
    buffer_print(out, "%s -> %zu of %zu name%s change%s", report->has_document ? "" : " lost",
                 report->owner_changed_count, report->owner_count, words_plural(report->owner_count),
                 report->owner_changed_count == 1 ? "s" : "");
    if (report->recovery_ms >= 0) {
        buffer_print(out, ", recovery %s (detection %s, decision %s, TTL %s)",
                     drill_write_seconds(report->recovery_ms, recovery),
                     drill_write_seconds(report->detection_ms, detection),
                     drill_write_seconds(report->decision_ms, decision),
                     drill_write_seconds(report->ttl_ms, ttl));
    }
    if (report->unserved_count != 0) {
        buffer_print(out, "; %zu answer%s UNSERVED", report->unserved_count,
                     report->unserved_count == 1 ? "" : "s");
    }
    if (report->held_count != 0) {
        buffer_print(out, "; %zu answer%s HELD", report->held_count, words_plural(report->held_count));
    }
    if (report->to_lost_count != 0) {
        buffer_print(out, "; %zu still to what is LOST", report->to_lost_count);
    }
    buffer_add_text(out, "\n");
}

static void write_verdict(struct buffer *out, const struct drill_report *report)
{
    char rto[DRILL_SECONDS_SIZE], recovery[DRILL_SECONDS_SIZE];
    if (report->rto_ms == 0) {
        buffer_add_text(out, "RTO: no objective in the topology\n");
    } else if (report->meets_rto) {
        buffer_print(out, "RTO: %s, met\n", drill_write_seconds(report->rto_ms, rto));
    } else if (drill_common_recovery(report) > report->rto_ms) {
        buffer_print(out, "RTO: %s, MISSED by %s\n", drill_write_seconds(report->rto_ms, rto),
                     drill_write_seconds(drill_common_recovery(report) - report->rto_ms, recovery));
    } else if (report->late_count != 0) {
        buffer_print(out, "RTO: %s, met by all but what has one of its own\n",
                     drill_write_seconds(report->rto_ms, rto));
    } else {
        buffer_print(out, "RTO: %s, MISSED: not everything recovers\n",
                     drill_write_seconds(report->rto_ms, rto));
    }
    for (size_t i = 0; i < report->reason_count; i++) {
        buffer_print(out, "FAILED: %s\n", report->reasons[i]);
    }
}

static void write_watchers(struct buffer *out, const struct drill_report *report)
{
    for (size_t i = 0; i < report->watcher_count; i++) {
        const struct drill_watcher *own = &report->watchers[i];
        buffer_print(out, "%s%s", i == 0 ? "Looked at by " : ", ", own->name);
        if (own->region != NULL) {
            buffer_print(out, " in %s", own->region);
        }
        if (own->is_drained) {
            buffer_add_text(out, " (drained)");
        } else if (own->weight != 1) {
            buffer_print(out, " (weight %u)", own->weight);
        }
    }
    buffer_add_text(out, report->watcher_count == 0 ? "" : "\n");
}

static void write_conditions(struct buffer *out, const struct drill_report *report)
{
    char expected[DRILL_SECONDS_SIZE];
    if (report->mode != NULL) {
        buffer_print(out, "Measured on the server that serves (%s), for %s\n", report->mode,
                     drill_write_seconds(report->duration_ms, expected));
        return;
    }
    buffer_print(out, "Simulated from %s", report->from_live ? "the present health" : "all healthy");
    if (report->has_document) {
        buffer_print(out, ", for %s", drill_write_seconds(report->duration_ms, expected));
    } else {
        buffer_print(out, "; checks of what is lost end in \"%s\"", health_outcome_text(report->failure));
    }
    buffer_add_text(out, "; times are the worst case");
    if (report->decision_expected_ms >= 0) {
        buffer_print(out, ", the decision is expected after %s",
                     drill_write_seconds(report->decision_expected_ms, expected));
    }
    buffer_add_text(out, "\n");
    if (report->detection_ms < 0) { /* who falls silent among others is missed by no check */
        buffer_add_text(out, report->watcher_count == 0
                                 ? "Nothing that is lost has a check that could still notice.\n"
                                 : "No check has noticed anything.\n");
    }
}

static void write_times(struct buffer *out, const char *what, const struct drill_times *times)
{
    static const char *const parts[DRILL_QUANTILES] = {"50%", "90%", "99%", "all"};
    char text[DRILL_SECONDS_SIZE];
    for (size_t i = 0; i < DRILL_QUANTILES; i++) {
        buffer_print(out, "%s%s %s", i == 0 ? what : ", ", parts[i], drill_write_seconds(times->ms[i], text));
    }
}

/* Of users whose answers change. */
static void write_spread(struct buffer *out, const struct drill_report *report)
{
    if (report->decisions.ms[0] < 0) {
        return;
    }
    buffer_add_text(out, report->mode == NULL ? "Over users and the moment of the loss" : "Over users");
    if (report->detections.ms[0] >= 0) {
        write_times(out, ": detection of ", &report->detections);
    }
    write_times(out, report->detections.ms[0] < 0 ? ": decision of " : "; decision of ", &report->decisions);
    buffer_add_text(out, "\n");
}

static void write_rest(struct buffer *out, size_t left)
{
    if (left != 0) {
        buffer_print(out, "  ... and %zu more (the JSON report has all)\n", left);
    }
}

static const char *write_time_or(int64_t ms, const char *otherwise, char text[DRILL_SECONDS_SIZE])
{
    return ms < 0 ? otherwise : drill_write_seconds(ms, text);
}

static void write_capacities(struct buffer *out, const struct drill_users *users)
{
    char at[DRILL_SECONDS_SIZE];
    for (size_t i = 0; i < users->capacity_count; i++) {
        const struct drill_capacity *own = &users->capacities[i];
        if (own->at_ms >= 0) {
            buffer_print(out, "  capacity of %s: %s%.0f%% of %.0f/s at %s\n", own->region,
                         own->use > 1 ? "EXCEEDED, " : "", 100 * own->use, own->capacity,
                         drill_write_seconds(own->at_ms, at));
        }
    }
}

static void write_froms(struct buffer *out, const struct drill_users *users)
{
    double rest = 1;
    for (size_t i = 0; i < users->from_count; i++) {
        if (i < FROMS_MAX) {
            buffer_print(out, "%s%.3g%% from %s", i == 0 ? "  " : ", ", 100 * users->froms[i].share,
                         users->froms[i].where);
        }
        rest -= users->froms[i].share;
    }
    if (users->from_count > FROMS_MAX) {
        buffer_print(out, ", %zu more places", users->from_count - FROMS_MAX);
    }
    if (users->from_count != 0) {
        buffer_print(out, rest > 1e-9 ? ", %.3g%% spread evenly over classes\n" : "\n", 100 * rest);
    }
}

static void write_recorded(struct buffer *out, const struct drill_recorded *recorded)
{
    buffer_print(out, "  names and clients as recorded in %s: %llu queries", recorded->path,
                 (unsigned long long)recorded->queries);
    if (recorded->others != 0) {
        buffer_print(out, ", %llu for other names left out", (unsigned long long)recorded->others);
    }
    if (recorded->nameless != 0) {
        buffer_print(out, ", %llu without a question or a client left out",
                     (unsigned long long)recorded->nameless);
    }
    buffer_add_text(out, "\n");
}

/* What users notice. */
static void write_users(struct buffer *out, const struct drill_report *report)
{
    static const char *const parts[] = {"50%", "90%", "99%", "100%"};
    const struct drill_users *users = report->users;
    char first[DRILL_SECONDS_SIZE], last[DRILL_SECONDS_SIZE];
    if (users == NULL) {
        return;
    }
    buffer_print(out, "\nUsers (%llu clients behind caching resolvers", (unsigned long long)users->clients);
    if (users->per_second > 0) {
        buffer_print(out, ", %.0f requests per second", users->per_second);
    }
    buffer_add_text(out, ")\n");
    write_froms(out, users);
    if (users->recorded != NULL) {
        write_recorded(out, users->recorded);
    }
    if (users->first_ms < 0) {
        buffer_add_text(out, "  failed requests: none\n");
    } else {
        buffer_print(out, "  failed requests: %.3g%% of all", 100 * users->share);
        if (users->per_second > 0) {
            buffer_print(out, ", %.0f", users->share * users->per_second * (double)users->second_count);
        }
        buffer_print(out, "; from %s to %s, at worst %.3g%%\n", drill_write_seconds(users->first_ms, first),
                     drill_write_seconds(users->last_ms, last), 100 * users->worst);
    }
    buffer_print(out, "  %.3g%% if all took the first address, %.3g%% if all tried the others\n",
                 100 * users->share_one, 100 * users->share_all);
    buffer_add_text(out, "  moved away from what is lost:");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        buffer_print(out, "%s %s %s%s", i == 0 ? "" : ",", parts[i], users->moved_ms[i] < 0 ? "" : "after ",
                     write_time_or(users->moved_ms[i], "never", first));
    }
    buffer_add_text(out, "\n");
    write_capacities(out, users);
}

/* How much of the data a loss takes along. */
static void write_copies(struct buffer *out, const struct drill_report *report)
{
    char at[DRILL_SECONDS_SIZE], lag[DRILL_SECONDS_SIZE], rpo[DRILL_SECONDS_SIZE];
    for (size_t i = 0; i < report->copy_count && i < EVENTS_MAX; i++) {
        const struct drill_copy *copy = &report->copies[i];
        buffer_print(out, "%s  %s lost at %s: the copy from %s to %s is ", i == 0 ? "\nData\n" : "",
                     copy->lost, drill_write_seconds(copy->at_ms, at), copy->from, copy->to);
        buffer_print(out, "%s behind%s%s%s\n",
                     copy->lag_ms < 0 ? "nobody knows how far" : drill_write_seconds(copy->lag_ms, lag),
                     copy->rpo_ms == 0 ? "" : " (RPO ",
                     copy->rpo_ms == 0 ? "" : drill_write_seconds(copy->rpo_ms, rpo),
                     copy->rpo_ms == 0 ? "" : ")");
    }
}

static void write_resources(struct buffer *out, const struct drill_report *report, bool is_declared)
{
    size_t written = 0;
    for (unsigned i = 0; i < DRILL_RESOURCES; i++) {
        unsigned level = report->resources[i];
        if ((level != 0) != is_declared) {
            continue;
        }
        buffer_print(out, "%s%s", written++ == 0 ? "" : ", ", drill_resource_text((enum drill_resource)i));
        if (is_declared) {
            buffer_print(out, " %u", level);
        }
    }
    buffer_add_text(out, "\n");
}

static void write_level(struct buffer *out, const struct drill_report *report)
{
    enum { ALL = (1 << DRILL_RESOURCES) - 1 };
    char rto[DRILL_SECONDS_SIZE], rpo[DRILL_SECONDS_SIZE];
    struct drill_level found = drill_find_level(report);
    if (found.of_times == 0 && found.undeclared == ALL) {
        return;
    }
    if (found.level == 0) {
        buffer_print(out, "  no level of GB/T 20988-2007 can be told: %s\n", found.why);
    } else {
        buffer_print(out, "  level %u of GB/T 20988-2007 at most: recovery %s and data %s, as %s, allow %u\n",
                     found.level, drill_write_seconds(found.rto_ms, rto),
                     drill_write_seconds(found.rpo_ms, rpo), report->mode == NULL ? "computed" : "measured",
                     found.of_times);
    }
    if (found.undeclared != ALL) {
        buffer_add_text(out, "  declared: ");
        write_resources(out, report, true);
    }
    if (found.undeclared != 0) {
        buffer_add_text(out, "  neither measured nor declared: ");
        write_resources(out, report, false);
    }
}

/* What each thing that begins or ends led to, and when. */
static void write_phases(struct buffer *out, const struct drill_report *report)
{
    char at[DRILL_SECONDS_SIZE], detection[DRILL_SECONDS_SIZE], decision[DRILL_SECONDS_SIZE];
    if (!report->has_document) {
        return;
    }
    buffer_add_text(out, "\nWhat happens\n");
    for (size_t i = 0; i < report->phase_count && i < EVENTS_MAX; i++) {
        const struct drill_phase *phase = &report->phases[i];
        buffer_print(out, "  %9s  %s: ", drill_write_seconds(phase->at_ms, at), phase->text);
        if (phase->decision_ms < 0) {
            buffer_add_text(out, "no answer changes\n");
            continue;
        }
        if (phase->detection_ms >= 0) {
            buffer_print(out, "seen after %s, ", drill_write_seconds(phase->detection_ms, detection));
        }
        buffer_print(out, "%zu answer%s change%s, the last one %s later\n", phase->changed,
                     words_plural(phase->changed), phase->changed == 1 ? "s" : "",
                     drill_write_seconds(phase->decision_ms, decision));
    }
    write_rest(out, report->phase_count > EVENTS_MAX ? report->phase_count - EVENTS_MAX : 0);
}

/* Details make room for what matters more: thousands of endpoints must not hide the region. */
static void write_timeline(struct buffer *out, const struct drill_report *report)
{
    char at[DRILL_SECONDS_SIZE];
    size_t details = 0, others = 0;
    buffer_add_text(out, "\nTimeline\n");
    if (!report->has_document) {
        buffer_print(out, "  %9s  %s\n", "0.0 s", "loss");
    }
    for (size_t i = 0; i < report->event_count; i++) {
        const struct drill_event *event = &report->events[i];
        size_t *written = event->is_detail ? &details : &others;
        if (*written < (event->is_detail ? DETAILS_MAX : EVENTS_MAX)) {
            (*written)++;
            buffer_print(out, "  %9s  %s\n", drill_write_seconds(event->at_ms, at), event->text);
        }
    }
    write_rest(out, report->event_count - details - others);
}

static void write_shares(struct buffer *out, const struct drill_share *shares, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer_print(out, "%s%s %.0f%% -> %.0f%%", i == 0 ? "" : ", ",
                     shares[i].region == NULL ? "nowhere" : shares[i].region, 100 * shares[i].before,
                     100 * shares[i].after);
    }
    buffer_add_text(out, "\n");
}

struct widths {
    int name, type, class_label, before, after;
};

static void widen(int *width, const char *text)
{
    int len = (int)strlen(text);
    *width = len > *width ? len : *width;
}

static struct widths measure(const struct drill_report *report)
{
    struct widths widths = {4, 4, 5, 6, 5};
    for (size_t i = 0; i < report->changed_count && i < ROWS_MAX; i++) {
        widen(&widths.name, report->names[i].name);
        widen(&widths.type, report->names[i].type);
        widen(&widths.class_label, report->names[i].class_label);
        widen(&widths.before, report->names[i].before);
        widen(&widths.after, report->names[i].after);
    }
    return widths;
}

static void write_names(struct buffer *out, const struct drill_report *report)
{
    char decided[DRILL_SECONDS_SIZE];
    if (report->changed_count == 0) {
        return;
    }
    struct widths w = measure(report);
    buffer_print(out, "\nAnswers that change\n  %-*s  %-*s  %-*s  %-*s    %-*s  %9s  %s\n", w.name, "NAME",
                 w.type, "TYPE", w.class_label, "CLASS", w.before, "BEFORE", w.after, "AFTER", "AT",
                 "TRAFFIC BY REGION");
    for (size_t i = 0; i < report->changed_count && i < ROWS_MAX; i++) {
        const struct drill_name *name = &report->names[i];
        buffer_print(out, "  %-*s  %-*s  %-*s  %-*s -> %-*s  %9s  ", w.name, name->name, w.type, name->type,
                     w.class_label, name->class_label, w.before, name->before, w.after, name->after,
                     drill_write_seconds(name->decided_ms, decided));
        write_shares(out, name->shares, name->share_count);
    }
    write_rest(out, report->changed_count > ROWS_MAX ? report->changed_count - ROWS_MAX : 0);
}

static void write_unserved(struct buffer *out, const struct drill_report *report)
{
    size_t written = 0;
    if (report->unserved_count == 0) {
        return;
    }
    buffer_add_text(out, "\n!! Nothing healthy answers for\n");
    for (size_t i = 0; i < report->name_count && written < ROWS_MAX; i++) {
        const struct drill_name *name = &report->names[i];
        if (name->unserved) {
            buffer_print(out, "  %s %s (%s): %s%s\n", name->name, name->type, name->class_label, name->after,
                         name->changes ? "" : ", before the loss already");
            written++;
        }
    }
    write_rest(out, report->unserved_count - written);
}

static void write_held(struct buffer *out, const struct drill_report *report)
{
    size_t written = 0;
    if (report->held_count == 0) {
        return;
    }
    buffer_add_text(out, "\n!! A safety rule forbids to move\n");
    for (size_t i = 0; i < report->name_count && written < ROWS_MAX; i++) {
        const struct drill_name *name = &report->names[i];
        if (name->held) {
            buffer_print(out, "  %s %s (%s): %s\n", name->name, name->type, name->class_label, name->after);
            written++;
        }
    }
    write_rest(out, report->held_count - written);
}

static void write_to_lost(struct buffer *out, const struct drill_report *report)
{
    size_t written = 0;
    if (report->to_lost_count == 0) {
        return;
    }
    buffer_add_text(
        out, "\n!! Traffic still goes to what is lost (no check, an override or a roll-up that waits)\n");
    for (size_t i = 0; i < report->name_count && written < ROWS_MAX; i++) {
        const struct drill_name *name = &report->names[i];
        if (name->to_lost > 0) {
            buffer_print(out, "  %s %s (%s): %.1f%% of %s\n", name->name, name->type, name->class_label,
                         100 * name->to_lost, name->after);
            written++;
        }
    }
    write_rest(out, report->to_lost_count - written);
}

char *drill_write_text(const struct drill_report *report)
{
    struct buffer out;
    buffer_init(&out);
    write_headline(&out, report);
    write_verdict(&out, report);
    write_conditions(&out, report);
    write_spread(&out, report);
    write_watchers(&out, report);
    write_unserved(&out, report);
    write_held(&out, report);
    write_to_lost(&out, report);
    write_phases(&out, report);
    write_users(&out, report);
    write_copies(&out, report);
    write_level(&out, report);
    write_timeline(&out, report);
    write_names(&out, report);
    buffer_add_text(&out, "\nTraffic by region, all names alike: ");
    write_shares(&out, report->total, report->total_count);
    char *text = memory_copy_text(out.bytes);
    buffer_fini(&out);
    return text;
}

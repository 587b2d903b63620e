/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Each thing that makes a drill fail becomes a sentence with the figures that it follows from, so that the
 * operator sees what to turn: the interval, the failures in a row, the TTL, a tier, a check. */
#include "config.h"

#include "drill/reasons.h"

#include "base/buffer.h"
#include "base/words.h"

#include <stdio.h>
#include <string.h>

enum { REASONS_MAX = 4, OWNS_MAX = 8, NAMED_MAX = 3 };

const char *drill_write_seconds(int64_t ms, char text[DRILL_SECONDS_SIZE])
{
    if (ms > 0 && ms < 1000) {
        snprintf(text, DRILL_SECONDS_SIZE, "%lld ms", (long long)ms);
        return text;
    }
    int len = snprintf(text, DRILL_SECONDS_SIZE, "%lld.%03lld", (long long)ms / 1000, (long long)ms % 1000);
    while (text[len - 1] == '0' && text[len - 2] != '.') {
        len--;
    }
    snprintf(text + len, DRILL_SECONDS_SIZE - (size_t)len, " s");
    return text;
}

/* "6.3 s (3 checks of web-1, one every 2.0 s, and a timeout of 300 ms)" */
static void write_decision(struct buffer *to, const struct drill_report *report)
{
    const struct drill_decider *decider = &report->decider;
    char text[DRILL_SECONDS_SIZE];
    buffer_print(to, "%s", drill_write_seconds(report->common_decision_ms, text));
    if (decider->endpoint == NULL || report->common_decision_ms != report->decision_ms) {
        return;
    }
    buffer_print(to, " (%u check%s of %s, one every ", decider->rounds, words_plural(decider->rounds),
                 decider->endpoint);
    buffer_add_text(to, drill_write_seconds(decider->interval_ms, text));
    if (decider->recheck_ms != 0) {
        buffer_print(to, " and after failures every %s", drill_write_seconds(decider->recheck_ms, text));
    }
    if (decider->timeout_ms != 0) {
        buffer_print(to, ", and a timeout of %s", drill_write_seconds(decider->timeout_ms, text));
    }
    buffer_add_text(to, ")");
}

static const struct drill_name *find_longest_ttl(const struct drill_report *report)
{
    const struct drill_name *longest = NULL;
    for (size_t i = 0; i < report->changed_count; i++) { /* these come first */
        const struct drill_name *name = &report->names[i];
        bool counts = (int64_t)name->ttl * 1000 <= report->common_ttl_ms;
        longest = counts && (longest == NULL || name->ttl > longest->ttl) ? name : longest;
    }
    return longest;
}

static void tell_late(struct buffer *to, const struct drill_report *report)
{
    char recovery[DRILL_SECONDS_SIZE], rto[DRILL_SECONDS_SIZE], ttl[DRILL_SECONDS_SIZE];
    const struct drill_name *longest = find_longest_ttl(report);
    buffer_print(to, "recovery %s misses the RTO of %s: decision ",
                 drill_write_seconds(drill_common_recovery(report), recovery),
                 drill_write_seconds(report->rto_ms, rto));
    write_decision(to, report);
    buffer_print(to, " + TTL %s", drill_write_seconds(report->common_ttl_ms, ttl));
    if (longest != NULL) {
        buffer_print(to, " (%s)", longest->name);
    }
}

static bool is_held(const struct drill_name *name)
{
    return name->held;
}

static bool is_unserved(const struct drill_name *name)
{
    return name->unserved;
}

static bool is_to_lost(const struct drill_name *name)
{
    return name->to_lost > 0;
}

/* ": www.example.com. A (default), … and 3 more" */
static void list_names(struct buffer *to, const struct drill_report *report, size_t count,
                       bool (*matches)(const struct drill_name *name))
{
    size_t named = 0;
    for (size_t i = 0; i < report->name_count && named < NAMED_MAX && named < count; i++) {
        const struct drill_name *name = &report->names[i];
        if (matches(name)) {
            buffer_print(to, "%s%s %s (%s)", named == 0 ? ": " : ", ", name->name, name->type,
                         name->class_label);
            named++;
        }
    }
    if (named < count) {
        buffer_print(to, " and %zu more", count - named);
    }
}

static void tell_unserved(struct buffer *to, const struct drill_report *report)
{
    size_t count = report->unserved_count;
    buffer_print(to, "%zu answer%s %s nothing healthy left", count, words_plural(count),
                 count == 1 ? "has" : "have");
    list_names(to, report, count, is_unserved);
}

static void tell_held(struct buffer *to, const struct drill_report *report)
{
    size_t count = report->held_count;
    buffer_print(to, "%zu answer%s may not move, by a safety rule", count, words_plural(count));
    list_names(to, report, count, is_held);
}

static void tell_to_lost(struct buffer *to, const struct drill_report *report)
{
    size_t count = report->to_lost_count;
    buffer_print(to, "%zu answer%s still lead%s to what is lost", count, words_plural(count),
                 count == 1 ? "s" : "");
    list_names(to, report, count, is_to_lost);
    if (report->detection_ms < 0) {
        buffer_add_text(to, "; nothing that is lost has a check that could still notice");
    }
}

static bool is_late(const struct drill_name *name, const char *of)
{
    return name->late && name->rto_of != NULL && strcmp(name->rto_of, of) == 0;
}

/* "2 answers miss the RTO of the name: www.example.com. A (default) takes 37.0 s, of 10.0 s" */
static void tell_own_late(struct buffer *to, const struct drill_report *report, const char *of)
{
    char recovery[DRILL_SECONDS_SIZE], rto[DRILL_SECONDS_SIZE];
    size_t count = 0;
    for (size_t i = 0; i < report->name_count; i++) {
        count += is_late(&report->names[i], of);
    }
    buffer_print(to, "%zu answer%s miss%s the RTO of %s", count, words_plural(count), count == 1 ? "es" : "",
                 of);
    size_t named = 0;
    for (size_t i = 0; i < report->name_count && named < NAMED_MAX; i++) {
        const struct drill_name *name = &report->names[i];
        if (is_late(name, of)) {
            buffer_print(to, "%s%s %s (%s) takes %s, of %s", named == 0 ? ": " : "; ", name->name, name->type,
                         name->class_label,
                         drill_write_seconds(name->decided_ms + (int64_t)name->ttl * 1000, recovery),
                         drill_write_seconds(name->rto_ms, rto));
            named++;
        }
    }
    if (named < count) {
        buffer_print(to, "; and %zu more", count - named);
    }
}

static void add_reason(struct drill_report *report, struct arena *arena, const struct buffer *text)
{
    report->reasons[report->reason_count++] = arena_copy_text(arena, text->bytes);
}

/* Of names, and of each pair of regions by which answers move too late. */
static void find_own_late(struct drill_report *report, struct arena *arena)
{
    const char *told[OWNS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < report->name_count && report->late_count != 0 && count < OWNS_MAX; i++) {
        const char *of = report->names[i].late ? report->names[i].rto_of : NULL;
        bool is_new = of != NULL;
        for (size_t n = 0; n < count && is_new; n++) {
            is_new = strcmp(told[n], of) != 0;
        }
        if (is_new) {
            struct buffer text;
            told[count++] = of;
            buffer_init(&text);
            tell_own_late(&text, report, of);
            add_reason(report, arena, &text);
            buffer_fini(&text);
        }
    }
}

void drill_find_reasons(struct drill_report *report, struct arena *arena)
{
    const struct {
        bool holds;
        void (*tell)(struct buffer *to, const struct drill_report *report);
    } all[REASONS_MAX] = {
        {report->rto_ms != 0 && drill_common_recovery(report) > report->rto_ms, tell_late},
        {report->unserved_count != 0, tell_unserved},
        {report->held_count != 0, tell_held},
        {report->to_lost_count != 0, tell_to_lost},
    };
    report->reasons =
        arena_alloc(arena, (REASONS_MAX + OWNS_MAX + report->miss_count) * sizeof *report->reasons);
    report->reason_count = 0;
    for (size_t i = 0; i < REASONS_MAX; i++) {
        struct buffer text;
        buffer_init(&text);
        if (all[i].holds) {
            all[i].tell(&text, report);
            add_reason(report, arena, &text);
        }
        buffer_fini(&text);
        if (i == 0) {
            find_own_late(report, arena);
        }
    }
    for (size_t i = 0; i < report->miss_count; i++) {
        report->reasons[report->reason_count++] = report->misses[i];
    }
}

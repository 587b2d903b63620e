/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A comparison in sentences, the worst first. They say what is so with the one configuration and not with the
 * other, whether that is installed already or not. */
#include "config.h"

#include "operate/compare_internal.h"

#include "base/buffer.h"
#include "base/words.h"

#include <stdarg.h>
#include <stdio.h>

/* Answers, fates of zones and names, serials, members, settings (those of the server are one). */
enum { STEPS_MAX = OPERATE_MOVED + 1 + OPERATE_ZONE_FATES + OPERATE_FATES + 2 + OPERATE_SETTINGS_MAX };
enum { STEP_SIZE = 1024, EXAMPLES = 3 };

struct story {
    struct arena *arena;
    struct operate_comparison *comparison;
};

__attribute__((format(printf, 2, 3))) static void say(struct story *story, const char *format, ...)
{
    struct operate_comparison *to = story->comparison;
    char text[STEP_SIZE];
    va_list arguments;
    if (to->step_count == STEPS_MAX) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    to->steps[to->step_count++] = arena_copy_text(story->arena, text);
}

static const char *finish(struct story *story, struct buffer *text, size_t told, size_t total)
{
    if (told < total) {
        buffer_add_text(text, " …");
    }
    const char *copy = arena_copy_text(story->arena, text->len == 0 ? "" : text->bytes);
    buffer_fini(text);
    return copy;
}

/* "example.com. (4 of 9), …": what numbers are said of each, if any. */
static const char *list_counts(struct story *story, const struct operate_counts *counts,
                               void (*add)(struct buffer *text, const uint32_t numbers[2]))
{
    struct buffer text;
    size_t count = counts->count < EXAMPLES ? counts->count : EXAMPLES;
    buffer_init(&text);
    for (size_t i = 0; i < count; i++) {
        buffer_print(&text, "%s%s", i == 0 ? "" : ", ", counts->items[i].name);
        if (add != NULL) {
            add(&text, counts->items[i].records);
        }
    }
    return finish(story, &text, count, counts->total);
}

static void add_parts(struct buffer *text, const uint32_t numbers[2])
{
    buffer_print(text, " (%u of %u)", numbers[1], numbers[0]);
}

static void add_ttls(struct buffer *text, const uint32_t numbers[2])
{
    buffer_print(text, " (%u -> %u s)", numbers[0], numbers[1]);
}

static void add_serials(struct buffer *text, const uint32_t numbers[2])
{
    buffer_print(text, " (%u -> %u)", numbers[0], numbers[1]);
}

static void tell_held_up(struct story *story)
{
    const struct operate_counts *zones = &story->comparison->held_up;
    bool one = zones->total == 1;
    if (zones->total != 0) {
        say(story, "%zu zone%s no later serial with %s other records, so secondaries keep the old ones: %s",
            zones->total, one ? " has" : "s have", one ? "its" : "their",
            list_counts(story, zones, add_serials));
    }
}

static void tell_fate(struct story *story, const char *what, const struct operate_counts *counts,
                      enum operate_fate fate)
{
    static const char *const texts[][2] = {
        [OPERATE_ADDED] = {"comes", "come"},
        [OPERATE_REMOVED] = {"goes", "go"},
        [OPERATE_SHRUNK] = {"keeps less than half of its records", "keep less than half of their records"},
        [OPERATE_CHANGED] = {"has other records", "have other records"},
        [OPERATE_RETIMED] = {"has another TTL", "have other TTLs"},
        [OPERATE_STEERED] = {"becomes steered", "become steered"},
        [OPERATE_UNSTEERED] = {"is not steered any more", "are not steered any more"}};
    if (counts->total != 0) {
        say(story, "%zu %s%s %s: %s", counts->total, what, words_plural(counts->total),
            texts[fate][counts->total != 1],
            list_counts(story, counts,
                        fate == OPERATE_SHRUNK    ? add_parts
                        : fate == OPERATE_RETIMED ? add_ttls
                                                  : NULL));
    }
}

static void tell_fates(struct story *story)
{
    static const enum operate_fate order[OPERATE_FATES] = {
        OPERATE_UNSTEERED, OPERATE_REMOVED, OPERATE_SHRUNK, OPERATE_STEERED,
        OPERATE_CHANGED,   OPERATE_RETIMED, OPERATE_ADDED};
    for (size_t i = 0; i < OPERATE_FATES; i++) {
        if (order[i] < OPERATE_ZONE_FATES) {
            tell_fate(story, "zone", &story->comparison->zones[order[i]], order[i]);
        }
    }
    for (size_t i = 0; i < OPERATE_FATES; i++) {
        tell_fate(story, "name", &story->comparison->names[order[i]], order[i]);
    }
}

/* "www.example.com. A (class default: tier us -> tier eu), …" */
static const char *list_moves(struct story *story, enum operate_severity severity)
{
    const struct operate_comparison *from = story->comparison;
    struct buffer text;
    size_t told = 0, names = 0;
    buffer_init(&text);
    for (size_t i = 0; i < from->move_count && told < EXAMPLES; i++) {
        const struct operate_move *move = &from->moves[i];
        if (move->severity == severity) {
            bool is_other = move->class_before != NULL;
            buffer_print(&text, "%s%s %s (class %s%s%s: %s -> %s)", told++ == 0 ? "" : ", ", move->name,
                         move->types[0], is_other ? move->class_before : "", is_other ? " -> " : "",
                         move->class_label, move->before, move->after);
            names += move->name_count;
        }
    }
    return finish(story, &text, names, from->names_moved[severity]);
}

static void tell_moves(struct story *story)
{
    static const char *const texts[OPERATE_MOVED + 1][2] = {
        [OPERATE_UNSERVED] = {"is served by nobody any more", "are served by nobody any more"},
        [OPERATE_FALLBACK] = {"is left to a fallback", "are left to a fallback"},
        [OPERATE_MOVED] = {"is answered differently", "are answered differently"}};
    for (int severity = 0; severity <= OPERATE_MOVED; severity++) {
        size_t names = story->comparison->names_moved[severity];
        if (names != 0) {
            say(story, "%zu name%s %s: %s", names, words_plural(names), texts[severity][names != 1],
                list_moves(story, (enum operate_severity)severity));
        }
    }
}

static void add_members(struct buffer *text, const char *verb, const struct operate_members *members)
{
    for (size_t i = 0; i < members->count && i < EXAMPLES; i++) {
        buffer_print(text, "%s %s", i == 0 ? verb : ",", members->names[i]);
    }
    if (members->total > EXAMPLES) {
        buffer_add_text(text, " …");
    }
}

static void tell_members(struct story *story)
{
    const struct operate_comparison *from = story->comparison;
    if (from->gained + from->lost == 0) {
        return;
    }
    struct buffer text;
    size_t count = from->membership_count < EXAMPLES ? from->membership_count : EXAMPLES;
    buffer_init(&text);
    for (size_t i = 0; i < count; i++) {
        const struct operate_membership *item = &from->memberships[i];
        buffer_print(&text, "%s%s", i == 0 ? "" : "; ", item->name);
        add_members(&text, " gains", &item->gained);
        add_members(&text, " loses", &item->lost);
    }
    say(story, "members of names: %zu gained, %zu lost: %s", from->gained, from->lost,
        finish(story, &text, count, from->membership_total));
}

/* ---- settings ---- */

/* "rrl", "cookies" */
static void tell_server(struct story *story, bool at_start)
{
    const struct operate_comparison *from = story->comparison;
    struct buffer text;
    size_t told = 0;
    buffer_init(&text);
    for (size_t i = 0; i < from->setting_count; i++) {
        const struct operate_setting *setting = &from->settings[i];
        if (setting->scope == OPERATE_OF_SERVER && setting->at_start == at_start) {
            buffer_print(&text, "%s\"%s\"", told++ == 0 ? "" : ", ", setting->key);
        }
    }
    const char *keys = finish(story, &text, told, told);
    if (told != 0) {
        say(story, "the server differs in %s%s", keys, at_start ? ", from its next start on" : "");
    }
}

static const char *list_items(struct story *story, const struct operate_setting *setting)
{
    struct buffer text;
    size_t count = setting->count < EXAMPLES ? setting->count : EXAMPLES;
    buffer_init(&text);
    for (size_t i = 0; i < count; i++) {
        buffer_print(&text, "%s%s", i == 0 ? "" : ", ", setting->items[i]);
    }
    return finish(story, &text, count, setting->total);
}

static void tell_settings(struct story *story)
{
    const struct operate_comparison *from = story->comparison;
    for (size_t i = 0; i < from->setting_count; i++) {
        const struct operate_setting *setting = &from->settings[i];
        const char *what = operate_scope_text(setting->scope);
        if (setting->scope == OPERATE_OF_TOPOLOGY) {
            say(story, "the topology differs in \"%s\"", setting->key);
        } else if (setting->scope != OPERATE_OF_SERVER) {
            say(story, "%zu %s%s %s in \"%s\": %s", setting->total, what, words_plural(setting->total),
                setting->total == 1 ? "differs" : "differ", setting->key, list_items(story, setting));
        }
    }
    tell_server(story, false);
    tell_server(story, true);
}

void compare_tell_story(struct arena *arena, struct operate_comparison *comparison)
{
    struct story story = {arena, comparison};
    comparison->steps = arena_alloc(arena, STEPS_MAX * sizeof *comparison->steps);
    tell_moves(&story);
    tell_fates(&story);
    tell_held_up(&story);
    tell_members(&story);
    tell_settings(&story);
}

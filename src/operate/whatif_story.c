/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A what-if report in sentences: what somebody who was woken up has to know first, the worst first. */
#include "config.h"

#include "operate/whatif_internal.h"

#include "base/buffer.h"
#include "base/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#define FULL 1.001 /* rounding aside */

enum { STEPS_MAX = 64, STEP_SIZE = 1024, EXAMPLES = 3 };

struct story {
    struct arena *arena;
    struct operate_report *report;
};

__attribute__((format(printf, 2, 3))) static void say(struct story *story, const char *format, ...)
{
    struct operate_report *report = story->report;
    char text[STEP_SIZE];
    va_list arguments;
    if (report->step_count == STEPS_MAX) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report->steps[report->step_count++] = arena_copy_text(story->arena, text);
}

/* "www.example.com., api.example.com. …" of the first rows of a severity on this page. */
static const char *name_examples(struct story *story, enum operate_severity severity)
{
    struct buffer text;
    size_t count = 0;
    buffer_init(&text);
    for (size_t i = 0; i < story->report->row_count && count < EXAMPLES; i++) {
        const struct operate_row *row = &story->report->rows[i];
        if (row->severity == severity && row->name_listed != 0) {
            buffer_print(&text, "%s%s %s (class %s)", count++ == 0 ? ": " : ", ", row->names[0],
                         row->types[0], row->class_label);
        }
    }
    buffer_add_text(&text, count == 0 ? "" : count < story->report->rows_by_severity[severity] ? " …" : "");
    const char *copy = arena_copy_text(story->arena, text.len == 0 ? "" : text.bytes);
    buffer_fini(&text);
    return copy;
}

static void tell_names(struct story *story)
{
    const struct operate_report *report = story->report;
    say(story, "%zu of %zu steered name%s would answer differently", report->names_changed, report->names,
        words_plural(report->names));
    if (report->names_unserved[1] != 0) {
        say(story, "%zu name%s would have clients that get no records of a type (now: %zu)",
            report->names_unserved[1], words_plural(report->names_unserved[1]), report->names_unserved[0]);
    }
}

static void tell_severities(struct story *story)
{
    static const char *const texts[OPERATE_UNCHANGED] = {
        [OPERATE_UNSERVED] = "records lost",
        [OPERATE_FALLBACK] = "no tier left, only a fallback",
        [OPERATE_OVERLOADED] = "more than a region or az can take, if what is used now is just full",
        [OPERATE_STILL_UNSERVED] = "no records, now as then",
        [OPERATE_STILL_FALLBACK] = "a fallback, now as then",
    };
    for (int i = 0; i < OPERATE_UNCHANGED; i++) {
        size_t count = story->report->rows_by_severity[i];
        if (count != 0 && texts[i] != NULL) {
            say(story, "%s: %zu row%s%s", texts[i], count, words_plural(count),
                name_examples(story, (enum operate_severity)i));
        }
    }
}

/* How full it gets: ": 110 % of its capacity of 2000 requests/s", or "". */
static const char *load_text(struct story *story, const struct operate_place *place)
{
    double load = place->load[1];
    if (place->name == NULL || place->share[1] <= 0 || story->report->traffic <= 0) {
        return "";
    }
    if (load < 0) {
        return "; how full it gets is not known, some of its endpoints have no capacity";
    }
    return arena_print(story->arena, ": %.0f %% of its capacity of %.0f requests/s%s", 100 * load,
                       place->capacity[1], load > FULL ? ", MORE THAN IT CAN TAKE" : "");
}

static void tell_region(struct story *story, const struct operate_place *place)
{
    const char *name = place->name == NULL ? "no endpoint" : place->name;
    if (fabs(place->share[1] - place->share[0]) > 1e-6) {
        say(story, "%s would get %.3g %% of the answers instead of %.3g %%%s", name, 100 * place->share[1],
            100 * place->share[0], load_text(story, place));
    } else if (place->load[1] > FULL) {
        say(story, "%s goes on getting %.3g %% of the answers%s", name, 100 * place->share[1],
            load_text(story, place));
    }
}

/* Those that get too much first. */
static void tell_regions(struct story *story)
{
    const struct operate_places *regions = &story->report->regions;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < regions->count; i++) {
            const struct operate_place *place = &regions->items[i];
            if ((place->load[1] > FULL) == (pass == 0) && story->report->step_count < STEPS_MAX - 1) {
                tell_region(story, place);
            }
        }
    }
}

static void tell_traffic(struct story *story)
{
    const struct operate_report *report = story->report;
    if (report->traffic <= 0) {
        say(story, "how full regions get is not known: the endpoints in use have no capacities");
        return;
    }
    say(story,
        report->traffic_is_given
            ? "loads are for %.0f requests/s in all, as given, spread over all names and classes alike"
            : "loads are for %.0f requests/s in all, which is what fills the fullest region or az now, "
              "spread over "
              "all names and classes alike",
        report->traffic);
}

static void tell_brakes(struct story *story)
{
    for (unsigned family = 0; family < HEALTH_BRAKES; family++) {
        const struct health_brake_status *brake = &story->report->brakes[family];
        if (brake->engaged) {
            say(story,
                "if checks found that, and no override said it, the brake would hold: %u of %u targets over "
                "%s"
                " would fail at once and no control target speaks for steerd, so nothing would fall for up to"
                " %.0f s",
                brake->failing, brake->failing + brake->answering, family == HEALTH_V4 ? "IPv4" : "IPv6",
                (double)brake->left_ms / 1000);
        }
    }
}

void whatif_tell_story(struct arena *arena, struct operate_report *report)
{
    struct story story = {arena, report};
    report->steps = arena_alloc(arena, STEPS_MAX * sizeof *report->steps);
    if (report->names == 0) {
        say(&story, "there are no steered names");
        return;
    }
    if (report->assumed_count == 0) {
        say(&story, "nothing is assumed: this is how things are");
    }
    tell_names(&story);
    tell_brakes(&story);
    tell_severities(&story);
    tell_regions(&story);
    tell_traffic(&story);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A moment in sentences, for somebody who was woken up. */
#include "config.h"

#include "daemon/moment_parts.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/words.h"
#include "view/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORDS_MAX = 64, WORDS_SIZE = 1024, LISTED = 10 };

/* ---- collecting ---- */

__attribute__((format(printf, 4, 0))) static void add(struct arena *arena, const char ***items, size_t *count,
                                                      const char *format, va_list arguments)
{
    char text[WORDS_SIZE];
    if (*count == WORDS_MAX) {
        return;
    }
    if (*items == NULL) {
        *items = arena_alloc(arena, WORDS_MAX * sizeof **items);
    }
    vsnprintf(text, sizeof text, format, arguments);
    (*items)[(*count)++] = arena_copy_text(arena, text);
}

void moment_miss(struct moment *moment, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(moment->source->arena, &moment->told->missing, &moment->told->missing_count, format, arguments);
    va_end(arguments);
}

void moment_say(struct moment *moment, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(moment->source->arena, &moment->told->steps, &moment->told->step_count, format, arguments);
    va_end(arguments);
}

int moment_fail(struct moment *moment, int error, const char *why)
{
    bool is_said = why != NULL && why[0] != '\0';
    moment->told->why = arena_copy_text(moment->source->arena, is_said ? why : error_text(error));
    return error == ERROR_INVALID || error == ERROR_SYNTAX ? ERROR_LIBRARY : error;
}

/* ---- what held ---- */

const char *moment_write_time(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    char text[CLOCK_TEXT_SIZE];
    clock_write_rfc3339(wall_ms, text);
    snprintf(out, CLOCK_TEXT_SIZE, "%.10s %.8sZ", text, text + 11);
    return out;
}

static const char *desired_words(const struct health_override *override,
                                 char words[HEALTH_OVERRIDE_TEXT_SIZE])
{
    snprintf(words, HEALTH_OVERRIDE_TEXT_SIZE, "drained by %u %%", override->share);
    return override->share != 0                        ? words
           : override->desired == HEALTH_DESIRED_DRAIN ? "drained"
           : override->desired == HEALTH_DESIRED_UP    ? "taken for healthy"
                                                       : "taken for unhealthy";
}

static void tell_override(struct moment *moment, enum health_kind kind, const char *name,
                          const struct health_override *override, bool planned)
{
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE + 16] = "";
    char words[HEALTH_OVERRIDE_TEXT_SIZE];
    int64_t since_ms = override->starts_ms != 0 ? override->starts_ms : override->set_ms;
    if (override->expires_ms != 0) {
        snprintf(end, sizeof end, ", until %s", moment_write_time(override->expires_ms, until));
    }
    moment_say(moment, "%s %s was %s%s by %s%s%s%s (\"%s\") %s %s%s", health_kind_text(kind), name,
               planned ? "to be " : "", desired_words(override, words),
               override->actor[0] == '\0' ? "somebody" : override->actor,
               override->peer[0] == '\0' ? "" : " [", override->peer, override->peer[0] == '\0' ? "" : "]",
               override->reason, planned ? "from" : "since", moment_write_time(since_ms, from), end);
}

static void tell_overrides(struct moment *moment, const struct health *health)
{
    size_t told = 0, total = health_count_overrides(health);
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        uint32_t count = (uint32_t)health_count(health, (enum health_kind)kind);
        for (uint32_t i = 0; i < count && told < LISTED; i++) {
            const struct health_override *override = health_get_override(health, (enum health_kind)kind, i);
            struct health_status status;
            if (override != NULL && health_get_status(health, (enum health_kind)kind, i, &status) == 0) {
                tell_override(moment, (enum health_kind)kind, status.name, override, status.planned);
                told++;
            }
        }
    }
    if (told < total) {
        moment_say(moment, "%zu more override%s held or were planned", total - told,
                   words_plural(total - told));
    }
}

bool moment_is_inherited(enum health_decider decided_by, enum health_kind kind)
{
    return decided_by == HEALTH_BY_AZ_LOST || decided_by == HEALTH_BY_REGION_LOST ||
           (decided_by == HEALTH_BY_REGION_OVERRIDE && kind != HEALTH_REGION) ||
           (decided_by == HEALTH_BY_AZ_OVERRIDE && kind == HEALTH_ENDPOINT);
}

/* Whoever is lost with its az or region goes without saying. */
static void tell_lost(struct moment *moment, const struct health *health)
{
    size_t told = 0, lost = 0;
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        uint32_t count = (uint32_t)health_count(health, (enum health_kind)kind);
        for (uint32_t i = 0; i < count; i++) {
            struct health_status status;
            char since[CLOCK_TEXT_SIZE];
            if (health_get_status(health, (enum health_kind)kind, i, &status) != 0 ||
                status.effective.state != HEALTH_UNHEALTHY ||
                moment_is_inherited(status.effective.decided_by, (enum health_kind)kind)) {
                continue;
            }
            lost++;
            if (told < LISTED) {
                moment_say(moment, "%s %s was unhealthy since %s", health_kind_text((enum health_kind)kind),
                           status.name, moment_write_time(status.since_ms, since));
                told++;
            }
        }
    }
    if (told < lost) {
        moment_say(moment, "%zu more objects were unhealthy", lost - told);
    }
}

void moment_tell(struct moment *moment, const struct view *view)
{
    const struct admin_moment *told = moment->told;
    char since[CLOCK_TEXT_SIZE];
    if (told->manifest != NULL && told->generation != 0) {
        moment_say(moment, "generation %llu of %s served, as its files were at %s",
                   (unsigned long long)told->generation, told->main,
                   moment_write_time(told->configured_ms, since));
    }
    if (view->health == NULL) {
        return;
    }
    size_t before = told->step_count;
    tell_overrides(moment, view->health);
    tell_lost(moment, view->health);
    if (told->step_count == before) {
        moment_say(moment, "nothing was overridden, and nothing was unhealthy");
    }
}

void moment_tell_answer(struct moment *moment, const struct operate_explanation *explanation)
{
    struct buffer tiers;
    size_t count = 0;
    buffer_init(&tiers);
    for (size_t i = 0; i < explanation->tier_count; i++) {
        if (explanation->tiers[i].selected) {
            buffer_print(&tiers, "%s%s", count++ == 0 ? "" : ", ", explanation->tiers[i].label);
        }
    }
    if (explanation->source != NULL && strcmp(explanation->source, "tier") == 0) {
        moment_say(moment, "answers for %s came from tier%s %s", explanation->name, words_plural(count),
                   tiers.bytes);
    } else if (explanation->source != NULL) {
        moment_say(moment, "no tier served %s: answers came from what is left, %s", explanation->name,
                   explanation->source);
    }
    buffer_fini(&tiers);
}

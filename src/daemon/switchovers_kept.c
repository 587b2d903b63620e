/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The switchovers that there are: kept, read from the store, and when the next step of any is due. It writes
 * nothing, so what reads the store late may call it. */
#include "config.h"

#include "daemon/switchovers_inside.h"

#include "daemon/changes.h"
#include "daemon/override_json.h"
#include "daemon/server.h"
#include "daemon/switchover_json.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { LOOK_MS = 1000 }; /* a step is never further off than this: the clock may be set */

/* ---- keeping ---- */

struct kept_switchover *switchovers_find(const struct switchovers *all, const char *id)
{
    struct kept_switchover *kept = all->first;
    while (kept != NULL && strcmp(kept->what->id, id) != 0) {
        kept = kept->next;
    }
    return kept;
}

struct kept_switchover *switchovers_keep(struct switchovers *all, struct switchover *what)
{
    struct kept_switchover *kept = memory_alloc(sizeof *kept);
    struct kept_switchover **at = &all->first;
    while (*at != NULL && (*at)->what->created_ms > what->created_ms) {
        at = &(*at)->next;
    }
    *kept = (struct kept_switchover){.next = *at, .what = what};
    *at = kept;
    return kept;
}

void switchovers_drop(struct switchovers *all, struct kept_switchover *kept)
{
    struct kept_switchover **at = &all->first;
    while (*at != kept) {
        at = &(*at)->next;
    }
    *at = kept->next;
    switchover_free(kept->what);
    free(kept);
}

size_t server_list_switchovers(void *context, struct arena *arena, const struct switchover ***items)
{
    const struct switchovers *all = ((const struct server *)context)->switchovers;
    size_t count = 0, at = 0;
    for (const struct kept_switchover *kept = all->first; kept != NULL; kept = kept->next) {
        count++;
    }
    const struct switchover **list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (const struct kept_switchover *kept = all->first; kept != NULL; kept = kept->next) {
        list[at++] = kept->what;
    }
    *items = list;
    return count;
}

void switchovers_count(const struct switchovers *all, struct switchovers_counts *counts)
{
    *counts = (struct switchovers_counts){.held = 0};
    for (const struct kept_switchover *kept = all == NULL ? NULL : all->first; kept != NULL;
         kept = kept->next) {
        counts->states[kept->what->state]++;
        counts->held += switchover_is_held(kept->what);
    }
}

void switchovers_print_metrics(const struct switchovers_counts *counts, struct buffer *out)
{
    buffer_print(out, "# HELP steerd_switchovers Switchovers that are not over, by state.\n"
                      "# TYPE steerd_switchovers gauge\n");
    for (int state = 0; state < SWITCHOVER_CLOSED; state++) {
        buffer_print(out, "steerd_switchovers{state=\"%s\"} %zu\n",
                     switchover_state_text((enum switchover_state)state), counts->states[state]);
    }
    buffer_print(out,
                 "# HELP steerd_switchovers_held Switchovers whose next step is held.\n"
                 "# TYPE steerd_switchovers_held gauge\n"
                 "steerd_switchovers_held %zu\n",
                 counts->held);
}

/* ---- time ---- */

void switchovers_follow_clock_step(struct switchovers *all, int64_t by_ms)
{
    for (struct kept_switchover *kept = all == NULL ? NULL : all->first; kept != NULL; kept = kept->next) {
        switchover_shift(kept->what, by_ms);
        if (kept->coming != NULL && kept->coming != kept->what) {
            switchover_shift(kept->coming, by_ms);
        }
    }
}

void switchovers_schedule(struct switchovers *all)
{
    int64_t wall_ms = clock_wall_ms(&all->server->clock), soonest_ms = 0;
    for (const struct kept_switchover *kept = all->first; kept != NULL; kept = kept->next) {
        int64_t next_ms = kept->is_busy            ? 0
                          : kept->what->asks_hooks ? wall_ms + LOOK_MS /* is anybody there who runs them? */
                                                   : switchover_next_ms(kept->what);
        soonest_ms = next_ms != 0 && (soonest_ms == 0 || next_ms < soonest_ms) ? next_ms : soonest_ms;
    }
    if (soonest_ms == 0) {
        event_del(all->timer);
        return;
    }
    int64_t left_ms = soonest_ms - wall_ms;
    left_ms = left_ms > LOOK_MS ? LOOK_MS : left_ms < 1 ? LOOK_MS / 10 : left_ms;
    const struct timeval timeout = {.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
    event_add(all->timer, &timeout);
}

/* ---- from the store ---- */

void switchovers_note_interruption(struct switchover *what, const struct clock *clock)
{
    const char *verb = switchover_verb_text(what->asked_for);
    const struct switchover_wish nobody = {.text =
                                               "steerd has ended while hooks were run; nothing has moved"};
    log_warning(
        "switchover interrupted id=%s state=%s before=%s effect=\"steerd has ended while its hooks were run, "
        "so nothing has moved; to go on: %s\"",
        what->id, switchover_state_text(what->state), verb, verb);
    switchover_end_hooks(what, "interrupted", &nobody, clock_wall_ms(clock));
}

/* Of several nodes one writes it down, for all (switchovers_steps.c). */
static bool is_told(const struct switchovers *all, const struct switchover *what)
{
    return what->asker[0] != '\0' && all->server->is_node;
}

static void learn_one(struct switchovers *all, const char *id, const char *value)
{
    const char *why;
    const struct override_clock now = {all->server->boot, all->server->clock_offset_ms};
    struct switchover *what = switchover_read_json(id, value, &why);
    if (what == NULL) {
        log_error("switchover not understood id=%s why=\"%s\" effect=\"its overrides hold, no step follows\"",
                  id, why);
    } else if (switchovers_find(all, id) != NULL) {
        switchover_free(what);
    } else {
        switchover_shift(what, override_find_step(value, &now)); /* the clock was set since */
        if (what->asks_hooks && !is_told(all, what)) {
            switchovers_note_interruption(what, &all->server->clock);
        }
        switchovers_keep(all, what);
    }
}

static bool read_one(void *context, const struct store_object *object)
{
    learn_one(context, object->key, object->value);
    return true;
}

void switchovers_take_over(struct switchovers *all)
{
    for (struct kept_switchover *kept = all->first; kept != NULL; kept = kept->next) {
        if (kept->what->asks_hooks && !kept->is_busy && !is_told(all, kept->what)) {
            switchovers_note_interruption(kept->what, &all->server->clock);
        }
    }
    switchovers_schedule(all);
}

void switchovers_tell(const struct switchovers *all, const struct switchover *before,
                      const struct switchover *after, const struct store_cause *cause)
{
    changes_tell_switchover(
        all->server->changes,
        &(struct changes_switchover){.id = after->id,
                                     .before = before == NULL ? NULL : switchover_state_text(before->state),
                                     .after = switchover_state_text(after->state),
                                     .share = switchover_get_share(after),
                                     .held_by = after->held_by,
                                     .held = after->held,
                                     .actor = cause->actor,
                                     .peer = cause->peer,
                                     .reason = cause->reason});
}

void switchovers_follow(struct switchovers *all, const char *id, const char *value)
{
    const char *why = NULL;
    struct kept_switchover *kept = switchovers_find(all, id);
    struct switchover *what = value == NULL ? NULL : switchover_read_json(id, value, &why);
    if (kept != NULL && kept->is_busy) { /* what is done here comes behind it */
        switchover_free(what);
    } else if (value == NULL && kept != NULL) {
        switchovers_drop(all, kept);
    } else if (value != NULL && what == NULL) {
        log_error("switchover not understood id=%s why=\"%s\"", id, why);
    } else if (what != NULL) {
        if (kept == NULL || kept->what->changes != what->changes) {
            switchovers_tell(all, kept == NULL ? NULL : kept->what, what,
                             &(struct store_cause){.actor = what->actor, .reason = what->reason});
        }
        if (kept == NULL) {
            switchovers_keep(all, what);
        } else {
            switchover_free(kept->what);
            kept->what = what;
        }
    }
    switchovers_schedule(all);
}

void switchovers_learn(struct switchovers *all, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = folder == NULL ? ERROR_NOT_FOUND : store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, SWITCHOVER_KIND, "", NULL, read_one, all);
        store_reader_close(reader);
    }
    report_free(report);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_error("switchovers cannot be read why=\"%s\" effect=\"no step follows until they can be\"",
                  error_text(error));
    }
    switchovers_schedule(all);
}

void switchovers_regain(struct switchovers *all, const char *id, const char *value)
{
    if (all != NULL) {
        learn_one(all, id, value);
        switchovers_schedule(all);
    }
}

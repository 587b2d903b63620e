/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A simulation in phases: one begins whenever something begins or ends. */
#include "config.h"

#include "drill/places.h"
#include "drill/run.h"

#include "base/buffer.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- what begins and ends ---- */

static const char *say_turn(const struct drill_cause *cause, enum drill_turn turn)
{
    if (turn == DRILL_TURN_ENDS) {
        return cause->how == DRILL_LAG      ? "keeps up again"
               : cause->how == DRILL_SLOW   ? "fast again"
               : cause->how == DRILL_SILENT ? "heard again"
                                            : "back";
    }
    switch (cause->how) {
    case DRILL_LOST:
    case DRILL_FLAPPING: return cause->what == DRILL_PLACE || cause->what == DRILL_LINK ? "lost" : "failing";
    case DRILL_SLOW: return "slow";
    case DRILL_PARTIAL: return "failing in part";
    case DRILL_SILENT: return "silent";
    case DRILL_LAG: return "lags behind";
    case DRILL_RECOVERED: break;
    }
    return "back";
}

/* The sight of the server is lost, or back: so are the control targets. */
static void turn_sight(struct run *run, enum drill_turn turn)
{
    health_follow_time(run->health, run->began_ms + run->now_ms);
    for (uint32_t i = 0; i < run->topology->brake.control_count; i++) {
        health_observe_control(run->health, i,
                               turn == DRILL_TURN_BEGINS ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK);
    }
}

static bool is_of_own_sight(const struct drill_cause *cause)
{
    return cause->what == DRILL_VANTAGE && (cause->from >> DRILL_LOCAL & 1) != 0;
}

static void note_lost(struct run *run)
{
    for (uint32_t i = 0; i < run->topology->endpoint_count; i++) {
        run->is_lost[i] = drill_causes_serve(&run->causes, i, run->turn_ms).fails >= 1;
    }
}

/* ---- what is lost meanwhile ---- */

/* Endpoints that clients do not reach. */
static void list_lost(struct run *run, struct drill_phase *phase)
{
    struct arena *scratch = arena_new(0);
    struct drill_loss *places;
    size_t count = drill_list_places(run->topology, run->is_lost, scratch, &places);
    phase->lost_count = count < DRILL_PHASE_LOST_MAX ? count : DRILL_PHASE_LOST_MAX;
    phase->lost_left_out = count - phase->lost_count;
    phase->lost = arena_alloc(run->arena, (phase->lost_count + 1) * sizeof *phase->lost);
    for (size_t i = 0; i < phase->lost_count; i++) {
        phase->lost[i] = arena_print(run->arena, "%s:%s", health_kind_text(places[i].kind),
                                     drill_place_name(run->topology, &places[i]));
    }
    arena_free(scratch);
}

static void begin_phase(struct run *run, const char *text, bool is_back)
{
    run->phases = memory_grow(run->phases, run->phase_count, &run->phase_capacity, sizeof *run->phases);
    run->phases[run->phase_count++] = (struct drill_phase){.at_ms = run->now_ms,
                                                           .text = arena_copy_text(run->arena, text),
                                                           .is_back = is_back,
                                                           .detection_ms = -1,
                                                           .decision_ms = -1};
    list_lost(run, &run->phases[run->phase_count - 1]);
    if (run->scenario->document != NULL) {
        run_add_event(run, RUN_ENDPOINT, false, run->phases[run->phase_count - 1].text);
    }
}

void run_mark_answers(struct run *run)
{
    if (run->phase_count != 0 && !run->phases[run->phase_count - 1].is_back) {
        drill_answers_mark(run->answers, run->is_lost);
    }
}

/* Another one before it does the same: what has recovered is back once. */
static bool is_told(const struct run *run, size_t index, enum drill_turn turn)
{
    const struct drill_cause *own = &run->causes.items[index];
    for (size_t i = 0; i < index; i++) {
        const struct drill_cause *cause = &run->causes.items[i];
        if (drill_cause_turns(cause, run->turn_ms) == turn && strcmp(cause->text, own->text) == 0 &&
            strcmp(say_turn(cause, turn), say_turn(own, turn)) == 0) {
            return true;
        }
    }
    return false;
}

/* Of all causes, what they do then, in words. Owned; NULL: they do nothing. */
static char *say_turns(const struct run *run, bool *is_back)
{
    struct buffer text;
    buffer_init(&text);
    *is_back = true;
    for (size_t i = 0; i < run->causes.count; i++) {
        const struct drill_cause *cause = &run->causes.items[i];
        enum drill_turn turn = drill_cause_turns(cause, run->turn_ms);
        if (turn != DRILL_TURN_NONE && !is_told(run, i, turn)) {
            *is_back = *is_back && turn == DRILL_TURN_ENDS;
            buffer_print(&text, "%s%s %s", text.len == 0 ? "" : ", ", cause->text, say_turn(cause, turn));
        }
    }
    return text.bytes;
}

bool run_end_phase(struct run *run)
{
    free(run->news);
    run->news = say_turns(run, &run->is_back);
    if (run->news == NULL) {
        return false;
    }
    run_mark_answers(run);
    note_lost(run);
    return true;
}

void run_begin_phase(struct run *run)
{
    run->now_ms = run->turn_ms;
    if (run->news != NULL) {
        begin_phase(run, run->news, run->is_back);
    }
    run_do_moves(run);
    run->turn_ms = run_find_turn(run, run->now_ms + 1);
}

void run_turn(struct run *run)
{
    run_look_moves(run, NULL);
    bool turns = run_end_phase(run);
    run_begin_phase(run);
    if (run->move_count != 0) {
        run_follow_moves(run);
    }
    for (size_t i = 0; turns && i < run->causes.count; i++) {
        const struct drill_cause *cause = &run->causes.items[i];
        enum drill_turn turn = drill_cause_turns(cause, run->now_ms);
        if (turn != DRILL_TURN_NONE && is_of_own_sight(cause)) {
            turn_sight(run, turn);
        }
        if (turn != DRILL_TURN_NONE && cause->how != DRILL_SILENT) {
            run_wake_checks(run, cause);
        }
    }
    if (turns) {
        run_turn_silence(run);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The verbs that assume something: explain, the what-if report and dry runs, on the snapshot of a worker and
 * on a copy of that; and what is asked before an order is carried out. */
#include "config.h"

#include "daemon/whatif.h"

#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/traffic.h"
#include "base/error.h"

/* The current view as it is and as it would be. */
struct pair {
    const struct view *before; /* the reader's */
    struct view *after;
    const char **assumed; /* as they are told again */
    size_t count;
    int64_t wall_ms;
};

static void free_pair(struct pair *pair)
{
    view_free(pair->after);
}

/* Fills the pair even if it fails; to be freed always. */
static int make_pair(struct reader *reader, struct admin_assumptions *assumptions, struct arena *arena,
                     struct pair *pair)
{
    struct operate_assumption *parsed = arena_alloc(arena, assumptions->count * sizeof *parsed);
    *pair = (struct pair){.count = assumptions->count, .wall_ms = clock_wall_ms(&reader->server->clock)};
    pair->assumed = arena_alloc(arena, assumptions->count * sizeof *pair->assumed);
    pair->before = reader_begin(reader);
    pair->after = view_copy(pair->before, pair->wall_ms, NULL);
    for (size_t i = 0; i < assumptions->count; i++) {
        int error = operate_parse_assumption(pair->before, assumptions->texts[i], &parsed[i]);
        if (error != 0) {
            assumptions->bad = assumptions->texts[i];
            return error;
        }
        pair->assumed[i] = operate_write_assumption(pair->before, &parsed[i], arena);
    }
    operate_assume(pair->after, parsed, assumptions->count, pair->wall_ms);
    return 0;
}

static int report_pair(const struct pair *pair, const struct operate_what_if *page, struct arena *arena,
                       struct operate_report *report)
{
    struct operate_what_if question = *page;
    question.view[0] = pair->before;
    question.view[1] = pair->after;
    question.assumed = pair->assumed;
    question.assumed_count = pair->count;
    question.wall_ms = pair->wall_ms;
    return operate_report_what_if(&question, arena, report);
}

int server_what_if(void *context, struct admin_what_if *what_if, struct arena *arena,
                   struct operate_report *report)
{
    struct pair pair;
    const struct operate_what_if page = {.policy = -1,
                                         .traffic = what_if->traffic,
                                         .limit = what_if->limit,
                                         .cursor = what_if->cursor,
                                         .progress = what_if->progress};
    int error = make_pair(context, &what_if->assumptions, arena, &pair);
    if (error == 0) {
        error = report_pair(&pair, &page, arena, report);
    }
    reader_end(context);
    free_pair(&pair);
    return error;
}

int server_foresee_release(void *context, struct admin_release *release, struct arena *arena)
{
    struct reader *reader = context;
    struct admin_assumptions none = {.count = 0};
    struct pair pair;
    int error = make_pair(reader, &none, arena, &pair);
    struct health *health = pair.after->health;
    ptrdiff_t region = health_find(health, HEALTH_REGION, release->region),
              rule = health_find_guard(health, release->rule);
    error = error != 0 ? error
            : region < 0 || rule < 0
                ? ERROR_NOT_FOUND
                : health_release_hold(health, (uint32_t)region, (size_t)rule, pair.wall_ms);
    if (error == 0) {
        error = report_pair(
            &pair,
            &(struct operate_what_if){.policy = -1, .limit = release->limit, .progress = release->progress},
            arena, &release->report);
    }
    reader_end(context);
    free_pair(&pair);
    return error;
}

int server_explain_if(void *context, const struct operate_question *question,
                      struct admin_assumptions *assumptions, struct arena *arena,
                      struct admin_explained *explained)
{
    enum { ROWS = 100 };
    struct pair pair;
    int error = make_pair(context, assumptions, arena, &pair);
    struct operate_question now = *question;
    now.wall_ms = pair.wall_ms;
    now.challenges = ((const struct reader *)context)->challenges;
    if (error == 0) {
        error = operate_explain(pair.before, &now, arena, &explained->before);
    }
    if (error == 0) {
        error = operate_explain(pair.after, &now, arena, &explained->after);
    }
    if (error == 0) {
        bool is_steered = explained->before.steered;
        const struct operate_what_if page = {
            .policy = is_steered ? (ptrdiff_t)explained->before.policy : PTRDIFF_MAX, .limit = ROWS};
        error = report_pair(&pair, &page, arena, &explained->report);
    }
    reader_end(context);
    free_pair(&pair);
    return error;
}

int server_foresee_override(void *context, struct operate_wish *wish, struct arena *arena,
                            struct operate_foresight *foresight)
{
    struct reader *reader = context;
    wish->wall_ms = clock_wall_ms(&reader->server->clock);
    wish->now_ms = clock_now_ms(&reader->server->clock);
    wish->last_move_ms = reader->last_move_ms;
    const struct view *view = reader_begin(reader);
    if (!traffic_is_behind(reader->server->traffic)) {
        wish->rates = traffic_measure_rates(reader->server->traffic, view, arena);
    }
    int error = operate_foresee_override(view, wish, arena, foresight);
    reader_end(reader);
    return error;
}

/* Without a snapshot and without the lock: the words of the table are for everybody to read. */
int server_find_unserved(void *context, struct operate_wish *wish, struct arena *arena,
                         struct operate_unserved *unserved)
{
    const struct reader *reader = context;
    struct health_spell spell;
    int error = operate_find_spell(reader->live, wish, &spell);
    if (error != 0) {
        return error;
    }
    return operate_find_unserved(
        &(struct operate_unserved_ask){.view = reader->live,
                                       .wish = &spell,
                                       .spells = reader->spells,
                                       .spell_count = reader->spell_count,
                                       .wall_ms = clock_wall_ms(&reader->server->clock),
                                       .limit = wish->limit,
                                       .progress = wish->progress},
        arena, unserved);
}

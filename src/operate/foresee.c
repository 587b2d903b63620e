/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an override would do, tried on a copy of the view: the copy's machine decides, as the real one will.
 * One that is planned is asked about as if its time had come: who plans is there now, and nobody may be
 * then. */
#include "config.h"

#include "operate/foresee.h"

#include "base/error.h"

static void list_changes(const struct view *before, const struct view *after, struct arena *arena,
                         struct operate_foresight *foresight)
{
    size_t total = 0;
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        total += health_count(before->health, (enum health_kind)kind);
    }
    foresight->changes = arena_alloc(arena, total * sizeof *foresight->changes);
    for (int kind = HEALTH_REGION; kind >= HEALTH_ENDPOINT; kind--) {
        size_t count = health_count(before->health, (enum health_kind)kind);
        for (uint32_t i = 0; i < count; i++) {
            struct health_status was, is;
            health_get_status(before->health, (enum health_kind)kind, i, &was);
            health_get_status(after->health, (enum health_kind)kind, i, &is);
            if (was.effective.state != is.effective.state) {
                foresight->changes[foresight->change_count++] =
                    (struct operate_change){.kind = (enum health_kind)kind,
                                            .name = arena_copy_text(arena, was.name),
                                            .before = was.effective,
                                            .after = is.effective};
            }
        }
    }
}

int operate_find_spell(const struct view *view, const struct operate_wish *wish, struct health_spell *spell)
{
    ptrdiff_t index = operate_find_target(view, wish->kind, wish->name);
    if (index < 0) {
        return ERROR_NOT_FOUND;
    }
    *spell = health_find_spell(view->health, wish->kind, (uint32_t)index, wish->override);
    return 0;
}

static int judge(const struct view *view, const struct operate_wish *wish, struct arena *arena,
                 struct operate_foresight *foresight)
{
    struct health_spell spell;
    size_t count = health_count_overrides(view->health);
    struct health_spell *spells = arena_alloc(arena, count * sizeof *spells);
    health_list_spells(view->health, 0, spells, count);
    size_t lag_count = operate_count_lags(view);
    struct health_lag_status *lags = arena_alloc(arena, lag_count * sizeof *lags);
    (void)operate_list_lags(view, wish->now_ms, 0, lags, lag_count);
    int error = operate_find_spell(view, wish, &spell);
    const struct operate_unserved_ask ask = {.view = view,
                                             .wish = &spell,
                                             .spells = spells,
                                             .spell_count = count,
                                             .wall_ms = wish->wall_ms,
                                             .limit = wish->limit,
                                             .progress = wish->progress,
                                             .lags = lags,
                                             .lag_count = lag_count,
                                             .last_move_ms = wish->last_move_ms,
                                             .rates = wish->rates};
    if (error == 0) {
        operate_judge_rules(&ask, arena, &foresight->rules);
        error = operate_find_unserved(&ask, arena, &foresight->unserved);
    }
    return error;
}

int operate_foresee_override(const struct view *view, const struct operate_wish *wish, struct arena *arena,
                             struct operate_foresight *foresight)
{
    *foresight = (struct operate_foresight){.change_count = 0};
    if (operate_find_target(view, wish->kind, wish->name) < 0) {
        return ERROR_NOT_FOUND;
    }
    struct view *copy = view_copy(view, wish->wall_ms, NULL);
    int error = operate_put_override(copy, wish->kind, wish->name, wish->override, wish->wall_ms);
    if (error == 0) {
        struct health_override at_once = *wish->override;
        at_once.starts_ms = 0;
        (void)operate_get_target(copy, wish->kind, wish->name, arena, &foresight->target);
        (void)operate_put_override(copy, wish->kind, wish->name, &at_once, wish->wall_ms);
        list_changes(view, copy, arena, foresight);
        error = judge(view, wish, arena, foresight);
    }
    view_free(copy);
    return error;
}

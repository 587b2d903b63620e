/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The resources that ask about the past: explain with `at`, diff. On the long lane: the configuration of a
 * moment is loaded for it, one at a time. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "base/error.h"

/* What is wrong with one of the moments. Returns whether anything is. */
static bool add_bad(struct call *call, const struct admin_moment *moment, const char *field)
{
    if (moment->bad != NULL) {
        problem_add_field(&call->problem, field, "%s", moment->bad);
    }
    return moment->bad != NULL;
}

static void set_unmade(struct call *call, int error, const struct admin_moment *moment)
{
    problem_set(&call->problem, PROBLEM_NO_MOMENT, "%s",
                moment->why == NULL ? error_text(error) : moment->why);
    call->problem.whole = moment->whole;
}

void reply_explained_at(struct call *call, const struct operate_question *question)
{
    struct admin_moment moment = {.text = call->route.parameters[ROUTE_AT], .progress = call->progress};
    struct operate_explanation explanation = {.name = NULL};
    int error = call->admin->verbs.explain_at(call->reader, question, &moment, call->arena, &explanation);
    if (error == 0) {
        call_reply_json(call, 200, render_explained(&explanation, &moment));
        return;
    }
    if (error == ERROR_SYNTAX) {
        problem_add_field(&call->problem, "name", "found \"%s\", expected a domain name", question->name);
    } else if (!add_bad(call, &moment, "at")) {
        set_unmade(call, error, &moment);
    }
    call_reply_problem(call);
}

void handle_diff(struct call *call)
{
    const char *const *given = call->route.parameters;
    struct admin_difference difference = {.moments = {{.text = given[ROUTE_FROM]}, {.text = given[ROUTE_TO]}},
                                          .limit = call->route.limit,
                                          .progress = call->progress};
    int error = call->admin->verbs.compare_moments(call->reader, &difference, call->arena);
    if (error == 0) {
        call_reply_json(call, 200, render_difference(&difference));
        return;
    }
    bool is_bad = add_bad(call, &difference.moments[0], "from");
    is_bad = add_bad(call, &difference.moments[1], "to") || is_bad;
    if (!is_bad) {
        set_unmade(call, error, &difference.moments[difference.moments[0].why == NULL]);
    }
    call_reply_problem(call);
}

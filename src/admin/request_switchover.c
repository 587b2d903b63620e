/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bodies of POST /v1/switchovers and of its verbs. */
#include "config.h"

#include "admin/request_inside.h"
#include "base/error.h"
#include "base/when.h"

#include <stdio.h>
#include <string.h>

enum { STEP_MIN_MS = 1000, DAY_MS = 24 * 3600 * 1000, ALL = 100, EACH_MS = 60 * 1000 };

static void check_accepted(const json_t *body, struct request_switchover *wanted, struct problem *problem)
{
    struct request_texts texts = {.count = 0};
    if (request_get_texts(body, "accept", ADMIN_ACCEPTED_MAX, &texts, problem)) {
        wanted->accepted_count = texts.count;
        memcpy(wanted->accepted, texts.items, texts.count * sizeof *texts.items);
    }
}

/* ---- a new one ---- */

static bool is_twice(const struct switchover *what, const struct switchover_target *target)
{
    for (size_t i = 0; i < what->target_count; i++) {
        if (what->targets[i].kind == target->kind && strcmp(what->targets[i].name, target->name) == 0) {
            return true;
        }
    }
    return false;
}

static void add_target(const char *text, struct request_switchover *wanted, struct problem *problem)
{
    static const char group[] = "group:";
    struct switchover *what = &wanted->what;
    struct switchover_target *to = &what->targets[what->target_count];
    const char *name;
    if (strncmp(text, group, sizeof group - 1) == 0) {
        wanted->groups[wanted->group_count++] = text + sizeof group - 1;
        return;
    }
    memset(to, 0, sizeof *to);
    if (health_parse_target(text, &to->kind, &name) != 0 || name[0] == '\0' ||
        (size_t)snprintf(to->name, sizeof to->name, "%s", name) >= sizeof to->name) {
        problem_add_field(problem, "source",
                          "found \"%.100s\", expected region:NAME, az:NAME, endpoint:NAME or group:NAME",
                          text);
    } else if (is_twice(what, to)) {
        problem_add_field(problem, "source", "found \"%.100s\" twice", text);
    } else {
        what->target_count++;
    }
}

static void check_source(const json_t *body, struct request_switchover *wanted, struct problem *problem)
{
    struct request_texts texts = {.count = 0};
    wanted->what.targets = arena_alloc(problem->arena, SWITCHOVER_TARGETS_MAX * sizeof *wanted->what.targets);
    if (json_object_get(body, "source") == NULL) {
        problem_add_field(problem, "source",
                          "required: what traffic is to be moved off, such as region:us-east");
    }
    if (request_get_texts(body, "source", SWITCHOVER_TARGETS_MAX, &texts, problem)) {
        for (size_t i = 0; i < texts.count; i++) {
            add_target(texts.items[i], wanted, problem);
        }
        if (texts.count == 0 && !problem_is_set(problem)) {
            problem_add_field(problem, "source", "found none");
        }
    }
}

static void check_destination(const json_t *body, struct switchover *what, struct problem *problem)
{
    const char *to = request_get_text(body, "to", problem);
    if (to != NULL && ((size_t)snprintf(what->to, sizeof what->to, "%s", to) >= sizeof what->to ||
                       to[0] == '\0' || strlen(to) != json_string_length(json_object_get(body, "to")))) {
        problem_add_field(problem, "to", "expected the name of a region or an az");
    }
}

static void check_steps(const json_t *body, struct switchover *what, struct problem *problem)
{
    const json_t *steps = json_object_get(body, "steps");
    json_int_t before = 0;
    if (steps != NULL && (!json_is_array(steps) || json_array_size(steps) > SWITCHOVER_STEPS_MAX)) {
        problem_add_field(problem, "steps", "expected a list of at most %d percentages",
                          SWITCHOVER_STEPS_MAX);
        return;
    }
    for (size_t i = 0; i < json_array_size(steps); i++) {
        json_int_t step = json_integer_value(json_array_get(steps, i));
        bool is_last = step == ALL && i + 1 == json_array_size(steps); /* which is how it ends anyway */
        if (step <= before || step > ALL || (step == ALL && !is_last)) {
            problem_add_field(problem, "steps", "expected whole percentages that rise, from 1 to 100");
            return;
        }
        before = step;
        if (!is_last) {
            what->steps[what->step_count++] = (uint8_t)step;
        }
    }
}

static void check_each(const json_t *body, struct switchover *what, struct problem *problem)
{
    const char *each = request_get_text(body, "each", problem);
    what->each_ms = EACH_MS;
    if (each != NULL && (when_parse_duration(each, &what->each_ms) != 0 || what->each_ms < STEP_MIN_MS ||
                         what->each_ms > DAY_MS)) {
        problem_add_field(problem, "each", "found \"%.50s\", expected a duration from 1s to 24h", each);
    }
}

/* ---- all of them ---- */

static void check_reason(const json_t *body, bool is_required, struct request_switchover *wanted,
                         struct problem *problem)
{
    const char *reason = request_get_text(body, "reason", problem);
    if (reason != NULL) {
        request_check_reason(reason, wanted->reason, problem);
    } else if (is_required && json_object_get(body, "reason") == NULL) {
        problem_add_field(problem, "reason", "required: why");
    }
}

static void check_confirm(const json_t *body, struct request_switchover *wanted, struct problem *problem)
{
    const char *confirm = request_get_text(body, "confirm", problem);
    wanted->confirm = arena_copy_text(problem->arena, confirm);
}

/* Where a redirect leads; nothing else has it. */
static void check_turn(const json_t *body, bool turns, struct switchover *what, struct problem *problem)
{
    if (turns && json_object_get(body, "to") == NULL) {
        problem_add_field(problem, "to", "required: the region or az that is to take the traffic");
    } else if (!turns && json_object_get(body, "to") != NULL) {
        problem_add_field(problem, "to", "only a redirect leads elsewhere");
    }
    check_destination(body, what, problem);
}

int request_parse_switchover(const char *text, size_t len, enum request_switchover_kind kind,
                             struct request_switchover *wanted, struct problem *problem)
{
    bool is_new = kind == REQUEST_SWITCHOVER_NEW, turns = kind == REQUEST_SWITCHOVER_TURN;
    static const char *const known[] = {"source", "to",    "steps",     "each",      "execute", "accept",
                                        "reason", "actor", "emergency", "lower_ttl", "names",   NULL},
                             *const verb[] = {"emergency", "accept", "confirm", "reason",
                                              "actor",     "to",     NULL};
    *wanted = (struct request_switchover){.confirm = NULL};
    json_t *body = len == 0 ? json_object() : request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, is_new ? known : verb, problem);
    wanted->is_emergency = request_get_flag(body, "emergency", problem);
    check_accepted(body, wanted, problem);
    if (is_new) {
        check_source(body, wanted, problem);
        check_destination(body, &wanted->what, problem);
        request_check_names(body, wanted->what.names, problem);
        check_steps(body, &wanted->what, problem);
        check_each(body, &wanted->what, problem);
        wanted->what.lowers_ttl = request_get_flag(body, "lower_ttl", problem);
        wanted->executes = request_get_flag(body, "execute", problem) || wanted->is_emergency;
        wanted->what.step_count = wanted->is_emergency ? 0 : wanted->what.step_count;
    } else {
        check_confirm(body, wanted, problem);
        check_turn(body, turns, &wanted->what, problem);
    }
    check_reason(body, is_new || turns || wanted->is_emergency || wanted->accepted_count != 0, wanted,
                 problem);
    request_check_body_actor(body, wanted->actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

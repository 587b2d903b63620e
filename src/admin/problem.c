/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One table of causes; collecting what is wrong. Never fails. Called while a request is read and checked. */
#include "config.h"

#include "admin/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 512 };

static const struct {
    unsigned status;
    const char *name, *title;
} kinds[PROBLEM_KINDS] = {
    [PROBLEM_NONE] = {500, "none", "No problem"},
    [PROBLEM_BAD_REQUEST] = {400, "bad-request", "The request is malformed"},
    [PROBLEM_BAD_JSON] = {400, "bad-json", "The body is not valid JSON"},
    [PROBLEM_UNAUTHORIZED] = {401, "unauthorized", "Who asks has not shown who that is"},
    [PROBLEM_FORBIDDEN] = {403, "forbidden", "Who asks may not do this"},
    [PROBLEM_NOT_FOUND] = {404, "not-found", "There is no such thing"},
    [PROBLEM_METHOD_NOT_ALLOWED] = {405, "method-not-allowed", "The resource does not have this method"},
    [PROBLEM_CONFLICT] = {409, "conflict", "The current state does not permit this"},
    [PROBLEM_RELOAD_RUNNING] = {409, "reload-running", "A reload is running"},
    [PROBLEM_TAKEOVER_RUNNING] = {409, "takeover-running", "A takeover is under way"},
    [PROBLEM_UNSERVED] = {409, "unserved", "Nobody would serve some names"},
    [PROBLEM_RULES] = {409, "rules", "Safety rules forbid this"},
    [PROBLEM_OBJECTIONS] = {409, "objections", "Something objects"},
    [PROBLEM_HOOK] = {409, "hook", "A command that was asked before is against it"},
    [PROBLEM_IN_PROGRESS] = {409, "in-progress", "The request is being carried out"},
    [PROBLEM_ALREADY_DONE] = {409, "already-done", "The request was carried out before"},
    [PROBLEM_PRECONDITION] = {412, "precondition-failed", "It is not what it was taken for"},
    [PROBLEM_TOO_LARGE] = {413, "too-large", "The request is too large"},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {415, "unsupported-media-type", "The body is not application/json"},
    [PROBLEM_INVALID_FIELDS] = {422, "invalid-fields", "Some fields are not acceptable"},
    [PROBLEM_KEY_REUSED] = {422, "key-reused", "The key belongs to another request"},
    [PROBLEM_TOO_MANY] = {429, "too-many", "Too many bad tokens came from there"},
    [PROBLEM_RELOAD_FAILED] = {422, "reload-failed",
                               "The configuration is invalid; the previous one still serves"},
    [PROBLEM_TAKEOVER_FAILED] = {422, "takeover-failed",
                                 "The new process did not start; this one still serves"},
    [PROBLEM_OWNED_BY_FILES] = {409, "owned-by-files", "Documents belong to their files"},
    [PROBLEM_CONFIG_INVALID] = {422, "config-invalid",
                                "The configuration would be invalid; nothing was changed"},
    [PROBLEM_UNSUPPORTED] = {501, "unsupported", "This server does not do that"},
    [PROBLEM_BUSY] = {503, "busy", "The server computes too much already"},
    [PROBLEM_CLUSTER_UNREACHABLE] = {503, "cluster-unreachable", "The cluster cannot be told"},
    [PROBLEM_CLUSTER_ESTRANGED] = {409, "cluster-estranged", "This node does not follow the cluster"},
    [PROBLEM_CLUSTER_BUSY] = {503, "cluster-busy", "Another node has its turn"},
    [PROBLEM_NO_JOURNAL] = {503, "no-journal", "There is no journal that can be read"},
    [PROBLEM_NO_MOMENT] = {503, "no-moment", "That moment cannot be made out"},
    [PROBLEM_NOT_SAVED] = {503, "not-saved", "It could not be written"},
    [PROBLEM_INTERNAL] = {500, "internal", "The server could not answer"},
};

unsigned problem_status(enum problem_kind kind)
{
    return kinds[kind].status;
}

const char *problem_name(enum problem_kind kind)
{
    return kinds[kind].name;
}

const char *problem_title(enum problem_kind kind)
{
    return kinds[kind].title;
}

void problem_init(struct problem *problem, struct arena *arena)
{
    *problem = (struct problem){.arena = arena};
}

/* Clipped: what is quoted comes from the client. */
__attribute__((format(printf, 2, 0))) static const char *print(struct arena *arena, const char *format,
                                                               va_list arguments)
{
    char text[TEXT_SIZE];
    vsnprintf(text, sizeof text, format, arguments);
    return arena_copy_text(arena, text);
}

void problem_set(struct problem *problem, enum problem_kind kind, const char *format, ...)
{
    if (problem_is_set(problem)) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    problem->kind = kind;
    problem->detail = print(problem->arena, format, arguments);
    va_end(arguments);
}

static struct problem_error *add(struct problem *problem)
{
    if (problem->error_count == problem->capacity) {
        size_t capacity = problem->capacity == 0 ? 8 : 2 * problem->capacity;
        struct problem_error *errors = arena_alloc(problem->arena, capacity * sizeof *errors);
        if (problem->error_count != 0) {
            memcpy(errors, problem->errors, problem->error_count * sizeof *errors);
        }
        problem->errors = errors;
        problem->capacity = capacity;
    }
    return &problem->errors[problem->error_count++];
}

void problem_add_field(struct problem *problem, const char *field, const char *format, ...)
{
    if (!problem_is_set(problem)) {
        problem->kind = PROBLEM_INVALID_FIELDS;
    }
    va_list arguments;
    va_start(arguments, format);
    *add(problem) = (struct problem_error){.field = arena_copy_text(problem->arena, field),
                                           .message = print(problem->arena, format, arguments)};
    va_end(arguments);
}

void problem_add_report(struct problem *problem, const struct report *report)
{
    for (size_t i = 0; i < report_count(report); i++) {
        const struct report_item *item = report_get(report, i);
        if (item->severity == REPORT_ERROR) {
            *add(problem) = (struct problem_error){.message = item->message, .place = item->place};
        }
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * RFC 9457 problem documents: what was wrong with a request, all field errors at once. Plain data in an
 * arena. */
#pragma once

#include "base/arena.h"
#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum problem_kind {
    PROBLEM_NONE,
    PROBLEM_BAD_REQUEST,
    PROBLEM_BAD_JSON,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_FORBIDDEN,
    PROBLEM_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_CONFLICT,
    PROBLEM_RELOAD_RUNNING,
    PROBLEM_TAKEOVER_RUNNING,
    PROBLEM_UNSERVED,
    PROBLEM_RULES,
    PROBLEM_OBJECTIONS,
    PROBLEM_HOOK,
    PROBLEM_IN_PROGRESS,
    PROBLEM_ALREADY_DONE,
    PROBLEM_PRECONDITION,
    PROBLEM_TOO_LARGE,
    PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    PROBLEM_INVALID_FIELDS,
    PROBLEM_KEY_REUSED,
    PROBLEM_TOO_MANY,
    PROBLEM_RELOAD_FAILED,
    PROBLEM_TAKEOVER_FAILED,
    PROBLEM_OWNED_BY_FILES,
    PROBLEM_CONFIG_INVALID,
    PROBLEM_UNSUPPORTED,
    PROBLEM_BUSY,
    PROBLEM_CLUSTER_UNREACHABLE,
    PROBLEM_CLUSTER_ESTRANGED,
    PROBLEM_CLUSTER_BUSY,
    PROBLEM_NO_JOURNAL,
    PROBLEM_NO_MOMENT,
    PROBLEM_NOT_SAVED,
    PROBLEM_INTERNAL,
    PROBLEM_KINDS
};

struct problem_error {
    const char *field;   /* "expires_in"; NULL where place says it */
    const char *message; /* what was found and what was expected */
    struct report_place place;
};

/* How a resource is now that is not what it was taken for. All zero: there is none, or it is not written. */
struct problem_present {
    const char *tag;    /* its entity tag, with quotes */
    const char *actor;  /* who changed it last; NULL: not known */
    int64_t changed_ms; /* wall */
};

struct operate_rules;
struct operate_unserved;
struct whole;

struct problem {
    enum problem_kind kind;
    const char *detail; /* may be NULL */
    struct problem_error *errors;
    size_t error_count, capacity;
    const struct operate_unserved *unserved; /* of UNSERVED, and of RULES if that is so, too; else NULL */
    const struct operate_rules *rules;       /* of RULES */
    const struct whole *whole;               /* of NO_MOMENT; NULL: not told */
    const struct problem_present *present;   /* of PRECONDITION */
    const char *const *allowed;              /* of CONFLICT: verbs that lead on now; NULL: not told */
    size_t allowed_count;
    struct arena *arena;
};

void problem_init(struct problem *problem, struct arena *arena);
static inline bool problem_is_set(const struct problem *problem)
{
    return problem->kind != PROBLEM_NONE;
}

/* Say what is wrong. The first one stays: later causes follow from it. */
void problem_set(struct problem *problem, enum problem_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One more field that is wrong; makes the problem INVALID_FIELDS if nothing was set. */
void problem_add_field(struct problem *problem, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* All errors of a report, with their places. */
void problem_add_report(struct problem *problem, const struct report *report);

unsigned problem_status(enum problem_kind kind);  /* HTTP status code */
const char *problem_name(enum problem_kind kind); /* the end of the type URN */
const char *problem_title(enum problem_kind kind);

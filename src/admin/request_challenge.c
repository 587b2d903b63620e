/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The body of POST /v1/challenges. Where the name lies is for the handler to judge. */
#include "config.h"

#include "admin/challenge.h"
#include "admin/request_inside.h"
#include "base/error.h"
#include "base/when.h"

#include <string.h>

enum { VALUE_LEN = 43, LEAST_MS = 1000 };

bool request_is_challenge(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strnlen(text, VALUE_LEN + 1);
    return len == VALUE_LEN && strspn(text, letters) == len;
}

static const char *need_text(const json_t *body, const char *key, const char *what, struct problem *problem)
{
    const char *text = request_get_text(body, key, problem);
    bool is_empty = text != NULL && text[0] == '\0';
    if (json_object_get(body, key) == NULL || is_empty) {
        problem_add_field(problem, key, "required: %s", what);
    }
    return arena_copy_text(problem->arena, text == NULL ? "" : text);
}

int request_parse_challenge(const char *text, size_t len, struct request_challenge *wanted,
                            struct problem *problem)
{
    static const char *const known[] = {"name", "value", "expires_in", "reason", "actor", NULL};
    const int64_t most_ms = (int64_t)ADMIN_CHALLENGE_LASTS_MAX_S * 1000;
    *wanted = (struct request_challenge){.lasts_ms = (int64_t)ADMIN_CHALLENGE_LASTS_S * 1000};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    wanted->name = need_text(body, "name", "the name of a certificate", problem);
    wanted->value = need_text(body, "value", "what the ACME client wants there", problem);
    if (wanted->value[0] != '\0' && !request_is_challenge(wanted->value)) {
        problem_add_field(problem, "value", "found \"%.64s\", expected " REQUEST_CHALLENGE_EXPECTED,
                          wanted->value);
    }
    const char *lasts = request_get_text(body, "expires_in", problem);
    if (lasts != NULL && (when_parse_duration(lasts, &wanted->lasts_ms) != 0 || wanted->lasts_ms < LEAST_MS ||
                          wanted->lasts_ms > most_ms)) {
        problem_add_field(problem, "expires_in", "found \"%s\", expected a duration from 1s to 24h", lasts);
    }
    request_check_body_cause(body, wanted->reason, wanted->actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The words for every state, and back: what logs, the API and the command line say. Values outside an enum
 * give
 * "?" instead of NULL, so that a message never fails; parsing is exact and lower case. */
#include "config.h"

#include "base/error.h"
#include "base/hash.h"
#include "health/health.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *const observed_texts[] = {"unknown", "healthy", "unhealthy"};
static const char *const desired_texts[] = {"auto", "drain", "up", "down"};
static const char *const state_texts[] = {"unknown", "healthy",   "unhealthy",
                                          "drained", "forced_up", "forced_down"};
static const char *const decider_texts[] = {"verdict",           "az_lost",     "region_lost",
                                            "endpoint_override", "az_override", "region_override"};
static const char *const kind_texts[] = {"endpoint", "az", "region"};
static const char *const family_texts[] = {"ipv4", "ipv6", "any"};
static const char *const turn_texts[] = {"started", "expired", "missed", "dormant", "woken"};
static const char *const outcome_texts[] = {"none",
                                            "ok",
                                            "refused",
                                            "connect_timeout",
                                            "timeout",
                                            "reset",
                                            "closed",
                                            "unreachable",
                                            "bad_status",
                                            "bad_response",
                                            "unresolved",
                                            "local_error",
                                            "bad_body",
                                            "tls_timeout",
                                            "tls_closed",
                                            "tls_refused",
                                            "tls_error",
                                            "certificate_expired",
                                            "certificate_not_yet_valid",
                                            "certificate_wrong_host",
                                            "certificate_self_signed",
                                            "certificate_untrusted",
                                            "certificate_invalid",
                                            "certificate_expiring",
                                            "reported_down",
                                            "absent",
                                            "stale",
                                            "bad_rcode",
                                            "bad_answer",
                                            "packet_loss",
                                            "slow",
                                            "not_serving",
                                            "serving_unknown",
                                            "service_unknown",
                                            "bad_grpc_status",
                                            "no_h2",
                                            "stream_reset",
                                            "goaway",
                                            "bad_exit"};

_Static_assert(COUNT_OF(outcome_texts) == HEALTH_OUTCOME_COUNT, "every outcome has a name");

static const char *text_at(const char *const *texts, size_t count, unsigned value)
{
    return value < count ? texts[value] : "?";
}

static int find_text(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(texts[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const char *health_observed_text(enum health_observed observed)
{
    return text_at(observed_texts, COUNT_OF(observed_texts), observed);
}

const char *health_override_text(const struct health_override *override, char text[HEALTH_OVERRIDE_TEXT_SIZE])
{
    const char *word = health_desired_text(override->desired);
    if (override->share == 0) {
        return word;
    }
    snprintf(text, HEALTH_OVERRIDE_TEXT_SIZE, "%s of %u %%", word, override->share);
    return text;
}

const char *health_desired_text(enum health_desired desired)
{
    return text_at(desired_texts, COUNT_OF(desired_texts), desired);
}

const char *health_state_text(enum health_state state)
{
    return text_at(state_texts, COUNT_OF(state_texts), state);
}

const char *health_decider_text(enum health_decider decider)
{
    return text_at(decider_texts, COUNT_OF(decider_texts), decider);
}

const char *health_kind_text(enum health_kind kind)
{
    return text_at(kind_texts, COUNT_OF(kind_texts), kind);
}

const char *health_family_text(enum health_family family)
{
    return text_at(family_texts, COUNT_OF(family_texts), family);
}

const char *health_turn_text(enum health_turn turn)
{
    return text_at(turn_texts, COUNT_OF(turn_texts), turn);
}

const char *health_outcome_text(enum health_outcome outcome)
{
    return text_at(outcome_texts, COUNT_OF(outcome_texts), outcome);
}

const char *health_load_source_text(enum health_load_source source)
{
    return source == HEALTH_LOAD_FROM_CHECK ? "check" : source == HEALTH_LOAD_PUSHED ? "push" : NULL;
}

int health_parse_desired(const char *text, enum health_desired *desired)
{
    int found = find_text(desired_texts, COUNT_OF(desired_texts), text);
    if (found < 0) {
        return ERROR_NOT_FOUND;
    }
    *desired = (enum health_desired)found;
    return 0;
}

int health_parse_kind(const char *text, enum health_kind *kind)
{
    int found = find_text(kind_texts, COUNT_OF(kind_texts), text);
    if (found < 0) {
        return ERROR_NOT_FOUND;
    }
    *kind = (enum health_kind)found;
    return 0;
}

int health_parse_target(const char *text, enum health_kind *kind, const char **name)
{
    const char *colon = strchr(text, ':');
    char word[16];
    if (colon == NULL || (size_t)(colon - text) >= sizeof word) {
        return ERROR_SYNTAX;
    }
    memcpy(word, text, (size_t)(colon - text));
    word[colon - text] = '\0';
    *name = colon + 1;
    return health_parse_kind(word, kind) == 0 ? 0 : ERROR_SYNTAX;
}

/* ---- which it is ---- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return hash_bytes(hash, text, strlen(text) + 1);
}

uint64_t health_hash_override(enum health_kind kind, const char *name, const struct health_override *what)
{
    const uint64_t numbers[] = {kind, what->desired, what->share, (uint64_t)what->set_ms,
                                what->has_ttl ? 1 + (uint64_t)what->ttl_s : 0};
    uint64_t hash = hash_text(hash_bytes(HASH_START, numbers, sizeof numbers), name);
    hash = hash_text(hash_text(hash, what->reason), what->actor);
    return hash_finish(hash_text(hash_text(hash_text(hash, what->peer), what->to), what->names));
}

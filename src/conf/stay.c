/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stay.h. */
#include "config.h"

#include "conf/stay.h"

#include "base/share.h"
#include "conf/doc.h"
#include "conf/value.h"

#include <math.h>
#include <string.h>

enum { PENALTY = 1000, SUPPRESS = 2000, REUSE = 750, HALF_LIFE_MS = 60000, HALF_LIVES = 4 };
enum { WINDOW_MAX = 64, LEAST_MS = 1000, MOST_MS = 7 * 24 * 3600 * 1000 };

/* 0, or from a second on: ends are exact, and what is shorter than that is the intervals' business. */
static uint32_t read_duration(const struct doc_node *node, const char *key)
{
    static const uint32_t range_ms[2] = {0, MOST_MS};
    struct doc_node member;
    uint32_t ms = doc_get_duration_ms(node, key, range_ms, 0);
    if (ms != 0 && ms < LEAST_MS && doc_find(node, key, &member)) {
        doc_error_expected(&member, "a duration of at least 1s, or 0s");
    }
    return ms;
}

static uint32_t read_failback(const struct doc_node *node)
{
    struct doc_node member;
    uint64_t ms;
    if (!doc_find(node, "failback", &member)) {
        return 0;
    }
    const char *text = doc_is_text(&member) ? doc_text(&member) : "";
    if (strcmp(text, "auto") == 0) {
        return 0;
    }
    if (strcmp(text, "manual") == 0) {
        return CONF_MANUAL;
    }
    if (value_parse_duration(text, &ms) != 0) {
        doc_error_expected(&member, "\"auto\", \"manual\" or a duration such as \"30s\"");
        return 0;
    }
    return read_duration(node, "failback");
}

static void check_flap(const struct doc_node *node, const struct conf_flap *flap)
{
    double most = flap->reuse * exp2((double)flap->max_suppress_ms / (double)flap->half_life_ms);
    if (flap->reuse >= flap->suppress) {
        doc_error(node, "found \"reuse\" of %u, expected less than \"suppress\", which is %u", flap->reuse,
                  flap->suppress);
    } else if (most < flap->suppress) {
        doc_error(node,
                  "found \"max_suppress\" of %u s, expected more: in that time a penalty of %u does not fall "
                  "to \"reuse\", so none would ever reach \"suppress\"",
                  flap->max_suppress_ms / 1000, flap->suppress);
    }
}

static void read_flap(const struct doc_node *node, struct conf_stay *stay)
{
    static const char *const keys[] = {"penalty", "suppress", "reuse", "half_life", "max_suppress", NULL};
    static const uint32_t numbers[2] = {1, 1000000}, range_ms[2] = {LEAST_MS, MOST_MS};
    struct doc_node member;
    struct conf_flap *flap = &stay->flap;
    stay->has_flap = doc_find(node, "flap", &member);
    if (!stay->has_flap || (doc_is_text(&member) && strcmp(doc_text(&member), "off") == 0)) {
        return;
    }
    if (doc_is_text(&member)) {
        doc_error_expected(&member, "an object, such as {}, or \"off\"");
        return;
    }
    if (!doc_check_object(&member, keys)) {
        return;
    }
    size_t issues = doc_count_issues(node->doc);
    flap->is_on = true;
    flap->penalty = doc_get_number(&member, "penalty", numbers, PENALTY);
    flap->suppress = doc_get_number(&member, "suppress", numbers, SUPPRESS);
    flap->reuse = doc_get_number(&member, "reuse", numbers, REUSE);
    flap->half_life_ms = doc_get_duration_ms(&member, "half_life", range_ms, HALF_LIFE_MS);
    uint32_t most = flap->half_life_ms > MOST_MS / HALF_LIVES ? MOST_MS : flap->half_life_ms * HALF_LIVES;
    flap->max_suppress_ms = doc_get_duration_ms(&member, "max_suppress", range_ms, most);
    if (issues == doc_count_issues(node->doc)) {
        check_flap(&member, flap);
    }
}

void stay_read(const struct doc_node *node, struct conf_stay *stay)
{
    struct doc_node member;
    stay->has_hold_down = doc_find(node, "hold_down", &member);
    stay->hold_down_ms = read_duration(node, "hold_down");
    stay->failback_ms = read_failback(node);
    read_flap(node, stay);
}

bool conf_is_same_flap(const struct conf_flap *a, const struct conf_flap *b)
{
    return a->is_on == b->is_on &&
           (!a->is_on || (a->penalty == b->penalty && a->suppress == b->suppress && a->reuse == b->reuse &&
                          a->half_life_ms == b->half_life_ms && a->max_suppress_ms == b->max_suppress_ms));
}

void window_read(const struct doc_node *node, struct conf_window *to)
{
    static const char *const keys[] = {"of", "fail", NULL}, *const others[] = {"fall", "rise"};
    static const uint32_t range[2] = {2, WINDOW_MAX};
    struct doc_node window, of, fail, other;
    uint32_t count = 0;
    if (!doc_find(node, "window", &window) || !doc_check_object(&window, keys)) {
        return;
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (doc_find(node, others[i], &other)) {
            doc_error_at_key(&other,
                             "found \"%s\" beside \"window\", expected one of them: a share of the last "
                             "results decides, or results in a row",
                             others[i]);
        }
    }
    bool is_given = doc_require(&window, "of", &of) && doc_read_number(&of, range, &count);
    if (doc_require(&window, "fail", &fail) && is_given) {
        to->of = (uint8_t)count;
        to->fail = (uint8_t)share_count(doc_get_share(&window, "fail", 1), count);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scenario_world.h: what is expected, word by word. A word that is not known is no expectation that is
 * fulfilled. */
#include "config.h"

#include "scenario_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What there is to say of something, in the words of the documentation. */
struct seen {
    const char *state;
    struct health_stay_status stay;
    const char *decided_by; /* NULL: it is not said */
    int64_t since_ms;       /* of the scenario; -1: likewise */
    unsigned ramp_percent;  /* of its weight, while it returns; 0: it does not ramp */
    double shed;            /* of its weight, because of its load; 0..1 */
    bool held, stale, inherited, undecided, restored;
};

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool see_monitor(struct scenario_world *w, uint32_t monitor, struct seen *seen)
{
    struct health_monitor_status status;
    struct health_judgement judgement;
    if (health_get_monitor(w->health, monitor, &status) != 0) {
        return scenario_break(w, "there is no such check");
    }
    health_get_judgement(w->health, monitor, &judgement);
    *seen = (struct seen){.state = health_observed_text(status.verdict),
                          .stay = status.stay,
                          .since_ms = -1,
                          .held = status.held,
                          .stale = status.stale,
                          .inherited = status.inherited,
                          .restored = status.restored,
                          .undecided = judgement.is_by_quorum && judgement.judged == HEALTH_OBSERVED_UNKNOWN};
    return true;
}

static bool see_object(struct scenario_world *w, const struct scenario_target *target, struct seen *seen)
{
    struct health_status status;
    if (health_get_status(w->health, target->kind, target->index, &status) != 0) {
        return scenario_break(w, "there is no such object");
    }
    struct seen of_check = {.state = NULL};
    if (target->kind == HEALTH_ENDPOINT && target->count != 0 && !see_monitor(w, status.telling, &of_check)) {
        return false;
    }
    *seen = of_check;
    seen->state = health_state_text(status.effective.state);
    if (target->kind == HEALTH_ENDPOINT && target->family != HEALTH_ANY) {
        seen->state = health_observed_text(status.families[target->family]);
    } else if (target->kind != HEALTH_ENDPOINT && status.effective.state == HEALTH_UNHEALTHY) {
        seen->state = "lost";
    }
    seen->stay = status.stay;
    seen->decided_by = health_decider_text(status.effective.decided_by);
    seen->since_ms = status.since_ms - SCENARIO_WALL_MS;
    seen->ramp_percent = status.ramp.percent;
    seen->held = status.held;
    seen->shed = status.load.shed;
    return true;
}

static bool is_state(const char *word)
{
    static const char *const states[] = {"unknown",   "healthy",     "unhealthy", "drained",
                                         "forced_up", "forced_down", "lost"};
    size_t i = 0;
    while (i < sizeof states / sizeof *states && !is(word, states[i])) {
        i++;
    }
    return i < sizeof states / sizeof *states;
}

static bool expect_word(struct scenario_world *w, const char *word, bool holds)
{
    return holds || scenario_miss(w, "is not %s", word);
}

static bool expect_stay(struct scenario_world *w, const char *reason, const struct seen *seen)
{
    const char *found = health_stay_text(seen->stay.reason);
    return found != NULL && is(found, reason) ? true
                                              : scenario_miss(w, "stays down because of %s, not %s",
                                                              found == NULL ? "nothing" : found, reason);
}

static bool expect_left(struct scenario_world *w, const char *word, const struct seen *seen)
{
    int64_t ms;
    if (scenario_read_time(word, &ms) != 0) {
        return scenario_break(w, "\"for\" is followed by a time, not by %s", word);
    }
    return seen->stay.left_ms == ms ||
           scenario_miss(w, "stays down for %.3f s more", (double)seen->stay.left_ms / 1000);
}

static bool expect_since(struct scenario_world *w, const char *word, const struct seen *seen)
{
    int64_t ms;
    if (seen->since_ms < 0 || scenario_read_time(word, &ms) != 0) {
        return scenario_break(w, "\"since\" is followed by a time, and of endpoints, azs and regions only");
    }
    return seen->since_ms == ms || scenario_miss(w, "is so since %.3f s", (double)seen->since_ms / 1000);
}

static bool expect_decider(struct scenario_world *w, const char *word, const struct seen *seen)
{
    return seen->decided_by != NULL && is(word, seen->decided_by)
               ? true
               : scenario_miss(w, "is decided by %s", seen->decided_by == NULL ? "?" : seen->decided_by);
}

/* How much of its weight it has, in percent. */
static bool expect_ramp(struct scenario_world *w, const char *word, const struct seen *seen)
{
    enum { ALL = 100 };
    char *end;
    unsigned long percent = strtoul(word, &end, 10);
    unsigned found = seen->ramp_percent == 0 ? ALL : seen->ramp_percent;
    if (*end != '\0') {
        return scenario_break(w, "\"at\" is followed by a percentage, not by %s", word);
    }
    return percent == found || scenario_miss(w, "is at %u %%, not %s", found, word);
}

/* How much of its weight it sheds, in percent. */
static bool expect_shed(struct scenario_world *w, const char *word, const struct seen *seen)
{
    char *end;
    double percent = strtod(word, &end);
    if (*end != '\0') {
        return scenario_break(w, "\"sheds\" is followed by a percentage, not by %s", word);
    }
    return percent == 100 * seen->shed || scenario_miss(w, "sheds %g %%, not %s", 100 * seen->shed, word);
}

/* Words behind the state. */
static bool expect_more(struct scenario_world *w, const char *const *words, const struct seen *seen)
{
    static const struct {
        const char *word;
        bool (*judge)(struct scenario_world *w, const char *value, const struct seen *seen);
    } pairs[] = {{"stays_down", expect_stay}, {"for", expect_left},   {"since", expect_since},
                 {"at", expect_ramp},         {"sheds", expect_shed}, {"decided_by", expect_decider}};
    const struct {
        const char *word;
        bool holds;
    } marks[] = {{"held", seen->held},
                 {"stale", seen->stale},
                 {"inherited", seen->inherited},
                 {"undecided", seen->undecided},
                 {"restored", seen->restored}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (is(words[0], pairs[i].word) && words[1] != NULL) {
            return pairs[i].judge(w, words[1], seen) && (words[2] == NULL || expect_more(w, words + 2, seen));
        }
    }
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (is(words[0], marks[i].word)) {
            return expect_word(w, words[0], marks[i].holds) &&
                   (words[1] == NULL || expect_more(w, words + 1, seen));
        }
    }
    return scenario_break(w, "nothing is known of the word \"%s\"", words[0]);
}

static bool expect_state(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    struct seen seen = {.state = ""};
    if (!scenario_find_target(w, words[0], &target)) {
        return false;
    }
    if (words[1] == NULL || !is_state(words[1])) {
        return scenario_break(w, "\"%s\" is no state", words[1] == NULL ? "" : words[1]);
    }
    bool is_check = target.kind == HEALTH_ENDPOINT && target.check != -1;
    uint32_t monitor = target.first;
    while (is_check && monitor < target.last && !scenario_is_meant(w, &target, monitor)) {
        monitor++;
    }
    if (is_check ? !see_monitor(w, monitor, &seen) : !see_object(w, &target, &seen)) {
        return false;
    }
    if (!is(words[1], seen.state)) {
        return scenario_miss(w, "%s is %s, not %s", words[0], seen.state, words[1]);
    }
    return words[2] == NULL || expect_more(w, words + 2, &seen);
}

/* ---- others than endpoints, azs and regions ---- */

static bool expect_vantage(struct scenario_world *w, const char *const *words)
{
    struct health_vantage_status status;
    int place = is(words[0], HEALTH_LOCAL_NAME) ? -1 : scenario_find_vantage(w, words[0]);
    if (words[1] == NULL || words[2] != NULL ||
        !health_get_vantage(w->health, (unsigned)(place + 1), w->now_ms, &status)) {
        return scenario_break(w, "expected a vantage and one word");
    }
    const struct {
        const char *word;
        bool holds;
    } marks[] = {{"fresh", status.is_fresh && !status.aside[0] && !status.aside[1]},
                 {"silent", !status.is_fresh},
                 {"set_aside", status.aside[0] || status.aside[1]},
                 {"drained", status.drained}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (is(words[1], marks[i].word)) {
            return marks[i].holds || scenario_miss(w, "%s is not %s", words[0], words[1]);
        }
    }
    return scenario_break(w, "\"%s\" is nothing that a vantage is", words[1]);
}

static bool expect_brake(struct scenario_world *w, const char *const *words)
{
    struct health_brake_status status;
    bool is_v6 = words[0] != NULL && words[1] != NULL && is(words[1], "ipv6");
    if (words[0] == NULL || (words[1] != NULL && !is_v6) ||
        (!is(words[0], "holds") && !is(words[0], "rests"))) {
        return scenario_break(w, "expected \"brake holds\" or \"brake rests\", and maybe \"ipv6\"");
    }
    health_get_brake(w->health, is_v6, &status);
    return status.engaged == is(words[0], "holds") ||
           scenario_miss(w, "the brake %s", status.engaged ? "holds" : "rests");
}

/* "5", "5 to 7" */
static bool expect_number(struct scenario_world *w, const char *const *words, unsigned found)
{
    bool is_range = words[0] != NULL && words[1] != NULL && is(words[1], "to") && words[2] != NULL;
    char *end = NULL;
    unsigned long least = words[0] == NULL ? 0 : strtoul(words[0], &end, 10);
    if (words[0] == NULL || *end != '\0' || (words[1] != NULL && (!is_range || words[3] != NULL))) {
        return scenario_break(w, "expected \"NUMBER\" or \"NUMBER to NUMBER\"");
    }
    unsigned long most = is_range ? strtoul(words[2], &end, 10) : least;
    if (*end != '\0' || most < least) {
        return scenario_break(w, "\"%s\" is no number that can follow", words[2]);
    }
    return (found >= least && found <= most) || scenario_miss(w, "there were %u", found);
}

/* "lag FROM TO over", behind it maybe a stage. */
static bool expect_lag(struct scenario_world *w, const char *const *words)
{
    struct health_lag_status status;
    ptrdiff_t lag;
    if (!scenario_find_lag(w, words, &lag)) {
        return false;
    }
    health_get_lag(w->health, (size_t)lag, w->now_ms, &status);
    const char *rpo = status.rpo == HEALTH_RPO_NONE ? "unjudged" : health_rpo_text(status.rpo);
    const char *stage = status.stage == HEALTH_STAGE_UNKNOWN ? "" : health_stage_text(status.stage);
    static const char *const all[] = {"unjudged", "unknown", "kept", "over"};
    bool is_known = false;
    for (size_t i = 0; words[2] != NULL && i < sizeof all / sizeof *all; i++) {
        is_known = is_known || is(words[2], all[i]);
    }
    if (!is_known || (words[3] != NULL && words[4] != NULL)) {
        return scenario_break(w,
                              "expected \"kept\", \"over\", \"unknown\" or \"unjudged\", and maybe a stage");
    }
    if (!is(words[2], rpo)) {
        return scenario_miss(w, "the lag of %s to %s is %s, not %s", words[0], words[1], rpo, words[2]);
    }
    return words[3] == NULL || is(words[3], stage) ||
           scenario_miss(w, "the stage is %s, not %s", stage, words[3]);
}

/* How often answers moved because of it, so far. */
static bool expect_changes(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    return words[0] != NULL && scenario_find_target(w, words[0], &target)
               ? expect_number(w, words + 1, w->changes[target.kind][target.index])
               : scenario_break(w, "expected \"changes NAME NUMBER\"");
}

/* How often it was checked since this was asked the last time. */
static bool expect_checks(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    unsigned made = 0;
    if (words[0] == NULL || !scenario_find_target(w, words[0], &target) || target.kind != HEALTH_ENDPOINT) {
        return scenario_break(w, "expected \"checks ENDPOINT NUMBER\"");
    }
    for (uint32_t i = target.first; i < target.last; i++) {
        if (scenario_is_meant(w, &target, i)) {
            made += w->checks[i].made;
            w->checks[i].made = 0;
        }
    }
    return expect_number(w, words + 1, made);
}

bool scenario_expect(struct scenario_world *w, const char *const *words)
{
    if (words[0] == NULL) {
        return scenario_break(w, "expected what?");
    }
    if (is(words[0], "brake")) {
        return expect_brake(w, words + 1);
    }
    if (is(words[0], "lag")) {
        return expect_lag(w, words + 1);
    }
    if (is(words[0], "changes")) {
        return expect_changes(w, words + 1);
    }
    if (is(words[0], "checks")) {
        return expect_checks(w, words + 1);
    }
    bool is_vantage = is(words[0], HEALTH_LOCAL_NAME) || scenario_find_vantage(w, words[0]) != -1;
    return is_vantage ? expect_vantage(w, words) : expect_state(w, words);
}

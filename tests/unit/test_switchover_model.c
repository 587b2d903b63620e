/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The states of a switchover, exhaustively: all sequences of verbs, of time, of hooks, and of a destination
 * that dies and comes back, to a depth, against what the documentation says of what has happened. The server
 * crashes at every node: what goes on is what was read from what was written. Time is led as the server does,
 * which looks before each step.
 *
 *   no path leaves traffic on nothing that nobody has accepted
 *   none commits what was not verified since it moved
 *   all are undone until they are committed
 */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "daemon/switchover_json.h"
#include "operate/switchover_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EACH_MS = 60000, DEPTH = 7, DEPTH_NAMES = 5 };
static const int64_t start_ms = 1795233906789;

/* ---- the model: what the documentation says, by what has happened ---- */

struct past {
    bool executed, lowering, committed, protected, failed_back, over;
    bool good;       /* what was verified still holds */
    int64_t good_ms; /* since then */
    int64_t step_ms; /* the latest step began */
    bool serves;     /* the place that traffic moves to, just now */
    bool accepted;   /* somebody has said that it may move there all the same, on this way */
    bool held;
    bool stays; /* it was closed where it is */
};

/* Where it is, and what time it is. */
struct node {
    struct switchover *at;
    struct past past;
    int64_t now_ms;
    int depth;
};

static const struct switchover_accepted unwell[] = {{"health", NULL}};

/* A clock that was set back by more says nothing, either. */
static bool is_fresh(int64_t good_ms, int64_t now_ms)
{
    return now_ms - good_ms <= SWITCHOVER_FRESH_MS && good_ms - now_ms <= SWITCHOVER_FRESH_MS;
}

static bool is_on_its_way(const struct switchover *s)
{
    return s->state == SWITCHOVER_MOVING || s->state == SWITCHOVER_RETURNING ||
           s->state == SWITCHOVER_LOWERING;
}

/* Somewhere between execute and commit, or failback and commit. */
static bool is_under_way(const struct past *past)
{
    return past->executed && !past->over && (!past->committed || past->failed_back);
}

/* May it be done? */
static bool may(const struct node *node, enum switchover_verb verb, bool emergency)
{
    const struct past *past = &node->past;
    bool is_way = is_under_way(past), arrived = !is_on_its_way(node->at);
    if (past->over) {
        return false;
    }
    switch (verb) {
    case SWITCHOVER_EXECUTE: return !past->executed || (past->lowering && emergency);
    case SWITCHOVER_CANCEL: return !past->executed;
    case SWITCHOVER_VERIFY: return is_way && arrived;
    case SWITCHOVER_COMMIT: return is_way && past->good && is_fresh(past->good_ms, node->now_ms);
    case SWITCHOVER_ROLL_BACK: return is_way;
    case SWITCHOVER_REPROTECT: return past->committed && !past->failed_back && !past->protected;
    case SWITCHOVER_FAIL_BACK: return past->committed && !past->failed_back && (past->protected || emergency);
    case SWITCHOVER_CLOSE: return past->committed && !past->failed_back;
    case SWITCHOVER_RESUME: return past->held;
    case SWITCHOVER_REDIRECT: return is_way && !past->committed;
    default: return false;
    }
}

static bool sets_out(enum switchover_verb verb)
{
    return verb == SWITCHOVER_EXECUTE || verb == SWITCHOVER_FAIL_BACK;
}

static bool is_looked_at(enum switchover_verb verb)
{
    return sets_out(verb) || verb == SWITCHOVER_VERIFY || verb == SWITCHOVER_RESUME ||
           verb == SWITCHOVER_REDIRECT;
}

static void happen(struct past *past, const struct switchover_wish *wish, bool lowers, int64_t now_ms)
{
    bool resumes = wish->verb == SWITCHOVER_RESUME, turns = wish->verb == SWITCHOVER_REDIRECT;
    past->accepted = (past->accepted && !sets_out(wish->verb) && !turns) || wish->accepted_count != 0 ||
                     (wish->is_emergency && (sets_out(wish->verb) || resumes));
    past->held = false;
    past->stays = wish->verb == SWITCHOVER_CLOSE;
    past->lowering = (wish->verb == SWITCHOVER_EXECUTE && lowers && !wish->is_emergency) ||
                     (resumes && past->lowering && !wish->is_emergency) || (turns && past->lowering);
    past->good = wish->verb == SWITCHOVER_VERIFY;
    past->good_ms = now_ms;
    past->step_ms = resumes || (turns && past->lowering) ? past->step_ms : now_ms;
    switch (wish->verb) {
    case SWITCHOVER_EXECUTE: past->executed = true; break;
    case SWITCHOVER_COMMIT:
        past->over = past->committed;
        past->committed = true;
        break;
    case SWITCHOVER_ROLL_BACK:
        past->over = !past->committed;
        past->protected = past->committed;
        past->failed_back = false;
        break;
    case SWITCHOVER_REPROTECT: past->protected = true; break;
    case SWITCHOVER_FAIL_BACK: past->failed_back = true; break;
    case SWITCHOVER_CANCEL:
    case SWITCHOVER_CLOSE: past->over = true; break;
    default: break;
    }
}

static unsigned find_share(const struct past *past, bool arrived, unsigned step)
{
    static const unsigned steps[] = {5, 25};
    bool away = past->executed && !past->failed_back;
    if (past->lowering) {
        return 0;
    }
    if (!arrived) {
        return past->failed_back ? 100 - steps[step] : steps[step];
    }
    return away ? 100 : 0;
}
/* What may be desired of a target when it begins: nothing, and these. */
static const struct {
    enum health_desired desired;
    uint8_t share;
    const char *names;
    bool planned;
} befores[] = {{HEALTH_DESIRED_DRAIN, 0, "shop", false},  {HEALTH_DESIRED_DRAIN, 0, "", false},
               {HEALTH_DESIRED_DRAIN, 30, "shop", false}, {HEALTH_DESIRED_DRAIN, 0, "pay,shop", false},
               {HEALTH_DESIRED_UP, 0, "", false},         {HEALTH_DESIRED_DRAIN, 0, "shop", true}};
enum { TARGETS = 1 + sizeof befores / sizeof *befores };

static void make_targets(struct switchover_target targets[TARGETS])
{
    memset(targets, 0, TARGETS * sizeof *targets);
    for (size_t i = 0; i < TARGETS - 1; i++) {
        struct switchover_target *target = &targets[i + 1];
        target->had_override = true;
        target->was_planned = befores[i].planned;
        target->before = (struct health_override){.desired = befores[i].desired, .share = befores[i].share};
        strcpy(target->before.names, befores[i].names);
    }
}

static bool is_drained(const struct health_override *what, const char *group)
{
    bool is_meant = what->names[0] == '\0' || health_names_include(what->names, group);
    return what->desired == HEALTH_DESIRED_DRAIN && is_meant;
}

/* Of each group, and of who is in none (""): who was drained stays so while it moves, but for the steps of a
 * switchover of all; who is meant moves with it; of others nothing is wanted that was not before. */
static void check_wanted(const struct switchover *at, const struct past *past, bool arrived)
{
    static const char *const groups[] = {"shop", "pay", "other"};
    unsigned share = past->over ? switchover_get_share(at) : find_share(past, arrived, (unsigned)at->step);
    for (size_t i = 0; i < at->target_count; i++) {
        bool planned;
        const struct switchover_target *target = &at->targets[i];
        struct health_override want = switchover_want(at, i, &planned);
        bool is_on = target->had_override && !target->was_planned;
        if (share == 0 && !(past->lowering && !is_on)) {
            assert_int_equal(want.desired,
                             target->had_override ? target->before.desired : HEALTH_DESIRED_AUTO);
            assert_string_equal(want.names, target->before.names);
            continue;
        }
        assert_int_equal(planned, past->lowering);
        for (size_t g = 0; g < 3; g++) {
            bool was = is_on && is_drained(&target->before, groups[g]) && target->before.share == 0;
            bool is_meant = at->names[0] == '\0' || strcmp(at->names, groups[g]) == 0;
            assert_int_equal(is_drained(&want, groups[g]), was || is_meant);
            assert_true(!was || at->names[0] == '\0' || strcmp(at->names, target->before.names) == 0 ||
                        want.share == 0 || health_names_include(at->names, target->before.names));
        }
    }
}

static size_t explored, crashes;
static bool wants_checked[SWITCHOVER_STATES][SWITCHOVER_STEPS_MAX]; /* on which nothing else has a bearing */

/* ---- what the server does ---- */

/* It is killed, and another one reads what this one wrote. Takes the old one. */
static struct switchover *crash(struct switchover *old)
{
    const char *why = NULL;
    char *text = switchover_write_json(old, NULL);
    struct switchover *read = switchover_read_json(old->id, text, &why);
    assert_null(why);
    if (crashes++ % 16 == 0) {
        char *again = switchover_write_json(read, NULL);
        assert_string_equal(text, again);
        free(again);
    }
    free(text);
    switchover_free(old);
    return read;
}

/* What is found when it looks at a place that serves, or does not. */
static const struct switchover_finding *look(const struct switchover *at, bool serves)
{
    static struct switchover_look look;
    look.finding_count = 0;
    switchover_add_finding(&look, "capacity", false, "which was asked when it set out");
    switchover_add_finding(&look, "health", serves, "of the place that takes it");
    return switchover_find_hold(at, &look);
}

/* Time passes. Returns whether a step was taken. */
static bool pass(struct switchover *at, bool serves, int64_t now_ms)
{
    int64_t due_ms = switchover_next_ms(at);
    if (due_ms == 0 || now_ms < due_ms || at->asks_hooks) {
        return false;
    }
    const struct switchover_finding *finding = look(at, serves);
    if (finding == NULL) {
        return switchover_follow(at, now_ms);
    }
    if (strcmp(at->held_by, finding->name) != 0) {
        switchover_hold(at, finding->name, finding->text, now_ms);
    }
    return false;
}

/* ---- the properties ---- */

/* Traffic that moves on moves to who serves, or where somebody has accepted that nobody does. */
static void check_moved(const struct node *from, const struct node *to)
{
    unsigned before = switchover_get_share(from->at), after = switchover_get_share(to->at);
    bool moves_on = to->past.failed_back ? after < before : after > before;
    if (moves_on && is_under_way(&to->past)) {
        assert_true(to->past.serves || to->past.accepted);
    }
    assert_true(before == after || !from->past.held || to->past.accepted || to->past.serves ||
                !is_under_way(&to->past) || from->past.failed_back != to->past.failed_back);
}

/* What is not committed is undone, at any moment. */
static void check_way_back(const struct node *node)
{
    char why[SWITCHOVER_WHY_SIZE];
    const struct switchover_wish wish = {.verb = SWITCHOVER_ROLL_BACK};
    if (!is_under_way(&node->past)) {
        return;
    }
    struct switchover *copy = switchover_copy(node->at);
    assert_int_equal(switchover_judge(copy, &wish, node->now_ms, why), 0);
    switchover_do(copy, &wish, node->now_ms);
    assert_int_equal(switchover_get_share(copy), node->past.failed_back ? 100 : 0);
    assert_int_equal(copy->state, node->past.failed_back ? SWITCHOVER_PROTECTED : SWITCHOVER_ROLLED_BACK);
    for (size_t i = 0; i < copy->target_count && !node->past.failed_back; i++) {
        bool planned;
        const struct switchover_target *target = &copy->targets[i];
        struct health_override want = switchover_want(copy, i, &planned);
        assert_int_equal(want.desired, target->had_override ? target->before.desired : HEALTH_DESIRED_AUTO);
    }
    switchover_free(copy);
}

static void check(const struct node *node)
{
    const struct switchover *at = node->at;
    bool arrived = !is_on_its_way(at);
    assert_true(switchover_is_over(at) == node->past.over);
    assert_int_equal(switchover_is_held(at), node->past.held);
    assert_int_equal(switchover_get_share(at), node->past.stays ? 100
                                               : node->past.over
                                                   ? 0
                                                   : find_share(&node->past, arrived, (unsigned)at->step));
    if (!wants_checked[at->state][at->step]) {
        wants_checked[at->state][at->step] = true;
        check_wanted(at, &node->past, arrived);
    }
    check_way_back(node);
}

/* ---- exploring ---- */

static void explore(struct node *node);

/* A child of the node, of which `at` is still what it was there. */
static struct node begin(const struct node *from, int64_t by_ms, int cost)
{
    struct node next = *from;
    next.at = switchover_copy(from->at);
    next.now_ms += by_ms;
    next.depth = from->depth > cost ? from->depth - cost : 0;
    return next;
}

static void go_on(const struct node *from, struct node *next)
{
    check_moved(from, next);
    explore(next);
    switchover_free(next->at);
}

/* Commands are run before it moves, and end without it: it is where it was, whatever has been done to it
 * since leads on as if nobody had asked them, and nothing that was verified is good for longer by that. */
static void explore_hooks(const struct node *node)
{
    static const enum switchover_verb moving[] = {SWITCHOVER_EXECUTE, SWITCHOVER_FAIL_BACK,
                                                  SWITCHOVER_REDIRECT};
    for (size_t i = 0; i < sizeof moving / sizeof *moving && !node->at->asks_hooks; i++) {
        char why[SWITCHOVER_WHY_SIZE];
        const struct switchover_wish wish = {.verb = moving[i]};
        if (switchover_judge(node->at, &wish, node->now_ms, why) != 0) {
            continue;
        }
        struct node asked = begin(node, 0, 1), ended = begin(node, 0, 3);
        switchover_ask_hooks(asked.at, &wish, node->now_ms);
        assert_true(asked.at->asks_hooks && asked.at->asked_for == moving[i] &&
                    asked.at->state == node->at->state);
        go_on(node, &asked);
        switchover_ask_hooks(ended.at, &wish, node->now_ms);
        switchover_end_hooks(ended.at, "interrupted", &wish, node->now_ms);
        assert_true(!ended.at->asks_hooks && ended.at->state == node->at->state &&
                    ended.at->changes == node->at->changes + 2);
        go_on(node, &ended);
    }
}

static void explore_verb(const struct node *node, enum switchover_verb verb, bool emergency)
{
    char why[SWITCHOVER_WHY_SIZE];
    bool is_right = may(node, verb, emergency);
    bool is_urgent = sets_out(verb) || verb == SWITCHOVER_RESUME; /* for the others it makes no difference */
    bool turns = verb == SWITCHOVER_REDIRECT;
    struct switchover_wish wish = {
        .verb = verb, .is_emergency = emergency, .to = strcmp(node->at->to, "eu") == 0 ? "ap" : "eu"};
    assert_int_equal(switchover_judge(node->at, &wish, node->now_ms, why), is_right ? 0 : ERROR_CONFLICT);
    if (!is_right || (emergency && !is_urgent)) {
        return;
    }
    if (is_looked_at(verb) && !emergency && !node->past.serves) { /* nothing is done but by name */
        wish.accepted = unwell;
        wish.accepted_count = 1;
    }
    struct node next = begin(node, 0, 1);
    unsigned share = switchover_get_share(node->at);
    if (verb == SWITCHOVER_COMMIT) {
        assert_true(node->past.good && node->at->verified_ms == node->past.good_ms && (share % 100) == 0);
    }
    switchover_do(next.at, &wish, node->now_ms);
    happen(&next.past, &wish, node->at->lowers_ttl, node->now_ms);
    assert_true(!emergency || !is_on_its_way(next.at));
    if (turns) { /* nothing is on its way back in between, and what was verified is not any more */
        assert_int_equal(switchover_get_share(next.at), share);
        assert_string_equal(next.at->to, wish.to);
        assert_true(next.at->verified_ms == 0);
    } else {
        assert_string_equal(next.at->to, node->at->to);
    }
    assert_false(next.at->asks_hooks);
    go_on(node, &next);
}

static void explore_time(const struct node *node)
{
    static const int64_t spans_ms[] = {EACH_MS, SWITCHOVER_FRESH_MS + 1, -3600000};
    for (size_t i = 0; i < sizeof spans_ms / sizeof *spans_ms; i++) {
        /* what leads on is more interesting */
        struct node next = begin(node, spans_ms[i], i == 0 ? 1 : 2);
        bool is_due =
            is_on_its_way(node->at) && !node->at->asks_hooks && next.now_ms - node->past.step_ms >= EACH_MS;
        bool is_held = is_due && !node->past.serves && !node->past.accepted;
        bool stepped = pass(next.at, node->past.serves, next.now_ms);
        assert_int_equal(stepped, is_due && !is_held);
        next.past.step_ms = stepped                                              ? next.now_ms
                            : is_held && !node->past.held && node->past.lowering ? next.now_ms - EACH_MS
                                                                                 : node->past.step_ms;
        next.past.lowering = node->past.lowering && !stepped;
        next.past.held = (node->past.held && !stepped) || is_held;
        go_on(node, &next);
    }
}

static void explore(struct node *node)
{
    explored++;
    node->at = crash(node->at);
    check(node);
    if (node->depth == 0) {
        return;
    }
    for (int i = 0; i < 2 * SWITCHOVER_VERBS; i++) {
        explore_verb(node, (enum switchover_verb)(i / 2), i % 2 != 0);
    }
    explore_hooks(node);
    explore_time(node);
    if (!node->past.over) {
        struct node next = begin(node, 0, 1);
        next.past.serves = !next.past.serves;
        go_on(node, &next);
    }
}

static struct switchover *make(size_t kind, size_t targets)
{
    struct switchover *made = switchover_new(targets);
    struct switchover_target all[TARGETS];
    make_targets(all);
    memcpy(made->targets, all, targets * sizeof *all);
    for (size_t i = 0; i < targets; i++) {
        (void)snprintf(made->targets[i].name, sizeof made->targets[i].name, "region-%zu", i);
    }
    strcpy(made->id, "s1");
    made->step_count = kind / 2 % 2 * 2;
    made->steps[0] = made->step_count == 0 ? 0 : 5;
    made->steps[1] = made->step_count == 0 ? 0 : 25;
    made->each_ms = EACH_MS;
    made->lowers_ttl = kind % 2 != 0;
    made->ttl_s = EACH_MS / 1000;
    made->created_ms = made->since_ms = made->step_ms = start_ms;
    strcpy(made->names, kind < 4 ? "" : "pay");
    return made;
}

/* To where it may come back, which is too far from the beginning. */
static void lead_there(struct node *node)
{
    static const enum switchover_verb verbs[] = {SWITCHOVER_EXECUTE, SWITCHOVER_VERIFY, SWITCHOVER_COMMIT,
                                                 SWITCHOVER_REPROTECT};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        const struct switchover_wish wish = {.verb = verbs[i]};
        switchover_do(node->at, &wish, node->now_ms);
        happen(&node->past, &wish, node->at->lowers_ttl, node->now_ms);
        while (is_on_its_way(node->at)) {
            node->now_ms += EACH_MS;
            assert_true(pass(node->at, true, node->now_ms));
            node->past.lowering = false;
        }
    }
}

static void all_sequences_keep_the_rules(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 8; kind++) {
        struct node root = {.at = make(kind, kind < 4 ? 1 : TARGETS),
                            .past = {.serves = true},
                            .now_ms = start_ms,
                            .depth = kind < 4 ? DEPTH : DEPTH_NAMES};
        bool has_steps = root.at->step_count != 0, lowers = root.at->lowers_ttl;
        explored = crashes = 0;
        memset(wants_checked, 0, sizeof wants_checked);
        explore(&root);
        lead_there(&root);
        root.depth--;
        explore(&root);
        switchover_free(root.at);
        assert_true(explored > (kind < 4 ? 50000 : 1000) && crashes == explored);
        for (int i = 0; i < SWITCHOVER_STATES && kind < 4; i++) {
            assert_true(wants_checked[i][0] || (i == SWITCHOVER_LOWERING && !lowers) ||
                        ((i == SWITCHOVER_MOVING || i == SWITCHOVER_RETURNING) && !has_steps));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_sequences_keep_the_rules)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

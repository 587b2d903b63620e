/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules and drains in part: of some percent, or for some names. What is left counts; and random orders
 * are held against a model of their own. RULES_ROUNDS and RULES_SEED draw others. */
#include "config.h"

#include "unit.h"

#include "operate_world.h"

#include "operate/foresee.h"
#include "operate/rules.h"
#include "operate/whatif.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As in test_rules.c. */
#define RULES                                                                                                \
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}},"     \
    " \"ap\": {\"azs\": {\"ap-1\": {}}}, \"empty\": {\"azs\": {\"no-1\": {}}}},"                             \
    " \"checks\": {\"web\": {\"type\": \"tcp\", \"port\": 80, \"fall\": 1, \"rise\": 1}},"                   \
    " \"endpoints\": {"                                                                                      \
    "  \"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"], \"capacity\": 10, \"checks\": [\"web\"]},"  \
    "  \"b\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.2\"], \"capacity\": 20, \"checks\": [\"web\"]},"  \
    "  \"c\": {\"az\": \"us-2\", \"addresses\": [\"192.0.2.3\"], \"capacity\": 30, \"checks\": [\"web\"]},"  \
    "  \"d\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.4\"], \"capacity\": 20, \"checks\": [\"web\"]},"  \
    "  \"e\": {\"az\": \"ap-1\", \"addresses\": [\"192.0.2.5\"], \"capacity\": 20, \"checks\": [\"web\"]}}," \
    " \"groups\": {\"g\": [\"b\", \"d\"]},"                                                                  \
    " \"rules\": {"                                                                                          \
    "  \"two\": {\"type\": \"serving\", \"kind\": \"region\", \"at_least\": 2},"                             \
    "  \"azs\": {\"type\": \"serving\", \"kind\": \"az\", \"in\": \"us\", \"at_least\": 1},"                 \
    "  \"pair\": {\"type\": \"not_all_of\", \"targets\": [\"region:eu\", \"region:ap\"]},"                   \
    "  \"mixed\": {\"type\": \"not_all_of\", \"targets\": [\"endpoint:a\", \"group:g\"]},"                   \
    "  \"room\": {\"type\": \"capacity\", \"at_least\": \"60%\"}"

static const char few_rules[] = RULES "}}";
static const char policy[] = "{\"names\": {\"www\": {\"endpoints\": [\"*\"]}}}";

static int open_few(void **state)
{
    return world_open(state, few_rules, policy);
}

static struct health_override timed(enum health_desired desired, int in_s, int until_s)
{
    return (struct health_override){.desired = desired,
                                    .starts_ms = in_s == 0 ? 0 : WORLD_WALL_MS + in_s * 1000,
                                    .expires_ms = until_s == 0 ? 0 : WORLD_WALL_MS + until_s * 1000,
                                    .reason = "test",
                                    .actor = "tester"};
}

static void plan(struct world *w, enum health_kind kind, const char *name, struct health_override what)
{
    assert_int_equal(operate_put_override(w->view, kind, name, &what, WORLD_WALL_MS), 0);
}

static struct operate_rules ask(struct world *w, enum health_kind kind, const char *name,
                                struct health_override what)
{
    struct operate_rules rules;
    struct health_spell wish, spells[64];
    size_t count = health_list_spells(w->view->health, 0, spells, 64);
    assert_int_equal(operate_find_spell(w->view,
                                        &(struct operate_wish){.kind = kind, .name = name, .override = &what},
                                        &wish),
                     0);
    operate_judge_rules(
        &(struct operate_unserved_ask){
            .view = w->view, .wish = &wish, .spells = spells, .spell_count = count, .wall_ms = WORLD_WALL_MS},
        w->arena, &rules);
    return rules;
}

/* "two room": those that are violated. */
static const char *names(struct world *w, struct operate_rules rules)
{
    const char *text = "";
    size_t count = 0;
    for (size_t i = 0; i < rules.count; i++) {
        const struct operate_rule *rule = &rules.items[i];
        assert_non_null(rule->why);
        assert_int_equal(rule->is_violated, rule->needs != NULL);
        if (rule->is_violated) {
            text = arena_print(w->arena, "%s%s%s", text, count++ == 0 ? "" : " ", rule->rule->name);
        }
    }
    assert_int_equal(count, rules.violated);
    return text;
}

static const struct operate_rule *find(struct operate_rules rules, const char *name)
{
    for (size_t i = 0; i < rules.count; i++) {
        if (strcmp(rules.items[i].rule->name, name) == 0) {
            /* cppcheck-suppress returnDanglingLifetime ; they are in the arena */
            return &rules.items[i];
        }
    }
    fail();
    return NULL;
}

static struct health_override partly(int share, const char *names)
{
    struct health_override drain = timed(HEALTH_DESIRED_DRAIN, 0, 0);
    drain.share = (uint8_t)share;
    (void)snprintf(drain.names, sizeof drain.names, "%s", names);
    return drain;
}

/* What is left counts, not that it is called a drain in part. */
static void what_is_left_counts(void **state)
{
    struct world *w = *state;
    plan(w, HEALTH_REGION, "eu", partly(99, ""));
    struct operate_rules rules = ask(w, HEALTH_REGION, "ap", partly(99, ""));
    assert_string_equal(names(w, rules), "two pair");
    assert_string_equal(find(rules, "two")->why,
                        "1 of 4 regions would serve (us), expected at least 2; less than half is left of eu "
                        "(1 %), ap (1 %)");
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "ap", partly(50, ""))), "");
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "us", partly(20, ""))), "");
    rules = ask(w, HEALTH_REGION, "us", partly(40, ""));
    assert_string_equal(names(w, rules), "room");
    assert_string_equal(find(rules, "room")->why,
                        "56.2 % of the capacity would serve (56.2 of 100), expected at least 60 %");
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "eu", partly(50, ""))), ""); /* gives back */
}

static const char grouped[] =
    "{\"names\": {\"www\": {\"endpoints\": [\"*\"]}, \"shop\": {\"endpoints\": [\"*\"]}, \"pay\": "
    "{\"endpoints\": [\"*\"]}, \"one\": {\"endpoints\": [\"e\"]}}}";

static int open_grouped(void **state)
{
    static const char end[] = "}, \"name_groups\": {\"most\": [\"www.example.com\", \"shop.example.com\", "
                              "\"pay.example.com\"], \"few\": [\"one.example.com\"]}}";
    char text[sizeof few_rules + sizeof end];
    (void)snprintf(text, sizeof text, "%.*s%s", (int)(sizeof few_rules - 3), few_rules, end);
    return world_open(state, text, grouped);
}

static void names_weigh_by_their_traffic(void **state)
{
    struct world *w = *state;
    plan(w, HEALTH_REGION, "eu", partly(0, "most")); /* all of its names */
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "ap", partly(0, "most"))), "two pair");
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "ap", partly(0, "few"))), "");
    assert_string_equal(names(w, ask(w, HEALTH_REGION, "ap", partly(60, "most,few"))), "two pair");
    double rates[] = {1, 1, 1, 1};
    for (size_t i = 0; i < w->view->name_count; i++) {
        rates[i] = strcmp(w->view->names[i].owner, "one.example.com.") == 0 ? 8 : 1;
    }
    const struct operate_rates told = {.names = rates, .all = 11};
    struct health_spell wish, spells[2];
    struct operate_unserved_ask asked = {.view = w->view,
                                         .wish = &wish,
                                         .spells = spells,
                                         .spell_count = health_list_spells(w->view->health, 0, spells, 2),
                                         .rates = &told,
                                         .wall_ms = WORLD_WALL_MS};
    for (int of_few = 0; of_few < 2; of_few++) {
        struct health_override drain = partly(0, of_few ? "few" : "most");
        struct operate_rules rules;
        (void)operate_find_spell(
            w->view, &(struct operate_wish){.kind = HEALTH_REGION, .name = "ap", .override = &drain}, &wish);
        operate_judge_rules(&asked, w->arena, &rules);
        assert_string_equal(names(w, rules), of_few ? "two pair" : "");
    }
}

/* ---- against a model that asks each name of each endpoint ---- */

enum { ENDPOINTS = 5, NAMES = 4, OBJECTS = 11 };

static const struct {
    enum health_kind kind;
    const char *name;
} targets[OBJECTS] = {{HEALTH_REGION, "us"},  {HEALTH_REGION, "eu"},  {HEALTH_REGION, "ap"},
                      {HEALTH_AZ, "us-1"},    {HEALTH_AZ, "us-2"},    {HEALTH_AZ, "eu-1"},
                      {HEALTH_ENDPOINT, "a"}, {HEALTH_ENDPOINT, "b"}, {HEALTH_ENDPOINT, "c"},
                      {HEALTH_ENDPOINT, "d"}, {HEALTH_ENDPOINT, "e"}};

/* What was ordered of each target. */
struct orders {
    struct health_override items[OBJECTS];
};

static bool is_in(const struct world *w, size_t target, uint32_t endpoint)
{
    const struct conf_endpoint *conf = &w->view->topology->endpoints[endpoint];
    const char *const at[] = {conf->name, w->view->topology->azs[conf->az].name,
                              w->view->topology->regions[conf->region].name};
    return strcmp(at[targets[target].kind], targets[target].name) == 0;
}

/* Percent that a name has of an endpoint: "one" is a member of e alone, the other three of all. A whole
 * order of the narrowest object decides, else the most that is drained in part. */
static unsigned find_left(const struct world *w, const struct orders *orders, uint32_t endpoint, bool is_one)
{
    enum health_desired decided = HEALTH_DESIRED_AUTO;
    enum health_kind by = HEALTH_REGION;
    unsigned drained = 0;
    for (size_t i = 0; i < OBJECTS; i++) {
        const struct health_override *order = &orders->items[i];
        bool is_meant = order->names[0] == '\0' || strstr(order->names, is_one ? "few" : "most") != NULL;
        if (order->desired == HEALTH_DESIRED_AUTO || !is_meant || !is_in(w, i, endpoint)) {
            continue;
        }
        if (order->share != 0) {
            drained = order->share > drained ? order->share : drained;
        } else if (decided == HEALTH_DESIRED_AUTO || targets[i].kind < by) {
            decided = order->desired;
            by = targets[i].kind;
        }
    }
    return decided == HEALTH_DESIRED_UP ? 100 : decided != HEALTH_DESIRED_AUTO ? 0 : 100 - drained;
}

struct found {
    double regions[3], azs[2], capacity; /* azs: of us */
};

/* Of a place: each name has what its best endpoint there has. */
static double find_place(const struct world *w, const struct orders *orders, size_t target)
{
    double left = 0, all = 0;
    for (int name = 0; name < NAMES; name++) {
        unsigned best = 0;
        bool any = false;
        for (uint32_t i = 0; i < ENDPOINTS; i++) {
            bool is_member = is_in(w, target, i) && (name != 0 || i == 4);
            unsigned own = is_member ? find_left(w, orders, i, name == 0) : 0;
            best = own > best ? own : best;
            any |= is_member;
        }
        left += best / 100.;
        all += any;
    }
    return left / all;
}

static struct found look_at(const struct world *w, const struct orders *orders)
{
    static const double capacities[] = {10, 20, 30, 20, 20};
    struct found found = {.capacity = 0};
    for (size_t i = 0; i < 3; i++) {
        found.regions[i] = find_place(w, orders, i);
    }
    found.azs[0] = find_place(w, orders, 3);
    found.azs[1] = find_place(w, orders, 4);
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        double others = find_left(w, orders, i, false), one = i == 4 ? find_left(w, orders, i, true) : 0;
        found.capacity += capacities[i] * (3 * others + one) / (i == 4 ? 400 : 300);
    }
    return found;
}

static bool serves(double left)
{
    return left > 0.4999;
}

/* Is a rule kept, or no worse than it was? */
static void check_kept(const struct found *before, const struct found *after, const char *accepted)
{
    int was = serves(before->regions[0]) + serves(before->regions[1]) + serves(before->regions[2]);
    int is = serves(after->regions[0]) + serves(after->regions[1]) + serves(after->regions[2]);
    bool two = is >= 2 || is >= was;
    bool azs =
        serves(after->azs[0]) || serves(after->azs[1]) || !(serves(before->azs[0]) || serves(before->azs[1]));
    bool pair = serves(after->regions[1]) || serves(after->regions[2]) ||
                !(serves(before->regions[1]) || serves(before->regions[2]));
    bool room = after->capacity > 59.999 || after->capacity > before->capacity - 1e-6;
    assert_int_equal(two, strstr(accepted, "two") == NULL);
    assert_int_equal(azs, strstr(accepted, "azs") == NULL);
    assert_int_equal(pair, strstr(accepted, "pair") == NULL);
    assert_int_equal(room, strstr(accepted, "room") == NULL);
}

/* More than there was, for some name: then it is refused, or something else is let back by it. */
static bool takes_away(const struct world *w, const struct orders *before, const struct orders *after)
{
    bool any = false;
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        any |= find_left(w, after, i, false) < find_left(w, before, i, false) ||
               (i == 4 && find_left(w, after, i, true) < find_left(w, before, i, true));
    }
    return any;
}

static struct health_override draw_order(unsigned *seed)
{
    static const char *const groups[] = {"", "", "few", "most", "most,few"};
    static const int shares[] = {0, 0, 1, 30, 50, 51, 99};
    if (rand_r(seed) % 3 == 0) {
        return timed(rand_r(seed) % 2 == 0 ? HEALTH_DESIRED_AUTO : HEALTH_DESIRED_UP, 0, 0);
    }
    return rand_r(seed) % 8 == 0 ? timed(HEALTH_DESIRED_DOWN, 0, 0)
                                 : partly(shares[rand_r(seed) % 7], groups[rand_r(seed) % 5]);
}

/* What is served after an order keeps every rule but those that it says it breaks, and it says no other. */
static void what_is_accepted_keeps_the_rules(void **state)
{
    struct world *w = *state;
    struct orders orders = {.items = {{.share = 0}}};
    const char *text = getenv("RULES_ROUNDS"), *from = getenv("RULES_SEED");
    long rounds = text == NULL ? 3000 : strtol(text, NULL, 10);
    int looked = 0, refused = 0;
    unsigned seed = from == NULL ? 7 : (unsigned)strtoul(from, NULL, 10);
    for (long round = 0; round < rounds; round++) {
        size_t target = (size_t)rand_r(&seed) % OBJECTS;
        struct orders next = orders;
        next.items[target] = draw_order(&seed);
        bool takes = takes_away(w, &orders, &next);
        struct operate_rules rules = ask(w, targets[target].kind, targets[target].name, next.items[target]);
        struct found before = look_at(w, &orders), after = look_at(w, &next);
        const char *violated = names(w, rules);
        if (takes) {
            check_kept(&before, &after, violated);
        }
        refused += violated[0] != '\0';
        looked += takes;
        bool goes = violated[0] == '\0' || rand_r(&seed) % 4 == 0; /* by name */
        if (goes && operate_put_override(w->view, targets[target].kind, targets[target].name,
                                         &next.items[target], WORLD_WALL_MS) == 0) {
            orders = next;
        }
    }
    assert_true(looked > rounds / 10 && refused > rounds / 20);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(what_is_left_counts, open_few, world_close),
        cmocka_unit_test_setup_teardown(names_weigh_by_their_traffic, open_grouped, world_close),
        cmocka_unit_test_setup_teardown(what_is_accepted_keeps_the_rules, open_grouped, world_close),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}

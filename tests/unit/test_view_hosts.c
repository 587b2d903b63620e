/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what host names resolve to: the addresses, the health words that go with them, which monitors have
 * something to observe; and readers on other threads, who never see a family promised and not there, nor two
 * answers mixed. */
#include "config.h"

#include "view_folder.h"

#include "health/health.h"
#include "steer/steer.h"
#include "view/hosts.h"
#include "view/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READERS = 3, ROUNDS = 400 };

/* Monitors: lb (web) 0 and 1, own 2, twin 3 and 4. Hosts: lb.example.net of lb and twin, other. */
static const char topology_json[] =
    "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}},"
    "\"checks\": {\"web\": {\"type\": \"tcp\", \"port\": 80, \"fall\": 1, \"rise\": 1}},"
    "\"endpoints\": {\"lb\": {\"az\": \"a1\", \"host\": \"lb.example.net\", \"checks\": [\"web\"]},"
    "\"own\": {\"az\": \"a1\", \"addresses\": \"192.0.2.9\", \"checks\": [\"web\"]},"
    "\"twin\": {\"az\": \"a1\", \"host\": \"LB.example.net\", \"checks\": [\"web\"]},"
    "\"other\": {\"az\": \"a1\", \"host\": \"other.example.net\"}}}";
static const char policy_json[] = "{\"names\": {\"@\": {\"endpoints\": [\"lb\"], \"fallback\": \"nodata\"}}}";
static const char zone_text[] = "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n";

static int set_up(void **state)
{
    char path[96];
    folder_open();
    put("steerd.json", "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"t.json\"}");
    put("t.json", topology_json);
    put("zones/example.com.zone", zone_text);
    put("zones/example.com.json", policy_json);
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct report *report = report_new();
    struct view *view = view_compile(path, NULL, 1, 0, 1, report);
    report_write(report, stderr);
    report_free(report);
    assert_non_null(view);
    *state = view;
    return 0;
}

static int tear_down(void **state)
{
    view_free(*state);
    return folder_close(state);
}

static struct addr address(const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, &addr), 0);
    return addr;
}

static struct view_news good(const struct addr *addresses, size_t count)
{
    return (struct view_news){
        .addresses = addresses, .count = count, .state = VIEW_HOST_GOOD, .answered_ms = 1000, .until_s = 100};
}

static size_t update(struct view *view, size_t host, struct view_news v4, struct view_news v6)
{
    struct view_host_update one = {.host = host, .news = {v4, v6}};
    return view_update_hosts(view, &one, 1, 5000, NULL);
}

static uint32_t resolved(const struct view *view, uint32_t endpoint)
{
    return atomic_load(&view->table->endpoints[endpoint]) & HEALTH_WORD_RESOLVED;
}

static bool is_idle(const struct view *view, uint32_t monitor)
{
    struct health_monitor_status status;
    assert_int_equal(health_get_monitor(view->health, monitor, &status), 0);
    return status.idle;
}

static void addresses_come_and_go(void **state)
{
    struct view *view = *state;
    struct addr v4[] = {address("192.0.2.1"), address("192.0.2.2")}, v6 = address("2001:db8::1");
    uint64_t generation = atomic_load(&view->table->generation);
    assert_int_equal(view->host_count, 2);
    assert_int_equal(view->hosts[0].endpoint_count, 2);
    assert_int_equal(view_get_addresses(view, 0)->count[VIEW_V4], 0);
    assert_int_equal(update(view, 0, good(v4, 2), good(&v6, 1)), 1);
    assert_int_equal(view_get_addresses(view, 0)->count[VIEW_V4], 2);
    assert_true(addr_equal(&view_get_addresses(view, 0)->items[VIEW_V4][1], &v4[1]));
    assert_int_equal(resolved(view, 0), HEALTH_WORD_RESOLVED);
    assert_int_equal(resolved(view, 2), HEALTH_WORD_RESOLVED);
    assert_int_equal(resolved(view, 1), 0);
    assert_int_equal(resolved(view, 3), 0);
    assert_true(atomic_load(&view->table->generation) > generation);
    generation = atomic_load(&view->table->generation);
    assert_int_equal(update(view, 0, good(v4, 2), good(&v6, 1)), 0); /* nothing new */
    assert_int_equal(atomic_load(&view->table->generation), generation);
    assert_int_equal(update(view, 0, good(v4, 1), good(&v6, 1)), 1); /* other addresses, same families */
    assert_true(atomic_load(&view->table->generation) > generation);
    assert_int_equal(update(view, 0, good(v4, 1), good(NULL, 0)), 1);
    assert_int_equal(resolved(view, 2), HEALTH_WORD_RESOLVED_V4);
}

static void long_lists_are_cut(void **state)
{
    struct view *view = *state;
    struct addr many[VIEW_ADDRESSES_MAX + 1];
    for (unsigned i = 0; i <= VIEW_ADDRESSES_MAX; i++) {
        many[i] = address("192.0.2.1");
        many[i].bytes[3] = (uint8_t)i;
    }
    assert_int_equal(update(view, 0, good(many, VIEW_ADDRESSES_MAX + 1), good(NULL, 0)), 1);
    assert_int_equal(view_get_addresses(view, 0)->count[VIEW_V4], VIEW_ADDRESSES_MAX);
    assert_int_equal(update(view, 0, good(many, VIEW_ADDRESSES_MAX + 1), good(NULL, 0)), 0);
}

static void only_what_is_there_is_observed(void **state)
{
    struct view *view = *state;
    struct addr v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
    const struct view_news pending = {.count = 0}, failed = {.state = VIEW_HOST_FAILING, .error = "gone"};
    assert_true(is_idle(view, 0) && is_idle(view, 1) && !is_idle(view, 2));
    update(view, 0, good(&v4, 1), pending);
    assert_true(!is_idle(view, 0) && is_idle(view, 1) && !is_idle(view, 3) && is_idle(view, 4));
    update(view, 0, good(&v4, 1), good(&v6, 1));
    assert_true(!is_idle(view, 0) && !is_idle(view, 1));
    update(view, 0, good(NULL, 0), good(&v6, 1));
    assert_true(is_idle(view, 0) && !is_idle(view, 1));
    assert_false(view_host_is_unresolved(&view->hosts[0], view_get_addresses(view, 0)));
    update(view, 0, good(NULL, 0), good(NULL, 0)); /* nothing at all: the first one says so */
    assert_true(!is_idle(view, 0) && is_idle(view, 1));
    assert_true(view_host_is_unresolved(&view->hosts[0], view_get_addresses(view, 0)));
    update(view, 0, pending, failed);
    assert_true(is_idle(view, 0) && is_idle(view, 1)); /* too early to tell */
}

static void a_ttl_is_what_is_left(void **state)
{
    struct view *view = *state;
    struct addr v4 = address("192.0.2.1");
    update(view, 0, good(&v4, 1), good(NULL, 0)); /* until 100 */
    assert_int_equal(view_get_host_ttl(view, 0, VIEW_V4, 40), 60);
    assert_int_equal(view_get_host_ttl(view, 0, VIEW_V4, 98), VIEW_FRESH_TTL_S);
    assert_int_equal(view_get_host_ttl(view, 0, VIEW_V4, 200), VIEW_FRESH_TTL_S);
    struct view_news kept = good(&v4, 1);
    kept.state = VIEW_HOST_FAILING;
    kept.error = "silence";
    assert_int_equal(update(view, 0, kept, good(NULL, 0)), 0);
    assert_int_equal(view_get_host_ttl(view, 0, VIEW_V4, 40), VIEW_STALE_TTL_S);
    assert_int_equal(view_host_state(&view->hosts[0]), VIEW_HOST_FAILING);
}

/* What is answered for a type: how many members, and whether the tier serves. */
static uint32_t choose(const struct view *view, uint16_t types, bool *serves)
{
    const struct steer_policy *policy = steer_set_get(view->steer, view->names[0].policy);
    struct steer_room room = steer_find_room(policy, 0);
    void *memory = calloc(1, steer_room_size(room));
    struct steer_choice choice;
    steer_choice_init(&choice, room, memory);
    steer_evaluate(policy, (struct steer_ask){.types = types}, view->table, &choice, NULL);
    *serves = choice.source == STEER_FROM_TIER;
    uint32_t count = choice.count;
    free(memory);
    return count;
}

static void who_resolves_to_nothing_does_not_serve(void **state)
{
    struct view *view = *state;
    struct addr v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
    bool serves;
    assert_int_equal(choose(view, STEER_HAS_A, &serves), 0);
    assert_false(serves);
    update(view, 0, good(NULL, 0), good(&v6, 1));
    assert_int_equal(choose(view, STEER_HAS_A, &serves), 0); /* it serves, but has no A */
    assert_true(serves);
    assert_int_equal(choose(view, STEER_HAS_AAAA, &serves), 1);
    update(view, 0, good(&v4, 1), good(&v6, 1));
    assert_int_equal(choose(view, STEER_HAS_A, &serves), 1);
    update(view, 0, good(NULL, 0), good(NULL, 0));
    assert_int_equal(choose(view, STEER_HAS_AAAA, &serves), 0);
    assert_false(serves);
}

/* ---- verdicts ---- */

static struct health_status status_of(const struct view *view, enum health_kind kind, const char *name)
{
    struct health_status status;
    ptrdiff_t index = health_find(view->health, kind, name);
    assert_true(index >= 0);
    assert_int_equal(health_get_status(view->health, kind, (uint32_t)index, &status), 0);
    return status;
}

/* lb and own are in one az, and own is dead. */
static void expect_lb(const struct view *view, enum health_observed v4, enum health_observed v6)
{
    struct health_status lb = status_of(view, HEALTH_ENDPOINT, "lb");
    assert_string_equal(health_observed_text(lb.families[HEALTH_V4]), health_observed_text(v4));
    assert_string_equal(health_observed_text(lb.families[HEALTH_V6]), health_observed_text(v6));
}

static void see(struct view *view, uint32_t monitor, enum health_outcome outcome)
{
    health_observe(view->health, monitor, outcome, 5000, 1, 0);
}

#define HEALTHY   HEALTH_OBSERVED_HEALTHY
#define UNHEALTHY HEALTH_OBSERVED_UNHEALTHY

/* Monitors 0 and 1 are lb's. */
static void a_family_comes_to_an_endpoint_as_it_is_known(void **state)
{
    struct view *view = *state;
    struct addr v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
    const struct view_news silent = {
        .addresses = &v6, .count = 1, .state = VIEW_HOST_FAILING, .error = "silence"};
    update(view, 0, good(&v4, 1), good(NULL, 0));
    see(view, 0, HEALTH_OUTCOME_OK);
    expect_lb(view, HEALTHY, HEALTHY); /* of which there is none */
    update(view, 0, good(&v4, 1), good(&v6, 1));
    expect_lb(view, HEALTHY, HEALTH_OBSERVED_UNKNOWN);
    see(view, 1, HEALTH_OUTCOME_TIMEOUT);
    expect_lb(view, HEALTHY, UNHEALTHY);
    update(view, 0, good(&v4, 1), silent); /* its addresses stand, and what is known of them */
    expect_lb(view, HEALTHY, UNHEALTHY);
    update(view, 0, good(&v4, 1), good(NULL, 0));
    expect_lb(view, HEALTHY, HEALTHY);
    update(view, 0, good(&v4, 1), good(&v6, 1)); /* it comes back as it left */
    expect_lb(view, HEALTHY, UNHEALTHY);
    see(view, 1, HEALTH_OUTCOME_OK);
    expect_lb(view, HEALTHY, HEALTHY);
}

static void a_dead_endpoint_does_not_come_back_with_another_family(void **state)
{
    struct view *view = *state;
    struct addr v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
    bool serves;
    see(view, 2, HEALTH_OUTCOME_TIMEOUT);
    update(view, 0, good(&v4, 1), good(NULL, 0));
    see(view, 0, HEALTH_OUTCOME_TIMEOUT);
    see(view, 3, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(status_of(view, HEALTH_REGION, "a").observed, UNHEALTHY);
    update(view, 0, good(&v4, 1), good(&v6, 1)); /* one is added */
    expect_lb(view, UNHEALTHY, UNHEALTHY);
    assert_int_equal(status_of(view, HEALTH_REGION, "a").observed, UNHEALTHY);
    (void)choose(view, STEER_HAS_AAAA, &serves);
    assert_false(serves);
    update(view, 0, good(NULL, 0), good(&v6, 1)); /* the first one goes */
    expect_lb(view, UNHEALTHY, UNHEALTHY);
    assert_true(is_idle(view, 0) && !is_idle(view, 1));
    assert_int_equal(status_of(view, HEALTH_REGION, "a").observed, UNHEALTHY);
}

static void an_endpoint_that_moves_to_the_other_family_is_what_it_was(void **state)
{
    struct view *view = *state;
    struct addr v4 = address("192.0.2.1"), v6 = address("2001:db8::1");
    see(view, 2, HEALTH_OUTCOME_TIMEOUT);
    update(view, 0, good(NULL, 0), good(&v6, 1));
    see(view, 1, HEALTH_OUTCOME_TIMEOUT);
    see(view, 4, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(status_of(view, HEALTH_REGION, "a").observed, UNHEALTHY);
    update(view, 0, good(NULL, 0), good(NULL, 0)); /* it leads nowhere, and is not unknown for that */
    assert_true(!is_idle(view, 0) && is_idle(view, 1));
    expect_lb(view, UNHEALTHY, UNHEALTHY);
    assert_int_equal(status_of(view, HEALTH_REGION, "a").observed, UNHEALTHY);
    update(view, 0, good(&v4, 1), good(NULL, 0));
    assert_int_equal(status_of(view, HEALTH_REGION, "a").observed, UNHEALTHY);
    see(view, 0, HEALTH_OUTCOME_OK);
    expect_lb(view, HEALTHY, HEALTHY);
    update(view, 0, good(NULL, 0), good(&v6, 1));
    expect_lb(view, HEALTHY, HEALTHY);
    assert_true(is_idle(view, 0) && !is_idle(view, 1));
}

/* ---- threads ---- */

struct world {
    struct view *view;
    const struct steer_policy *policy;
    _Atomic bool stop;
};

/* As DNS threads do: choose by the table, then take the addresses. */
static void look(const struct world *w, struct steer_choice *choice, enum view_family family)
{
    struct steer_ask ask = {.types = family == VIEW_V4 ? STEER_HAS_A : STEER_HAS_AAAA};
    if (atomic_load_explicit(&w->view->table->generation, memory_order_acquire) != choice->generation) {
        steer_evaluate(w->policy, ask, w->view->table, choice, NULL);
    }
    if (choice->count == 0) {
        return;
    }
    const struct view_addresses *addresses = view_get_addresses(w->view, 0);
    assert_true(addresses->count[family] != 0); /* it was promised */
    for (int i = 1; i < addresses->count[family]; i++) {
        const uint8_t *first = addresses->items[family][0].bytes, *this = addresses->items[family][i].bytes;
        assert_memory_equal(first, this, 3); /* all are of one round */
    }
}

static void *read_on(void *argument)
{
    struct world *w = argument;
    struct steer_room room = steer_find_room(w->policy, 0);
    void *memory[2] = {calloc(1, steer_room_size(room)), calloc(1, steer_room_size(room))};
    struct steer_choice choices[2] = {{.generation = 0}, {.generation = 0}};
    steer_choice_init(&choices[0], room, memory[0]);
    steer_choice_init(&choices[1], room, memory[1]);
    view_reader_register();
    while (!atomic_load(&w->stop)) {
        for (int i = 0; i < 64; i++) {
            look(w, &choices[i % 2], i % 2 == 0 ? VIEW_V4 : VIEW_V6);
        }
        view_reader_offline();
        view_reader_online();
    }
    view_reader_unregister();
    free(memory[0]);
    free(memory[1]);
    return NULL;
}

static void readers_find_what_was_promised(void **state)
{
    struct world w = {.view = *state};
    pthread_t threads[READERS];
    w.policy = steer_set_get(w.view->steer, w.view->names[0].policy);
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &w), 0);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct addr v4[3], v6[2];
        for (unsigned i = 0; i < 3; i++) {
            v4[i] = address("10.0.0.0");
            v4[i].bytes[2] = (uint8_t)round;
            v4[i].bytes[3] = (uint8_t)i;
            v6[i % 2] = address("2001:db8::");
            v6[i % 2].bytes[2] = (uint8_t)round;
            v6[i % 2].bytes[15] = (uint8_t)i;
        }
        update(w.view, 0, good(v4, round % 4), good(v6, round / 4 % 3));
    }
    atomic_store(&w.stop, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(addresses_come_and_go),
        TEST(long_lists_are_cut),
        TEST(only_what_is_there_is_observed),
        TEST(a_ttl_is_what_is_left),
        TEST(who_resolves_to_nothing_does_not_serve),
        TEST(a_family_comes_to_an_endpoint_as_it_is_known),
        TEST(a_dead_endpoint_does_not_come_back_with_another_family),
        TEST(an_endpoint_that_moves_to_the_other_family_is_what_it_was),
        TEST(readers_find_what_was_promised),
    };
    return cmocka_run_group_tests_name("view hosts", tests, NULL, NULL);
}

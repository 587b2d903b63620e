/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of a view that takes over from another one while results come in: none is lost, and a thread that
 * reports them, or copies the old one, never meets anything half done (for ThreadSanitizer to find). */
#include "config.h"

#include "view_folder.h"

#include "base/lock.h"
#include "base/random.h"
#include "health/health.h"
#include "view/hosts.h"
#include "view/view.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { ENDPOINTS = 150, VIEWS = 12 };

/* `first` is the number of the first endpoint: some stay, some go, some are new. */
static void write_topology(unsigned first)
{
    static char text[64000];
    int len = snprintf(text, sizeof text,
                       "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}, \"a2\": {}}}}, \"checks\": {\"web\": "
                       "{\"type\": \"tcp\", \"port\": 80, \"fall\": 2, \"rise\": 2}}, \"endpoints\": {");
    for (unsigned i = first; i < first + ENDPOINTS; i++) {
        len += snprintf(
            text + len, sizeof text - (size_t)len, "%s\"e%u\": {\"az\": \"a%u\", %s, \"checks\": [\"web\"]}",
            i == first ? "" : ",", i, 1 + i % 2,
            i % 10 == 0 ? "\"host\": \"lb.example.net\"" : "\"addresses\": [\"192.0.2.1\", \"2001:db8::1\"]");
    }
    snprintf(text + len, sizeof text - (size_t)len, "}}");
    put("topology.json", text);
}

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json",
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\"}");
    put("zones/a.test.zone", "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n");
    return 0;
}

static struct view *compile(const struct view *previous, uint64_t generation)
{
    char path[96];
    struct report *report = report_new();
    write_topology((unsigned)generation * 10);
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view = view_compile(path, previous, generation, 0, 1, report);
    report_write(report, stderr);
    assert_non_null(view);
    report_free(report);
    return view;
}

struct running {
    struct lock lock;
    struct view_slot *slot;
    struct view *view; /* under the lock, as the server has it */
    _Atomic bool stop;
    _Atomic unsigned long results;
};

static void *report_results(void *argument)
{
    struct running *running = argument;
    struct random random;
    random_init(&random, 7);
    while (!atomic_load(&running->stop)) {
        lock_take(&running->lock);
        struct health *health = running->view->health;
        uint32_t monitor = (uint32_t)random_below(&random, health_monitor_count(health));
        health_observe(health, monitor,
                       random_below(&random, 2) == 0 ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_TIMEOUT, 1000, 1,
                       0);
        lock_leave(&running->lock);
        atomic_fetch_add(&running->results, 1);
    }
    return NULL;
}

/* What one carrying at this very moment would give. */
static void expect_all(const struct view *next, const struct view *old)
{
    struct health *expected = view_new_health(next->topology, NULL, 5);
    health_carry(expected, old->health, 5);
    for (uint32_t i = 0; i < health_monitor_count(expected); i++) {
        struct health_monitor_status a = {.endpoint = 0}, b = {.endpoint = 0};
        (void)health_get_monitor(expected, i, &a);
        (void)health_get_monitor(next->health, i, &b);
        if (next->topology->endpoints[a.endpoint].host != NULL) {
            continue; /* a new one is observed as soon as its host is known */
        }
        assert_true(a.verdict == b.verdict && a.streak == b.streak && a.outcome == b.outcome &&
                    a.checked_ms == b.checked_ms && a.idle == b.idle);
    }
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health_count(expected, kind); i++) {
            struct health_status a, b;
            assert_int_equal(health_get_status(expected, kind, i, &a), 0);
            assert_int_equal(health_get_status(next->health, kind, i, &b), 0);
            assert_true(a.observed == b.observed && a.effective.state == b.effective.state &&
                        a.effective.decided_by == b.effective.decided_by && a.since_ms == b.since_ms);
        }
    }
    health_free(expected);
}

static void give_an_address(struct running *running, unsigned last)
{
    struct addr addr = {.family = ADDR_V4, .bytes = {198, 51, 100, (uint8_t)last}};
    struct view_host_update news = {
        .news = {{.addresses = &addr, .count = 1, .state = VIEW_HOST_GOOD}, {.state = VIEW_HOST_GOOD}}};
    (void)view_update_hosts(running->view, &news, 1, 1000, &running->lock);
}

struct copying {
    struct running *running;
    struct view *copy; /* begun, then whole */
};

static void *finish_copy(void *argument)
{
    struct copying *copying = argument;
    view_finish_copy(copying->copy, 5, &copying->running->lock);
    return NULL;
}

static void no_result_is_lost(void **state)
{
    (void)state;
    struct running running = {.slot = view_slot_new()};
    pthread_t thread, copier;
    lock_init(&running.lock);
    running.view = compile(NULL, 1);
    assert_null(view_publish(running.slot, running.view));
    assert_int_equal(pthread_create(&thread, NULL, report_results, &running), 0);
    for (uint64_t i = 2; i < VIEWS; i++) {
        give_an_address(&running, (unsigned)i);
        struct view *next = compile(running.view, i);
        struct copying copying = {&running, view_begin_copy(running.view)};
        assert_int_equal(pthread_create(&copier, NULL, finish_copy, &copying), 0);
        struct view_succession *succession = view_succession_new(next, running.view, 5, &running.lock);
        assert_int_equal(view_get_addresses(next, 0)->items[VIEW_V4][0].bytes[3], i);
        unsigned long before = atomic_load(&running.results);
        while (atomic_load(&running.results) < before + 20) {
        }
        view_succession_catch_up(succession);
        lock_take(&running.lock);
        view_succession_end(succession);
        expect_all(next, running.view);
        running.view = next;
        struct view *old = view_exchange(running.slot, next);
        lock_leave(&running.lock);
        view_succession_free(succession);
        view_synchronize();
        view_free(old);
        pthread_join(copier, NULL);
        assert_int_equal(health_count(copying.copy->health, HEALTH_ENDPOINT), ENDPOINTS);
        view_free(copying.copy);
    }
    atomic_store(&running.stop, true);
    pthread_join(thread, NULL);
    view_slot_free(running.slot);
    lock_fini(&running.lock);
}

static uint32_t find_endpoint(const struct view *view, const char *name)
{
    ptrdiff_t endpoint = health_find(view->health, HEALTH_ENDPOINT, name);
    assert_true(endpoint >= 0);
    return (uint32_t)endpoint;
}

static enum health_state find_state(const struct view *view, const char *name)
{
    struct health_status status;
    assert_int_equal(health_get_status(view->health, HEALTH_ENDPOINT, find_endpoint(view, name), &status), 0);
    return status.effective.state;
}

/* Of all endpoints that are a host name. */
static void expect_resolved(const struct view *view, uint32_t resolved)
{
    for (size_t i = 0; i < view->hosts[0].endpoint_count; i++) {
        uint32_t word = atomic_load(&view->table->endpoints[view->hosts[0].endpoints[i]]);
        assert_int_equal(word & HEALTH_WORD_RESOLVED, resolved);
    }
}

/* What is heard of a host while the next view is made goes over with the verdict that follows from it. */
static void a_host_that_is_resolved_meanwhile_keeps_its_verdict(void **state)
{
    (void)state;
    struct running running = {.slot = view_slot_new()};
    lock_init(&running.lock);
    running.view = compile(NULL, 2);
    struct view *next = compile(running.view, 1); /* e10 is new, e20 stays */
    assert_null(view_publish(running.slot, running.view));
    struct view_succession *succession = view_succession_new(next, running.view, 5, &running.lock);
    expect_resolved(next, 0);
    give_an_address(&running, 7);
    size_t count, first = view_find_monitors(running.view, find_endpoint(running.view, "e20"), &count);
    for (int i = 0; i < 2; i++) {
        health_observe(running.view->health, (uint32_t)first, HEALTH_OUTCOME_TIMEOUT, 1000, 1, 0);
    }
    assert_int_equal(find_state(running.view, "e20"), HEALTH_UNHEALTHY);
    view_succession_catch_up(succession);
    assert_int_equal(find_state(next, "e20"), HEALTH_UNHEALTHY);
    assert_int_equal(view_get_addresses(next, 0)->items[VIEW_V4][0].bytes[3], 7);
    expect_resolved(next, HEALTH_WORD_RESOLVED_V4);
    give_an_address(&running, 8); /* the same family: no word says so */
    view_succession_catch_up(succession);
    assert_int_equal(view_get_addresses(next, 0)->items[VIEW_V4][0].bytes[3], 8);
    view_succession_end(succession);
    view_succession_free(succession);
    view_free(next);
    view_slot_free(running.slot);
    lock_fini(&running.lock);
}

static void it_may_be_given_up(void **state)
{
    (void)state;
    struct lock lock;
    lock_init(&lock);
    struct view *view = compile(NULL, 1);
    for (uint64_t i = 2; i < 4; i++) {
        struct view *next = compile(view, i);
        struct view_succession *succession = view_succession_new(next, view, 5, &lock);
        lock_take(&lock);
        view_succession_end(succession);
        lock_leave(&lock);
        view_succession_free(succession);
        view_free(next);
        health_observe(view->health, 0, HEALTH_OUTCOME_OK, 1, 1, 0);
    }
    view_free(view);
    lock_fini(&lock);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, folder_close)
    const struct CMUnitTest tests[] = {
        WITH(no_result_is_lost),
        WITH(a_host_that_is_resolved_meanwhile_keeps_its_verdict),
        WITH(it_may_be_given_up),
    };
    return cmocka_run_group_tests_name("view_succession", tests, NULL, NULL);
}

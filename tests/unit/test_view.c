/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of view: compiling folders of documents, what a broken file leaves standing, and publishing while
 * others read. */
#include "config.h"

#include "view_folder.h"

#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "view/view.h"
#include "zone/zone.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOA_AND_NS "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n"

static const char server_json[] =
    "{\"listen\": [\"127.0.0.1:1\", \"[::1]:1\"], \"threads\": 3, \"zones\": \"zones\", "
    "\"topology\": \"topology.json\"}";
static const char topology_json[] =
    "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}, \"b\": {\"azs\": {\"b1\": {}}}},"
    "\"checks\": {\"web\": {\"type\": \"http\", \"port\": 80, \"path\": \"/x\"}, \"db\": {\"type\": \"tcp\", "
    "\"port\": 5}},"
    "\"endpoints\": {\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\", \"2001:db8::1\"], \"checks\": "
    "[\"web\", \"db\"]},"
    "\"two\": {\"az\": \"b1\", \"addresses\": [\"192.0.2.2\"], \"weight\": 7, \"checks\": [\"db\"]}}}";
static const char policy_json[] =
    "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"a\"], [\"b\"]]},"
    "\"same\": {\"endpoints\": [\"*\"], \"tiers\": [[\"a\"], [\"b\"]]}}}";

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json", server_json);
    put("topology.json", topology_json);
    put("zones/example.com.zone", SOA_AND_NS "plain A 192.0.2.9\n");
    put("zones/example.com.json", policy_json);
    put("zones/example.net.zone", SOA_AND_NS);
    return 0;
}

static struct view *compile(const struct view *previous, size_t *errors)
{
    char path[160];
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view =
        view_compile(path, previous, previous == NULL ? 1 : previous->generation + 1, 0, 0, report);
    *errors = report_errors(report);
    report_free(report);
    return view;
}

static const struct zone *zone_of(const struct view *view, const char *origin)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    assert_true(dns_name_parse(origin, NULL, wire) > 0);
    return zone_table_get(view->zones, wire);
}

static void everything_is_there(void **state)
{
    (void)state;
    size_t errors;
    struct view *view = compile(NULL, &errors);
    assert_non_null(view);
    assert_int_equal(errors, 0);
    assert_int_equal(view->zone_count, 2);
    assert_int_equal(view->name_count, 2);
    assert_string_equal(view->names[0].owner, "same.example.com.");
    assert_string_equal(view->names[1].owner, "www.example.com.");
    assert_int_equal(view->names[0].policy, view->names[1].policy); /* identical policies are one */
    assert_int_equal(steer_set_count(view->steer), 1);
    assert_int_equal(view->names[1].types, STEER_HAS_A | STEER_HAS_AAAA);
    assert_int_equal(view->cache_count, 2 * 3 + 3);
    assert_int_equal(view->table->endpoint_count, 2);
    assert_int_equal(zone_of(view, "example.com.")->steered_count, 4);
    size_t count;
    assert_int_equal(view_find_monitors(view, 0, &count), 0);
    assert_int_equal(count, 4);
    assert_int_equal(view_find_monitors(view, 1, &count), 4);
    for (size_t i = 0; i < view->monitor_count; i++) {
        assert_int_equal(view_find_monitor(view, view->monitors[i].identity), i);
        assert_int_equal(view_find_monitor(view, view->monitors[i].identity + 1), -1);
    }
    assert_int_equal(count, 1);
    view_free(view);
}

static const struct steer_policy *compile_policy_of(const char *topology, const char *policy,
                                                    struct view **view)
{
    size_t errors;
    put("topology.json", topology);
    put("zones/example.com.json", policy);
    *view = compile(NULL, &errors);
    assert_int_equal(errors, 0);
    return steer_set_get((*view)->steer, (*view)->names[0].policy);
}

static void hold_to_order(const struct steer_policy *policy, const uint16_t *members, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        assert_true(steer_get_place(policy, members[i - 1])->identity <
                    steer_get_place(policy, members[i])->identity);
    }
}

/* Where members are in the order of their identities, servers whose topologies differ in theirs send a client
 * to the same endpoint. */
static uint64_t identify(const char *tls)
{
    char text[256];
    struct view_monitor *monitors;
    struct report *report = report_new();
    snprintf(
        text, sizeof text,
        "{\"regions\": {\"r\": {\"azs\": {\"a\": {}}}}, \"checks\": {\"c\": {\"type\": \"https\", \"port\": "
        "1, "
        "\"tls\": {\"verify\": false%s}}}, \"endpoints\": {\"e\": {\"az\": \"a\", \"addresses\": \"::1\", "
        "\"checks\": \"c\"}}}",
        tls);
    struct conf_topology *topology = conf_parse_topology("t", text, strlen(text), report);
    assert_int_equal(view_list_monitors(topology, &monitors), 1);
    uint64_t identity = monitors[0].identity;
    free(monitors);
    conf_free_topology(topology);
    report_free(report);
    return identity;
}

/* What is offered to be spoken, too; what is offered where nothing is said is no difference. */
static void monitors_know_what_they_speak(void **state)
{
    (void)state;
    static const char *const lists[] = {"", ", \"alpn\": [\"h2\"]", ", \"alpn\": [\"h2\", \"http/1.1\"]",
                                        ", \"alpn\": [\"http/1.1\", \"h2\"]"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(identify(lists[i]) != identify(lists[j]));
        }
    }
    assert_true(identify("") == identify(", \"alpn\": [\"http/1.1\"]"));
}

static void sticky_members_are_in_an_order_of_their_own(void **state)
{
    (void)state;
    struct view *view;
    const struct steer_policy *policy = compile_policy_of(
        "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {"
        "\"one\": {\"az\": \"a1\", \"addresses\": \"192.0.2.1\"}, \"two\": {\"az\": \"a1\", \"addresses\": "
        "\"192.0.2.2\"}, \"three\": {\"az\": \"a1\", \"addresses\": \"192.0.2.3\"},"
        "\"four\": {\"az\": \"a1\", \"addresses\": \"192.0.2.4\"}, \"five\": {\"az\": \"a1\", \"addresses\": "
        "\"192.0.2.5\"}}}",
        "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"pick\": \"sticky\", \"fallback\": \"all\"}}}",
        &view);
    const struct steer_class *class = &policy->classes[0];
    assert_int_equal(class->tiers[0].count, 5);
    hold_to_order(policy, class->tiers[0].members, 5);
    assert_int_equal(class->offered_count, 5);
    hold_to_order(policy, class->offered, 5);
    view_free(view);
}

#define TWO_PLACES                                                                                           \
    "{\"regions\": {\"a\": {\"location\": [1, 2], \"azs\": {\"a1\": {}}}, \"b\": {\"location\": [3, 4], "    \
    "\"azs\": "                                                                                              \
    "{\"b1\": {}}}}, \"endpoints\": {\"one\": {\"az\": \"a1\", \"addresses\": \"192.0.2.1\"}, \"two\": "     \
    "{\"az\": "                                                                                              \
    "\"b1\", \"addresses\": \"192.0.2.2\"}}, \"geo_rules\": {\"near\": [{\"when\": {\"cidr\": "              \
    "\"10.0.0.0/8\"}, \"tiers\": "

static void expect_classes(const char *topology, const char *policy, int count, uint8_t scope)
{
    struct view *view;
    struct addr client;
    const struct steer_policy *compiled = compile_policy_of(topology, policy, &view);
    assert_int_equal(compiled->class_count, count);
    assert_int_equal(addr_parse("10.1.2.3", &client), 0);
    assert_int_equal(steer_find_class(compiled, &client).scope, scope);
    view_free(view);
}

/* A rule that gives what clients get anyway makes no class, and so no narrower scopes. */
static void what_is_the_same_is_one_class(void **state)
{
    (void)state;
    expect_classes(
        TWO_PLACES "\"nearest\"}]}}",
        "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": {\"nearest\": 3}, \"geo\": \"near\"}}}", 1,
        0);
    expect_classes(TWO_PLACES
                   "[[\"a\"], {\"members\": [\"b1\"], \"min_healthy\": 2}], \"spill\": \"next\"}]}}",
                   "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"one\"], [\"two\"]], "
                   "\"geo\": \"near\", "
                   "\"min_healthy\": 2}}}",
                   1, 0);
    expect_classes(
        TWO_PLACES "[[\"a\"], [\"b\"]], \"fence\": true}]}}",
        "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"a\"], [\"b\"]], \"geo\": \"near\"}}}",
        2, 8);
    expect_classes(
        TWO_PLACES "[[\"a\"], {\"members\": [\"b\"], \"trickle\": 0.1}]}]}}",
        "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"a\"], [\"b\"]], \"geo\": \"near\"}}}",
        2, 8);
}

static void monitors_know_what_they_watch(void **state)
{
    (void)state;
    struct view_monitor *monitors, *changed;
    struct report *report = report_new();
    struct conf_topology *topology =
        conf_parse_topology("t", topology_json, sizeof topology_json - 1, report);
    assert_int_equal(view_list_monitors(topology, &monitors), 5);
    static const uint32_t endpoints[] = {0, 0, 0, 0, 1}, checks[] = {0, 0, 1, 1, 1};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(monitors[i].endpoint, endpoints[i]);
        assert_int_equal(monitors[i].check, checks[i]);
        assert_int_equal(monitors[i].addr->family, i % 2 == 0 ? ADDR_V4 : ADDR_V6);
        for (size_t j = 0; j < i; j++) {
            assert_true(monitors[i].identity != monitors[j].identity);
        }
    }
    /* What is kept of health is found again by it, also by the next version: it changes on purpose only. */
    assert_int_equal(monitors[0].identity, UINT64_C(0x479f42e33c4f57ec));
    char *other =
        memory_copy_text(topology_json); /* another path: another identity; another weight: the same */
    strstr(other, "/x")[1] = 'y';
    strstr(other, "\"weight\": 7")[10] = '8';
    struct conf_topology *edited = conf_parse_topology("t", other, strlen(other), report);
    assert_int_equal(view_list_monitors(edited, &changed), 5);
    assert_true(monitors[0].identity != changed[0].identity);
    assert_true(monitors[2].identity == changed[2].identity);
    assert_true(monitors[4].identity == changed[4].identity);
    free(other);
    free(monitors);
    free(changed);
    conf_free_topology(topology);
    conf_free_topology(edited);
    report_free(report);
}

static void invalid_documents_give_no_view(void **state)
{
    (void)state;
    size_t errors;
    put("topology.json", "{\"regions\": {}, \"nonsense\": 1}");
    assert_null(compile(NULL, &errors));
    assert_true(errors >= 1);
    put("topology.json", topology_json);
    put("steerd.json", "{");
    assert_null(compile(NULL, &errors));
    assert_int_equal(errors, 1);
}

static void a_broken_zone_says_servfail_at_first(void **state)
{
    (void)state;
    size_t errors;
    put("zones/example.com.zone", "nonsense\n");
    struct view *view = compile(NULL, &errors);
    assert_non_null(view);
    assert_true(errors != 0);
    assert_true(zone_of(view, "example.com.")->failed);
    assert_false(zone_of(view, "example.net.")->failed);
    assert_true(view->zone_list[0].failed && !view->zone_list[0].stale);
    assert_int_equal(view->name_count, 0);
    put("zones/example.net.zone", "nonsense\n");
    assert_null(compile(NULL, &errors));
    view_free(view);
}

/* The endpoint that the carried policy names first moved to another index. */
static void a_broken_zone_keeps_its_last_version(void **state)
{
    (void)state;
    size_t errors;
    struct view *first = compile(NULL, &errors);
    char *moved = memory_copy_text(topology_json), *at = strstr(moved, "\"one\"");
    static const char more[] = "\"nil\": {\"az\": \"b1\", \"addresses\": [\"192.0.2.3\"]}, ";
    char *text = memory_print("%.*s%s%s", (int)(at - moved), moved, more, at);
    put("topology.json", text);
    put("zones/example.com.json", "{\"names\": {\"www\": {\"endpoints\": [\"nobody\"]}}}");
    struct view *second = compile(first, &errors);
    assert_non_null(second);
    assert_int_equal(errors, 1);
    assert_true(second->zone_list[0].stale);
    assert_int_equal(second->name_count, 2);
    const struct steer_policy *policy = steer_set_get(second->steer, second->names[1].policy);
    assert_int_equal(policy->member_count, 2);
    assert_int_equal(policy->members[0].endpoint, 1);
    assert_int_equal(policy->members[1].endpoint, 2);
    assert_int_equal(steer_get_place(policy, 1)->region, 1);
    assert_true(zone_of(second, "example.com.") != zone_of(first, "example.com."));
    view_free(first);
    put("topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}}"); /* what it needs is gone */
    assert_null(compile(second, &errors));
    assert_true(errors >= 2);
    view_free(second);
    free(moved);
    free(text);
}

static void a_zone_without_policies_is_shared(void **state)
{
    (void)state;
    size_t errors;
    struct view *first = compile(NULL, &errors);
    put("zones/example.net.zone", "nonsense\n");
    struct view *second = compile(first, &errors);
    assert_true(zone_of(second, "example.net.") == zone_of(first, "example.net."));
    view_free(first);
    assert_int_equal(zone_of(second, "example.net.")->serial, 1);
    view_free(second);
}

/* ---- what restricts answers ---- */

static bool allows(const struct acl *acl, const char *text)
{
    struct addr client;
    assert_int_equal(addr_parse(text, &client), 0);
    return acl_allows(acl, &client);
}

/* A zone that is shared by both views follows the lists of the view that is asked. */
static void lists_belong_to_the_view(void **state)
{
    (void)state;
    size_t errors;
    put("steerd.json",
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\"}");
    struct view *open = compile(NULL, &errors);
    assert_int_equal(open->guards, 0);
    put("steerd.json", "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\", "
                       "\"zone_options\": {\"*\": {\"allow_query\": \"192.0.2.0/24\"}, \"Example.NET\": "
                       "{\"allow_query\": \"2001:db8::/32\"}}}");
    put("zones/example.net.zone", "nonsense\n");
    struct view *closed = compile(open, &errors);
    const struct zone *shared = zone_of(closed, "example.net."), *other = zone_of(closed, "example.com.");
    assert_true(shared == zone_of(open, "example.net."));
    assert_int_equal(closed->guards, VIEW_GUARD_ZONE);
    assert_null(view_find_acl(open, shared));
    assert_true(allows(view_find_acl(closed, shared), "2001:db8::1"));
    assert_false(allows(view_find_acl(closed, shared), "192.0.2.1"));
    assert_true(allows(view_find_acl(closed, other), "192.0.2.1"));
    assert_false(allows(view_find_acl(closed, other), "2001:db8::1"));
    view_free(open);
    view_free(closed);
}

static void listen_addresses_keep_their_order(void **state)
{
    (void)state;
    size_t errors;
    static const char first[] = "{\"listen\": [{\"address\": \"127.0.0.1:1\", \"allow\": \"192.0.2.1\"}, "
                                "\"127.0.0.1:2\", {\"address\": \"127.0.0.1:3\", \"allow\": \"192.0.2.3\"}], "
                                "\"zones\": \"zones\", \"topology\": \"topology.json\"}";
    static const char second[] =
        "{\"listen\": [\"127.0.0.1:9\", \"127.0.0.1:3\", {\"address\": \"127.0.0.1:2\", "
        "\"allow\": \"192.0.2.2\"}], \"zones\": \"zones\", \"topology\": \"topology.json\"}";
    put("steerd.json", first);
    struct view *before = compile(NULL, &errors);
    assert_int_equal(errors, 0);
    assert_int_equal(before->guards, VIEW_GUARD_LISTEN);
    assert_true(allows(view_listen_acl(before, 0), "192.0.2.1"));
    assert_null(view_listen_acl(before, 1));
    assert_null(view_listen_acl(before, 3));
    put("steerd.json", second);
    struct view *after = compile(before, &errors);
    assert_int_equal(errors, 0);
    view_map_listeners(after, before->server->listen, before->server->listen_count, before);
    view_free(before);
    assert_true(allows(view_listen_acl(after, 0), "192.0.2.1")); /* not in the document any more: as it was */
    assert_false(allows(view_listen_acl(after, 0), "192.0.2.2"));
    assert_true(allows(view_listen_acl(after, 1), "192.0.2.2"));
    assert_null(view_listen_acl(after, 2));
    assert_int_equal(after->guards, VIEW_GUARD_LISTEN);
    view_free(after);
}

static void rates_go_on_over_a_reload(void **state)
{
    (void)state;
    size_t errors;
    static const char *const texts[] = {"{}", "{\"rate\": 7}", "{\"table_size\": 5000}",
                                        "{\"table_size\": 8192}"};
    struct view *views[4];
    for (size_t i = 0; i < 4; i++) {
        char *text = memory_print("{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": "
                                  "\"topology.json\", \"rrl\": %s}",
                                  texts[i]);
        put("steerd.json", text);
        views[i] = compile(i == 0 ? NULL : views[i - 1], &errors);
        assert_int_equal(views[i]->guards, VIEW_GUARD_RATE);
        free(text);
    }
    assert_ptr_equal(views[1]->limiter, views[0]->limiter);
    assert_ptr_not_equal(views[2]->limiter, views[1]->limiter);
    assert_int_equal(limiter_size(views[2]->limiter), 8192);
    assert_ptr_equal(views[3]->limiter, views[2]->limiter);
    put("steerd.json", server_json);
    struct view *off = compile(views[3], &errors);
    assert_null(off->limiter);
    assert_int_equal(off->guards, 0);
    for (size_t i = 0; i < 4; i++) {
        view_free(views[i]);
    }
    view_free(off);
}

/* ---- publishing ---- */

struct reading {
    struct view_slot *slot;
    _Atomic bool stop;
    _Atomic unsigned long reads;
};

static void *read_on(void *argument)
{
    struct reading *reading = argument;
    uint64_t last = 0;
    view_reader_register();
    while (!atomic_load(&reading->stop)) {
        view_reader_online();
        const struct view *view = view_read(reading->slot);
        assert_true(view->generation >= last); /* never back to an older one */
        last = view->generation;
        view_reader_offline();
        atomic_fetch_add(&reading->reads, 1);
    }
    view_reader_unregister();
    return NULL;
}

/* Freed views are poisoned by the sanitizers: a reader that still holds one is found. */
static void readers_never_see_a_freed_view(void **state)
{
    (void)state;
    enum { READERS = 3, VIEWS = 500 };
    pthread_t threads[READERS];
    struct reading reading = {.slot = view_slot_new()};
    for (uint64_t i = 1; i <= VIEWS; i++) {
        struct view *view = memory_alloc(sizeof *view);
        view->generation = i;
        struct view *old = view_publish(reading.slot, view);
        assert_true(i == 1 ? old == NULL : old->generation == i - 1);
        view_free(old);
        for (size_t r = 0; i == 1 && r < READERS; r++) {
            assert_int_equal(pthread_create(&threads[r], NULL, read_on, &reading), 0);
        }
    }
    while (atomic_load(&reading.reads) < VIEWS) {
        usleep(1000);
    }
    atomic_store(&reading.stop, true);
    for (size_t r = 0; r < READERS; r++) {
        pthread_join(threads[r], NULL);
    }
    assert_int_equal(view_current(reading.slot)->generation, VIEWS);
    view_slot_free(reading.slot);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, folder_close)
    const struct CMUnitTest tests[] = {
        WITH(everything_is_there),
        cmocka_unit_test(monitors_know_what_they_watch),
        cmocka_unit_test(monitors_know_what_they_speak),
        WITH(sticky_members_are_in_an_order_of_their_own),
        WITH(what_is_the_same_is_one_class),
        WITH(invalid_documents_give_no_view),
        WITH(a_broken_zone_says_servfail_at_first),
        WITH(a_broken_zone_keeps_its_last_version),
        WITH(a_zone_without_policies_is_shared),
        WITH(lists_belong_to_the_view),
        WITH(listen_addresses_keep_their_order),
        WITH(rates_go_on_over_a_reload),
        cmocka_unit_test(readers_never_see_a_freed_view),
    };
    return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}

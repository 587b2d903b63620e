/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of copies of a view: they say what was so when they were made, whatever becomes of the view, and what
 * is done to them shows nowhere else. What is freed too early or never is for the sanitizers to find. */
#include "config.h"

#include "view_folder.h"

#include "base/addr.h"
#include "dns/name.h"
#include "dns/types.h"
#include "health/health.h"
#include "base/lock.h"
#include "view/hosts.h"
#include "view/view.h"
#include "zone/zone.h"

#include <stdio.h>
#include <string.h>

#define SOA_AND_NS "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n"

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json",
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\"}");
    put("topology.json",
        "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"checks\": {\"web\": {\"type\": \"tcp\", \"port\": "
        "80, \"fall\": 1, \"rise\": 1}}, \"endpoints\": {"
        "\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\"], \"checks\": [\"web\"]},"
        "\"two\": {\"az\": \"a1\", \"host\": \"two.example.net\", \"checks\": [\"web\"]}}}");
    put("zones/plain.test.zone", SOA_AND_NS);
    put("zones/steered.test.zone", SOA_AND_NS);
    put("zones/steered.test.json", "{\"names\": {\"www\": {\"endpoints\": [\"*\"]}}}");
    return 0;
}

static struct view *compile(uint64_t generation)
{
    char path[96];
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view = view_compile(path, NULL, generation, 0, 1, report);
    assert_int_equal(report_errors(report), 0);
    assert_non_null(view);
    report_free(report);
    return view;
}

static struct view_slot *start(void)
{
    struct view_slot *slot = view_slot_new();
    assert_null(view_publish(slot, compile(1)));
    return slot;
}

static void update(struct view_slot *slot, const char *origin)
{
    struct report *report = report_new();
    const struct view *view = view_current(slot);
    size_t index = (size_t)view_find_zone(view, origin);
    struct view_zone_update *news = view_read_zone(view, index, report);
    assert_non_null(news);
    (void)view_install_zone(slot, index, news);
    view_finish_update(news);
    report_free(report);
}

static const struct zone *find_zone(const struct view *view, const char *origin)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    assert_true(dns_name_parse(origin, NULL, wire) > 0);
    return zone_table_get(view->zones, wire);
}

/* Every name's policy, every node of every zone, every address. */
static size_t read_all(const struct view *view)
{
    size_t sum = 0, slot = 0;
    for (size_t i = 0; i < view->name_count; i++) {
        sum += strlen(view->names[i].owner) + steer_set_get(view->steer, view->names[i].policy)->member_count;
    }
    for (size_t i = 0; i < view->zone_count; i++) {
        const struct zone *zone = find_zone(view, view->zone_list[i].origin);
        sum += zone->record_count == view->zone_list[i].records;
        for (const struct zone_node *node; (node = zone_next_node(zone, &slot)) != NULL;) {
            sum += node->name_len;
        }
        slot = 0;
    }
    for (uint32_t i = 0; i < view->host_count; i++) {
        sum += view_get_addresses(view, i)->count[VIEW_V4] + strlen(view->hosts[i].conf->name);
    }
    return sum;
}

static enum health_observed observed(const struct view *view, const char *endpoint)
{
    struct health_status status;
    uint32_t index = (uint32_t)health_find(view->health, HEALTH_ENDPOINT, endpoint);
    assert_int_equal(health_get_status(view->health, HEALTH_ENDPOINT, index, &status), 0);
    return status.observed;
}

static void set_addresses(struct view *view, const char *text)
{
    struct addr addr;
    assert_int_equal(addr_parse(text, &addr), 0);
    struct view_host_update news = {
        .news = {{.addresses = &addr, .count = 1, .state = VIEW_HOST_GOOD}, {.state = VIEW_HOST_GOOD}}};
    assert_int_equal(view_update_hosts(view, &news, 1, 1000, NULL), 1);
}

static void it_outlives_the_view(void **state)
{
    (void)state;
    struct view_slot *slot = start();
    set_addresses(view_current(slot), "198.51.100.1");
    struct view *copy = view_copy(view_current(slot), 5, NULL);
    size_t before = read_all(copy);
    for (uint64_t i = 2; i < 5; i++) {
        view_free(view_publish(slot, compile(i)));
    }
    assert_int_equal(read_all(copy), before);
    assert_int_equal(copy->generation, 1);
    view_slot_free(slot);
    assert_int_equal(read_all(copy), before);
    struct view *second = view_copy(copy, 6, NULL);
    view_free(copy);
    assert_int_equal(read_all(second), before);
    view_free(second);
}

static void the_states_are_apart(void **state)
{
    (void)state;
    struct view_slot *slot = start();
    struct view *view = view_current(slot);
    health_observe(view->health, 0, HEALTH_OUTCOME_TIMEOUT, 1, 1, 0);
    set_addresses(view, "198.51.100.1");
    struct view *copy = view_copy(view, 5, NULL);
    assert_int_equal(observed(copy, "one"), HEALTH_OBSERVED_UNHEALTHY);
    health_observe(view->health, 0, HEALTH_OUTCOME_OK, 6, 1, 0);
    set_addresses(view, "198.51.100.2");
    assert_int_equal(observed(view, "one"), HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(observed(copy, "one"), HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(view_get_addresses(copy, 0)->items[VIEW_V4][0].bytes[3], 1);
    assert_int_equal(view_get_addresses(view, 0)->items[VIEW_V4][0].bytes[3], 2);
    assert_ptr_equal(copy->zones, view->zones);
    assert_ptr_equal(copy->steer, view->steer);
    assert_ptr_equal(copy->names, view->names);
    assert_ptr_not_equal(copy->table, view->table);
    assert_true(copy->secrets == copy->random_secret);
    assert_int_equal(copy->cache_count, 0);
    view_free(copy);
    view_slot_free(slot);
}

/* A zone without names is exchanged in the table that both have: the old one lives as long as somebody may
 * have found it. */
static void what_it_found_stays(void **state)
{
    (void)state;
    struct view_slot *slot = start();
    struct view *copy = view_copy(view_current(slot), 5, NULL);
    const struct zone *found = find_zone(copy, "plain.test.");
    size_t records = found->record_count;
    put("zones/plain.test.zone", SOA_AND_NS "new A 192.0.2.9\n");
    update(slot, "plain.test");
    struct view *later = view_copy(view_current(slot), 6, NULL);
    const struct zone *second = find_zone(later, "plain.test.");
    update(slot, "plain.test");
    assert_ptr_not_equal(second, found);
    assert_int_equal(found->record_count, records);
    assert_int_equal(second->record_count, records + 1);
    view_free(copy);
    assert_int_equal(second->record_count, records + 1);
    update(slot, "plain.test");
    view_slot_free(slot);
    assert_int_equal(second->record_count, records + 1);
    view_free(later);
}

/* Begun here and finished elsewhere, when the view that it is of has gone; or never. */
static void it_is_made_in_two_parts(void **state)
{
    (void)state;
    struct view_slot *slot = start();
    struct view *copy = view_begin_copy(view_current(slot)), *other = view_begin_copy(view_current(slot));
    put("zones/plain.test.zone", SOA_AND_NS "new A 192.0.2.9\n");
    update(slot, "plain.test");
    view_abandon_copy(other);
    struct lock lock;
    lock_init(&lock);
    view_slot_free(slot);
    copy = view_finish_copy(copy, 5, &lock);
    assert_int_not_equal(copy->zone_count, 0);
    assert_non_null(find_zone(copy, "plain.test."));
    assert_non_null(copy->health);
    assert_null(copy->primaries);
    view_free(copy);
    lock_fini(&lock);
}

/* A zone with names brings another content: policies and zones of a copy go on fitting together. */
static void its_policies_fit_its_zones(void **state)
{
    (void)state;
    struct view_slot *slot = start();
    struct view *copies[5];
    size_t sums[5];
    for (size_t i = 0; i < 5; i++) {
        char text[160];
        copies[i] = view_copy(view_current(slot), 5, NULL);
        sums[i] = read_all(copies[i]);
        snprintf(text, sizeof text,
                 "{\"names\": {\"www\": {\"endpoints\": [\"one\"], \"pick\": \"all\", \"answers\": %zu}, "
                 "\"n%zu\": "
                 "{\"endpoints\": [\"*\"]}}}",
                 i + 2, i);
        put("zones/steered.test.json", text);
        put("zones/steered.test.zone", i % 2 == 0 ? SOA_AND_NS "more A 192.0.2.9\n" : SOA_AND_NS);
        update(slot, "steered.test");
        update(slot, "plain.test");
        for (size_t j = 0; j <= i; j++) {
            assert_int_equal(copies[j]->name_count, j == 0 ? 1 : 2);
            assert_int_equal(steer_set_count(copies[j]->steer), 1 + j);
            (void)read_all(copies[j]);
        }
    }
    for (size_t i = 0; i < 5; i++) {
        size_t at = (i * 3 + 1) % 5; /* in no order */
        assert_int_equal(read_all(copies[at]) > 0, sums[at] > 0);
        view_free(copies[at]);
    }
    assert_int_equal(view_current(slot)->name_count, 2);
    view_slot_free(slot);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, folder_close)
    const struct CMUnitTest tests[] = {
        WITH(it_outlives_the_view),    WITH(the_states_are_apart),       WITH(what_it_found_stays),
        WITH(it_is_made_in_two_parts), WITH(its_policies_fit_its_zones),
    };
    return cmocka_run_group_tests_name("view_snapshot", tests, NULL, NULL);
}

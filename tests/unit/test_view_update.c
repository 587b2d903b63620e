/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of updating one zone of a running view: what changes, what stays, and that those who read meanwhile
 * find a policy for whatever zone they meet. */
#include "config.h"

#include "view_folder.h"

#include "dns/name.h"
#include "dns/types.h"
#include "view/view.h"
#include "zone/zone.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOA_AND_NS "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n"
#define EVERYBODY  "{\"names\": {\"www\": {\"endpoints\": [\"*\"]}}}"

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json",
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\"}");
    put("topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {"
                         "\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\"]},"
                         "\"two\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.2\"]},"
                         "\"three\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.3\"]}}}");
    put("zones/a.test.zone", SOA_AND_NS);
    put("zones/b.test.zone", SOA_AND_NS);
    put("zones/c.test.zone", SOA_AND_NS);
    put("zones/a.test.json", EVERYBODY);
    put("zones/b.test.json", "{\"names\": {\"www\": {\"endpoints\": [\"one\"]}}}");
    return 0;
}

static struct view_slot *start(void)
{
    char path[96];
    struct report *report = report_new();
    struct view_slot *slot = view_slot_new();
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view = view_compile(path, NULL, 1, 0, 2, report);
    assert_int_equal(report_count(report), 0);
    assert_null(view_publish(slot, view));
    report_free(report);
    return slot;
}

/* Returns what was complained about. */
static size_t update(struct view_slot *slot, const char *origin)
{
    struct report *report = report_new();
    struct view *view = view_current(slot);
    ptrdiff_t index = view_find_zone(view, origin);
    assert_true(index != -1 && view_can_update_zone(view, (size_t)index));
    struct view_zone_update *news = view_read_zone(view, (size_t)index, report);
    struct view *now = view_install_zone(slot, (size_t)index, news);
    view_finish_update(news);
    assert_ptr_equal(now, view_current(slot));
    size_t errors = report_errors(report);
    report_free(report);
    return errors;
}

static const struct zone *find_zone(const struct view *view, const char *origin)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    assert_true(dns_name_parse(origin, NULL, wire) > 0);
    return zone_table_get(view->zones, wire);
}

/* The policy of an owner's A records. */
static const struct steer_policy *find_policy(const struct view *view, const struct zone *zone,
                                              const char *owner)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    struct dns_key key = {.len = 0};
    int len = dns_name_parse(owner, NULL, wire);
    assert_true(len > 0 && dns_key_fill(&key, wire, (size_t)len) != 0);
    uint32_t at = zone_find_node(zone, &key);
    const struct zone_rrset *rrset = at == 0 ? NULL : zone_find_rrset(zone_get_node(zone, at), DNS_TYPE_A);
    if (rrset == NULL || (rrset->flags & ZONE_RRSET_STEERED) == 0) {
        return NULL;
    }
    const struct zone_steered *steered = zone_get_steered(zone, rrset);
    const struct steer_policy *policy = steer_set_get(view->steer, steered->policy);
    assert_int_equal(policy->member_count, rrset->count);
    return policy;
}

static unsigned count_members(const struct view *view, const char *origin, const char *owner)
{
    const struct steer_policy *policy = find_policy(view, find_zone(view, origin), owner);
    return policy == NULL ? 0 : policy->member_count;
}

static void assert_names(const struct view *view, const char *const *owners, size_t count)
{
    assert_int_equal(view->name_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(view->names[i].owner, owners[i]);
        assert_true(view->names[i].policy < steer_set_count(view->steer));
    }
}

/* Of each endpoint the policies that have it, among those that are known. Returns how many are. */
static size_t assert_memberships(const struct view *view)
{
    size_t count, known = 0;
    for (uint32_t endpoint = 0; endpoint < view->topology->endpoint_count; endpoint++) {
        const uint32_t *policies = view_find_policies(view, endpoint, &count, &known);
        for (uint32_t id = 0; id < known; id++) {
            const struct steer_policy *policy = steer_set_get(view->steer, id);
            bool has = false;
            for (size_t m = 0; m < policy->member_count; m++) {
                has |= policy->members[m].endpoint == endpoint;
            }
            assert_true(!has || (count != 0 && *policies == id));
            policies += has;
            count -= has;
        }
        assert_int_equal(count, 0);
    }
    return known;
}

static void a_new_policy_extends_the_set(void **state)
{
    (void)state;
    static const char *const names[] = {"api.a.test.", "www.a.test.", "www.b.test."};
    struct view_slot *slot = start();
    const struct view *before = view_current(slot);
    const struct health *health = before->health;
    assert_int_equal(steer_set_count(before->steer), 2);
    assert_int_equal(assert_memberships(before), 2);
    assert_true(before->secrets == before->random_secret);
    put("zones/a.test.zone", SOA_AND_NS "plain A 192.0.2.9\n");
    put("zones/a.test.json", "{\"names\": {\"www\": {\"endpoints\": [\"one\"]}, \"api\": {\"endpoints\": "
                             "[\"two\", \"three\"], \"ttl\": 7}}}");
    assert_int_equal(update(slot, "a.test"), 0);
    const struct view *after = view_current(slot);
    assert_int_equal(steer_set_count(after->steer), 3); /* www shares that of b.test */
    assert_int_equal(steer_set_count_added(after->steer), 1);
    assert_int_equal(assert_memberships(after), 2); /* those that were added are not known */
    assert_names(after, names, 3);
    assert_string_equal(after->names[0].zone, "a.test.");
    assert_int_equal(after->names[0].ttl, 7);
    assert_int_equal(after->names[1].policy, after->names[2].policy);
    assert_int_equal(count_members(after, "a.test.", "www.a.test."), 1);
    assert_int_equal(count_members(after, "a.test.", "api.a.test."), 2);
    assert_int_equal(count_members(after, "b.test.", "www.b.test."), 1);
    assert_int_equal(after->zone_list[0].steered, 2);
    assert_int_equal(after->zone_list[0].records, 4);
    assert_int_equal(after->generation, 1);
    assert_ptr_equal(after->health, health);
    assert_true(after->secrets == after->random_secret);
    assert_non_null(steer_cache_get(after->caches[1],
                                    find_policy(after, find_zone(after, "a.test."), "api.a.test."),
                                    (struct steer_ask){.types = STEER_HAS_A}, after->table));
    view_slot_free(slot);
}

static void a_known_policy_keeps_the_set(void **state)
{
    (void)state;
    static const char *const names[] = {"www.a.test.", "x.b.test."};
    struct view_slot *slot = start();
    const struct steer_set *set = view_current(slot)->steer;
    put("zones/b.test.json", "{\"names\": {\"x\": {\"endpoints\": [\"*\"]}}}");
    assert_int_equal(update(slot, "B.test."), 0);
    assert_ptr_equal(view_current(slot)->steer, set);
    assert_names(view_current(slot), names, 2);
    assert_int_equal(count_members(view_current(slot), "b.test.", "x.b.test."), 3);
    assert_int_equal(count_members(view_current(slot), "b.test.", "www.b.test."), 0);
    view_slot_free(slot);
}

static void names_may_go(void **state)
{
    (void)state;
    static const char *const names[] = {"www.b.test."};
    struct view_slot *slot = start();
    put("zones/a.test.json", "{\"names\": {}}");
    assert_int_equal(update(slot, "a.test"), 0);
    assert_names(view_current(slot), names, 1);
    assert_int_equal(view_current(slot)->zone_list[0].steered, 0);
    put("zones/a.test.json", EVERYBODY);
    assert_int_equal(update(slot, "a.test"), 0);
    assert_int_equal(view_current(slot)->name_count, 2);
    view_slot_free(slot);
}

static void a_plain_zone_leaves_the_view(void **state)
{
    (void)state;
    struct view_slot *slot = start();
    const struct view *before = view_current(slot);
    put("zones/c.test.zone", SOA_AND_NS "new A 192.0.2.9\n");
    assert_int_equal(update(slot, "c.test"), 0);
    assert_ptr_equal(view_current(slot), before);
    assert_int_equal(before->zone_list[2].records, 4);
    view_slot_free(slot);
}

static void what_is_broken_stays_as_it_was(void **state)
{
    (void)state;
    struct view_slot *slot = start();
    const struct view *before = view_current(slot);
    put("zones/a.test.json", "{\"names\": {\"www\": {\"endpoints\": [\"nobody\"]}}}");
    assert_int_equal(update(slot, "a.test"), 1);
    put("zones/b.test.zone", SOA_AND_NS "x A 1.2.3\n");
    assert_int_equal(update(slot, "b.test"), 1);
    assert_ptr_equal(view_current(slot), before);
    assert_true(before->zone_list[0].stale && before->zone_list[1].stale && !before->zone_list[2].stale);
    assert_int_equal(count_members(before, "a.test.", "www.a.test."), 3);
    put("zones/a.test.json", EVERYBODY);
    assert_int_equal(update(slot, "a.test"), 0);
    assert_false(view_current(slot)->zone_list[0].stale);
    view_slot_free(slot);
}

struct reading {
    struct view_slot *slot;
    _Atomic bool stop;
    _Atomic unsigned long reads;
};

static void *read_on(void *argument)
{
    struct reading *reading = argument;
    view_reader_register();
    while (!atomic_load(&reading->stop)) {
        view_reader_online();
        const struct view *view = view_read(reading->slot);
        const struct zone *zone = find_zone(view, "a.test.");
        const struct steer_policy *policy = find_policy(view, zone, "www.a.test.");
        const struct steer_choice *choice =
            steer_cache_get(view->caches[0], policy, (struct steer_ask){.types = STEER_HAS_A}, view->table);
        assert_int_equal(choice->count, policy->member_count);
        view_reader_offline();
        atomic_fetch_add(&reading->reads, 1);
    }
    view_reader_unregister();
    return NULL;
}

/* Policies that nobody had before, one after the other, while somebody reads: what is met too early or freed
 * too early is for the sanitizers to find. */
static void readers_find_a_policy_for_every_zone(void **state)
{
    (void)state;
    enum { UPDATES = 200 };
    struct reading reading = {.slot = start()};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_on, &reading), 0);
    for (int i = 1; i <= UPDATES; i++) {
        char policy[160];
        snprintf(policy, sizeof policy,
                 "{\"names\": {\"www\": {\"endpoints\": [%s], \"pick\": \"all\", \"answers\": %d}}}",
                 i % 2 == 0 ? "\"one\"" : "\"one\", \"two\", \"three\"", 1 + i % 60);
        put("zones/a.test.json", policy);
        assert_int_equal(update(reading.slot, "a.test"), 0);
        unsigned long reads = atomic_load(&reading.reads);
        while (atomic_load(&reading.reads) < reads + 2) {
            sched_yield();
        }
    }
    atomic_store(&reading.stop, true);
    pthread_join(thread, NULL);
    assert_true(steer_set_count_added(view_current(reading.slot)->steer) >= 60);
    view_slot_free(reading.slot);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, folder_close)
    const struct CMUnitTest tests[] = {
        WITH(a_new_policy_extends_the_set),
        WITH(a_known_policy_keeps_the_set),
        WITH(names_may_go),
        WITH(a_plain_zone_leaves_the_view),
        WITH(what_is_broken_stays_as_it_was),
        WITH(readers_find_a_policy_for_every_zone),
    };
    return cmocka_run_group_tests_name("view_update", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of zones once built: names found, size, the table of zones. What makes records a zone is tested in
 * test_zone_check.c, what the rendered zone answers in test_answer.c. */
#include "config.h"

#include "unit.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "dns/name.h"
#include "zone/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "$TTL 300\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.1\n"

/* A zone that nothing is wrong with. */
static struct zone *build(const char *text)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    struct report *report = report_new();
    dns_name_parse("example.com.", NULL, apex);
    struct zone_builder *builder = zone_builder_new(apex, "z", report);
    zone_read_text("z", text, strlen(text), &(struct zone_reader_options){.origin = "example.com."},
                   &(struct zone_sink){.context = builder, .record = zone_builder_add}, report);
    struct zone *zone = zone_builder_finish(builder);
    assert_int_equal(report_count(report), 0);
    assert_non_null(zone);
    zone_builder_free(builder);
    report_free(report);
    return zone;
}

/* With AddressSanitizer nobody reads on from one piece of the blob into the next. */
static void pieces_of_the_blob_are_fenced(void **state)
{
    (void)state;
    struct zone *zone = build(HEAD "mail MX 10 ns\nns AAAA 2001:db8::1\n");
    const struct zone_node *node;
    for (size_t slot = 0; (node = zone_next_node(zone, &slot)) != NULL;) {
        const uint8_t *end = zone_node_name(node) + bytes_whole_words(node->name_len);
        assert_false(sanitizer_is_poisoned(end - 1));
        assert_int_equal(sanitizer_is_poisoned(end), SANITIZER_RED_ZONE != 0);
        for (unsigned i = 0; i < node->rrset_count; i++) {
            const struct zone_rrset *rrset = &node->rrsets[i];
            const uint8_t *block = zone->blob + rrset->block;
            assert_false(sanitizer_is_poisoned(block + rrset->len - 1));
            if ((rrset->flags & ZONE_RRSET_ADDITIONAL) == 0) {
                assert_int_equal(sanitizer_is_poisoned(block + rrset->len), SANITIZER_RED_ZONE != 0);
            }
        }
    }
    zone_release(zone);
}

static void steered_names_have_their_place(void **state)
{
    (void)state;
    uint8_t apex[DNS_NAME_MAX + 1], owner[DNS_NAME_MAX + 1];
    static const uint8_t address[4] = {192, 0, 2, 1};
    static const char text[] = HEAD "alias CNAME ns\nsub NS ns\n";
    static const char *const names[] = {"alias.example.com.", "x.sub.example.com.", "www.other.net."};
    dns_name_parse("example.com.", NULL, apex);
    for (size_t i = 0; i < 3; i++) {
        struct report *report = report_new();
        struct zone_builder *builder = zone_builder_new(apex, "z", report);
        zone_read_text("z", text, strlen(text), &(struct zone_reader_options){.origin = "example.com."},
                       &(struct zone_sink){.context = builder, .record = zone_builder_add}, report);
        dns_name_parse(names[i], NULL, owner);
        zone_builder_add_steered(
            builder,
            &(struct zone_steered_plan){
                .owner = owner, .type = DNS_TYPE_A, .rdata_len = 4, .member_count = 1, .rdata = address});
        assert_null(zone_builder_finish(builder));
        assert_int_equal(report_errors(report), 1);
        zone_builder_free(builder);
        report_free(report);
    }
}

/* Many names: each is found, nothing else is, and the zone stays small. */
static void large_zone(void **state)
{
    (void)state;
    enum { NAMES = 20000 };
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, HEAD);
    for (int i = 0; i < NAMES; i++) {
        buffer_print(&text, "h%07d A 10.%d.%d.%d\n", i, i >> 16, i >> 8 & 255, i & 255);
    }
    struct zone *zone = build(text.bytes);
    assert_int_equal(zone->name_count, NAMES + 2);
    for (int i = 0; i < NAMES + 10; i++) {
        char name[64];
        uint8_t wire[DNS_NAME_MAX + 1];
        struct dns_key key;
        snprintf(name, sizeof name, "H%07d.Example.com.", i);
        int len = dns_name_parse(name, NULL, wire);
        dns_key_fill(&key, wire, (size_t)len);
        uint32_t at = zone_find_node(zone, &key);
        struct zone_lookup found = zone_look_up(zone, &key, at);
        assert_int_equal(at != 0, i < NAMES);
        assert_int_equal(found.node != NULL, i < NAMES);
    }
    assert_true(zone_size(zone) < NAMES * (110 + 4 * SANITIZER_RED_ZONE)); /* two pieces each */
    zone_release(zone);
    buffer_fini(&text);
}

/* The closest encloser of names of any depth, deeper than the zone and of the most labels there can be. */
static void closest_encloser_is_found(void **state)
{
    (void)state;
    struct zone *zone = build(HEAD "*.a A 192.0.2.1\n"
                                   "b.long-enough-to-fill-a-block.c.d.a A 192.0.2.2\n*.d.a A 192.0.2.3\n");
    assert_int_equal(zone->depth, 5);
    static const struct {
        const char *name, *wildcard;
        bool exact;
    } asked[] = {
        {"", NULL, true},
        {"a.", NULL, true},
        {"d.a.", NULL, true},
        {"c.d.a.", NULL, true},
        {"b.long-enough-to-fill-a-block.c.d.a.", NULL, true},
        {"z.long-enough-to-fill-a-block.c.d.a.", NULL, false},
        {"b.Long-enough-to-fill-a-blocK.x.d.a.", "*.d.a", false},
        {"x.d.a.", "*.d.a", false},
        {"1.2.3.4.5.6.7.8.9.a.", "*.a", false},
        {"d.b.", NULL, false},
        {"1.2.3.4.5.6.7.8.9.b.", NULL, false},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        char name[DNS_NAME_TEXT_SIZE];
        uint8_t wire[DNS_NAME_MAX + 1], star[DNS_NAME_MAX + 1];
        struct dns_key key;
        snprintf(name, sizeof name, "%sexample.com.", asked[i].name);
        dns_key_fill(&key, wire, (size_t)dns_name_parse(name, NULL, wire));
        uint32_t at = zone_find_node(zone, &key);
        struct zone_lookup found = zone_look_up(zone, &key, at);
        assert_int_equal(at != 0, asked[i].exact);
        assert_int_equal(found.node != NULL, asked[i].exact || asked[i].wildcard != NULL);
        if (asked[i].wildcard != NULL) {
            dns_name_parse(asked[i].wildcard, (const uint8_t *)"", star);
            assert_int_equal(found.node->name_len, dns_name_len(star, sizeof star) - 1);
            assert_memory_equal(zone_node_name(found.node), star, found.node->name_len);
        }
    }
    uint8_t deepest[DNS_NAME_MAX + 1];
    struct dns_key key;
    for (size_t i = 0; i < 240; i += 2) {
        deepest[i] = 1;
        deepest[i + 1] = 'a';
    }
    memcpy(deepest + 240, "\7example\3com", 13);
    assert_int_equal(dns_key_fill(&key, deepest, sizeof deepest), 253);
    uint32_t at = zone_find_node(zone, &key);
    struct zone_lookup found = zone_look_up(zone, &key, at);
    assert_int_equal(at, 0);
    assert_int_equal(found.node->name_len, 4);
    zone_release(zone);
}

static void longest_zone_wins(void **state)
{
    (void)state;
    struct zone_table *table = zone_table_new(1);
    static const char *const origins[] = {".", "com.", "example.com.", "sub.example.com.", "org."};
    uint8_t wire[DNS_NAME_MAX + 1];
    for (size_t i = 0; i < 5; i++) {
        dns_name_parse(origins[i], NULL, wire);
        assert_int_equal(zone_table_add(table, zone_new_failed(wire)), 0);
    }
    for (int i = 0; i < 500; i++) { /* makes the table grow */
        char name[32];
        snprintf(name, sizeof name, "z%d.net.", i);
        dns_name_parse(name, NULL, wire);
        assert_int_equal(zone_table_add(table, zone_new_failed(wire)), 0);
    }
    static const char *const asked[][2] = {{"a.b.sub.Example.com.", "sub.example.com."},
                                           {"sub.example.com.", "sub.example.com."},
                                           {"x.example.com.", "example.com."},
                                           {"ample.com.", "com."},
                                           {"net.", "."},
                                           {"q.z77.net.", "z77.net."},
                                           {".", "."}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct dns_key key;
        char text[DNS_NAME_TEXT_SIZE];
        int len = dns_name_parse(asked[i][0], NULL, wire);
        dns_key_fill(&key, wire, (size_t)len);
        assert_string_equal(dns_name_write(zone_table_find(table, &key, 0)->apex, text), asked[i][1]);
    }
    dns_name_parse("example.com.", NULL, wire);
    struct zone *again = zone_new_failed(wire);
    assert_true(zone_table_add(table, again) != 0);
    zone_release(again);
    zone_table_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_the_blob_are_fenced),
        cmocka_unit_test(steered_names_have_their_place),
        cmocka_unit_test(large_zone),
        cmocka_unit_test(closest_encloser_is_found),
        cmocka_unit_test(longest_zone_wins),
    };
    return cmocka_run_group_tests_name("zone_builder", tests, NULL, NULL);
}

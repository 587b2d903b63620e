/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of zone/differ.c: two versions of a zone, RRset by RRset, with names in rdata that point to the apex,
 * to the owner and to each other. */
#include "config.h"

#include "unit.h"

#include "dns/name.h"
#include "zone/builder.h"
#include "zone/differ.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct zone *build(const char *text)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    struct report *report = report_new();
    dns_name_parse("example.com.", NULL, apex);
    struct zone_builder *builder = zone_builder_new(apex, "z", report);
    zone_read_text("z", text, strlen(text), &(struct zone_reader_options){.origin = "example.com."},
                   &(struct zone_sink){.context = builder, .record = zone_builder_add}, report);
    struct zone *zone = zone_builder_finish(builder);
    report_write(report, stderr);
    assert_int_equal(report_errors(report), 0);
    zone_builder_free(builder);
    report_free(report);
    return zone;
}

static struct zone_at find(const struct zone *zone, const char *owner, uint16_t type)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    struct dns_key key;
    int len = dns_name_parse(owner, NULL, wire);
    assert_true(len > 0);
    assert_int_not_equal(dns_key_fill(&key, wire, (size_t)len), 0);
    uint32_t at = zone_find_node(zone, &key);
    assert_int_not_equal(at, 0);
    struct zone_at found = {.zone = zone, .node = zone_get_node(zone, at)};
    found.rrset = zone_find_rrset(found.node, type);
    assert_non_null(found.rrset);
    return found;
}

#define SOA(serial, rest) "$TTL 300\n@ SOA ns host " serial " " rest "\n@ NS ns\n"
#define HEAD              SOA("1", "1 1 1 60")

static void expect(const char *before, const char *after, const char *owner, uint16_t type,
                   enum zone_difference expected)
{
    struct zone *a = build(before), *b = build(after);
    const struct zone_at left = find(a, owner, type), right = find(b, owner, type);
    assert_int_equal(zone_compare_rrsets(&left, &right), expected);
    assert_int_equal(zone_compare_rrsets(&right, &left), expected);
    zone_release(a);
    zone_release(b);
}

static void expect_www(const char *before, const char *after, uint16_t type, enum zone_difference expected)
{
    char texts[2][512];
    snprintf(texts[0], sizeof texts[0], HEAD "%s", before);
    snprintf(texts[1], sizeof texts[1], "$TTL 300\nother A 192.0.2.7\n" HEAD "%s", after);
    expect(texts[0], texts[1], "www.example.com.", type, expected);
}

static void records_and_ttls(void **state)
{
    (void)state;
    expect_www("www A 192.0.2.1\n", "www A 192.0.2.1\n", DNS_TYPE_A, ZONE_SAME);
    expect_www("www A 192.0.2.1\n", "www 60 A 192.0.2.1\n", DNS_TYPE_A, ZONE_OTHER_TTL);
    expect_www("www A 192.0.2.1\n", "www A 192.0.2.2\n", DNS_TYPE_A, ZONE_OTHER_DATA);
    expect_www("www A 192.0.2.1\n", "www 60 A 192.0.2.2\n", DNS_TYPE_A, ZONE_OTHER_DATA);
    expect_www("www A 192.0.2.1\nwww A 192.0.2.2\n", "www A 192.0.2.1\n", DNS_TYPE_A, ZONE_OTHER_DATA);
    expect_www("www TXT ab c\n", "www TXT a bc\n", DNS_TYPE_TXT, ZONE_OTHER_DATA);
    expect_www("www TXT ab\n", "www TXT abc\n", DNS_TYPE_TXT, ZONE_OTHER_DATA);
}

static void order_means_nothing(void **state)
{
    (void)state;
    expect_www("www A 192.0.2.1\nwww A 192.0.2.2\n", "www A 192.0.2.2\nwww A 192.0.2.1\n", DNS_TYPE_A,
               ZONE_SAME);
    expect_www("www A 192.0.2.1\nwww A 192.0.2.2\n", "www 5 A 192.0.2.2\nwww 5 A 192.0.2.1\n", DNS_TYPE_A,
               ZONE_OTHER_TTL);
    expect_www("www MX 10 a\nwww MX 20 b\n", "www MX 20 b\nwww MX 10 a\n", DNS_TYPE_MX, ZONE_SAME);
    expect_www("www MX 10 a\nwww MX 20 b\n", "www MX 10 b\nwww MX 20 a\n", DNS_TYPE_MX, ZONE_OTHER_DATA);
}

/* Names outside the zone point to each other, and names below the owner to it. */
static void linked_names(void **state)
{
    (void)state;
    static const char mail[] =
        "www MX 10 a.mail.example.net.\nwww MX 20 b.mail.example.net.\nwww MX 30 x.www\n";
    expect_www(mail, "www MX 30 x.www\nwww MX 20 b.mail.example.net.\nwww MX 10 a.mail.example.net.\n",
               DNS_TYPE_MX, ZONE_SAME);
    expect_www(mail, "www MX 30 x.www\nwww MX 10 b.mail.example.net.\nwww MX 20 a.mail.example.net.\n",
               DNS_TYPE_MX, ZONE_OTHER_DATA);
    expect_www(mail, "www MX 10 a.mail.example.net.\nwww MX 20 b.mail.example.org.\nwww MX 30 x.www\n",
               DNS_TYPE_MX, ZONE_OTHER_DATA);
}

static void serials_do_not_count(void **state)
{
    (void)state;
    expect(HEAD, SOA("2", "1 1 1 60"), "example.com.", DNS_TYPE_SOA, ZONE_SAME);
    expect(HEAD, SOA("2", "1 1 1 61"), "example.com.", DNS_TYPE_SOA, ZONE_OTHER_DATA);
    expect(HEAD, SOA("1", "2 1 1 60"), "example.com.", DNS_TYPE_SOA, ZONE_OTHER_DATA);
    expect(HEAD, "$TTL 30\n@ SOA ns host 7 1 1 1 60\n@ 300 NS ns\n", "example.com.", DNS_TYPE_SOA,
           ZONE_OTHER_TTL);
    expect(HEAD, "$TTL 300\n@ SOA ns2 host 1 1 1 1 60\n@ NS ns\n", "example.com.", DNS_TYPE_SOA,
           ZONE_OTHER_DATA);
    expect(HEAD, "$TTL 300\n@ SOA ns hosts 1 1 1 1 60\n@ NS ns\n", "example.com.", DNS_TYPE_SOA,
           ZONE_OTHER_DATA);
}

/* ---- names side by side ---- */

/* Few tags, as if many hashes met, and names of one tag in any order. */
static void crowd(struct zone *zone, unsigned tags)
{
    uint32_t nodes[32], count = 0;
    const struct zone_node *node;
    for (size_t slot = 0; (node = zone_next_node(zone, &slot)) != NULL;) {
        nodes[count++] = (uint32_t)((const uint8_t *)node - zone->blob);
    }
    free(zone->slots);
    zone->slots = NULL;
    zone->slot_room = 0;
    zone_init_slots(zone, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct zone_node *found = zone_get_node(zone, nodes[i]);
        uint64_t last = found->name_len < 2 ? 0 : zone_node_name(found)[found->name_len - 1];
        zone_add_slot(zone, last % tags << 33, nodes[i]);
    }
}

static void expect_pairs(const char *before, const char *after, unsigned tags, const char *expected)
{
    struct zone *a = build(before), *b = build(after);
    crowd(a, tags);
    crowd(b, tags);
    struct zone_pairs pairs = {.zone = {a, b}};
    const struct zone_node *node[2];
    unsigned seen[3] = {0, 0, 0};
    while (zone_next_pair(&pairs, node)) {
        assert_true(node[0] == NULL || node[1] == NULL ||
                    (node[0]->name_len == node[1]->name_len &&
                     memcmp(zone_node_name(node[0]), zone_node_name(node[1]), node[0]->name_len) == 0));
        seen[node[0] == NULL ? 2 : node[1] == NULL ? 1 : 0]++;
    }
    char text[64];
    snprintf(text, sizeof text, "%u both, %u before, %u after", seen[0], seen[1], seen[2]);
    assert_string_equal(text, expected);
    zone_release(a);
    zone_release(b);
}

static void names_find_each_other(void **state)
{
    (void)state;
    static const char left[] =
        HEAD "ns A 192.0.2.1\na A 192.0.2.1\nb A 192.0.2.1\nc A 192.0.2.1\nd A 192.0.2.1\n";
    static const char right[] =
        HEAD "f A 192.0.2.1\nd A 192.0.2.1\nc A 192.0.2.1\nns A 192.0.2.1\nb A 192.0.2.1\ne A 192.0.2.1\n";
    for (unsigned tags = 1; tags < 256; tags++) {
        expect_pairs(left, right, tags, "5 both, 1 before, 2 after");
        expect_pairs(right, left, tags, "5 both, 2 before, 1 after");
        expect_pairs(left, left, tags, "6 both, 0 before, 0 after");
        expect_pairs(HEAD "ns A 192.0.2.1\n", left, tags, "2 both, 0 before, 4 after");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_and_ttls),      cmocka_unit_test(order_means_nothing),
        cmocka_unit_test(linked_names),          cmocka_unit_test(serials_do_not_count),
        cmocka_unit_test(names_find_each_other),
    };
    return cmocka_run_group_tests_name("zone_differ", tests, NULL, NULL);
}

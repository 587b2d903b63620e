/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of zone/walk.c and zone/writer.c: a loaded zone comes back as the records that were put in, in order,
 * and each written record reads back as it was. */
#include "config.h"

#include "unit.h"

#include "base/buffer.h"
#include "dns/name.h"
#include "zone/builder.h"
#include "zone/walk.h"
#include "zone/writer.h"

#include <stdio.h>
#include <string.h>

#define HEAD "$TTL 300\n@ SOA ns host 1 1 1 1 60\n@ NS ns\n"

static struct zone *build_at(const char *origin, const char *text, const struct zone_steered_plan *plan)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    struct report *report = report_new();
    dns_name_parse(origin, NULL, apex);
    struct zone_builder *builder = zone_builder_new(apex, "z", report);
    zone_read_text("z", text, strlen(text), &(struct zone_reader_options){.origin = origin},
                   &(struct zone_sink){.context = builder, .record = zone_builder_add}, report);
    if (plan != NULL) {
        zone_builder_add_steered(builder, plan);
    }
    struct zone *zone = zone_builder_finish(builder);
    report_write(report, stderr);
    assert_int_equal(report_errors(report), 0);
    zone_builder_free(builder);
    report_free(report);
    return zone;
}

static int write_record(void *context, const struct zone_record *record)
{
    zone_write_record(context, record);
    return 0;
}

static int write_steered(void *context, const uint8_t *owner, const struct zone_rrset *rrset)
{
    char name[DNS_NAME_TEXT_SIZE];
    buffer_print(context, "; %s %u %u\n", dns_name_write(owner, name), rrset->type, rrset->count);
    return 0;
}

static void write_zone(const struct zone *zone, struct buffer *text)
{
    buffer_init(text);
    const struct zone_visitor visitor = {.context = text, .record = write_record, .steered = write_steered};
    assert_int_equal(zone_walk(zone, &visitor), 0);
}

static void expect_at(const char *origin, const char *text, const char *expected)
{
    struct zone *zone = build_at(origin, text, NULL);
    struct buffer got, again;
    write_zone(zone, &got);
    assert_string_equal(got.bytes, expected);
    zone_release(zone);
    zone = build_at(origin, got.bytes, NULL); /* what was written is a zone, and the same */
    write_zone(zone, &again);
    assert_string_equal(again.bytes, expected);
    zone_release(zone);
    buffer_fini(&got);
    buffer_fini(&again);
}

#define APEX                                                                                                 \
    "example.com. 300 IN SOA ns.example.com. host.example.com. 1 1 1 1 60\n"                                 \
    "example.com. 300 IN NS ns.example.com.\n"

static void records_come_back(void **state)
{
    (void)state;
    expect_at("example.com.", HEAD "ns A 192.0.2.1\n", APEX "ns.example.com. 300 IN A 192.0.2.1\n");
    expect_at(
        "example.com.",
        HEAD "ns 60 AAAA 2001:db8::1\nns A 192.0.2.2\nns A 192.0.2.1\nNS A 192.0.2.2\n@ MX 1 Mail\n@ MX 2 .\n"
             "mail A 192.0.2.3\nx CNAME example.com.\nx2 CNAME com.\n",
        APEX "example.com. 300 IN MX 1 Mail.example.com.\n"
             "example.com. 300 IN MX 2 .\n"
             "mail.example.com. 300 IN A 192.0.2.3\n"
             "ns.example.com. 300 IN A 192.0.2.2\n"
             "ns.example.com. 300 IN A 192.0.2.1\n"
             "ns.example.com. 60 IN AAAA 2001:db8::1\n"
             "x.example.com. 300 IN CNAME example.com.\n"
             "x2.example.com. 300 IN CNAME com.\n");
}

/* Names that were compressed against the owner, its suffixes, and each other. */
static void compressed_names_come_back(void **state)
{
    (void)state;
    expect_at("example.com.",
              HEAD "ns A 192.0.2.1\n@ MX 1 a.mail.example.net.\n@ MX 2 b.mail.example.net.\n"
                   "@ MX 3 mail.example.net.\n@ MX 4 c.b.Mail.example.net.\n"
                   "host.rack.site MX 1 host.rack.site\nhost.rack.site MX 2 x.rack.site\n"
                   "host.rack.site MX 3 x.site\nhost.rack.site MX 4 y.x.site\nhost.rack.site MX 5 com.\n"
                   "*.wild MX 1 *.wild\n*.wild MX 2 x.wild\n",
              APEX "example.com. 300 IN MX 1 a.mail.example.net.\n"
                   "example.com. 300 IN MX 2 b.mail.example.net.\n"
                   "example.com. 300 IN MX 3 mail.example.net.\n"
                   "example.com. 300 IN MX 4 c.b.mail.example.net.\n"
                   "ns.example.com. 300 IN A 192.0.2.1\n"
                   "host.rack.site.example.com. 300 IN MX 1 host.rack.site.example.com.\n"
                   "host.rack.site.example.com. 300 IN MX 2 x.rack.site.example.com.\n"
                   "host.rack.site.example.com. 300 IN MX 3 x.site.example.com.\n"
                   "host.rack.site.example.com. 300 IN MX 4 y.x.site.example.com.\n"
                   "host.rack.site.example.com. 300 IN MX 5 com.\n"
                   "*.wild.example.com. 300 IN MX 1 *.wild.example.com.\n"
                   "*.wild.example.com. 300 IN MX 2 x.wild.example.com.\n");
}

static void hidden_records_come_back(void **state)
{
    (void)state;
    expect_at("example.com.", HEAD "ns A 192.0.2.1\nsub NS a.sub\na.sub A 192.0.2.2\nd DNAME ns\n",
              APEX "d.example.com. 300 IN DNAME ns.example.com.\n"
                   "ns.example.com. 300 IN A 192.0.2.1\n"
                   "sub.example.com. 300 IN NS a.sub.example.com.\n"
                   "a.sub.example.com. 300 IN A 192.0.2.2\n");
}

/* RFC 4034 section 6.1, with its example. */
static void owners_are_in_canonical_order(void **state)
{
    (void)state;
    expect_at("example.",
              "$TTL 1\n@ SOA . . 1 1 1 1 1\n@ NS x.\n"
              "a TXT 1\nyljkjljk.a TXT 2\nZ.a TXT 3\nzABC.a TXT 4\nz TXT 5\n\\001.z TXT 6\n*.z TXT 7\n"
              "\\200.z TXT 8\n\\000.z TXT 9\n\\000\\000.z TXT 10\n\\001\\000.z TXT 11\nz\\000 TXT 12\n",
              "example. 1 IN SOA . . 1 1 1 1 1\nexample. 1 IN NS x.\n"
              "a.example. 1 IN TXT \"1\"\nyljkjljk.a.example. 1 IN TXT \"2\"\nz.a.example. 1 IN TXT \"3\"\n"
              "zabc.a.example. 1 IN TXT \"4\"\nz.example. 1 IN TXT \"5\"\n\\000.z.example. 1 IN TXT \"9\"\n"
              "\\000\\000.z.example. 1 IN TXT \"10\"\n\\001.z.example. 1 IN TXT \"6\"\n"
              "\\001\\000.z.example. 1 IN TXT \"11\"\n*.z.example. 1 IN TXT \"7\"\n\\200.z.example. 1 IN TXT "
              "\"8\"\n"
              "z\\000.example. 1 IN TXT \"12\"\n");
}

static void odd_rdata_comes_back(void **state)
{
    (void)state;
    expect_at("example.com.",
              HEAD
              "ns A 192.0.2.1\nt TXT \"a;b\" \"q\\\"\\\\ \\000\\255\"\nl LOC 1 2 3.123 N 4 5 6.789 E -1.23m\n"
              "u TYPE65534 \\# 3 00ff10\nv TYPE65534 \\# 0\nx 0 A \\# 4 c0000201\n"
              "h HTTPS 1 . alpn=h2 port=8443\ns SVCB 1 . alpn=a\\\\,b\nw WKS 192.0.2.1 TCP 25\nc CAA 0 issue "
              "\"a b\"\n",
              APEX "c.example.com. 300 IN CAA 0 issue \"a b\"\n"
                   "h.example.com. 300 IN HTTPS 1 . alpn=h2 port=8443\n"
                   "l.example.com. 300 IN LOC 01 02 3.123 N 04 05 6.789 E -1.23m 1m 10000m 10m\n"
                   "ns.example.com. 300 IN A 192.0.2.1\n"
                   "s.example.com. 300 IN SVCB \\# 11 0001000001000403612c62\n"
                   "t.example.com. 300 IN TXT \"a;b\" \"q\\\"\\\\ \\000\\255\"\n"
                   "u.example.com. 300 IN TYPE65534 \\# 3 00ff10\n"
                   "v.example.com. 300 IN TYPE65534 \\# 0\n"
                   "w.example.com. 300 IN TYPE11 \\# 9 c00002010600000040\n"
                   "x.example.com. 0 IN A 192.0.2.1\n");
}

static void the_root_is_a_zone_too(void **state)
{
    (void)state;
    expect_at(".", "$TTL 300\n@ SOA ns. host. 1 1 1 1 60\n@ NS ns.\nns. A 192.0.2.1\n",
              ". 300 IN SOA ns. host. 1 1 1 1 60\n. 300 IN NS ns.\nns. 300 IN A 192.0.2.1\n");
}

static void steered_sets_are_shown(void **state)
{
    (void)state;
    uint8_t owner[DNS_NAME_MAX + 1];
    dns_name_parse("www.example.com.", NULL, owner);
    struct zone *zone = build_at("example.com.", HEAD "ns A 192.0.2.1\nwww A 192.0.2.2\n",
                                 &(struct zone_steered_plan){.owner = owner,
                                                             .type = DNS_TYPE_A,
                                                             .rdata_len = 4,
                                                             .member_count = 2,
                                                             .rdata = (const uint8_t[8]){192, 0, 2, 3}});
    struct buffer got;
    write_zone(zone, &got);
    assert_string_equal(got.bytes, APEX "ns.example.com. 300 IN A 192.0.2.1\n"
                                        "; www.example.com. 1 2\nwww.example.com. 300 IN A 192.0.2.2\n");
    buffer_fini(&got);
    zone_release(zone);
}

static int stop(void *context, const struct zone_record *record)
{
    (void)record;
    return ++*(int *)context == 2 ? 77 : 0;
}

static void a_visitor_may_stop(void **state)
{
    (void)state;
    int count = 0;
    struct zone *zone = build_at("example.com.", HEAD "ns A 192.0.2.1\n", NULL);
    assert_int_equal(zone_walk(zone, &(struct zone_visitor){.context = &count, .record = stop}), 77);
    assert_int_equal(count, 2);
    zone_release(zone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back),        cmocka_unit_test(compressed_names_come_back),
        cmocka_unit_test(hidden_records_come_back), cmocka_unit_test(owners_are_in_canonical_order),
        cmocka_unit_test(odd_rdata_comes_back),     cmocka_unit_test(the_root_is_a_zone_too),
        cmocka_unit_test(steered_sets_are_shown),   cmocka_unit_test(a_visitor_may_stop),
    };
    return cmocka_run_group_tests_name("zone_walk", tests, NULL, NULL);
}

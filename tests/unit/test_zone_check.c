/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what makes records a zone: each check of zone/check.c and zone/check_target.c, with line and
 * column, and zones beside it that are fine. */
#include "config.h"

#include "unit.h"

#include "dns/name.h"
#include "zone/builder.h"

#include <stdio.h>
#include <string.h>

#define HEAD                                                                                                 \
    "$TTL 300\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.1\n" /* the records under test: line 5 */

static void expect_at(const char *origin, const char *text, bool usable, const char *complaints)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    char got[8192] = "";
    struct report *report = report_new();
    dns_name_parse(origin, NULL, apex);
    struct zone_builder *builder = zone_builder_new(apex, "z", report);
    zone_read_text("z", text, strlen(text), &(struct zone_reader_options){.origin = origin},
                   &(struct zone_sink){.context = builder, .record = zone_builder_add}, report);
    struct zone *zone = zone_builder_finish(builder);
    for (size_t i = 0; i < report_count(report); i++) {
        char line[1024];
        size_t used = strlen(got);
        report_write_item(report_get(report, i), line, sizeof line);
        snprintf(got + used, sizeof got - used, "%s%s", used != 0 ? "\n" : "", line);
    }
    assert_string_equal(got, complaints);
    assert_int_equal(zone != NULL, usable);
    zone_release(zone);
    zone_builder_free(builder);
    report_free(report);
}

/* What is behind HEAD: fine, served with warnings, refused. */
#define GOOD(text)             expect_at("example.com.", HEAD text, true, "")
#define WARNED(text, warnings) expect_at("example.com.", HEAD text, true, warnings)
#define REFUSED(text, errors)  expect_at("example.com.", HEAD text, false, errors)

static void good_zones_are_quiet(void **state)
{
    (void)state;
    GOOD("");
    GOOD("*.x CNAME ns\nsub NS ns.sub\nns.sub A 192.0.2.2\n");
    expect_at(".", "$TTL 300\n@ SOA ns host 1 1 1 1 60\n@ NS ns.\nns A 192.0.2.1\nx MX 0 .\ny SRV 0 0 0 .\n",
              true, "");
}

static void cname_is_alone(void **state)
{
    (void)state;
    REFUSED("a CNAME ns\na A 192.0.2.1\n",
            "z:5:1: error: a.example.com. has a CNAME and other data (A); a CNAME has to be alone");
    REFUSED("a CNAME ns\na DNAME b\n",
            "z:5:1: error: a.example.com. has a CNAME and other data (DNAME); a CNAME has to be alone");
    REFUSED("@ CNAME ns\n",
            "z:5:1: error: example.com. has a CNAME and other data (NS); a CNAME has to be alone");
    REFUSED("a CNAME ns\na CNAME b\n",
            "z:6:1: error: a.example.com. has more than one CNAME; remove all but one");
    GOOD("a CNAME ns\na RRSIG CNAME 8 3 300 20300101000000 20200101000000 1 @ AAAA\na NSEC b CNAME RRSIG\n");
    WARNED("a CNAME ns\na CNAME NS\n", "z:6:1: warning: duplicate CNAME record of a.example.com. ignored");
}

static void owners_are_in_the_zone(void **state)
{
    (void)state;
    REFUSED("other.net. A 192.0.2.1\n",
            "z:5:1: error: the owner other.net. is outside the zone example.com.");
    REFUSED("com. A 192.0.2.1\n", "z:5:1: error: the owner com. is outside the zone example.com.");
    REFUSED("xexample.com. A 192.0.2.1\n",
            "z:5:1: error: the owner xexample.com. is outside the zone example.com.");
    GOOD("A.EXAMPLE.COM. A 192.0.2.1\n");
}

static void one_soa_at_the_apex(void **state)
{
    (void)state;
    REFUSED("x SOA ns host 1 1 1 1 1\n", "z:5:1: error: a SOA below the apex of the zone");
    REFUSED("@ SOA ns host 2 1 1 1 1\n", "z:5:1: error: a second SOA; a zone has exactly one");
    WARNED("@ SOA ns host 1 1 1 1 60\n", "z:5:1: warning: duplicate SOA record of example.com. ignored");
    expect_at("example.com.", "$TTL 300\n@ NS ns\nns A 192.0.2.1\n", false,
              "z: error: the zone example.com. has no SOA record");
}

static void apex_has_name_servers(void **state)
{
    (void)state;
    expect_at(
        "example.com.", "$TTL 300\n\n @ SOA ns host 1 1 1 1 60\n", false,
        "z:3:2: error: there is no owner name yet that this line could inherit; expected a name or @ in "
        "the first column\n"
        "z: error: the zone example.com. has no SOA record\n"
        "z: error: the zone example.com. has no NS records at its apex");
    expect_at("example.com.", "$TTL 300\n\n@ SOA ns host 1 1 1 1 60\nx NS ns.other.\n", false,
              "z:3:1: error: the zone example.com. has no NS records at its apex");
}

static void duplicates_are_ignored(void **state)
{
    (void)state;
    WARNED("a A 192.0.2.1\na A 192.0.2.1\n", "z:6:1: warning: duplicate A record of a.example.com. ignored");
    WARNED("a A 192.0.2.1\nA 60 A 192.0.2.1\n",
           "z:6:1: warning: duplicate A record of a.example.com. ignored");
    WARNED("a MX 1 NS\na MX 1 ns\n", "z:6:1: warning: duplicate MX record of a.example.com. ignored");
    WARNED("a SRV 1 2 3 NS\na SRV 1 2 3 ns\n",
           "z:6:1: warning: duplicate SRV record of a.example.com. ignored");
    GOOD("a TXT NS\na TXT ns\na MX 1 ns\na MX 2 ns\na SRV 65 2 3 ns\na SRV 97 2 3 ns\n");
}

static void an_rrset_has_one_ttl(void **state)
{
    (void)state;
    WARNED("a 60 A 192.0.2.1\na 30 A 192.0.2.2\n",
           "z:6:1: warning: the TTLs of the A records of a.example.com. differ (60 and 30); the lower one is "
           "used");
    GOOD("a 60 A 192.0.2.1\na 30 AAAA 2001:db8::1\n");
}

static void name_servers_have_addresses(void **state)
{
    (void)state;
    WARNED("@ NS gone\n",
           "z:5:1: warning: the name server gone.example.com. has no address (A or AAAA) in this zone");
    WARNED("@ NS al\nal CNAME ns\n",
           "z:5:1: warning: the name server al.example.com. is a CNAME (RFC 2181 section 10.3)");
    WARNED("@ NS h.d\nd DNAME other.\n",
           "z:5:1: warning: the name server h.d.example.com. lies below the DNAME d.example.com.");
    WARNED("@ NS 192.0.2.3\n",
           "z:5:1: warning: the name server 192.0.2.3.example.com. looks like an address; expected the name "
           "of a host");
    GOOD("@ NS h.w\n*.w A 192.0.2.2\n@ NS ns.other.\n@ NS ns6\nns6 AAAA 2001:db8::1\n");
    WARNED("@ NS h.w\n*.w A 192.0.2.2\nx.w TXT x\n@ NS y.x.w\n",
           "z:8:1: warning: the name server y.x.w.example.com. has no address (A or AAAA) in this zone");
}

static void delegations_have_glue(void **state)
{
    (void)state;
    WARNED(
        "sub NS ns.sub\n",
        "z:5:1: warning: the name server ns.sub.example.com. lies within the zone sub.example.com. that it "
        "serves; expected an address (A or AAAA) of it here, as glue");
    WARNED("sub NS sub\n",
           "z:5:1: warning: the name server sub.example.com. lies within the zone sub.example.com. that it "
           "serves; expected an address (A or AAAA) of it here, as glue");
    GOOD("sub NS sub\nsub A 192.0.2.3\n");
    /* of another delegation's zone: glue helps, but is not needed */
    GOOD("sub NS ns.sub2\nsub2 NS ns\n");
}

static void mail_servers_have_addresses(void **state)
{
    (void)state;
    WARNED("@ MX 1 gone\n",
           "z:5:1: warning: the mail server gone.example.com. has no address (A or AAAA) in this zone");
    WARNED("@ MX 1 al\nal CNAME ns\n",
           "z:5:1: warning: the mail server al.example.com. is a CNAME (RFC 2181 section 10.3)");
    WARNED("@ MX 1 192.0.2.3\n",
           "z:5:1: warning: the mail server 192.0.2.3.example.com. looks like an address; expected the name "
           "of a host");
    GOOD("@ MX 1 ns\n@ MX 2 mail.other.\nx MX 0 .\n@ MX 3 m.sub\nsub NS ns\n");
}

static void services_have_addresses(void **state)
{
    (void)state;
    WARNED("_s._tcp SRV 0 0 5 gone\n",
           "z:5:1: warning: the SRV target gone.example.com. has no address (A or AAAA) in this zone");
    WARNED("_s._tcp SRV 0 0 5 al\nal CNAME ns\n",
           "z:5:1: warning: the SRV target al.example.com. is a CNAME (RFC 2181 section 10.3)");
    WARNED("_s._tcp SRV 0 0 5 x.d\nd DNAME other.\n",
           "z:5:1: warning: the SRV target x.d.example.com. lies below the DNAME d.example.com.");
    GOOD("_s._tcp SRV 0 0 5 ns\n_t._tcp SRV 0 0 0 .\n");
}

static void dname_redirects_all(void **state)
{
    (void)state;
    REFUSED("d DNAME a.\nd DNAME b.\n", "z:6:1: error: a second DNAME; a name has at most one");
    REFUSED("d DNAME a.\nx.y.d A 192.0.2.2\n",
            "z:6:1: error: x.y.d.example.com. stands below the DNAME d.example.com. and could never be "
            "answered; expected nothing there (RFC 6672 section 2.4)");
    REFUSED("d DNAME a.\nd NS b.\n",
            "z:5:1: error: d.example.com. has a DNAME and NS records; only the apex may have both (RFC 6672 "
            "section 2.3)");
    GOOD("d DNAME a.\nd A 192.0.2.2\nd TXT x\nxd A 192.0.2.3\n");
    expect_at("example.com.", "$TTL 300\n@ SOA ns.x. host.x. 1 1 1 1 60\n@ NS ns.x.\n@ DNAME other.\n", true,
              "");
}

static void wildcards_are_leaves(void **state)
{
    (void)state;
    REFUSED("*.x NS ns\n",
            "z:5:1: error: NS records at the wildcard *.x.example.com.: what that means is not defined (RFC "
            "4592 section 4.2); expected the names to be delegated one by one");
    WARNED("* DNAME a.\n",
           "z:5:1: warning: a DNAME at the wildcard *.example.com.: servers and resolvers do not agree on "
           "what that means (RFC 4592 section 4.4)");
    REFUSED("* SOA ns host 1 1 1 1 1\n", "z:5:1: error: a SOA below the apex of the zone");
    WARNED("a.*.x A 192.0.2.2\n",
           "z:5:1: warning: an asterisk inside of a.*.x.example.com.; it is a wildcard as the first label "
           "only (RFC 4592 section 2.1.1)");
    WARNED("*.* A 192.0.2.2\n",
           "z:5:1: warning: an asterisk inside of *.*.example.com.; it is a wildcard as the first label only "
           "(RFC 4592 section 2.1.1)");
    GOOD("* A 192.0.2.2\n**.x A 192.0.2.2\na*.x A 192.0.2.2\n*.y CNAME ns\n");
}

static void ds_is_at_delegations(void **state)
{
    (void)state;
    WARNED("@ DS 1 8 1 0123456789012345678901234567890123456789\n",
           "z:5:1: warning: DS records at the apex; they belong into the parent zone (RFC 4035 section 2.4)");
    WARNED("x DS 1 8 1 0123456789012345678901234567890123456789\n",
           "z:5:1: warning: DS records without NS records beside them (RFC 4035 section 2.4)");
    GOOD("x DS 1 8 1 0123456789012345678901234567890123456789\nx NS ns\n");
}

static void delegations_hide_the_rest(void **state)
{
    (void)state;
    WARNED("sub NS ns\nt.sub TXT x\nt.sub MX 1 ns\n",
           "z:6:1: warning: the TXT record of t.sub.example.com. is never answered: sub.example.com. is "
           "delegated (further ones of this name are not listed)");
    WARNED("sub NS ns\nsub TXT x\n",
           "z:6:1: warning: the TXT record of sub.example.com. is never answered: sub.example.com. is "
           "delegated (further ones of this name are not listed)");
    GOOD("sub NS ns\nsub A 192.0.2.2\nt.sub AAAA 2001:db8::1\nsub NSEC t NS NSEC\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_zones_are_quiet),      cmocka_unit_test(cname_is_alone),
        cmocka_unit_test(owners_are_in_the_zone),    cmocka_unit_test(one_soa_at_the_apex),
        cmocka_unit_test(apex_has_name_servers),     cmocka_unit_test(duplicates_are_ignored),
        cmocka_unit_test(an_rrset_has_one_ttl),      cmocka_unit_test(name_servers_have_addresses),
        cmocka_unit_test(delegations_have_glue),     cmocka_unit_test(mail_servers_have_addresses),
        cmocka_unit_test(services_have_addresses),   cmocka_unit_test(dname_redirects_all),
        cmocka_unit_test(wildcards_are_leaves),      cmocka_unit_test(ds_is_at_delegations),
        cmocka_unit_test(delegations_hide_the_rest),
    };
    return cmocka_run_group_tests_name("zone_check", tests, NULL, NULL);
}

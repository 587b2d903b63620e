/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the master-file reader: rdata of the types against octets that were worked out by hand, taken from
 * RFCs or written by dnspython. */
#include "config.h"

#include "unit.h"
#include "zone_reader_fixture.h"

#include "base/buffer.h"
#include "dns/types.h"

#include <stdio.h>
#include <string.h>

struct rdata {
    const char *text, *wire;
};

/* Each with the origin example.com. */
static const struct rdata rdatas[] = {
    {"A 192.0.2.1", "c0000201"},
    {"A 255.255.255.255", "ffffffff"},
    {"AAAA 2001:db8::1", "20010db8000000000000000000000001"},
    {"AAAA ::ffff:192.0.2.1", "00000000000000000000ffffc0000201"},
    {"NS ns", "026e73076578616d706c6503636f6d00"},
    {"NS ns.example.net.", "026e73076578616d706c65036e657400"},
    {"CNAME @", "076578616d706c6503636f6d00"},
    {"PTR .", "00"},
    {"DNAME a\\.b", "03612e62076578616d706c6503636f6d00"},
    {"SOA ns host 1 2h 30m 1w 5m", "026e73076578616d706c6503636f6d0004686f7374076578616d706c6503636f6d0000000"
                                   "00100001c200000070800093a800000012c"},
    {"SOA ns host 4294967295 4294967295 0 1 2", "026e73076578616d706c6503636f6d0004686f7374076578616d706c6503"
                                                "636f6d00ffffffffffffffff000000000000000100000002"},
    {"MX 10 mail", "000a046d61696c076578616d706c6503636f6d00"},
    {"TXT a \"b c\" \"\"", "01610362206300"},
    {"SRV 1 2 65535 target", "00010002ffff06746172676574076578616d706c6503636f6d00"},
    {"HINFO \"PC\" Linux", "025043054c696e7578"},
    {"RP mbox txt", "046d626f78076578616d706c6503636f6d0003747874076578616d706c6503636f6d00"},
    {"AFSDB 1 host", "000104686f7374076578616d706c6503636f6d00"},
    {"X25 311061700956", "0c333131303631373030393536"},
    {"ISDN 150862028003217 004", "0f31353038363230323830303332313703303034"},
    {"ISDN 150862028003217", "0f313530383632303238303033323137"},
    {"RT 10 host", "000a04686f7374076578616d706c6503636f6d00"},
    {"NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00", "47000580005a0000000001e133ffffff00016100"},
    {"PX 10 a b", "000a0161076578616d706c6503636f6d000162076578616d706c6503636f6d00"},
    {"GPOS -32.6882 116.8652 10.0", "082d33322e36383832083131362e383635320431302e30"},
    {"LOC 52 14 05 N 00 08 50 E 10m", "001216138b3556c88008165000989a68"},
    {"LOC 42 21 54 N 71 06 18 W -24m 30m", "0033161389172dd070be15f000988d20"},
    {"LOC 42 21 43.952 N 71 5 6.344 W -24.25m 1m 200m 0.5m", "001224518917069070bf2dd800988d07"},
    {"LOC 90 S 180 W 0m", "001216136cb0270059604e0000989680"},
    {"NAPTR 100 50 \"s\" \"z3950+I2L\" \"\" _z3950._tcp",
     "006400320173097a333935302b49324c00065f7a33393530045f746370076578616d706c6503636f6d00"},
    {"KX 10 host", "000a04686f7374076578616d706c6503636f6d00"},
    {"CERT PKIX 1 RSASHA256 AQID", "0001000108010203"},
    {"CERT 65534 1 5 AQIDBA==", "fffe00010501020304"},
    {"APL 1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32",
     "00011503c0a82000011c83c0a8260002200420010db8"},
    {"APL 1:0.0.0.0/0", "00010000"},
    {"DS 60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"DS 60485 RSASHA1 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"SSHFP 2 1 123456789abcdef67890123456789abcdef67890", "0201123456789abcdef67890123456789abcdef67890"},
    {"IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0102c0000226010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801"},
    {"IPSECKEY 10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0002010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801"},
    {"IPSECKEY 10 3 2 mygateway AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0302096d7967617465776179076578616d706c6503636f6d00010351537986ed35533b6064478eeeb27b5bd74dae149b6e81b"
     "a3a0521af82ab7801"},
    {"IPSECKEY 10 2 2 2001:db8::1 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a020220010db8000000000000000000000001010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7"
     "801"},
    {"RRSIG A 5 3 1d 20030322173103 20030220173103 2642 example.com. "
     "oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMe",
     "00010503000151803e7c9dd73e5510d70a52076578616d706c6503636f6d00a090755ba58d1affa576f4375831b4310920e4812"
     "18d18a9f164eb3d81afd3b875d3c75428631e"},
    {"RRSIG TYPE65534 13 0 0 1048354263 0 65535 . AAAA", "fffe0d00000000003e7c9dd700000000ffff00000000"},
    {"NSEC host A MX RRSIG NSEC TYPE1234", "04686f7374076578616d706c6503636f6d000006400100000003041b000000000"
                                           "000000000000000000000000000000000000000000020"},
    {"NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
     "0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006400000000002"},
    {"NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s",
     "01000000001417f3df17b2b2adaef615257de4d2020b80ac6c7c"},
    {"NSEC3PARAM 1 0 12 aabbccdd", "0100000c04aabbccdd"},
    {"NSEC3PARAM 1 0 0 -", "0100000000"},
    {"DNSKEY 257 3 RSASHA256 AwEA AaNk Uw==", "0101030803010001a36453"},
    {"DNSKEY 256 3 13 AwEAAaNkUw==", "0100030d03010001a36453"},
    {"DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
     "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40"},
    {"TLSA 3 1 1 0123456789abcdef 0123", "0301010123456789abcdef0123"},
    {"SMIMEA 3 0 0 0011", "0300000011"},
    {"HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc rvs1 rvs2.example.net.",
     "1002000c200100107b1a74df365639cc39f1d57803010001b771ca136e4aeb5c0472767331076578616d706c6503636f6d00047"
     "2767332076578616d706c65036e657400"},
    {"HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc",
     "1002000c200100107b1a74df365639cc39f1d57803010001b771ca136e4aeb5c"},
    {"CDS 0 0 0 00", "0000000000"},
    {"CDNSKEY 0 3 0 AA==", "0000030000"},
    {"OPENPGPKEY AQIDBA==", "01020304"},
    {"CSYNC 66 3 A NS AAAA", "000000420003000460000008"},
    {"ZONEMD 2018031500 1 1 "
     "FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE",
     "7848b78c0101febe3d4ce2ec2ffa4ba99d46cd69d6d29711e55217057bee7eb1a7b641a47ba7fed2dd5b97ae499fafa4f22c6bd"
     "647de"},
    {"SPF \"v=spf1 -all\"", "0b763d73706631202d616c6c"},
    {"NID 10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"},
    {"L32 10 10.1.2.0", "000a0a010200"},
    {"L64 10 2001:0DB8:1140:1000", "000a20010db811401000"},
    {"LP 10 host", "000a04686f7374076578616d706c6503636f6d00"},
    {"EUI48 00-00-5e-00-53-2a", "00005e00532a"},
    {"EUI64 00-00-5e-ef-10-00-00-2a", "00005eef1000002a"},
    {"URI 10 1 \"ftp://ftp1.example.com/public\"",
     "000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963"},
    {"CAA 0 issue \"ca.example.net; policy=ev\"",
     "0005697373756563612e6578616d706c652e6e65743b20706f6c6963793d6576"},
    {"CAA 128 tbs Unknown", "8003746273556e6b6e6f776e"},
    {"DLV 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"TYPE731 \\# 6 abcd (ef01) 23 45", "abcdef012345"},
    {"TYPE62347 \\# 0", ""},
    {"TYPE1 \\# 4 0A000001", "0a000001"},
    {"MX \\# 5 000a 0161 00", "000a016100"},
    {"SVCB 0 foo.example.org.", "000003666f6f076578616d706c65036f726700"},
    {"SVCB 16 foo.example.org. port=53", "001003666f6f076578616d706c65036f726700000300020035"},
    {"SVCB 1 foo.example.org. key667=hello", "000103666f6f076578616d706c65036f726700029b000568656c6c6f"},
    {"SVCB 1 foo.example.org. key667=\"hello\\210qoo\"",
     "000103666f6f076578616d706c65036f726700029b000968656c6c6fd2716f6f"},
    {"SVCB 1 foo.example.org. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
     "000103666f6f076578616d706c65036f7267000006002020010db800000000000000000000000120010db800000000000000000"
     "0530001"},
    {"SVCB 1 example.com. ipv6hint=\"2001:db8:ffff:ffff:ffff:ffff:198.51.100.100\"",
     "0001076578616d706c6503636f6d000006001020010db8ffffffffffffffffc6336464"},
    {"SVCB 16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
     "001003666f6f076578616d706c65036f7267000000000400010004000100090268320568332d313900040004c0000201"},
    {"SVCB 16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
     "001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c626172026832"},
    {"SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
     "001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c626172026832"},
    {"SVCB 1 . alpn=dot key7=\"/dns-query{?dns}\"",
     "0001000001000403646f74000700102f646e732d71756572797b3f646e737d"},
    {"HTTPS 1 . alpn=h2 no-default-alpn ech=AEn+DQ== key65000",
     "0001000001000302683200020000000500040049fe0dfde80000"},
    {"HTTPS 1 @ key1=\\002h2 key3=\\001\\187 key2",
     "0001076578616d706c6503636f6d0000010003026832000200000003000201bb"},
    {"TLSA PKIX-TA Cert Full 01", "00000001"},
    {"WKS 192.0.2.1 TCP 25 80 0", "c0000201068000004000000000000080"},
    {"WKS 192.0.2.1 17", "c000020111"},
};

static void rdata_is_written(void **state)
{
    (void)state;
    struct buffer text, expected;
    for (size_t i = 0; i < sizeof rdatas / sizeof *rdatas; i++) {
        char type[16];
        buffer_init(&text);
        buffer_init(&expected);
        size_t type_len = strcspn(rdatas[i].text, " ");
        uint16_t number;
        snprintf(type, sizeof type, "%.*s", (int)type_len, rdatas[i].text);
        if (dns_parse_type(type, &number) != 0) {
            number = 0; /* a type that only ldns knows */
        }
        struct outcome outcome;
        buffer_print(&text, "a 5 %s\n", rdatas[i].text);
        outcome_read(&outcome, text.bytes);
        if (outcome.code != 0) {
            fail_msg("%s: %s", rdatas[i].text, report_get(outcome.report, 0)->message);
        }
        const char *wire = strrchr(outcome.records.bytes, ' ') + 1;
        buffer_print(&expected, "%s\n", rdatas[i].wire);
        if (strcmp(wire, expected.bytes) != 0) {
            fail_msg("%s: %s", rdatas[i].text, wire);
        }
        if (number != 0) {
            expected.len = 0;
            buffer_print(&expected, "a.example.com. 5 %s %s\n", dns_write_type(number, type), rdatas[i].wire);
            assert_string_equal(outcome.records.bytes, expected.bytes);
        }
        outcome_end(&outcome);
        buffer_fini(&text);
        buffer_fini(&expected);
    }
}

/* What was written from the type's own form is taken in the form of RFC 3597, and one octet less or more is
 * not where the type's form can tell. */
static void rdata_is_read_as_octets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rdatas / sizeof *rdatas; i++) {
        struct buffer text;
        struct outcome outcome;
        size_t type_len = strcspn(rdatas[i].text, " "), octets = strlen(rdatas[i].wire) / 2;
        buffer_init(&text);
        buffer_print(&text, "a 5 %.*s \\# %zu %s\n", (int)type_len, rdatas[i].text, octets, rdatas[i].wire);
        outcome_read(&outcome, text.bytes);
        if (outcome.code != 0) {
            fail_msg("%s: %s", text.bytes, report_get(outcome.report, 0)->message);
        }
        buffer_fini(&text);
        outcome_end(&outcome);
    }
}

/* Rdata of the record "a 5 ...": columns count from there. */
static const struct bad rdata_errors[] = {
    {"A 192.0.2", 1, 7, "not an IPv4 address", 0},
    {"A 192.0.2.256", 1, 7, "not an IPv4 address", 0},
    {"A 192.0.2.01", 1, 7, "not an IPv4 address", 0},
    {"A 192.0.2.1.", 1, 7, "not an IPv4 address", 0},
    {"A 192.0..1", 1, 7, "not an IPv4 address", 0},
    {"A +1.0.2.1", 1, 7, "not an IPv4 address", 0},
    {"A 1922.0.2.1", 1, 7, "not an IPv4 address", 0},
    {"A \"192.0.2.1\"", 1, 7, "not an IPv4 address", 0},
    {"A 2001:db8::1", 1, 7, "not an IPv4 address", 0},
    {"AAAA 192.0.2.1", 1, 10, "not an IPv6 address", 0},
    {"AAAA 2001:db8:::1", 1, 10, "not an IPv6 address", 0},
    {"AAAA 2001:db8::1%lo", 1, 10, "not an IPv6 address", 0},
    {"NS", 1, 7, "where a name is expected", 0},
    {"NS a b", 1, 10, "after the end of the rdata of type NS", 0},
    {"NS \"a\"", 1, 8, "in quotes", 0},
    {"CNAME a..b", 1, 11, "empty label", 0},
    {"SOA a b 1 2 3 4", 1, 20, "where the minimum TTL is expected", 0},
    {"SOA a b 1h 2 3 4 5", 1, 13, "where a serial is expected", 0},
    {"SOA a b 4294967296 2 3 4 5", 1, 13, "from 0 to 4294967295", 0},
    {"SOA a b -1 2 3 4 5", 1, 13, "where a serial is expected", 0},
    {"SOA a b 1 2 x 4 5", 1, 17, "where the retry interval is expected", 0},
    {"MX mail 10", 1, 8, "where a preference is expected", 0},
    {"MX 65536 mail", 1, 8, "from 0 to 65535", 0},
    {"SRV 1 2 3", 1, 14, "where the name of a target is expected", 0},
    {"SRV 1 2 http a", 1, 13, "where a port is expected", 0},
    {"TXT", 1, 8, "where a text is expected", 0},
    {"TXT \\256", 1, 9, "broken escape", 0},
    {"TXT \"\\12\"", 1, 9, "broken escape", 0},
    {"TXT a=\"b\"", 1, 9, "quotes inside of", 0},
    {"HINFO PC", 1, 13, "where a text is expected", 0},
    {"CAA 256 issue x", 1, 9, "from 0 to 255", 0},
    {"CAA 0 is-sue x", 1, 11, "is not a value", 0},
    {"CAA 0 issue", 1, 16, "where a text is expected", 0},
    {"CAA 0 issue x y", 1, 19, "after the end", 0},
    {"DS 1 2 3 abc", 1, 14, "odd number", 0},
    {"DS 1 2 3 xy", 1, 14, "not hexadecimal", 0},
    {"DS 1 FOO 3 ab", 1, 10, "is not a value", 0},
    {"DS 1 300 3 ab", 1, 10, "from 0 to 255", 0},
    {"DS 1 2 3", 1, 13, "where hexadecimal digits is expected", 0},
    {"DNSKEY 256 3 13 AwEA*", 1, 21, "not base64", 0},
    {"DNSKEY 256 3 13 AwE", 1, 21, "the end of base64", 0},
    {"DNSKEY 256 3 13 AwF=", 1, 21, "the end of base64", 0},
    {"DNSKEY 256 3 13 A===", 1, 21, "not base64", 0},
    {"DNSKEY 256 3 13 AA== AA==", 1, 26, "not base64", 0},
    {"DNSKEY 256 3 13", 1, 20, "where base64 is expected", 0},
    {"NSEC a FOO", 1, 12, "not a type", 0},
    {"NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3w", 1, 19, "not base32hex", 0},
    {"NSEC3 1 0 0 - 2vp", 1, 19, "not base32hex", 0},
    {"NSEC3PARAM 1 0 0 abc", 1, 22, "odd number", 0},
    {"RRSIG A 5 3 5 20031322173103 1 1 . AAAA", 1, 19, "not a time", 0},
    {"RRSIG A 5 3 5 20030230000000 1 1 . AAAA", 1, 19, "not a time", 0},
    {"RRSIG A 5 3 5 2003 x 1 . AAAA", 1, 24, "not a time", 0},
    {"LOC 91 N 0 E 0", 1, 9, "part of a latitude", 0},
    {"LOC 52 60 N 0 E 0", 1, 12, "part of a latitude", 0},
    {"LOC 90 0 0.001 N 0 E 0", 1, 14, "within the range", 0},
    {"LOC 52 N 181 E 0", 1, 14, "part of a longitude", 0},
    {"LOC 52 N 0 E", 1, 17, "where an altitude is expected", 0},
    {"LOC 52 N 0 E -100000.01m", 1, 18, "not an altitude", 0},
    {"LOC 52 N 0 E 0 x", 1, 20, "not a size", 0},
    {"LOC 52 14 05 06 N 0 E 0", 1, 18, "part of a latitude", 0},
    {"APL 3:192.0.2.0/24", 1, 9, "not a prefix", 0},
    {"APL 1:192.0.2.0/33", 1, 9, "not a prefix", 0},
    {"APL 1:2001:db8::/32", 1, 9, "not a prefix", 0},
    {"APL 1:192.0.2.0", 1, 9, "not a prefix", 0},
    {"WKS 192.0.2.1 foo 25", 1, 19, "not a protocol", 0},
    {"WKS 192.0.2.1 TCP nosuchservice", 1, 23, "not a service", 0},
    {"WKS 192.0.2.1 TCP 65536", 1, 23, "not a service", 0},
    {"NSAP 47", 1, 10, "not an NSAP", 0},
    {"NSAP 0x4", 1, 10, "not an NSAP", 0},
    {"IPSECKEY 1 4 2 . AAAA", 1, 16, "not a gateway type", 0},
    {"IPSECKEY 1 0 2 a AAAA", 1, 20, "a dot", 0},
    {"IPSECKEY 1 1 2 a AAAA", 1, 20, "not an IPv4 address", 0},
    {"HIP 2 00", 1, 13, "where base64 is expected", 0},
    {"EUI48 00-00-5e-00-53", 1, 11, "not an EUI-48", 0},
    {"EUI48 00-00-5e-00-53-2", 1, 11, "not an EUI-48", 0},
    {"EUI48 00-00-5e-00-53-2g", 1, 11, "not an EUI-48", 0},
    {"EUI48 00:00:5e:00:53:2a", 1, 11, "not an EUI-48", 0},
    {"EUI64 00-00-5e-00-53-2a", 1, 11, "not an EUI-64", 0},
    {"DS 1 8 1 abab", 1, 14, "has 2 octets; expected 20 for a digest of type 1", 0},
    {"CDS 1 8 2 abab", 1, 15, "expected 32", 0},
    {"DLV 1 8 4 ab ab", 1, 18, "expected 48", 0},
    {"DS \\# 5 0001080100", 1, 13, "expected 20", 0},
    {"SSHFP 1 1 abab", 1, 15, "expected 20", 0},
    {"SSHFP 1 2 abab", 1, 15, "expected 32", 0},
    {"ZONEMD 1 1 1 abab", 1, 18, "expected 48", 0},
    {"ZONEMD 1 1 2 abab", 1, 18, "expected 64", 0},
    {"NSEC3 1 0 0 aabb 00 A", 1, 25, "has 1 octets; expected 20", 0},
    {"NID 10 0014:4fff:ff20", 1, 12, "is not a value", 0},
    {"NULL abc", 1, 10, "expected \\#", 0},
    {"TYPE731 abc", 1, 13, "type TYPE731; expected \\#", 0},
    {"TYPE731", 1, 12, "where rdata is expected", 0},
    {"TYPE731 \\#", 1, 15, "where the length", 0},
    {"TYPE731 \\# x", 1, 16, "where the length", 0},
    {"TYPE731 \\# 65536 00", 1, 16, "where the length", 0},
    {"TYPE731 \\# 2 00", 1, 16, "length is 2, but 1 octets follow", 0},
    {"TYPE731 \\# 0 00", 1, 16, "length is 0, but 1 octets follow", 0},
    {"TYPE731 \\# 1 0", 1, 18, "odd number", 0},
    {"A \\# 3 000000", 1, 7, "not rdata of type A", 0},
    {"A \\# 5 0000000000", 1, 7, "not rdata of type A", 0},
    {"A \\# 0", 1, 7, "not rdata of type A", 0},
    {"NS \\# 3 016100ff", 1, 11, "octets follow", 0},
    {"NS \\# 2 c000", 1, 8, "not rdata of type NS", 0}, /* a compressed name */
    {"MX \\# 3 000a01", 1, 8, "not rdata of type MX", 0},
    {"TXT \\# 2 0261", 1, 9, "not rdata of type TXT", 0},
    {"SOA \\# 2 0000", 1, 9, "not rdata of type SOA", 0},
    {"HTTPS \\# 7 00010000030001", 1, 11, "not rdata", 0},
    {"HTTPS \\# 15 00010000030002003500030002 0035", 1, 11, "not rdata", 0},
    {"SVCB x .", 1, 10, "a number", 0},
    {"SVCB 1 . foo=1", 1, 14, "not a parameter", 0},
    {"SVCB 1 . key065=1", 1, 14, "not a parameter", 0},
    {"SVCB 1 . key65535=1", 1, 14, "not a parameter", 0},
    {"SVCB 1 . \"alpn=h2\"", 1, 14, "not a parameter", 0},
    {"SVCB 1 . port=65536", 1, 19, "a port", 0},
    {"SVCB 1 . port", 1, 14, "= and a value", 0},
    {"SVCB 1 . port=", 1, 19, "a port", 0},
    {"SVCB 1 . port=1 port=2", 1, 21, "each key once", 0},
    {"SVCB 1 . alpn=", 1, 19, "protocol names", 0},
    {"SVCB 1 . alpn=h2,,h3", 1, 19, "protocol names", 0},
    {"SVCB 1 . alpn=h2, port=1", 1, 19, "protocol names", 0},
    {"SVCB 1 . alpn=\"h2\"x\"\"", 1, 24, "quote inside a word", 0},
    {"SVCB 1 . alpn=h2\\\\x", 1, 19, "before a comma or a backslash", 0},
    {"SVCB 1 . no-default-alpn", 1, 14, "alpn as well", 0},
    {"SVCB 1 . alpn=h2 no-default-alpn=1", 1, 22, "no value", 0},
    {"SVCB 1 . ipv4hint=192.0.2.1,x", 1, 33, "IPv4 addresses", 0},
    {"SVCB 1 . ipv4hint=", 1, 23, "IPv4 addresses", 0},
    {"SVCB 1 . ipv6hint=192.0.2.1", 1, 23, "IPv6 addresses", 0},
    {"SVCB 1 . ech=*", 1, 18, "not base64", 0},
    {"SVCB 1 . mandatory=port", 1, 14, "mandatory are there", 0},
    {"SVCB 1 . mandatory=mandatory", 1, 24, "mandatory may list", 0},
    {"SVCB 1 . mandatory=port,port port=1", 1, 24, "each key once", 0},
    {"SVCB 1 . key3=abc", 1, 14, "of the form", 0},
    {"SVCB 1 . key1=\\003h2", 1, 14, "of the form", 0},
    {"SVCB 1 . dohpath=", 1, 14, "of the form", 0},
};

static void rdata_errors_have_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rdata_errors / sizeof *rdata_errors; i++) {
        char text[256];
        snprintf(text, sizeof text, "a 5 %s\n", rdata_errors[i].text);
        outcome_assert_bad(&rdata_errors[i], text);
    }
}

/* These, too, are rdata of their types. */
static void empty_ends_are_read_as_octets(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"a 5 HTTPS \\# 3 000100\n", "a.example.com. 5 HTTPS 000100\n"},
        {"a 5 CSYNC \\# 6 000000010003\n", "a.example.com. 5 CSYNC 000000010003\n"},
        {"a 5 APL \\# 0\n", "a.example.com. 5 APL \n"},
        {"a 5 APL\n", "a.example.com. 5 APL \n"},
        {"a 5 NSEC .\n", "a.example.com. 5 NSEC 00\n"},
    };
    ASSERT_GOOD(cases);
}

static void alias_mode_with_parameters_is_a_warning(void **state)
{
    (void)state;
    struct outcome outcome;
    outcome_read(&outcome, "a 5 HTTPS 0 b port=1\n");
    assert_int_equal(outcome.code, 0);
    assert_int_equal(report_warnings(outcome.report), 1);
    outcome_assert_item(&outcome, 0, 1, 15, "alias mode");
    outcome_end(&outcome);
}

static void texts_have_a_limit(void **state)
{
    (void)state;
    char text[512], octets[257];
    memset(octets, 'x', 256);
    octets[256] = '\0';
    struct outcome outcome;
    snprintf(text, sizeof text, "a 5 TXT %.255s\n", octets);
    outcome_read(&outcome, text);
    assert_int_equal(outcome.count, 1);
    outcome_end(&outcome);
    snprintf(text, sizeof text, "a 5 TXT \"%s\"\n", octets);
    outcome_read(&outcome, text);
    outcome_assert_item(&outcome, 0, 1, 9, "longer than 255 octets");
    outcome_end(&outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rdata_is_written),
        cmocka_unit_test(rdata_is_read_as_octets),
        cmocka_unit_test(rdata_errors_have_places),
        cmocka_unit_test(empty_ends_are_read_as_octets),
        cmocka_unit_test(alias_mode_with_parameters_is_a_warning),
        cmocka_unit_test(texts_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of dns: names, types, prepared keys, queries. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/random.h"
#include "dns/name.h"
#include "dns/query.h"
#include "dns/types.h"

#include <stdlib.h>
#include <string.h>

static void names_round_trip(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } names[] = {
        {"www.example.com.", "www.example.com."},
        {".", "."},
        {"www", "www.example.com."},
        {"@", "example.com."},
        {"a\\.b.c.", "a\\.b.c."},
        {"\\000\\255.x.", "\\000\\255.x."},
        {"\\065bc.", "Abc."},
        {"*.app", "*.app.example.com."},
        {"a\\@\\$b.", "a\\@\\$b."},
    };
    uint8_t origin[255], wire[255];
    char text[DNS_NAME_TEXT_SIZE];
    assert_int_equal(dns_name_parse("example.com.", NULL, origin), 13);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int len = dns_name_parse(names[i].in, origin, wire);
        assert_true(len > 0);
        assert_int_equal(dns_name_len(wire, sizeof wire), len);
        assert_string_equal(dns_name_write(wire, text), names[i].out);
    }
}

static void bad_names_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "..", ".a", "a..b", "a\\", "a\\25", "a\\256.", "a\\2x5"};
    uint8_t wire[255];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(dns_name_parse(bad[i], NULL, wire), ERROR_SYNTAX);
    }
    char label[80];
    memset(label, 'a', 64);
    strcpy(label + 64, ".");
    assert_int_equal(dns_name_parse(label, NULL, wire), ERROR_TOO_LARGE);
    strcpy(label + 63, ".");
    assert_int_equal(dns_name_parse(label, NULL, wire), 65);
}

/* Exactly 255 octets fit, 256 do not. */
static void longest_name(void **state)
{
    (void)state;
    char text[512] = "";
    uint8_t wire[255], origin[255];
    for (int i = 0; i < 127; i++) {
        strcat(text, "a.");
    }
    assert_int_equal(dns_name_parse(text, NULL, wire), 255);
    assert_int_equal(dns_name_labels(wire), 127);
    strcat(text, "b.");
    assert_int_equal(dns_name_parse(text, NULL, wire), ERROR_TOO_LARGE);
    assert_int_equal(dns_name_parse("x.", NULL, origin), 3);
    text[2 * 126] = '\0';     /* 126 labels, final dot: 253 */
    text[2 * 126 - 1] = '\0'; /* relative: + "x." = 255 */
    assert_int_equal(dns_name_parse(text, origin, wire), 255);
    assert_int_equal(dns_name_parse("aa", wire, origin), ERROR_TOO_LARGE);
}

static void names_compare_without_case(void **state)
{
    (void)state;
    uint8_t a[255], b[255], c[255];
    dns_name_parse("WWW.Example.COM.", NULL, a);
    dns_name_parse("www.example.com.", NULL, b);
    dns_name_parse("ample.com.", NULL, c);
    assert_true(dns_name_equal(a, b));
    assert_false(dns_name_is_under(a, c));
    dns_name_parse("example.com.", NULL, c);
    assert_true(dns_name_is_under(a, c));
    assert_true(dns_name_is_under(a, b));
    assert_true(dns_name_is_under(a, (const uint8_t *)""));
    assert_false(dns_name_is_under(c, a));
}

static void types_have_mnemonics(void **state)
{
    (void)state;
    char text[DNS_TYPE_TEXT_SIZE];
    uint16_t type;
    assert_int_equal(dns_parse_type("aaaa", &type), 0);
    assert_int_equal(type, DNS_TYPE_AAAA);
    for (unsigned t = 0; t < 65536; t++) {
        assert_int_equal(dns_parse_type(dns_write_type((uint16_t)t, text), &type), 0);
        assert_int_equal(type, t);
    }
    static const char *const bad[] = {"", "TYPE", "TYPE65536", "TYPE-1", "TYPE1x", "NONSENSE", "TYPE000001"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(dns_parse_type(bad[i], &type), ERROR_SYNTAX);
    }
}

static uint8_t lower(unsigned c)
{
    return (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Every octet in every place of names of every length. */
static void lower_touches_letters_only(void **state)
{
    (void)state;
    uint8_t from[DNS_NAME_MAX], to[DNS_NAME_MAX + BYTES_BLOCK];
    for (size_t n = 1; n <= DNS_NAME_MAX; n++) {
        uint8_t *exact = malloc(n); /* so that sanitizers see one octet too many */
        for (unsigned c = 0; c < 256; c++) {
            for (size_t i = 0; i < n; i++) {
                from[i] = (uint8_t)(c + i);
            }
            memcpy(exact, from, n);
            dns_key_lower(to, exact, n);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(to[i], lower(from[i]));
            }
        }
        free(exact);
    }
}

/* The hash of a suffix is the hash of the name that it is, whatever stands in front, in whatever case. */
static void key_hashes_suffixes(void **state)
{
    (void)state;
    struct dns_key whole, part;
    uint8_t a[255], b[255];
    int a_len = dns_name_parse("Some-Long-Label-Here.mid.EXAMPLE.com.", NULL, a);
    int b_len = dns_name_parse("mid.example.COM.", NULL, b);
    assert_int_equal(dns_key_fill(&whole, a, (size_t)a_len), a_len);
    assert_int_equal(dns_key_fill(&part, b, (size_t)b_len), b_len);
    assert_int_equal(whole.labels, 4);
    for (unsigned i = 0; i <= part.labels; i++) {
        const uint8_t *a_at = whole.name + whole.at[i + 1], *b_at = part.name + part.at[i];
        for (size_t len = 0; len <= (size_t)(part.len - part.at[i]); len++) {
            assert_true(dns_key_hash(a_at, len) == dns_key_hash(b_at, len));
            assert_true(len == 0 || dns_key_hash(a_at, len) != dns_key_hash(a_at, len - 1));
        }
        assert_int_equal(whole.at[i + 1], part.at[i] + 21);
    }
    assert_memory_equal(part.name, "\3mid\7example\3com", 17);
}

static void key_refuses_what_is_no_name(void **state)
{
    (void)state;
    struct dns_key key;
    assert_int_equal(dns_key_fill(&key, (const uint8_t *)"\3www\300\14", 6), 0);
    assert_int_equal(dns_key_fill(&key, (const uint8_t *)"\3www", 4), 0);
    assert_int_equal(dns_key_fill(&key, (const uint8_t *)"\3www", 5), 5);
    assert_int_equal(dns_key_fill(&key, (const uint8_t *)"", 0), 0);
    assert_int_equal(dns_key_fill(&key, (const uint8_t *)"\100", 70), 0);
    uint8_t longest[300];
    for (int i = 0; i < 300; i += 2) {
        longest[i] = 1;
        longest[i + 1] = 'a';
    }
    longest[254] = 0;
    assert_int_equal(dns_key_fill(&key, longest, sizeof longest), 255);
    assert_int_equal(key.labels, 127);
    longest[254] = 1;
    longest[256] = 0;
    assert_int_equal(dns_key_fill(&key, longest, sizeof longest), 0);
}

/* ---- queries ---- */

#define HEADER(flags, ar) "\x12\x34" flags "\0\1\0\0\0\0\0" ar
#define QUESTION          "\3www\7example\3com\0\0\1\0\1"
#define PARSE(literal)    dns_query_parse(&query, (const uint8_t *)(literal), sizeof(literal) - 1)

static void plain_query(void **state)
{
    (void)state;
    struct dns_query query;
    assert_int_equal(PARSE(HEADER("\1\0", "\0") QUESTION), DNS_QUERY_OK);
    assert_int_equal(query.qtype, DNS_TYPE_A);
    assert_int_equal(query.qclass, DNS_CLASS_IN);
    assert_int_equal(query.question_end, 12 + 17 + 4);
    assert_false(query.has_edns);
    assert_int_equal(query.udp_size, 512);
}

static void edns_query(void **state)
{
    (void)state;
    struct dns_query query;
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\0\200\0\0\0"), DNS_QUERY_OK);
    assert_true(query.has_edns && query.dnssec_ok);
    assert_int_equal(query.udp_size, 1232);
    /* a size below 512 means 512 */
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION "\0\0\51\0\20\0\0\0\0\0\0"), DNS_QUERY_OK);
    assert_int_equal(query.udp_size, 512);
    /* version 1; whatever its options are */
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\1\0\0\0\1x"), DNS_QUERY_BADVERS);
    assert_true(query.has_edns);
    /* unknown option 65001 is ignored */
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\0\0\0\0\6\375\351\0\2ab"),
                     DNS_QUERY_OK);
    /* an option that says more than there is */
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\0\0\0\0\6\375\351\0\3ab"),
                     DNS_QUERY_FORMERR);
    /* OPT not at the root; two OPTs */
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION "\1x\0\0\51\4\320\0\0\0\0\0\0"), DNS_QUERY_FORMERR);
    assert_int_equal(
        PARSE(HEADER("\1\0", "\2") QUESTION "\0\0\51\4\320\0\0\0\0\0\0\0\0\51\4\320\0\0\0\0\0\0"),
        DNS_QUERY_FORMERR);
}

static void client_subnets(void **state)
{
    (void)state;
    struct dns_query query;
#define ECS(rdlen, option) HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\0\0\0\0" rdlen "\0\10" option
    assert_int_equal(PARSE(ECS("\13", "\0\7\0\1\30\0\xc0\0\2")), DNS_QUERY_OK);
    assert_true(query.has_ecs);
    assert_int_equal(query.ecs.source_len, 24);
    assert_int_equal(query.ecs.addr.family, ADDR_V4);
    assert_memory_equal(query.ecs.addr.bytes, "\xc0\0\2\0", 4);
    assert_int_equal(PARSE(ECS("\10", "\0\4\0\2\0\0")), DNS_QUERY_OK); /* source 0: do not look at me */
    assert_int_equal(PARSE(ECS("\13", "\0\7\0\1\27\0\xc0\0\2")), DNS_QUERY_OK);      /* /23 */
    assert_int_equal(PARSE(ECS("\13", "\0\7\0\1\27\0\xc0\0\3")), DNS_QUERY_FORMERR); /* bit behind /23 */
    assert_int_equal(PARSE(ECS("\13", "\0\7\0\1\30\1\xc0\0\2")), DNS_QUERY_FORMERR); /* scope in a query */
    assert_int_equal(PARSE(ECS("\13", "\0\7\0\3\30\0\xc0\0\2")), DNS_QUERY_FORMERR); /* family 3 */
    assert_int_equal(PARSE(ECS("\13", "\0\7\0\0\30\0\xc0\0\2")), DNS_QUERY_FORMERR); /* family 0 */
    assert_int_equal(PARSE(ECS("\10", "\0\4\0\3\0\0")), DNS_QUERY_FORMERR);
    assert_int_equal(PARSE(ECS("\10", "\0\4\0\0\0\0")), DNS_QUERY_OK); /* as dig +subnet=0 says it */
    assert_true(query.has_ecs && query.ecs.addr.family == ADDR_NONE);
    assert_int_equal(PARSE(ECS("\12", "\0\6\0\1\30\0\xc0\0")), DNS_QUERY_FORMERR);        /* an octet short */
    assert_int_equal(PARSE(ECS("\14", "\0\10\0\1\30\0\xc0\0\2\0")), DNS_QUERY_FORMERR);   /* one too many */
    assert_int_equal(PARSE(ECS("\15", "\0\11\0\1\41\0\xc0\0\2\0\0")), DNS_QUERY_FORMERR); /* /33 */
    assert_int_equal(PARSE(ECS("\7", "\0\3\0\1\0")), DNS_QUERY_FORMERR);
}

static void other_options(void **state)
{
    (void)state;
    struct dns_query query;
#define OPTION(rdlen, option) HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\0\0\0\0" rdlen option
    assert_int_equal(PARSE(OPTION("\4", "\0\3\0\0")), DNS_QUERY_OK);
    assert_int_equal(query.options, DNS_QUERY_NSID);
    assert_int_equal(PARSE(OPTION("\4", "\0\13\0\0")), DNS_QUERY_OK);
    assert_int_equal(query.options, DNS_QUERY_KEEPALIVE);
    assert_int_equal(PARSE(OPTION("\7", "\0\14\0\3\0\0\0")), DNS_QUERY_OK); /* padding */
    assert_int_equal(query.options, 0);
    /* two cookies: the first one counts */
    assert_int_equal(PARSE(OPTION("\30", "\0\12\0\10abcdefgh\0\12\0\10ABCDEFGH")), DNS_QUERY_OK);
    assert_int_equal(query.options, DNS_QUERY_COOKIE);
    assert_int_equal(query.cookie_len, 8);
    assert_memory_equal(query.cookie, "abcdefgh", 8);
}

static void cookies_have_lengths(void **state)
{
    (void)state;
    struct dns_query query;
    uint8_t bytes[128] = HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\0\0\0";
    size_t at = sizeof(HEADER("\1\0", "\1") QUESTION "\0\0\51\4\320\0\0\0\0") - 1;
    for (uint8_t len = 0; len <= 41; len++) {
        bool good = len == 8 || (len >= 16 && len <= 40);
        bytes[at + 1] = (uint8_t)(len + 4);
        bytes[at + 3] = DNS_OPTION_COOKIE;
        bytes[at + 5] = len;
        assert_int_equal(dns_query_parse(&query, bytes, at + 6 + len),
                         good ? DNS_QUERY_OK : DNS_QUERY_FORMERR);
        assert_int_equal(query.options, good ? DNS_QUERY_COOKIE : 0);
    }
}

static void bad_queries(void **state)
{
    (void)state;
    struct dns_query query;
    assert_int_equal(dns_query_parse(&query, (const uint8_t *)"", 0), DNS_QUERY_DROP);
    assert_int_equal(PARSE("\0\0\0\0\0\1\0\0\0\0\0"), DNS_QUERY_DROP);         /* 11 octets */
    assert_int_equal(PARSE(HEADER("\201\0", "\0") QUESTION), DNS_QUERY_DROP);  /* a reply */
    assert_int_equal(PARSE(HEADER("\40\0", "\0") QUESTION), DNS_QUERY_NOTIMP); /* NOTIFY */
    assert_int_equal(PARSE("\0\0\0\0\0\0\0\0\0\0\0\0"), DNS_QUERY_FORMERR);    /* no question */
    assert_int_equal(query.question_end, 0);
    assert_int_equal(PARSE("\0\0\0\0\0\2\0\0\0\0\0\0" QUESTION QUESTION), DNS_QUERY_FORMERR);
    assert_int_equal(PARSE(HEADER("\1\0", "\0") "\3www\300\14\0\1\0\1"), DNS_QUERY_FORMERR);
    assert_int_equal(PARSE(HEADER("\1\0", "\0") "\3www\0\0\1\0"), DNS_QUERY_FORMERR);
    assert_int_equal(PARSE(HEADER("\1\0", "\0") QUESTION "x"), DNS_QUERY_FORMERR); /* garbage behind */
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION), DNS_QUERY_FORMERR); /* promised record missing */
}

/* Records that nobody asked for are stepped over, if they can be read at all. */
static void owners_behind_the_question(void **state)
{
    (void)state;
    struct dns_query query;
#define BEHIND(owner) HEADER("\1\0", "\1") QUESTION owner "\0\1\0\1\0\0\0\0\0\0"
    assert_int_equal(PARSE(BEHIND("\0")), DNS_QUERY_OK);
    assert_int_equal(PARSE(BEHIND("\1a\0")), DNS_QUERY_OK);
    assert_int_equal(PARSE(BEHIND("\300\14")), DNS_QUERY_OK);
    assert_int_equal(PARSE(BEHIND("\1a\300\20")), DNS_QUERY_OK);
    assert_int_equal(PARSE(BEHIND("\300\41")), DNS_QUERY_FORMERR);    /* at itself */
    assert_int_equal(PARSE(BEHIND("\1a\300\41")), DNS_QUERY_FORMERR); /* at its own beginning */
    assert_int_equal(PARSE(BEHIND("\300\60")), DNS_QUERY_FORMERR);    /* forward */
    assert_int_equal(PARSE(BEHIND("\377\377")), DNS_QUERY_FORMERR);
    assert_int_equal(PARSE(BEHIND("\300\4")), DNS_QUERY_FORMERR);  /* into the header */
    assert_int_equal(PARSE(BEHIND("\300\15")), DNS_QUERY_FORMERR); /* "www" as a label type */
    assert_int_equal(PARSE(BEHIND("\100")), DNS_QUERY_FORMERR);    /* a label type that does not exist */
    assert_int_equal(PARSE(HEADER("\1\0", "\1") QUESTION "\300"), DNS_QUERY_FORMERR);
}

static void long_owners_behind_the_question(void **state)
{
    (void)state;
    struct dns_query query;
    uint8_t bytes[600] = HEADER("\1\0", "\1") QUESTION;
    size_t start = sizeof(HEADER("\1\0", "\1") QUESTION) - 1;
    for (size_t labels = 110; labels <= 130; labels++) { /* of one octet each, then the question's 17 */
        size_t at = start;
        for (size_t i = 0; i < labels; i++) {
            bytes[at++] = 1;
            bytes[at++] = 'a';
        }
        memcpy(bytes + at, "\300\14\0\1\0\1\0\0\0\0\0\0", 12);
        assert_int_equal(dns_query_parse(&query, bytes, at + 12),
                         labels * 2 + 17 <= 255 ? DNS_QUERY_OK : DNS_QUERY_FORMERR);
    }
}

static void without_a_question(void **state)
{
    (void)state;
    struct dns_query query;
#define ALONE(ar, opt) "\0\0\0\0\0\0\0\0\0\0\0" ar opt
    assert_int_equal(PARSE(ALONE("\1", "\0\0\51\4\320\0\0\0\0\0\14\0\12\0\10abcdefgh")),
                     DNS_QUERY_COOKIE_ONLY);
    assert_int_equal(query.question_end, 0);
    assert_true(query.has_edns && query.cookie_len == 8);
    assert_int_equal(PARSE(ALONE("\1", "\0\0\51\4\320\0\0\0\0\0\0")), DNS_QUERY_FORMERR);
    assert_true(query.has_edns);
    assert_int_equal(PARSE(ALONE("\1", "\0\0\51\4\320\0\1\0\0\0\0")), DNS_QUERY_BADVERS);
    assert_int_equal(PARSE(ALONE("\0", "\0\0\51\4\320\0\0\0\0\0\14\0\12\0\10abcdefgh")), DNS_QUERY_FORMERR);
}

static void edns_with_another_opcode(void **state)
{
    (void)state;
    struct dns_query query;
    assert_int_equal(PARSE(HEADER("\20\0", "\1") QUESTION "\0\0\51\4\320\0\0\0\0\0\0"), DNS_QUERY_NOTIMP);
    assert_true(query.has_edns);
    assert_int_equal(query.question_end, 33);
    assert_int_equal(PARSE(HEADER("\20\0", "\1") QUESTION "\0\0\51"), DNS_QUERY_NOTIMP);
    assert_false(query.has_edns);
}

/* Whatever comes, the parser returns, and what it says lies within the message. */
static void random_bytes(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7);
    uint8_t bytes[600];
    for (int round = 0; round < 200000; round++) {
        size_t len = random_below(&random, 80);
        for (size_t i = 0; i < len; i++) {
            bytes[i] = (uint8_t)random_below(&random, i < 12 ? 3 : 70);
        }
        struct dns_query query;
        enum dns_query_result result = dns_query_parse(&query, bytes, len);
        assert_true(query.question_end <= len);
        assert_true(result != DNS_QUERY_OK || query.question_end >= 17);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_round_trip),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(longest_name),
        cmocka_unit_test(names_compare_without_case),
        cmocka_unit_test(types_have_mnemonics),
        cmocka_unit_test(lower_touches_letters_only),
        cmocka_unit_test(key_hashes_suffixes),
        cmocka_unit_test(key_refuses_what_is_no_name),
        cmocka_unit_test(plain_query),
        cmocka_unit_test(edns_query),
        cmocka_unit_test(other_options),
        cmocka_unit_test(cookies_have_lengths),
        cmocka_unit_test(client_subnets),
        cmocka_unit_test(bad_queries),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(owners_behind_the_question),
        cmocka_unit_test(without_a_question),
        cmocka_unit_test(long_owners_behind_the_question),
        cmocka_unit_test(edns_with_another_opcode),
    };
    return cmocka_run_group_tests_name("dns", tests, NULL, NULL);
}

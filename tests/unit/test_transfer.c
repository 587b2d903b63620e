/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of transfers: what comes out of a stream of messages is what went into the zone, whatever the sizes
 * of records and messages; what is rendered; who may; and the signatures of it all. Messages are read back
 * with ldns. */
#include "config.h"

#include "transfer_fixture.h"

#include "unit.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/name.h"
#include "dns/types.h"
#include "zone/walk.h"
#include "zone/writer.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1559731985, EDNS_SIZE = 1232 };

static const char *const origins[] = {"example.com.", "child.example.com.", "."};
static const char main_zone[] =
    "$TTL 300\n"
    "@ SOA ns1 host 7 3600 600 86400 60\n"
    "@ NS ns1\n@ NS ns.other.net.\n@ MX 10 mail\n@ MX 20 mail.other.net.\n"
    "ns1 A 192.0.2.53\nmail A 192.0.2.25\nHost A 198.51.100.1\nhost A 198.51.100.2\nhost AAAA 2001:db8::1\n"
    "host TXT \"a text\"\na.b.ent A 198.51.100.2\nalias CNAME host\nout CNAME www.elsewhere.test.\n"
    "*.wild A 198.51.100.3\n*.wild TXT \"wild\"\n*.wc CNAME host\n"
    "sub NS ns.sub\nsub NS ns2.sub\nsub DS 1 8 2 "
    "AABBCCDDEEFF00112233445566778899AABBCCDDEEFF00112233445566778899\n"
    "ns.sub A 198.51.100.4\nns2.sub AAAA 2001:db8::2\nhidden.sub TXT \"occluded\"\n"
    "here DNAME there.example.org.\ninside DNAME host\nsrv SRV 1 2 3 host\nptr PTR host\n"
    "odd TYPE65534 \\# 3 010203\nwww A 203.0.113.9\nwww TXT \"beside\"\n";
static const char child_zone[] =
    "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.54\nhost A 198.51.100.9\n";
static const char root_zone[] =
    "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.55\nfar MX 1 ns.far\n";

static size_t fill_query(uint8_t query[512], const char *origin, uint16_t type, unsigned edns)
{
    return fixture_query(query, origin, type, 0x0000, edns);
}

/* ---- reading streams ---- */

struct stream {
    struct buffer text; /* lines of records, "." between messages */
    size_t messages, records;
    uint32_t serials[2]; /* of the first and the last record */
    uint8_t prior[TSIG_MAC_MAX];
};

/* What ldns makes of a message; checks its header. */
static void read_message(struct stream *stream, const uint8_t *bytes, size_t len, bool is_signed)
{
    ldns_pkt *packet = NULL;
    assert_int_equal(ldns_wire2pkt(&packet, bytes, len), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_id(packet), 0x1234);
    assert_int_equal(ldns_pkt_get_rcode(packet), LDNS_RCODE_NOERROR);
    assert_true(ldns_pkt_qr(packet) && ldns_pkt_aa(packet) && !ldns_pkt_tc(packet));
    assert_int_equal(ldns_pkt_qdcount(packet), 1);
    assert_int_equal(ldns_pkt_nscount(packet), 0);
    assert_true(ldns_pkt_ancount(packet) > 0);
    assert_int_equal(ldns_pkt_tsig(packet) != NULL, is_signed);
    for (size_t i = 0; i < ldns_pkt_ancount(packet); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(packet), i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA && ldns_rdf_size(ldns_rr_owner(rr)) <= 13) {
            stream->serials[stream->records != 0] = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
        }
        char *text = ldns_rr2str(rr);
        buffer_add_text(&stream->text, text);
        free(text);
        stream->records++;
    }
    stream->messages++;
    ldns_pkt_free(packet);
}

/* Ask for a zone, and read the stream to its end. */
static void fetch(struct transfer_fixture *t, const uint8_t *query, size_t len, bool is_signed,
                  struct stream *stream)
{
    static uint8_t out[TRANSFER_MESSAGE_MAX];
    struct transfer transfer = {.stage = TRANSFER_OVER};
    memset(stream, 0, sizeof *stream);
    buffer_init(&stream->text);
    size_t got =
        transfer_fixture_ask(t, &(struct transfer_ask){query, len, ANSWER_TCP, &transfer}, out, sizeof out);
    assert_true(transfer_is_held(&transfer));
    read_message(stream, out, got, is_signed);
    while (transfer_is_open(&transfer)) {
        struct transfer moved = transfer; /* it may be moved between messages */
        memset(&transfer, 0xaa, sizeof transfer);
        transfer = moved;
        memset(out, 0xee, sizeof out);
        got = transfer_write(&transfer, out, sizeof out, NOW);
        assert_true(got > 0);
        read_message(stream, out, got, is_signed);
    }
    transfer_fini(&transfer);
}

/* ---- comparing ---- */

struct expected {
    struct buffer text; /* as ldns writes records */
    size_t records;
};

static int expect_record(void *context, const struct zone_record *record)
{
    struct expected *expected = context;
    uint8_t wire[2 * DNS_NAME_MAX + 65535];
    size_t at = record->owner_len, read = 0;
    memcpy(wire, record->owner, at);
    const uint8_t fixed[10] = {(uint8_t)(record->type >> 8),
                               (uint8_t)record->type,
                               0,
                               1,
                               (uint8_t)(record->ttl >> 24),
                               (uint8_t)(record->ttl >> 16),
                               (uint8_t)(record->ttl >> 8),
                               (uint8_t)record->ttl,
                               (uint8_t)(record->rdata_len >> 8),
                               (uint8_t)record->rdata_len};
    memcpy(wire + at, fixed, sizeof fixed);
    memcpy(wire + at + 10, record->rdata, record->rdata_len);
    ldns_rr *rr = NULL;
    assert_int_equal(ldns_wire2rr(&rr, wire, at + 10 + record->rdata_len, &read, LDNS_SECTION_ANSWER),
                     LDNS_STATUS_OK);
    char *text = ldns_rr2str(rr);
    buffer_add_text(&expected->text, text);
    expected->records++;
    free(text);
    ldns_rr_free(rr);
    return 0;
}

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The lines of a text, sorted; owned. The text is cut up. */
static const char **sort_lines(char *text, size_t count)
{
    const char **lines = memory_alloc_array(count, sizeof(char *));
    char *rest = text;
    for (size_t i = 0; i < count; i++) {
        lines[i] = strsep(&rest, "\n");
        assert_non_null(rest);
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    return lines;
}

/* The stream holds what the zone does, but for a second SOA. */
static void expect_zone(struct transfer_fixture *t, const char *origin, struct stream *stream)
{
    uint8_t apex[DNS_NAME_MAX];
    struct expected expected = {.records = 0};
    buffer_init(&expected.text);
    assert_true(dns_name_parse(origin, NULL, apex) > 0);
    const struct zone *zone = zone_table_get(t->f.view.zones, apex);
    assert_int_equal(zone_walk(zone, &(struct zone_visitor){.context = &expected, .record = expect_record}),
                     0);
    size_t first = (size_t)(strchr(expected.text.bytes, '\n') - expected.text.bytes) + 1;
    assert_true(strncmp(expected.text.bytes, stream->text.bytes, first) == 0); /* the SOA comes first */
    char *soa = memory_copy_text(expected.text.bytes);
    soa[first] = '\0';
    buffer_add_text(&expected.text, soa);
    expected.records++;
    assert_string_equal(stream->text.bytes + stream->text.len - first, soa); /* and last */
    assert_int_equal(stream->records, expected.records);
    const char **left = sort_lines(stream->text.bytes, stream->records),
               **right = sort_lines(expected.text.bytes, expected.records);
    for (size_t i = 0; i < expected.records; i++) {
        assert_string_equal(left[i], right[i]);
    }
    free(left);
    free(right);
    free(soa);
    buffer_fini(&expected.text);
}

static void fetch_and_expect(struct transfer_fixture *t, const char *origin, unsigned edns)
{
    uint8_t query[512];
    struct stream stream;
    size_t len = fill_query(query, origin, DNS_TYPE_AXFR, edns);
    fetch(t, query, len, false, &stream);
    expect_zone(t, origin, &stream);
    buffer_fini(&stream.text);
}

/* ---- content ---- */

static void every_record_comes(void **state)
{
    (void)state;
    struct transfer_fixture t;
    const char *texts[] = {main_zone, child_zone, root_zone};
    transfer_fixture_init(&t, origins, texts, 3);
    for (size_t i = 0; i < 3; i++) {
        fetch_and_expect(&t, origins[i], 0);
        fetch_and_expect(&t, origins[i], EDNS_SIZE);
    }
    transfer_fixture_fini(&t);
}

/* Records of every kind of length around the sizes at which messages end. */
static void messages_end_anywhere(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7);
    for (int round = 0; round < 40; round++) {
        struct buffer text;
        buffer_init(&text);
        buffer_add_text(&text, "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n");
        int kind = round % 4, names = kind == 3 ? 8 : 300;
        for (int i = 0; i < names; i++) {
            int strings = kind == 0   ? 1
                          : kind == 1 ? (int)random_below(&random, 8) + 1
                                      : (int)random_below(&random, 240) + 1;
            int size = kind == 3 ? 250 : (int)random_below(&random, 250) + 1;
            buffer_print(&text, "n%d%.*s TXT", i, (int)random_below(&random, 50),
                         ".a.bb.ccc.dddd.eeeee.ffffff.ggggggg.hhhhhhhh.iiiiii");
            for (int j = 0; j < strings; j++) {
                buffer_print(&text, " \"%0*d\"", size, j);
            }
            buffer_print(&text, "\nm%d MX 5 n%d\n", i, i);
        }
        for (char *dots = strstr(text.bytes, ". TXT"); dots != NULL; dots = strstr(dots, ". TXT")) {
            memcpy(dots, "x TXT", 5); /* a name that was cut behind a dot */
        }
        struct transfer_fixture t;
        const char *zone = text.bytes;
        transfer_fixture_init(&t, origins, &zone, 1);
        fetch_and_expect(&t, "example.com.", 0);
        transfer_fixture_fini(&t);
        buffer_fini(&text);
    }
}

/* The longest record that a zone can hold, with the longest owner, and a signature: a message takes it. */
static void the_longest_record_fits(void **state)
{
    (void)state;
    struct buffer text;
    struct tsig_exchange client;
    struct stream stream;
    uint8_t query[512];
    buffer_init(&text);
    buffer_add_text(&text, "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.1\n");
    for (int i = 0; i < 21; i++) {
        buffer_add_text(&text, i == 0 ? "abcdefghij" : ".abcdefghij");
    }
    buffer_add_text(&text, " TXT");
    for (int i = 0; i < 253; i++) {
        buffer_print(&text, " \"%0*d\"", 255, i);
    }
    buffer_print(&text, " \"%0*d\"\n", 219, 1); /* 65000 octets with what is in front of the rdata */
    struct transfer_fixture t;
    const char *zone = text.bytes;
    transfer_fixture_init(&t, origins, &zone, 1);
    size_t len = fill_query(query, "example.com.", DNS_TYPE_AXFR, EDNS_SIZE);
    tsig_begin(&client, t.f.view.keys, 0);
    len = tsig_sign_request(&client, query, len, sizeof query, NOW);
    fetch(&t, query, len, true, &stream);
    expect_zone(&t, "example.com.", &stream);
    buffer_fini(&stream.text);
    transfer_fixture_fini(&t);
    buffer_fini(&text);
}

/* ---- steered names ---- */

/* The records of www, sorted as they come: "A 192.0.2.1, …". */
static const char *list_www(struct transfer_fixture *t, uint32_t serial)
{
    static char list[1024];
    uint8_t query[512];
    struct stream stream;
    const char *found[32] = {NULL};
    size_t count = 0;
    fetch(t, query, fill_query(query, "example.com.", DNS_TYPE_AXFR, 0), false, &stream);
    assert_int_equal(stream.serials[0], serial);
    assert_int_equal(stream.serials[1], serial);
    char *rest = stream.text.bytes;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (strncmp(line, "www.example.com.\t", 17) == 0) {
            found[count++] = line + 17;
        }
    }
    qsort(found, count, sizeof *found, compare_lines);
    list[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i == 0 ? "" : ", ", found[i]);
    }
    for (char *tab = strchr(list, '\t'); tab != NULL; tab = strchr(tab, '\t')) {
        *tab = ' ';
    }
    buffer_fini(&stream.text);
    return list;
}

static void set_region(struct transfer_fixture *t, uint32_t region, enum health_desired desired)
{
    health_set_override(t->f.view.health, HEALTH_REGION, region,
                        &(struct health_override){.desired = desired}, 1);
}

#define TXT "300 IN TXT \"beside\""

static void steered_names_are_rendered(void **state)
{
    (void)state;
    struct transfer_fixture t;
    const char *texts[] = {main_zone};
    transfer_fixture_init(&t, origins, texts, 1);
    assert_string_equal(list_www(&t, 7), "300 IN A 203.0.113.9, " TXT); /* static: the zone file's */
    transfer_fixture_render(&t, 100);
    assert_string_equal(list_www(&t, 100), "30 IN A 192.0.2.1, 30 IN A 192.0.2.2, " TXT);
    set_region(&t, 0, HEALTH_DESIRED_DOWN);
    assert_string_equal(list_www(&t, 100),
                        "30 IN A 192.0.2.1, 30 IN A 192.0.2.2, " TXT); /* not yet rendered */
    transfer_fixture_render(&t, 101);
    assert_string_equal(list_www(&t, 101), "30 IN A 192.0.2.3, 30 IN AAAA 2001:db8::3, " TXT);
    set_region(&t, 1, HEALTH_DESIRED_DOWN);
    transfer_fixture_render(&t, 102); /* fallback static */
    assert_string_equal(list_www(&t, 102), "300 IN A 203.0.113.9, " TXT);
    transfer_fixture_fini(&t);
}

/* What a transfer shows is what it began with. */
static void a_flip_does_not_reach_what_goes_on(void **state)
{
    (void)state;
    static uint8_t out[TRANSFER_MESSAGE_MAX];
    struct buffer text;
    uint8_t query[512];
    buffer_init(&text);
    buffer_add_text(&text, main_zone);
    for (int i = 0; i < 2000; i++) {
        buffer_print(&text, "x%d TXT \"some more\"\n", i);
    }
    struct transfer_fixture t;
    struct transfer transfer = {.stage = TRANSFER_OVER};
    struct stream stream = {.messages = 0};
    const char *zone = text.bytes;
    transfer_fixture_init(&t, origins, &zone, 1);
    transfer_fixture_render(&t, 100);
    size_t len = fill_query(query, "example.com.", DNS_TYPE_AXFR, 0);
    buffer_init(&stream.text);
    size_t got =
        transfer_fixture_ask(&t, &(struct transfer_ask){query, len, ANSWER_TCP, &transfer}, out, sizeof out);
    read_message(&stream, out, got, false);
    set_region(&t, 0, HEALTH_DESIRED_DOWN);
    transfer_fixture_render(&t, 101); /* releases the first rendition */
    while (transfer_is_open(&transfer)) {
        read_message(&stream, out, transfer_write(&transfer, out, sizeof out, NOW), false);
    }
    transfer_fini(&transfer);
    assert_non_null(strstr(stream.text.bytes, "A\t192.0.2.1\n"));
    assert_null(strstr(stream.text.bytes, "A\t192.0.2.3\n"));
    assert_int_equal(stream.serials[0], 100);
    assert_int_equal(stream.serials[1], 100);
    buffer_fini(&stream.text);
    transfer_fixture_fini(&t);
    buffer_fini(&text);
}

/* ---- who may ---- */

static unsigned ask_rcode(struct transfer_fixture *t, const char *name, uint16_t type,
                          enum answer_transport transport)
{
    static uint8_t out[TRANSFER_MESSAGE_MAX];
    uint8_t query[512];
    struct transfer transfer = {.stage = TRANSFER_OVER};
    size_t len = fill_query(query, name, type, 0);
    struct transfer_ask ask = {query, len, transport, transport == ANSWER_TCP ? &transfer : NULL};
    size_t got = transfer_fixture_ask(t, &ask, out, sizeof out);
    assert_true(got >= 12);
    assert_int_equal(transfer_is_held(&transfer),
                     (out[3] & 15) == 0 && transport == ANSWER_TCP && type == DNS_TYPE_AXFR);
    transfer_fini(&transfer);
    return out[3] & 15;
}

static void others_are_refused(void **state)
{
    (void)state;
    struct transfer_fixture t;
    const char *texts[] = {main_zone, child_zone};
    transfer_fixture_init(&t, origins, texts, 2);
    assert_int_equal(ask_rcode(&t, "example.com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_NOERROR);
    assert_int_equal(ask_rcode(&t, "EXAMPLE.com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_NOERROR);
    assert_int_equal(ask_rcode(&t, "example.com.", DNS_TYPE_AXFR, ANSWER_UDP), DNS_RCODE_NOTIMP);
    assert_int_equal(ask_rcode(&t, "www.example.com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_NOTAUTH);
    assert_int_equal(ask_rcode(&t, "com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_NOTAUTH);
    assert_int_equal(ask_rcode(&t, "com.", DNS_TYPE_IXFR, ANSWER_UDP), DNS_RCODE_NOTAUTH);
    assert_int_equal(ask_rcode(&t, "example.com.", DNS_TYPE_IXFR, ANSWER_TCP), DNS_RCODE_FORMERR);
    t.peers[0].deny = true;
    assert_int_equal(ask_rcode(&t, "example.com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_REFUSED);
    t.peers[0].deny = false;
    t.peers[0].key = 0;
    assert_int_equal(ask_rcode(&t, "example.com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_REFUSED);
    t.peers[0].key = CONF_NO_KEY;
    t.peers[0].prefix = (struct addr_prefix){.addr = {ADDR_V4, {192, 0, 2, 2}}, .len = 32};
    assert_int_equal(ask_rcode(&t, "example.com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_REFUSED);
    t.options.transfer_to_count = 0;
    assert_int_equal(ask_rcode(&t, "example.com.", DNS_TYPE_AXFR, ANSWER_TCP), DNS_RCODE_REFUSED);
    transfer_fixture_fini(&t);
}

/* ---- signatures ---- */

static void streams_are_signed(void **state)
{
    (void)state;
    static uint8_t out[TRANSFER_MESSAGE_MAX];
    struct buffer text;
    uint8_t query[512];
    buffer_init(&text);
    buffer_add_text(&text, main_zone);
    for (int i = 0; i < 3000; i++) {
        buffer_print(&text, "x%d TXT \"some more\"\n", i);
    }
    struct transfer_fixture t;
    struct tsig_exchange client;
    struct stream stream;
    const char *zone = text.bytes;
    transfer_fixture_init(&t, origins, &zone, 1);
    t.peers[0].key = 1;
    for (int key = 0; key < 2; key++) {
        size_t len = fill_query(query, "example.com.", DNS_TYPE_AXFR, EDNS_SIZE);
        tsig_begin(&client, t.f.view.keys, key);
        len = tsig_sign_request(&client, query, len, sizeof query, NOW);
        if (key == 1) {
            fetch(&t, query, len, true, &stream); /* dnspython and real secondaries check each signature */
            expect_zone(&t, "example.com.", &stream);
            assert_true(stream.messages > 3);
            buffer_fini(&stream.text);
            continue;
        }
        struct transfer transfer = {.stage = TRANSFER_OVER};
        struct transfer_ask ask = {query, len, ANSWER_TCP, &transfer};
        size_t got = transfer_fixture_ask(&t, &ask, out, sizeof out), at;
        assert_int_equal(out[3] & 15, DNS_RCODE_REFUSED); /* a good signature of the wrong key */
        assert_true(dns_tsig_find(out, got, &at));
        assert_int_equal(tsig_judge_reply(&client, &(struct tsig_message){out, got, at}, NOW), TSIG_GOOD);
        assert_false(transfer_is_held(&transfer));
    }
    assert_int_equal(t.f.counters.values[ANSWER_COUNT_TSIG_GOOD], 2);
    assert_int_equal(t.f.counters.values[ANSWER_COUNT_TRANSFER_REFUSED], 1);
    transfer_fixture_fini(&t);
    buffer_fini(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_record_comes),
        cmocka_unit_test(messages_end_anywhere),
        cmocka_unit_test(the_longest_record_fits),
        cmocka_unit_test(steered_names_are_rendered),
        cmocka_unit_test(a_flip_does_not_reach_what_goes_on),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(streams_are_signed),
    };
    return cmocka_run_group_tests_name("transfer", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of transfers of steered records of any rdata: each record of those who serve is there once, wherever
 * messages end; aliases are one; a zone is never without NS. */
#include "config.h"

#include "transfer_fixture.h"

#include "unit.h"

#include "base/buffer.h"
#include "dns/types.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOW = 1559731985, LARGE = 60, LARGE_SIZE = 900 };

static const char zone_text[] = "$TTL 300\n"
                                "@ SOA ns1 host 7 3600 600 86400 60\n"
                                "@ NS ns1\nns1 A 192.0.2.53\nmail A 192.0.2.25\n"
                                "fall MX 50 mail\nfall TXT \"beside\"\n";

/* Texts of many records, of which two members share a third. */
static char large[3][LARGE * (LARGE_SIZE + 20)];

static const struct fixture_listed listed[] = {
    {"example.com.", DNS_TYPE_NS, .fallback = STEER_FALLBACK_NODATA, .members = {"ns2", "ns1; ns2", "ns3"}},
    {"example.com.", DNS_TYPE_MX, .members = {"10 mail; 20 mx.example.net.", "10 mail; 30 mail", "9 b"}},
    {"fall", DNS_TYPE_MX, .fallback = STEER_FALLBACK_STATIC, .members = {"10 mail", NULL, "20 mail"}},
    {"ali", DNS_TYPE_CNAME, .fallback = STEER_FALLBACK_NODATA, .members = {"mail", "fall", "x.example.net."}},
    {"*.wild", DNS_TYPE_SRV, STEER_PICK_ALL, .members = {"1 2 3 mail", "1 2 3 mail", NULL}},
    {"large", 65400, STEER_PICK_ALL, .members = {large[0], large[1], large[2]}},
    {NULL, .type = 0},
};

static void fill_large(char *text, unsigned from)
{
    for (unsigned i = 0; i < LARGE; i++) {
        text += sprintf(text, "%s\\# %d %04x%0*x", i == 0 ? "" : "; ", LARGE_SIZE / 2, from + i,
                        LARGE_SIZE - 4, 0);
    }
}

static int set_up(void **state)
{
    static const char *const origins[] = {"example.com."}, *const texts[] = {zone_text};
    static struct transfer_fixture t;
    fill_large(large[0], 0);
    fill_large(large[1], LARGE - LARGE / 3);
    fill_large(large[2], 1000);
    transfer_fixture_init_listed(&t, origins, texts, 1, listed);
    *state = &t;
    return 0;
}

static int tear_down(void **state)
{
    transfer_fixture_fini(*state);
    return 0;
}

struct stream {
    struct buffer text; /* "|owner type rdata|" … */
    size_t messages, records;
};

static void read_message(struct stream *stream, const uint8_t *bytes, size_t len)
{
    ldns_pkt *packet = NULL;
    fixture_check(bytes, len);
    assert_int_equal(ldns_wire2pkt(&packet, bytes, len), LDNS_STATUS_OK);
    for (size_t i = 0; i < ldns_pkt_ancount(packet); i++) {
        char *text = ldns_rr2str(ldns_rr_list_rr(ldns_pkt_answer(packet), i));
        for (char *at = text; (at = strpbrk(at, "\t\n")) != NULL;) {
            *at = *at == '\n' ? '|' : ' ';
        }
        buffer_print(&stream->text, "|%s", text);
        free(text);
        stream->records++;
    }
    stream->messages++;
    ldns_pkt_free(packet);
}

/* The zone as the health table says now. */
static void fetch(struct transfer_fixture *t, struct stream *stream)
{
    static uint8_t out[TRANSFER_MESSAGE_MAX];
    uint8_t query[512];
    struct transfer transfer = {.stage = TRANSFER_OVER};
    memset(stream, 0, sizeof *stream);
    buffer_init(&stream->text);
    transfer_fixture_render(t, 100);
    size_t len = fixture_query(query, "example.com.", DNS_TYPE_AXFR, 0, 0);
    size_t got =
        transfer_fixture_ask(t, &(struct transfer_ask){query, len, ANSWER_TCP, &transfer}, out, sizeof out);
    read_message(stream, out, got);
    while (transfer_is_open(&transfer)) {
        got = transfer_write(&transfer, out, sizeof out, NOW);
        assert_true(got > 0);
        read_message(stream, out, got);
    }
    transfer_fini(&transfer);
}

static size_t count_of(const struct stream *stream, const char *part)
{
    size_t count = 0;
    for (const char *at = stream->text.bytes; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

#define HAS(part) assert_int_equal(count_of(&stream, part), 1)

static void every_record_is_there_once(void **state)
{
    struct stream stream;
    fetch(*state, &stream);
    HAS("|example.com. 30 IN NS ns1.example.com.|");
    HAS("|example.com. 30 IN NS ns2.example.com.|");
    assert_int_equal(count_of(&stream, " IN NS "), 2);
    HAS("|example.com. 30 IN MX 10 mail.example.com.|");
    HAS("|example.com. 30 IN MX 20 mx.example.net.|");
    HAS("|example.com. 30 IN MX 30 mail.example.com.|");
    HAS("|fall.example.com. 30 IN MX 10 mail.example.com.|");
    HAS("|fall.example.com. 300 IN TXT \"beside\"|");
    HAS("|ali.example.com. 30 IN CNAME mail.example.com.|"); /* a2 is as good, but an alias is one */
    HAS("|*.wild.example.com. 30 IN SRV 1 2 3 mail.example.com.|");
    assert_int_equal(count_of(&stream, " IN MX "), 4);
    assert_int_equal(count_of(&stream, " IN CNAME "), 1);
    buffer_fini(&stream.text);
}

static void messages_may_end_anywhere(void **state)
{
    struct stream stream;
    char part[64];
    fetch(*state, &stream);
    assert_true(stream.messages > 2);
    for (unsigned i = 0; i < 2 * LARGE - LARGE / 3; i++) {
        snprintf(part, sizeof part, "|large.example.com. 30 IN TYPE65400 \\# %d %04x0", LARGE_SIZE / 2, i);
        HAS(part);
    }
    assert_int_equal(count_of(&stream, "TYPE65400"), 2 * LARGE - LARGE / 3);
    buffer_fini(&stream.text);
}

static void override(void **state, enum health_desired first, enum health_desired second)
{
    struct transfer_fixture *t = *state;
    for (uint32_t region = 0; region < 2; region++) {
        struct health_override desired = {.desired = region == 0 ? first : second};
        assert_int_equal(health_set_override(t->f.view.health, HEALTH_REGION, region, &desired, 1), 0);
    }
}

static void flips_are_copied(void **state)
{
    struct stream stream;
    override(state, HEALTH_DESIRED_DOWN, HEALTH_DESIRED_AUTO);
    fetch(*state, &stream);
    HAS("|example.com. 30 IN NS ns3.example.com.|");
    assert_int_equal(count_of(&stream, " IN NS "), 1);
    HAS("|ali.example.com. 30 IN CNAME x.example.net.|");
    HAS("|fall.example.com. 30 IN MX 20 mail.example.com.|");
    assert_int_equal(count_of(&stream, " IN SRV "), 0);
    assert_int_equal(count_of(&stream, "TYPE65400"), LARGE);
    buffer_fini(&stream.text);
    override(state, HEALTH_DESIRED_DRAIN, HEALTH_DESIRED_DRAIN);
    fetch(*state, &stream);
    HAS("|example.com. 300 IN NS ns1.example.com.|"); /* no zone is without */
    assert_int_equal(count_of(&stream, " IN NS "), 1);
    HAS("|fall.example.com. 300 IN MX 50 mail.example.com.|");
    assert_int_equal(count_of(&stream, " IN MX "), 1);
    assert_int_equal(count_of(&stream, " IN CNAME ") + count_of(&stream, "TYPE65400"), 0);
    buffer_fini(&stream.text);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(every_record_is_there_once),
        WITH(messages_may_end_anywhere),
        WITH(flips_are_copied),
    };
    return cmocka_run_group_tests_name("transfer_listed", tests, NULL, NULL);
}

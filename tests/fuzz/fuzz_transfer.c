/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a query from a peer that may copy the zones, over UDP or TCP, and the whole stream if one
 * begins. The first octet: bit 0 TCP, bit 1 steered names rendered, bits 2 and 3 regions down, bit 4 there is
 * no room for a transfer. Beyond not crashing: every message is one that ldns can read, with the query's id,
 * and a stream has as many records as its zone, a SOA of the same serial first and last. */
#include "config.h"

#include "tests/unit/strict.h"
#include "tests/unit/transfer_fixture.h"

#include "dns/types.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { NOW = 1559731985, TCP = 1, RENDERED = 2, REGION_SHIFT = 2, NO_ROOM = 16, QUERY_MAX = 4096 };

static const char main_zone[] =
    "$TTL 300\n"
    "@ SOA ns1 host 7 3600 600 86400 60\n"
    "@ NS ns1\n@ NS ns.other.net.\n@ MX 10 mail\nns1 A 192.0.2.53\nmail A 192.0.2.25\n"
    "host A 198.51.100.1\nhost TXT \"a text\"\na.b.ent A 198.51.100.2\nalias CNAME host\n"
    "*.wild MX 5 mail\nsub NS ns.sub\nns.sub A 198.51.100.4\nhere DNAME there.example.org.\n"
    "odd TYPE65534 \\# 3 010203\nwww A 203.0.113.9\n";
static const char big_zone[] = "$TTL 300\n@ SOA ns host 1 1 1 1 1\n@ NS ns\nns A 192.0.2.54\n"
                               "$GENERATE 1-1200 host-$.with.a.long.name MX 5 mail-$\n";

/* None to six records more: MX of the apex, SRV, an alias. */
static const struct fixture_listed listed[] = {
    {"example.com.", DNS_TYPE_MX, .members = {"10 mail; 20 mx.example.net.", "10 mail", "1 mail"}},
    {"*.steered", DNS_TYPE_SRV, STEER_PICK_ALL, .members = {"1 2 3 mail; 1 2 3 host", "1 2 3 host", NULL}},
    {"cdn", DNS_TYPE_CNAME, .members = {"host", "mail", "cdn.example.net."}},
    {NULL, .type = 0},
};

static const char *const origins[] = {"example.com.", "big.test."};
static const char *const texts[] = {main_zone, big_zone};

static void fail(const char *what)
{
    fprintf(stderr, "fuzz_transfer: %s\n", what);
    abort();
}

struct tally {
    size_t records, soas;
    uint32_t first, last; /* serials */
};

static void judge_message(const uint8_t *query, const uint8_t *message, size_t len, struct tally *tally)
{
    ldns_pkt *packet = NULL;
    if (len < DNS_HEADER_SIZE || memcmp(query, message, 2) != 0 || (message[2] & 0x80) == 0) {
        fail("a message without the query's id, or without QR");
    }
    if (ldns_wire2pkt(&packet, message, len) != LDNS_STATUS_OK) {
        fail("a message that ldns cannot read");
    }
    const char *fault = strict_find_fault(message, len);
    if (fault != NULL) {
        fail(fault);
    }
    for (size_t i = 0; i < ldns_pkt_ancount(packet); i++) {
        const ldns_rr *rr = ldns_rr_list_rr(ldns_pkt_answer(packet), i);
        if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA) {
            tally->last = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
            tally->first = tally->soas++ == 0 ? tally->last : tally->first;
        }
        tally->records++;
    }
    ldns_pkt_free(packet);
}

static void set_health(struct transfer_fixture *t, unsigned how)
{
    for (uint32_t region = 0; region < 2; region++) {
        bool down = (how >> (REGION_SHIFT + region) & 1) != 0;
        struct health_override override = {.desired = down ? HEALTH_DESIRED_DOWN : HEALTH_DESIRED_AUTO};
        health_set_override(t->f.view.health, HEALTH_REGION, region, &override, 1);
    }
    if ((how & RENDERED) != 0) {
        transfer_fixture_render(t, 100);
    } else {
        transfer_fixture_unrender(t);
    }
}

/* Each of the two zones has so many records of its own; what is steered has some more or less. */
static void judge_stream(const struct tally *tally, const uint8_t *apex)
{
    bool big = apex[1] == 'b';
    if (tally->soas != 2 || tally->first != tally->last) {
        fail("a stream that does not begin and end with the same SOA");
    }
    if (big ? tally->records != 1204 : tally->records < 16 || tally->records > 25) {
        fail("a stream with too many or too few records");
    }
}

static void read_stream(struct transfer *transfer, const uint8_t *query, struct tally *tally)
{
    static uint8_t out[TRANSFER_MESSAGE_MAX];
    while (transfer_is_open(transfer)) {
        size_t got = transfer_write(transfer, out, sizeof out, NOW);
        if (got == 0) {
            fail("a stream that breaks off");
        }
        judge_message(query, out, got, tally);
    }
    judge_stream(tally, transfer_get_apex(transfer));
    transfer_fini(transfer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct transfer_fixture fixture;
    static uint8_t out[TRANSFER_MESSAGE_MAX];
    if (fixture.f.cache == NULL) {
        transfer_fixture_init_listed(&fixture, origins, texts, 2, listed);
    }
    if (len == 0 || len > QUERY_MAX) {
        return 0;
    }
    set_health(&fixture, bytes[0]);
    /* exactly as long as it is, so that ASan sees a read behind its end */
    uint8_t *query = malloc(len - 1 != 0 ? len - 1 : 1);
    memcpy(query, bytes + 1, len - 1);
    struct transfer transfer = {.stage = TRANSFER_OVER};
    bool tcp = (bytes[0] & TCP) != 0, room = (bytes[0] & NO_ROOM) == 0;
    size_t cap = tcp ? sizeof out : 4096;
    struct transfer_ask ask = {query, len - 1, tcp ? ANSWER_TCP : ANSWER_UDP, tcp && room ? &transfer : NULL};
    size_t got = transfer_fixture_ask(&fixture, &ask, out, cap);
    struct tally tally = {.records = 0};
    if (got > cap) {
        fail("a reply that is larger than its room");
    }
    if (got != 0) {
        judge_message(query, out, got, &tally);
    }
    if (transfer_is_held(&transfer)) {
        read_stream(&transfer, query, &tally);
    }
    free(query);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See answer_fixture.h. Replies are read back with ldns, which shares no code with what wrote them. */
#include "config.h"

#include "answer_fixture.h"

#include "strict.h"
#include "unit.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "zone/builder.h"
#include "zone/reader.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void steer_www(struct zone_builder *builder, const uint8_t *apex)
{
    static const uint8_t v4[12] = {192, 0, 2, 1, 192, 0, 2, 2, 192, 0, 2, 3};
    uint8_t owner[DNS_NAME_MAX + 1], v6[48] = {[32] = 0x20, [33] = 1, [34] = 0xd, [35] = 0xb8, [47] = 3};
    dns_name_parse("www", apex, owner);
    struct zone_steered_plan plan = {.owner = owner,
                                     .type = DNS_TYPE_A,
                                     .rdata_len = 4,
                                     .member_count = 3,
                                     .ttl = 30,
                                     .policy = 0,
                                     .rdata = v4};
    zone_builder_add_steered(builder, &plan);
    plan.type = DNS_TYPE_AAAA;
    plan.rdata_len = 16;
    plan.rdata = v6;
    zone_builder_add_steered(builder, &plan);
}

/* ---- steered RRsets of any rdata ---- */

enum { LIST_MAX = 64 };

struct lists {
    struct zone_rdata items[3][LIST_MAX];
    uint8_t bytes[3][LIST_MAX][1024];
    struct zone_list lists[3];
    uint16_t of_member[3], count;
};

static int take_rdata(void *context, const struct zone_record *record)
{
    struct lists *lists = context;
    struct zone_list *list = &lists->lists[lists->count];
    struct zone_rdata *rdata = &lists->items[lists->count][list->count];
    assert_true(list->count < LIST_MAX && record->rdata_len <= sizeof lists->bytes[0][0]);
    rdata->bytes = memcpy(lists->bytes[lists->count][list->count], record->rdata, record->rdata_len);
    rdata->len = record->rdata_len;
    list->type = record->type;
    list->count++;
    return 0;
}

static void read_member(struct lists *lists, const char *origin, uint16_t type, const char *text)
{
    static const char alias[] = "CNAME ";
    char name[DNS_TYPE_TEXT_SIZE];
    struct report *report = report_new();
    struct buffer lines;
    buffer_init(&lines);
    dns_write_type(type, name);
    for (const char *end; *text != '\0'; text = *end == '\0' ? end : end + 2) {
        end = strstr(text, "; ");
        end = end == NULL ? text + strlen(text) : end;
        bool is_alias = strncmp(text, alias, sizeof alias - 1) == 0;
        buffer_print(&lines, "@ 0 IN %s %.*s\n", is_alias ? "" : name, (int)(end - text), text);
    }
    lists->lists[lists->count].items = lists->items[lists->count];
    zone_read_text(origin, lines.bytes, lines.len, &(struct zone_reader_options){.origin = origin},
                   &(struct zone_sink){.context = lists, .record = take_rdata}, report);
    assert_int_equal(report_errors(report), 0);
    lists->count++;
    buffer_fini(&lines);
    report_free(report);
}

static uint16_t find_bit(uint16_t type)
{
    return type == DNS_TYPE_A ? STEER_HAS_A : type == DNS_TYPE_AAAA ? STEER_HAS_AAAA : 4;
}

static void steer_listed(struct zone_builder *builder, const char *origin, const struct fixture_listed *from,
                         uint32_t policy)
{
    uint8_t owner[DNS_NAME_MAX + 1], apex[DNS_NAME_MAX + 1];
    struct lists *lists = memory_alloc(sizeof *lists);
    dns_name_parse(origin, NULL, apex);
    assert_true(dns_name_parse(from->owner, apex, owner) > 0);
    for (size_t i = 0; i < 3; i++) {
        lists->of_member[i] = from->members[i] == NULL ? ZONE_NO_SET : lists->count;
        if (from->members[i] != NULL) {
            read_member(lists, origin, from->type, from->members[i]);
        }
    }
    zone_builder_add_listed(builder, &(struct zone_listed_plan){.owner = owner,
                                                                .type = from->type,
                                                                .types = find_bit(from->type),
                                                                .member_count = 3,
                                                                .list_count = lists->count,
                                                                .ttl = 30,
                                                                .policy = policy,
                                                                .lists = lists->lists,
                                                                .of_member = lists->of_member});
    memset(lists, 0xee, sizeof *lists); /* copied */
    free(lists);
}

static struct zone *make_zone(const struct fixture *f, const char *origin, const char *text, bool steered)
{
    uint8_t apex[DNS_NAME_MAX + 1];
    struct report *report = report_new();
    assert_true(dns_name_parse(origin, NULL, apex) > 0);
    struct zone_builder *builder = zone_builder_new(apex, origin, report);
    zone_builder_set_rotate(builder, f->server.rotate);
    zone_read_text(origin, text, strlen(text), &(struct zone_reader_options){.origin = origin},
                   &(struct zone_sink){.context = builder, .record = zone_builder_add}, report);
    if (steered) {
        steer_www(builder, apex);
        for (size_t i = 0; i < f->listed_count; i++) {
            steer_listed(builder, origin, &f->listed[i], f->listed_policies[i]);
        }
    }
    struct zone *zone = zone_builder_finish(builder);
    if (zone == NULL || report_errors(report) != 0) {
        report_write(report, stderr);
    }
    assert_non_null(zone);
    zone_builder_free(builder);
    report_free(report);
    return zone;
}

static void make_health(struct fixture *f)
{
    static const struct health_region_plan regions[] = {{"a", 1}, {"b", 1}};
    static const struct health_az_plan azs[] = {{"a-1", 0, 1}, {"a-2", 0, 1}, {"b-1", 1, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"a1", 0}, {"a2", 1}, {"b1", 2}};
    static const struct health_monitor_plan monitors[] = {{0, 1, 1, 1, 0}, {1, 1, 1, 2, 0}, {2, 1, 1, 3, 0}};
    f->view.health = health_new(&(struct health_plan){.regions = regions,
                                                      .region_count = 2,
                                                      .azs = azs,
                                                      .az_count = 3,
                                                      .endpoints = endpoints,
                                                      .endpoint_count = 3,
                                                      .monitors = monitors,
                                                      .monitor_count = 3},
                                0);
    f->view.table = health_get_table(f->view.health);
}

/* With the settings of the plan. */
static uint32_t add_policy(struct fixture *f, struct steer_policy plan, const uint16_t types[3])
{
    const struct steer_member members[] = {{.endpoint = 0, .weight = 1, .types = types[0]},
                                           {.endpoint = 1, .weight = 1, .types = types[1]},
                                           {.endpoint = 2, .weight = 1, .types = types[2]}};
    static const struct steer_place places[] = {{.az = 0, .region = 0, .identity = 7},
                                                {.az = 1, .region = 0, .identity = 8},
                                                {.az = 2, .region = 1, .identity = 9}};
    static const uint16_t first[] = {0, 1}, second[] = {2};
    static const struct steer_tier tiers[] = {{.label = "a", .members = first, .count = 2},
                                              {.label = "b", .members = second, .count = 1}};
    static const struct steer_class classes[] = {{.label = "default", .tiers = tiers, .tier_count = 2}};
    plan.member_count = 3;
    plan.class_count = 1;
    plan.members = members;
    plan.places = places;
    plan.classes = classes;
    return steer_set_add(f->view.steer, &plan, NULL, 0);
}

static void make_policies(struct fixture *f)
{
    static const uint16_t addresses[] = {STEER_HAS_A, STEER_HAS_A, STEER_HAS_A | STEER_HAS_AAAA};
    f->view.steer = steer_set_new();
    add_policy(
        f,
        (struct steer_policy){.pick = STEER_PICK_WEIGHTED, .fallback = STEER_FALLBACK_STATIC, .answers = 1},
        addresses);
    for (size_t i = 0; i < f->listed_count; i++) {
        const struct fixture_listed *listed = &f->listed[i];
        uint16_t types[3], bit = find_bit(listed->type);
        for (size_t m = 0; m < 3; m++) {
            types[m] = listed->members[m] == NULL ? 0 : bit;
        }
        f->listed_policies[i] =
            add_policy(f,
                       (struct steer_policy){.pick = listed->pick,
                                             .fallback = listed->fallback,
                                             .answers = listed->answers == 0 ? 1 : listed->answers,
                                             .type_count = 3,
                                             .types = {[2] = listed->type},
                                             .sticky = {.v4_len = 20, .v6_len = 48}},
                       types);
    }
}

static void init(struct fixture *f, const char *const *origins, const char *const *texts, size_t zones)
{
    f->server.edns_size = 1232;
    f->server.extended_errors = true;
    f->server.version = "steerd";
    f->server.identity = "lhr1";
    f->view.secrets = f->view.random_secret;
    f->view.secret_count = 1;
    f->view.server = &f->server;
    f->view.generation = 1;
    make_health(f);
    make_policies(f);
    f->view.zones = zone_table_new(zones);
    for (size_t i = 0; i < zones; i++) {
        assert_int_equal(zone_table_add(f->view.zones, make_zone(f, origins[i], texts[i], i == 0)), 0);
    }
    f->cache = steer_cache_new(f->view.steer);
    random_init(&f->random, 1);
    f->context = (struct answer_context){.view = &f->view,
                                         .table = f->view.table,
                                         .cache = f->cache,
                                         .random = &f->random,
                                         .counters = &f->counters,
                                         .now_ms = UINT64_C(1559731985000),
                                         .now_s = 1559731985};
}

void fixture_init(struct fixture *f, const char *const *origins, const char *const *texts, size_t zones)
{
    memset(f, 0, sizeof *f);
    init(f, origins, texts, zones);
}

void fixture_init_rotating(struct fixture *f, const char *origin, const char *text)
{
    memset(f, 0, sizeof *f);
    f->server.rotate = true;
    init(f, &origin, &text, 1);
}

void fixture_init_listed(struct fixture *f, const char *const *origins, const char *const *texts,
                         size_t zones, const struct fixture_listed *listed)
{
    memset(f, 0, sizeof *f);
    f->listed = listed;
    while (listed[f->listed_count].owner != NULL) {
        f->listed_count++;
    }
    assert_true(f->listed_count <= sizeof f->listed_policies / sizeof *f->listed_policies);
    init(f, origins, texts, zones);
}

void fixture_fini(struct fixture *f)
{
    steer_cache_free(f->cache);
    zone_table_free(f->view.zones);
    steer_set_free(f->view.steer);
    health_free(f->view.health);
}

size_t fixture_query(uint8_t *to, const char *name, uint16_t type, unsigned flags, unsigned edns_size)
{
    uint8_t header[12] = {0x12, 0x34, (uint8_t)(flags >> 8), (uint8_t)flags, 0, 1, 0, 0, 0,
                          0,    0,    edns_size != 0};
    memcpy(to, header, sizeof header);
    int len = dns_name_parse(name, NULL, to + 12);
    assert_true(len > 0);
    size_t at = 12 + (size_t)len;
    memcpy(to + at, (uint8_t[]){(uint8_t)(type >> 8), (uint8_t)type, 0, 1}, 4);
    at += 4;
    if (edns_size != 0) {
        memcpy(to + at,
               (uint8_t[]){0, 0, 41, (uint8_t)(edns_size >> 8), (uint8_t)edns_size, 0, 0, 0, 0, 0, 0}, 11);
        at += 11;
    }
    return at;
}

size_t fixture_ask_unchecked(struct fixture *f, const uint8_t *query, size_t len,
                             enum answer_transport transport, uint8_t *out, size_t cap)
{
    return answer_query(
        &f->context, &(struct answer_request){.bytes = query, .len = len, .transport = transport}, out, cap);
}

size_t fixture_ask_bytes(struct fixture *f, const uint8_t *query, size_t len, enum answer_transport transport,
                         uint8_t *out, size_t cap)
{
    size_t got = fixture_ask_unchecked(f, query, len, transport, out, cap);
    if (got != 0) {
        fixture_check(out, got);
    }
    return got;
}

void fixture_check(const uint8_t *bytes, size_t len)
{
    const char *fault = strict_find_fault(bytes, len);
    if (fault != NULL) {
        fail_msg("%s", fault);
    }
}

static void write_section(struct buffer *to, const char *title, const ldns_rr_list *list)
{
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        char *text = ldns_rr2str(ldns_rr_list_rr(list, i));
        text[strcspn(text, "\n")] = '\0';
        for (char *tab = strchr(text, '\t'); tab != NULL; tab = strchr(tab, '\t')) {
            *tab = ' ';
        }
        buffer_print(to, "%s%s", i == 0 ? title : " | ", text);
        free(text);
    }
}

const char *fixture_ask(struct fixture *f, const char *name, uint16_t type, enum answer_transport transport,
                        unsigned edns_size)
{
    static char text[8192];
    static uint8_t out[65535];
    uint8_t query[512];
    ldns_pkt *packet = NULL;
    size_t len = fixture_query(query, name, type, 0x0100, edns_size);
    size_t got = fixture_ask_bytes(f, query, len, transport, out, sizeof out);
    if (got == 0) {
        return "no reply";
    }
    assert_int_equal(ldns_wire2pkt(&packet, out, got), LDNS_STATUS_OK);
    assert_int_equal(ldns_pkt_id(packet), 0x1234);
    struct buffer to;
    buffer_init(&to);
    char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet));
    buffer_print(&to, "%s%s%s%s%s", rcode, ldns_pkt_aa(packet) ? " aa" : "", ldns_pkt_tc(packet) ? " tc" : "",
                 ldns_pkt_rd(packet) ? " rd" : "", ldns_pkt_ra(packet) ? " ra" : "");
    free(rcode);
    write_section(&to, "; answer: ", ldns_pkt_answer(packet));
    write_section(&to, "; authority: ", ldns_pkt_authority(packet));
    write_section(&to, "; additional: ", ldns_pkt_additional(packet));
    assert_true(to.len < sizeof text);
    memcpy(text, to.bytes, to.len + 1);
    buffer_fini(&to);
    ldns_pkt_free(packet);
    return text;
}

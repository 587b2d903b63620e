/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recordings of queries, and what is made of them: chance makes queries, both formats of a query log and
 * dnstap in several ways tell them, and the shares are those that counting one after another gives. */
#include "config.h"

#include "drill_scene.h"

#include "base/buffer.h"
#include "base/log_text.h"
#include "base/memory.h"
#include "base/random.h"
#include "dns/name.h"
#include "drill/recorded.h"
#include "geo/geo.h"
#include "tap/protobuf.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NAMES = 5, CLASSES = 2, QUERIES = 3000, PATH_SIZE = 64, WIRE_MAX = 1024 };
enum { WWW, APPS, EU, DEEP, PLAIN }; /* names of the view */
static const uint32_t nobody = UINT32_MAX;

struct place {
    struct scene scene;
    struct steer_set *plain;
    struct geo_tree *tree; /* a hold of its own */
    struct view_name names[NAMES];
};

/* 10.0.0.0/8, 198.51.100.0/25 and 2001:db8::/32 are of the second class. */
static int set_up(void **state)
{
    static const struct steer_place places[] = {
        {.az = 0, .region = 0}, {.az = 0, .region = 0}, {.az = 1, .region = 1}, {.az = 1, .region = 1}};
    static const struct addr_prefix prefixes[] = {
        {{ADDR_V4, {10}}, 8}, {{ADDR_V4, {198, 51, 100}}, 25}, {{ADDR_V6, {0x20, 0x01, 0x0d, 0xb8}}, 32}};
    static const char *const owners[NAMES] = {[WWW] = "www.example.",
                                              [APPS] = "*.apps.example.",
                                              [EU] = "EU.example.",
                                              [DEEP] = "deep.apps.example.",
                                              [PLAIN] = "plain.example."};
    const struct geo_rule rule = {.prefixes = prefixes, .prefix_count = 3, .target = 1};
    struct place *place = memory_alloc(sizeof *place);
    struct scene *scene = &place->scene;
    open_scene(scene, "", "", "");
    struct geo_atlas *atlas = geo_atlas_new(NULL, 0);
    place->tree =
        geo_build_tree(&(struct geo_plan){.rules = &rule, .rule_count = 1, .class_count = CLASSES}, atlas);
    geo_atlas_free(atlas);
    geo_hold_tree(place->tree);
    struct steer_policy policy = *steer_set_get(scene->view.steer, 0);
    place->plain = scene->view.steer;
    scene->view.steer = steer_set_new();
    steer_set_give_places(scene->view.steer, places, 4);
    uint32_t steered = steer_set_add(scene->view.steer, &policy, place->tree, 1);
    uint32_t flat = steer_set_add(scene->view.steer, &policy, NULL, 0);
    for (size_t i = 0; i < NAMES; i++) {
        place->names[i] = scene->name;
        place->names[i].owner = owners[i];
        place->names[i].policy = i == PLAIN ? flat : steered;
    }
    scene->view.names = place->names;
    scene->view.name_count = NAMES;
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    geo_free_tree(place->tree);
    close_scene(&place->scene);
    steer_set_free(place->plain);
    free(place);
    return 0;
}

/* ---- queries ---- */

struct query {
    const char *name; /* as it is asked; NULL: octets that are no query */
    uint32_t owner;   /* of the view, or nobody */
    struct addr sender;
    struct addr_prefix subnet;
    bool has_subnet;
};

static const struct {
    const char *name;
    uint32_t owner;
} asked[] = {{"www.example.", WWW},
             {"WwW.eXample.", WWW},
             {"eu.example.", EU},
             {"plain.example.", PLAIN},
             {"x.apps.example.", APPS},
             {"a\\.b.y.apps.example.", APPS},
             {"deep.apps.example.", DEEP},
             {"below.deep.apps.example.", UINT32_MAX}, /* a nearer name hides the wildcard */
             {"apps.example.", UINT32_MAX},
             {"example.", UINT32_MAX},
             {".", UINT32_MAX},
             {NULL, UINT32_MAX}};

static struct addr draw_addr(struct random *random)
{
    static const struct addr_prefix around[] = {{{ADDR_V4, {10, 1}}, 0},
                                                {{ADDR_V4, {11, 2}}, 0},
                                                {{ADDR_V6, {0x20, 0x01, 0x0d, 0xb8, 1}}, 0},
                                                {{ADDR_V6, {0x20, 0x01, 0x0d, 0xb9}}, 0}};
    struct addr addr = around[random_below(random, 4)].addr;
    addr.bytes[2 + 3 * (addr.family == ADDR_V6)] = (uint8_t)random_below(random, 5);
    addr.bytes[addr_len(&addr) - 1] = (uint8_t)random_below(random, 256);
    return addr;
}

static struct query draw_query(struct random *random)
{
    size_t number = random_below(random, sizeof asked / sizeof *asked);
    struct query query = {.name = asked[number].name, .owner = asked[number].owner};
    query.sender = draw_addr(random);
    query.has_subnet = query.name != NULL && random_below(random, 3) == 0;
    if (query.has_subnet) {
        static const uint8_t lens[2][4] = {{0, 16, 24, 32}, {0, 40, 56, 128}};
        query.subnet.addr = draw_addr(random);
        query.subnet.len = lens[query.subnet.addr.family == ADDR_V6][random_below(random, 4)];
        addr_mask(&query.subnet.addr, query.subnet.len);
    }
    return query;
}

/* ---- as they are told ---- */

static void put16(struct protobuf *to, unsigned value)
{
    protobuf_put(to, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void put32(struct protobuf *to, uint32_t value)
{
    put16(to, value >> 16);
    put16(to, value & 0xffff);
}

/* The query, or the answer to it: an address behind the question, and a scope. */
static size_t write_wire(const struct query *query, bool is_reply, uint8_t wire[WIRE_MAX])
{
    static const uint8_t answer[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1};
    struct protobuf to = protobuf_init(wire, WIRE_MAX);
    uint8_t name[255];
    if (query->name == NULL) {
        protobuf_put(&to, "\0\1garbage", 9);
        return to.len;
    }
    int len = dns_name_parse(query->name, NULL, name);
    size_t octets = (query->subnet.len + 7u) / 8;
    assert_true(len > 0);
    put16(&to, 7);
    put16(&to, is_reply ? 0x8400 : 0);
    put16(&to, 1);
    put16(&to, is_reply);
    put16(&to, 0);
    put16(&to, query->has_subnet);
    protobuf_put(&to, name, (size_t)len);
    put32(&to, 0x00010001);
    protobuf_put(&to, answer, is_reply ? sizeof answer : 0);
    if (query->has_subnet) {
        protobuf_put(&to, "\0\0\51\4\xd0\0\0\0\0", 9);
        put16(&to, (unsigned)(8 + octets));
        put16(&to, 8);
        put16(&to, (unsigned)(4 + octets));
        put16(&to, query->subnet.addr.family == ADDR_V4 ? 1 : 2);
        protobuf_put(&to, (const uint8_t[]){query->subnet.len, is_reply ? query->subnet.len : 0}, 2);
        protobuf_put(&to, query->subnet.addr.bytes, octets);
    }
    assert_false(to.failed);
    return to.len;
}

/* type: of dnstap. More fields than count, in an order of their own. */
static void add_message(struct buffer *to, const struct query *query, unsigned type)
{
    uint8_t wire[WIRE_MAX], inner[2 * WIRE_MAX], outer[3 * WIRE_MAX], head[4];
    size_t len = write_wire(query, type % 2 == 0, wire);
    struct protobuf message = protobuf_init(inner, sizeof inner), all = protobuf_init(outer, sizeof outer);
    protobuf_add_fixed32(&message, 9, 1);
    protobuf_add_bytes(&message, type % 2 == 0 ? 14 : 10, wire, len);
    protobuf_add_bytes(&message, 4, query->sender.bytes, addr_len(&query->sender));
    protobuf_add_number(&message, 2, query->sender.family == ADDR_V4 ? 1 : 2);
    protobuf_add_number(&message, 1, type);
    protobuf_add_number(&all, 15, 1);
    protobuf_add_bytes(&all, 1, "who", 3);
    protobuf_add_bytes(&all, 14, inner, message.len);
    assert_false(message.failed || all.failed);
    struct protobuf frame = protobuf_init(head, sizeof head);
    put32(&frame, (uint32_t)all.len);
    buffer_add(to, head, sizeof head);
    buffer_add(to, outer, all.len);
}

static void add_control(struct buffer *to, uint32_t type, bool has_content)
{
    static const char content[] = "protobuf:dnstap.Dnstap";
    uint8_t bytes[64];
    struct protobuf frame = protobuf_init(bytes, sizeof bytes);
    put32(&frame, 0);
    put32(&frame, has_content ? 12 + sizeof content - 1 : 4);
    put32(&frame, type);
    if (has_content) {
        put32(&frame, 1);
        put32(&frame, sizeof content - 1);
        protobuf_put(&frame, content, sizeof content - 1);
    }
    assert_false(frame.failed);
    buffer_add(to, bytes, frame.len);
}

static void add_line(struct buffer *to, const struct query *query, bool is_json)
{
    char text[ADDR_TEXT_SIZE], subnet[ADDR_TEXT_SIZE + 8];
    struct addr_port client = {query->sender, 4711};
    struct log_record line;
    log_record_begin(&line, 1800000000000, 2, "query");
    log_record_add(&line, "client", addr_write_port(&client, text), false);
    if (query->has_subnet) {
        snprintf(subnet, sizeof subnet, "%s/%u", addr_write(&query->subnet.addr, text), query->subnet.len);
        log_record_add(&line, "ecs", subnet, false);
    }
    log_record_add(&line, "name", query->name, false);
    log_record_add(&line, "us", "17", true);
    log_record_add(&line, "odd", "\"a=b\" \\ c\n", false);
    (is_json ? log_write_json : log_write_text)(&line, to);
}

/* ---- as they are counted here ---- */

struct expected {
    double shares[NAMES][CLASSES];
    uint64_t queries, others, nameless;
};

static void count_query(const struct place *place, const struct query *query, struct expected *to)
{
    bool by_subnet = query->has_subnet && query->subnet.len != 0;
    unsigned class_id =
        geo_find_class(place->tree, by_subnet ? &query->subnet.addr : &query->sender).class_id;
    if (query->name == NULL) {
        to->nameless++;
    } else if (query->owner == nobody) {
        to->others++;
    } else {
        to->queries++;
        to->shares[query->owner][query->owner == PLAIN ? 0 : class_id]++;
    }
}

static const char *make_file(const struct buffer *content, int *fd, char path[PATH_SIZE])
{
    *fd = memfd_create("recording", MFD_CLOEXEC);
    assert_true(*fd != -1);
    assert_int_equal(write(*fd, content->bytes, content->len), (ssize_t)content->len);
    snprintf(path, PATH_SIZE, "/proc/self/fd/%d", *fd);
    return path;
}

static int load(struct place *place, const struct buffer *content, struct report *report,
                const struct drill_recorded **found)
{
    int fd;
    char path[PATH_SIZE];
    struct drill_clients clients = {.recorded = make_file(content, &fd, path)};
    clients.recorded = arena_copy_text(place->scene.arena, path);
    int error = drill_load_recorded(&place->scene.view, &clients, place->scene.arena, report);
    close(fd);
    *found = clients.recording;
    return error;
}

static void expect_same(struct place *place, const struct buffer *content, const struct expected *expected)
{
    const struct drill_recorded *found;
    int error = load(place, content, place->scene.errors, &found);
    report_write(place->scene.errors, stderr);
    assert_int_equal(error, 0);
    assert_int_equal(found->queries, expected->queries);
    assert_int_equal(found->others, expected->others);
    assert_int_equal(found->nameless, expected->nameless);
    for (size_t name = 0; name < NAMES; name++) {
        for (size_t c = 0; c < CLASSES; c++) {
            double own = found->shares[name] == NULL ? 0 : found->shares[name][c],
                   wanted = expected->shares[name][c] / (double)expected->queries;
            if (own < wanted - 1e-9 || own > wanted + 1e-9) {
                fail_msg("name %zu class %zu: %g, expected %g", name, c, own, wanted);
            }
        }
    }
}

enum way { BOTH, QUERIES_ONLY, REPLIES_ONLY, OF_CLIENTS, CROSSED, TEXT, JSON, WAYS };

static void add_query(struct buffer *to, const struct query *query, enum way way)
{
    if (way >= TEXT) {
        add_line(to, query, way == JSON);
        return;
    }
    if (way != REPLIES_ONLY) {
        add_message(to, query, way == OF_CLIENTS || way == CROSSED ? 5 : 1);
    }
    if (way != QUERIES_ONLY) {
        add_message(to, query, way == OF_CLIENTS ? 6 : 2);
    }
    add_message(to, query, 3); /* of a resolver to others: of no matter */
}

static void shares_are_as_counted(void **state)
{
    struct place *place = *state;
    struct random random;
    for (enum way way = BOTH; way < WAYS; way++) {
        struct expected expected = {.queries = 0};
        struct buffer content;
        buffer_init(&content);
        random_init(&random, 1 + way);
        if (way < TEXT) {
            bool is_both_ways = way == OF_CLIENTS;
            if (is_both_ways) {
                add_control(&content, 4, true);
            }
            add_control(&content, 2, true);
        } else if (way == TEXT) {
            buffer_add_text(&content, "2026-11-22T10:22:52.000Z info steerd started version=1\n");
        } else {
            buffer_add_text(&content, "{\"time\":\"x\",\"event\":\"steerd started\"}\n");
        }
        for (int i = 0; i < QUERIES; i++) {
            struct query query = draw_query(&random);
            add_query(&content, &query, way);
            count_query(place, &query, &expected);
        }
        if (way < TEXT) {
            add_control(&content, 3, false);
        }
        assert_true(expected.queries > QUERIES / 4);
        expect_same(place, &content, &expected);
        buffer_fini(&content);
    }
}

/* An address counts as its network, whose addresses are of both classes here. */
static void a_network_has_the_classes_of_its_addresses(void **state)
{
    struct place *place = *state;
    const struct query query = {.name = "www.example.", .owner = WWW, .sender = {ADDR_V4, {198, 51, 100, 7}}};
    struct expected expected = {.queries = 1, .shares[WWW] = {0.5, 0.5}};
    struct buffer content;
    buffer_init(&content);
    add_line(&content, &query, false);
    expect_same(place, &content, &expected);
    buffer_fini(&content);
}

/* Of this much, and then one more. */
static void names_and_networks_are_bounded(void **state)
{
    struct place *place = *state;
    const struct drill_recorded *found;
    struct buffer content;
    struct query query = {.name = "www.example.", .owner = WWW};
    buffer_init(&content);
    for (uint32_t i = 0; i < DRILL_RECORDED_MAX; i++) {
        query.sender = (struct addr){ADDR_V4, {(uint8_t)(1 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i, 1}};
        char line[128];
        snprintf(line, sizeof line,
                 "{\"event\":\"query\",\"client\":\"%u.%u.%u.1:5\",\"name\":\"www.example.\"}\n",
                 query.sender.bytes[0], query.sender.bytes[1], query.sender.bytes[2]);
        buffer_add_text(&content, line);
    }
    assert_int_equal(load(place, &content, place->scene.errors, &found), 0);
    assert_int_equal(found->queries, DRILL_RECORDED_MAX);
    size_t end = content.len;
    query.sender = (struct addr){ADDR_V4, {220}};
    add_line(&content, &query, true);
    assert_int_not_equal(load(place, &content, place->scene.errors, &found), 0);
    const char *why = report_get(place->scene.errors, 0)->message;
    char place_text[64];
    snprintf(place_text, sizeof place_text, "at octet %zu: found more names and networks", end);
    assert_non_null(strstr(why, place_text));
    buffer_fini(&content);
}

/* Whatever the end is cut off, or one octet is: no more than is there, and no error without a place. */
static void damage_is_found(void **state)
{
    struct place *place = *state;
    struct random random;
    struct buffer content, part;
    buffer_init(&content);
    random_init(&random, 5);
    add_control(&content, 2, true);
    size_t first_end = 0;
    for (int i = 0; i < 3; i++) {
        const struct query query = {.name = "www.example.", .owner = WWW, .sender = draw_addr(&random)};
        add_message(&content, &query, 1);
        first_end = i == 0 ? content.len : first_end;
    }
    for (size_t len = 0; len < content.len; len++) {
        const struct drill_recorded *found = NULL;
        struct report *report = report_new();
        buffer_init(&part);
        buffer_add(&part, content.bytes, len);
        int error = load(place, &part, report, &found);
        assert_int_equal(error == 0, report_errors(report) == 0);
        if (len < first_end) {
            assert_int_not_equal(error, 0);
        }
        report_free(report);
        buffer_fini(&part);
    }
    buffer_fini(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shares_are_as_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_network_has_the_classes_of_its_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_and_networks_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_found, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("drill_recorded", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where clients are decides what a loss does to them. The scene of drill_scene.h with geography: those of DE
 * have the class "eu" and notice nothing when us is lost, all others are led there. So the share of requests
 * that fails is that of clients who are not in DE. */
#include "config.h"

#include "drill_scene.h"

#include "base/memory.h"
#include "geo/geo.h"
#include "mmdb_make.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mmdb_network networks[] = {
    {.prefix = {{ADDR_V4, {10}}, 8}, .country = "DE"},
    {.prefix = {{ADDR_V4, {10}}, 10}, .country = "DE", .asn = 64500},
    {.prefix = {{ADDR_V4, {20}}, 10}, .country = "US", .asn = 64500},
    {.prefix = {{ADDR_V4, {20, 64}}, 10}, .country = "US"},
    {.prefix = {{ADDR_V6, {0x26}}, 8}, .country = "US", .asn = 64501},
    {.prefix = {{ADDR_V6, {0x2a}}, 8}, .country = "DE", .asn = 64502},
    {.prefix = {{ADDR_V4, {30}}, 8}, .country = "US", .asn = 64502},
};

struct place {
    struct scene scene;
    struct geo_db *db;
    struct steer_set *plain;
    double all; /* share of requests that fails if all clients are of the default class */
};

static struct geo_db *open_db(void)
{
    char path[MMDB_PATH_SIZE];
    int fd = -1;
    const struct mmdb_plan plan = {.ip_version = 6,
                                   .record_size = 28,
                                   .networks = networks,
                                   .network_count = sizeof networks / sizeof *networks};
    struct report *report = report_new();
    struct mmdb_file file = mmdb_make(&plan);
    struct geo_db *db = geo_open_db(mmdb_path(file.bytes, file.len, &fd, path), report);
    report_write(report, stderr);
    assert_non_null(db);
    close(fd);
    free(file.bytes);
    report_free(report);
    return db;
}

/* The policy of the scene, with a tree. */
static void add_geography(struct place *place)
{
    static const char *const de[] = {"DE"};
    static const struct steer_place places[] = {
        {.az = 0, .region = 0}, {.az = 0, .region = 0}, {.az = 1, .region = 1}, {.az = 1, .region = 1}};
    struct scene *scene = &place->scene;
    const struct geo_rule rule = {.values[GEO_COUNTRY] = {.texts = de, .text_count = 1}, .target = 1};
    struct geo_atlas *atlas = geo_atlas_new(&place->db, 1);
    struct geo_tree *tree =
        geo_build_tree(&(struct geo_plan){.rules = &rule, .rule_count = 1, .class_count = 2}, atlas);
    struct steer_policy policy = *steer_set_get(scene->view.steer, 0);
    place->plain = scene->view.steer;
    scene->view.steer = steer_set_new();
    steer_set_give_places(scene->view.steer, places, 4);
    scene->name.policy = steer_set_add(scene->view.steer, &policy, tree, 1);
    geo_atlas_free(atlas);
    scene->view.geo = &place->db;
    scene->view.geo_count = 1;
}

static int read_document(struct place *place, const char *from)
{
    struct scene *scene = &place->scene;
    const char *text = arena_print(scene->arena,
                                   "{\"duration\": \"5m\", \"clients\": {\"from\": %s}, \"events\": "
                                   "[{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"refused\"}]}",
                                   from);
    return drill_parse_document(&(struct drill_source){"d.json", text, strlen(text), scene->errors},
                                &(struct drill_ground){.topology = scene->topology,
                                                       .geo = scene->view.geo,
                                                       .geo_count = scene->view.geo_count},
                                scene->arena, &scene->document);
}

static double find_failed(struct place *place, const char *from)
{
    struct scene *scene = &place->scene;
    int error = read_document(place, from);
    report_write(scene->errors, stderr);
    assert_int_equal(error, 0);
    const struct drill_scenario scenario = {.document = &scene->document};
    assert_int_equal(drill_simulate(&scene->view, &scenario, scene->arena, &scene->report), 0);
    return scene->report.users->share;
}

static int set_up(void **state)
{
    struct place *place = memory_alloc(sizeof *place);
    open_scene(&place->scene, "", "", "");
    place->db = open_db();
    add_geography(place);
    place->all = find_failed(place, "[{\"prefix\": \"192.0.2.1\", \"share\": 1}]");
    assert_true(place->all > 0.01);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    close_scene(&place->scene);
    steer_set_free(place->plain);
    geo_close_db(place->db);
    free(place);
    return 0;
}

static void failed_requests_follow_where_clients_are(void **state)
{
    static const struct {
        const char *from;
        double outside; /* DE */
    } rows[] = {
        {"[]", 0.5}, /* both classes alike */
        {"[{\"country\": \"de\", \"share\": 1}]", 0},
        {"[{\"country\": \"US\", \"share\": 1}]", 1},
        {"[{\"country\": \"DE\", \"share\": 0.4}, {\"country\": \"US\", \"share\": 0.6}]", 0.6},
        {"[{\"country\": \"DE\", \"share\": 0.4}]", 0.3}, /* the rest as ever */
        {"[{\"prefix\": \"10.1.2.0/24\", \"share\": \"90%\"}]", 0.05},
        {"[{\"prefix\": \"2a00::/16\", \"share\": 1}]", 0},
        {"[{\"prefix\": \"10.0.0.0/7\", \"share\": 1}]", 0.5}, /* half of that is not in DE */
        {"[{\"prefix\": \"0.0.0.0/0\", \"share\": 1}]", 255.0 / 256},
        {"[{\"asn\": 64500, \"share\": 1}]", 0.5},
        {"[{\"asn\": \"AS64501\", \"share\": 1}]", 1},
        {"[{\"asn\": 64502, \"share\": 1}]", 0.5}, /* IPv6 in DE, IPv4 in US, however large */
    };
    struct place *place = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double found = find_failed(place, rows[i].from);
        if (found < rows[i].outside * place->all - 1e-6 || found > rows[i].outside * place->all + 1e-6) {
            fail_msg("%s: %g of requests fail, expected %g", rows[i].from, found,
                     rows[i].outside * place->all);
        }
    }
}

static void a_report_says_where_they_are(void **state)
{
    struct place *place = *state;
    (void)find_failed(place, "[{\"country\": \"de\", \"share\": 0.25}, {\"asn\": 64500, \"share\": 0.5}]");
    char *text = drill_write_text(&place->scene.report);
    assert_non_null(strstr(text, "25% from DE, 50% from AS64500, 25% spread evenly over classes"));
    free(text);
}

static void expect_error(struct place *place, const char *from, const char *expected)
{
    struct report *errors = place->scene.errors;
    place->scene.errors = report_new();
    assert_int_not_equal(read_document(place, from), 0);
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    report_write(place->scene.errors, file);
    fclose(file);
    if (strstr(text, expected) == NULL) {
        fail_msg("%s: expected %s in: %s", from, expected, text);
    }
    free(text);
    report_free(place->scene.errors);
    place->scene.errors = errors;
}

static void what_is_not_known_is_an_error(void **state)
{
    struct place *place = *state;
    expect_error(place, "[{\"country\": \"FR\", \"share\": 1}]",
                 "found FR, expected one that the geo databases know");
    expect_error(place, "[{\"asn\": 65000, \"share\": 1}]", "found AS65000");
    expect_error(place, "[{\"asn\": 0, \"share\": 1}]", "asn");
    expect_error(place, "[{\"asn\": \"AS\", \"share\": 1}]", "autonomous system");
    expect_error(place, "[{\"country\": \"DEU\", \"share\": 1}]", "two letters");
    expect_error(place, "[{\"prefix\": \"10.0.0.1/8\", \"share\": 1}]", "no bits set");
    expect_error(place, "[{\"prefix\": \"home\", \"share\": 1}]", "an address or a prefix");
    expect_error(place, "[{\"share\": 1}]", "found 0 of");
    expect_error(place, "[{\"asn\": 64500, \"country\": \"DE\", \"share\": 1}]", "found 2 of");
    expect_error(place, "[{\"country\": \"DE\"}]", "share");
    expect_error(place, "[{\"country\": \"DE\", \"share\": 0.6}, {\"country\": \"US\", \"share\": 0.6}]",
                 "add up to 1.2");
    expect_error(place, "{\"DE\": 1}", "an array of places with shares");
    place->scene.view.geo_count = 0;
    expect_error(place, "[{\"country\": \"DE\", \"share\": 1}]", "there is no geo database");
    place->scene.view.geo_count = 1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(failed_requests_follow_where_clients_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_report_says_where_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_an_error, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("drill_clients", tests, NULL, NULL);
}

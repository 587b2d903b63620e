/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of "cluster" in steerd.json, in a temporary folder of their own. */
#include "config.h"

#include "test_conf.h"

#include "conf/server.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRINT "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F"
#define OTHER "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NAMES "\"name\": \"prod\", \"node\": \"ns1\""

static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/test_conf_cluster.XXXXXX");
    *state = folder;
    return mkdtemp(folder) == NULL || chdir(folder) == -1;
}

static int leave_folder(void **state)
{
    char *folder = *state;
    (void)unlink("steerd.json");
    (void)unlink("password");
    int failed = chdir("/") == -1 || rmdir(folder) == -1;
    free(folder);
    return failed;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static struct conf_server *load(const char *cluster, struct report *report)
{
    char text[4096];
    snprintf(text, sizeof text,
             "{\"cluster\": {%s},\n\"listen\": \"127.0.0.1:53\", \"state\": \"var\", "
             "\"zones\": [{\"origin\": \".\", \"file\": \"root.zone\"}]}",
             cluster);
    write_file("steerd.json", text);
    return conf_load_server("steerd.json", report);
}

static struct conf_server *load_good(const char *cluster)
{
    static const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_server *server = load(cluster, report);
    expect_report(report, nothing);
    assert_non_null(server);
    return server;
}

static void expect_error(const char *cluster, const char *line)
{
    struct report *report = report_new();
    assert_null(load(cluster, report));
    expect_line(report, line);
}

static void peers_arrive(void **state)
{
    (void)state;
    struct conf_server *s = load_good(
        NAMES ", \"listen\": [\"127.0.0.1:5308\", \"[::1]:5308\"], \"peers\": {\"ns2\": {\"at\": "
              "\"127.0.0.1:5309\", \"fingerprint\": \"" PRINT "\"}, \"ns3\": {\"at\": [\"[::1]:1\", "
              "\"192.0.2.1:2\"], \"fingerprint\": \"" OTHER "\"}}");
    const struct conf_cluster *c = s->cluster;
    assert_string_equal(c->name, "prod");
    assert_string_equal(c->node, "ns1");
    assert_int_equal(c->listen_count, 2);
    assert_int_equal(c->listen[1].addr.family, ADDR_V6);
    assert_int_equal(c->peer_count, 2);
    assert_string_equal(c->peers[0].name, "ns2");
    assert_int_equal(c->peers[0].at_count, 1);
    assert_int_equal(c->peers[0].at[0].port, 5309);
    for (unsigned i = 0; i < CONF_CLUSTER_FINGERPRINT_SIZE; i++) {
        assert_int_equal(c->peers[0].fingerprint[i], i);
    }
    assert_int_equal(c->peers[1].at_count, 2);
    assert_int_equal(c->peers[1].fingerprint[0], 0xff);
    assert_int_equal(c->etcd_count, 0);
    assert_true(s->vantages.is_on); /* the others are vantages, whether "vantages" is there or not */
    assert_int_equal(s->vantages.expires_ms, 10000);
    assert_int_equal(s->vantages.heartbeat_ms, 2000);
    conf_free_server(s);
    s = load_good(NAMES); /* before the fingerprints of the others are known */
    assert_int_equal(s->cluster->peer_count, 0);
    conf_free_server(s);
}

static void etcd_arrives(void **state)
{
    (void)state;
    write_file("password", "secret word\nrest");
    struct conf_server *s = load_good(
        NAMES ", \"etcd\": [\"https://10.0.0.1:2379\", \"http://[::1]:2379\"], \"ca\": \"/ca.pem\", "
              "\"certificate\": \"/c.pem\", \"key\": \"/k.pem\", \"user\": \"steerd\", "
              "\"password_file\": \"password\", \"acknowledge\": \"all\", \"deadline\": \"2s\", "
              "\"share_credentials\": true, \"member\": \"0123456789abcdef\"");
    const struct conf_cluster *c = s->cluster;
    assert_int_equal(c->etcd_count, 2);
    assert_string_equal(c->etcd[1], "http://[::1]:2379");
    assert_string_equal(c->ca, "/ca.pem");
    assert_string_equal(c->certificate, "/c.pem");
    assert_string_equal(c->key, "/k.pem");
    assert_string_equal(c->user, "steerd");
    assert_string_equal(c->password, "secret word");
    assert_int_equal(c->acknowledge, CONF_ACKNOWLEDGE_ALL);
    assert_int_equal(c->deadline_ms, 2000);
    assert_true(c->shares_credentials && c->member == 0x0123456789abcdef);
    conf_free_server(s);
    s = load_good(NAMES ", \"etcd\": \"https://etcd.example:2379\"");
    assert_int_equal(s->cluster->acknowledge, CONF_ACKNOWLEDGE_MAJORITY);
    assert_int_equal(s->cluster->deadline_ms, 1000);
    assert_null(s->cluster->password);
    assert_true(!s->cluster->shares_credentials && s->cluster->member == 0);
    conf_free_server(s);
}

static void members_are_checked(void **state)
{
    (void)state;
    expect_error(NAMES ", \"etcd\": \"http://h\", \"member\": \"0000000000000000\"",
                 "steerd.json:1:75: error: found \"0000000000000000\", expected 16 hexadecimal digits, as "
                 "\"steerctl cluster join\" has written them (at $.cluster.member)");
    expect_error(NAMES ", \"member\": \"0123456789abcdef\"",
                 "steerd.json:1:45: error: \"member\" has no meaning without \"etcd\" (at $.cluster.member)");
}

static void names_are_checked(void **state)
{
    (void)state;
    struct report *report = report_new();
    assert_null(load("\"name\": \"prod\"", report));
    assert_int_equal(report_count(report), 1);
    report_free(report);
    expect_error("\"name\": \"prod\", \"node\": \"node:ns1\"",
                 "steerd.json:1:38: error: found \"node:ns1\", expected a name: 1 to 58 letters, digits or "
                 "'-', which is not the first or last (at $.cluster.node)");
    expect_error(NAMES ", \"x\": 1",
                 "steerd.json:1:45: error: unknown key \"x\", expected one of \"name\", \"node\", \"etcd\", "
                 "\"ca\", \"certificate\", \"key\", \"user\", \"password_file\", \"listen\", \"peers\", "
                 "\"acknowledge\", \"deadline\", \"share_credentials\", \"member\", "
                 "\"configuration\", \"activate\", \"activate_within\" (at $.cluster.x)");
}

static void what_belongs_together_is_checked(void **state)
{
    (void)state;
    expect_error(NAMES ", \"deadline\": \"1s\"",
                 "steerd.json:1:45: error: \"deadline\" has no meaning without \"etcd\" (at "
                 "$.cluster.deadline)");
    expect_error(NAMES ", \"etcd\": \"http://h\", \"key\": \"k\"",
                 "steerd.json:1:65: error: found \"key\" alone, expected \"certificate\" and \"key\" (at "
                 "$.cluster.key)");
    expect_error(NAMES ", \"etcd\": \"http://h\", \"user\": \"k\"",
                 "steerd.json:1:65: error: found \"user\" alone, expected \"user\" and \"password_file\" (at "
                 "$.cluster.user)");
    expect_error(NAMES ", \"etcd\": \"http://h\", \"peers\": {}",
                 "steerd.json:1:65: error: found \"peers\" with \"etcd\", expected one of them: through etcd "
                 "nodes know of each other (at $.cluster.peers)");
    expect_error(NAMES ", \"etcd\": \"http://h/v3\"",
                 "steerd.json:1:53: error: found \"http://h/v3\", expected an address of etcd, such as "
                 "\"https://10.0.0.1:2379\", without a path (at $.cluster.etcd)");
    expect_error(NAMES ", \"etcd\": []",
                 "steerd.json:1:53: error: found no address of etcd, expected at least one (at "
                 "$.cluster.etcd)");
    expect_error(NAMES ", \"etcd\": \"http://h\", \"acknowledge\": \"most\"",
                 "steerd.json:1:80: error: found \"most\", expected \"local\", \"majority\" or \"all\" (at "
                 "$.cluster.acknowledge)");
    write_file("password", "\n");
    expect_error(NAMES ", \"etcd\": \"http://h\", \"user\": \"k\", \"password_file\": \"password\"",
                 "steerd.json:1:95: error: the file password holds no password, expected a line of 1 to 256 "
                 "octets (at $.cluster.password_file)");
}

#define PEER(name, at, print) "\"" name "\": {\"at\": " at ", \"fingerprint\": \"" print "\"}"

static void peers_are_checked(void **state)
{
    (void)state;
    expect_error(NAMES ", \"peers\": {" PEER("ns1", "\"[::1]:1\"", PRINT) "}",
                 "steerd.json:1:55: error: found this node itself, \"ns1\", expected the others only (at "
                 "$.cluster.peers.ns1)");
    expect_error(NAMES
                 ", \"peers\": {" PEER("a", "\"[::1]:1\"", PRINT) ", " PEER("b", "\"[::1]:2\"", PRINT) "}",
                 "steerd.json:1:162: error: found the fingerprint of \"a\" again, expected one of its own "
                 "(at $.cluster.peers.b)");
    expect_error(NAMES ", \"peers\": {" PEER("a", "\"ns2:1\"", PRINT) "}",
                 "steerd.json:1:67: error: found \"ns2:1\", expected an address and a port, such as "
                 "\"192.0.2.1:5308\" or \"[2001:db8::1]:5308\" (at $.cluster.peers.a.at)");
    expect_error(
        NAMES ", \"peers\": {" PEER("a", "[]", PRINT) "}",
        "steerd.json:1:67: error: found no address, expected at least one (at $.cluster.peers.a.at)");
    expect_error(NAMES ", \"peers\": {" PEER("a", "\"[::1]:1\"", "12") "}",
                 "steerd.json:1:93: error: found \"12\", expected a fingerprint of 64 hexadecimal digits, as "
                 "\"steerctl vantages\" there shows it (at $.cluster.peers.a.fingerprint)");
    expect_error(NAMES ", \"etcd\": \"http://10.0.0.1:2379\", \"listen\": [\"10.0.0.1:1\", \"[::]:1\"]",
                 "steerd.json:1:87: error: found a wildcard address with \"etcd\", expected an address of "
                 "this host: the other nodes are told to come there (at $.cluster.listen)");
    expect_error(NAMES ", \"listen\": [\"[::1]:1\", \"[::1]:1\", \"[::1]:1\", \"[::1]:1\", \"[::1]:1\"]",
                 "steerd.json:1:55: error: found 5 addresses, expected at most 4 (at $.cluster.listen)");
}

static void state_is_needed(void **state)
{
    (void)state;
    struct report *report = report_new();
    write_file("steerd.json", "{\"cluster\": {" NAMES "}, \"listen\": \"127.0.0.1:53\", \"zones\": "
                              "[{\"origin\": \".\", \"file\": \"root.zone\"}]}");
    assert_null(conf_load_server("steerd.json", report));
    expect_line(report,
                "steerd.json:1:2: error: found \"cluster\" without \"state\", expected a folder where "
                "it is kept what nodes agree on (at $.cluster)");
}

static void bundles_arrive(void **state)
{
    (void)state;
    struct conf_server *s = load_good(NAMES ", \"etcd\": \"http://h\"");
    assert_int_equal(s->cluster->configuration, CONF_CONFIGURATION_FILES);
    assert_int_equal(s->cluster->activate, CONF_ACTIVATE_ALL);
    assert_int_equal(s->cluster->activate_within_ms, 60000);
    assert_false(s->is_bare);
    assert_int_equal(s->zone_count, 1);
    conf_free_server(s);
    s = load_good(NAMES ", \"etcd\": \"http://h\", \"configuration\": \"bundle\", \"activate\": "
                        "\"majority\", \"activate_within\": \"5s\"");
    assert_int_equal(s->cluster->configuration, CONF_CONFIGURATION_BUNDLE);
    assert_int_equal(s->cluster->activate, CONF_ACTIVATE_MAJORITY);
    assert_int_equal(s->cluster->activate_within_ms, 5000);
    assert_true(s->is_bare); /* nobody says where a bundle is */
    assert_int_equal(s->zone_count, 0);
    conf_free_server(s);
    expect_error(NAMES ", \"configuration\": \"bundle\"",
                 "steerd.json:1:45: error: \"configuration\" has no meaning without \"etcd\" (at "
                 "$.cluster.configuration)");
    expect_error(NAMES ", \"etcd\": \"http://h\", \"activate_within\": \"500ms\"",
                 "steerd.json:1:84: error: found \"500ms\", expected a duration from 1s to 1h (at "
                 "$.cluster.activate_within)");
    expect_error(
        NAMES ", \"etcd\": \"http://h\", \"configuration\": \"bundle\"}, \"documents\": {\"owner\": "
              "\"api\"",
        "steerd.json:1:82: error: found \"bundle\" where documents belong to the API, expected one of "
        "them: leave out \"documents\" (at $.cluster.configuration)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peers_arrive),      cmocka_unit_test(etcd_arrives),
        cmocka_unit_test(bundles_arrive),    cmocka_unit_test(members_are_checked),
        cmocka_unit_test(names_are_checked), cmocka_unit_test(what_belongs_together_is_checked),
        cmocka_unit_test(peers_are_checked), cmocka_unit_test(state_is_needed),
    };
    return cmocka_run_group_tests_name("conf cluster", tests, enter_folder, leave_folder);
}

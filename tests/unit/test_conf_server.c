/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of steerd.json and of zones folders, in a temporary folder of their own. */
#include "config.h"

#include "test_conf.h"

#include "conf/server.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tests run inside the folder, so that messages hold no path of the machine. */
static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/test_conf_server.XXXXXX");
    *state = folder;
    return mkdtemp(folder) == NULL || chdir(folder) == -1 || mkdir("z", 0700) == -1;
}

static void empty(const char *folder)
{
    char path[600];
    DIR *dir = opendir(folder);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path);
    }
    closedir(dir);
}

static int leave_folder(void **state)
{
    char *folder = *state;
    empty("z");
    empty(".");
    int failed = rmdir("z") == -1 || chdir("/") == -1 || rmdir(folder) == -1;
    free(folder);
    return failed;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct conf_server *load(const char *text, struct report *report)
{
    write_file("steerd.json", text);
    return conf_load_server("steerd.json", report);
}

static struct conf_server *load_good(const char *text)
{
    static const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_server *server = load(text, report);
    expect_report(report, nothing);
    assert_non_null(server);
    return server;
}

static void expect_refused(const char *text, const char *const *lines)
{
    struct report *report = report_new();
    assert_null(load(text, report));
    expect_report(report, lines);
}

static void expect_error(const char *text, const char *line)
{
    const char *const lines[] = {line, NULL};
    expect_refused(text, lines);
}

#define LISTEN "\"listen\": \"127.0.0.1:53\""
#define ZONES  "\"zones\": [{\"origin\": \".\", \"file\": \"root.zone\"}]"
#define TWO_ZONES                                                                                            \
    "\"zones\": [{\"origin\": \"a.example\", \"file\": \"a\"}, {\"origin\": \"b.example\", \"file\": "       \
    "\"b\"}]"

static void listen_and_zones_are_enough(void **state)
{
    (void)state;
    struct conf_server *s = load_good("{" LISTEN ", " ZONES "}");
    assert_string_equal(s->path, "steerd.json");
    assert_int_equal(s->listen_count, 1);
    assert_int_equal(s->listen[0].port, 53);
    assert_int_equal(s->threads, 1);
    assert_int_equal(s->load_threads, 0);
    assert_int_equal(s->load_memory, 0);
    assert_int_equal(s->points.health_size, UINT64_C(256) << 20);
    assert_int_equal(s->edns_size, 1232);
    assert_false(s->vantages.is_on);
    assert_int_equal(s->zone_count, 1);
    assert_string_equal(s->zones[0].origin, ".");
    assert_string_equal(s->zones[0].zone_path, "root.zone");
    assert_null(s->zones[0].policy_path);
    assert_null(s->topology_path);
    assert_null(s->state_path);
    assert_null(s->admin_socket);
    assert_int_equal(s->admin_socket_mode, 0600);
    assert_int_equal(s->geo_count, 0);
    assert_int_equal(s->log.level, LOG_LEVEL_INFO);
    assert_int_equal(s->log.format, LOG_FORMAT_TEXT);
    assert_int_equal(s->log.target, LOG_TARGET_STDERR);
    assert_null(s->log.socket);
    conf_free_server(s);
    conf_free_server(NULL);
}

static void every_key_arrives(void **state)
{
    (void)state;
    write_file(
        "z/steerd.json",
        "{\"listen\": [\"127.0.0.1:5300\", \"[::1]:5300\", \"[::1]:0\", \"[::1]:0\"], \"threads\": 64, "
        "\"load_threads\": 3, \"load_memory\": \"3GiB\", \"points\": {\"health_size\": \"1MiB\"}, "
        "\"vantages\": {\"quorum\": \"all\", \"at_least\": 2, \"expires\": \"3s\", \"local\": {\"weight\": "
        "0}}, "
        "\"edns_size\": 512, \"topology\": \"/etc/t.json\", "
        "\"state\": \"var\",\n"
        "\"admin\": {\"socket\": \"var/s\", \"mode\": \"0660\"}, \"geo\": [\"a.mmdb\", \"/b.mmdb\"], "
        "\"log\": {\"level\": \"debug\", \"format\": \"json\", \"target\": \"syslog\", \"socket\": \"s\", "
        "\"$comment\": \"x\"},\n"
        "\"zones\": [{\"origin\": \"Example.COM\", \"file\": \"e.zone\", \"policy\": \"e.json\"},\n"
        "{\"origin\": \"0/25.2.0.192.in-addr.arpa.\", \"file\": \"r.zone\"}]}");
    struct report *report = report_new();
    struct conf_server *s = conf_load_server("z/steerd.json", report);
    assert_non_null(s);
    assert_int_equal(s->listen_count, 4);
    assert_int_equal(s->listen[1].addr.family, ADDR_V6);
    assert_int_equal(s->threads, 64);
    assert_int_equal(s->load_threads, 3);
    assert_int_equal(s->load_memory, UINT64_C(3) << 30);
    assert_int_equal(s->points.health_size, 1 << 20);
    assert_true(s->vantages.is_on);
    assert_int_equal(s->vantages.quorum.kind, CONF_QUORUM_ALL);
    assert_int_equal(s->vantages.quorum.at_least, 2);
    assert_int_equal(s->vantages.expires_ms, 3000);
    assert_int_equal(s->vantages.local_weight, 0);
    assert_int_equal(s->edns_size, 512);
    assert_string_equal(s->topology_path, "/etc/t.json");
    assert_string_equal(s->state_path, "z/var");
    assert_string_equal(s->admin_socket, "z/var/s");
    assert_int_equal(s->admin_socket_mode, 0660);
    assert_int_equal(s->geo_count, 2);
    assert_string_equal(s->geo_paths[0], "z/a.mmdb");
    assert_string_equal(s->geo_paths[1], "/b.mmdb");
    assert_int_equal(s->log.level, LOG_LEVEL_DEBUG);
    assert_int_equal(s->log.format, LOG_FORMAT_JSON);
    assert_int_equal(s->log.target, LOG_TARGET_SYSLOG);
    assert_string_equal(strrchr(s->log.socket, '/'), "/s");
    assert_int_equal(s->zone_count, 2);
    assert_string_equal(s->zones[0].origin, "example.com.");
    assert_string_equal(s->zones[0].zone_path, "z/e.zone");
    assert_string_equal(s->zones[0].policy_path, "z/e.json");
    assert_string_equal(s->zones[1].origin, "0/25.2.0.192.in-addr.arpa.");
    conf_free_server(s);
    report_free(report);
    empty("z");
}

static void folders_are_listed(void **state)
{
    (void)state;
    static const char *const files[] = {
        "z/example.com.zone", "z/example.com.json", "z/%2E.zone",    "z/0%2f25.2.0.192.in-addr.arpa.zone",
        "z/README",           "z/x.zone~",          "z/.hidden.zone"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_file(files[i], "");
    }
    struct conf_server *s = load_good("{" LISTEN ", \"zones\": \"z\", \"topology\": \"t.json\"}");
    assert_int_equal(s->zone_count, 3);
    assert_string_equal(s->zones[0].origin, ".");
    assert_string_equal(s->zones[0].zone_path, "z/%2E.zone");
    assert_string_equal(s->zones[1].origin, "0/25.2.0.192.in-addr.arpa.");
    assert_string_equal(s->zones[2].origin, "example.com.");
    assert_string_equal(s->zones[2].policy_path, "z/example.com.json");
    conf_free_server(s);
    empty("z");
}

static void configuration_may_lie_beside_the_zones(void **state)
{
    (void)state;
    write_file("example.com.zone", "");
    write_file("topo.json", "{}");
    struct conf_server *s = load_good("{" LISTEN ", \"zones\": \".\", \"topology\": \"topo.json\"}");
    assert_int_equal(s->zone_count, 1);
    conf_free_server(s);
    empty(".");
}

static void broken_folders_are_reported(void **state)
{
    (void)state;
    static const char *const files[] = {"z/a.zone",   "z/A.zone",    "z/b.json",
                                        "z/c%2.zone", "z/c%00.zone", "z/d..zone"};
    static const char *const lines[] = {
        "z/a.zone: error: the origin \"a.\" is there already, from z/A.zone",
        "z/b.json: error: a policy without its zone: there is no b.zone beside it",
        "z/c%00.zone: error: broken escape in the file's name, expected % and two hexadecimal digits",
        "z/c%2.zone: error: broken escape in the file's name, expected % and two hexadecimal digits",
        "z/e..f.zone: error: the file's name is no origin, expected a domain name before \".zone\"",
        NULL};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        write_file(files[i], "");
    }
    write_file("z/e..f.zone", "");
    expect_refused("{" LISTEN ", \"zones\": \"z\", \"topology\": \"t.json\"}", lines);
    empty("z");
    expect_error("{" LISTEN ", \"zones\": \"z\"}", "steerd.json:1:37: error: the folder z holds no zone, "
                                                   "expected files named <origin>.zone (at $.zones)");
    expect_error(
        "{" LISTEN ", \"zones\": \"y\"}",
        "steerd.json:1:37: error: the folder y cannot be listed: No such file or directory (at $.zones)");
}

static void zone_lists_are_checked(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "steerd.json:2:2: error: missing key \"file\" (at $.zones[0])",
        "steerd.json:3:13: error: found \"a..b\", expected a domain name, such as \"example.com\" or \".\" "
        "(at $.zones[1].origin)",
        "steerd.json:5:13: error: the origin \"a.\" is there already, from a (at $.zones[4].origin)",
        "steerd.json:6:2: error: found 5, expected an object (at $.zones[5])",
        "steerd.json:1:37: error: zone b. has the policy p, but no topology is configured: add the key "
        "\"topology\" "
        "(at $.zones)",
        NULL};
    expect_refused(
        "{" LISTEN ", \"zones\": [\n"
        " {\"origin\": \"a\"},\n"
        " {\"origin\": \"a..b\", \"file\": \"x\"},\n"
        " {\"origin\": \"a\", \"file\": \"a\"}, {\"origin\": \"b\", \"file\": \"b\", \"policy\": \"p\"},"
        "\n {\"origin\": \"A.\", \"file\": \"b\"},\n 5]}",
        (const char *const *)lines);
    expect_error("{" LISTEN ", \"zones\": []}",
                 "steerd.json:1:37: error: there are no zones, expected at least one (at $.zones)");
    expect_error("{" LISTEN ", \"zones\": {}}",
                 "steerd.json:1:37: error: found an object, expected a folder, or an "
                 "array of {\"origin\", \"file\", \"policy\"} (at $.zones)");
}

static void settings_are_checked(void **state)
{
    (void)state;
    expect_error("{" ZONES "}", "steerd.json:1:1: error: missing key \"listen\" (at $)");
    expect_error("{" LISTEN "}", "steerd.json:1:1: error: missing key \"zones\" (at $)");
    expect_error("{\"listen\": [], " ZONES "}",
                 "steerd.json:1:12: error: found no address, expected at least one (at $.listen)");
    expect_error("{\"listen\": [\"127.0.0.1\"], " ZONES "}",
                 "steerd.json:1:13: error: found \"127.0.0.1\", expected an address and a port, such as "
                 "\"192.0.2.1:53\" or \"[2001:db8::1]:53\" (at $.listen[0])");
    expect_error("{\"listen\": [\"[::1]:53\", \"[0::1]:53\"], " ZONES "}",
                 "steerd.json:1:25: error: \"[0::1]:53\" is listed twice (at $.listen[1])");
    expect_error("{\"listen\": 53, " ZONES "}",
                 "steerd.json:1:12: error: found 53, expected \"address:port\" or an "
                 "array of them (at $.listen)");
    expect_error("{" LISTEN ", \"threads\": 0, " ZONES "}",
                 "steerd.json:1:39: error: found 0, expected a whole number from 1 to 64 (at $.threads)");
    expect_error(
        "{" LISTEN ", \"edns_size\": 4097, " ZONES "}",
        "steerd.json:1:41: error: found 4097, expected a whole number from 512 to 4096 (at $.edns_size)");
    expect_error("{" LISTEN ", \"topology\": \"\", " ZONES "}",
                 "steerd.json:1:40: error: found \"\", expected a non-empty string (at $.topology)");
    expect_error("{" LISTEN ", \"admin\": {}, " ZONES "}",
                 "steerd.json:1:37: error: missing key \"socket\" (at $.admin)");
    expect_error(
        "{" LISTEN ", \"admin\": {\"socket\": \"s\", \"mode\": 660}, " ZONES "}",
        "steerd.json:1:61: error: found 660, expected an octal file mode in quotes, such as \"0660\" "
        "(at $.admin.mode)");
    expect_error(
        "{" LISTEN ", \"admin\": {\"socket\": \"s\", \"mode\": \"1777\"}, " ZONES "}",
        "steerd.json:1:61: error: found \"1777\", expected an octal file mode in quotes, such as \"0660\" "
        "(at $.admin.mode)");
    expect_error("{" LISTEN ", \"geo\": [1], " ZONES "}",
                 "steerd.json:1:36: error: found 1, expected a string (at $.geo[0])");
    expect_error(
        "{" LISTEN ", \"log\": {\"level\": \"warn\"}, " ZONES "}",
        "steerd.json:1:45: error: found \"warn\", expected \"error\", \"warning\", \"info\" or \"debug\" "
        "(at $.log.level)");
    expect_error("{" LISTEN ", \"thread\": 1, " ZONES "}",
                 "steerd.json:1:28: error: unknown key \"thread\"; did you mean \"threads\"? (at $.thread)");
}

static void what_goes_into_answers(void **state)
{
    (void)state;
    struct conf_server *s = load_good("{" LISTEN ", " ZONES "}");
    assert_false(s->minimal_responses);
    assert_false(s->rotate);
    assert_true(s->extended_errors);
    conf_free_server(s);
    s = load_good("{" LISTEN
                  ", \"minimal_responses\": true, \"rotate\": true, \"extended_errors\": false, " ZONES "}");
    assert_true(s->minimal_responses);
    assert_true(s->rotate);
    assert_false(s->extended_errors);
    conf_free_server(s);
    expect_error("{" LISTEN ", \"rotate\": 1, " ZONES "}",
                 "steerd.json:1:38: error: found 1, expected true or false (at $.rotate)");
}

static void cookies_and_identity(void **state)
{
    (void)state;
    struct conf_server *s = load_good("{" LISTEN ", " ZONES "}");
    assert_true(s->has_cookies);
    assert_int_equal(s->secret_count, 0);
    assert_null(s->identity);
    assert_string_equal(s->version, "steerd");
    conf_free_server(s);
    s = load_good("{" LISTEN ", \"cookies\": false, \"version\": \"\", \"identity\": \"lhr1\", " ZONES "}");
    assert_false(s->has_cookies);
    assert_string_equal(s->version, "");
    assert_string_equal(s->identity, "lhr1");
    conf_free_server(s);
    s = load_good("{" LISTEN ", \"cookies\": {\"secrets\": [\"00112233445566778899aAbBcCdDeEfF\", "
                  "\"ffffffffffffffffffffffffffffffff\"]}, " ZONES "}");
    assert_int_equal(s->secret_count, 2);
    assert_memory_equal(s->secrets[0], "\0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
    assert_int_equal(s->secrets[1][15], 0xff);
    conf_free_server(s);
    expect_error("{" LISTEN ", \"cookies\": {\"secrets\": [\"0011\"]}, " ZONES "}",
                 "steerd.json:1:52: error: this is no secret, expected 32 hexadecimal digits "
                 "(at $.cookies.secrets[0])");
    expect_error("{" LISTEN ", \"identity\": \"\", " ZONES "}",
                 "steerd.json:1:40: error: found \"\", expected a string of 1 to 128 octets (at $.identity)");
    expect_error("{" LISTEN ", \"cookies\": true, " ZONES "}",
                 "steerd.json:1:39: error: found true, expected false or an object (at $.cookies)");
}

static bool allows(const struct conf_server *server, size_t zone, const char *text)
{
    struct addr client;
    assert_int_equal(addr_parse(text, &client), 0);
    return acl_allows(server->zones[zone].options->allow_query, &client);
}

static void zone_options_fall_back_to_those_of_all(void **state)
{
    (void)state;
    struct conf_server *s = load_good("{" LISTEN ", " TWO_ZONES "}");
    assert_true(allows(s, 0, "192.0.2.1"));
    conf_free_server(s);
    s = load_good("{" LISTEN ", " TWO_ZONES ", \"zone_options\": {\"A.example\": {\"allow_query\": "
                  "[\"!192.0.2.1\", \"192.0.2.0/24\"]}, \"*\": {\"allow_query\": \"2001:db8::/32\"}}}");
    assert_false(allows(s, 0, "192.0.2.1"));
    assert_true(allows(s, 0, "192.0.2.2"));
    assert_false(allows(s, 0, "2001:db8::1"));
    assert_false(allows(s, 1, "192.0.2.2"));
    assert_true(allows(s, 1, "2001:db8::1"));
    conf_free_server(s);
}

static void zone_options_are_checked(void **state)
{
    (void)state;
    expect_error("{" LISTEN ", " ZONES ",\n\"zone_options\": {\"b.example\": {}}}",
                 "steerd.json:2:18: error: there is no zone \"b.example\", expected the origin of one of the "
                 "zones, or \"*\" (at $.zone_options[\"b.example\"])");
    expect_error("{" LISTEN ", " ZONES ",\n\"zone_options\": {\"*\": {\"allow_query\": \"!192.0.2.1/24\"}}}",
                 "steerd.json:2:39: error: \"!192.0.2.1/24\" has bits set behind the prefix length, expected "
                 "\"!192.0.2.0/24\" (at $.zone_options[\"*\"].allow_query)");
    expect_error("{" LISTEN ", " ZONES ",\n\"zone_options\": {\"*\": {\"allow_query\": [\"any\"]}}}",
                 "steerd.json:2:40: error: found \"any\", expected an address or a prefix, such as "
                 "\"192.0.2.0/24\" or \"!2001:db8::/32\" (at $.zone_options[\"*\"].allow_query[0])");
    expect_error("{" LISTEN ", " ZONES ",\n\"zone_options\": []}",
                 "steerd.json:2:17: error: found an array, expected an object (at $.zone_options)");
}

static void limits_have_defaults(void **state)
{
    (void)state;
    struct conf_server *s = load_good("{" LISTEN ", " ZONES "}");
    assert_null(s->rrl);
    assert_int_equal(s->amplification, 0);
    assert_int_equal(s->cookies_require, CONF_COOKIES_LIMITED);
    assert_int_equal(s->tcp.clients, 10000);
    assert_int_equal(s->tcp.clients_per_address, 100);
    assert_true(s->probe.in_flight == 0 && s->probe.per_address == 0 && s->probe.per_second == 0);
    assert_int_equal(s->tcp.idle_ms, 10000);
    assert_null(s->listeners[0].allow);
    conf_free_server(s);
    s = load_good("{" LISTEN ", \"rrl\": {}, " ZONES "}");
    assert_non_null(s->rrl);
    for (unsigned kind = 0; kind < CONF_RRL_ALL; kind++) {
        assert_int_equal(s->rrl->rates[kind].interval_us, 5000);
        assert_int_equal(s->rrl->rates[kind].depth_us, 1000000);
        assert_int_equal(s->rrl->rates[kind].slip, 2);
    }
    assert_int_equal(s->rrl->rates[CONF_RRL_ALL].interval_us, 0);
    assert_int_equal(s->rrl->ipv4_prefix, 24);
    assert_memory_equal(&s->rrl->ipv4_mask, "\xff\xff\xff\0", 4);
    assert_memory_equal(&s->rrl->ipv6_mask, "\xff\xff\xff\xff\xff\xff\xff\0", 8);
    assert_null(s->rrl->exempt);
    assert_int_equal(s->rrl->table_size, 262144);
    assert_false(s->rrl->log_only);
    conf_free_server(s);
}

static void limits_arrive(void **state)
{
    (void)state;
    struct addr client;
    struct conf_server *s = load_good(
        "{\"listen\": [{\"address\": \"192.0.2.1:53\", \"allow\": [\"192.0.2.0/24\"]}, \"[::1]:53\"], " ZONES
        ", \"rrl\": {\"rate\": 3, \"rates\": {\"nxdomain\": 0, \"all\": 1000}, \"burst\": \"5s\", \"slip\": "
        "1, "
        "\"ipv4_prefix\": 28, \"ipv6_prefix\": 64, \"exempt\": \"203.0.113.7\", \"table_size\": 4096, "
        "\"log_only\": true}, \"amplification\": 8, \"cookies\": {\"require\": \"always\"}, "
        "\"tcp\": {\"clients\": 7, \"clients_per_address\": 0, \"ipv4_prefix\": 24, \"ipv6_prefix\": 48, "
        "\"idle\": \"500ms\"}, \"probe\": {\"in_flight\": 5, \"per_address\": 6, \"per_second\": 7}}");
    assert_true(s->probe.in_flight == 5 && s->probe.per_address == 6 && s->probe.per_second == 7);
    assert_int_equal(s->rrl->rates[CONF_RRL_POSITIVE].interval_us, 333334);
    assert_int_equal(s->rrl->rates[CONF_RRL_NXDOMAIN].interval_us, 0);
    assert_int_equal(s->rrl->rates[CONF_RRL_ALL].interval_us, 1000);
    assert_int_equal(s->rrl->rates[CONF_RRL_ALL].depth_us, 5000000);
    assert_int_equal(s->rrl->rates[CONF_RRL_ERROR].slip, 1);
    assert_memory_equal(&s->rrl->ipv4_mask, "\xff\xff\xff\xf0", 4);
    assert_int_equal(s->rrl->exempt->count, 1);
    assert_int_equal(s->rrl->table_size, 4096);
    assert_true(s->rrl->log_only);
    assert_int_equal(s->amplification, 8);
    assert_int_equal(s->cookies_require, CONF_COOKIES_ALWAYS);
    assert_true(s->tcp.clients == 7 && s->tcp.clients_per_address == 0 && s->tcp.idle_ms == 500);
    assert_true(s->tcp.ipv4_prefix == 24 && s->tcp.ipv6_prefix == 48);
    assert_int_equal(s->listen_count, 2);
    addr_parse("192.0.3.1", &client);
    assert_false(acl_allows(s->listeners[0].allow, &client));
    assert_true(acl_allows(s->listeners[1].allow, &client));
    conf_free_server(s);
    s = load_good("{\"listen\": {\"address\": \"192.0.2.1:53\", \"allow\": []}, " ZONES "}");
    assert_int_equal(s->listen_count, 1);
    assert_int_equal(s->listeners[0].allow->count, 0);
    conf_free_server(s);
}

static void limits_are_checked(void **state)
{
    (void)state;
    expect_error("{\"listen\": [{\"allow\": []}], " ZONES "}",
                 "steerd.json:1:13: error: missing key \"address\" (at $.listen[0])");
    expect_error("{\"listen\": [{\"address\": \"x\"}], " ZONES "}",
                 "steerd.json:1:25: error: found \"x\", expected an address and a port, such as "
                 "\"192.0.2.1:53\" or \"[2001:db8::1]:53\" (at $.listen[0].address)");
    expect_error("{" LISTEN ", \"rrl\": true, " ZONES "}",
                 "steerd.json:1:35: error: found true, expected an object (at $.rrl)");
    expect_error(
        "{" LISTEN ", \"rrl\": {\"rate\": 0}, " ZONES "}",
        "steerd.json:1:44: error: found 0, expected a whole number from 1 to 100000 (at $.rrl.rate)");
    expect_error("{" LISTEN ", \"rrl\": {\"slip\": 11}, " ZONES "}",
                 "steerd.json:1:44: error: found 11, expected a whole number from 0 to 10 (at $.rrl.slip)");
    expect_error(
        "{" LISTEN ", \"rrl\": {\"burst\": \"999ms\"}, " ZONES "}",
        "steerd.json:1:45: error: found \"999ms\", expected a duration from 1s to 1m (at $.rrl.burst)");
    expect_error("{" LISTEN ", \"rrl\": {\"log_only\": 1}, " ZONES "}",
                 "steerd.json:1:48: error: found 1, expected true or false (at $.rrl.log_only)");
    expect_error("{" LISTEN ", \"rrl\": {\"rates\": {\"nx\": 1}}, " ZONES "}",
                 "steerd.json:1:46: error: unknown key \"nx\", expected one of \"positive\", \"nodata\", "
                 "\"nxdomain\", \"referral\", \"error\", \"all\" (at $.rrl.rates.nx)");
    expect_error(
        "{" LISTEN ", \"amplification\": 0, " ZONES "}",
        "steerd.json:1:45: error: found 0, expected a whole number from 1 to 100 (at $.amplification)");
    expect_error(
        "{" LISTEN ", \"tcp\": {\"clients\": 0}, " ZONES "}",
        "steerd.json:1:47: error: found 0, expected a whole number from 1 to 1048576 (at $.tcp.clients)");
    expect_error("{" LISTEN ", \"cookies\": {\"require\": \"yes\"}, " ZONES "}",
                 "steerd.json:1:51: error: found \"yes\", expected \"never\", \"limited\" or \"always\" (at "
                 "$.cookies.require)");
}

static void resolvers_are_listed(void **state)
{
    (void)state;
    struct report *report = report_new();
    struct conf_server *s = load("{" LISTEN ", \"resolver\": {\"servers\": [\"192.0.2.53\", "
                                 "\"[2001:db8::53]:5353\", \"2001:db8::54\"]}, " ZONES "}",
                                 report);
    assert_non_null(s);
    assert_string_equal(s->resolver_servers, "192.0.2.53:53,[2001:db8::53]:5353,[2001:db8::54]:53");
    conf_free_server(s);
    s = load("{" LISTEN ", \"resolver\": {\"servers\": \"127.0.0.1:5353\"}, " ZONES "}", report);
    assert_string_equal(s->resolver_servers, "127.0.0.1:5353");
    conf_free_server(s);
    s = load("{" LISTEN ", " ZONES "}", report);
    assert_null(s->resolver_servers);
    conf_free_server(s);
    report_free(report);
    expect_error("{" LISTEN ", \"resolver\": {\"servers\": []}, " ZONES "}",
                 "steerd.json:1:52: error: found 0 servers, expected 1 to 8 (at $.resolver.servers)");
    expect_error("{" LISTEN ", \"resolver\": {\"servers\": \"ns.example.net\"}, " ZONES "}",
                 "steerd.json:1:52: error: found \"ns.example.net\", expected an address such as "
                 "\"192.0.2.1\", or one with a port (at $.resolver.servers)");
}

static void socket_paths_have_a_limit(void **state)
{
    (void)state;
    char text[400], path[109];
    memset(path, 'p', 108);
    path[108] = '\0';
    snprintf(text, sizeof text, "{" LISTEN ", \"admin\": {\"socket\": \"%s\"}, " ZONES "}", path);
    struct report *report = report_new();
    assert_null(load(text, report));
    assert_non_null(strstr(report_get(report, 0)->message, "has 108 bytes, expected at most 107"));
    report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen_and_zones_are_enough),
        cmocka_unit_test(every_key_arrives),
        cmocka_unit_test(folders_are_listed),
        cmocka_unit_test(configuration_may_lie_beside_the_zones),
        cmocka_unit_test(broken_folders_are_reported),
        cmocka_unit_test(zone_lists_are_checked),
        cmocka_unit_test(settings_are_checked),
        cmocka_unit_test(cookies_and_identity),
        cmocka_unit_test(what_goes_into_answers),
        cmocka_unit_test(zone_options_fall_back_to_those_of_all),
        cmocka_unit_test(zone_options_are_checked),
        cmocka_unit_test(limits_have_defaults),
        cmocka_unit_test(limits_arrive),
        cmocka_unit_test(limits_are_checked),
        cmocka_unit_test(resolvers_are_listed),
        cmocka_unit_test(socket_paths_have_a_limit),
    };
    return cmocka_run_group_tests_name("conf server", tests, enter_folder, leave_folder);
}

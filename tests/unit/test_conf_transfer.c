/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the keys and zone options of transfers, in a temporary folder of their own. */
#include "config.h"

#include "test_conf.h"

#include "conf/server.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int enter_folder(void **state)
{
    char *folder = strdup("/tmp/test_conf_transfer.XXXXXX");
    *state = folder;
    return mkdtemp(folder) == NULL || chdir(folder) == -1;
}

static int leave_folder(void **state)
{
    char *folder = *state;
    (void)unlink("steerd.json");
    (void)unlink("secret");
    int failed = chdir("/") == -1 || rmdir(folder) == -1;
    free(folder);
    return failed;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* The middle of a document with the zones a.example and b.example, on line 2 of the file. */
static struct conf_server *load(const char *middle, struct report *report)
{
    char text[2048];
    int len =
        snprintf(text, sizeof text,
                 "{ \"listen\": \"127.0.0.1:53\", \"zones\": [{\"origin\": \"a.example\", \"file\": \"a\"}, "
                 "{\"origin\": \"b.example\", \"file\": \"b\"}],\n%s}",
                 middle);
    assert_true(len > 0 && (size_t)len < sizeof text);
    write_file("steerd.json", text, 0600);
    return conf_load_server("steerd.json", report);
}

static struct conf_server *load_good(const char *middle)
{
    static const char *const nothing[] = {NULL};
    struct report *report = report_new();
    struct conf_server *server = load(middle, report);
    expect_report(report, nothing);
    assert_non_null(server);
    return server;
}

static void expect_error(const char *middle, const char *line)
{
    struct report *report = report_new();
    assert_null(load(middle, report));
    expect_line(report, line);
}

#define SECRET "MDEyMzQ1Njc4OWFiY2RlZg==" /* 0123456789abcdef */
#define KEYS                                                                                                 \
    "\"keys\": {\"One\": {\"secret\": \"" SECRET "\"}, \"two.example\": {\"algorithm\": "                    \
    "\"hmac-sha512\", \"secret\": \"" SECRET "\"}}"
#define ALL(OPTIONS) KEYS ", \"zone_options\": {\"*\": {" OPTIONS "}}"

static void expect_prefix(const struct conf_transfer_peer *peer, const char *prefix, int key, bool deny)
{
    struct addr_prefix expected;
    assert_int_equal(addr_parse_prefix(prefix, &expected), 0);
    assert_true(addr_equal(&peer->prefix.addr, &expected.addr));
    assert_int_equal(peer->prefix.len, expected.len);
    assert_int_equal(peer->key, key);
    assert_int_equal(peer->deny, deny);
}

static void keys_arrive(void **state)
{
    (void)state;
    write_file("secret", SECRET "\n", 0600);
    struct conf_server *s = load_good(KEYS);
    assert_int_equal(s->key_count, 2);
    assert_string_equal(s->keys[0].name, "one.");
    assert_memory_equal(s->keys[0].wire, "\3one", 5);
    assert_int_equal(s->keys[0].algorithm, DNS_TSIG_HMAC_SHA256);
    assert_int_equal(s->keys[0].secret_len, 16);
    assert_memory_equal(s->keys[0].secret, "0123456789abcdef", 16);
    assert_int_equal(s->keys[1].algorithm, DNS_TSIG_HMAC_SHA512);
    conf_free_server(s);
    s = load_good("\"keys\": {\"one\": {\"secret_file\": \"secret\"}}");
    assert_memory_equal(s->keys[0].secret, "0123456789abcdef", 16);
    conf_free_server(s);
}

static void keys_are_checked(void **state)
{
    (void)state;
    expect_error(
        "\"keys\": {\"a\": {}}",
        "steerd.json:2:15: error: found no secret, expected \"secret\" or \"secret_file\" (at $.keys.a)");
    expect_error("\"keys\": {\"a\": {\"secret\": \"MTIz\\n\"}}",
                 "steerd.json:2:26: error: this is no secret, expected base64 of 1 to 512 octets (at "
                 "$.keys.a.secret)");
    expect_error("\"keys\": {\"a\": {\"secret\": 5}}",
                 "steerd.json:2:26: error: this is no secret, expected base64 of 1 to 512 octets (at "
                 "$.keys.a.secret)");
    expect_error("\"keys\": {\"a\": {\"secret_file\": \"none\"}}",
                 "steerd.json:2:31: error: the file none cannot be read: No such file or directory (at "
                 "$.keys.a.secret_file)");
    write_file("secret", "a word that is secret", 0600);
    expect_error(
        "\"keys\": {\"a\": {\"secret_file\": \"secret\"}}",
        "steerd.json:2:31: error: the file secret holds no secret, expected base64 of 1 to 512 octets (at "
        "$.keys.a.secret_file)");
    expect_error("\"keys\": {\"a\": {\"secret\": \"" SECRET "\"}, \"A.\": {\"secret\": \"" SECRET "\"}}",
                 "steerd.json:2:55: error: the key \"A.\" is there already (at $.keys[\"A.\"])");
    expect_error(
        "\"keys\": {\"a..b\": {\"secret\": \"" SECRET "\"}}",
        "steerd.json:2:10: error: \"a..b\" is no name of a key, expected a domain name of at most 64 octets "
        "(at $.keys[\"a..b\"])");
    expect_error("\"keys\": {\"a\": {\"algorithm\": \"hmac-md5\", \"secret\": \"" SECRET "\"}}",
                 "steerd.json:2:29: error: found \"hmac-md5\", expected \"hmac-sha256\", \"hmac-sha384\" or "
                 "\"hmac-sha512\" (at $.keys.a.algorithm)");
    expect_error(
        "\"max_transfers\": 0",
        "steerd.json:2:18: error: found 0, expected a whole number from 1 to 10000 (at $.max_transfers)");
}

static void weak_secrets_are_told(void **state)
{
    (void)state;
    struct report *report = report_new();
    write_file("secret", SECRET, 0604);
    struct conf_server *s =
        load("\"keys\": {\"a\": {\"secret\": \"MTIz\"}, \"b\": {\"secret_file\": \"secret\"}}", report);
    static const char *const lines[] = {"steerd.json:2:10: warning: the secret has 3 octets, expected at "
                                        "least 16: it can be guessed (at $.keys.a)",
                                        "steerd.json:2:41: warning: everybody can use the file secret: it "
                                        "holds a secret, expected mode 0640 or "
                                        "narrower (at $.keys.b.secret_file)",
                                        NULL};
    expect_report(report, lines);
    conf_free_server(s);
}

static void peers_arrive(void **state)
{
    (void)state;
    struct conf_server *s = load_good(ALL("\"transfer_to\": [\"!192.0.2.66\", \"192.0.2.0/24\", {\"prefix\": "
                                          "\"2001:db8::/32\", \"key\": \"ONE\"}, "
                                          "{\"key\": \"two.example.\"}]"));
    const struct conf_zone_options *o = s->zones[1].options;
    assert_int_equal(o->transfer_to_count, 5);
    expect_prefix(&o->transfer_to[0], "192.0.2.66", CONF_NO_KEY, true);
    expect_prefix(&o->transfer_to[1], "192.0.2.0/24", CONF_NO_KEY, false);
    expect_prefix(&o->transfer_to[2], "2001:db8::/32", 0, false);
    expect_prefix(&o->transfer_to[3], "0.0.0.0/0", 1, false);
    expect_prefix(&o->transfer_to[4], "::/0", 1, false);
    conf_free_server(s);
    s = load_good(KEYS ", \"zone_options\": {\"*\": {\"transfer_to\": \"192.0.2.1\"}, \"a.example\": "
                       "{\"transfer_to\": []}, \"b.example\": {\"notify\": {\"address\": \"::1\"}}}");
    assert_int_equal(s->zones[0].options->transfer_to_count, 0);
    assert_int_equal(s->zones[1].options->transfer_to_count, 1);
    assert_int_equal(s->max_transfers, 100);
    conf_free_server(s);
}

static void secondaries_arrive(void **state)
{
    (void)state;
    struct conf_server *s =
        load_good(ALL("\"notify\": [\"192.0.2.1\", {\"address\": \"[2001:db8::1]:5353\", \"key\": \"one\"}, "
                      "\"2001:db8::1\"]"));
    const struct conf_zone_options *o = s->zones[0].options;
    char text[ADDR_TEXT_SIZE];
    assert_int_equal(o->notify_count, 3);
    assert_string_equal(addr_write_port(&o->notify[0].at, text), "192.0.2.1:53");
    assert_string_equal(addr_write_port(&o->notify[1].at, text), "[2001:db8::1]:5353");
    assert_string_equal(addr_write_port(&o->notify[2].at, text), "[2001:db8::1]:53");
    assert_int_equal(o->notify[0].key, CONF_NO_KEY);
    assert_int_equal(o->notify[1].key, 0);
    conf_free_server(s);
}

static void serials_follow_what_is_rendered(void **state)
{
    (void)state;
    struct conf_server *s = load_good(KEYS);
    assert_false(s->zones[0].options->renders_steered);
    assert_int_equal(s->zones[0].options->serial, CONF_SERIAL_FILE);
    conf_free_server(s);
    s = load_good(KEYS ", \"zone_options\": {\"*\": {\"transfer_steered\": \"rendered\"}, \"a.example\": "
                       "{\"serial\": \"unixtime\"}, \"b.example\": {\"transfer_steered\": \"static\"}}");
    assert_true(s->zones[0].options->renders_steered);
    assert_int_equal(s->zones[0].options->serial, CONF_SERIAL_UNIXTIME);
    assert_false(s->zones[1].options->renders_steered);
    assert_int_equal(s->zones[1].options->serial, CONF_SERIAL_FILE);
    conf_free_server(s);
    s = load_good(ALL("\"transfer_steered\": \"rendered\""));
    assert_int_equal(s->zones[0].options->serial, CONF_SERIAL_AUTO);
    conf_free_server(s);
}

static void options_are_checked(void **state)
{
    (void)state;
    expect_error("\"zone_options\": {\"*\": {\"transfer_to\": {\"key\": \"one\"}}}",
                 "steerd.json:2:47: error: there is no key \"one\", expected one of \"keys\" (at "
                 "$.zone_options[\"*\"].transfer_to.key)");
    expect_error(
        "\"zone_options\": {\"*\": {\"transfer_to\": [5]}}",
        "steerd.json:2:40: error: found 5, expected a prefix such as \"192.0.2.0/24\" or \"!2001:db8::1\", "
        "or an object with \"prefix\", \"key\" or both (at $.zone_options[\"*\"].transfer_to[0])");
    expect_error("\"zone_options\": {\"*\": {\"transfer_to\": {}}}",
                 "steerd.json:2:39: error: found an object, expected a prefix such as \"192.0.2.0/24\" or "
                 "\"!2001:db8::1\", or an object with \"prefix\", \"key\" or both (at "
                 "$.zone_options[\"*\"].transfer_to)");
    expect_error("\"zone_options\": {\"*\": {\"notify\": [\"a.example\"]}}",
                 "steerd.json:2:35: error: found \"a.example\", expected an address such as \"192.0.2.1\" or "
                 "\"[2001:db8::1]:5353\", or an object with \"address\" and \"key\" (at "
                 "$.zone_options[\"*\"].notify[0])");
    expect_error(
        "\"zone_options\": {\"*\": {\"notify\": [\"::1\", \"[::1]:53\"]}}",
        "steerd.json:2:42: error: this secondary is listed twice (at $.zone_options[\"*\"].notify[1])");
    expect_error(
        "\"zone_options\": {\"*\": {\"transfer_steered\": \"rendered\", \"serial\": \"file\"}}",
        "steerd.json:2:23: error: found \"transfer_steered\": \"rendered\" with \"serial\": \"file\", "
        "expected \"auto\" or \"unixtime\": what is rendered changes without the file (at "
        "$.zone_options[\"*\"])");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_arrive),           cmocka_unit_test(keys_are_checked),
        cmocka_unit_test(weak_secrets_are_told), cmocka_unit_test(peers_arrive),
        cmocka_unit_test(secondaries_arrive),    cmocka_unit_test(serials_follow_what_is_rendered),
        cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests_name("conf transfer", tests, enter_folder, leave_folder);
}

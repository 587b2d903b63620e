/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerprobe keeps, and what it is given on the command line: places, tokens, enrolments. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "steerprobe/enrol.h"
#include "steerprobe/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FINGERPRINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SECRET      "00112233445566778899aabbccddeeff"

static void places(void **state)
{
    static const struct {
        const char *text, *written; /* NULL: it is none */
    } cases[] = {
        {"ns1.example:5307", "ns1.example:5307"},
        {"192.0.2.1:1", "192.0.2.1:1"},
        {"[2001:DB8::1]:53", "[2001:db8::1]:53"},
        {"a:65535", "a:65535"},
        {"a:65536", NULL},
        {"a:0", NULL},
        {"a", NULL},
        {":53", NULL},
        {"a:", NULL},
        {"a:5x", NULL},
        {"a b:53", NULL},
        {"../x:53", NULL},
        {"a/b:53", NULL},
        {"", NULL},
        {"192.0.2.1:0", NULL},
        {"a:+5", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state_place place;
        char text[STATE_PLACE_SIZE];
        int error = state_parse_place(cases[i].text, &place);
        if ((error == 0) != (cases[i].written != NULL)) {
            fail_msg("\"%s\": %d", cases[i].text, error);
        }
        if (error == 0) {
            assert_string_equal(state_write_place(&place, text), cases[i].written);
        }
    }
}

static void tokens(void **state)
{
    struct enrol_token token;
    (void)state;
    assert_int_equal(enrol_parse_token("v1.fra-1." SECRET "." FINGERPRINT, &token), 0);
    assert_string_equal(token.name, "fra-1");
    assert_string_equal(token.fingerprint, FINGERPRINT);
    assert_int_equal(enrol_parse_token("v1.a.b.c." SECRET "." FINGERPRINT, &token), 0);
    assert_string_equal(token.name, "a.b.c");
    assert_int_not_equal(enrol_parse_token("v1." SECRET "." FINGERPRINT, &token), 0);
    assert_int_not_equal(enrol_parse_token("v1.." SECRET "." FINGERPRINT, &token), 0);
    assert_int_not_equal(enrol_parse_token("v1.fra-1.00." FINGERPRINT, &token), 0);
    assert_int_not_equal(enrol_parse_token("v2.fra-1." SECRET "." FINGERPRINT, &token), 0);
    assert_int_not_equal(enrol_parse_token("v1.fra-1." SECRET "." FINGERPRINT "0", &token), 0);
    assert_int_not_equal(enrol_parse_token("v1", &token), 0);
    assert_int_not_equal(enrol_parse_token("", &token), 0);
}

static struct enrolment make(const char *place, const char *name)
{
    struct enrolment made = {.name = memory_copy_text(name),
                             .fingerprint = memory_copy_text(FINGERPRINT),
                             .certificate = memory_copy_text("-----BEGIN\n\"x\"\n"),
                             .key = memory_print("key of %s", place)};
    assert_int_equal(state_parse_place(place, &made.place), 0);
    return made;
}

static void put(const char *folder, const char *place, const char *name)
{
    struct enrolment made = make(place, name);
    char *path;
    assert_int_equal(state_write(folder, &made, &path), 0);
    free(path);
    state_fini_enrolment(&made);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char *path = memory_print("%s/servers/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static void remove_all(const char *folder)
{
    char *command = memory_print("rm -rf '%s'", folder);
    assert_int_equal(system(command), 0); /* NOLINT: a name that mkdtemp() made */
    free(command);
}

static void what_is_written_is_read(void **state)
{
    char folder[] = "/tmp/test_probe_state.XXXXXX";
    struct enrolment found[STATE_SERVERS_MAX], same = make("[2001:db8::1]:53", "fra-1");
    struct report *report = report_new();
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(state_look(folder), 0);
    assert_int_equal(state_read(folder, report, found), 0);
    assert_int_equal(report_errors(report), 0);
    put(folder, "[2001:db8::1]:53", "fra-1");
    put(folder, "a.example:53", "fra-2");
    uint64_t seen = state_look(folder);
    assert_int_equal(state_read(folder, report, found), 2);
    assert_true(state_is_equal(&found[0], &same));
    assert_string_equal(found[1].name, "fra-2");
    assert_false(state_is_equal(&found[0], &found[1]));
    state_fini_enrolment(&found[0]);
    state_fini_enrolment(&found[1]);
    assert_int_equal(state_look(folder), seen);
    assert_int_equal(state_remove(folder, &same.place), 0);
    assert_int_equal(state_remove(folder, &same.place), -ENOENT);
    assert_int_not_equal(state_look(folder), seen);
    assert_int_equal(state_read(folder, report, found), 1);
    state_fini_enrolment(&found[0]);
    state_fini_enrolment(&same);
    report_free(report);
    remove_all(folder);
}

static void write_at(const char *folder, const char *place, const char *name, time_t when)
{
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    char *path = memory_print("%s/servers/%s.json", folder, place);
    put(folder, place, name);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

/* The one of the latest enrolment by that name; enrolled again there it gets another one. */
static void one_key_for_servers_that_share(void **state)
{
    static const struct {
        const char *place, *name, *expected;
    } cases[] = {
        {"c.example:53", "fra-1", "key of b.example:53"},
        {"a.example:53", "fra-1", "key of b.example:53"},
        {"b.example:53", "fra-1", NULL},
        {"d.example:53", "fra-2", "key of d.example:5"},
        {"c.example:53", "fra-3", NULL},
    };
    char folder[] = "/tmp/test_probe_state.XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    write_at(folder, "b.example:53", "fra-1", 2000);
    write_at(folder, "a.example:53", "fra-1", 1000);
    write_at(folder, "d.example:5", "fra-2", 3000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct state_place place;
        struct enrolment found = {.name = NULL};
        assert_int_equal(state_parse_place(cases[i].place, &place), 0);
        if (state_find_key(folder, cases[i].name, &place, &found) != (cases[i].expected != NULL)) {
            fail_msg("%s at %s", cases[i].name, cases[i].place);
        }
        if (cases[i].expected != NULL) {
            assert_string_equal(found.key, cases[i].expected);
            assert_non_null(found.certificate);
        }
        state_fini_enrolment(&found);
    }
    remove_all(folder);
}

static void what_is_broken_is_said(void **state)
{
    static const struct {
        const char *name, *text, *message;
    } cases[] = {
        {"1.json", "{", "expected"},
        {"2.json", "{\"server\":\"x\"}", "HOST:PORT"},
        {"3.json",
         "{\"server\":\"x:1\",\"name\":\"n\",\"fingerprint\":\"0\",\"certificate\":\"c\",\"key\":\"k\"}",
         "64 hexadecimal"},
        {"4.json", "{\"colour\":1}", "colour"},
    };
    char folder[] = "/tmp/test_probe_state.XXXXXX";
    struct enrolment found[STATE_SERVERS_MAX];
    (void)state;
    assert_non_null(mkdtemp(folder));
    put(folder, "a.example:53", "fra-1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct report *report = report_new();
        bool is_said = false;
        write_file(folder, cases[i].name, cases[i].text);
        assert_int_equal(state_read(folder, report, found), 1);
        state_fini_enrolment(&found[0]);
        for (size_t j = 0; j < report_count(report); j++) {
            is_said |= strstr(report_get(report, j)->place.file, cases[i].name) != NULL &&
                       strstr(report_get(report, j)->message, cases[i].message) != NULL;
        }
        if (!is_said) {
            report_write(report, stderr);
            fail_msg("%s", cases[i].message);
        }
        report_free(report);
        write_file(folder, cases[i].name, ""); /* the next one is to be found */
        char *path = memory_print("%s/servers/%s", folder, cases[i].name);
        assert_int_equal(unlink(path), 0);
        free(path);
    }
    remove_all(folder);
}

static void it_cannot_be_written(void **state)
{
    char *path;
    struct enrolment made = make("a.example:53", "fra-1");
    (void)state;
    assert_int_equal(state_write("/dev/null", &made, &path), -ENOTDIR);
    free(path);
    assert_true(state_write("/nonexistent/folder", &made, &path) < 0);
    assert_string_equal(path, "/nonexistent/folder/servers/a.example:53.json");
    free(path);
    state_fini_enrolment(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places),
        cmocka_unit_test(tokens),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(one_key_for_servers_that_share),
        cmocka_unit_test(what_is_broken_is_said),
        cmocka_unit_test(it_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

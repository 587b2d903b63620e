/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The real steerctl against the real HTTP layer over a made-up world: words, exit codes, output. The program
 * runs as a child while this process serves it. */
#include "config.h"

#include "admin_world.h"

#include "base/error.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

static const char *program(void)
{
    const char *given = getenv("STEERCTL");
    return given != NULL ? given : "src/steerctl";
}

/* The child: words split at "|". Does not return. */
static void become(const char *line, int out, int err)
{
    char *copy = strdup(line), *words[32] = {(char *)(uintptr_t) "steerctl"};
    size_t count = 1;
    for (char *word = strtok(copy, "|"); word != NULL && count < 31; word = strtok(NULL, "|")) {
        words[count++] = word;
    }
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execv(program(), words);
    _exit(126);
}

static bool drain(int fd, struct buffer *to)
{
    char bytes[4096];
    ssize_t n;
    while ((n = read(fd, bytes, sizeof bytes)) > 0) {
        buffer_add(to, bytes, (size_t)n);
    }
    return n == 0;
}

/* Run it and serve it until it has ended; its exit code. */
static int run(struct world *w, const char *line)
{
    int out[2], err[2], status;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    assert_int_equal(pipe2(err, O_CLOEXEC), 0);
    buffer_fini(&w->out);
    buffer_fini(&w->err);
    buffer_add_text(&w->out, "");
    buffer_add_text(&w->err, "");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        become(line, out[1], err[1]);
    }
    close(out[1]);
    close(err[1]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    bool out_ended = false, err_ended = false;
    while (!out_ended || !err_ended) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        if (w->fake.done != NULL) {
            struct report *report = report_new();
            report_add(report, REPORT_ERROR, &(struct report_place){.file = "a.json", .line = 3, .column = 4},
                       "found x");
            fake_reload_ends(&w->fake,
                             &(struct admin_reload_result){.error = w->fake.reloads == 1 ? ERROR_INVALID : 0,
                                                           .generation = 7,
                                                           .report = w->fake.reloads == 3 ? NULL : report});
            report_free(report);
        }
        out_ended = drain(out[0], &w->out);
        err_ended = drain(err[0], &w->err);
        usleep(500);
    }
    close(out[0]);
    close(err[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_has(const struct buffer *heard, const char *part)
{
    if (strstr(heard->bytes, part) == NULL) {
        fail_msg("expected \"%s\" in:\n%s", part, heard->bytes);
    }
}

static void lists_and_shows(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "status"), 0);
    assert_has(&w->out, "generation    7");
    assert_has(&w->out,
               "/run/noc.json refused: line 3, column 5: found \"dwon\"; what it said before stands\n");
    assert_has(&w->out, "/run/unread unread\n");
    assert_null(strstr(w->out.bytes, "/run/other"));
    assert_int_equal(run(w, "endpoints"), 0);
    assert_has(&w->out, "web-3     eu-west-1a  eu-west  healthy");
    assert_int_equal(run(w, "endpoints|--region|us-east"), 0);
    assert_null(strstr(w->out.bytes, "web-3"));
    assert_int_equal(run(w, "--json|azs"), 0);
    json_t *json = json_loads(w->out.bytes, 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "items")), 2);
    json_decref(json);
    assert_int_equal(run(w, "show|endpoint:web-2"), 0);
    assert_has(&w->out, "2001:db8::2");
    assert_has(&w->out, "192.0.2.1:8080");
    assert_int_equal(run(w, "regions|us-east|--json"), 0);
    assert_has(&w->out, "\"name\": \"us-east\"");
    assert_int_equal(run(w, "zones"), 0);
    assert_has(&w->out, "example.com.");
    assert_int_equal(run(w, "names"), 0);
    assert_has(&w->out, "A AAAA");
    assert_has(&w->out, "weighted  3        us-east > eu-west, else static\n");
    assert_int_equal(run(w, "explain|www.example.com|AAAA|--client|192.0.2.7"), 0);
    assert_has(&w->out, "1. found a zone");
    assert_int_equal(run(w, "metrics"), 0);
    assert_string_equal(w->out.bytes, "# TYPE steerd_up gauge\nsteerd_up 1\n");
    assert_int_equal(run(w, "metrics|--json"), 0);
    assert_string_equal(w->out.bytes, "{\n  \"metrics\": \"# TYPE steerd_up gauge\\nsteerd_up 1\\n\"\n}\n");
}

static void overrides(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "drain|region:us-east|--reason|storm|--for|30m|--actor|alice"), 0);
    assert_has(&w->out, "region:us-east is ");
    assert_string_equal(w->fake.overrides[HEALTH_REGION][0].actor, "alice");
    assert_true(w->fake.overrides[HEALTH_REGION][0].expires_ms - w->fake.overrides[HEALTH_REGION][0].set_ms ==
                1800000);
    assert_int_equal(run(w, "overrides"), 0);
    assert_has(&w->out, "region:us-east  drain");
    assert_int_equal(run(w, "--dry-run|auto|region:us-east"), 0);
    assert_has(&w->out, "would be");
    assert_int_equal(w->fake.puts, 1);
    assert_int_equal(run(w, "auto|region:us-east"), 0);
    assert_null(w->fake.targets[HEALTH_REGION][0].override);
    assert_int_equal(run(w, "drain|region:eu-west|--reason|it's late"), 1);
    assert_has(&w->err, "would leave 2 names without anybody who serves them");
    assert_has(&w->err, "  www.example.com. A AAAA (class default)\n  and 1 more\n");
    assert_has(&w->err, "drain region:eu-west --reason 'it'\\''s late' --yes-unserved\n");
    assert_int_equal(w->fake.puts, 2);
    assert_int_equal(run(w, "drain|region:eu-west|--reason|it's late|--yes-unserved"), 0);
    assert_int_equal(w->fake.puts, 3);
    assert_int_equal(run(w, "down|endpoint:web-1|--reason|x|--until|2020-01-01T00:00:00Z"), 1);
    assert_has(&w->err, "  --until: found 2020-01-01T00:00:00Z, expected a time in the future");
}

static void planned_overrides(void **state)
{
    struct world *w = *state;
    const struct health_override *override = &w->fake.overrides[HEALTH_REGION][0];
    assert_int_equal(run(w, "drain|region:us-east|--reason|move|--in|10m|--for|30m|--dry-run"), 0);
    assert_has(&w->out, "region:us-east would be healthy, decided by verdict; drain would be planned for ");
    assert_has(&w->out, "WOULD CHANGE THEN");
    assert_has(&w->out, "endpoint:web-2     healthy  drained");
    assert_int_equal(w->fake.puts, 0);
    assert_int_equal(run(w, "drain|region:us-east|--reason|move|--in|10m|--for|30m"), 0);
    assert_has(&w->out, "region:us-east is healthy, decided by verdict; drain is planned for ");
    assert_int_equal(override->starts_ms - override->set_ms, 600000);
    assert_int_equal(override->expires_ms - override->starts_ms, 1800000);
    assert_int_equal(run(w, "overrides"), 0);
    assert_has(&w->out, "STARTS");
    assert_has(&w->out, "  in 9m");
    assert_int_equal(run(w, "show|region:us-east"), 0);
    assert_has(&w->out, "  starts      2");
    assert_int_equal(run(w, "status"), 0);
    assert_has(&w->out, "  planned     1");
    assert_int_equal(run(w, "drain|region:us-east|--reason|x|--at|2999-01-01T00:00:00Z"), 0); /* instead */
    assert_has(&w->out, "planned for 2999-01-01T00:00:00.000Z, until it is removed");
    assert_int_equal(run(w, "drain|region:us-east|--reason|x|--in|1m|--at|2999-01-01T00:00:00Z"), 2);
    assert_int_equal(run(w, "auto|region:us-east|--in|1m"), 2);
    assert_int_equal(run(w, "drain|region:us-east|--reason|now|--actor|bob"), 0);
    assert_int_equal(run(w, "down|region:us-east|--reason|later|--in|1h"), 1);
    assert_has(&w->err,
               "drain of region \"us-east\" by bob is in force until it is removed: remove it first");
    assert_int_equal(run(w, "down|region:us-east|--reason|later|--in|1h|--dry-run"), 1);
    assert_has(&w->err, "is in force until it is removed");
    assert_int_equal(override->desired, HEALTH_DESIRED_DRAIN);
}

static void loads(void **state)
{
    static const struct conf_load marks = {.is_given = true, .low = 0.5, .high = 1, .max_age_ms = 60000};
    struct world *w = *state;
    struct health_load_status *load = &w->fake.targets[HEALTH_ENDPOINT][0].status.load;
    w->fake.endpoints[0].load = &marks;
    assert_int_equal(run(w, "load|endpoint:web-1|0.75|--for|30s|--actor|alice"), 0);
    assert_string_equal(w->out.bytes, "endpoint:web-1 has load 0.75, sheds 50 % of its weight\n");
    assert_int_equal(load->until_ms - load->reported_ms, 30000);
    assert_string_equal(load->actor, "alice");
    assert_int_equal(run(w, "endpoints"), 0);
    assert_has(&w->out, "50 %");
    assert_int_equal(run(w, "show|endpoint:web-1"), 0);
    assert_has(&w->out, "sheds       50 %");
    assert_has(&w->out, "watermarks  0.5 to 1");
    assert_int_equal(run(w, "load|--dry-run|endpoint:web-1|1"), 0);
    assert_string_equal(w->out.bytes, "endpoint:web-1 would have load 1, would shed 25 % of its weight\n");
    assert_true(load->value == 0.75);
    assert_int_equal(run(w, "load|endpoint:web-1|forget|--actor|bob"), 0);
    assert_string_equal(w->out.bytes, "endpoint:web-1 has no load, sheds 0 % of its weight\n");
    assert_string_equal(load->actor, "bob");
    assert_int_equal(run(w, "load|endpoint:web-2|3"), 0);
    assert_string_equal(w->out.bytes, "endpoint:web-2 has load 3; without watermarks it sheds nothing\n");
    assert_int_equal(run(w, "load|az:us-east-1a|1"), 2);
    assert_int_equal(run(w, "load|endpoint:web-1|high"), 2);
    assert_int_equal(run(w, "load|endpoint:web-1|inf"), 2);
    assert_int_equal(run(w, "load|endpoint:web-1|forget|--for|3s"), 2);
    assert_int_equal(run(w, "load|endpoint:web-1|1|--reason|x"), 2);
    assert_int_equal(run(w, "load|endpoint:web-9|1"), 4);
    assert_int_equal(run(w, "load|endpoint:web-1|1|--for|1ms"), 1);
    assert_has(&w->err, "  --for: found \"1ms\", expected a duration from 1s to 24h");
}

static void exit_codes(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, ""), 2);
    assert_int_equal(run(w, "frobnicate"), 2);
    assert_int_equal(run(w, "status|--lose|az:x"), 2);
    assert_int_equal(run(w, "show|nonsense"), 2);
    assert_int_equal(run(w, "drain|az:us-east-1a"), 2);
    assert_int_equal(run(w, "--nothing"), 2);
    assert_int_equal(run(w, "endpoints|web-1|--az|x"), 2);
    assert_int_equal(run(w, "-s|/nonexistent/socket|status"), 3);
    assert_has(&w->err, "/nonexistent/socket");
    assert_int_equal(run(w, "show|az:nowhere"), 4);
    assert_has(&w->err, "there is no az \"nowhere\"");
    assert_int_equal(run(w, "endpoints|--region|nowhere"), 4);
    assert_int_equal(run(w, "version"), 0);
}

static void meant_words(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "drian|region:us-east"), 2);
    assert_has(&w->err, "there is no verb \"drian\", did you mean \"drain\"?");
    assert_int_equal(run(w, "help|endpoint"), 2);
    assert_has(&w->err, "did you mean \"endpoints\"?");
    assert_int_equal(run(w, "drain|region:us-east|--raeson|x"), 2);
    assert_has(&w->err, "there is no option --raeson, did you mean --reason?");
    assert_int_equal(run(w, "drain|region:us-east|--raeson=x"), 2);
    assert_has(&w->err, "there is no option --raeson, did you mean --reason?");
    assert_int_equal(run(w, "drain|region:us-east|--reason"), 2);
    assert_has(&w->err, "--reason needs a value");
    assert_int_equal(run(w, "drain|region:us-east|--dry-run=x"), 2);
    assert_has(&w->err, "--dry-run takes no value");
    assert_int_equal(run(w, "status|-x"), 2);
    assert_has(&w->err, "there is no option -x");
    assert_int_equal(run(w, "drain|region:us-eats|--reason|x"), 4);
    assert_has(&w->err, "  did you mean region:us-east?\n");
    assert_int_equal(run(w, "show|az:mars"), 4);
    assert_has(&w->err, "  there are us-east-1a, eu-west-1a\n");
    assert_int_equal(run(w, "endpoints|web-11"), 4);
    assert_has(&w->err, "  did you mean endpoint:web-1?\n");
    assert_int_equal(run(w, "load|endpoint:web1|1"), 4);
    assert_has(&w->err, "  did you mean endpoint:web-1?\n");
    assert_int_equal(run(w, "endpoints|--region|us-eats"), 4);
    assert_has(&w->err, "  --region: found \"us-eats\"");
    assert_has(&w->err, "  did you mean region:us-east?\n");
    assert_int_equal(run(w, "what-if|az|us-east-1b|down"), 4);
    assert_has(&w->err, "  did you mean az:us-east-1a?\n");
    assert_int_equal(run(w, "reload|exmaple.com"), 4);
    assert_has(&w->err, "  did you mean example.com.?\n");
}

static void helps(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "help"), 0);
    assert_has(&w->out, "\n  what-if                     show the effect");
    assert_int_equal(run(w, "help|drain"), 0);
    assert_has(&w->out, "usage: steerctl drain TARGET --reason TEXT [OPTION...]\n\nSends no traffic to");
    assert_has(&w->out, "\n  --until TIME            it ends at this time\n");
    assert_has(&w->out, "\n  steerctl drain region:us-east --reason");
    assert_null(strstr(w->out.bytes, "--client"));
    assert_int_equal(run(w, "drain|--help"), 0);
    assert_has(&w->out, "usage: steerctl drain TARGET");
    assert_int_equal(run(w, "--help"), 0);
    assert_has(&w->out, "usage: steerctl [OPTION...] VERB");
}

static void reload(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "reload"), 1); /* refused as a whole */
    assert_has(&w->err, "  a.json:3:4: found x");
    assert_int_equal(run(w, "reload"), 1); /* done in part */
    assert_has(&w->out, "generation 7 serves");
    assert_has(&w->err, "  a.json:3:4: found x");
    assert_int_equal(run(w, "reload|--json"), 0);
    assert_has(&w->out, "\"errors\": []");
}

static void drills(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "drill|simulate|--lose|region:us-east|--failure|refused|--from|healthy"), 1);
    assert_string_equal(w->fake.last_failure, "refused");
    assert_false(w->fake.last_from_live);
    assert_string_equal(w->out.bytes, "region:us-east lost\nFAILED: recovery 37.5 s? misses\n");
    assert_int_equal(run(w, "drill|simulate|--lose|az:us-east-1a"), 2);
    assert_has(&w->err, "  --lose: found \"az:us-east-1a\"");
    assert_int_equal(run(w, "drill|simulate"), 2);
    assert_int_equal(run(w, "drill|live|--lose|az:x"), 2);
}

static void what_ifs(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "what-if|region|us-east|down|region:eu-west|drained|region:x=up"), 0);
    assert_has(&w->out, "assumed       region:us-east=down region:eu-west=drained region:x=up");
    assert_has(&w->out, "eu-west        0 % -> 50 %   1000      0 % -> 180 % OVER");
    assert_has(&w->out, "(no endpoint)  0 % -> 50 %   -         -");
    assert_has(&w->out, "www.example.com. shop.example.com. a.example.com. and 4 more");
    assert_has(&w->out, "1800 -> -");
    assert_has(&w->out, "... 1 of 2 rows");
    assert_int_equal(run(w, "what-if|region:us-east=down|--json|--traffic|12"), 0);
    assert_has(&w->out, "\"traffic\": 12.0");
    assert_int_equal(run(w, "what-if|region|us-east"), 2);
    assert_has(&w->err, "at \"region\": expected region NAME STATE");
    assert_int_equal(run(w, "what-if|--traffic|1x"), 2);
    assert_int_equal(run(w, "what-if|az|nowhere|down"), 4);
    assert_has(&w->err, "  assumption: found \"az:nowhere=down\", expected the name of");
    assert_int_equal(run(w, "explain|www.example.com|--assume|region:us-east=down"), 0);
    assert_has(&w->out, "one answer now:");
    assert_has(&w->out, "one answer then:");
    assert_int_equal(run(w, "explain|www.example.com|--assume|region:us-east"), 1);
    assert_has(&w->err, "  --assume: found \"region:us-east\", expected region:NAME=STATE");
    assert_int_equal(run(w, "status|--assume|region:us-east=down"), 2);
}

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static void histories(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "history"), 0);
    assert_has(&w->out, "  bob [uid:7(eve)]  region:us-east  drain -> auto    -\n");
    assert_has(&w->out, "  steerd            drill d1        made             storm\n");
    assert_null(strstr(w->out.bytes, "there are older ones"));
    assert_int_equal(run(w, "history|region:us-east|--limit|1|--since|2h|--actor|bob"), 0);
    assert_has(&w->out, "... there are older ones");
    assert_int_equal(run(w, "history|--json|--limit|1"), 0);
    assert_has(&w->out, "\"next_cursor\": \"2\"");
    assert_has(&w->out, "\"hash\": \"ab" ZEROS "\"");
    assert_int_equal(run(w, "history|--json"), 0);
    assert_has(&w->out, "\"after\": \"not JSON\"");
    assert_int_equal(run(w, "history|us-east"), 2);
    assert_int_equal(run(w, "history|--limit|none"), 2);
    assert_int_equal(run(w, "history|--since|noon"), 1);
    assert_has(&w->err, "  --since: found \"noon\", expected a time such as");
    assert_int_equal(run(w, "history|--actor|nobody"), 1);
    assert_has(&w->err, "There is no journal that can be read: the disk is gone");
}

static void audits(void **state)
{
    struct world *w = *state;
    assert_int_equal(run(w, "audit|verify"), 0);
    assert_string_equal(w->out.bytes, "journal       whole\nentries       2\nlast          2:ab" ZEROS "\n");
    assert_int_equal(run(w, "audit|verify|--anchor|7:ab" ZEROS), 6);
    assert_has(&w->out, "journal       BROKEN\nwhere         entry 7\nwhy           it is missing\n");
    assert_has(&w->out, "anchor        7:ab" ZEROS "\n");
    assert_int_equal(run(w, "audit|verify|--json|--anchor|7:AB" ZEROS), 6);
    assert_has(&w->out, "\"bad_seq\": 7");
    assert_int_equal(run(w, "audit|verify|--anchor|7:ab"), 1);
    assert_has(&w->err, "  --anchor: found \"7:ab\", expected SEQ:HASH");
    assert_int_equal(run(w, "audit|believe"), 2);
    assert_int_equal(run(w, "audit"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_and_shows, world_open, world_close),
        cmocka_unit_test_setup_teardown(overrides, world_open, world_close),
        cmocka_unit_test_setup_teardown(planned_overrides, world_open, world_close),
        cmocka_unit_test_setup_teardown(loads, world_open, world_close),
        cmocka_unit_test_setup_teardown(exit_codes, world_open, world_close),
        cmocka_unit_test_setup_teardown(meant_words, world_open, world_close),
        cmocka_unit_test_setup_teardown(helps, world_open, world_close),
        cmocka_unit_test_setup_teardown(reload, world_open, world_close),
        cmocka_unit_test_setup_teardown(drills, world_open, world_close),
        cmocka_unit_test_setup_teardown(what_ifs, world_open, world_close),
        cmocka_unit_test_setup_teardown(histories, world_open, world_close),
        cmocka_unit_test_setup_teardown(audits, world_open, world_close),
    };
    return cmocka_run_group_tests_name("steerctl", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rules that the documentation promises, one file each in tests/data/scenarios, run in virtual time by
 * the code that serves. Each of them has to hold, and has to fail without what it shows: a scenario that
 * cannot fail proves nothing. */
#include "config.h"

#include "unit.h"

#include "base/file.h"
#include "base/memory.h"
#include "scenario.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 5, FILES_MAX = 100, SHOWN_MAX = 200, FILE_SIZE_MAX = 100000 };

/* What the documentation promises of verdicts, by the word that asks for it. */
static const char *const promised[] = {
    "rise",
    "fall",
    "window",
    "hold_down",
    "flap",
    "failback",
    "recheck",
    "back_off",
    "stale",
    "start",
    "lost_at",
    "healthy_if",
    "families",
    "at_least",
    "quorum",
    "must_be_healthy",
    "monitoring_only",
    "weight",
    "local",
    "vantages",
    "expires",
    "brake",
    "share",
    "targets",
    "hold",
    "control",
    "ttl",
    "absent",
    "rpo",
    "max_age",
    "stage",
    "lag",
    "load",
    "reload",
    "restart",
    "begins_anew",
};

struct shown {
    char *words[SHOWN_MAX];
    size_t count;
};

static bool is_shown(const struct shown *shown, const char *word)
{
    size_t i = 0;
    while (i < shown->count && strcmp(shown->words[i], word) != 0) {
        i++;
    }
    return i < shown->count;
}

static bool holds(const struct scenario *scenario)
{
    char why[SCENARIO_WHY_SIZE];
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        if (scenario_run(scenario, NULL, seed, why) != SCENARIO_HOLDS) {
            print_error("%s\n", why);
            return false;
        }
    }
    return true;
}

/* And not without what it shows. */
static bool shows(const struct scenario *scenario, struct shown *shown)
{
    char why[SCENARIO_WHY_SIZE];
    bool is_good = true;
    for (const char *const *word = scenario->shows; *word != NULL; word++) {
        if (scenario_run(scenario, *word, 1, why) != SCENARIO_FAILS) {
            print_error("%s: without \"%s\" it does not fail: %s\n", scenario->name, *word, why);
            is_good = false;
        }
        assert_true(shown->count < SHOWN_MAX);
        shown->words[shown->count++] = memory_copy_text(*word);
    }
    return is_good;
}

static bool run_file(const char *name, struct shown *shown)
{
    char path[512], why[SCENARIO_WHY_SIZE];
    struct file file;
    size_t len;
    int code;
    snprintf(path, sizeof path, "%s/scenarios/%s", TEST_DATA, name);
    char *text = file_read_all(path, FILE_SIZE_MAX, &file, &len, &code);
    if (text == NULL) {
        fail_msg("%s: %s", path, file.why);
    }
    struct scenario *scenario = scenario_read(name, text, why);
    if (scenario == NULL) {
        print_error("%s\n", why);
    }
    bool is_good = scenario != NULL && holds(scenario) && shows(scenario, shown);
    scenario_free(scenario);
    free(text);
    return is_good;
}

static int is_scenario(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end != NULL && strcmp(end, ".scenario") == 0;
}

static void what_is_promised_comes_about(void **state)
{
    struct dirent **entries;
    struct shown shown = {.count = 0};
    (void)state;
    int count = scandir(TEST_DATA "/scenarios", &entries, is_scenario, alphasort);
    bool is_good = true;
    assert_in_range(count, 1, FILES_MAX);
    for (int i = 0; i < count; i++) {
        is_good = run_file(entries[i]->d_name, &shown) && is_good;
        free(entries[i]);
    }
    free(entries);
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        if (!is_shown(&shown, promised[i])) {
            print_error("no scenario shows \"%s\"\n", promised[i]);
            is_good = false;
        }
    }
    for (size_t i = 0; i < shown.count; i++) {
        free(shown.words[i]);
    }
    assert_true(is_good);
}

/* ---- a runner that lets everything pass would prove nothing ---- */

#define REGIONS "\"regions\": { \"r\": { \"azs\": { \"a\": {} } } }\n"

#define TOPOLOGY                                                                                             \
    "topology {\n"                                                                                           \
    "  \"regions\": { \"r\": { \"azs\": { \"a\": {} } } },\n"                                                \
    "  \"checks\": { \"web\": { \"type\": \"tcp\", \"port\": 80, \"fall\": 2, \"rise\": 2 } },\n"            \
    "  \"endpoints\": { \"e\": { \"az\": \"a\", \"addresses\": [\"192.0.2.1\"], \"checks\": [\"web\"] } }\n" \
    "}\n"

struct bad {
    const char *steps, *why; /* why: in the message */
};

static void expect_end(const struct bad *bad, enum scenario_end wanted)
{
    char text[2000], why[SCENARIO_WHY_SIZE];
    snprintf(text, sizeof text, "shows fall\n" TOPOLOGY "%s", bad->steps);
    struct scenario *scenario = scenario_read("it", text, why);
    enum scenario_end end = scenario == NULL ? SCENARIO_BROKEN : scenario_run(scenario, NULL, 1, why);
    if (end != wanted || strstr(why, bad->why) == NULL) {
        fail_msg("\"%s\" ends with %d: %s", bad->steps, (int)end, why);
    }
    scenario_free(scenario);
}

static void what_is_not_so_fails(void **state)
{
    static const struct bad all[] = {
        {"result e ok\nexpect e unhealthy\n", "e is healthy, not unhealthy"},
        {"expect e healthy\n", "is unknown, not healthy"},
        {"result e refused 2 times\nexpect a healthy\n", "a is lost"},
        {"0s result e ok\n1s result e refused 2 times\nexpect e unhealthy since 2s\n", "since 1.000 s"},
        {"result e ok\nexpect e healthy held\n", "is not held"},
        {"result e ok\nexpect e healthy stale\n", "is not stale"},
        {"result e refused 2 times\nexpect e unhealthy stays_down flap\n", "because of nothing"},
        {"result e refused 2 times\nexpect e unhealthy decided_by verdict\n", "decided by region_lost"},
        {"result e ok\nexpect changes e 2\n", "there were 1"},
        {"result e ok\nexpect changes e 2 to 3\n", "there were 1"},
        {"run\n10s expect checks e 50 to 60\n", "there were "},
        {"result e ok\nexpect brake holds\n", "the brake rests"},
        {"load e 0.5\nexpect e unknown sheds 50\n", "sheds 0 %, not 50"},
        {"result e ok\nexpect e healthy restored\n", "is not restored"},
        {"result e ok\nrestart\nexpect e unknown\n", "e is healthy, not unknown"},
        {"result e ok\nreload {\n" REGIONS "}\nexpect a healthy\n", "a is unknown, not healthy"},
        {"result e ok\nfailback e\nexpect e healthy\n", "nothing but its results"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        expect_end(&all[i], SCENARIO_FAILS);
    }
}

static void what_is_not_known_is_refused(void **state)
{
    static const struct bad all[] = {
        {"result e ok\n", "something to expect"},
        {"result e ok\nexpect e fine\n", "no state"},
        {"result e ok\nexpect e healthy surely\n", "\"surely\""},
        {"result e ok\nexpect e healthy since\n", "\"since\""},
        {"result e ok\nexpect f healthy\n", "\"f\""},
        {"result e/ftp ok\nexpect e healthy\n", "\"ftp\""},
        {"result e well\nexpect e healthy\n", "\"well\""},
        {"result e ok 2\nexpect e healthy\n", "times"},
        {"result e ok 2 minutes\nexpect e healthy\n", "times"},
        {"resutl e ok\nexpect e healthy\n", "\"resutl\""},
        {"2s result e ok\n1s expect e healthy\n", "before the line above"},
        {"5s\nexpect e unknown\n", "a time alone"},
        {"1s result e ok every 2s until 1s\nexpect e healthy\n", "no times"},
        {"vantage x\nexpect e unknown\n", "expected \"vantage NAME\""},
        {"x says e up\nexpect e unknown\n", "\"x\""},
        {"control 192.0.2.9 ok\nexpect e unknown\n", "no control target"},
        {"expect changes e many\n", "NUMBER"},
        {"expect changes e 2 to\n", "NUMBER"},
        {"load e much\nexpect e unknown\n", "load ENDPOINT NUMBER"},
        {"load a 0.5\nexpect e unknown\n", "load ENDPOINT NUMBER"},
        {"expect e unknown sheds half\n", "a percentage"},
        {"lag r 5s\nexpect e unknown\n", "\"5s\""},
        {"lag r r 5s\nexpect e unknown\n", "does not replicate"},
        {"expect lag r r kept\n", "does not replicate"},
        {"reload\nexpect e unknown\n", "reload {"},
        {"reload {\n\"regions\": 7\n}\nexpect e unknown\n", "regions"},
        {"reload {\nexpect e unknown\n", "without an end"},
        {"restart 5s\nexpect e unknown\n", "restart after TIME"},
        {"expect\n", "what?"},
        {TOPOLOGY "expect e unknown\n", "twice"},
        {"server {\n\"vantagse\": {}\n}\nexpect e unknown\n", "vantagse"},
        {"server {\n\"vantages\": {}\n", "without an end"},
        {"server {\n\"vantages\" {}\n}\n", "it:"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        expect_end(&all[i], SCENARIO_BROKEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_promised_comes_about),
        cmocka_unit_test(what_is_not_so_fails),
        cmocka_unit_test(what_is_not_known_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

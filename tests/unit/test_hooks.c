/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hooks of switches, with the real steerd-exec: those before are asked one after the other, and one that
 * fails or takes too long stops a planned switch, and never an emergency; those after are told. */
#include "config.h"

#include "base/arena.h"
#include "events/bell.h"
#include "events/stream.h"
#include "herald/hooks.h"
#include "unit.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scene {
    struct event_base *base;
    struct stream *stream;
    struct bell bell;
    struct hooks *hooks;
    size_t said;
    bool may_go_on;
    char hook[64], why[256];
};

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){.base = event_base_new(), .stream = stream_new(64)};
    assert_int_equal(bell_init(&scene->bell), 0);
    stream_add_waker(scene->stream, bell_ring, &scene->bell);
    scene->hooks = hooks_open(&(struct hooks_options){
        .base = scene->base, .stream = scene->stream, .bell = &scene->bell, .program = "src/steerd-exec"});
    assert_non_null(scene->hooks);
}

static void close_scene(struct scene *scene)
{
    hooks_close(scene->hooks);
    bell_fini(&scene->bell);
    stream_free(scene->stream);
    event_base_free(scene->base);
}

/* Each is a command of the shell. */
struct wish {
    const char *name, *text;
    enum conf_hook_when when;
    uint32_t timeout_ms;
};

static void configure(struct scene *scene, const struct wish *wishes, size_t count)
{
    struct conf_hook confs[4] = {{.name = NULL}};
    struct exec_ask asks[4];
    const char *words[4][3];
    static const char *const variables[] = {"PATH=/usr/bin:/bin"};
    for (size_t i = 0; i < count; i++) {
        words[i][0] = "/bin/sh";
        words[i][1] = "-c";
        words[i][2] = wishes[i].text;
        asks[i] = (struct exec_ask){.words = words[i],
                                    .word_count = 3,
                                    .variables = variables,
                                    .variable_count = 1,
                                    .output_max = 4096};
        confs[i] = (struct conf_hook){.name = wishes[i].name,
                                      .when = wishes[i].when,
                                      .is_about_switches = true,
                                      .ask = &asks[i],
                                      .timeout_ms = wishes[i].timeout_ms == 0 ? 30000 : wishes[i].timeout_ms,
                                      .at_once = 1};
    }
    hooks_follow(scene->hooks, confs, count);
}

static void on_done(void *argument, const struct hooks_verdict *verdict)
{
    struct scene *scene = argument;
    scene->said++;
    scene->may_go_on = verdict->may_go_on;
    (void)snprintf(scene->hook, sizeof scene->hook, "%s", verdict->hook == NULL ? "" : verdict->hook);
    (void)snprintf(scene->why, sizeof scene->why, "%s", verdict->why == NULL ? "" : verdict->why);
}

static void run(struct scene *scene, enum conf_hook_when when, bool is_emergency)
{
    hooks_run(scene->hooks,
              &(struct hooks_occasion){.when = when,
                                       .phase = "execute",
                                       .target = "region:us-east",
                                       .json = "{\"id\":1}",
                                       .is_emergency = is_emergency},
              on_done, scene);
}

static void wait_for(struct scene *scene)
{
    while (scene->said == 0 || !hooks_are_idle(scene->hooks)) {
        assert_int_equal(event_base_loop(scene->base, EVLOOP_ONCE), 0);
    }
}

static struct hooks_status look(const struct scene *scene, size_t i)
{
    struct hooks_status status;
    hooks_get(scene->hooks, i, &status);
    return status;
}

static void without_hooks_it_goes_on(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    configure(&scene, NULL, 0);
    run(&scene, CONF_HOOK_BEFORE, false);
    assert_true(scene.said == 1 && scene.may_go_on);
    close_scene(&scene);
}

static void all_agree(void **state)
{
    (void)state;
    struct scene scene;
    const struct wish wishes[] = {
        {.name = "one", .text = "echo $STEERD_PHASE $STEERD_TARGET", .when = CONF_HOOK_BEFORE},
        {.name = "told", .text = "exit 1", .when = CONF_HOOK_AFTER},
        {.name = "two", .text = "echo $STEERD_EVENT", .when = CONF_HOOK_BEFORE}};
    open_scene(&scene);
    configure(&scene, wishes, 3);
    run(&scene, CONF_HOOK_BEFORE, false);
    assert_int_equal(scene.said, 0);
    wait_for(&scene);
    assert_true(scene.said == 1 && scene.may_go_on);
    struct hooks_status one = look(&scene, 0), told = look(&scene, 1), two = look(&scene, 2);
    assert_string_equal(one.past[0]->output, "execute region:us-east");
    assert_string_equal(one.past[0]->about, "switchover execute");
    assert_string_equal(two.past[0]->output, "{\"id\":1}");
    assert_true(one.past[0]->begun_wall_ms <= two.past[0]->begun_wall_ms && told.past_count == 0);
    scene.said = 0;
    run(&scene, CONF_HOOK_AFTER, false); /* what they say does not matter any more */
    wait_for(&scene);
    assert_true(scene.may_go_on);
    assert_int_equal(look(&scene, 1).outcomes[HOOKS_FAILED], 1);
    close_scene(&scene);
}

static void one_is_against_it(void **state)
{
    (void)state;
    struct scene scene;
    const struct wish wishes[] = {
        {.name = "against", .text = "echo not now; exit 1", .when = CONF_HOOK_BEFORE},
        {.name = "never", .text = "true", .when = CONF_HOOK_BEFORE}};
    open_scene(&scene);
    configure(&scene, wishes, 2);
    run(&scene, CONF_HOOK_BEFORE, false);
    wait_for(&scene);
    assert_true(scene.said == 1 && !scene.may_go_on);
    assert_string_equal(scene.hook, "against");
    assert_string_equal(scene.why, "failed with exit 1: not now");
    assert_int_equal(look(&scene, 1).past_count, 0); /* it was not asked any more */
    close_scene(&scene);
}

static void one_takes_too_long(void **state)
{
    (void)state;
    struct scene scene;
    const struct wish wish = {
        .name = "hangs", .text = "sleep 1000", .when = CONF_HOOK_BEFORE, .timeout_ms = 100};
    open_scene(&scene);
    configure(&scene, &wish, 1);
    run(&scene, CONF_HOOK_BEFORE, false);
    wait_for(&scene);
    assert_true(!scene.may_go_on);
    assert_string_equal(scene.why, "timeout after 100 ms");
    close_scene(&scene);
}

static void nothing_stops_an_emergency(void **state)
{
    (void)state;
    struct scene scene;
    const struct wish wishes[] = {
        {.name = "hangs", .text = "sleep 1000", .when = CONF_HOOK_BEFORE, .timeout_ms = 100},
        {.name = "against", .text = "exit 1", .when = CONF_HOOK_BEFORE}};
    open_scene(&scene);
    configure(&scene, wishes, 2);
    run(&scene, CONF_HOOK_BEFORE, true);
    assert_true(scene.said == 1 && scene.may_go_on); /* before it has returned */
    wait_for(&scene);
    assert_int_equal(scene.said, 1);
    assert_int_equal(look(&scene, 0).outcomes[HOOKS_TIMEOUT], 1); /* they are run all the same */
    assert_int_equal(look(&scene, 1).outcomes[HOOKS_FAILED], 1);
    close_scene(&scene);
}

/* Nobody knows any more what it would have said. */
static void one_that_is_removed_is_against_it(void **state)
{
    (void)state;
    struct scene scene;
    const struct wish wish = {.name = "hangs", .text = "sleep 1000", .when = CONF_HOOK_BEFORE};
    open_scene(&scene);
    configure(&scene, &wish, 1);
    run(&scene, CONF_HOOK_BEFORE, false);
    configure(&scene, NULL, 0);
    assert_true(scene.said == 1 && !scene.may_go_on);
    assert_string_equal(scene.why, "called_off");
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_hooks_it_goes_on),   cmocka_unit_test(all_agree),
        cmocka_unit_test(one_is_against_it),          cmocka_unit_test(one_takes_too_long),
        cmocka_unit_test(nothing_stops_an_emergency), cmocka_unit_test(one_that_is_removed_is_against_it),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

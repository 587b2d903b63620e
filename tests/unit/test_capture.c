/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of copying what serves: each file once, none that is not what was loaded, and after a failure the
 * rest. */
#include "config.h"

#include "unit.h"

#include "daemon/capture.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 2500 };

struct scene {
    char folder[40];
    struct depot depot;
    struct capture *capture;
};

static int set_up(void **state)
{
    static struct scene scene;
    snprintf(scene.folder, sizeof scene.folder, "/tmp/test_capture.XXXXXX");
    assert_non_null(mkdtemp(scene.folder));
    depot_init(&scene.depot, scene.folder);
    scene.capture = capture_new();
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    char command[64];
    capture_free(scene->capture);
    depot_fini(&scene->depot);
    snprintf(command, sizeof command, "rm -r %s", scene->folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

static char *path_of(const struct scene *scene, const char *name)
{
    return memory_print("%s/%s", scene->folder, name);
}

static void put(const struct scene *scene, const char *name, const char *text)
{
    char *path = path_of(scene, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    free(path);
}

/* As a load notes it. */
static void load(const struct scene *scene, struct source_list *list, const char *name)
{
    struct file file;
    char *path = path_of(scene, name);
    assert_int_equal(file_look(path, &file), 0);
    source_list_add(list, path, NULL, &file);
    free(path);
}

static struct view_sources *load_all(const struct scene *scene)
{
    struct view_sources *sources = memory_alloc(sizeof *sources);
    sources->main = path_of(scene, "main");
    load(scene, &sources->ground, "main");
    sources->zones = memory_alloc_array(2, sizeof *sources->zones);
    sources->zone_count = 2;
    sources->zones[0].origin = memory_copy_text("b.test.");
    load(scene, &sources->zones[0].files, "b");
    load(scene, &sources->zones[0].files, "shared");
    sources->zones[1].origin = memory_copy_text("a.test.");
    load(scene, &sources->zones[1].files, "a");
    load(scene, &sources->zones[1].files, "shared");
    return sources;
}

static void put_all(const struct scene *scene)
{
    put(scene, "main", "{}");
    put(scene, "a", "zone a");
    put(scene, "b", "zone b");
    put(scene, "shared", "shared");
}

static void run(struct scene *scene, uint64_t written)
{
    uint64_t before = scene->depot.written;
    assert_int_equal(capture_run(scene->capture, &scene->depot), 0);
    assert_int_equal(scene->depot.written - before, written);
}

/* The content that is listed for the name; NULL: it is not kept. */
static void assert_listed(struct scene *scene, const char *name, const char *text)
{
    struct manifest manifest;
    size_t len;
    int error;
    char *path = path_of(scene, name);
    capture_list(scene->capture, &manifest);
    const struct manifest_file *file = manifest_find(&manifest, path);
    assert_non_null(file);
    if (text == NULL) {
        assert_string_equal(file->sha256, "");
        assert_non_null(file->why);
    } else {
        char *bytes = depot_get(&scene->depot, file->sha256, 1000, &len, &error);
        assert_non_null(bytes);
        assert_string_equal(bytes, text);
        assert_int_equal(file->size, len);
        free(bytes);
    }
    manifest_fini(&manifest);
    free(path);
}

static void each_file_is_copied_once(void **state)
{
    struct scene *scene = *state;
    struct manifest manifest;
    put_all(scene);
    capture_take_all(scene->capture, load_all(scene));
    run(scene, 4);
    run(scene, 0);
    capture_take_all(scene->capture, load_all(scene));
    run(scene, 0);
    capture_list(scene->capture, &manifest);
    assert_int_equal(manifest.count, 4);
    assert_int_equal(manifest_count_missing(&manifest), 0);
    manifest_fini(&manifest);
    assert_listed(scene, "main", "{}");
    assert_listed(scene, "a", "zone a");
    assert_listed(scene, "shared", "shared");
}

/* What is known of a file is not asked of the disk again: it may be gone meanwhile. */
static void what_is_known_stays_known(void **state)
{
    struct scene *scene = *state;
    put_all(scene);
    capture_take_all(scene->capture, load_all(scene));
    run(scene, 4);
    struct view_sources *same = load_all(scene);
    struct view_zone_sources zone = {.origin = memory_copy_text("a.test.")};
    load(scene, &zone.files, "a");
    char *path = path_of(scene, "a");
    assert_int_equal(unlink(path), 0);
    free(path);
    capture_take_all(scene->capture, same);
    run(scene, 0);
    assert_listed(scene, "a", "zone a");
    capture_take_zone(scene->capture, &zone);
    run(scene, 0);
    assert_listed(scene, "a", "zone a");
}

static void what_changed_since_is_not_kept(void **state)
{
    struct scene *scene = *state;
    put_all(scene);
    struct view_sources *sources = load_all(scene);
    put(scene, "a", "zone A, which nobody loaded");
    char *path = path_of(scene, "b");
    assert_int_equal(unlink(path), 0);
    free(path);
    capture_take_all(scene->capture, sources);
    run(scene, 2);
    assert_listed(scene, "a", NULL);
    assert_listed(scene, "b", NULL);
    assert_listed(scene, "main", "{}");
    put(scene, "b", "zone b");
    capture_take_all(scene->capture, load_all(scene)); /* and what is loaded then is */
    run(scene, 2);
    assert_listed(scene, "a", "zone A, which nobody loaded");
    assert_listed(scene, "b", "zone b");
}

static void one_zone_is_exchanged(void **state)
{
    struct scene *scene = *state;
    struct manifest manifest;
    put_all(scene);
    capture_take_all(scene->capture, load_all(scene));
    run(scene, 4);
    put(scene, "a2", "zone a, elsewhere");
    struct view_zone_sources zone = {.origin = memory_copy_text("a.test.")};
    load(scene, &zone.files, "a2");
    capture_take_zone(scene->capture, &zone);
    run(scene, 1);
    capture_list(scene->capture, &manifest);
    assert_int_equal(manifest.count, 4); /* "a" is not listed any more; "shared" is the other zone's */
    manifest_fini(&manifest);
    assert_listed(scene, "a2", "zone a, elsewhere");
    zone = (struct view_zone_sources){.origin = memory_copy_text("nowhere.test.")};
    capture_take_zone(scene->capture, &zone);
    run(scene, 0);
}

static void a_stale_zone_is_what_it_was(void **state)
{
    struct scene *scene = *state;
    put_all(scene);
    capture_take_all(scene->capture, load_all(scene));
    run(scene, 4);
    put(scene, "a", "broken");
    struct view_sources *sources = load_all(scene);
    sources->zones[1].is_stale = true;
    capture_take_all(scene->capture, sources);
    run(scene, 0);
    assert_listed(scene, "a", "zone a");
    sources = load_all(scene); /* and stays so over the next reload */
    sources->zones[1].is_stale = true;
    capture_take_all(scene->capture, sources);
    run(scene, 0);
    assert_listed(scene, "a", "zone a");
}

/* As where the disk is full: what is copied stays, and the rest follows. */
static void after_a_failure_the_rest_follows(void **state)
{
    struct scene *scene = *state;
    put_all(scene);
    put(scene, "depot", "in the way");
    capture_take_all(scene->capture, load_all(scene));
    assert_int_not_equal(capture_run(scene->capture, &scene->depot), 0);
    assert_non_null(strstr(scene->depot.why, "depot"));
    char *path = path_of(scene, "depot");
    assert_int_equal(unlink(path), 0);
    free(path);
    run(scene, 4);
    assert_listed(scene, "b", "zone b");
}

static void it_can_be_called_off(void **state)
{
    struct scene *scene = *state;
    struct progress progress = {.cancelled = true};
    put_all(scene);
    capture_take_all(scene->capture, load_all(scene));
    scene->depot.progress = &progress;
    assert_int_equal(capture_run(scene->capture, &scene->depot), ERROR_CANCELLED);
    scene->depot.progress = NULL;
    run(scene, 4);
}

/* More than are settled at once. */
static void many_files(void **state)
{
    struct scene *scene = *state;
    struct view_sources *sources = memory_alloc(sizeof *sources);
    struct manifest manifest;
    char name[32];
    put(scene, "main", "{}");
    sources->main = path_of(scene, "main");
    load(scene, &sources->ground, "main");
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "file%d", i);
        put(scene, name, name);
        load(scene, &sources->ground, name);
    }
    capture_take_all(scene->capture, sources);
    run(scene, MANY + 1);
    capture_list(scene->capture, &manifest);
    assert_int_equal(manifest.count, MANY + 1);
    assert_int_equal(manifest_count_missing(&manifest), 0);
    manifest_fini(&manifest);
}

static void geo_databases_are_listed_only(void **state)
{
    struct scene *scene = *state;
    struct manifest manifest;
    put_all(scene);
    put(scene, "geo", "large");
    struct view_sources *sources = load_all(scene);
    load(scene, &sources->geo, "geo");
    capture_take_all(scene->capture, sources);
    run(scene, 4);
    char *path = path_of(scene, "geo");
    capture_list(scene->capture, &manifest);
    const struct manifest_file *file = manifest_find(&manifest, path);
    assert_string_equal(file->sha256, "");
    assert_string_equal(file->why, "a geo database");
    assert_true(file->modified_ms > 0);
    manifest_fini(&manifest);
    free(path);
}

/* JSON holds no such names: they are shown, and nothing is taken for them. */
static void a_name_that_is_no_text(void **state)
{
    struct scene *scene = *state;
    struct manifest manifest;
    put_all(scene);
    put(scene, "z\xff", "zone");
    struct view_sources *sources = load_all(scene);
    load(scene, &sources->ground, "z\xff");
    capture_take_all(scene->capture, sources);
    assert_int_equal(capture_run(scene->capture, &scene->depot), 0);
    capture_list(scene->capture, &manifest);
    char *path = path_of(scene, "z?"), *text = manifest_write(&manifest), why[128];
    assert_string_equal(manifest_find(&manifest, path)->why, "its name is no UTF-8");
    manifest_fini(&manifest);
    assert_int_equal(manifest_read(text, strlen(text), &manifest, why, sizeof why), 0);
    manifest_fini(&manifest);
    free(path);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_file_is_copied_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_known_stays_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changed_since_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_zone_is_exchanged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stale_zone_is_what_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_failure_the_rest_follows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_can_be_called_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(geo_databases_are_listed_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_that_is_no_text, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

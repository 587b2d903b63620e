/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Backups of a store and of files beside it: what is restored is what was there, whatever was changed in a
 * file is found, and what does not belong together is refused. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"
#include "past/backup_parts.h"
#include "past/backup_seal.h"
#include "past/depot.h"
#include "tests/unit/store_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_SIZE = 4096 };

/* ---- a folder for what is made ---- */

struct scene {
    struct store_fixture *fixture;
    char folder[64];
    struct report *report;
    struct backup_summary summary;
    char said[TEXT_SIZE]; /* all of the report of the last step */
};

static int setup(void **state)
{
    struct scene *scene = memory_alloc(sizeof *scene);
    scene->fixture = store_fixture_new();
    snprintf(scene->folder, sizeof scene->folder, "/tmp/steerd-backup-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    *state = scene;
    return store_fixture_open(scene->fixture);
}

static void remove_all(const char *folder)
{
    DIR *stream = opendir(folder);
    for (const struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;) {
        char *path = memory_print("%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlink(path) == -1) {
            remove_all(path);
        }
        free(path);
    }
    if (stream != NULL) {
        closedir(stream);
    }
    (void)rmdir(folder);
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    store_fixture_close(scene->fixture);
    remove_all(scene->fixture->folder);
    store_fixture_free(scene->fixture);
    remove_all(scene->folder);
    report_free(scene->report);
    free(scene);
    return 0;
}

/* Several are in use at once. */
static const char *in(const struct scene *scene, const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scene->folder, name);
    return path;
}

static const char *state_of(const struct scene *scene)
{
    return scene->fixture->folder;
}

static void begin(struct scene *scene)
{
    report_free(scene->report);
    scene->report = report_new();
}

static int end(struct scene *scene, int error)
{
    size_t len = 0;
    scene->said[0] = '\0';
    for (size_t i = 0; i < report_count(scene->report) && len < TEXT_SIZE - 1; i++) {
        len += (size_t)snprintf(scene->said + len, TEXT_SIZE - len, "%s\n",
                                report_get(scene->report, i)->message);
    }
    assert_int_equal(error != 0, report_errors(scene->report) != 0);
    return error;
}

static int make(struct scene *scene, enum backup_kind kind, const char *name, const char *base)
{
    struct backup_order order = {.kind = kind, .state = state_of(scene), .file = in(scene, name)};
    order.base = base == NULL ? NULL : in(scene, base);
    begin(scene);
    return end(scene, backup_make(&order, scene->report, &scene->summary));
}

/* Names end with NULL. */
static size_t list(const struct scene *scene, const char *const *names, const char **paths)
{
    size_t count = 0;
    for (; names[count] != NULL; count++) {
        paths[count] = in(scene, names[count]);
    }
    return count;
}

static int restore(struct scene *scene, const char *const *names, const char *to)
{
    const char *paths[6];
    struct backup_files files = {.paths = paths, .count = list(scene, names, paths)};
    begin(scene);
    return end(scene, backup_restore(&files, in(scene, to), scene->report, &scene->summary));
}

static int verify(struct scene *scene, const char *const *names)
{
    const char *paths[6];
    struct backup_files files = {.paths = paths, .count = list(scene, names, paths)};
    begin(scene);
    return end(scene, backup_verify(&files, scene->folder, scene->report, &scene->summary));
}

#define FILES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void expect_said(const struct scene *scene, const char *part)
{
    if (strstr(scene->said, part) == NULL) {
        fail_msg("found \"%s\", expected something with \"%s\"", scene->said, part);
    }
}

static void expect_none(const struct scene *scene, const char *name)
{
    struct stat status;
    assert_int_equal(lstat(in(scene, name), &status), -1);
}

/* ---- stores ---- */

static void put(struct scene *scene, const char *kind, const char *key, const char *value)
{
    assert_int_equal(store_fixture_put(scene->fixture, kind, key, value), 0);
}

static bool tell(void *context, const struct store_entry *entry)
{
    backup_write_entry(entry, context);
    return true;
}

/* The journal of a folder up to an entry, as lines. */
static void read_journal(const char *folder, uint64_t to, struct buffer *text)
{
    struct report *report = report_new();
    struct store_reader *reader = NULL;
    struct store_filter filter = {.before_seq = to + 1};
    buffer_init(text);
    buffer_add_text(text, "");
    assert_int_equal(store_reader_open(folder, report, &reader), 0);
    assert_int_equal(store_read_journal(reader, &filter, tell, text), 0);
    store_reader_close(reader);
    report_free(report);
}

static void expect_same(struct scene *scene, const char *restored, uint64_t to)
{
    struct buffer was, is;
    read_journal(state_of(scene), to, &was);
    read_journal(in(scene, restored), UINT64_MAX - 1, &is);
    assert_string_equal(is.bytes, was.bytes);
    buffer_fini(&was);
    buffer_fini(&is);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, len, stream), len);
    assert_int_equal(fclose(stream), 0);
}

static char *read_file(const char *path, size_t *len)
{
    FILE *stream = fopen(path, "rb");
    struct stat status;
    assert_non_null(stream);
    assert_int_equal(fstat(fileno(stream), &status), 0);
    *len = (size_t)status.st_size;
    char *bytes = memory_alloc(*len + 1);
    assert_int_equal(fread(bytes, 1, *len, stream), *len);
    fclose(stream);
    return bytes;
}

static void put_file(const struct scene *scene, const char *name, const char *text)
{
    char *path = memory_print("%s/%s", state_of(scene), name);
    for (char *slash = path + strlen(state_of(scene)) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        (void)mkdir(path, 0700);
        *slash = '/';
    }
    write_file(path, text, strlen(text));
    free(path);
}

static void expect_file(const struct scene *scene, const char *restored, const char *name, const char *text)
{
    char *path = memory_print("%s/%s", in(scene, restored), name);
    size_t len;
    if (text == NULL) {
        assert_int_equal(access(path, F_OK), -1);
    } else {
        char *found = read_file(path, &len);
        assert_string_equal(found, text);
        free(found);
    }
    free(path);
}

/* Serials, with a line that says of when they are. */
static void expect_marked(const struct scene *scene, const char *restored, const char *beginning)
{
    char *path = memory_print("%s/serials", in(scene, restored));
    size_t len;
    char *found = read_file(path, &len);
    assert_memory_equal(found, beginning, strlen(beginning));
    free(found);
    free(path);
}

/* ---- tests ---- */

/* Random changes between backups of all kinds; whichever are restored, the journal is what it was then. */
static void what_is_restored_is_what_was_there(void **state)
{
    struct scene *scene = *state;
    uint64_t full, first, second, differential;
    assert_int_equal(make(scene, BACKUP_FULL, "empty.tar.gz", NULL), 0);
    assert_int_equal(scene->summary.to.seq, 0);
    for (int i = 0; i < 40; i++) {
        char key[16], value[32];
        snprintf(key, sizeof key, "key-%d", i % 7);
        snprintf(value, sizeof value, "{\"i\":%d}", i);
        put(scene, i % 2 == 0 ? "kind" : "other", key, i % 5 == 4 ? NULL : value);
        if (i == 9) {
            assert_int_equal(make(scene, BACKUP_FULL, "full.tar.zst", NULL), 0);
        } else if (i == 19) {
            assert_int_equal(make(scene, BACKUP_INCREMENTAL, "first.tar.gz", "full.tar.zst"), 0);
        } else if (i == 29) {
            assert_int_equal(make(scene, BACKUP_INCREMENTAL, "second.tar.gz", "first.tar.gz"), 0);
        }
    }
    assert_int_equal(make(scene, BACKUP_DIFFERENTIAL, "differential.tar.gz", "full.tar.zst"), 0);
    differential = scene->summary.to.seq;
    assert_int_equal(make(scene, BACKUP_INCREMENTAL, "all.tar.gz", "empty.tar.gz"), 0);
    assert_int_equal(make(scene, BACKUP_INCREMENTAL, "nothing.tar.gz", "all.tar.gz"), 0);
    assert_int_equal(scene->summary.from_seq, scene->summary.to.seq);
    assert_int_equal(restore(scene, FILES("full.tar.zst"), "a"), 0);
    full = scene->summary.to.seq;
    expect_same(scene, "a", full);
    assert_int_equal(restore(scene, FILES("full.tar.zst", "first.tar.gz"), "b"), 0);
    first = scene->summary.to.seq;
    expect_same(scene, "b", first);
    assert_int_equal(restore(scene, FILES("full.tar.zst", "first.tar.gz", "second.tar.gz"), "c"), 0);
    second = scene->summary.to.seq;
    expect_same(scene, "c", second);
    assert_true(full < first && first < second && second < differential);
    assert_int_equal(restore(scene, FILES("full.tar.zst", "differential.tar.gz"), "d"), 0);
    expect_same(scene, "d", differential);
    assert_int_equal(restore(scene, FILES("empty.tar.gz", "all.tar.gz", "nothing.tar.gz"), "e"), 0);
    expect_same(scene, "e", differential);
    assert_int_equal(verify(scene, FILES("empty.tar.gz", "all.tar.gz", "nothing.tar.gz")), 0);
    assert_int_equal(verify(scene, FILES("empty.tar.gz")), 0);
}

static void texts_of_all_kinds(void **state)
{
    struct scene *scene = *state;
    static const char *const texts[] = {"", "\"\\/", "\b\f\n\r\t\x01\x1f\x7f",
                                        "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"};
    char *large = memory_alloc(STORE_VALUE_MAX);
    memset(large, '"', STORE_VALUE_MAX - 1);
    for (int i = 1; i < STORE_VALUE_MAX - 3; i++) {
        large[i] = i % 2 == 0 ? '"' : '\\'; /* each octet is two in the line */
    }
    large[STORE_VALUE_MAX - 3] = '"';
    large[STORE_VALUE_MAX - 2] = '\0';
    assert_int_equal(make(scene, BACKUP_FULL, "full.tar.gz", NULL), 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct store_op op = {.kind = "kind", .key = "key", .value = "[1e400]", .if_revision = STORE_ANY};
        struct store_job job = {
            .cause = {.wall_ms = -5 + (int64_t)i, .actor = texts[i], .reason = texts[i], .request = texts[i]},
            .ops = &op,
            .op_count = 1};
        assert_int_equal(store_fixture_submit(scene->fixture, &job), 0);
    }
    struct store_op op = {.kind = "kind", .key = "large", .value = large, .if_revision = STORE_ANY};
    assert_int_equal(store_fixture_write(scene->fixture, &op, NULL), 0);
    free(large);
    assert_int_equal(make(scene, BACKUP_INCREMENTAL, "more.tar.gz", "full.tar.gz"), 0);
    assert_int_equal(restore(scene, FILES("full.tar.gz", "more.tar.gz"), "a"), 0);
    expect_same(scene, "a", scene->summary.to.seq);
    assert_int_equal(verify(scene, FILES("full.tar.gz", "more.tar.gz")), 0);
}

static void files_come_and_go(void **state)
{
    struct scene *scene = *state;
    char name[DEPOT_NAME_SIZE], path[160];
    struct depot depot;
    depot_init(&depot, state_of(scene));
    assert_int_equal(depot_put(&depot, "content", 7, name), 0);
    assert_int_equal(depot_settle(&depot), 0);
    depot_fini(&depot);
    snprintf(path, sizeof path, "depot/%.2s/%s", name, name);
    put_file(scene, "last-health", "healthy");
    put_file(scene, "serials", "one\n");
    put_file(scene, "health/1000000000000.trail", "old");
    put_file(scene, "health/1000000000001.trail", "new");
    put_file(scene, "health/letter", "mine");
    put_file(scene, "lock", "1");
    put_file(scene, "depot/letter", "mine");
    assert_int_equal(make(scene, BACKUP_FULL, "full.tar.gz", NULL), 0);
    assert_int_equal(scene->summary.files, 5);
    put_file(scene, "serials", "two\n");
    put_file(scene, "health/1000000000001.trail", "newer");
    char *old = store_fixture_path(scene->fixture, "health/1000000000000.trail");
    assert_int_equal(unlink(old), 0);
    free(old);
    assert_int_equal(make(scene, BACKUP_INCREMENTAL, "more.tar.gz", "full.tar.gz"), 0);
    assert_int_equal(scene->summary.members, 3); /* the journal, serials, the newer piece */
    assert_int_equal(scene->summary.files, 4);
    assert_int_equal(restore(scene, FILES("full.tar.gz"), "a"), 0);
    expect_file(scene, "a", path, "content");
    expect_marked(scene, "a", "one\n# restored 1");
    expect_file(scene, "a", "health/1000000000000.trail", "old");
    expect_file(scene, "a", "health/letter", NULL);
    expect_file(scene, "a", "lock", NULL);
    assert_int_equal(restore(scene, FILES("full.tar.gz", "more.tar.gz"), "b"), 0);
    expect_file(scene, "b", path, "content");
    expect_file(scene, "b", "last-health", "healthy");
    expect_marked(scene, "b", "two\n# restored 1");
    expect_file(scene, "b", "health/1000000000000.trail", NULL);
    expect_file(scene, "b", "health/1000000000001.trail", "newer");
    expect_file(scene, "b", "store.partial", NULL);
    put_file(scene, path, "other");
    assert_int_equal(make(scene, BACKUP_FULL, "damaged.tar.gz", NULL), 0);
    expect_said(scene, "left out");
    assert_int_equal(verify(scene, FILES("damaged.tar.gz")), 0);
}

static bool reads(struct scene *scene, const char *path, const char *bytes, size_t len)
{
    struct backup_reader *reader = NULL;
    write_file(path, bytes, len);
    begin(scene);
    int error = end(scene, backup_reader_open(path, NULL, scene->report, &reader));
    backup_reader_close(reader);
    assert_true(error == 0 || error == ERROR_SYNTAX);
    return error == 0;
}

static void every_octet_counts(struct scene *scene, const char *name)
{
    size_t len;
    put(scene, "kind", "key", "1");
    assert_int_equal(make(scene, BACKUP_FULL, name, NULL), 0);
    char *bytes = read_file(in(scene, name), &len);
    const char *path = in(scene, "damaged");
    for (size_t i = 0; i < len; i++) {
        char was = bytes[i];
        bytes[i] = (char)(was ^ 1 << i % 8);
        assert_false(reads(scene, path, bytes, len));
        bytes[i] = was;
    }
    for (size_t cut = 0; cut < len; cut += 1 + cut % 13) {
        assert_false(reads(scene, path, bytes, cut));
    }
    assert_false(reads(scene, path, bytes + 1, len - 1));
    assert_false(reads(scene, path, bytes, len + 1)); /* the NUL behind it */
    assert_true(reads(scene, path, bytes, len));
    free(bytes);
}

static void every_octet_counts_in_gzip(void **state)
{
    every_octet_counts(*state, "b.tar.gz");
}

static void every_octet_counts_in_zstd(void **state)
{
    every_octet_counts(*state, "b.tar.zst");
}

static void what_does_not_go_on_is_refused(void **state)
{
    struct scene *scene = *state;
    put(scene, "kind", "a", "1");
    assert_int_equal(make(scene, BACKUP_FULL, "full.tar.gz", NULL), 0);
    assert_int_equal(make(scene, BACKUP_FULL, "again.tar.gz", NULL), 0); /* the same moment, another file */
    put(scene, "kind", "b", "2");
    assert_int_equal(make(scene, BACKUP_INCREMENTAL, "one.tar.gz", "full.tar.gz"), 0);
    put(scene, "kind", "c", "3");
    assert_int_equal(make(scene, BACKUP_INCREMENTAL, "two.tar.gz", "one.tar.gz"), 0);
    assert_int_equal(verify(scene, FILES("one.tar.gz")), ERROR_CONFLICT);
    expect_said(scene, "expected a full backup first");
    assert_int_equal(verify(scene, FILES("full.tar.gz", "two.tar.gz")), ERROR_CONFLICT);
    expect_said(scene, "goes on from the incremental backup");
    assert_int_equal(verify(scene, FILES("full.tar.gz", "one.tar.gz", "one.tar.gz")), ERROR_CONFLICT);
    assert_int_equal(verify(scene, FILES("full.tar.gz", "again.tar.gz")), ERROR_CONFLICT);
    assert_int_equal(verify(scene, FILES("again.tar.gz", "one.tar.gz")), ERROR_CONFLICT);
    assert_int_equal(make(scene, BACKUP_DIFFERENTIAL, "d.tar.gz", "one.tar.gz"), ERROR_CONFLICT);
    expect_none(scene, "d.tar.gz");
    expect_none(scene, "d.tar.gz.partial");
    store_fixture_close(scene->fixture);
    remove_all(state_of(scene));
    assert_int_equal(mkdir(state_of(scene), 0700), 0);
    assert_int_equal(store_fixture_open(scene->fixture), 0);
    put(scene, "kind", "a", "1");
    assert_int_equal(make(scene, BACKUP_INCREMENTAL, "d.tar.gz", "full.tar.gz"), ERROR_CONFLICT);
    expect_said(scene, "another store");
}

static void a_folder_that_is_not_empty_is_left_alone(void **state)
{
    struct scene *scene = *state;
    put(scene, "kind", "a", "1");
    assert_int_equal(make(scene, BACKUP_FULL, "full.tar.gz", NULL), 0);
    assert_int_equal(make(scene, BACKUP_FULL, "full.tar.gz", NULL), ERROR_CONFLICT);
    expect_said(scene, "--force");
    assert_int_equal(mkdir(in(scene, "a"), 0700), 0);
    assert_int_equal(mkdir(in(scene, "a/lost+found"), 0700), 0);
    write_file(in(scene, "damaged.tar.gz"), "nothing", 7);
    assert_int_equal(restore(scene, FILES("damaged.tar.gz"), "a"), ERROR_SYNTAX);
    assert_int_equal(restore(scene, FILES("absent.tar.gz"), "b"), -ENOENT);
    expect_none(scene, "b");
    assert_int_equal(restore(scene, FILES("full.tar.gz"), "a"), 0);
    assert_int_equal(restore(scene, FILES("full.tar.gz"), "a"), ERROR_CONFLICT);
    expect_same(scene, "a", scene->summary.to.seq);
    assert_int_equal(restore(scene, FILES("full.tar.gz"), "full.tar.gz"), -ENOTDIR);
    assert_int_equal(restore(scene, FILES("full.tar.gz"), "x/y"), -ENOENT);
}

static void wake(void *context)
{
    (void)context;
}

/* In half a folder nobody begins a new store. */
static void who_is_cut_off_leaves_no_store(void **state)
{
    struct scene *scene = *state;
    struct backup_restorer *restorer = NULL;
    struct report *report = report_new();
    struct store_options options = {.folder = in(scene, "half"), .wake = wake};
    struct store *store = NULL;
    assert_int_equal(backup_restorer_open(options.folder, NULL, report, &restorer), 0);
    assert_int_equal(store_open(&options, report, &store), ERROR_SYNTAX);
    assert_null(store);
    backup_restorer_free(restorer);
    report_free(report);
}

static void who_cancels_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    struct progress progress = {.cancelled = true};
    put(scene, "kind", "a", "1");
    struct backup_order order = {
        .kind = BACKUP_FULL, .state = state_of(scene), .file = in(scene, "b.tar.gz"), .progress = &progress};
    begin(scene);
    assert_int_not_equal(end(scene, backup_make(&order, scene->report, &scene->summary)), 0);
    expect_none(scene, "b.tar.gz");
    expect_none(scene, "b.tar.gz.partial");
}

static void one_at_a_time(void **state)
{
    struct scene *scene = *state;
    put(scene, "kind", "a", "1");
    assert_int_equal(mkdir(in(scene, "b.tar.gz.partial"), 0700), 0);
    write_file(in(scene, "b.tar.gz.partial/archive"), "half", 4); /* of one who was cut off */
    write_file(in(scene, "b.tar.gz.partial/live-2"), "half", 4);
    int fd = open(in(scene, "b.tar.gz.partial"), O_RDONLY | O_DIRECTORY);
    struct backup_order order = {
        .kind = BACKUP_FULL, .state = state_of(scene), .file = in(scene, "b.tar.gz")};
    assert_int_not_equal(fd, -1);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    begin(scene);
    assert_int_equal(end(scene, backup_make(&order, scene->report, &scene->summary)), ERROR_BUSY);
    assert_int_equal(access(in(scene, "b.tar.gz.partial/archive"), F_OK), 0); /* it is the other one's */
    close(fd);
    assert_int_equal(make(scene, BACKUP_FULL, "b.tar.gz", NULL), 0);
    expect_none(scene, "b.tar.gz.partial");
}

static int take_line(void *context, const char *line, size_t len)
{
    buffer_add(context, line, len);
    return 0;
}

static void objects_are_exported(void **state)
{
    struct scene *scene = *state;
    struct buffer text;
    put(scene, "kind", "a", "{\"b\":[1,2]}");
    put(scene, "kind", "a", "{\"b\":[1,2,3]}");
    put(scene, "kind", "gone", "1");
    put(scene, "kind", "gone", NULL);
    buffer_init(&text);
    buffer_add_text(&text, "");
    begin(scene);
    assert_int_equal(end(scene, backup_export(state_of(scene), 1000, take_line, &text, scene->report)), 0);
    assert_string_equal(text.bytes, ""); /* there was nothing in 1970 */
    assert_int_equal(end(scene, backup_export(state_of(scene), INT64_MAX, take_line, &text, scene->report)),
                     0);
    assert_non_null(strstr(text.bytes, "{\"kind\":\"kind\",\"key\":\"a\",\"revision\":2,"));
    assert_null(strstr(text.bytes, "gone"));
    buffer_fini(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_restored_is_what_was_there),
        TEST(texts_of_all_kinds),
        TEST(files_come_and_go),
        TEST(every_octet_counts_in_gzip),
        TEST(every_octet_counts_in_zstd),
        TEST(what_does_not_go_on_is_refused),
        TEST(a_folder_that_is_not_empty_is_left_alone),
        TEST(who_is_cut_off_leaves_no_store),
        TEST(who_cancels_leaves_nothing),
        TEST(one_at_a_time),
        TEST(objects_are_exported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of bundles on their way and in the state folder: blocks are the files whatever these are, trees come
 * in any order and are whole or not there, and what others have does not come twice. */
#include "config.h"

#include "bundle_folder.h"

#include "base/error.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

enum { BLOCK = BUNDLE_BLOCK_SIZE };

/* ---- blocks ---- */

/* Files of many sizes, empty ones included, in folders; returns the stream. */
static char *make_random_tree(const char *name, uint64_t seed, struct bundle **bundle)
{
    static const size_t sizes[] = {0, 1, 100, 4096, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK};
    size_t count = 3 + seed % 40;
    for (size_t i = 0; i < count; i++) {
        size_t len = sizes[(seed / (i + 1) + i * i) % (sizeof sizes / sizeof *sizes)] + (i == 0);
        char *bytes = make_noise(len, seed + i);
        write_file(in("%s/%zu/f%zu", name, i % 3, i), bytes, len);
        free(bytes);
    }
    *bundle = scan(name);
    char *stream = memory_alloc((size_t)(*bundle)->size + 1);
    for (size_t i = 0; i < (*bundle)->count; i++) {
        const struct bundle_file *file = &(*bundle)->files[i];
        FILE *from = fopen(in("%s/%s", name, file->path), "r");
        assert_non_null(from);
        assert_int_equal(fread(stream + file->at, 1, (size_t)file->size + 1, from), file->size);
        (void)fclose(from);
    }
    return stream;
}

static void assert_block(const char *stream, const struct bundle *bundle, uint32_t block, const char *bytes)
{
    assert_memory_equal(bytes, stream + (size_t)block * BLOCK, bundle_block_len(bundle->size, block));
}

static struct bundle_part *begin(struct bundle_store *store, const struct bundle *bundle)
{
    struct bundle_part *part;
    if (bundle_part_begin(store, read_good(bundle->manifest), NULL, &part, why) != 0) {
        fail_msg("%s", why);
    }
    return part;
}

/* All that are missing, in an order of its own. Returns how many there were. */
static size_t bring(struct bundle_part *part, const char *stream, uint64_t seed)
{
    const struct bundle *bundle = bundle_part_get(part);
    uint32_t count = bundle_count_blocks(bundle->size);
    char *bytes = memory_alloc(BLOCK);
    size_t brought = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t block = (uint32_t)((i * (uint64_t)7919 + seed) % count); /* 7919 is prime */
        bool is_there = bundle_part_has(part, block);
        assert_int_equal(bundle_part_read(part, block, bytes, why), is_there ? 0 : ERROR_NOT_FOUND);
        brought += !is_there;
        assert_int_equal(bundle_part_put(part, block, stream + (size_t)block * BLOCK,
                                         bundle_block_len(bundle->size, block), why),
                         0);
        assert_int_equal(bundle_part_read(part, block, bytes, why), 0);
        assert_block(stream, bundle, block, bytes);
    }
    free(bytes);
    return brought;
}

static void assert_tree(struct bundle_store *store, const char *stream, const struct bundle *bundle)
{
    struct bundle *loaded;
    char *tree = bundle_locate(bundle_store_state(store), bundle->id), *bytes = memory_alloc(BLOCK);
    assert_true(bundle_is_here(folder, bundle->id));
    assert_int_equal(bundle_load(folder, bundle->id, &loaded, why), 0);
    assert_string_equal(loaded->manifest, bundle->manifest);
    for (uint32_t block = 0; block < bundle_count_blocks(bundle->size); block++) {
        assert_int_equal(bundle_read_block(tree, loaded, block, bytes, why), 0);
        assert_block(stream, bundle, block, bytes);
    }
    bundle_free(loaded);
    free(bytes);
    free(tree);
}

static void test_blocks(void **state)
{
    (void)state;
    struct bundle_store *store = bundle_store_new(folder);
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct bundle *bundle;
        char *stream = make_random_tree("src", seed * 977, &bundle);
        struct bundle_part *part = begin(store, bundle);
        assert_int_equal(bundle_part_count_missing(part), bundle_count_blocks(bundle->size));
        (void)bring(part, stream, seed);
        assert_int_equal(bundle_part_count_missing(part), 0);
        assert_int_equal(bundle_part_end(part, why), 0);
        bundle_part_close(part);
        assert_tree(store, stream, bundle);
        assert_int_equal(bundle_store_remove(store, bundle->id, why), 0);
        free(stream);
        bundle_free(bundle);
        assert_int_equal(clean_folder(NULL), 0);
    }
    bundle_store_free(store);
}

static void test_wrong_blocks(void **state)
{
    (void)state;
    struct bundle *bundle;
    struct bundle_store *store = bundle_store_new(folder);
    char *stream = make_random_tree("src", 12345, &bundle), *bytes = memory_alloc(BLOCK);
    struct bundle_part *part = begin(store, bundle);
    uint32_t count = bundle_count_blocks(bundle->size);
    assert_int_equal(bundle_part_put(part, count, "", 0, why), ERROR_INVALID);
    assert_int_equal(bundle_part_put(part, 0, stream, 1, why), ERROR_INVALID);
    assert_int_equal(bundle_part_end(part, why), ERROR_CONFLICT);
    assert_int_equal(bundle_read_block(in("src"), bundle, count, bytes, why), ERROR_INVALID);
    assert_int_equal(truncate(in("src/%s", bundle->files[0].path), 0), 0);
    assert_int_equal(bundle_read_block(in("src"), bundle, 0, bytes, why), ERROR_CONFLICT);
    bundle_part_close(part);
    bundle_store_free(store);
    bundle_free(bundle);
    free(stream);
    free(bytes);
}

/* ---- what is not what it says ---- */

/* One octet is another one: its file's blocks are missing again, and only these. */
static void test_damaged(void **state)
{
    (void)state;
    struct bundle_store *store = bundle_store_new(folder);
    struct bundle *bundle;
    char *stream = make_random_tree("src", 31337, &bundle);
    uint32_t count = bundle_count_blocks(bundle->size), block = count / 2;
    struct bundle_part *part = begin(store, bundle);
    char *spoilt = memory_copy(stream, (size_t)bundle->size);
    spoilt[(size_t)block * BLOCK + 1] ^= 1;
    (void)bring(part, spoilt, 0);
    assert_int_equal(bundle_part_end(part, why), ERROR_SYNTAX);
    assert_non_null(strstr(why, "1 files are not what the manifest says"));
    const struct bundle_file *file = &bundle->files[bundle_find_at(bundle, (uint64_t)block * BLOCK + 1)];
    for (uint32_t i = 0; i < count; i++) {
        bool is_of = (uint64_t)(i + 1) * BLOCK > file->at && (uint64_t)i * BLOCK < file->at + file->size;
        assert_int_equal(bundle_part_has(part, i), !is_of);
    }
    assert_false(bundle_is_here(folder, bundle->id));
    /* a neighbour that was good stays so, whatever comes with what is missing */
    for (uint32_t i = 0; i < count; i++) {
        if (!bundle_part_has(part, i)) {
            size_t len = bundle_block_len(bundle->size, i);
            char *bytes = memory_copy(stream + (size_t)i * BLOCK, len);
            for (size_t at = 0; at < len; at++) {
                uint64_t of = (uint64_t)i * BLOCK + at;
                bytes[at] ^= of < file->at || of >= file->at + file->size ? 1 : 0;
            }
            assert_int_equal(bundle_part_put(part, i, bytes, len, why), 0);
            free(bytes);
        }
    }
    assert_int_equal(bundle_part_end(part, why), 0);
    bundle_part_close(part);
    assert_tree(store, stream, bundle);
    bundle_store_free(store);
    bundle_free(bundle);
    free(spoilt);
    free(stream);
}

static ino_t inode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_ino;
}

static void bring_whole(struct bundle_store *store, const struct bundle *bundle, const char *stream)
{
    struct bundle_part *part = begin(store, bundle);
    (void)bring(part, stream, 1);
    assert_int_equal(bundle_part_end(part, why), 0);
    bundle_part_close(part);
}

/* A second bundle of nearly the same files brings what is new, and shares the rest; if that was damaged
 * meanwhile it comes, too, and the first one is not touched. */
static void test_linked(void **state)
{
    (void)state;
    struct bundle_store *store = bundle_store_new(folder);
    char *large = make_noise(4 * BLOCK, 5), *both = memory_alloc(4 * BLOCK + 4);
    write_file(in("src/geo.mmdb"), large, 4 * BLOCK);
    write_file(in("src/topology.json"), "abc", 3);
    struct bundle *first = scan("src");
    memcpy(both, large, 4 * BLOCK);
    memcpy(both + 4 * BLOCK, "abc", 3);
    bring_whole(store, first, both);
    write_file(in("src/topology.json"), "abcd", 4);
    assert_int_equal(rename(in("src/geo.mmdb"), in("src/db.mmdb")), 0);
    struct bundle *second = scan("src");
    memcpy(both + 4 * BLOCK, "abcd", 4);
    struct bundle_part *part = begin(store, second);
    assert_int_equal(bundle_part_count_missing(part), 1);
    assert_int_equal(bring(part, both, 0), 1);
    assert_int_equal(bundle_part_end(part, why), 0);
    bundle_part_close(part);
    assert_tree(store, both, second);
    assert_true(inode_of(in("bundles/%s/geo.mmdb", first->id)) ==
                inode_of(in("bundles/%s/db.mmdb", second->id)));
    assert_int_equal(bundle_store_remove(store, second->id, why), 0);

    large[17] ^= 1;
    write_file(in("bundles/%s/geo.mmdb", first->id), large, 4 * BLOCK);
    part = begin(store, second);
    assert_int_equal(bundle_part_count_missing(part), 1);
    (void)bundle_part_put(part, 4, both + 4 * BLOCK, 4, why);
    assert_int_equal(bundle_part_end(part, why), ERROR_SYNTAX);
    assert_int_equal(bundle_part_count_missing(part), 4);
    (void)bring(part, both, 0);
    assert_int_equal(bundle_part_end(part, why), 0);
    bundle_part_close(part);
    assert_tree(store, both, second);
    assert_false(inode_of(in("bundles/%s/geo.mmdb", first->id)) ==
                 inode_of(in("bundles/%s/db.mmdb", second->id)));
    bundle_store_free(store);
    bundle_free(first);
    bundle_free(second);
    free(large);
    free(both);
}

/* ---- the store ---- */

static struct bundle *put_small(struct bundle_store *store, const char *text)
{
    write_file(in("small/a"), text, strlen(text));
    struct bundle *bundle = scan("small");
    bring_whole(store, bundle, text);
    return bundle;
}

static bool is_this(void *context, const char *id)
{
    return strcmp(context, id) == 0;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void test_sweep(void **state)
{
    (void)state;
    struct bundle_store *store = bundle_store_new(folder);
    struct bundle *bundles[8];
    struct bundle_item *items;
    size_t count;
    assert_int_equal(bundle_list(folder, &items, &count, why), 0);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < 8; i++) {
        char text[] = {(char)('a' + i), '\0'};
        bundles[i] = put_small(store, text);
        const struct timespec times[2] = {{.tv_sec = 1000 + (time_t)i}, {.tv_sec = 1000 + (time_t)i}};
        assert_int_equal(utimensat(AT_FDCWD, in("bundles/%s.json", bundles[i]->id), times, 0), 0);
    }
    assert_int_equal(bundle_list(folder, &items, &count, why), 0);
    assert_int_equal(count, 8);
    assert_string_equal(items[0].id, bundles[7]->id);
    assert_int_equal(items[7].came_ms, 1000000);
    free(items);
    write_file(in("small/a"), "coming", 6);
    struct bundle *coming = scan("small");
    struct bundle_part *part = begin(store, coming);
    write_file(in("bundles/" ABC ".part/a"), "x", 1); /* of a process that ended */
    write_file(in("bundles/" EMPTY "/a"), "x", 1);
    write_file(in("bundles/notes"), "x", 1); /* somebody else's */
    assert_int_equal(bundle_store_sweep(store, is_this, bundles[0]->id), 3);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(bundle_is_here(folder, bundles[i]->id), i == 0 || i > 3);
    }
    assert_false(exists(in("bundles/" ABC ".part")));
    assert_false(exists(in("bundles/" EMPTY)));
    assert_true(exists(in("bundles/notes")));
    assert_true(exists(in("bundles/%s.part", coming->id)));
    bundle_part_close(part);
    assert_false(exists(in("bundles/%s.part", coming->id)));
    assert_int_equal(bundle_store_remove(store, coming->id, why), ERROR_NOT_FOUND);
    assert_int_equal(bundle_store_remove(store, "../../x", why), ERROR_NOT_FOUND);
    for (size_t i = 0; i < 8; i++) {
        bundle_free(bundles[i]);
    }
    bundle_free(coming);
    bundle_store_free(store);
}

static void test_taken(void **state)
{
    (void)state;
    struct bundle_store *store = bundle_store_new(folder);
    struct bundle_part *part, *other;
    struct progress progress = {.cancelled = true};
    write_file(in("small/a"), "abc", 3);
    struct bundle *bundle = scan("small");
    write_file(in("bundles/%s.part/rest", bundle->id), "x", 1); /* of an earlier try */
    part = begin(store, bundle);
    assert_false(exists(in("bundles/%s.part/rest", bundle->id)));
    assert_int_equal(bundle_part_begin(store, read_good(bundle->manifest), NULL, &other, why), ERROR_BUSY);
    assert_int_equal(bundle_part_put(part, 0, "abc", 3, why), 0);
    assert_int_equal(bundle_part_put(part, 0, "abd", 3, why), 0); /* it is there */
    assert_int_equal(bundle_part_end(part, why), 0);
    bundle_part_close(part);
    assert_int_equal(bundle_part_begin(store, read_good(bundle->manifest), NULL, &other, why),
                     ERROR_CONFLICT);
    assert_true(bundle_is_here(folder, bundle->id));
    write_file(in("bundles/%s.json", bundle->id), "{}", 2);
    struct bundle *loaded;
    assert_int_equal(bundle_load(folder, bundle->id, &loaded, why), ERROR_SYNTAX);
    assert_int_equal(bundle_store_remove(store, bundle->id, why), 0);
    assert_int_equal(bundle_load(folder, bundle->id, &loaded, why), ERROR_NOT_FOUND);
    assert_int_equal(bundle_part_begin(store, read_good(bundle->manifest), &progress, &other, why),
                     ERROR_CANCELLED);
    assert_false(exists(in("bundles/%s.part", bundle->id)));
    bundle_free(bundle);
    bundle_store_free(store);
}

/* The process that this one took over from is at it yet, or looks at what came: it is let alone. */
static void test_of_another_process(void **state)
{
    (void)state;
    struct bundle_store *store = bundle_store_new(folder);
    struct bundle_part *part;
    write_file(in("small/a"), "abc", 3);
    struct bundle *bundle = scan("small");
    write_file(in("bundles/%s.part/a", bundle->id), "ab", 2);
    write_file(in("bundles/%s.json.new", bundle->id), "x", 1);
    int fd = open(in("bundles/%s.part", bundle->id), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0); /* theirs: another open folder */
    assert_int_equal(bundle_part_begin(store, read_good(bundle->manifest), NULL, &part, why), ERROR_BUSY);
    assert_non_null(strstr(why, "another process"));
    assert_int_equal(bundle_store_sweep(store, is_this, bundle->id), 0);
    assert_true(exists(in("bundles/%s.part/a", bundle->id)));
    assert_true(exists(in("bundles/%s.json.new", bundle->id)));
    assert_int_equal(close(fd), 0);
    assert_int_equal(bundle_store_sweep(store, is_this, bundle->id), 0);
    assert_false(exists(in("bundles/%s.part", bundle->id)));
    assert_false(exists(in("bundles/%s.json.new", bundle->id)));
    bring_whole(store, bundle, "abc");
    fd = open(in("bundles/%s", bundle->id), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* nobody is at it any more */
    assert_int_equal(close(fd), 0);
    bundle_free(bundle);
    bundle_store_free(store);
}

/* Nothing more can be written: it says so, and leaves nothing. */
static void test_full(void **state)
{
    (void)state;
    struct bundle_store *store = bundle_store_new(folder);
    struct rlimit before, limit;
    struct bundle *bundle;
    char *stream = make_random_tree("src", 12345, &bundle);
    struct bundle_part *part = begin(store, bundle);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 1000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    int error = 0;
    for (uint32_t i = 0; i < bundle_count_blocks(bundle->size) && error == 0; i++) {
        error = bundle_part_put(part, i, stream + (size_t)i * BLOCK, bundle_block_len(bundle->size, i), why);
        assert_int_equal(bundle_part_has(part, i), error == 0);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(error, -EFBIG);
    bundle_part_close(part);
    assert_false(exists(in("bundles/%s.part", bundle->id)));
    bundle_free(bundle);
    bundle_store_free(store);
    free(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_blocks, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_wrong_blocks, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_damaged, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_linked, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_sweep, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_taken, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_of_another_process, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_full, make_folder, clean_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

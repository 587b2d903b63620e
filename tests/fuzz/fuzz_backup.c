/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Backups that anybody may have made: restoring them succeeds, or says what is wrong and leaves nothing. The
 * first octet says what the rest is: 0 a tar, 1 the manifest of one that has a good store, 2 the journal of
 * an incremental one whose manifest is right, 3 what happens to the octets of a good tar (three for the
 * place, one to be put there). */
#include "config.h"

#include "base/memory.h"
#include "base/sha2.h"
#include "past/backup_parts.h"

#include <dirent.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { PATH_SIZE = 128, BLOCK = 512, CHANGE = 4, IS_TAR = 0, IS_MANIFEST, IS_JOURNAL, IS_DAMAGE, KINDS };

static struct {
    char folder[PATH_SIZE], state[PATH_SIZE], to[PATH_SIZE];
    char *store;
    size_t store_len;
    struct backup_manifest manifest; /* of the good one */
    struct buffer tar;               /* the good one */
    sem_t woken;
} world;

static void check(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* ---- tars ---- */

static void add_member(struct buffer *tar, const char *path, const void *bytes, size_t len)
{
    char block[BLOCK] = {0};
    unsigned sum = 8 * ' ';
    snprintf(block, 100, "%s", path);
    memcpy(block + 100, "0000600\0000000000\0000000000", 23);
    snprintf(block + 124, 13, "%011zo", len);
    memcpy(block + 136, "00000000000", 11);
    block[156] = '0';
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++) {
        sum += (unsigned char)block[i];
    }
    snprintf(block + 148, 8, "%06o", sum);
    buffer_add(tar, block, BLOCK);
    buffer_add(tar, bytes, len);
    memset(block, 0, BLOCK);
    buffer_add(tar, block, (BLOCK - len % BLOCK) % BLOCK);
}

static void end_tar(struct buffer *tar)
{
    char blocks[2 * BLOCK] = {0};
    buffer_add(tar, blocks, sizeof blocks);
}

static void hash(const void *bytes, size_t len, unsigned char to[BACKUP_HASH_SIZE])
{
    struct sha256 sha;
    sha256_init(&sha);
    sha256_add(&sha, bytes, len);
    sha256_end(&sha, to);
}

/* ---- a good one ---- */

static void wake(void *context)
{
    (void)context;
    sem_post(&world.woken);
}

static void end(struct store_job *job)
{
    job->ops = NULL;
}

static void fill_store(void)
{
    struct report *report = report_new();
    struct store_options options = {.folder = world.state, .wake = wake};
    struct store *store;
    check(store_open(&options, report, &store) == 0);
    for (int i = 0; i < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%d", i % 5);
        struct store_op op = {
            .kind = "kind", .key = key, .value = i % 7 == 6 ? NULL : "1", .if_revision = STORE_ANY};
        struct store_job job = {.cause = {.wall_ms = 1 + i}, .ops = &op, .op_count = 1, .done = end};
        store_submit(store, &job);
        while (job.ops != NULL) {
            sem_wait(&world.woken);
            store_reap(store);
        }
        check(job.error == 0);
    }
    check(store_close(store, 60000));
    report_free(report);
}

static void read_store(const char *copy)
{
    FILE *stream = fopen(copy, "rb");
    struct stat status;
    check(stream != NULL && fstat(fileno(stream), &status) == 0);
    world.store_len = (size_t)status.st_size;
    world.store = memory_alloc(world.store_len);
    check(fread(world.store, 1, world.store_len, stream) == world.store_len);
    fclose(stream);
    (void)unlink(copy);
}

static void describe_store(void)
{
    struct report *report = report_new();
    struct store_reader *reader;
    struct store_identity identity;
    char copy[PATH_SIZE];
    snprintf(copy, sizeof copy, "%.64s/copy", world.folder);
    check(store_reader_open(world.state, report, &reader) == 0 && store_copy(reader, copy) == 0);
    check(store_identify(reader, &identity) == 0);
    check(backup_count_objects(reader, identity.last.seq, &world.manifest.objects,
                               world.manifest.objects_hash) == 0);
    store_reader_close(reader);
    report_free(report);
    read_store(copy);
    memcpy(world.manifest.store, identity.id, sizeof identity.id);
    world.manifest.to = identity.last;
}

static void write_tar(struct buffer *tar, struct backup_manifest *manifest, const void *bytes, size_t len)
{
    struct buffer text;
    buffer_init(&text);
    buffer_init(tar);
    backup_manifest_write(manifest, &text);
    add_member(tar, BACKUP_MANIFEST, text.bytes, text.len);
    add_member(tar, manifest->members.items[0].path, bytes, len);
    end_tar(tar);
    buffer_fini(&text);
}

static void make_world(void)
{
    unsigned char sum[BACKUP_HASH_SIZE];
    snprintf(world.folder, sizeof world.folder, "/tmp/fuzz-backup-XXXXXX");
    check(mkdtemp(world.folder) != NULL);
    snprintf(world.state, sizeof world.state, "%.64s/state", world.folder);
    snprintf(world.to, sizeof world.to, "%.64s/to", world.folder);
    check(mkdir(world.state, 0700) == 0);
    sem_init(&world.woken, 0, 0);
    fill_store();
    describe_store();
    hash(world.store, world.store_len, sum);
    world.manifest.made_ms = 1763800000000;
    backup_members_add(&world.manifest.members, BACKUP_STORE, world.store_len, sum);
    write_tar(&world.tar, &world.manifest, world.store, world.store_len);
}

static void remove_world(void)
{
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%.64s/%s", world.state, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(world.state);
    (void)rmdir(world.folder);
    backup_manifest_fini(&world.manifest);
    buffer_fini(&world.tar);
    free(world.store);
}

/* ---- restoring ---- */

static int add(struct backup_restorer *restorer, const struct buffer *tar, struct report *report)
{
    struct backup_reader *reader = NULL;
    int error = backup_reader_open_memory(tar->bytes, tar->len, report, &reader);
    error = error != 0 ? error : backup_restorer_add(restorer, reader);
    backup_reader_close(reader);
    return error;
}

static bool restore(const struct buffer *const *tars, size_t count)
{
    struct report *report = report_new();
    struct backup_restorer *restorer = NULL;
    struct stat status;
    int error = backup_restorer_open(world.to, NULL, report, &restorer);
    check(error == 0);
    for (size_t i = 0; i < count && error == 0; i++) {
        error = add(restorer, tars[i], report);
    }
    if (error == 0) {
        error = backup_restorer_close(restorer);
    } else {
        backup_restorer_free(restorer);
    }
    check((error != 0) == (report_errors(report) != 0));
    if (error == 0) {
        backup_remove_restored(world.to);
        check(rmdir(world.to) == 0); /* so nothing else was made */
    }
    check(stat(world.to, &status) == -1);
    report_free(report);
    return error == 0;
}

static void restore_manifest(const uint8_t *bytes, size_t len)
{
    struct buffer tar;
    const struct buffer *const tars[] = {&tar};
    buffer_init(&tar);
    add_member(&tar, BACKUP_MANIFEST, bytes, len);
    add_member(&tar, BACKUP_STORE, world.store, world.store_len);
    end_tar(&tar);
    (void)restore(tars, 1);
    buffer_fini(&tar);
}

static void restore_journal(const uint8_t *bytes, size_t len)
{
    struct buffer tar;
    const struct buffer *const tars[] = {&world.tar, &tar};
    unsigned char sum[BACKUP_HASH_SIZE];
    struct backup_manifest manifest = world.manifest;
    manifest.kind = BACKUP_INCREMENTAL;
    manifest.members = (struct backup_members){.items = NULL};
    memcpy(manifest.base.id, world.manifest.id, sizeof manifest.base.id);
    manifest.base.to = world.manifest.to;
    hash(bytes, len, sum);
    backup_members_add(&manifest.members, BACKUP_JOURNAL, len, sum);
    write_tar(&tar, &manifest, bytes, len);
    check(restore(tars, 2) == (len == 0)); /* with anything in it, it would have to end elsewhere */
    buffer_fini(&tar);
    backup_manifest_fini(&manifest);
}

static void restore_damaged(const uint8_t *bytes, size_t len)
{
    struct buffer tar;
    const struct buffer *const tars[] = {&tar};
    buffer_init(&tar);
    buffer_add(&tar, world.tar.bytes, world.tar.len);
    for (size_t at = 0; at + CHANGE <= len; at += CHANGE) {
        size_t place = ((size_t)bytes[at] << 16 | (size_t)bytes[at + 1] << 8 | bytes[at + 2]) % tar.len;
        tar.bytes[place] = (char)bytes[at + CHANGE - 1];
    }
    (void)restore(tars, 1);
    buffer_fini(&tar);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (world.store == NULL) {
        make_world();
        (void)atexit(remove_world);
    }
    if (len == 0) {
        return 0;
    }
    struct buffer tar;
    const struct buffer *const tars[] = {&tar};
    switch (bytes[0] % KINDS) {
    case IS_MANIFEST: restore_manifest(bytes + 1, len - 1); break;
    case IS_JOURNAL: restore_journal(bytes + 1, len - 1); break;
    case IS_DAMAGE: restore_damaged(bytes + 1, len - 1); break;
    default:
        buffer_init(&tar);
        buffer_add(&tar, bytes + 1, len - 1);
        (void)restore(tars, 1);
        buffer_fini(&tar);
        break;
    }
    return 0;
}

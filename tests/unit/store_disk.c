/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See store_disk.h. Of each file the octets are kept as of its last sync, and what was done to it since. */
#include "config.h"

#include "tests/unit/store_disk.h"

#include "base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

enum { FILES_MAX = 16, SECTOR = 512, NAME_SIZE = 256, THREADS_MAX = 32, THREAD_SIZE = 16 };

struct change {
    bool is_truncation;
    int64_t offset;
    size_t len;
    unsigned char *bytes;
};

struct image {
    char name[NAME_SIZE];
    bool exists;
    unsigned char *bytes; /* as of the last sync */
    size_t len, capacity;
    struct change *changes;
    size_t count, change_capacity;
};

struct file {
    sqlite3_file base;
    struct image *image; /* NULL: of no interest */
    sqlite3_file *inner;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t went_on;
    sqlite3_vfs vfs, *inner;
    sqlite3_io_methods methods;
    int error;
    unsigned every, turn;
    bool hangs, has_power, is_read_only;
    uint64_t left; /* operations */
    struct image images[FILES_MAX];
    size_t image_count;
    struct {
        char name[THREAD_SIZE];
        uint64_t count;
    } threads[THREADS_MAX];
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .went_on = PTHREAD_COND_INITIALIZER,
          .has_power = true,
          .left = UINT64_MAX};

/* ---- images, under the lock ---- */

static void reserve(struct image *image, size_t len)
{
    if (len > image->capacity) {
        size_t capacity = len * 2;
        image->bytes = memory_resize(image->bytes, capacity, 1);
        image->capacity = capacity;
    }
    if (len > image->len) {
        memset(image->bytes + image->len, 0, len - image->len);
        image->len = len;
    }
}

static void put(struct image *image, int64_t offset, const unsigned char *bytes, size_t len)
{
    reserve(image, (size_t)offset + len);
    memcpy(image->bytes + offset, bytes, len);
}

static void apply(struct image *image, const struct change *change)
{
    if (change->is_truncation) {
        reserve(image, (size_t)change->offset);
        image->len = (size_t)change->offset;
    } else {
        put(image, change->offset, change->bytes, change->len);
    }
}

static void forget_changes(struct image *image)
{
    for (size_t i = 0; i < image->count; i++) {
        free(image->changes[i].bytes);
    }
    image->count = 0;
}

static void note_change(struct image *image, bool is_truncation, int64_t offset, const void *bytes,
                        size_t len)
{
    image->changes =
        memory_grow(image->changes, image->count, &image->change_capacity, sizeof *image->changes);
    image->changes[image->count++] = (struct change){is_truncation, offset, len, memory_copy(bytes, len)};
}

static void forget_image(struct image *image)
{
    forget_changes(image);
    free(image->changes);
    free(image->bytes);
    *image = (struct image){.exists = false};
}

/* What is on the real disk now was synced. */
static void load(struct image *image)
{
    FILE *stream = fopen(image->name, "rb");
    unsigned char piece[4096];
    for (size_t len; stream != NULL && (len = fread(piece, 1, sizeof piece, stream)) > 0;) {
        put(image, (int64_t)image->len, piece, len);
    }
    if (stream != NULL) {
        fclose(stream);
    }
    image->exists = true;
}

static struct image *find_image(const char *name)
{
    for (size_t i = 0; i < disk.image_count; i++) {
        if (strcmp(disk.images[i].name, name) == 0) {
            return &disk.images[i];
        }
    }
    if (disk.image_count == FILES_MAX) {
        abort();
    }
    struct image *image = &disk.images[disk.image_count++];
    snprintf(image->name, sizeof image->name, "%s", name);
    return image;
}

/* ---- faults, under the lock ---- */

static void count_thread(void)
{
    char name[THREAD_SIZE] = "?";
    size_t i = 0;
    pthread_getname_np(pthread_self(), name, sizeof name);
    while (i < THREADS_MAX - 1 && disk.threads[i].count > 0 && strcmp(disk.threads[i].name, name) != 0) {
        i++;
    }
    memcpy(disk.threads[i].name, name, sizeof name);
    disk.threads[i].count++;
}

/* What becomes of the next operation. `last`: power goes with it. */
static int judge(bool *last)
{
    count_thread();
    *last = false;
    if (!disk.has_power) {
        return SQLITE_IOERR;
    }
    if (disk.error != 0 && disk.turn++ % disk.every == 0) {
        return disk.error;
    }
    if (disk.left-- == 0) {
        disk.has_power = false;
        *last = true;
    }
    return SQLITE_OK;
}

/* ---- methods ---- */

static sqlite3_file *inner_of(sqlite3_file *file)
{
    return ((struct file *)file)->inner;
}

static int do_close(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xClose(inner_of(file));
}

static int do_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
    return inner_of(file)->pMethods->xRead(inner_of(file), bytes, len, offset);
}

static int do_change(struct file *file, bool is_truncation, int64_t offset, const void *bytes, size_t len)
{
    bool last;
    pthread_mutex_lock(&disk.lock);
    int code = judge(&last);
    if (code == SQLITE_OK && file->image != NULL) {
        note_change(file->image, is_truncation, offset, bytes, len);
    }
    pthread_mutex_unlock(&disk.lock);
    return last ? SQLITE_IOERR_WRITE : code;
}

static int do_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    int code = do_change((struct file *)file, false, offset, bytes, (size_t)len);
    return code != SQLITE_OK ? code : inner_of(file)->pMethods->xWrite(inner_of(file), bytes, len, offset);
}

static int do_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = do_change((struct file *)file, true, size, "", 0);
    return code != SQLITE_OK ? code : inner_of(file)->pMethods->xTruncate(inner_of(file), size);
}

static int do_sync(sqlite3_file *file, int flags)
{
    struct image *image = ((struct file *)file)->image;
    bool last;
    (void)flags; /* the real one is not synced: power is lost here only */
    pthread_mutex_lock(&disk.lock);
    while (disk.hangs) {
        pthread_cond_wait(&disk.went_on, &disk.lock);
    }
    int code = judge(&last);
    if (code == SQLITE_OK && !last && image != NULL) {
        for (size_t i = 0; i < image->count; i++) {
            apply(image, &image->changes[i]);
        }
        forget_changes(image);
    }
    pthread_mutex_unlock(&disk.lock);
    return last ? SQLITE_IOERR_FSYNC : code;
}

static int do_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return inner_of(file)->pMethods->xFileSize(inner_of(file), size);
}

static int do_lock(sqlite3_file *file, int level)
{
    return inner_of(file)->pMethods->xLock(inner_of(file), level);
}

static int do_unlock(sqlite3_file *file, int level)
{
    return inner_of(file)->pMethods->xUnlock(inner_of(file), level);
}

static int do_check_lock(sqlite3_file *file, int *result)
{
    return inner_of(file)->pMethods->xCheckReservedLock(inner_of(file), result);
}

static int do_control(sqlite3_file *file, int what, void *argument)
{
    return inner_of(file)->pMethods->xFileControl(inner_of(file), what, argument);
}

static int do_sector_size(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xSectorSize(inner_of(file));
}

static int do_characteristics(sqlite3_file *file)
{
    return inner_of(file)->pMethods->xDeviceCharacteristics(inner_of(file));
}

static int do_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **to)
{
    return inner_of(file)->pMethods->xShmMap(inner_of(file), page, size, extend, to);
}

static int do_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return inner_of(file)->pMethods->xShmLock(inner_of(file), offset, n, flags);
}

static void do_shm_barrier(sqlite3_file *file)
{
    inner_of(file)->pMethods->xShmBarrier(inner_of(file));
}

static int do_shm_unmap(sqlite3_file *file, int erase)
{
    return inner_of(file)->pMethods->xShmUnmap(inner_of(file), erase);
}

static const sqlite3_io_methods methods = {2,
                                           do_close,
                                           do_read,
                                           do_write,
                                           do_truncate,
                                           do_sync,
                                           do_file_size,
                                           do_lock,
                                           do_unlock,
                                           do_check_lock,
                                           do_control,
                                           do_sector_size,
                                           do_characteristics,
                                           do_shm_map,
                                           do_shm_lock,
                                           do_shm_barrier,
                                           do_shm_unmap,
                                           NULL,
                                           NULL};

static int do_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *to, int flags, int *out)
{
    struct file *file = (struct file *)to;
    bool is_kept = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    (void)vfs;
    *file = (struct file){.inner = (sqlite3_file *)(file + 1)};
    pthread_mutex_lock(&disk.lock);
    bool may = disk.has_power && !(disk.is_read_only && (flags & SQLITE_OPEN_WAL) != 0);
    if (disk.is_read_only) {
        flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    }
    pthread_mutex_unlock(&disk.lock);
    int code = may ? disk.inner->xOpen(disk.inner, name, file->inner, flags, out) : SQLITE_CANTOPEN;
    if (code != SQLITE_OK) {
        return code;
    }
    if (is_kept && name != NULL) {
        pthread_mutex_lock(&disk.lock);
        file->image = find_image(name);
        if (!file->image->exists) {
            load(file->image);
        }
        pthread_mutex_unlock(&disk.lock);
    }
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int do_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    bool last;
    (void)vfs;
    pthread_mutex_lock(&disk.lock);
    int code = judge(&last);
    if (code == SQLITE_OK && !last) {
        struct image *image = find_image(name);
        forget_image(image);
        snprintf(image->name, sizeof image->name, "%s", name);
    }
    pthread_mutex_unlock(&disk.lock);
    return last                ? SQLITE_IOERR_DELETE
           : code != SQLITE_OK ? code
                               : disk.inner->xDelete(disk.inner, name, sync_folder);
}

/* ---- for tests ---- */

void disk_install(void)
{
    if (disk.inner == NULL) {
        disk.inner = sqlite3_vfs_find(NULL);
        disk.vfs = *disk.inner;
        disk.vfs.zName = "disk";
        disk.vfs.pNext = NULL;
        disk.vfs.szOsFile = (int)sizeof(struct file) + disk.inner->szOsFile;
        disk.vfs.xOpen = do_open;
        disk.vfs.xDelete = do_delete;
        disk.every = 1;
        sqlite3_vfs_register(&disk.vfs, 1);
    }
}

void disk_reset(void)
{
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.image_count; i++) {
        forget_image(&disk.images[i]);
    }
    disk.image_count = 0;
    disk.error = 0;
    disk.every = 1;
    disk.has_power = true;
    disk.left = UINT64_MAX;
    disk.hangs = false;
    disk.is_read_only = false;
    memset(disk.threads, 0, sizeof disk.threads);
    pthread_cond_broadcast(&disk.went_on);
    pthread_mutex_unlock(&disk.lock);
}

void disk_set_error_every(int code, unsigned every)
{
    pthread_mutex_lock(&disk.lock);
    disk.error = code;
    disk.every = every;
    disk.turn = 0;
    pthread_mutex_unlock(&disk.lock);
}

void disk_set_error(int code)
{
    disk_set_error_every(code, 1);
}

void disk_set_hang(bool hangs)
{
    pthread_mutex_lock(&disk.lock);
    disk.hangs = hangs;
    pthread_cond_broadcast(&disk.went_on);
    pthread_mutex_unlock(&disk.lock);
}

void disk_set_read_only(bool is_read_only)
{
    pthread_mutex_lock(&disk.lock);
    disk.is_read_only = is_read_only;
    pthread_mutex_unlock(&disk.lock);
}

void disk_lose_power_after(uint64_t operations)
{
    pthread_mutex_lock(&disk.lock);
    disk.left = operations;
    pthread_mutex_unlock(&disk.lock);
}

bool disk_has_power(void)
{
    pthread_mutex_lock(&disk.lock);
    bool has_power = disk.has_power;
    pthread_mutex_unlock(&disk.lock);
    return has_power;
}

uint64_t disk_count_strangers(const char *thread)
{
    uint64_t count = 0;
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < THREADS_MAX; i++) {
        count += strcmp(disk.threads[i].name, thread) == 0 ? 0 : disk.threads[i].count;
    }
    pthread_mutex_unlock(&disk.lock);
    return count;
}

/* ---- when power is back ---- */

/* Whole, not at all, or some of its sectors, of which a few hold anything. */
static void apply_torn(struct image *image, const struct change *change, struct random *random)
{
    if (change->is_truncation || random_below(random, 2) == 0) {
        apply(image, change);
        return;
    }
    for (size_t at = 0; at < change->len; at += SECTOR) {
        unsigned char sector[SECTOR];
        size_t len = change->len - at < SECTOR ? change->len - at : SECTOR;
        memcpy(sector, change->bytes + at, len);
        uint64_t fate = random_below(random, 16);
        if (fate == 0) {
            for (size_t i = 0; i < len; i++) {
                sector[i] = (unsigned char)random_next(random);
            }
        }
        if (fate < 8) {
            put(image, change->offset + (int64_t)at, sector, len);
        }
    }
}

/* Nothing of it, all of it, what came first, or any of it in any order. */
static void lose(struct image *image, struct random *random)
{
    uint64_t way = random_below(random, 5), upto = random_below(random, image->count + 1);
    for (size_t i = image->count; way == 4 && i > 1; i--) {
        struct change *other = &image->changes[random_below(random, i)], kept = *other;
        *other = image->changes[i - 1];
        image->changes[i - 1] = kept;
    }
    for (size_t i = 0; i < image->count; i++) {
        if (way == 1 || (way == 2 && i < upto)) {
            apply(image, &image->changes[i]);
        } else if (way >= 3 && random_below(random, 2) == 0) {
            apply_torn(image, &image->changes[i], random);
        }
    }
}

static void write_image(const struct image *image, const char *to)
{
    char path[2 * NAME_SIZE];
    snprintf(path, sizeof path, "%s/%s", to, strrchr(image->name, '/') + 1);
    FILE *stream = fopen(path, "wb");
    if (stream == NULL || fwrite(image->bytes, 1, image->len, stream) != image->len || fclose(stream) != 0) {
        abort();
    }
}

void disk_recover(const char *from, const char *to, struct random *random)
{
    size_t len = strlen(from);
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.image_count; i++) {
        struct image *image = &disk.images[i];
        if (image->exists && strncmp(image->name, from, len) == 0 && image->name[len] == '/') {
            lose(image, random);
            write_image(image, to);
        }
    }
    pthread_mutex_unlock(&disk.lock);
}

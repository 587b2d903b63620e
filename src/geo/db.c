/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opening databases. The file is copied into a sealed memfd first and the library maps that: whatever happens
 * to the file meanwhile (replaced, rewritten in place, cut short) the reader does not die of SIGBUS.
 * Metadata, every record and every value are checked, and what rules can ask for is kept as a tree and a
 * table of facts; then the copy goes away, so an open database cannot fail later. All failures are the
 * operator's and go to the report with the path.
 *
 * Called by the loader; an open database is read-only and may be asked from any thread. */
#include "config.h"

#include "geo/geo.h"

#include "geo/db.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The library searches the marker in this many last bytes of the file. */
enum { METADATA_ROOM = 128 * 1024, CHUNK = 256 * 1024 };
static const uint64_t EPOCH_MAX = UINT64_C(253402300799); /* the end of the year 9999 */
static const uint64_t FILE_SIZE_MAX = UINT64_C(2) << 30;
static const uint8_t metadata_marker[] = "\xab\xcd\xefMaxMind.com";

/* ---- signatures ---- */

static struct geo_signature sign(const struct file *file)
{
    return (struct geo_signature){
        .device = file->device, .inode = file->inode, .size = file->size, .modified_ns = file->modified_ns};
}

struct geo_signature geo_sign_file(const char *path)
{
    struct file file;
    return file_look(path, &file) == 0 ? sign(&file) : (struct geo_signature){0};
}

bool geo_signature_equal(const struct geo_signature *a, const struct geo_signature *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified_ns == b->modified_ns;
}

/* ---- a private copy ---- */

static void complain(struct report *report, const char *path, const char *what, int error)
{
    report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "%s: %s", what,
               error_text(-error));
}

/* Behind the last marker, as the library finds it; NULL if there is none. */
static const uint8_t *find_metadata(const uint8_t *bytes, size_t len)
{
    size_t marker_len = sizeof metadata_marker - 1;
    const uint8_t *at = len > METADATA_ROOM ? bytes + (len - METADATA_ROOM) : bytes, *end = bytes + len,
                  *found = NULL;
    while ((at = memmem(at, (size_t)(end - at), metadata_marker, marker_len)) != NULL) {
        at += marker_len;
        found = at;
    }
    return found;
}

static void refuse(struct report *report, const char *path, size_t len, const char *wrong)
{
    report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
               "not a MaxMind database, or cut short: found %zu bytes whose metadata %s; expected a "
               "complete .mmdb file",
               len, wrong);
}

/* What says nothing of being a database is refused before it is copied. */
static bool has_marker(const struct file *file)
{
    size_t room = file->size < METADATA_ROOM ? (size_t)file->size : METADATA_ROOM;
    uint8_t *bytes = memory_alloc(room);
    ssize_t len = pread(file->fd, bytes, room, (off_t)(file->size - room));
    bool found = len > 0 && find_metadata(bytes, (size_t)len) != NULL;
    free(bytes);
    return found;
}

/* Returns 0 or an errno. */
static int copy_bytes(struct file *from, int to, const struct report *report)
{
    uint8_t *chunk = memory_alloc(CHUNK);
    size_t len = 0;
    int error = 0;
    do {
        error = report_is_cancelled(report) ? ECANCELED : -file_read(from, chunk, CHUNK, &len);
        if (error == 0 && len != 0) {
            /* A write to a memfd is short only when memory runs out. */
            ssize_t written = write(to, chunk, len);
            error = written == -1 ? errno : written != (ssize_t)len ? EFBIG : 0;
        }
    } while (error == 0 && len != 0);
    free(chunk);
    return error;
}

/* A sealed copy of the open file, or -1 and a report. */
static int copy_file(struct file *from, const char *path, struct report *report)
{
    int to = memfd_create("geo", MFD_CLOEXEC | MFD_ALLOW_SEALING),
        error = to == -1 ? errno : copy_bytes(from, to, report);
    if (error == 0 &&
        fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1) {
        error = errno;
    }
    if (error != 0) {
        complain(report, path, "cannot copy the geo database into memory", error);
        if (to != -1) {
            close(to);
        }
        return -1;
    }
    return to;
}

/* The signature tells which contents the file has now: what is written to it later makes another one. */
static int open_copy(const char *path, const char *real, struct geo_signature *signature,
                     struct report *report)
{
    struct file file;
    int copy = -1;
    if (file_open(real, FILE_SIZE_MAX, &file) != 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
                   "cannot open the geo database: %s", file.why);
        return -1;
    }
    *signature = sign(&file);
    if (has_marker(&file)) {
        copy = copy_file(&file, path, report);
    } else {
        refuse(report, path, (size_t)file.size, "is missing");
    }
    file_close(&file);
    return copy;
}

/* ---- opening ---- */

/* Before the library decodes it. */
static int check_metadata(int fd, const char *path, struct report *report)
{
    struct stat info;
    if (fstat(fd, &info) == -1) {
        complain(report, path, "cannot read the geo database", errno);
        return ERROR_INVALID;
    }
    size_t len = (size_t)info.st_size;
    uint8_t *bytes = len == 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
    const char *wrong = "is missing";
    if (bytes != MAP_FAILED) {
        const uint8_t *metadata = find_metadata(bytes, len);
        if (metadata != NULL) {
            struct geo_data data = {metadata, (size_t)(bytes + len - metadata), 65536};
            wrong = geo_data_check_metadata(&data);
        }
        munmap(bytes, len);
    }
    if (wrong != NULL) {
        refuse(report, path, len, wrong);
        return ERROR_INVALID;
    }
    return 0;
}

static int open_library(MMDB_s *mmdb, int fd, const char *path, struct report *report)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int status = MMDB_open(name, MMDB_MODE_MMAP, mmdb);
    if (status == MMDB_SUCCESS) {
        return 0;
    }
    report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
               "not a usable MaxMind database: %s%s%s", MMDB_strerror(status),
               status == MMDB_FILE_OPEN_ERROR ? " (is /proc mounted?) " : "",
               status == MMDB_FILE_OPEN_ERROR ? strerror(errno) : "");
    return ERROR_LIBRARY;
}

static int load(struct geo_db *db, int fd, const char *path, struct report *report)
{
    MMDB_s mmdb;
    int error = check_metadata(fd, path, report);
    error = error == 0 ? open_library(&mmdb, fd, path, report) : error;
    if (error != 0) {
        return error;
    }
    error = geo_load_tree(db, &mmdb, path, report);
    db->info.build_epoch = mmdb.metadata.build_epoch <= EPOCH_MAX ? mmdb.metadata.build_epoch : 0;
    db->info.ip_version = mmdb.metadata.ip_version;
    db->info.type = memory_copy_text(mmdb.metadata.database_type);
    MMDB_close(&mmdb);
    return error;
}

/* ---- what is told of it ---- */

static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        *text = *text < ' ' || *text > '~' ? '?' : *text;
    }
}

static size_t pool_size(const struct geo_pool *pool)
{
    size_t size = pool->capacity * sizeof *pool->items;
    for (size_t i = 0; i < pool->count; i++) {
        size += (pool->items[i].len + 16) & ~(size_t)15;
    }
    return size;
}

/* Leaves are networks, what is not known aside. */
static size_t count_networks(const struct geo_db *db)
{
    size_t count = 0;
    for (size_t i = 0; i < db->networks.count; i++) {
        for (unsigned bit = 0; bit < 2; bit++) {
            uint32_t child = db->networks.nodes[i].child[bit];
            count += geo_is_leaf(child) && child != (GEO_LEAF | 0);
        }
    }
    return count;
}

static void describe(struct geo_db *db, const char *path)
{
    struct geo_db_info *info = &db->info;
    for (uint32_t i = 0; i < db->facts.count; i++) {
        info->knows |= geo_facts_known(geo_pool_get(&db->facts, i));
    }
    make_printable((char *)(uintptr_t)info->type);
    info->path = memory_copy_text(path);
    info->networks = count_networks(db);
    info->places = db->facts.count - 1;
    info->file_size = (size_t)db->signature.size;
    info->memory = sizeof *db + db->networks.capacity * sizeof *db->networks.nodes + pool_size(&db->facts) +
                   pool_size(&db->texts);
}

static void warn_if_useless(const struct geo_db *db, struct report *report)
{
    if (db->info.knows == 0) {
        report_add(
            report, REPORT_WARNING, &(struct report_place){.file = db->info.path},
            "the database (type \"%.64s\") says nothing that geo rules ask for: found no country.iso_code "
            "or country_code, no continent, city, coordinates or autonomous system; no rule can match "
            "by it",
            db->info.type);
    }
}

struct geo_db *geo_open_db(const char *path, struct report *report)
{
    return geo_open_db_at(path, path, report);
}

struct geo_db *geo_open_db_at(const char *path, const char *real, struct report *report)
{
    static const struct geo_facts nothing;
    struct geo_signature signature = {0};
    int fd = open_copy(path, real, &signature, report);
    if (fd == -1) {
        return NULL;
    }
    struct geo_db *db = memory_alloc(sizeof *db);
    atomic_init(&db->holders, 1);
    db->signature = signature;
    geo_pool_init(&db->facts, &nothing, sizeof nothing);
    geo_pool_init(&db->texts, "", 0);
    int error = load(db, fd, path, report);
    close(fd);
    if (error != 0) {
        geo_close_db(db);
        return NULL;
    }
    geo_pool_close(&db->facts);
    geo_pool_close(&db->texts);
    describe(db, path);
    warn_if_useless(db, report);
    return db;
}

void geo_hold_db(const struct geo_db *db)
{
    if (db != NULL) {
        /* Holding changes nothing that a reader sees. */
        atomic_fetch_add_explicit(&((struct geo_db *)(uintptr_t)db)->holders, 1, memory_order_relaxed);
    }
}

void geo_close_db(struct geo_db *db)
{
    if (db == NULL || atomic_fetch_sub_explicit(&db->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    geo_trie_fini(&db->networks);
    geo_pool_fini(&db->facts);
    geo_pool_fini(&db->texts);
    free((void *)(uintptr_t)db->info.path);
    free((void *)(uintptr_t)db->info.type);
    free(db);
}

const struct geo_db_info *geo_get_info(const struct geo_db *db)
{
    return &db->info;
}

const struct geo_signature *geo_get_signature(const struct geo_db *db)
{
    return &db->signature;
}

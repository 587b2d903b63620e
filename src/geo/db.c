/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Opening databases. The file is copied into a sealed memfd first and the library maps that: whatever happens
 * to the file afterwards (replaced, rewritten in place, cut short) the open database does not change, and a
 * reader never dies of SIGBUS. Metadata and every record and value are checked before the library decodes
 * them, so an open database cannot fail later. All failures are the operator's and go to the report with the
 * path.
 *
 * Called by the loader; an open database is read-only and may be asked from any thread. */
#include "config.h"

#include "geo/geo.h"

#include "geo/db.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The library searches the marker in this many last bytes of the file. */
enum { METADATA_ROOM = 128 * 1024, CHUNK = 256 * 1024 };
static const uint64_t FILE_SIZE_MAX = UINT64_C(2) << 30;
static const uint8_t metadata_marker[] = "\xab\xcd\xefMaxMind.com";

/* ---- codes ---- */

unsigned geo_code_read(const char *text, size_t len)
{
    if (len != 2) {
        return GEO_CODE_NONE;
    }
    unsigned first = (unsigned)(text[0] | 0x20) - 'a', second = (unsigned)(text[1] | 0x20) - 'a';
    return first < 26 && second < 26 ? 1 + first * 26 + second : GEO_CODE_NONE;
}

void geo_code_write(unsigned code, char text[3])
{
    memset(text, 0, 3);
    if (code != GEO_CODE_NONE) {
        text[0] = (char)('A' + (code - 1) / 26);
        text[1] = (char)('A' + (code - 1) % 26);
    }
}

/* ---- a private copy ---- */

static void complain(struct report *report, const char *path, const char *what, int error)
{
    report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "%s: %s", what,
               error_text(-error));
}

static int open_file(const char *path, struct report *report)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1) {
        complain(report, path, "cannot open the geo database", errno);
        return -1;
    }
    struct stat info;
    const char *wrong = NULL;
    if (fstat(fd, &info) == -1 || !S_ISREG(info.st_mode)) {
        wrong = "the geo database is not a regular file";
    } else if ((uint64_t)info.st_size > FILE_SIZE_MAX) {
        wrong = "the geo database is larger than 2 GiB, which no database for this server is";
    }
    if (wrong != NULL) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "%s", wrong);
        close(fd);
        return -1;
    }
    return fd;
}

/* Returns 0 or an errno. */
static int copy_bytes(int from, int to)
{
    uint8_t *chunk = memory_alloc(CHUNK);
    int error = 0;
    uint64_t total = 0;
    for (;;) {
        ssize_t len = read(from, chunk, CHUNK);
        if (len == -1 && errno == EINTR) {
            continue;
        }
        if (len <= 0) {
            error = len == -1 ? errno : 0;
            break;
        }
        total += (uint64_t)len;
        /* A write to a memfd is short only when memory runs out. */
        ssize_t written = total > FILE_SIZE_MAX ? 0 : write(to, chunk, (size_t)len);
        if (written != len) {
            error = written == -1 ? errno : EFBIG;
            break;
        }
    }
    free(chunk);
    return error;
}

/* A sealed copy, or -1 and a report. */
static int copy_file(const char *path, struct report *report)
{
    int from = open_file(path, report);
    if (from == -1) {
        return -1;
    }
    int to = memfd_create("geo", MFD_CLOEXEC | MFD_ALLOW_SEALING),
        error = to == -1 ? errno : copy_bytes(from, to);
    if (error == 0 &&
        fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == -1) {
        error = errno;
    }
    close(from);
    if (error != 0) {
        complain(report, path, "cannot copy the geo database into memory", error);
        if (to != -1) {
            close(to);
        }
        return -1;
    }
    return to;
}

/* ---- opening ---- */

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
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
                   "not a MaxMind database, or cut short: found %zu bytes whose metadata %s; expected a "
                   "complete .mmdb file",
                   len, wrong);
        return ERROR_INVALID;
    }
    return 0;
}

static int open_library(struct geo_db *db, int fd, const char *path, struct report *report)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int status = MMDB_open(name, MMDB_MODE_MMAP, &db->mmdb);
    if (status == MMDB_SUCCESS) {
        return 0;
    }
    report_add(report, REPORT_ERROR, &(struct report_place){.file = path},
               "not a usable MaxMind database: %s%s%s", MMDB_strerror(status),
               status == MMDB_FILE_OPEN_ERROR ? " (is /proc mounted?) " : "",
               status == MMDB_FILE_OPEN_ERROR ? strerror(errno) : "");
    memset(&db->mmdb, 0, sizeof db->mmdb);
    return ERROR_LIBRARY;
}

static void warn_if_placeless(const struct geo_db *db, const char *path, struct report *report)
{
    for (size_t i = 0; i < db->entries.room; i++) {
        if (db->entries.slots[i].used && db->entries.slots[i].place != GEO_PLACE_UNKNOWN) {
            return;
        }
    }
    report_add(
        report, REPORT_WARNING, &(struct report_place){.file = path},
        "none of the %zu entries of the database (type \"%.64s\") has a country or continent: found neither "
        "country.iso_code nor country_code; no geo rule can match by it",
        db->entries.used, db->mmdb.metadata.database_type);
}

struct geo_db *geo_open_db(const char *path, struct report *report)
{
    int fd = copy_file(path, report);
    if (fd == -1) {
        return NULL;
    }
    struct geo_db *db = memory_alloc(sizeof *db);
    int error = check_metadata(fd, path, report);
    if (error == 0) {
        error = open_library(db, fd, path, report);
    }
    close(fd);
    if (error == 0) {
        error = geo_load_tree(db, path, report);
    }
    if (error != 0) {
        geo_close_db(db);
        return NULL;
    }
    warn_if_placeless(db, path, report);
    return db;
}

void geo_close_db(struct geo_db *db)
{
    if (db == NULL) {
        return;
    }
    if (db->mmdb.file_content != NULL) {
        MMDB_close(&db->mmdb);
    }
    free(db->entries.slots);
    geo_trie_fini(&db->places);
    free(db);
}

/* ---- asking ---- */

/* The bits of an address on the way through the database's own tree. */
struct path {
    uint8_t bytes[16];
    unsigned skip; /* bits before those of the address' own family */
};

static unsigned path_bit(const struct path *path, unsigned depth)
{
    return path->bytes[depth / 8] >> (7 - depth % 8) & 1u;
}

bool geo_find_place(const struct geo_db *db, const struct addr *addr, struct geo_place *place)
{
    memset(place, 0, sizeof *place);
    bool is_v4_only = db->mmdb.metadata.ip_version == 4;
    if ((addr->family == ADDR_V6 && is_v4_only) || addr->family == ADDR_NONE) {
        return false;
    }
    struct path path = {.skip = addr->family == ADDR_V4 && !is_v4_only ? 96 : 0};
    memcpy(path.bytes + path.skip / 8, addr->bytes, addr_len(addr));
    uint32_t node = 0, found = GEO_PLACE_UNKNOWN;
    unsigned depth = 0;
    /* Ends: the tree was checked, no path is longer than an address. */
    for (;;) {
        MMDB_search_node_s records;
        if (MMDB_read_node(&db->mmdb, node, &records) != MMDB_SUCCESS) {
            break;
        }
        bool one = path_bit(&path, depth++) == 1;
        uint8_t type = one ? records.right_record_type : records.left_record_type;
        if (type == MMDB_RECORD_TYPE_SEARCH_NODE) {
            node = (uint32_t)(one ? records.right_record : records.left_record);
            continue;
        }
        if (type == MMDB_RECORD_TYPE_DATA) {
            const MMDB_entry_s *at = one ? &records.right_record_entry : &records.left_record_entry;
            const struct geo_entry *entry = geo_find_entry(&db->entries, at->offset);
            found = entry == NULL ? GEO_PLACE_UNKNOWN : entry->place;
        }
        break;
    }
    place->prefix_len = (uint8_t)(depth > path.skip ? depth - path.skip : 0);
    geo_code_write(geo_place_country(found), place->country);
    geo_code_write(geo_place_continent(found), place->continent);
    return found != GEO_PLACE_UNKNOWN;
}

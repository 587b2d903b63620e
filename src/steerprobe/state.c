/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See state.h. The files are JSON, read by the same code as what operators write, so that what is wrong with
 * one is said with its place. */
#include "config.h"

#include "steerprobe/state.h"

#include "base/addr.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/statefile.h"
#include "conf/doc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#define SUFFIX ".json"

enum { FOLDER_MODE = 0700, FILE_MODE = 0600, PORT_MAX = 65535, DECIMAL = 10 };

/* ---- places ---- */

static bool is_host(const char *text, size_t len)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
    return len != 0 && len < STATE_HOST_SIZE && strspn(text, good) >= len && text[0] != '.';
}

static int parse_port(const char *text, uint16_t *port)
{
    uint64_t number;
    bool is_good = text[0] != '0' && number_read(text, DECIMAL, PORT_MAX, &number);
    *port = is_good ? (uint16_t)number : 0;
    return is_good ? 0 : ERROR_SYNTAX;
}

int state_parse_place(const char *text, struct state_place *place)
{
    struct addr_port at;
    const char *colon = strrchr(text, ':');
    if (addr_parse_port(text, &at) == 0) {
        (void)addr_write(&at.addr, place->host);
        place->port = at.port;
        return at.port == 0 ? ERROR_SYNTAX : 0;
    }
    if (colon == NULL || !is_host(text, (size_t)(colon - text))) {
        return ERROR_SYNTAX;
    }
    snprintf(place->host, sizeof place->host, "%.*s", (int)(colon - text), text);
    return parse_port(colon + 1, &place->port);
}

const char *state_write_place(const struct state_place *place, char text[STATE_PLACE_SIZE])
{
    bool has_brackets = strchr(place->host, ':') != NULL;
    snprintf(text, STATE_PLACE_SIZE, "%s%.255s%s:%u", has_brackets ? "[" : "", place->host,
             has_brackets ? "]" : "", place->port);
    return text;
}

/* ---- enrolments ---- */

void state_fini_enrolment(struct enrolment *enrolment)
{
    if (enrolment->key != NULL) {
        explicit_bzero(enrolment->key, strlen(enrolment->key));
    }
    free(enrolment->name);
    free(enrolment->fingerprint);
    free(enrolment->certificate);
    free(enrolment->key);
    enrolment->name = enrolment->fingerprint = enrolment->certificate = enrolment->key = NULL;
}

static bool is_same_place(const struct state_place *a, const struct state_place *b)
{
    return strcmp(a->host, b->host) == 0 && a->port == b->port;
}

bool state_is_equal(const struct enrolment *a, const struct enrolment *b)
{
    return is_same_place(&a->place, &b->place) && strcmp(a->name, b->name) == 0 &&
           strcmp(a->fingerprint, b->fingerprint) == 0 && strcmp(a->certificate, b->certificate) == 0 &&
           strcmp(a->key, b->key) == 0;
}

static char *make_path(const char *folder, const struct state_place *place)
{
    char text[STATE_PLACE_SIZE];
    return memory_print("%s/servers/%s" SUFFIX, folder, state_write_place(place, text));
}

/* ---- reading ---- */

static char *read_text(const struct doc_node *root, const char *key)
{
    struct doc_node member;
    return doc_require(root, key, &member) ? memory_copy_text(doc_get_text(root, key)) : NULL;
}

static void read_fields(const struct doc_node *root, struct enrolment *to)
{
    static const char *const keys[] = {"server", "name", "fingerprint", "certificate", "key", NULL};
    struct doc_node member;
    if (!doc_check_object(root, keys)) {
        return;
    }
    char *server = read_text(root, "server");
    if (server != NULL && state_parse_place(server, &to->place) != 0 && doc_find(root, "server", &member)) {
        doc_error_expected(&member, "HOST:PORT");
    }
    free(server);
    to->name = read_text(root, "name");
    to->fingerprint = read_text(root, "fingerprint");
    if (to->fingerprint != NULL && doc_find(root, "fingerprint", &member) &&
        (strlen(to->fingerprint) != STATE_FINGERPRINT ||
         strspn(to->fingerprint, "0123456789abcdef") != STATE_FINGERPRINT)) {
        doc_error_expected(&member, "64 hexadecimal digits in lower case");
    }
    to->certificate = read_text(root, "certificate");
    to->key = read_text(root, "key");
}

static bool read_one(const char *path, struct report *report, struct enrolment *to)
{
    struct enrolment read = {.name = NULL};
    struct doc *doc = doc_load(path, report);
    if (doc == NULL) {
        return false;
    }
    const struct doc_node root = doc_get_root(doc);
    read_fields(&root, &read);
    bool good = !doc_has_errors(doc) && read.name != NULL;
    doc_free(doc);
    if (good) {
        *to = read;
    } else {
        state_fini_enrolment(&read);
    }
    return good;
}

static int is_file(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name), suffix = strlen(SUFFIX);
    return len > suffix && strcmp(entry->d_name + len - suffix, SUFFIX) == 0;
}

size_t state_read(const char *folder, struct report *report, struct enrolment *enrolments)
{
    struct dirent **entries = NULL;
    char *path = memory_print("%s/servers", folder);
    int found = scandir(path, &entries, is_file, alphasort);
    size_t count = 0;
    if (found == -1 && errno != ENOENT) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = path}, "cannot be read: %s",
                   error_text(-errno));
    }
    for (int i = 0; i < found; i++) {
        char *file = memory_print("%s/%s", path, entries[i]->d_name);
        if (count == STATE_SERVERS_MAX) {
            report_add(report, REPORT_WARNING, &(struct report_place){.file = file},
                       "not used: %d servers are the most", STATE_SERVERS_MAX);
        } else if (read_one(file, report, &enrolments[count])) {
            count++;
        }
        free(file);
        free(entries[i]);
    }
    free(entries);
    free(path);
    return count;
}

/* When it was written. */
static bool is_newer(const char *folder, const struct enrolment *than, const struct enrolment *enrolment)
{
    struct stat statuses[2] = {{.st_size = 0}};
    const struct enrolment *both[2] = {than, enrolment};
    for (size_t i = 0; i < 2; i++) {
        char *path = make_path(folder, &both[i]->place);
        (void)stat(path, &statuses[i]);
        free(path);
    }
    const struct timespec *before = &statuses[0].st_mtim, *after = &statuses[1].st_mtim;
    return after->tv_sec != before->tv_sec ? after->tv_sec > before->tv_sec
                                           : after->tv_nsec > before->tv_nsec;
}

bool state_find_key(const char *folder, const char *name, const struct state_place *place,
                    struct enrolment *to)
{
    struct enrolment enrolments[STATE_SERVERS_MAX];
    const struct enrolment *newest = NULL;
    struct report *report = report_new(); /* what cannot be read has no key */
    size_t count = state_read(folder, report, enrolments);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(enrolments[i].name, name) == 0 &&
            (newest == NULL || is_newer(folder, newest, &enrolments[i]))) {
            newest = &enrolments[i];
        }
    }
    bool has = newest != NULL && !is_same_place(&newest->place, place);
    if (has) {
        to->certificate = memory_copy_text(newest->certificate);
        to->key = memory_copy_text(newest->key);
    }
    for (size_t i = 0; i < count; i++) {
        state_fini_enrolment(&enrolments[i]);
    }
    report_free(report);
    return has;
}

bool state_is_removed(const char *folder, const struct state_place *place)
{
    struct stat status;
    char *servers = memory_print("%s/servers", folder), *path = make_path(folder, place);
    bool is = stat(servers, &status) == 0 && S_ISDIR(status.st_mode) && access(servers, X_OK) == 0 &&
              lstat(path, &status) == -1 && errno == ENOENT;
    free(path);
    free(servers);
    return is;
}

static uint64_t look_at(uint64_t hash, const char *path)
{
    struct stat status;
    if (stat(path, &status) == -1) {
        return hash;
    }
    char *facts = memory_print("%ju %jd.%09ld %jd", (uintmax_t)status.st_ino, (intmax_t)status.st_mtim.tv_sec,
                               status.st_mtim.tv_nsec, (intmax_t)status.st_size);
    hash = hash_bytes(hash, facts, strlen(facts));
    free(facts);
    return hash;
}

uint64_t state_look(const char *folder)
{
    struct dirent **entries = NULL;
    char *path = memory_print("%s/servers", folder);
    int found = scandir(path, &entries, is_file, alphasort);
    uint64_t hash = found == -1 ? 0 : HASH_START;
    for (int i = 0; i < found; i++) {
        char *file = memory_print("%s/%s", path, entries[i]->d_name);
        hash = look_at(hash_bytes(hash, entries[i]->d_name, strlen(entries[i]->d_name)), file);
        free(file);
        free(entries[i]);
    }
    free(entries);
    free(path);
    return hash;
}

/* ---- writing ---- */

static int make_folder(const char *path)
{
    struct stat status;
    if (mkdir(path, FOLDER_MODE) == -1 && errno != EEXIST) {
        return -errno;
    }
    return stat(path, &status) == -1 ? -errno : S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/* Root works for whoever has the folder. */
static int give_away(const char *folder, const char *path)
{
    struct stat status;
    if (geteuid() != 0) {
        return 0;
    }
    return stat(folder, &status) == -1 || lchown(path, status.st_uid, status.st_gid) == -1 ? -errno : 0;
}

static char *write_text(const struct enrolment *enrolment)
{
    char place[STATE_PLACE_SIZE];
    json_t *root = json_pack("{s:s,s:s,s:s,s:s,s:s}", "server", state_write_place(&enrolment->place, place),
                             "name", enrolment->name, "fingerprint", enrolment->fingerprint, "certificate",
                             enrolment->certificate, "key", enrolment->key);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}

static int write_file(const char *folder, const char *servers, const char *path, const char *text)
{
    int error = make_folder(folder);
    error = error != 0 ? error : make_folder(servers);
    error = error != 0 ? error : give_away(folder, servers);
    error = error != 0 ? error : statefile_write(path, FILE_MODE, text, strlen(text));
    return error != 0 ? error : give_away(folder, path);
}

int state_try(const char *folder, const struct enrolment *enrolment)
{
    char *servers = memory_print("%s/servers", folder), *text = write_text(enrolment);
    char *path = memory_print("%s/servers/.trial", folder);
    bool made_folder = mkdir(folder, FOLDER_MODE) == 0, made_servers = mkdir(servers, FOLDER_MODE) == 0;
    int error = -EINVAL;
    if (text != NULL) {
        error = write_file(folder, servers, path, text);
        explicit_bzero(text, strlen(text));
        (void)unlink(path);
    }
    if (made_servers) {
        (void)rmdir(servers);
    }
    if (made_folder) {
        (void)rmdir(folder);
    }
    free(path);
    free(text);
    free(servers);
    return error;
}

int state_write(const char *folder, const struct enrolment *enrolment, char **path)
{
    char *servers = memory_print("%s/servers", folder), *text = write_text(enrolment);
    int error = -EINVAL;
    *path = make_path(folder, &enrolment->place);
    if (text != NULL) {
        error = write_file(folder, servers, *path, text);
        explicit_bzero(text, strlen(text));
    }
    free(text);
    free(servers);
    return error;
}

int state_remove(const char *folder, const struct state_place *place)
{
    char *path = make_path(folder, place);
    int error = unlink(path) == -1 ? -errno : 0;
    free(path);
    return error;
}

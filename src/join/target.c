/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See target.h. */
#include "config.h"

#include "join/target.h"

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/report.h"
#include "base/statefile.h"
#include "conf/edit.h"
#include "conf/server.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_MAX = 16 << 20, FOLDER_MODE = 0750, OPEN_MODE = 0644, SECRET_MODE = 0600 };

static bool complain(const char *path, const char *why)
{
    fprintf(stderr, "steerctl: %s: %s\n", path, why);
    return false;
}

bool target_open(struct target *target, const char *path)
{
    struct stat status;
    struct file file;
    int code = 0;
    *target = (struct target){.path = realpath(path, NULL)};
    if (target->path == NULL || stat(target->path, &status) == -1) {
        return complain(path, strerror(errno));
    }
    char *copy = memory_copy_text(target->path);
    target->where = memory_copy_text(dirname(copy));
    free(copy);
    target->mode = status.st_mode & 07777;
    target->uid = target->files_uid = status.st_uid;
    target->gid = target->files_gid = status.st_gid;
    target->text = file_read_all(target->path, CONFIG_MAX, &file, &target->len, &code);
    return target->text != NULL || complain(path, file.why);
}

void target_fini(struct target *target)
{
    free(target->path);
    free(target->where);
    free(target->text);
}

/* ---- the section ---- */

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL) {
        json_object_set_new(object, key, json_string(text));
    }
}

static json_t *render(const struct section *section)
{
    char text[32];
    json_t *object = json_object(), *etcd = json_array();
    set_text(object, "name", section->name);
    set_text(object, "node", section->node);
    for (size_t i = 0; i < section->etcd_count; i++) {
        json_array_append_new(etcd, json_string(section->etcd[i]));
    }
    json_object_set_new(object, "etcd", etcd);
    set_text(object, "ca", section->ca);
    set_text(object, "certificate", section->certificate);
    set_text(object, "key", section->key);
    set_text(object, "user", section->user);
    set_text(object, "password_file", section->password_file);
    set_text(object, "listen", section->listen);
    set_text(object, "acknowledge", section->acknowledge);
    if (section->deadline_ms != 0) {
        snprintf(text, sizeof text, "%" PRIu32 "ms", section->deadline_ms);
        set_text(object, "deadline", text);
    }
    if (section->member != 0) {
        snprintf(text, sizeof text, "%016" PRIx64, section->member);
        set_text(object, "member", text);
    }
    return object;
}

/* Nothing stays of one that is there. Owned; NULL: it was said why not. */
static char *compose(const struct target *target, const struct section *section, size_t *len)
{
    char why[EDIT_WHY_SIZE] = "";
    struct edit_document *document = NULL;
    json_t *wanted = json_pack("{s:o}", "cluster", render(section));
    char *value = json_dumps(wanted, JSON_COMPACT), *text = NULL;
    const struct edit edits[] = {{.what = EDIT_MERGE, .kind = EDIT_DOCUMENT, .value = "{\"cluster\":null}"},
                                 {.what = EDIT_MERGE, .kind = EDIT_DOCUMENT, .value = value}};
    int error = edit_open(target->text, target->len, &document, why);
    for (size_t i = 0; i < 2 && error == 0; i++) {
        error = edit_apply(document, &edits[i], why);
    }
    if (error == 0) {
        text = edit_write(document, len);
    } else {
        (void)complain(target->path, why);
    }
    edit_close(document);
    json_decref(wanted);
    free(value);
    return text;
}

/* ---- is it good? ---- */

static void note_owner(struct target *target, const struct conf_server *conf)
{
    struct stat status;
    if (conf->state_path != NULL && stat(conf->state_path, &status) == 0) {
        target->files_uid = status.st_uid;
        target->files_gid = status.st_gid;
    }
}

static bool check(struct target *target, const char *path)
{
    struct report *report = report_new();
    struct conf_server *conf = conf_load_server(path, report);
    bool good = conf != NULL && report_errors(report) == 0;
    if (good) {
        note_owner(target, conf);
    } else {
        report_write(report, stderr);
    }
    conf_free_server(conf);
    report_free(report);
    return good;
}

/* Beside the real one, since paths in it are relative. */
static bool try_text(struct target *target, const char *text, size_t len)
{
    char *path = memory_print("%s.cluster", target->path);
    int error = statefile_write(path, SECRET_MODE, text, len);
    bool good = error == 0 ? check(target, path) : complain(path, error_text(error));
    (void)unlink(path);
    free(path);
    return good;
}

bool target_try(struct target *target, const struct section *section)
{
    size_t len = 0;
    char *text = compose(target, section, &len);
    bool good = text != NULL && try_text(target, text, len);
    free(text);
    return good;
}

/* ---- writing ---- */

/* Root writes for others. */
static int write_as(const char *path, unsigned mode, const unsigned owner[2], const char *text, size_t len)
{
    int error = statefile_write(path, mode, text, len);
    if (error == 0 && chmod(path, mode) == -1) {
        error = -errno;
    }
    if (error == 0 && geteuid() == 0 && lchown(path, owner[0], owner[1]) == -1) {
        error = -errno;
    }
    return error;
}

bool target_put(struct target *target, const struct section *section)
{
    size_t len = 0;
    char *text = compose(target, section, &len);
    bool good = text != NULL && try_text(target, text, len);
    if (good) {
        const unsigned owner[2] = {target->uid, target->gid};
        int error = write_as(target->path, target->mode, owner, text, len);
        good = error == 0 || complain(target->path, error_text(error));
    }
    free(text);
    return good;
}

bool target_has(const struct target *target, const char *name)
{
    char *path = memory_print("%s/%s", target->where, name);
    bool has = access(path, R_OK) == 0;
    free(path);
    return has;
}

bool target_add(struct target *target, const char *name, const char *text, bool is_secret)
{
    const unsigned owner[2] = {target->files_uid, target->files_gid};
    char *path = memory_print("%s/%s", target->where, name), *folder = memory_copy_text(path);
    int error = mkdir(dirname(folder), FOLDER_MODE) == -1 && errno != EEXIST ? -errno : 0;
    if (error == 0 && geteuid() == 0 && lchown(folder, owner[0], owner[1]) == -1) {
        error = -errno;
    }
    error =
        error == 0 ? write_as(path, is_secret ? SECRET_MODE : OPEN_MODE, owner, text, strlen(text)) : error;
    if (error != 0) {
        (void)complain(path, error_text(error));
    }
    free(path);
    free(folder);
    return error == 0;
}

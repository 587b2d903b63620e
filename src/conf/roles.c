/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See roles.h. Names of users and groups become numbers here, once per load: whoever comes is judged by what
 * the kernel says, which is numbers. The files of this host are asked first, so that a directory service that
 * does not answer holds up nobody who does not need it. */
#include "config.h"

#include "conf/roles.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/number.h"
#include "base/source.h"
#include "conf/doc.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS_SIZE = 16384, LOCAL_MAX = 16 << 20 };

static const char *const role_texts[] = {
    [ROLE_NONE] = "none",     [ROLE_VIEWER] = "viewer", [ROLE_OPERATOR] = "operator",
    [ROLE_EDITOR] = "editor", [ROLE_ADMIN] = "admin",
};

const char *role_text(enum role role)
{
    return role_texts[role];
}

enum role role_parse(const char *text)
{
    for (int i = ROLE_VIEWER; i <= ROLE_ADMIN; i++) {
        if (strcmp(text, role_texts[i]) == 0) {
            return (enum role)i;
        }
    }
    return ROLE_NONE;
}

/* ---- whom a user is ---- */

static bool is_among(uint32_t number, const uint32_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

enum role role_of_user(const struct roles *roles, uint32_t uid, const uint32_t *gids, size_t gid_count)
{
    enum role of_user = ROLE_NONE, of_groups = ROLE_NONE, of_all = ROLE_NONE;
    if (!roles->is_given) {
        return ROLE_ADMIN;
    }
    bool is_named = false, is_grouped = false;
    for (size_t i = 0; i < roles->count; i++) {
        const struct role_rule *rule = &roles->rules[i];
        if (rule->who == ROLE_OF_UID && rule->number == uid) {
            of_user = rule->role;
            is_named = true;
        } else if (rule->who == ROLE_OF_GID && is_among(rule->number, gids, gid_count)) {
            of_groups = rule->role > of_groups ? rule->role : of_groups;
            is_grouped = true;
        } else if (rule->who == ROLE_OF_ANY) {
            of_all = rule->role;
        }
    }
    return is_named ? of_user : is_grouped ? of_groups : of_all;
}

/* ---- names of this host ---- */

static const char USERS[] = "/etc/passwd", GROUPS[] = "/etc/group";

/* The octets of a file of this host as a stream. Either may be NULL, then both are. */
static FILE *open_local(const char *path, char **bytes)
{
    struct file file;
    size_t len = 0;
    int code = 0;
    *bytes = file_read_all(path, LOCAL_MAX, &file, &len, &code);
    FILE *stream = *bytes == NULL || len == 0 ? NULL : fmemopen(*bytes, len, "r");
    if (stream == NULL) {
        free(*bytes);
        *bytes = NULL;
    }
    return stream;
}

static bool find_user(const char *name, uint32_t *uid)
{
    struct passwd entry, *found = NULL;
    char texts[TEXTS_SIZE], *bytes;
    FILE *file = open_local(USERS, &bytes);
    while (file != NULL && fgetpwent_r(file, &entry, texts, sizeof texts, &found) == 0) {
        if (strcmp(entry.pw_name, name) == 0) {
            break;
        }
        found = NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(bytes);
    if (found == NULL && (getpwnam_r(name, &entry, texts, sizeof texts, &found) != 0 || found == NULL)) {
        return false;
    }
    *uid = found->pw_uid;
    return true;
}

static bool find_group(const char *name, uint32_t *gid)
{
    struct group entry, *found = NULL;
    char texts[TEXTS_SIZE], *bytes;
    FILE *file = open_local(GROUPS, &bytes);
    while (file != NULL && fgetgrent_r(file, &entry, texts, sizeof texts, &found) == 0) {
        if (strcmp(entry.gr_name, name) == 0) {
            break;
        }
        found = NULL;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    free(bytes);
    if (found == NULL && (getgrnam_r(name, &entry, texts, sizeof texts, &found) != 0 || found == NULL)) {
        return false;
    }
    *gid = found->gr_gid;
    return true;
}

/* ---- reading ---- */

static bool read_number(const char *text, uint32_t *number)
{
    uint64_t value;
    bool is_good = number_read(text, 10, UINT32_MAX - 1, &value);
    *number = (uint32_t)value;
    return is_good;
}

/* "uid:0", "user:root", "gid:0", "group:adm". False: reported. */
static bool read_user(const struct doc_node *item, struct role_rule *rule)
{
    const char *colon = strchr(item->key, ':'), *name = colon == NULL ? "" : colon + 1;
    size_t len = (size_t)(name - item->key);
    bool is_number = strncmp(item->key, "uid:", len) == 0 || strncmp(item->key, "gid:", len) == 0;
    bool is_user = strncmp(item->key, "uid:", len) == 0 || strncmp(item->key, "user:", len) == 0;
    bool is_group = strncmp(item->key, "gid:", len) == 0 || strncmp(item->key, "group:", len) == 0;
    rule->who = is_user ? ROLE_OF_UID : ROLE_OF_GID;
    if (len == 0 || name[0] == '\0' || (!is_user && !is_group) ||
        (is_number && !read_number(name, &rule->number))) {
        doc_error_at_key(item,
                         "found \"%s\", expected \"uid:NUMBER\", \"user:NAME\", \"gid:NUMBER\", "
                         "\"group:NAME\" or \"*\"",
                         item->key);
        return false;
    }
    if (!is_number) {
        source_see(doc_get_report(item), is_user ? USERS : GROUPS);
    }
    bool is_known = is_number || (is_user ? find_user : find_group)(name, &rule->number);
    if (!is_known) {
        doc_warning(item, "this host has no %s \"%s\": the rule is for nobody", is_user ? "user" : "group",
                    name);
    }
    return is_known;
}

/* "cn:alice", "dns:console.example.com", "email:a@example.com", "uri:spiffe://example.com/x". Likewise. */
static bool read_name(const struct doc_node *item, struct arena *arena, struct role_rule *rule)
{
    static const struct {
        const char *prefix;
        enum role_of who;
    } kinds[] = {
        {"cn:", ROLE_OF_CN}, {"dns:", ROLE_OF_DNS}, {"email:", ROLE_OF_EMAIL}, {"uri:", ROLE_OF_URI}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(item->key, kinds[i].prefix, len) == 0 && item->key[len] != '\0') {
            rule->who = kinds[i].who;
            rule->text = arena_copy_text(arena, item->key + len);
            return true;
        }
    }
    doc_error_at_key(item,
                     "found \"%s\", expected \"cn:NAME\", \"dns:NAME\", \"email:ADDRESS\", "
                     "\"uri:URI\" or \"*\"",
                     item->key);
    return false;
}

void roles_read(const struct doc_node *object, const char *key, bool of_certificates, struct arena *arena,
                struct roles *roles)
{
    struct doc_node map, item = {0};
    if (!doc_find(object, key, &map)) {
        return;
    }
    roles->is_given = true;
    if (!doc_check_object(&map, NULL)) {
        return;
    }
    struct role_rule *rules = arena_alloc(arena, doc_count(&map) * sizeof *rules);
    while (doc_next(&map, &item)) {
        struct role_rule rule = {.who = ROLE_OF_ANY};
        rule.role = doc_is_text(&item) ? role_parse(doc_text(&item)) : ROLE_NONE;
        if (rule.role == ROLE_NONE) {
            doc_error_expected(&item, "\"viewer\", \"operator\", \"editor\" or \"admin\"");
        } else if (strcmp(item.key, "*") == 0 ||
                   (of_certificates ? read_name(&item, arena, &rule) : read_user(&item, &rule))) {
            rules[roles->count++] = rule;
        }
    }
    roles->rules = rules;
}

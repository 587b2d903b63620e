/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The configuration of this host, into which "cluster" is written: what it says otherwise stays, and it is
 * replaced as a whole, or not at all. Files that belong to it lie in the folder "cluster" beside it, and are
 * whose the state folder is. What goes wrong is said on standard error. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TARGET_CA          "cluster/etcd-ca.pem"
#define TARGET_CERTIFICATE "cluster/etcd.pem"
#define TARGET_KEY         "cluster/etcd.key"
#define TARGET_PASSWORD    "cluster/etcd.password"

struct target {
    char *path;  /* of steerd.json; no link */
    char *where; /* its folder */
    char *text;
    size_t len;
    unsigned mode, uid, gid; /* of that file */
    unsigned files_uid, files_gid;
};

/* "cluster", as it is to be. Borrowed; NULL: it is not said. Paths are relative to the file. */
struct section {
    const char *name, *node, *listen;
    const char *const *etcd;
    size_t etcd_count;
    const char *ca, *certificate, *key, *user, *password_file, *acknowledge;
    uint32_t deadline_ms; /* 0: it is not said */
    uint64_t member;      /* 0: none */
};

bool target_open(struct target *target, const char *path);
void target_fini(struct target *target);
/* Would it be good with that? */
bool target_try(struct target *target, const struct section *section);
bool target_put(struct target *target, const struct section *section);
/* Is there such a file beside it? */
bool target_has(const struct target *target, const char *name);
/* Put it there; what is secret is its owner's alone. */
bool target_add(struct target *target, const char *name, const char *text, bool is_secret);

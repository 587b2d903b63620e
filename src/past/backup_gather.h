/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files of a state folder as members of a backup that is being made. Inside this folder only. */
#pragma once

#include "past/backup_parts.h"

/* Sorted; last-health and serials are among them whether or not they are there. */
struct backup_names {
    char **items;
    size_t count, capacity;
};
int backup_names_list(const char *state, struct report *report, struct backup_names *names);
void backup_names_fini(struct backup_names *names);
/* Has `names` all of the others? */
bool backup_names_include(const struct backup_names *names, const struct backup_names *others);

enum { BACKUP_LIVE_MAX = 3 }; /* files that are copied, as SCRATCH/live-N */

struct backup_gathered {
    const char *state, *scratch;
    const struct progress *progress;
    struct report *report;
    const struct backup_members *known; /* what the base has, sorted */
    struct backup_manifest *manifest;   /* whose lists are filled */
    char **sources;                     /* where each of its members is; owned */
    size_t copies;
};
void backup_gathered_add(struct backup_gathered *gathered, const char *name, const char *from, uint64_t size,
                         const unsigned char hash[BACKUP_HASH_SIZE]);
int backup_gather_files(struct backup_gathered *gathered, const struct backup_names *names);
void backup_gathered_fini(struct backup_gathered *gathered); /* before the manifest's */

/* -ENOENT without a report: it is not there. copy NULL: none is made. */
int backup_hash_file(const char *path, const char *copy, const struct progress *progress,
                     struct report *report, uint64_t *size, unsigned char hash[BACKUP_HASH_SIZE]);

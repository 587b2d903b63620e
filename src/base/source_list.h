/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that were read, each as it was then. */
#pragma once

#include "base/file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file as it was when it was read. */
struct source {
    char *path; /* owned; as it was asked for */
    char *real; /* owned; where it was read from; NULL: there */
    uint64_t size, device, inode;
    int64_t modified_ns;
    int64_t changed_ns; /* 0: so lately that what was written after it was opened may not show. What this
                           server keeps itself (`real`) is never written to, and what changes are its links:
                           the same for all */
};

/* A file that is not where its path says. Absolute paths, borrowed; of many sorted by path. */
struct source_place {
    const char *path, *real;
};
struct source_places {
    const struct source_place *items;
    size_t count;
};

struct source_list {
    struct source *items;
    size_t count, capacity;
};

/* What stands for a folder: /etc/steerd/zones/x.zone is TREE/zones/x.zone. Absolute paths,
 * each written in one way (source_make_absolute()). */
struct source_tree {
    const char *folder, *real;
    const char **own; /* sorted: files that are where they say all the same, */
    size_t own_count;
    const char *own_folder; /* and a folder; NULL: none */
};
/* Who knows it. choose() returns the tree, owned, or NULL: there is none. `is_asked`: whatever the
 * configuration says, it is to be read from there. */
struct source_chooser {
    void *context;
    char *(*choose)(void *context, const char *state);
    bool is_asked;
};

void source_list_fini(struct source_list *list);
/* Does this path lead to the same file, as it was? What was written to it since shows in its times. */
bool source_is_same(const struct source *source, const struct file *file);
/* The time of change of a file that is listed; is_placed: it is not where its path says. */
int64_t source_changed(bool is_placed, const struct file *file);
/* Likewise, by itself: is the file as it was when it was listed? false also if that would not show. */
bool source_is_unchanged(const struct source *source);
/* real NULL: it is where its path says. */
void source_list_add(struct source_list *list, const char *path, const char *real, const struct file *file);
void source_list_append(struct source_list *to, struct source_list *from); /* takes all of `from` */

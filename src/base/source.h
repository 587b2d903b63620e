/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files that something is made of. Whoever loads for a report opens its files here: the report knows
 * below which folder they are looked up, and keeps of each which one it was. So what was loaded can be told
 * later, and a configuration can be loaded from a tree into which its files were laid out:
 * below the root /r, /etc/steerd/x.json is /r/etc/steerd/x.json, and messages do not change. So can single
 * files be read from elsewhere (report_set_places()), and whatever is below a folder from another one
 * (report_set_tree()). */
#pragma once

#include "base/file.h"
#include "base/report.h"
#include "base/source_list.h"

/* As file_open(), for the report. */
int source_open(struct report *report, const char *path, uint64_t max, struct file *file);
/* The same with where the path really leads to, which was looked at before. */
int source_open_at(struct report *report, const char *path, const char *real, uint64_t max,
                   struct file *file);
/* A file was opened otherwise. */
void source_note(struct report *report, const char *path, const struct file *file);
/* The result depends on this file or folder, which is not a source. To be called before it is read. */
void source_see(struct report *report, const char *path);
/* Where a file or folder of this path is: returns owned. */
char *source_locate(const struct report *report, const char *path);
/* The same where there is nothing but this tree (NULL: none). */
char *source_locate_in(const struct source_tree *tree, const char *path);

/* What was opened for this report since it was new, or since the last call; without its parts. Owned. */
struct source_list source_take(struct report *report);

/* Absolute, without empty parts, "." and "..": returns owned. What is a symbolic link is not looked at, for a
 * tree that is laid out has none. */
char *source_make_absolute(const char *path);

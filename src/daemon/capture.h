/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which files serve, as they were when they were loaded, and copies of them in a depot. What is known of a
 * file stays known while it serves, so that it is read once. A file that is not what was loaded any more is
 * not taken for it. One thread at a time; waits for the disk. Private to src/daemon. */
#pragma once

#include "past/depot.h"
#include "past/manifest.h"
#include "view/sources.h"

struct capture;

struct capture *capture_new(void);          /* owned; nothing serves yet */
void capture_free(struct capture *capture); /* NULL is fine */

/* This is what serves now. Both take what they are given. */
void capture_take_all(struct capture *capture, struct view_sources *sources);
void capture_take_zone(struct capture *capture, struct view_zone_sources *sources);

/* Copies what is not in the depot yet. 0; ERROR_CANCELLED; else the depot cannot be written, and why is in
 * depot->why: what was copied so far stays, and the next call goes on. A file that cannot be copied is no
 * error. */
int capture_run(struct capture *capture, struct depot *depot);
/* Is there anything of what serves that was not copied yet, nor found to be impossible to copy? */
bool capture_is_behind(const struct capture *capture);
/* The manifest of what serves, after that: to be finished with. */
void capture_list(const struct capture *capture, struct manifest *manifest);
/* How many of its files were not kept and should have been. *first, if any: the first of them and why, owned.
 */
size_t capture_count_missing(const struct manifest *manifest, char **first);

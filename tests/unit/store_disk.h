/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The disk below SQLite, for tests: a VFS around the real one that fails, hangs, and loses power. What was
 * written and not synced when power is lost is dropped, torn and reordered, as a disk may. One for the
 * process, as the VFS is; any thread. */
#pragma once

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

void disk_install(void);
/* All is well again, and nothing is known of any file. */
void disk_reset(void);

/* From now on writes and syncs end with this code of SQLite's (SQLITE_FULL, SQLITE_IOERR_WRITE …); 0: well.
 */
void disk_set_error(int code);
/* Only every so many-th of them. */
void disk_set_error_every(int code, unsigned every);
/* Syncs wait until this is taken back. */
void disk_set_hang(bool hangs);
/* Nothing can be made or opened for writing. */
void disk_set_read_only(bool is_read_only);
/* Power is lost at the operation after so many more of them: it may happen in part, what comes later fails.
 */
void disk_lose_power_after(uint64_t operations);
bool disk_has_power(void);
/* What is found when power is back: the files of one folder, in another one. */
void disk_recover(const char *from, const char *to, struct random *random);

/* How many operations were made by threads that are not called so. */
uint64_t disk_count_strangers(const char *thread);

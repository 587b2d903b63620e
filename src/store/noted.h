/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where the journal ends, noted outside of the database in a file beside it ("journal-end": id, seq and hash
 * in a line): so an older copy of the store, or another one in its place, is told when it is opened. It is
 * written some seconds after what it notes, so it never runs ahead. A file that is not there, or says
 * nothing, says nothing of the store. Inside this folder only. */
#pragma once

#include "store/writer.h"

/* 0 or -errno; then the one from before is still there. */
int noted_write(const char *folder, const char *id, const struct writer_end *end);
/* Is the journal that of the note, and does it go as far? `why` ("" if so) says what is wrong, and what to
 * do. */
int noted_compare(struct database *db, const char *folder, const char *id, char why[DATABASE_WHY_SIZE]);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of difference.h share. Inside of those only. */
#pragma once

#include "daemon/difference.h"
#include "daemon/moment.h"
#include "daemon/redaction.h"

struct difference {
    struct moment *moments; /* two */
    const struct view *views[2];
    struct store_reader *store;
    struct redaction redaction;
    struct arena *arena;
    struct admin_difference *to;
};

/* difference_files.c */
void difference_compare_files(struct difference *d);
/* difference_words.c: the steps */
void difference_tell(struct difference *d);

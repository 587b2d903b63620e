/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the admin API asks about bundles (past/bundle.h), and what it is told. Plain data, borrowed for the
 * call. */
#pragma once

#include "past/bundle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum admin_bundle_what {
    ADMIN_BUNDLE_LIST,
    ADMIN_BUNDLE_SHOW,
    ADMIN_BUNDLE_BEGIN, /* `bytes` are its manifest */
    ADMIN_BUNDLE_PUT,   /* a block, or several that follow each other */
    ADMIN_BUNDLE_DELETE,
};

struct admin_bundle_ask {
    enum admin_bundle_what what;
    const char *id; /* but of LIST and BEGIN */
    uint32_t block;
    const char *bytes; /* copied */
    size_t len;
    const char *actor, *reason; /* of DELETE; copied */
};

struct admin_bundle_range {
    uint32_t first, last;
};

struct admin_bundle {
    char id[BUNDLE_ID_SIZE];
    bool is_here;   /* whole; else it is coming */
    bool serves;    /* what is answered here was loaded from it */
    bool is_needed; /* it cannot be deleted */
    size_t files;
    uint64_t size;
    uint32_t blocks;
    int64_t came_ms;                          /* wall: since when it is here; 0: it is not */
    const struct admin_bundle_range *missing; /* blocks of one that is coming */
    size_t missing_count, missing_blocks;
};

struct admin_bundle_result {
    int error;           /* 0; ERROR_PRECONDITION: there is no place for bundles here; ERROR_NOT_FOUND;
                            ERROR_BUSY: somebody else is at it; ERROR_CONFLICT: it is needed; ERROR_SYNTAX,
                            ERROR_INVALID, ERROR_TOO_LARGE: what came is none; else it cannot be written */
    const char *why;     /* in words; "": not said */
    const char *damaged; /* of the last block: files were not what the manifest says, and come anew; "" */
    const struct admin_bundle *items; /* of LIST all, the latest first; else that one */
    size_t count;
    const char *rollout; /* of LIST: JSON, which of them is active and which comes next; NULL: not known */
};

/* On the control thread. */
typedef void admin_bundle_done(void *argument, const struct admin_bundle_result *result);

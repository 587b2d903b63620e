/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which changes a reader wants: by kind, and by what they are about. Plain data that is copied and compared
 * as such; made from texts of requests and of the configuration. */
#pragma once

#include "events/change.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILTER_TARGETS_MAX = 32 };

struct filter {
    uint64_t kinds; /* a bit each; 0: all of them */
    /* "region:us-east" is that name; "endpoint:web-*" and "region:*" are all that begin so. A region is not
     * what lies in it: names are compared, nothing else is known of them. None: everything. */
    char targets[FILTER_TARGETS_MAX][CHANGE_NAME_MAX + 1];
    size_t target_count;
};

_Static_assert(CHANGE_KINDS <= 64, "a kind is a bit");

/* A kind or target more. ERROR_SYNTAX: none such; ERROR_TOO_LARGE: of targets there are too many. */
int filter_add_kind(struct filter *filter, const char *text);
int filter_add_target(struct filter *filter, const char *text);
/* Of a list with commas, "health,override"; *bad is then the item that is wrong, cut if it is long. */
enum { FILTER_BAD_SIZE = 64 };
int filter_parse_kinds(struct filter *filter, const char *text, char bad[FILTER_BAD_SIZE]);
int filter_parse_targets(struct filter *filter, const char *text, char bad[FILTER_BAD_SIZE]);

bool filter_passes(const struct filter *filter, const struct change *change);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a request would like (RFC 7240), as far as we do it: an answer that does not wait for the work, and
 * for how long it may. Pure. Internal to the folder. */
#pragma once

#include <stdbool.h>

enum { PREFER_WAIT_MAX_S = 60 };

/* All zero: nothing is preferred. */
struct prefer {
    bool is_async;   /* respond-async */
    bool has_wait;   /* wait=SECONDS */
    unsigned wait_s; /* PREFER_WAIT_MAX_S at most */
};

/* The value of a Prefer header, of which there may be several. Of what is said twice the first holds; what is
 * not known, or malformed, is as if it was not there (section 2). */
void prefer_add(const char *text, struct prefer *prefer);

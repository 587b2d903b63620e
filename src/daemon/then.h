/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Questions about the past (moment.h, difference.h): as verbs of the API, and as modes of a steerd that does
 * not serve. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

/* ---- verbs; the context is a reader ---- */

int server_explain_at(void *reader, const struct operate_question *question, struct admin_moment *moment,
                      struct arena *arena, struct operate_explanation *explanation);
int server_compare_moments(void *reader, struct admin_difference *difference, struct arena *arena);

/* ---- steerd --at … ---- */

struct then_options {
    const char *config, *state; /* steerd.json; the state folder, NULL: that of steerd.json */
    const char *at;
    const char *name, *type, *client; /* of --explain; name NULL: --diff. type and client may be NULL */
    const char *until;                /* of --diff */
    bool json;
};

/* Prints what was asked for, or why it cannot be told, and returns the exit code. */
int then_print(const struct then_options *options);

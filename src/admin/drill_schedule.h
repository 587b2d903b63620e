/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of the application about drills that are done regularly, and what it answers. */
#pragma once

#include <stddef.h>

struct arena;

/* Texts are in the arena of who asks. */
struct admin_scheduled {
    const char *name;
    const char *json; /* an object */
};

struct admin_schedule_verbs {
    /* In the order of the configuration; with a name that one alone. Returns how many. */
    size_t (*list)(void *context, const char *name, struct arena *arena, struct admin_scheduled **items);
    /* Run it now. 0, ERROR_NOT_FOUND, or ERROR_BUSY and why not (in the arena). */
    int (*run)(void *context, const char *name, const char *actor, struct arena *arena, const char **why);
};

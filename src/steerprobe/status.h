/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a running steerprobe does, for whoever asks at the socket of its state folder: one JSON object, and
 * the connection ends. Only its owner and root may ask. */
#pragma once

#include "steerprobe/upstream.h"

#include <stddef.h>

struct event_base;
struct status_socket;

struct status_hooks {
    void *context;
    /* The connection of a slot; NULL: none. */
    const struct upstream *(*get)(void *context, size_t slot);
};

/* FOLDER/status; what is left of an earlier process is replaced. Returns 0 and owned, or a negative error. */
int status_open(const struct world *world, const char *folder, const struct status_hooks *hooks,
                struct status_socket **status);
void status_close(struct status_socket *status); /* NULL is fine */

/* From outside: ask the process of this folder, and print it for people, or as JSON. Returns an exit code. */
int status_print(const char *folder, bool json);

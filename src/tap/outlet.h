/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A descriptor that octets leave by: a unix socket, TCP or a file. Sockets are waited for in slices, so that
 * the end of the process and other options are noticed, and for 30 s at most: a receiver that takes nothing
 * for so long is as good as gone. Private to tap; one thread. */
#pragma once

#include "tap/options.h"
#include "tap/sink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tap_outlet {
    const struct tap_options *options; /* borrowed */
    struct tap_hurry hurry;
    int fd;             /* -1: not open */
    bool appends;       /* to a file that is there; else that is kept under another name */
    int64_t hurried_ms; /* monotonic, since when somebody does; 0: nobody */
    uint64_t good;      /* octets of a file that are whole */
};

void tap_outlet_init(struct tap_outlet *outlet, const struct tap_options *options, struct tap_hurry hurry,
                     bool appends);
/* All of these return 0 or -errno. */
int tap_outlet_open(struct tap_outlet *outlet);
/* All of it. A file that could not take all is cut back to what it was. */
int tap_outlet_write(struct tap_outlet *outlet, const void *bytes, size_t len);
/* Exactly len octets, within 2 s. */
int tap_outlet_read(struct tap_outlet *outlet, void *bytes, size_t len);
void tap_outlet_close(struct tap_outlet *outlet);
/* Is something else, or nothing, where the file was opened? */
bool tap_outlet_has_moved(const struct tap_outlet *outlet);

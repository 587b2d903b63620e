/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where records go: what the thread of a channel needs of it. All of this is called on that thread. Private
 * to tap. */
#pragma once

#include "tap/options.h"
#include "tap/record.h"

#include <stdbool.h>
#include <stdint.h>

/* Does somebody want the thread more than a receiver that does not take what it is sent? */
struct tap_hurry {
    bool (*is_due)(const void *context);
    const void *context;
};

struct tap_sink {
    /* Made for these options, which outlive it. */
    void *(*make)(const struct tap_options *options, struct tap_hurry hurry);
    /* 0 or -errno: not now. */
    int (*open)(void *sink);
    /* 0 or -errno: it is broken, and to be closed. What was taken may be written later. */
    int (*take)(void *sink, const struct tap_record *record);
    int (*flush)(void *sink);
    /* Has the file been moved away? */
    bool (*has_moved)(void *sink);
    void (*close)(void *sink);
    uint64_t (*count_lost)(void *sink); /* taken, and not written, since it was asked last */
    void (*free)(void *sink);
};

extern const struct tap_sink tap_dnstap_sink, tap_lines_sink;

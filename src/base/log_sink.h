/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where the lines of the log go: stderr, a journal or syslog. Owned by the thread that writes the log, which
 * may wait here for a reader that is slow; it is the only one that ever does. */
#pragma once

#include "base/buffer.h"
#include "base/log.h"
#include "base/log_record.h"

#include <stdbool.h>

struct log_sink {
    struct log_options options; /* options.socket is owned */
    int fd;                     /* of the socket; -1: none */
    bool complained;            /* of a target that is not there */
    bool (*hurries)(void);      /* do not wait any longer for a reader */
    struct buffer line;         /* kept for its room */
};

void log_sink_init(struct log_sink *sink, bool (*hurries)(void));
void log_sink_fini(struct log_sink *sink);
/* Takes options->socket. */
void log_sink_configure(struct log_sink *sink, const struct log_options *options);
/* Returns whether it was taken, by the target or by stderr in its place. */
bool log_sink_write(struct log_sink *sink, const struct log_record *record);

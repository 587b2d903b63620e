/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of the reader share: recording.c has the file, and cuts it into frames or lines,
 * recording_dnstap.c and recording_log.c know what is in one of them, and recording_tell.c says so. */
#pragma once

#include "drill/recording.h"

#include "base/file.h"

#include <stddef.h>

enum {
    RECORDING_FRAME_MAX = 256 << 10, /* two messages of DNS, and what is said of them */
    RECORDING_LINE_MAX = 64 << 10
};

struct recorder {
    struct file file;
    uint8_t *buffer;   /* owned */
    size_t start, end; /* in it: what has been read and is not done with */
    uint64_t at;       /* of start, in the file */
    const struct recording_visitor *visitor;
    struct recording_fault *fault;
    uint8_t *scratch; /* RECORDING_FRAME_MAX; owned */
};

/* ---- recording_tell.c ---- */

/* Returns ERROR_SYNTAX. */
int recording_fail(struct recorder *r, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The sender, and the subnet that it spoke of, of family ADDR_NONE if there is none. 0, or there is no room.
 * name: as in struct recording_query. */
struct recording_client {
    struct addr sender;
    struct addr_prefix subnet;
};
int recording_tell(struct recorder *r, struct recording_query *query, const struct recording_client *client);

/* ---- the others ---- */

/* The content of a data frame; of a line, without its newline, which is spoilt. at: its offset. */
int recording_read_dnstap(struct recorder *r, const uint8_t *bytes, size_t len, uint64_t at);
int recording_read_line(struct recorder *r, char *line, size_t len, uint64_t at);

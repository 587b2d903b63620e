/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Master files (RFC 1035 section 5, RFC 2308 section 4, RFC 3597, BIND's $GENERATE) to records in wire form,
 * one at a time. The reader knows syntax and rdata; whether the records make a zone is zone/zone.h's
 * business. */
#pragma once

#include "base/report.h"

#include <stddef.h>
#include <stdint.h>

struct zone_record {
    const uint8_t *owner; /* absolute wire name, case as written */
    uint16_t owner_len;
    uint16_t type, rclass; /* rclass is always IN: others are reported as errors */
    uint32_t ttl;
    const uint8_t *rdata; /* wire form, names uncompressed, case as written */
    uint16_t rdata_len;
    const char *file; /* place of the record's first token */
    unsigned line, column;
};

struct zone_sink {
    void *context;
    /* Called for each record in file order; everything is borrowed for the call. Non-zero ends the reading
     * with that code. */
    int (*record)(void *context, const struct zone_record *record);
};

struct zone_reader_options {
    const char *origin;         /* initial $ORIGIN, absolute presentation form */
    unsigned max_include_depth; /* 0: 8 */
    const char
        *include_root; /* $INCLUDE may not leave this folder (realpath); NULL: the folder of the file */
};

/* Read a file. Syntax errors go to the report, with file, line and column, and reading goes on with the next
 * record as far as that makes sense. Returns 0 if there was no error, ERROR_SYNTAX if there was any (records
 * that were fine have reached the sink), ERROR_NOT_FOUND if a file is missing that was to be included,
 * ERROR_TOO_LARGE if there were too many errors to read on, ERROR_INVALID if the file is no text, another
 * code if it cannot be read (also in the report), or the sink's code. */
int zone_read_file(const char *path, const struct zone_reader_options *options, const struct zone_sink *sink,
                   struct report *report);
/* The same from bytes; `path` is for messages and as the base of $INCLUDE. */
int zone_read_text(const char *path, const char *text, size_t len, const struct zone_reader_options *options,
                   const struct zone_sink *sink, struct report *report);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The serials that zones are served with: whether a zone's content is what it was, and which serial it has
 * now, monotonic by RFC 1982 over changes, reloads and (where the text of keeper_write() is kept) restarts.
 * Pure: time is an argument. Owned by the thread that publishes. */
#pragma once

#include "base/buffer.h"
#include "conf/server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keeper;

struct keeper *keeper_new(void);
void keeper_free(struct keeper *keeper); /* NULL is fine */

/* What is going to be served. */
struct keeper_content {
    enum conf_serial policy;
    uint32_t file_serial; /* of the master file */
    uint64_t fingerprint; /* equal for equal content */
    uint32_t now_s;       /* wall time */
};

struct keeper_decision {
    uint32_t serial;
    bool is_news; /* a serial other than the last one, or the first time that the zone is seen in this run */
    bool is_silent; /* the content changed and the serial did not: nobody will copy it */
    bool is_older;  /* the serial went back: copies that have the newer one will not follow */
};

/* The serial for this content of a zone (apex: lower case wire), which is remembered. */
struct keeper_decision keeper_decide(struct keeper *keeper, const uint8_t *apex,
                                     const struct keeper_content *content);

/* ---- over restarts ---- */

/* One line per zone whose serial is not the file's: origin, serial, fingerprint. */
void keeper_write(const struct keeper *keeper, struct buffer *to);
/* Reads it back into a new keeper. Returns how many lines could not be read: these are left out. */
size_t keeper_parse(struct keeper *keeper, const char *text, size_t len);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See recording.h. A file is read through a buffer that holds one frame or line, however long it is; so there
 * is no more in memory of it than that. */
#include "config.h"

#include "drill/recording_inside.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_SIZE = RECORDING_FRAME_MAX + 8, CONTROL_MAX = 512 };
#define FILE_MAX ((uint64_t)4 << 30)

/* Frame Streams: control frames, and the one field that they have. */
enum { CONTROL_ACCEPT = 1, CONTROL_START, CONTROL_STOP, CONTROL_READY, CONTROL_FINISH };
enum { FIELD_CONTENT_TYPE = 1 };
static const char content_type[] = "protobuf:dnstap.Dnstap";

/* ---- the buffer ---- */

/* At least `want` octets are there now, or all that the file has still. 0 or an error. */
static int fill(struct recorder *r, size_t want)
{
    size_t len = 0;
    if (r->end - r->start >= want) {
        return 0;
    }
    memmove(r->buffer, r->buffer + r->start, r->end - r->start);
    r->end -= r->start;
    r->start = 0;
    int error = file_read(&r->file, r->buffer + r->end, BUFFER_SIZE - r->end, &len);
    r->end += len;
    if (error != 0) {
        (void)recording_fail(r, r->at + r->end, "it cannot be read: %s", r->file.why);
    }
    return error;
}

static void drop(struct recorder *r, size_t len)
{
    r->start += len;
    r->at += len;
}

static size_t left(const struct recorder *r)
{
    return r->end - r->start;
}

static uint32_t read32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* ---- frames ---- */

enum stage { BEFORE_START, AFTER_START, AFTER_STOP };

/* The fields of a control frame, each a content type. Returns how many there are, or an error. */
static int read_fields(struct recorder *r, const uint8_t *bytes, size_t len, uint64_t at)
{
    int count = 0;
    for (size_t i = 0; i < len; count++) {
        uint32_t size = len - i < 8 ? UINT32_MAX : read32(bytes + i + 4);
        if (size > len - i - 8 || read32(bytes + i) != FIELD_CONTENT_TYPE) {
            return recording_fail(r, at + i, "found a control frame with a broken field");
        }
        if (size != sizeof content_type - 1 || memcmp(bytes + i + 8, content_type, size) != 0) {
            return recording_fail(r, at + i, "found a stream of something else, expected %s", content_type);
        }
        i += 8 + size;
    }
    return count;
}

/* Of a stream in both directions the side of the one who writes, or of both: READY and ACCEPT come first,
 * FINISH comes last. */
static int take_control(struct recorder *r, uint32_t type, int fields, enum stage *stage)
{
    static const enum stage from[] = {[CONTROL_ACCEPT] = BEFORE_START,
                                      [CONTROL_START] = BEFORE_START,
                                      [CONTROL_STOP] = AFTER_START,
                                      [CONTROL_READY] = BEFORE_START,
                                      [CONTROL_FINISH] = AFTER_STOP};
    if (type < CONTROL_ACCEPT || type > CONTROL_FINISH) {
        return recording_fail(r, r->at, "found a control frame of type %u", type);
    }
    if (*stage != from[type]) {
        return recording_fail(r, r->at, "found a control frame of type %u where none may be", type);
    }
    bool may_have = type != CONTROL_STOP && type != CONTROL_FINISH;
    if ((type == CONTROL_START && fields != 1) || (!may_have && fields != 0)) {
        return recording_fail(r, r->at, "found a control frame of type %u with %d content types", type,
                              fields);
    }
    *stage = type == CONTROL_START ? AFTER_START : type == CONTROL_STOP ? AFTER_STOP : *stage;
    return 0;
}

static int read_control(struct recorder *r, enum stage *stage)
{
    int error = fill(r, 8 + CONTROL_MAX);
    if (error != 0) {
        return error;
    }
    const uint8_t *bytes = r->buffer + r->start;
    uint32_t len = left(r) < 8 ? 0 : read32(bytes + 4);
    if (len < 4 || len > CONTROL_MAX || len > left(r) - 8) {
        return recording_fail(r, r->at,
                              "found a control frame that is cut off or has no size that it may have");
    }
    int fields = read_fields(r, bytes + 12, len - 4, r->at + 12);
    error = fields < 0 ? fields : take_control(r, read32(bytes + 8), fields, stage);
    drop(r, 8 + len);
    return error;
}

static int read_data(struct recorder *r, uint32_t len, enum stage stage)
{
    if (stage != AFTER_START) {
        return recording_fail(r, r->at, "found a message %s",
                              stage == BEFORE_START ? "before START" : "behind STOP");
    }
    if (len > RECORDING_FRAME_MAX) {
        return recording_fail(r, r->at, "found a frame of %u octets, expected %d at most", len,
                              RECORDING_FRAME_MAX);
    }
    int error = fill(r, 4 + (size_t)len);
    if (error == 0 && left(r) - 4 < len) {
        return recording_fail(r, r->at, "found %zu octets of a frame of %u: it is cut off", left(r) - 4, len);
    }
    error = error == 0 ? recording_read_dnstap(r, r->buffer + r->start + 4, len, r->at + 4) : error;
    drop(r, 4 + (size_t)len);
    return error;
}

static int read_frames(struct recorder *r)
{
    enum stage stage = BEFORE_START;
    int error = fill(r, 4);
    while (error == 0 && left(r) >= 4) {
        uint32_t len = read32(r->buffer + r->start);
        error = len == 0 ? read_control(r, &stage) : read_data(r, len, stage);
        error = error == 0 ? fill(r, 4) : error;
    }
    if (error == 0 && left(r) != 0) {
        return recording_fail(r, r->at, "found %zu octets behind the last frame", left(r));
    }
    if (error == 0 && stage == BEFORE_START) {
        return recording_fail(r, r->at, "found a stream that does not start");
    }
    return error;
}

/* ---- lines ---- */

static int read_lines(struct recorder *r)
{
    int error = fill(r, RECORDING_LINE_MAX);
    while (error == 0 && left(r) != 0) {
        char *line = (char *)r->buffer + r->start;
        size_t most = left(r) < RECORDING_LINE_MAX ? left(r) : RECORDING_LINE_MAX;
        char *end = memchr(line, '\n', most);
        if (end == NULL) {
            return recording_fail(r, r->at,
                                  most < RECORDING_LINE_MAX ? "found a line that is cut off"
                                                            : "found a line that is too long");
        }
        *end = '\0';
        error = recording_read_line(r, line, (size_t)(end - line), r->at);
        drop(r, (size_t)(end - line) + 1);
        error = error == 0 ? fill(r, RECORDING_LINE_MAX) : error;
    }
    return error;
}

/* ---- the whole ---- */

/* A stream begins with a control frame, which begins with four zeros. */
static int read_any(struct recorder *r)
{
    static const uint8_t escape[4] = {0};
    int error = fill(r, sizeof escape);
    if (error != 0) {
        return error;
    }
    if (left(r) == 0) {
        return recording_fail(r, 0, "found nothing in it");
    }
    bool is_stream = left(r) >= sizeof escape && memcmp(r->buffer, escape, sizeof escape) == 0;
    return is_stream ? read_frames(r) : read_lines(r);
}

int recording_read(const char *path, const struct recording_visitor *visitor, struct recording_fault *fault)
{
    struct recorder r = {.visitor = visitor, .fault = fault};
    *fault = (struct recording_fault){.offset = 0};
    int error = file_open(path, FILE_MAX, &r.file);
    if (error != 0) {
        snprintf(fault->why, sizeof fault->why, "it cannot be read: %s",
                 r.file.why[0] != '\0' ? r.file.why : error_text(error));
        return error;
    }
    r.buffer = memory_alloc_array(BUFFER_SIZE, 1);
    r.scratch = memory_alloc_array(RECORDING_FRAME_MAX, 1);
    error = read_any(&r);
    free(r.scratch);
    free(r.buffer);
    file_close(&r.file);
    return error;
}

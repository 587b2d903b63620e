/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sources: files in memory, and the stack of what is being read. Files are read, not mapped: a mapped file
 * that an editor truncates would end the server. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20 }; /* read at once */

/* ---- files ---- */

/* Where the reading of a file is. */
struct loading {
    char *bytes;
    size_t len, line_start;
};

static unsigned count_lines(const char *from, const char *end)
{
    unsigned lines = 0;
    while ((from = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        lines++;
        from++;
    }
    return lines;
}

static int refuse(const struct loading *at, size_t column, struct zone_wrong *wrong)
{
    wrong->line = 1 + count_lines(at->bytes, at->bytes + at->line_start);
    wrong->column = (unsigned)column;
    return ERROR_SYNTAX;
}

/* A file of nothing but holes, or any other that is no text, says so in its first octets; a line has to end
 * some time. Looks at what was added last. Returns 0, or an error and where. */
static int check_piece(struct loading *at, size_t added, struct zone_wrong *wrong)
{
    const char *end = at->bytes + at->len, *nul = memchr(end - added, '\0', added),
               *stop = nul == NULL ? end : nul, *line = at->bytes + at->line_start, *lf = line;
    while (lf != NULL && line != stop) { /* the last line that begins as near as a line may be long */
        size_t left = (size_t)(stop - line);
        lf = memrchr(line, '\n', left <= ZONE_LINE_MAX ? left : ZONE_LINE_MAX + 1);
        line = lf == NULL ? line : lf + 1;
    }
    at->line_start = (size_t)(line - at->bytes);
    if (stop - line > ZONE_LINE_MAX) {
        snprintf(wrong->text, sizeof wrong->text, "the line is longer than %d octets; expected text",
                 ZONE_LINE_MAX);
        return refuse(at, ZONE_LINE_MAX + 1, wrong);
    }
    if (nul != NULL) {
        snprintf(wrong->text, sizeof wrong->text, "a NUL octet; expected text");
        return refuse(at, (size_t)(stop - line) + 1, wrong);
    }
    return 0;
}

static int load_pieces(struct file *file, struct loading *at, const struct report *report,
                       struct zone_wrong *wrong)
{
    size_t got = 1;
    while (got != 0) {
        size_t left = (size_t)file->size - at->len, piece = left < PIECE ? left : PIECE;
        int code =
            report_is_cancelled(report) ? ERROR_CANCELLED : file_read(file, at->bytes + at->len, piece, &got);
        at->len += code == 0 ? got : 0;
        code = code == 0 ? check_piece(at, got, wrong) : code;
        if (code != 0) {
            return code;
        }
    }
    at->bytes[at->len] = '\0';
    return 0;
}

static int load_all(struct file *file, struct loading *at, const struct report *report,
                    struct zone_wrong *wrong)
{
    if (!report_has_room(report, (size_t)file->size)) {
        return ERROR_CANCELLED;
    }
    at->bytes = memory_try_alloc((size_t)file->size + 1);
    if (at->bytes == NULL) {
        snprintf(file->why, sizeof file->why, "%s", error_text(-ENOMEM));
        return -ENOMEM;
    }
    return load_pieces(file, at, report, wrong);
}

int zone_load_file(const char *path, const char *real, struct report *report, struct zone_source *source,
                   struct zone_wrong *wrong)
{
    struct file file;
    struct loading at = {.len = 0};
    *wrong = (struct zone_wrong){.line = 0};
    int code = real == NULL ? source_open(report, path, UINT32_MAX - 1, &file)
                            : source_open_at(report, path, real, UINT32_MAX - 1, &file);
    if (code == 0) {
        code = load_all(&file, &at, report, wrong);
        file_close(&file);
    }
    if (code != 0) {
        free(at.bytes);
        if (wrong->line == 0) {
            snprintf(wrong->text, sizeof wrong->text, "%s",
                     code == ERROR_CANCELLED ? error_text(code) : file.why);
        }
        return code;
    }
    source->bytes = at.bytes;
    source->end = at.bytes + at.len;
    source->device = file.device;
    source->inode = file.inode;
    return 0;
}

/* ---- the stack ---- */

void zone_push_source(struct zone_reader *reader, struct zone_source *source)
{
    source->at = source->line_start = source->bytes;
    source->line = 1;
    source->saved = reader->state;
    source->up = reader->source;
    reader->source = source;
    if (source->end - source->at >= 3 && memcmp(source->at, "\xef\xbb\xbf", 3) == 0) {
        const struct zone_token mark = {.text = source->at, .len = 3, .line = 1, .column = 1};
        zone_fail(reader, &mark, "a byte order mark; expected text without one");
        source->at += 3;
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See line.h. */
#include "config.h"

#include "fleet/line.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "fleet/cut.h"
#include "fleet/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 << 10 }; /* what a record of TLS holds */

struct fleet_line {
    struct tls_link *link;
    struct fleet_cut in;
    struct buffer out;
    size_t sent; /* octets of `out` */
    bool is_shaken, has_ended, waits_to_write;
    char why[160];
};

struct fleet_line *fleet_line_open(struct tls_context *context, int fd)
{
    struct fleet_line *line = memory_alloc(sizeof *line);
    line->link = tls_link_open(context, fd, NULL, NULL);
    if (line->link == NULL) {
        free(line);
        return NULL;
    }
    return line;
}

void fleet_line_free(struct fleet_line *line)
{
    if (line != NULL) {
        tls_link_free(line->link);
        fleet_cut_fini(&line->in);
        buffer_fini(&line->out);
        free(line);
    }
}

static enum fleet_state end(struct fleet_line *line, const char *why)
{
    if (!line->has_ended) {
        line->has_ended = true;
        snprintf(line->why, sizeof line->why, "%s", why);
    }
    return FLEET_ENDED;
}

/* Of what is neither OK nor AGAIN. */
static enum fleet_state judge(struct fleet_line *line, enum tls_result result)
{
    switch (result) {
    case TLS_CLOSED:
        return end(line, line->is_shaken ? "the other side has closed"
                                         : "the other side has closed within the TLS handshake");
    case TLS_FAILED: return end(line, strerror(tls_link_errno(line->link)));
    case TLS_REFUSED: return end(line, "the other side has refused by a TLS alert");
    case TLS_NO_MEMORY: return end(line, "there is no memory");
    default: return end(line, "what came is no TLS 1.3, or broken");
    }
}

enum fleet_state fleet_line_shake(struct fleet_line *line)
{
    if (line->has_ended || line->is_shaken) {
        return line->has_ended ? FLEET_ENDED : FLEET_READY;
    }
    enum tls_result result = tls_link_shake(line->link);
    line->waits_to_write = result == TLS_AGAIN && tls_link_wants_write(line->link);
    if (result == TLS_AGAIN) {
        return FLEET_AGAIN;
    }
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    if (result != TLS_OK) {
        return judge(line, result);
    }
    if (!tls_link_get_fingerprint(line->link, fingerprint)) {
        return end(line, "the other side has shown no certificate");
    }
    line->is_shaken = true;
    return FLEET_READY;
}

void fleet_line_get_fingerprint(const struct fleet_line *line, uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    memset(fingerprint, 0, TLS_FINGERPRINT_SIZE);
    (void)tls_link_get_fingerprint(line->link, fingerprint);
}

/* ---- in ---- */

/* READY: more has come. */
static enum fleet_state read_more(struct fleet_line *line)
{
    char chunk[CHUNK];
    size_t done;
    enum tls_result result = tls_link_read(line->link, chunk, sizeof chunk, &done);
    if (result == TLS_AGAIN) {
        line->waits_to_write = tls_link_wants_write(line->link);
        return FLEET_AGAIN;
    }
    if (result != TLS_OK) {
        return judge(line, result);
    }
    fleet_cut_add(&line->in, chunk, done);
    return FLEET_READY;
}

enum fleet_state fleet_line_next(struct fleet_line *line, const char **text, size_t *len)
{
    enum fleet_state state = fleet_line_shake(line);
    while (state == FLEET_READY && !fleet_cut_next(&line->in, text, len)) {
        if (fleet_cut_rest(&line->in) >= FLEET_LINE_MAX) {
            return end(line, "a line is too long");
        }
        state = read_more(line);
    }
    return state != FLEET_READY || *len < FLEET_LINE_MAX ? state : end(line, "a line is too long");
}

enum fleet_state fleet_line_take(struct fleet_line *line, size_t len, const char **octets)
{
    enum fleet_state state = fleet_line_shake(line);
    while (state == FLEET_READY && !fleet_cut_take(&line->in, len, octets)) {
        (void)fleet_cut_rest(&line->in);
        state = read_more(line);
    }
    return state;
}

/* ---- out ---- */

bool fleet_line_say(struct fleet_line *line, const char *text, size_t len)
{
    if (line->has_ended || fleet_line_waiting(line) + len > FLEET_OUT_MAX) {
        return false;
    }
    buffer_add(&line->out, text, len);
    return true;
}

enum fleet_state fleet_line_flush(struct fleet_line *line)
{
    enum fleet_state state = fleet_line_shake(line);
    while (state == FLEET_READY && line->sent < line->out.len) {
        size_t done;
        enum tls_result result =
            tls_link_write(line->link, line->out.bytes + line->sent, line->out.len - line->sent, &done);
        if (result == TLS_OK) {
            line->sent += done;
        } else {
            state = result == TLS_AGAIN ? FLEET_AGAIN : judge(line, result);
        }
    }
    if (line->sent == line->out.len) {
        line->out.len = line->sent = 0;
        buffer_shrink(&line->out);
    } else if (line->sent > FLEET_OUT_MAX / 4) {
        buffer_remove_front(&line->out, line->sent);
        line->sent = 0;
    }
    return state;
}

size_t fleet_line_waiting(const struct fleet_line *line)
{
    return line->out.len - line->sent;
}

void fleet_line_finish(struct fleet_line *line)
{
    if (line->is_shaken) {
        tls_link_finish(line->link);
    }
}

unsigned fleet_line_wants(const struct fleet_line *line)
{
    bool writes = line->waits_to_write || (line->is_shaken && fleet_line_waiting(line) != 0);
    return FLEET_WANTS_READ | (writes ? FLEET_WANTS_WRITE : 0);
}

const char *fleet_line_why(const struct fleet_line *line)
{
    return line->why;
}

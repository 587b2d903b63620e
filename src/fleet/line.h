/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Lines over a link of TLS between hosts of ours, on either side: shakes hands, cuts what comes into lines,
 * keeps what is to go until the socket takes it. Never waits; what it keeps is bounded both ways. One thread.
 */
#pragma once

#include "tls/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FLEET_OUT_MAX = 1 << 20, /* octets that may wait for the other side to take them */
};

struct fleet_line;

/* Over a connected socket that never waits (borrowed), with a pinned context (held). Returns owned; NULL: no
 * memory. */
struct fleet_line *fleet_line_open(struct tls_context *context, int fd);
void fleet_line_free(struct fleet_line *line); /* NULL is fine; the socket stays open */

enum fleet_state {
    FLEET_READY, /* there is something: a line, or the end of the handshake */
    FLEET_AGAIN, /* when the socket is ready: fleet_line_wants() */
    FLEET_ENDED, /* fleet_line_why() */
};

/* Go on with the handshake. READY: it is done, and the fingerprint of the other side is known. */
enum fleet_state fleet_line_shake(struct fleet_line *line);
void fleet_line_get_fingerprint(const struct fleet_line *line, uint8_t fingerprint[TLS_FINGERPRINT_SIZE]);
/* The next line without its end, borrowed until the next call; to be called until AGAIN, or later without
 * waiting for the socket (level triggered or not). */
enum fleet_state fleet_line_next(struct fleet_line *line, const char **text, size_t *len);
/* The next `len` octets as they are, which a line has announced; likewise. */
enum fleet_state fleet_line_take(struct fleet_line *line, size_t len, const char **octets);
/* Whole lines, each with its end (and octets behind those that announce some). false: there is no room for
 * it, since the other side takes nothing. */
bool fleet_line_say(struct fleet_line *line, const char *text, size_t len);
/* Give the socket what it takes. READY: all of it. */
enum fleet_state fleet_line_flush(struct fleet_line *line);
size_t fleet_line_waiting(const struct fleet_line *line); /* octets that the socket did not take yet */
/* Say that nothing more will be said; whether that can be said does not matter. */
void fleet_line_finish(struct fleet_line *line);

enum { FLEET_WANTS_READ = 1, FLEET_WANTS_WRITE = 2 };
unsigned fleet_line_wants(const struct fleet_line *line);
const char *fleet_line_why(const struct fleet_line *line); /* of ENDED */

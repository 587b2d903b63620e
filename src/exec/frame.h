/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prober and steerd-exec say to each other, each message whole (SOCK_SEQPACKET), in the octet order
 * of the host.
 *
 * An order goes down the one channel that both share, with a descriptor: the far end of a pair of the check's
 * own. Its story comes up there: STARTED, then ENDED with what the command has said; or FAILED. The command
 * lives as long as the near end is open: when that closes, its process group is killed. When steerd-exec dies
 * the far ends close; and when the channel closes, steerd-exec ends, and all commands with it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum { EXEC_CHANNEL = 3, EXEC_VERSION = 1 };

struct exec_order_head {
    uint32_t version;    /* another one is refused: the program on the disk may be newer than who calls it */
    uint32_t output_max; /* with EXEC_KEEPS_END or without */
    uint32_t word_count, variable_count;
}; /* and all their texts, each with its end */

enum { EXEC_ORDER_MAX = sizeof(struct exec_order_head) + 2 * 16384 };

enum exec_story_kind {
    EXEC_STARTED, /* value: its process ID */
    EXEC_FAILED,  /* value: errno; it does not run */
    EXEC_EXITED,  /* value: its exit code; what it has said follows */
    EXEC_KILLED,  /* value: the signal; likewise */
    EXEC_STUCK,   /* value: how many like it were killed and have not ended; it does not run */
};

struct exec_story {
    uint32_t kind;
    int32_t value;
};

/* Into an empty buffer; the texts come behind it, in the order of the counts. */
void exec_begin_order(struct buffer *to, uint32_t output_max, size_t words, size_t variables);

struct exec_order {
    uint32_t output_max;
    bool keeps_end;
    size_t word_count, variable_count;
    char **words, **variables; /* owned lists that NULL ends, of texts in the bytes */
};

/* Of bytes that stay. Returns 0, or -EPROTONOSUPPORT (another version), -EBADMSG (no order). */
int exec_parse_order(char *bytes, size_t len, struct exec_order *order);
void exec_free_order(struct exec_order *order);

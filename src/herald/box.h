/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What outlives the process of webhooks, as the text of state/webhooks: what waits, what was given up, what
 * the receiver has. Written by a thread from what is held for it; read at a start. Pure. */
#pragma once

#include "base/buffer.h"
#include "herald/letter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BOX_NAME_SIZE = 64 };

struct box_item {
    char name[BOX_NAME_SIZE];
    uint64_t acked_run, acked_seq;
    int64_t acked_wall_ms;
    uint64_t missed;
    bool is_unsure;
    struct letters queue, dead;
};

struct box {
    bool is_clean; /* the process ended as it should: what is here is all that there was */
    struct box_item *items;
    size_t count;
};

void box_write(const struct box *box, struct buffer *out);
/* Returns 0, or ERROR_SYNTAX: then there is nothing in the box. */
int box_parse(const char *text, size_t len, struct box *box);
void box_fini(struct box *box);

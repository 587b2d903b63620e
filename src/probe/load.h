/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Finds one number in a JSON text while it comes in, in pieces of any size: the one that a JSON pointer
 * (RFC 6901) leads to. Pure: keeps a few numbers, not the text, and needs no stack, however deep the text
 * nests. What lies beside the way is skipped, not judged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum load_progress {
    LOAD_MORE,   /* so far nothing */
    LOAD_FOUND,  /* `value` holds */
    LOAD_ABSENT, /* there is no such number, it is below 0, or the text is no JSON */
};

enum { LOAD_NUMBER_SIZE = 32 };

struct load_scan {
    double value;            /* finite, 0 or more */
    const char *pointer;     /* borrowed */
    const char *token;       /* private: where the token sought in this container begins ("/…") */
    uint32_t depth, matched; /* private: containers around; how many of them lie on the way */
    uint32_t index;          /* private: of the item, in an array on the way */
    uint16_t code_unit;      /* private: of a \uXXXX */
    uint8_t state;           /* private */
    uint8_t digits;          /* private: of that \uXXXX */
    bool is_array, is_key,
        is_ours; /* private: of the container on the way; of the string; of the next value */
    uint8_t len;
    const char *rest; /* private: what the key has to go on with to be the token; NULL: it is another */
    char number[LOAD_NUMBER_SIZE];
};

/* `pointer` begins with "/" and stays while the scan does. */
void load_scan_init(struct load_scan *scan, const char *pointer);
/* Go on with the same pointer at another place. */
void load_scan_move(struct load_scan *scan, const char *pointer);
/* The next bytes. After FOUND or ABSENT further bytes change nothing and the answer stays the same. */
enum load_progress load_scan_feed(struct load_scan *scan, const uint8_t *bytes, size_t len);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Finds one value in a JSON text while it comes in, in pieces of any size: the one that a JSON pointer
 * (RFC 6901) leads to. Pure: keeps a few numbers, not the text, and needs no stack, however deep the text
 * nests. What lies beside the way is skipped, not judged. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_scan_progress {
    JSON_SCAN_MORE,   /* so far nothing */
    JSON_SCAN_FOUND,  /* `kind` holds */
    JSON_SCAN_ABSENT, /* there is no such value */
    JSON_SCAN_BROKEN, /* the text is no JSON, or the value too long for us */
};

enum json_scan_kind {
    JSON_SCAN_CONTAINER, /* an object or an array: found where it begins */
    JSON_SCAN_NUMBER,    /* `number` holds, finite */
    JSON_SCAN_TEXT,      /* is_text: the one that is wanted */
    JSON_SCAN_TRUE,
    JSON_SCAN_FALSE,
    JSON_SCAN_NULL,
};

enum { JSON_SCAN_WORD_SIZE = 32 };

struct json_scan {
    double number;
    const char *pointer, *text; /* borrowed */
    const char *token;          /* private: where the token sought in this container begins ("/…") */
    uint32_t depth, matched;    /* private: containers around; how many of them lie on the way */
    uint32_t index;             /* private: of the item, in an array on the way */
    uint16_t code_unit;         /* private: of a \uXXXX */
    uint16_t high;              /* private: the first half of a surrogate pair; 0: none */
    uint8_t state;              /* private */
    uint8_t digits;             /* private: of that \uXXXX */
    uint8_t kind;               /* enum json_scan_kind */
    bool is_text;
    bool is_array, is_key, is_ours; /* private: of the container on the way; of the string; of the value */
    uint8_t len;
    const char *rest; /* private: what the string has to go on with to be the one; NULL: it is another */
    char word[JSON_SCAN_WORD_SIZE];
};

/* `pointer` begins with "/"; `text` is what a string is compared with, or NULL. Both stay while the scan
 * does. */
void json_scan_init(struct json_scan *scan, const char *pointer, const char *text);
/* Go on with the same pointer and text at another place. */
void json_scan_move(struct json_scan *scan, const char *pointer, const char *text);
/* The next bytes. After anything but MORE further bytes change nothing and the answer stays the same. */
enum json_scan_progress json_scan_feed(struct json_scan *scan, const uint8_t *bytes, size_t len);

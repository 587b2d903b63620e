/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a check of type file looks for, and where. conf fills it, view knows a check by it, the prober goes by
 * it. Plain data. */
#pragma once

#include <stdint.h>

enum sheet_format {
    SHEET_JSON,  /* "steerd": an object, name -> "up", "down" or an object with a reason */
    SHEET_GDNSD, /* "gdnsd": what its plugin extfile reads */
    /* "json": any object or array, which names nobody: all of it is said of SHEET_DOCUMENT_KEY */
    SHEET_DOCUMENT,
};
#define SHEET_DOCUMENT_KEY "document"

/* What it means when the name is not in the file. */
enum sheet_absent { SHEET_ABSENT_UNKNOWN, SHEET_ABSENT_UP, SHEET_ABSENT_DOWN };

struct sheet_ask {
    const char *path;
    const char *key; /* in which %ADDRESS% and so on stand for something: exec/ask.h */
    enum sheet_format format;
    enum sheet_absent absent;
    uint32_t max_age_ms; /* since it was written; 0: for ever */
};

enum {
    SHEET_FILES_MAX = 64,       /* different ones that checks may name: each has a thread */
    SHEET_SIZE_MAX = 16 << 20,  /* octets of one */
    SHEET_DOCUMENT_MAX = 65536, /* of a document */
    SHEET_KEY_MAX = 255,        /* octets of a name in it */
    SHEET_REASON_MAX = 120,     /* octets of a reason that are shown */
};

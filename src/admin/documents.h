/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the admin API asks about documents, and what it is told. Plain data, borrowed for the call. */
#pragma once

#include "conf/edit.h"
#include "conf/server.h"

#include <stdint.h>

struct admin_receipt;

/* Changes that are made together or not at all. */
struct admin_edits {
    const struct edit *items;
    size_t count;
    bool imports; /* instead: what the files say is taken over; of the document `name`, or of all (NULL) */
    const char *name;
    const char *actor, *peer, *reason, *request;
    const struct admin_receipt *receipt; /* goes with them into the store; NULL: none */
};

enum admin_edited_trouble {
    ADMIN_EDITED_GOOD,
    ADMIN_EDITED_FILES,     /* documents are those of the files */
    ADMIN_EDITED_MISSING,   /* what is to be changed, or its document, is not there */
    ADMIN_EDITED_CHANGED,   /* it is not what it was said to be */
    ADMIN_EDITED_INVALID,   /* a value is none */
    ADMIN_EDITED_REFUSED,   /* the configuration would be invalid: the report says how */
    ADMIN_EDITED_NOT_SAVED, /* it cannot be written */
};

struct admin_document {
    const char *name;   /* "topology.json", "zones/example.com.json" */
    const char *origin; /* whose policy it is; NULL: the topology */
    const char *path;   /* of its file */
    const char *sha256; /* of what serves; NULL: it is the file's */
    uint64_t size, revision;
    const char *file; /* what the file says: "same", "differs", "missing"; NULL: it was not looked at */
    bool is_changed;  /* by these edits */
};

struct admin_edited {
    enum admin_edited_trouble trouble;
    const char *why; /* in words */
    size_t at;       /* the edit that it is about; SIZE_MAX: all */
    const struct admin_document *documents;
    size_t count;
};

/* How one is read. */
enum {
    ADMIN_OPEN_FILE = 1,    /* what its file says */
    ADMIN_OPEN_REDACTED = 2 /* without secrets (conf/redact.h) */
};

/* One that was read. */
struct admin_opened {
    struct admin_document document;
    const char *text; /* as it stands there */
    size_t len;
    int error;       /* ERROR_NOT_FOUND: there is no such document; else it cannot be read */
    const char *why; /* in words */
};

/* One document, to be looked at, or all. */
struct admin_documents {
    enum conf_owner owner;
    const char *unsure;           /* why something else may serve than the API has said; NULL: it does not */
    struct admin_document *items; /* in the arena */
    size_t count;
};

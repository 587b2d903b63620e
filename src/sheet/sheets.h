/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files in which other programs write what is up and what is down, followed by a thread each, so that one on
 * a file system that does not answer holds nobody up. A change is seen at once where the kernel tells of it
 * (inotify on the folder), else within seconds. What a file says last that makes sense stands until it says
 * something else that does, or is gone. Everything here may be called from any thread; nobody waits for a
 * file. */
#pragma once

#include "sheet/ask.h"
#include "sheet/parse.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sheets; /* all files of a process */
struct sheet;  /* one of them, in one format */

struct sheets *sheets_open(void); /* returns owned */
/* Nobody holds or listens any more. Waits for the threads, but not for long: one that hangs stays, and what
 * it uses. NULL is fine. */
void sheets_close(struct sheets *sheets);

/* The file, followed from now on, by whoever holds it first. */
struct sheet *sheets_hold(struct sheets *sheets, const char *path, enum sheet_format format);
void sheet_release(struct sheet *sheet); /* NULL is fine */
/* Its thread could not be started: another attempt. Else nothing. */
void sheet_follow(struct sheet *sheet);

/* Whenever something may be different an eventfd is rung. */
void sheets_listen(struct sheets *sheets, int fd);
void sheets_forget(struct sheets *sheets, int fd);

/* Another number after each change. */
uint64_t sheet_get_version(const struct sheet *sheet);

enum sheet_word {
    SHEET_UNREAD,  /* wait */
    SHEET_USELESS, /* missing, empty, too old … */
    SHEET_UP,
    SHEET_DOWN,
    SHEET_UNNAMED, /* the file does not say */
};

enum { SHEET_TEXT_SIZE = SHEET_WHY_SIZE + 100 };

struct sheet_answer {
    enum sheet_word word;
    uint64_t version;
    unsigned mark;              /* another one: something else is said, but for reasons; never 0 */
    unsigned line;              /* that says so; 0: none */
    char text[SHEET_TEXT_SIZE]; /* why, for people; "": there is no more to say */
};

/* What it says of a name, if that was not written longer ago than max_age_ms (0: whenever). */
void sheet_find(struct sheet *sheet, const char *key, uint32_t max_age_ms, struct sheet_answer *answer);
/* The mark alone, for comparing. */
unsigned sheet_look(struct sheet *sheet, const char *key, uint32_t max_age_ms);

/* The document that stands, if any: heard at once, and gone then. At most SHEET_DOCUMENT_MAX octets. */
void sheet_read(struct sheet *sheet, void (*hear)(void *context, const char *text, size_t len),
                void *context);

/* ---- for those who look ---- */

enum sheet_state {
    SHEET_STATE_UNREAD,  /* "unread" */
    SHEET_STATE_GOOD,    /* "good" */
    SHEET_STATE_REFUSED, /* "refused": what it said before stands */
    SHEET_STATE_USELESS, /* "useless" */
};
const char *sheet_state_text(enum sheet_state state);
const char *sheet_format_text(enum sheet_format format); /* as in the topology */

struct sheet_status {
    char *path; /* owned by who asked */
    enum sheet_format format;
    enum sheet_state state;
    size_t names;              /* in what stands */
    int64_t modified_ms;       /* when that was written, wall; 0: there is none */
    int64_t read_ms;           /* when it was read, likewise */
    uint64_t changes;          /* contents that were taken */
    char why[SHEET_TEXT_SIZE]; /* of REFUSED and USELESS; else "" */
};

/* Returns how many there are, of which `list` (owned, to be freed by sheets_free_list()) tells. */
size_t sheets_list(struct sheets *sheets, struct sheet_status **list);
void sheets_free_list(struct sheet_status *list, size_t count);

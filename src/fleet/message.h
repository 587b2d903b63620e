/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a server and its vantages say to each other: one JSON object per line, with one member, whose name
 * says what it is. Bytes to values and back, strictly; pure. doc/vantages.md shows a whole conversation.
 *
 * From a vantage (→) and to it (←):
 *   → hello ← welcome | refused
 *   ← mark: what the list that comes is known by, which shows that the server knows of changes → can: so do
 * we → enrol ← enrolled | refused (in the place of hello) ← list, check …, targets …, listed | same: what to
 * check; the order of the targets is their index ← change, check …, keep or targets …, listed: likewise, by
 * what differs from the list in use ← aim: other addresses of some → taken | untaken: the list is in use, or
 * is not → opinions: what is thought of some, or of all ← → alive: every heartbeat ← clock: what time it is,
 * at first and then every heartbeat ← limits: of what may be checked at once, at first and when they change
 *   ← run → trace …, ran: one check, now
 *   → order ← holds: of nodes of a cluster: it holds there, and holds here
 *   → serials: likewise: with which ones it serves zones that others copy
 *   → want ← has, none, block: likewise: parts of a bundle. The octets of a block follow its line as they are
 *
 * Who wants to be a node of the cluster: → join ← joined | refused (in the place of hello) */
#pragma once

#include "base/addr.h"
#include "base/buffer.h"
#include "health/outcome.h"
#include "health/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FLEET_VERSION = 1,
    FLEET_LINE_MAX = 256 << 10,  /* octets, the end of the line included */
    FLEET_NAME_MAX = 63,         /* octets of the name of a vantage */
    FLEET_TEXT_MAX = 1024,       /* … of other texts */
    FLEET_FILE_MAX = 240 << 10,  /* … of a file of a check */
    FLEET_ORDER_MAX = 100 << 10, /* … of an order, and of serials */
    FLEET_ADDRESSES_MAX = 8,     /* of a target */
    FLEET_TARGETS_MAX = 500,     /* a line */
    FLEET_RANGES_MAX = 5000,     /* a line */
    FLEET_OPINIONS_MAX = 1000,   /* a line */
    FLEET_FILES_MAX = 8,         /* of a check */
    FLEET_REASONS_MAX = 100,     /* why checks are refused, a line; of the others their number is said */
    FLEET_LIST_MAX = 1 << 20,    /* targets and checks of a list */
    FLEET_STREAK_MAX = UINT16_MAX,
    FLEET_BUNDLE_SIZE = 65,      /* the name of a bundle: 64 hexadecimal digits in lower case, and NUL */
    FLEET_BLOCKS_MAX = 1 << 17,  /* of a part of a bundle */
    FLEET_BLOCK_MAX = 256 << 10, /* octets */
    FLEET_PIECE_MAX = 32 << 10,  /* … of it behind one line, so that others are not held up */
};

enum fleet_kind {
    FLEET_HELLO,
    FLEET_WELCOME,
    FLEET_REFUSED,
    FLEET_ENROL,
    FLEET_ENROLLED,
    FLEET_LIST,
    FLEET_CHECK,
    FLEET_TARGETS,
    FLEET_LISTED,
    FLEET_SAME,
    FLEET_AIM,
    FLEET_TAKEN,
    FLEET_UNTAKEN,
    FLEET_OPINIONS,
    FLEET_ALIVE,
    FLEET_RUN,
    FLEET_TRACE,
    FLEET_RAN,
    FLEET_CLOCK,
    FLEET_LIMITS,
    FLEET_MARK,
    FLEET_CAN,
    FLEET_CHANGE,
    FLEET_KEEP,
    FLEET_ORDER,
    FLEET_HOLDS,
    FLEET_JOIN,
    FLEET_JOINED,
    FLEET_SERIALS,
    FLEET_HAS,
    FLEET_WANT,
    FLEET_NONE,
    FLEET_BLOCK,
};
enum { FLEET_KINDS = FLEET_BLOCK + 1 };
const char *fleet_kind_text(enum fleet_kind kind); /* "hello" … */

struct fleet_hello {
    uint32_t version;
    const char *name, *software;
    uint64_t run;  /* another one after each start */
    bool has_list; /* of that server, from a connection before: */
    uint64_t list; /* … its mark */
};

struct fleet_welcome {
    uint32_t version;
    const char *server;
    uint32_t heartbeat_ms, expires_ms;
};

/* Of each vantage by itself; 0: none. */
struct fleet_limits {
    uint32_t in_flight, per_address, per_second; /* checks under way, to one address, that start */
};

struct fleet_enrol {
    uint32_t version;
    const char *name, *token;
};

struct fleet_file {
    const char *path; /* as the definition names it */
    const char *content;
};

/* A check as topology.json has it. */
struct fleet_check {
    uint32_t index;
    const char *definition; /* JSON: an object */
    const struct fleet_file *files;
    size_t file_count;
};

struct fleet_target {
    uint64_t identity;
    uint32_t check;   /* of the list */
    const char *name; /* for people */
    const char *host; /* that is asked for where the check says none; NULL: the address */
    bool in_turn;     /* each check goes to the next address; else there is one */
    bool idle;        /* holds its place, and is not checked */
    const struct addr *addresses;
    size_t address_count;
};

/* Targets of the list in use that are in the one that comes, too, in this order: from that index on so many.
 * The numbers of their checks are larger by `shift` there. */
struct fleet_range {
    uint32_t from, count;
    int32_t shift;
};

struct fleet_aim {
    uint32_t index;
    bool idle;
    const struct addr *addresses;
    size_t address_count;
};

struct fleet_untaken {
    uint32_t check;
    const char *why;
};

struct fleet_opinion {
    uint32_t index; /* of the target */
    enum health_observed verdict;
    uint16_t streak; /* latest results that agree */
    enum health_outcome outcome;
    uint16_t detail;
    uint32_t duration_us;
    int64_t age_ms; /* of the verdict, by the vantage's monotonic clock */
};

/* What there is of a bundle: its manifest, and the octets of its files one behind the other. */
enum fleet_part { FLEET_MANIFEST, FLEET_STREAM };
enum { FLEET_PARTS = FLEET_STREAM + 1 };

struct fleet_blocks {
    uint32_t first, count; /* from that number on so many, at least 1; FLEET_BLOCKS_MAX in a line */
};

/* has, want, none: blocks that are here, are wanted, or are not given. */
struct fleet_bulk {
    const char *bundle; /* its name */
    enum fleet_part part;
    const struct fleet_blocks
        *items; /* want: none: what is there is to be told, now and as it becomes more */
    size_t count;
    uint64_t size; /* has: octets of the part */
    bool is_anew;  /* has: what was told before does not hold */
    bool scarce;   /* want: everybody has refused it */
    bool is_gone;  /* none: they are not here; else they were given often enough */
};

/* A piece of a block: in their order, and nobody's in between. */
struct fleet_piece {
    const char *bundle;
    enum fleet_part part;
    uint32_t number, of;   /* of the block; its octets */
    uint32_t from, len;    /* those that follow */
    const uint8_t *octets; /* not in the line */
};

struct fleet_message {
    enum fleet_kind kind;
    union {
        struct fleet_hello hello;
        struct fleet_welcome welcome;
        const char *refused; /* why */
        struct fleet_enrol enrol;
        const char *enrolled; /* the name */
        struct {
            uint64_t generation;
            uint32_t count; /* of targets that follow */
        } list;
        struct fleet_check check;
        struct {
            const struct fleet_target *items;
            size_t count;
        } targets;
        uint64_t generation; /* listed, same */
        struct {
            uint64_t generation;
            const struct fleet_aim *items;
            size_t count;
        } aim;
        struct {
            uint64_t generation;
            const struct fleet_untaken *refused;
            size_t count;
            uint32_t more; /* refused, without a reason */
        } taken;
        struct {
            uint64_t generation;
            const char *why;
        } untaken;
        struct {
            uint64_t generation, seq;
            bool all; /* the last line of all that there is */
            const struct fleet_opinion *items;
            size_t count;
        } opinions;
        struct {
            uint64_t generation, seq; /* 0 in those of a server */
        } alive;
        struct {
            uint32_t id;
            uint64_t identity;
        } run;
        struct {
            uint32_t id, at_us; /* from the start of the check */
            const char *step, *text;
        } trace;
        struct {
            uint32_t id;
            enum health_outcome outcome;
            uint16_t detail;
            uint32_t duration_us;
        } ran;
        int64_t wall_ms; /* clock: since 1970, by that of the server */
        struct fleet_limits limits;
        struct {
            uint64_t generation, mark;
        } mark;
        bool can_change; /* can: it takes changes */
        struct {
            uint64_t generation, from; /* from: of the list in use */
            uint32_t count;            /* of targets of the whole */
        } change;
        struct {
            const struct fleet_range *items;
            size_t count;
        } keep;
        struct {
            uint64_t mark;    /* by which it is known everywhere */
            const char *text; /* what it is: its owners' to read */
        } order;
        struct {
            uint64_t mark;
            const char *why; /* it does not; "": it holds */
        } holds;
        const char *what;    /* join, joined: JSON (admission.h) */
        const char *serials; /* "zone fingerprint serial", lines: their owner's to read */
        struct fleet_bulk bulk;
        struct fleet_piece piece;
    };
};

enum { FLEET_WHY_SIZE = 200 };
struct arena;

/* One line without its end; texts and items go to the arena. Returns 0, or ERROR_SYNTAX (no JSON),
 * ERROR_UNSUPPORTED (a kind that this version does not know) or ERROR_INVALID and why: what was found where,
 * and what was expected. */
int fleet_read(const char *line, size_t len, struct arena *arena, struct fleet_message *message,
               char why[FLEET_WHY_SIZE]);
/* With the end of the line. What is within the limits above is read again as it was. */
void fleet_write(const struct fleet_message *message, struct buffer *to);

/* A version of the protocol that is ours, or one more or less: what a later one adds are kinds, which are
 * passed over. */
bool fleet_speaks(uint32_t version);
const char *fleet_verdict_text(enum health_observed verdict); /* "none" "up" "down" */
/* Letters of ASCII, digits, "-", "_" and ".", of which none is the first or last. */
bool fleet_is_name(const char *name);

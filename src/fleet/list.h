/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What vantages are to check: made as a whole by whoever loads, then for the thread of the vantages, where
 * sessions share it. Texts are copied. Counted. */
#pragma once

#include "fleet/message.h"

struct fleet_list;

struct fleet_list *fleet_list_new(uint64_t generation); /* returns held once */
struct fleet_list *fleet_list_hold(struct fleet_list *list);
void fleet_list_drop(struct fleet_list *list); /* NULL is fine */

enum { FLEET_EVERYBODY = 0 }; /* a scope */

/* For whom: names and patterns as of fnmatch(3); none: for everybody. Returns the number of the scope, the
 * same one for the same names. */
uint32_t fleet_list_add_scope(struct fleet_list *list, const char *const *names, size_t count);
/* Returns its index. One that does not fit into a line, or has a file that is longer than FLEET_FILE_MAX, is
 * for nobody, with all its targets. */
uint32_t fleet_list_add_check(struct fleet_list *list, const struct fleet_check *check);
bool fleet_list_has_room(const struct fleet_list *list, uint32_t check); /* it fits */
/* In the order of their indexes; `check` is one of the list. */
void fleet_list_add_target(struct fleet_list *list, const struct fleet_target *target, uint32_t scope);

uint64_t fleet_list_generation(const struct fleet_list *list);
uint64_t fleet_list_identity(const struct fleet_list *list, size_t target);

/* ---- on the thread of the vantages ---- */

/* Targets that are in turn have other addresses now. */
void fleet_list_aim(struct fleet_list *list, const struct fleet_aim *aims, size_t count);

/* Likewise in an older list, which somebody goes by: the same ones of there. */
void fleet_list_aim_older(struct fleet_list *older, const struct fleet_list *list,
                          const struct fleet_aim *aims, size_t count);

/* What one of them gets, by its name, and how far it was sent. */
struct fleet_share {
    struct fleet_list *list;
    uint32_t *targets; /* of the list, ascending; NULL: all of them */
    size_t count;
    uint32_t *checks; /* of the list: index in the share; FLEET_NO_CHECK: not in it */
    uint32_t *order;  /* … and back: as targets come to them */
    size_t check_count;
    uint64_t mark;            /* equal marks: the same to check, but for addresses of those in turn */
    uint64_t aimed, aim_goal; /* changes of addresses that were sent; that are being sent */
    size_t next_check, next_target, next_host;
    bool has_begun, has_ended;
    bool is_change;          /* it is told by what differs … */
    uint64_t before;         /* … from the list of this generation */
    struct fleet_kept *kept; /* what does not, ascending */
    size_t kept_count, kept_room, next_kept;
};

/* Targets of the share from `first` on are a range of what the other side has. */
struct fleet_kept {
    uint32_t first;
    struct fleet_range range;
};

#define FLEET_NO_CHECK UINT32_MAX

struct fleet_share *fleet_share_new(struct fleet_list *list, const char *name); /* holds the list; owned */
void fleet_share_free(struct fleet_share *share);                               /* NULL is fine */
/* Before its first line: the other side goes by `before`, and is told what differs. */
void fleet_share_change(struct fleet_share *share, const struct fleet_share *before);
/* The next line of it; false: it is sent. */
bool fleet_share_next(struct fleet_share *share, struct buffer *line);
/* All addresses are to be sent again: only the name of the list has changed for the other side. */
void fleet_share_skip(struct fleet_share *share);
/* The next line of addresses that have changed since; false: there is none. After the end of the list. */
bool fleet_share_next_aim(struct fleet_share *share, struct buffer *line);
/* From an index of the share to one of the list; false: there is none. */
bool fleet_share_find(const struct fleet_share *share, uint32_t index, uint32_t *target);
bool fleet_share_find_identity(const struct fleet_share *share, uint64_t identity, uint32_t *index);

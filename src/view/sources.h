/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which files a view was made of. A load leaves them with the view, and the reload of one zone with its
 * update, until somebody takes them, who keeps the configuration (daemon/archive.h). Plain data. */
#pragma once

#include "base/source_list.h"

#include <stdbool.h>
#include <stddef.h>

struct view;
struct view_zone_update;

/* What of a load says whether another one would make the same view, beside the stamps of its zones. */
struct view_seen {
    struct source_list files; /* and folders: all but those of zones */
    struct report *warnings;  /* NULL: there were none */
    bool is_whole;            /* nothing was wrong, and compiling came to its end */
};

struct view_zone_sources {
    char *origin; /* owned */
    struct source_list files;
    bool is_stale; /* they are broken: those from before go on, whatever they were */
};

struct view_sources {
    char *main;                /* steerd.json; owned */
    struct source_list ground; /* that, topology, secrets */
    struct source_list geo;    /* databases, with what was loaded of them last */
    struct view_zone_sources *zones;
    size_t zone_count;
};

void view_free_sources(struct view_sources *sources); /* NULL is fine */
void view_fini_zone_sources(struct view_zone_sources *zone);
/* Returns owned, or NULL: somebody has. */
struct view_sources *view_take_sources(struct view *view);
/* Of an update that is not broken. The origin is owned, too. */
struct view_zone_sources view_take_zone_sources(struct view_zone_update *update);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "zones" of steerd.json: a folder or a list, to zone sources. Called by server.c only. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/server.h"

/* Fills zones and zone_count. Errors go to the document's report; those of files in a folder name the file.
 * Returns 0, or ERROR_INVALID if something was reported. */
int zones_read(const struct doc_node *root, struct conf_server *server, struct report *report);

/* A name as origins are written here: absolute, lower case, escapes in their one canonical form; in the
 * arena. NULL if the text is no name. */
const char *zones_parse_origin(struct arena *arena, const char *text);

/* A path of the document relative to the folder of the document; in the server's arena. */
const char *zones_resolve_path(const struct conf_server *server, const char *path);

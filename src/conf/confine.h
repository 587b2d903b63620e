/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading "confine": what the server takes away from itself. */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

/* Private to conf. */
void confine_read(const struct doc_node *root, struct conf_server *server);
/* What has to be known before anything else is read of the configuration in this file: `confine`, whose
 * `write` has all folders that the server writes to, and the paths of the state folder and the admin socket;
 * nothing else. Owned (conf_free_server()); NULL: the file cannot be read, of which who reads all of it
 * tells, as of what is wrong with it. */
struct conf_server *conf_read_early(const char *path);

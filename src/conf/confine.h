/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading "confine": what the server takes away from itself. */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

/* Private to conf. */
void confine_read(const struct doc_node *root, struct conf_server *server);
/* Who the server is to become, before anything else is read of the configuration in this file. Owned; NULL:
 * nobody else, or the file cannot be read, of which who reads all of it tells. */
char *conf_read_user(const char *path);

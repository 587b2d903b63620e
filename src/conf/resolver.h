/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading "resolver": who is asked for the host names of endpoints. Private to conf. */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

void resolver_read(const struct doc_node *root, struct conf_server *server);

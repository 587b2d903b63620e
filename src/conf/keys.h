/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "keys" of steerd.json: names, algorithms and secrets of TSIG keys. Called by server.c before what names
 * them. No message shows a secret. */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

/* Fills keys and key_count. What is wrong goes to the document's report. */
void keys_read(const struct doc_node *root, struct conf_server *server);
/* The key that the text under "key" of this object names; CONF_NO_KEY if there is no such member, or it was
 * reported. */
int keys_find(const struct doc_node *object, const struct conf_server *server);

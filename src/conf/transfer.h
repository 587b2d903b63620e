/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The zone options of copies: "transfer_to", "notify", "transfer_steered", "serial". Called by zone_options.c
 * when the keys are known. */
#pragma once

#include "conf/doc.h"
#include "conf/server.h"

#define TRANSFER_KEYS "transfer_to", "notify", "transfer_steered", "serial"

/* Puts what the object gives over what the options hold. What is wrong goes to the document's report. */
void transfer_read(const struct doc_node *object, const struct conf_server *server,
                   struct conf_zone_options *options);

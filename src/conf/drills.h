/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "drills" of steerd.json: how many reports are kept. */
#pragma once

#include <stdint.h>

struct conf_server;
struct doc_node;

enum { CONF_DRILLS_KEEP = 200 };

struct conf_drills {
    uint32_t keep; /* reports; default 200 */
};

/* Private to src/conf. */
void conf_drills_read(const struct doc_node *root, struct conf_server *server);

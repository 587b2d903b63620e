/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "topology" of steerd.json: one file, several, or patterns of names in a folder. Called by server.c only. */
#pragma once

#include "base/report.h"
#include "conf/doc.h"
#include "conf/server.h"

/* Fills topology_path, topology_paths and their count. Folders are looked up for the report. */
void topology_files_read(const struct doc_node *root, struct conf_server *server, struct report *report);
/* With the owner of documents: what the API changes is one file. */
void topology_files_judge(const struct doc_node *root, const struct conf_server *server);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What looking at documents and editing them share. Internal to the folder. */
#pragma once

#include "admin/call.h"

json_t *render_document(const struct admin_document *document);
/* What the route names. false: the problem says why it is nothing. */
bool edits_read_about(struct call *call, struct edit *about);
/* One edit, of what the route names. */
void edits_begin(struct call *call);

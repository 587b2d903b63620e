/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a document that came as a whole, from a command or a file, says of what is looked for in it: a number,
 * and which of some texts. Looked for as in the body of an answer over HTTP. Private to this folder. */
#pragma once

#include "probe/check.h"

/* What `target` looks for, in the arena. */
void document_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena);
bool document_is_same(const struct check_ask *a, const struct check_ask *b);
/* Fills has_load, load and told, and nothing else. Any octets are fine. */
void document_read(const struct check_ask *ask, const char *bytes, size_t len, struct check_end *end);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "static" of a policy: records that are the same for everybody, as if the master file had them. Called by
 * policy.c; errors go to the document's report. Rdata are texts here, which view reads with the reader of
 * master files; whether the records go with each other, and with the zone, is judged where the zone is built.
 */
#pragma once

#include "conf/doc.h"
#include "conf/policy.h"

/* Fill type, TTL and rdata of what a name of "static" says, behind those that the policy has already. The
 * arena is the policy's; there is room for statics_count() of them. */
void statics_read(const struct doc_node *node, const char *owner, struct conf_policy *policy);
size_t statics_count(const struct doc_node *node); /* upper bound; reports nothing */

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Access lists in documents: a prefix or an array of them, "!" in front denies. Called by readers of conf. */
#pragma once

#include "base/acl.h"
#include "base/arena.h"
#include "conf/doc.h"

/* One prefix, "!" in front denies; false: reported. The node is a text. */
bool access_read_prefix(const struct doc_node *item, struct acl_entry *entry);
/* The list under `key`, in the arena; NULL if the key is absent. What is wrong was reported. */
struct acl *access_read(const struct doc_node *object, const char *key, struct arena *arena);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A hash table from byte strings to pointers that lives in an arena: look-ups by name in documents of any
 * size. Keys and values are borrowed and must outlive the table. There is no removal. Fails never (arena.h).
 */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct keytable;

struct keytable *keytable_new(struct arena *arena);
/* So many more keys are about to come. */
void keytable_reserve(struct keytable *table, size_t more);
/* false: the key was there already, and its value stays. */
bool keytable_add(struct keytable *table, const void *key, size_t len, void *value);
/* The value, or NULL. */
void *keytable_find(const struct keytable *table, const void *key, size_t len);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What one content of a file says: name -> up or down, and why. Filled by the parsers, then never changed.
 * Names come from a program that may have them from anywhere, so the hash has a secret of each table's own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sheet_entry {
    const char *key;
    const char *reason; /* "": none */
    unsigned line;      /* from 1 */
    bool is_down;
};

struct sheet_table;

struct sheet_table *sheet_table_new(void);        /* returns owned */
void sheet_table_free(struct sheet_table *table); /* NULL is fine */

/* Copies. Returns 0, or the line of the entry that has the name already. */
unsigned sheet_table_add(struct sheet_table *table, const struct sheet_entry *entry);

/* Its texts are borrowed from the table. False: it is not in it. */
bool sheet_table_find(const struct sheet_table *table, const char *key, struct sheet_entry *entry);
size_t sheet_table_count(const struct sheet_table *table);

/* The one way to write an IPv6 address (RFC 5952), so that it is found however somebody writes it: in place,
 * if it is one and not longer that way. All other names stay as they are. */
void sheet_write_key(char *key);

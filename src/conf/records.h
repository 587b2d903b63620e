/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "records" of a steered name: what its endpoints answer with besides, or instead of, their addresses. Called
 * by policy.c; errors go to the document's report. The rdata are texts here: view reads them with the reader
 * of master files. */
#pragma once

#include "conf/selector.h"

/* The arena is for results. */
struct records_reader {
    const struct selector *selector;
    struct arena *arena;
    struct keytable *known; /* (members, as written) -> conf_records; the arena is for it as well */
};

void records_reader_init(struct records_reader *reader, const struct selector *selector, struct arena *arena);

/* Fill records, addresses and how host names answer of the name, whose members, pick and answers are there
 * already. */
void records_read(struct records_reader *reader, const struct doc_node *node,
                  const struct selector_members *members, bool is_apex, struct conf_name *name);

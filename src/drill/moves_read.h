/* SPDX-License-Identifier: BSD-3-Clause
 *
 * "switchovers" of a drill document. Inside of src/drill. */
#pragma once

#include "drill/document.h"
#include "drill/what.h"

/* Into the document. What is wrong is reported. */
void moves_read(const struct what_reader *reader, const struct doc_node *root,
                struct drill_document *document);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Files that hold a secret, a password or a private key, and what is said of those that cannot be read or
 * that everybody may use. What they hold is in no message, and stays nowhere else. */
#pragma once

#include "conf/doc.h"

#include <stdbool.h>
#include <stddef.h>

enum { SECRET_FILE_MAX = 4096 };

struct secret_file {
    char text[SECRET_FILE_MAX];
    size_t len;
    unsigned mode; /* permissions */
};

/* node: what names it. False: it cannot be read, and that was told. */
bool secret_file_read(const struct doc_node *node, const char *path, struct secret_file *file);
void secret_file_forget(struct secret_file *file);

/* `what` it holds: "a secret". */
void secret_judge_mode(const struct doc_node *node, const char *path, unsigned mode, const char *what);

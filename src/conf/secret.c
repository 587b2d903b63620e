/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See secret.h. */
#include "config.h"

#include "conf/secret.h"

#include "base/source.h"

#include <string.h>

bool secret_file_read(const struct doc_node *node, const char *path, struct secret_file *secret)
{
    struct file file;
    secret->len = 0;
    int error = source_open(doc_get_report(node), path, sizeof secret->text, &file);
    error = error == 0 ? file_read(&file, secret->text, sizeof secret->text, &secret->len) : error;
    file_close(&file);
    secret->mode = file.mode;
    if (error != 0) {
        doc_error(node, "the file %s cannot be read: %s", path, file.why);
    }
    return error == 0;
}

void secret_file_forget(struct secret_file *file)
{
    explicit_bzero(file->text, sizeof file->text);
}

void secret_judge_mode(const struct doc_node *node, const char *path, unsigned mode, const char *what)
{
    if ((mode & 07) != 0) {
        doc_warning(node, "everybody can use the file %s: it holds %s, expected mode 0640 or narrower", path,
                    what);
    }
}

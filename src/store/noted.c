/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See noted.h. */
#include "config.h"

#include "store/noted.h"

#include "base/hex.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/statefile.h"
#include "store/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODE = 0600, HASH_TEXT = 2 * STORE_HASH_SIZE + 1 };

static char *make_path(const char *folder)
{
    return memory_print("%s/journal-end", folder);
}

int noted_write(const char *folder, const char *id, const struct writer_end *end)
{
    char hash[HASH_TEXT], *path = make_path(folder);
    char *line =
        memory_print("%s %" PRIu64 " %s\n", id, end->seq, hex_write(end->hash, STORE_HASH_SIZE, hash));
    int error = statefile_write(path, MODE, line, strlen(line));
    free(line);
    free(path);
    return error;
}

/* In hexadecimal; "": there is no such entry. */
static int read_hash(struct database *db, uint64_t seq, char hash[HASH_TEXT])
{
    sqlite3_stmt *statement;
    bool has = false;
    int error = database_prepare(db, "SELECT lower(hex(hash)) FROM journal WHERE seq = ?1", &statement);
    if (error == 0) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)seq);
        error = database_step(db, statement, &has);
    }
    const char *text = has ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    snprintf(hash, HASH_TEXT, "%s", text == NULL ? "" : text);
    sqlite3_finalize(statement);
    return error;
}

/* "ID SEQ HASH", into pieces of the text. */
static bool parse(char *text, const char **id, uint64_t *seq, const char **hash)
{
    char *rest = NULL;
    *id = strtok_r(text, " ", &rest);
    const char *number = strtok_r(NULL, " ", &rest);
    *hash = strtok_r(NULL, " \n", &rest);
    *seq = 0;
    return *hash != NULL && number_read(number, 10, UINT64_MAX, seq) && *seq != 0;
}

int noted_compare(struct database *db, const char *folder, const char *id, char why[DATABASE_WHY_SIZE])
{
    char hash[HASH_TEXT], *text, *path = make_path(folder);
    const char *was, *noted;
    struct file file;
    size_t len;
    uint64_t seq = 0;
    int error = 0;
    why[0] = '\0';
    bool is_read = statefile_read(path, &file, &text, &len) == 0;
    if (is_read && parse(text, &was, &seq, &noted)) {
        error = read_hash(db, seq, hash);
        if (error == 0 && (strcmp(was, id) != 0 || strcmp(hash, noted) != 0)) {
            snprintf(
                why, DATABASE_WHY_SIZE,
                "it is not the store that was here, whose journal went to entry %" PRIu64
                ": an older copy, or another one? If nobody has restored it, stop steerd, put the later one "
                "back, and start again; what was ordered since is not in this one",
                seq);
        }
    }
    free(is_read ? text : NULL);
    free(path);
    return error;
}

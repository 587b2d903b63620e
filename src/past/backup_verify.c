/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What people ask for: restore these files, or see whether that could be done. */
#include "config.h"

#include "past/backup_parts.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add(struct backup_restorer *restorer, const struct backup_files *files, size_t index,
               struct report *report, struct backup_summary *summary)
{
    struct backup_reader *reader = NULL;
    int error = backup_reader_open(files->paths[index], files->progress, report, &reader);
    if (error == 0) {
        backup_reader_summarize(reader, summary);
        error = backup_restorer_add(restorer, reader);
    }
    backup_reader_close(reader);
    return error;
}

int backup_restore(const struct backup_files *files, const char *folder, struct report *report,
                   struct backup_summary *summary)
{
    struct backup_restorer *restorer = NULL;
    int error = backup_restorer_open(folder, files->progress, report, &restorer);
    if (error != 0) {
        return error;
    }
    for (size_t i = 0; i < files->count && error == 0; i++) {
        error = add(restorer, files, i, report, summary);
    }
    if (error != 0) {
        backup_restorer_free(restorer);
        return error;
    }
    return backup_restorer_close(restorer);
}

/* ---- verify ---- */

static int judge(const char *folder, const struct backup_files *files, struct report *report,
                 const struct backup_summary *summary)
{
    const char *last = files->paths[files->count - 1];
    struct store_reader *reader = NULL;
    struct store_verdict verdict;
    int error = store_reader_open(folder, report, &reader);
    if (error != 0) {
        return error;
    }
    store_reader_set_progress(reader, files->progress);
    bool has_any = summary->to.seq != 0;
    error = store_verify(reader, summary->to.seq, has_any ? summary->to.hash : NULL, &verdict);
    if (error != 0) {
        (void)backup_fail(report, last, error, "the restored store cannot be read: %s",
                          store_reader_why(reader));
    } else if (!verdict.is_whole) {
        error = backup_fail(report, last, ERROR_SYNTAX,
                            "the restored journal is not whole, entry %" PRIu64 ": %s", verdict.bad_seq,
                            verdict.why);
    } else if (verdict.entries != summary->to.seq) {
        error = backup_fail(report, last, ERROR_SYNTAX,
                            "found %" PRIu64 " entries in the restored journal, expected %" PRIu64,
                            verdict.entries, summary->to.seq);
    }
    store_reader_close(reader);
    return error;
}

int backup_verify(const struct backup_files *files, const char *scratch, struct report *report,
                  struct backup_summary *summary)
{
    char *folder = memory_print("%s/steerd-backup-XXXXXX", scratch);
    if (mkdtemp(folder) == NULL) {
        int error = -errno;
        (void)backup_fail(report, scratch, error, "no scratch folder can be made there: %s",
                          error_text(error));
        free(folder);
        return error;
    }
    int error = backup_restore(files, folder, report, summary);
    error = error != 0 ? error : judge(folder, files, report, summary);
    error = error != 0 ? error : backup_check_references(folder, report);
    backup_remove_restored(folder);
    (void)rmdir(folder);
    free(folder);
    return error;
}

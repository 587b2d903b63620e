/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The verbs that ask about the past, on the long lane. A moment's configuration is loaded anew, which may
 * take as much memory as a reload: one at a time. */
#include "config.h"

#include "daemon/then.h"

#include "daemon/archive.h"
#include "daemon/difference.h"
#include "daemon/durable.h"
#include "daemon/moment.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/memory.h"
#include "dns/name.h"

#include <string.h>
#include <time.h>

/* What was loaded last is being copied, which usually takes a moment. Nobody waits for a full disk. */
static int64_t wait_for_archive(const struct reader *reader, const struct progress *progress)
{
    enum { PATIENCE_MS = 5000, PAUSE_MS = 10 };
    const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};
    const struct archive *archive = reader->server->archive;
    bool may_wait = strcmp(reader->archive.state, "ok") == 0;
    for (int waited = 0; may_wait && waited < PATIENCE_MS && archive_get_unkept(archive) != 0 &&
                         !progress_is_cancelled(progress);
         waited += PAUSE_MS) {
        (void)nanosleep(&pause, NULL);
    }
    return archive_get_unkept(archive);
}

static int open_source(const struct reader *reader, struct progress *progress, struct arena *arena,
                       struct moment_source *source, const char **why)
{
    *source = (struct moment_source){.folder = durable_get_folder(reader->server->durable),
                                     .main = reader->server->path,
                                     .clock = reader->server->clock,
                                     .progress = progress,
                                     .arena = arena};
    if (source->folder == NULL) {
        *why = "steerd.json has no \"state\": nothing is kept";
        return ERROR_NOT_FOUND;
    }
    source->unkept_ms = wait_for_archive(reader, progress);
    int error = moment_open_source(source, why);
    return error == ERROR_SYNTAX || error == ERROR_INVALID ? ERROR_LIBRARY : error;
}

int server_explain_at(void *context, const struct operate_question *question, struct admin_moment *told,
                      struct arena *arena, struct operate_explanation *explanation)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    if (dns_name_parse(question->name, NULL, wire) < 0 || strcmp(question->name, "@") == 0) {
        return ERROR_SYNTAX;
    }
    struct moment_source source;
    struct moment moment = {.told = NULL};
    int error = open_source(context, told->progress, arena, &source, &told->why);
    if (error == 0) {
        source.current = reader_begin(context);
        error = moment_open(&source, told, &moment);
        error = error == 0 ? moment_make_view(&moment) : error;
        error = error == 0 ? moment_explain(&moment, question, explanation) : error;
        moment_close(&moment);
        reader_end(context);
        memory_trim();
    }
    moment_close_source(&source);
    return error;
}

int server_compare_moments(void *context, struct admin_difference *difference, struct arena *arena)
{
    struct reader *reader = context;
    struct moment_source source;
    int error = open_source(reader, difference->progress, arena, &source, &difference->moments[0].why);
    if (error == 0) {
        bool with_now = difference->moments[1].text == NULL; /* it is there already */
        source.current = reader_begin(reader);
        error = difference_ask(&source, with_now ? source.current : NULL, difference);
        reader_end(reader);
        memory_trim();
    }
    moment_close_source(&source);
    return error;
}

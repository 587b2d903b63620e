/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerctl runs for `backup`, `export`, `point files` and `salvage`: see steerctl(1). The server is
 * asked for one thing, where its state folder is; all else is read from there, so it works without a server
 * as well. */
#include "config.h"

#include "ctl/options.h"
#include "ctl/steerctl.h"
#include "ctl/text.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/when.h"
#include "past/backup.h"
#include "past/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct progress progress; /* the one thing that a signal can reach */

static void end_it(int number)
{
    (void)number;
    progress_cancel(&progress);
}

/* What is half done is taken away. */
static void watch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = end_it;
    action.sa_flags = SA_RESTART | (int)SA_RESETHAND; /* the second one ends it */
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)sigaction(numbers[i], &action, NULL);
    }
}

static bool has(const struct steerctl *ctl, unsigned option)
{
    return (ctl->given & option) != 0;
}

/* ---- which folder ---- */

/* Owned; NULL: it is not known, and why was said. */
static char *find_state(const struct steerctl *ctl, enum steerctl_exit *code)
{
    struct steerctl quiet = *ctl;
    json_t *json = NULL;
    if (ctl->state != NULL) {
        return memory_copy_text(ctl->state);
    }
    quiet.json = false;
    *code = steerctl_ask_json(&quiet, "GET", "/v1/status", NULL, &json);
    const char *folder = *code == STEERCTL_OK ? text_of(json, "state_folder") : NULL;
    char *path = memory_copy_text(folder);
    if (path == NULL && *code == STEERCTL_OK) {
        fputs("steerctl: the server has no state folder, so there is nothing to back up (\"state\" of "
              "steerd.json)\n",
              stderr);
        *code = STEERCTL_REFUSED;
    } else if (path == NULL) {
        fputs("steerctl: without a server, name its state folder with --state DIR\n", stderr);
    }
    json_decref(json);
    return path;
}

/* ---- what came of it ---- */

static enum steerctl_exit judge(int error, const struct report *report, bool judges)
{
    report_write(report, stderr);
    return error == 0                        ? STEERCTL_OK
           : judges && error == ERROR_SYNTAX ? STEERCTL_BROKEN
           : error == ERROR_NOT_FOUND        ? STEERCTL_NOT_FOUND
                                             : STEERCTL_REFUSED;
}

static void print_json(const char *file, const struct backup_summary *summary)
{
    char made[CLOCK_TEXT_SIZE], hash[BACKUP_ID_SIZE];
    (void)hex_write(summary->to.hash, STORE_HASH_SIZE, hash);
    json_t *json = json_pack(
        "{s:s, s:s, s:s?, s:s, s:s, s:s?, s:I, s:{s:I, s:s}, s:I, s:I, s:I, s:s, s:s}", "file", file, "kind",
        backup_kind_text(summary->kind), "base", summary->base[0] == '\0' ? NULL : summary->base, "id",
        summary->id, "sha256", summary->sha256, "store", summary->store, "from_seq",
        (json_int_t)summary->from_seq, "to", "seq", (json_int_t)summary->to.seq, "hash", hash, "objects",
        (json_int_t)summary->objects, "files", (json_int_t)summary->files, "size", (json_int_t)summary->bytes,
        "made", clock_write_rfc3339(summary->made_ms, made), "result", "ok");
    text_print_json(json, JSON_INDENT(2));
    json_decref(json);
}

static void print_text(const char *label, const char *result, const char *file,
                       const struct backup_summary *summary)
{
    char text[160], made[CLOCK_TEXT_SIZE];
    text_line(label, result);
    text_line("file", file);
    snprintf(text, sizeof text, "%s of %s, %zu octets", backup_kind_text(summary->kind),
             clock_write_rfc3339(summary->made_ms, made), summary->bytes);
    text_line("backup", text);
    snprintf(text, sizeof text, "entries %" PRIu64 " to %" PRIu64,
             summary->from_seq + (summary->to.seq > summary->from_seq), summary->to.seq);
    text_line("journal", summary->to.seq == summary->from_seq ? "nothing new" : text);
    snprintf(text, sizeof text, "%" PRIu64, summary->objects);
    text_line("objects", text);
    snprintf(text, sizeof text, "%zu beside the store", summary->files);
    text_line("files", text);
    text_line("sha256", summary->sha256);
}

/* ---- verbs ---- */

static enum steerctl_exit make(const struct steerctl *ctl)
{
    enum steerctl_exit code = STEERCTL_REFUSED;
    char *state = find_state(ctl, &code);
    if (state == NULL) {
        return code;
    }
    struct report *report = report_new();
    struct backup_summary summary;
    struct backup_order order = {.kind = has(ctl, OPTION_INCREMENTAL)    ? BACKUP_INCREMENTAL
                                         : has(ctl, OPTION_DIFFERENTIAL) ? BACKUP_DIFFERENTIAL
                                                                         : BACKUP_FULL,
                                 .state = state,
                                 .file = ctl->words[1],
                                 .base = ctl->base,
                                 .may_replace = has(ctl, OPTION_FORCE),
                                 .progress = &progress};
    code = judge(backup_make(&order, report, &summary), report, false);
    if (code == STEERCTL_OK && ctl->json) {
        print_json(order.file, &summary);
    } else if (code == STEERCTL_OK) {
        print_text("made", order.kind == BACKUP_FULL ? "whole state folder" : "what has changed", order.file,
                   &summary);
    }
    report_free(report);
    free(state);
    return code;
}

static enum steerctl_exit look(const struct steerctl *ctl, bool restores)
{
    struct backup_files files = {.paths = (const char *const *)ctl->words + 2,
                                 .count = (size_t)ctl->word_count - 2,
                                 .progress = &progress};
    const char *scratch = getenv("TMPDIR"), *last = files.paths[files.count - 1];
    struct report *report = report_new();
    struct backup_summary summary = {.kind = BACKUP_FULL};
    int error = restores ? backup_restore(&files, ctl->to, report, &summary)
                         : backup_verify(&files, scratch != NULL && scratch[0] != '\0' ? scratch : "/tmp",
                                         report, &summary);
    error = error == 0 && ctl->files != NULL ? backup_lay_out(ctl->to, NULL, ctl->files, report) : error;
    enum steerctl_exit code = judge(error, report, true);
    report_free(report);
    if (code == STEERCTL_OK && ctl->json) {
        print_json(last, &summary);
    } else if (code == STEERCTL_OK) {
        print_text(restores ? "restored" : "verified", restores ? ctl->to : "whole", last, &summary);
    } else if (code == STEERCTL_BROKEN && ctl->json) {
        puts("{\"result\": \"broken\"}");
    } else if (code == STEERCTL_BROKEN) {
        text_line(restores ? "restored" : "verified", restores ? "no: it is BROKEN" : "BROKEN");
    }
    return code;
}

/* ---- export ---- */

static int put_line(void *context, const char *line, size_t len)
{
    return progress_is_cancelled(&progress)       ? ERROR_CANCELLED
           : fwrite(line, 1, len, context) == len ? 0
                                                  : -EIO;
}

/* To what is not there yet, or may be replaced, for its owner alone; NULL and errno. */
static FILE *open_export(const char *path, bool may_replace)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (may_replace ? O_TRUNC : O_EXCL), 0600);
    return fd == -1 ? NULL : fdopen(fd, "w");
}

/* INT64_MAX: now. false: it is no time, and was told. */
static bool read_moment(const struct steerctl *ctl, int64_t *wall_ms)
{
    struct clock clock;
    clock_init(&clock);
    *wall_ms = INT64_MAX;
    if (ctl->at == NULL || when_parse(ctl->at, clock_wall_ms(&clock), wall_ms) == 0) {
        return true;
    }
    (void)steerctl_usage("found --at \"%s\", expected " WHEN_EXPECTED, ctl->at);
    return false;
}

static enum steerctl_exit export_all(const struct steerctl *ctl)
{
    int64_t wall_ms;
    if (!read_moment(ctl, &wall_ms)) {
        return STEERCTL_USAGE;
    }
    enum steerctl_exit code = STEERCTL_REFUSED;
    const char *path = ctl->word_count > 1 ? ctl->words[1] : NULL;
    char *state = find_state(ctl, &code);
    FILE *to = state == NULL ? NULL : path == NULL ? stdout : open_export(path, has(ctl, OPTION_FORCE));
    if (to == NULL) {
        if (state != NULL) {
            fprintf(stderr, "steerctl: %s: %s%s\n", path, strerror(errno),
                    errno == EEXIST ? "; give it another name, or use --force" : "");
        }
        free(state);
        return state == NULL ? code : STEERCTL_REFUSED;
    }
    struct report *report = report_new();
    int error = backup_export(state, wall_ms, put_line, to, report);
    code = judge(error, report, false);
    bool written = path == NULL ? fflush(to) == 0 && ferror(to) == 0
                                : fflush(to) == 0 && fsync(fileno(to)) == 0 && fclose(to) == 0;
    if (code == STEERCTL_OK && !written) {
        fprintf(stderr, "steerctl: %s: it cannot be written: %s\n", path == NULL ? "the output" : path,
                strerror(errno));
        code = STEERCTL_REFUSED;
    }
    report_free(report);
    free(state);
    return code;
}

/* ---- point files ---- */

static enum steerctl_exit lay_out(const struct steerctl *ctl)
{
    enum steerctl_exit code = STEERCTL_REFUSED;
    char *state = find_state(ctl, &code);
    if (state == NULL) {
        return code;
    }
    struct report *report = report_new();
    code = judge(backup_lay_out(state, ctl->words[2], ctl->to, report), report, false);
    report_free(report);
    free(state);
    if (code == STEERCTL_OK && ctl->json) {
        json_t *json = json_pack("{s:s, s:s}", "of", ctl->words[2], "folder", ctl->to);
        text_print_json(json, JSON_INDENT(2));
        json_decref(json);
    } else if (code == STEERCTL_OK) {
        text_line("of", ctl->words[2]);
        text_line("folder", ctl->to);
    }
    return code;
}

/* ---- salvage ---- */

static void print_salvaged(const struct salvage *salvage, bool as_json)
{
    char saved[CLOCK_TEXT_SIZE], text[96];
    const char *time = salvage->lines == NULL ? NULL : clock_write_rfc3339(salvage->time_ms, saved);
    if (as_json) {
        json_t *json = json_pack("{s:s, s:s?, s:s?, s:I}", "aside", salvage->aside, "lines", salvage->lines,
                                 "saved", time, "objects", (json_int_t)salvage->objects);
        text_print_json(json, JSON_INDENT(2));
        json_decref(json);
        return;
    }
    text_line("aside", salvage->aside);
    snprintf(text, sizeof text, "%zu objects as of %s", salvage->objects, time == NULL ? "?" : time);
    text_line("latest", salvage->lines == NULL ? "no recovery point was found" : text);
    if (salvage->lines != NULL) {
        printf("next          steerctl import %s --dry-run\n", salvage->lines);
    }
    puts(
        "or            steerctl backup restore FILE... --to a new folder, and that in the place of this one");
}

static enum steerctl_exit salvage(const struct steerctl *ctl)
{
    enum steerctl_exit code = STEERCTL_REFUSED;
    char *state = find_state(ctl, &code);
    if (state == NULL) {
        return code;
    }
    struct report *report = report_new();
    struct salvage salvaged;
    code = judge(salvage_store(state, has(ctl, OPTION_FORCE), report, &salvaged), report, false);
    if (code == STEERCTL_OK) {
        print_salvaged(&salvaged, ctl->json);
    }
    salvage_fini(&salvaged);
    report_free(report);
    free(state);
    return code;
}

static enum steerctl_exit run(const struct steerctl *ctl)
{
    const char *verb = ctl->word_count > 0 ? ctl->words[0] : "",
               *next = ctl->word_count > 1 ? ctl->words[1] : "";
    if (strcmp(verb, "export") == 0) {
        return export_all(ctl);
    }
    if (strcmp(verb, "salvage") == 0) {
        return salvage(ctl);
    }
    if (strcmp(verb, "point") == 0 && strcmp(next, "files") == 0 && ctl->word_count == 3 && ctl->to != NULL) {
        return lay_out(ctl);
    }
    if (strcmp(verb, "backup") != 0 || next[0] == '\0') {
        return steerctl_usage(
            "this program is run by steerctl; found \"%s\", expected backup, export, point files or salvage",
            verb);
    }
    bool restores = strcmp(next, "restore") == 0;
    return !restores && strcmp(next, "verify") != 0 ? make(ctl) : look(ctl, restores);
}

int main(int argc, char **argv)
{
    const char *socket = getenv("STEERD_SOCKET");
    struct steerctl ctl = {.socket = socket != NULL && socket[0] != '\0' ? socket : SOCKET_DEFAULT};
    setlocale(LC_CTYPE, "");
    watch_signals();
    enum steerctl_exit code = options_parse(&ctl, argc, argv);
    if (code == STEERCTL_OK) {
        code = remote_use_profile(&ctl) ? run(&ctl) : STEERCTL_USAGE;
    }
    free(ctl.arguments);
    free(ctl.losses);
    free(ctl.accepted);
    free(ctl.assumed);
    json_decref(ctl.config);
    return fflush(stdout) == 0 ? (int)code : STEERCTL_REFUSED;
}

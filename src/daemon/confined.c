/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See confined.h. */
#include "config.h"

#include "daemon/confined.h"

#include "daemon/folders.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/confine.h"
#include "confine/confine.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the process ---- */

static int become(const char *user, const char *path)
{
    int error = user == NULL ? 0 : confine_become(user);
    if (error != 0) {
        fprintf(stderr, "steerd: cannot become the user \"%s\": %s (at $.confine.user of %s)\n", user,
                error == ERROR_NOT_FOUND ? "there is no such user; useradd --system makes one"
                                         : error_text(error),
                path);
    }
    return error;
}

/* A folder that does not exist yet cannot be written to later. Whoever uses them reports what is wrong. */
static void make_folders(const struct conf_server *conf)
{
    struct report *report = report_new();
    (void)folders_make(conf, report);
    report_free(report);
}

/* Everybody's, too: commands of checks and hooks may do there what programs do. */
static int keep_to_folders(const struct conf_confine *conf)
{
    static const char *const everybodys[] = {"/tmp",      "/var/tmp", "/dev/null", "/dev/zero",
                                             "/dev/full", "/dev/tty", "/dev/shm",  NULL,
                                             /* $TMPDIR */};
    enum { EVERYBODYS = sizeof everybodys / sizeof *everybodys };
    const char *temporary = getenv("TMPDIR");
    const char **folders = memory_alloc_array(conf->write_count + EVERYBODYS, sizeof *folders);
    memcpy(folders, everybodys, sizeof everybodys);
    folders[EVERYBODYS - 1] = temporary == NULL ? "/tmp" : temporary;
    if (conf->write_count != 0) {
        memcpy(folders + EVERYBODYS, conf->write, conf->write_count * sizeof *folders);
    }
    int error = confine_writing(folders, conf->write_count + EVERYBODYS);
    free(folders);
    return error;
}

int confined_begin(const char *path, struct confined *held)
{
    struct conf_server *conf = conf_read_early(path);
    *held = (struct confined){CONFINED_OFF, CONFINED_OFF};
    if (conf == NULL) {
        return 0; /* it will not get far */
    }
    int error = become(conf->confine.user, path);
    if (error == 0 && conf->confine.no_new_privileges) {
        held->no_new_privileges = confine_no_new_privileges();
    }
    if (error == 0 && conf->confine.dns_threads) {
        (void)confine_memory(); /* where the kernel has it */
    }
    if (error == 0 && conf->confine.files) {
        make_folders(conf);
        held->files = held->no_new_privileges == 0 ? keep_to_folders(&conf->confine) : -EPERM;
    }
    conf_free_server(conf);
    return error;
}

/* ---- its DNS threads ---- */

static void begin_answering(void)
{
    (void)confine_answering(); /* it was tried */
}

static const char *say(const char *what, int held)
{
    if (held != 0 && held != CONFINED_OFF) {
        log_warning("not confined what=%s why=\"%s\"", what, error_text(held));
    }
    return held == 0 ? "yes" : held == CONFINED_OFF ? "off" : "no";
}

void confined_prepare(struct server *server, const struct conf_confine *conf)
{
    const struct passwd *who = getpwuid(geteuid());
    int error = conf->dns_threads ? confine_try_answering() : CONFINED_OFF;
    if (error == 0) {
        server->serve_options.begun = begin_answering;
    }
    log_info("confined user=%s dns_threads=%s no_new_privileges=%s file_access=%s",
             who == NULL ? "?" : who->pw_name, say("dns_threads", error),
             say("no_new_privileges", server->confined.no_new_privileges),
             say("files", server->confined.files));
}

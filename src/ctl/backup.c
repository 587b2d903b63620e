/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Backups are made, judged and restored by a program of its own, steerctl-backup, which lies beside this one
 * or where it was installed: the libraries that it takes would have to be loaded by every other verb, too. It
 * gets the same command line, which is found good here. */
#include "config.h"

#include "ctl/verbs.h"

#include <string.h>

#define PROGRAM "steerctl-backup"

/* ---- the command line ---- */

static bool has(const struct steerctl *ctl, unsigned option)
{
    return (ctl->given & option) != 0;
}

static enum steerctl_exit check_make(const struct steerctl *ctl)
{
    bool goes_on = has(ctl, OPTION_INCREMENTAL | OPTION_DIFFERENTIAL);
    if (ctl->word_count != 2) {
        return steerctl_usage("found \"%s\", expected: backup FILE, backup verify FILE..., or backup restore "
                              "FILE... --to DIR",
                              ctl->words[1]);
    }
    if (has(ctl, OPTION_TO | OPTION_FILES)) {
        return steerctl_usage("backup FILE does not take --%s, backup restore does",
                              has(ctl, OPTION_TO) ? "to" : "files");
    }
    if (has(ctl, OPTION_INCREMENTAL) && has(ctl, OPTION_DIFFERENTIAL)) {
        return steerctl_usage("--incremental and --differential exclude each other");
    }
    if (goes_on != has(ctl, OPTION_BASE)) {
        return goes_on ? steerctl_usage("--%s needs a --base, the backup that it goes on from",
                                        has(ctl, OPTION_INCREMENTAL) ? "incremental" : "differential")
                       : steerctl_usage("--base needs --incremental or --differential");
    }
    return STEERCTL_OK;
}

static enum steerctl_exit check(const struct steerctl *ctl)
{
    if (strcmp(ctl->words[0], "backup") != 0) {
        return STEERCTL_OK;
    }
    bool verifies = strcmp(ctl->words[1], "verify") == 0, restores = strcmp(ctl->words[1], "restore") == 0;
    if (!verifies && !restores) {
        return check_make(ctl);
    }
    if (ctl->word_count == 2) {
        return steerctl_usage("backup %s needs a file", ctl->words[1]);
    }
    const char *odd = options_find_odd(ctl, restores ? OPTION_TO | OPTION_FILES : 0);
    if (odd != NULL) {
        return steerctl_usage("backup %s does not take --%s", ctl->words[1], odd);
    }
    return restores && !has(ctl, OPTION_TO)
               ? steerctl_usage("backup restore needs --to, an empty or a new folder")
               : STEERCTL_OK;
}

/* ---- the program ---- */

enum steerctl_exit run_backup(const struct steerctl *ctl)
{
    enum steerctl_exit code = check(ctl);
    if (code != STEERCTL_OK) {
        return code;
    }
    return steerctl_become(ctl, PROGRAM);
}

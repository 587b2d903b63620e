/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Configurations of other servers become one of steerd by a program of its own, steerctl-import, which is in
 * Python: it lies beside this one or where it was installed, gets the same command line, which is found good
 * here, and asks no server. Its exit codes are those of steerctl. */
#include "config.h"

#include "ctl/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM     "steerctl-import"
#define INTERPRETER "/usr/bin/python3"

static bool is_source(const char *word)
{
    static const char *const sources[] = {"cloudflare", "gdnsd", "knot", "powerdns", "route53", NULL};
    for (size_t i = 0; sources[i] != NULL; i++) {
        if (strcmp(sources[i], word) == 0) {
            return true;
        }
    }
    return false;
}

bool import_is_foreign(const struct steerctl *ctl)
{
    return (ctl->given & (OPTION_TO | OPTION_GEO | OPTION_FORCE)) != 0 || ctl->word_count > 2;
}

/* Nothing is written where it cannot be run: 1 would say that something was. */
static enum steerctl_exit become(const struct steerctl *ctl)
{
    char *path = steerctl_find_program(PROGRAM);
    bool is_there = access(path, R_OK) == 0;
    free(path);
    if (is_there && access(INTERPRETER, X_OK) == -1) {
        fprintf(stderr,
                "steerctl: import from other servers needs Python, and %s cannot be run: %s; install the "
                "package python3\n",
                INTERPRETER, strerror(errno));
        return STEERCTL_USAGE;
    }
    (void)steerctl_become(ctl, PROGRAM);
    return STEERCTL_USAGE;
}

enum steerctl_exit import_foreign(const struct steerctl *ctl)
{
    const char *source = ctl->words[1];
    const char *odd = options_find_odd(ctl, OPTION_TO | OPTION_FORCE | OPTION_GEO);
    if (!is_source(source)) {
        return steerctl_usage(
            "found \"import %s\", expected cloudflare, gdnsd, knot, powerdns or route53 and "
            "files, or one file of overrides",
            source);
    }
    if (odd != NULL) {
        return steerctl_usage("import %s does not take --%s", source, odd);
    }
    if (ctl->to == NULL) {
        return steerctl_usage("import %s needs --to, a new folder for the configuration", source);
    }
    if (ctl->word_count == 2) {
        return steerctl_usage("import %s needs a file", source);
    }
    return become(ctl);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What cannot be had back is typed once more before it goes. Where nobody sits at a terminal the command says
 * that it is meant. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include <string.h>
#include <unistd.h>

const char *confirm_read(const char *wanted, const char *to, char line[CONFIRM_SIZE])
{
    if (wanted == NULL || isatty(STDIN_FILENO) != 1) {
        return NULL;
    }
    fprintf(stderr, "Type %s to %s: ", text_clean(wanted, line, CONFIRM_SIZE), to);
    fflush(stderr);
    if (fgets(line, CONFIRM_SIZE, stdin) == NULL) {
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

enum steerctl_exit confirm_typed(const struct steerctl *ctl, const char *wanted, const char *to)
{
    char line[CONFIRM_SIZE];
    bool is_said = (ctl->given & OPTION_CONFIRM) != 0, is_asked = !is_said && isatty(STDIN_FILENO) == 1;
    if ((ctl->given & OPTION_DRY_RUN) != 0 || (is_said && ctl->confirm == NULL)) {
        return STEERCTL_OK; /* --yes */
    }
    const char *typed = is_said ? ctl->confirm : confirm_read(wanted, to, line);
    if (typed != NULL && strcmp(typed, wanted) == 0) {
        return STEERCTL_OK;
    }
    if (is_said || is_asked) {
        fprintf(stderr, "steerctl: nothing was done: that is not %s\n", wanted);
        return STEERCTL_USAGE;
    }
    return steerctl_usage("it takes --yes, or --confirm %s, to %s where nobody can be asked", wanted, to);
}

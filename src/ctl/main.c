/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The command line of the admin API: one verb, one or a few requests, text for people or the API's JSON. Exit
 * codes are in base/exits.h and steerctl(1). */
#include "config.h"

#include "ctl/options.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "ctl/watched.h"

#include <locale.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *socket = getenv("STEERD_SOCKET");
    struct steerctl ctl = {.socket = socket != NULL && socket[0] != '\0' ? socket : SOCKET_DEFAULT};
    setlocale(LC_CTYPE, "");
    ctl.colour = text_wants_colour();
    enum steerctl_exit code = options_parse(&ctl, argc, argv);
    if (code == STEERCTL_OK) {
        code = remote_use_profile(&ctl) ? verbs_run(&ctl) : STEERCTL_USAGE;
    }
    if (ctl.is_monitored && code == STEERCTL_USAGE && ctl.verb == NULL) {
        code = watched_misused(&ctl);
    }
    free(ctl.arguments);
    free(ctl.losses);
    free(ctl.accepted);
    free(ctl.assumed);
    free(ctl.rules);
    json_decref(ctl.config);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("steerctl: the output could not be written\n", stderr);
        return code == STEERCTL_OK ? STEERCTL_REFUSED : (int)code;
    }
    return (int)code;
}

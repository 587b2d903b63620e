/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See confined.h. */
#include "config.h"

#include "daemon/confined.h"

#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "conf/confine.h"
#include "confine/confine.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int confined_begin(const char *path)
{
    char *user = conf_read_user(path);
    int error = user == NULL ? 0 : confine_become(user);
    if (error != 0) {
        fprintf(stderr, "steerd: cannot become the user \"%s\": %s (at $.confine.user of %s)\n", user,
                error == ERROR_NOT_FOUND ? "there is no such user; useradd --system makes one"
                                         : error_text(error),
                path);
    }
    free(user);
    return error;
}

static void begin_answering(void)
{
    (void)confine_answering(); /* it was tried */
}

void confined_prepare(struct server *server, const struct conf_confine *conf)
{
    const struct passwd *who = getpwuid(geteuid());
    int error = conf->dns_threads ? confine_try_answering() : 0;
    if (conf->dns_threads && error == 0) {
        server->serve_options.begun = begin_answering;
    } else if (error != 0) {
        log_warning("not confined what=dns_threads why=\"%s\"", error_text(error));
    }
    log_info("confined user=%s dns_threads=%s", who == NULL ? "?" : who->pw_name,
             !conf->dns_threads ? "off"
             : error == 0       ? "yes"
                                : "no");
}

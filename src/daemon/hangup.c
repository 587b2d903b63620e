/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See hangup.h. Whoever sent the signal wants what is on disk to be in force: where the new program does not
 * get so far, the old one does what it can and reloads. */
#include "config.h"

#include "daemon/hangup.h"

#include "daemon/program.h"
#include "daemon/reload.h"
#include "daemon/server.h"
#include "daemon/takeover.h"
#include "base/error.h"
#include "base/log.h"
#include "tap/tap.h"

static void on_taken_over(void *argument, const struct admin_takeover_result *result)
{
    if (result->error != 0 && result->error != ERROR_CANCELLED) {
        server_reload_soon(argument, false);
    }
}

void server_hang_up(struct server *server)
{
    taps_reopen(server->taps);
    bool may = server->view->server->hangup == CONF_HANGUP_UPGRADE;
    if (!may || !program_is_replaced(server->argv[0], &server->program)) {
        server_reload_soon(server, false);
        return;
    }
    int error = takeover_start(server, false, on_taken_over, server);
    if (error == ERROR_UNSUPPORTED) {
        log_warning("takeover not possible program=%s why=\"whoever started this process takes its end for "
                    "that of the service\" effect=\"the old program goes on, and reloads\"",
                    server->argv[0]);
    }
    if (error != 0) { /* one that is under way is told afterwards */
        server_reload_soon(server, false);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A reload that finds everything as it was: nothing is read, compiled or compared, and the view that serves
 * goes on under the next number. What a reload does beside that, such as to look for servers that resolve
 * names, it does here too. */
#include "config.h"

#include "daemon/reload_inside.h"

#include "daemon/documents.h"
#include "daemon/hosts.h"
#include "daemon/install.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "admin/admin.h"
#include "base/arena.h"
#include "operate/compare.h"
#include "view/view.h"

bool reload_may_be_same(const struct server *server, const struct admin_reload *asked)
{
    return asked->edits == NULL && asked->bundle == NULL && asked->zone == NULL && !asked->is_start &&
           server->view->server->owner == CONF_OWNER_FILES; /* what the API owns is looked up in the store */
}

bool reload_find_same(struct reload *reload)
{
    const struct view *view = reload->previous;
    reload->is_same = reload->may_be_same &&
                      view_is_unchanged(view, documents_get_chooser(reload->documents), reload->report);
    if (reload->is_same) {
        reload->changes = arena_alloc(reload->arena, sizeof *reload->changes);
        operate_compare_views(&(struct operate_compare){.view = {view, view}, .report = reload->report},
                              reload->arena, reload->changes);
    }
    return reload->is_same;
}

void reload_install_same(struct reload *reload)
{
    struct server *server = reload->server;
    struct view *view = server->view;
    shadows_end_all(server->shadows, "reload"); /* as with any other */
    lock_take(&server->lock);
    view->renewals++;
    view->loaded_ms = clock_wall_ms(&server->clock);
    lock_leave(&server->lock);
    server_forget_snapshot(server);
    if (server->admin != NULL) {
        admin_listen(server->admin, view->server->doors, view->server->door_count, NULL, 0);
    }
    hosts_follow(server->hosts, view);
    server_warn_of_fixed(server, view, reload->report);
    server_report_idle_overrides(view, reload->report);
}

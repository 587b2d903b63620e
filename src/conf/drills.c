/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drills.h. */
#include "config.h"

#include "conf/drills.h"

#include "conf/doc.h"
#include "conf/server.h"

enum { KEEP_MOST = 10000 };

void conf_drills_read(const struct doc_node *root, struct conf_server *server)
{
    static const char *const keys[] = {"keep", NULL};
    static const uint32_t keep_range[2] = {1, KEEP_MOST};
    struct doc_node drills;
    if (doc_find(root, "drills", &drills) && doc_check_object(&drills, keys)) {
        server->drills.keep = doc_get_number(&drills, "keep", keep_range, CONF_DRILLS_KEEP);
    }
}

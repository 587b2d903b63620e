/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See checks.h. They are read by the code that reads those of a topology. */
#include "config.h"

#include "conf/checks.h"

#include "base/arena.h"
#include "base/memory.h"
#include "conf/check.h"
#include "conf/doc.h"
#include "conf/keytable.h"

#include <assert.h>
#include <string.h>

struct conf_topology *conf_new_checks(size_t count)
{
    struct conf_topology *checks = memory_alloc(sizeof *checks);
    checks->path = "check";
    checks->arena = arena_new(0);
    checks->contexts = keytable_new(checks->arena);
    checks->checks = arena_alloc(checks->arena, count * sizeof *checks->checks);
    checks->check_room = count;
    checks->is_told = true;
    return checks;
}

bool conf_add_check(struct conf_topology *checks, const char *definition, const struct conf_given *given,
                    size_t given_count, struct report *report)
{
    assert(checks->check_count < checks->check_room);
    struct conf_check *check = &checks->checks[checks->check_count++];
    struct doc *doc = doc_parse(checks->path, definition, strlen(definition), report);
    check->name = "";
    if (doc == NULL) {
        return false;
    }
    const struct doc_node root = doc_get_root(doc);
    checks->given = given;
    checks->given_count = given_count;
    check_read(&root, checks, check);
    checks->given = NULL;
    checks->given_count = 0;
    bool good = !doc_has_errors(doc);
    doc_free(doc);
    return good;
}

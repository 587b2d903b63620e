/* SPDX-License-Identifier: BSD-3-Clause
 *
 * On which nodes of the cluster an order holds. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

static void join_names(const json_t *names, char *out, size_t size)
{
    size_t i, len = 0;
    const json_t *name;
    out[0] = '\0';
    json_array_foreach(names, i, name)
    {
        len += (size_t)snprintf(out + len, size - len, "%s%s", i == 0 ? "" : ", ", json_string_value(name));
        len = len < size ? len : size - 1;
    }
}

void nodes_show_spread(const json_t *answer)
{
    const json_t *cluster = json_object_get(answer, "cluster");
    char names[TABLE_CELL_SIZE], clean[TABLE_CELL_SIZE];
    if (json_is_true(json_object_get(cluster, "provisional"))) {
        puts("provisional: etcd does not know it yet, and is told when it is back");
    }
    join_names(json_object_get(cluster, "in_force_on"), names, sizeof names);
    if (names[0] != '\0') {
        printf("in force on %s\n", text_clean(names, clean, sizeof clean));
    }
    join_names(json_object_get(cluster, "waiting_for"), names, sizeof names);
    if (names[0] != '\0') {
        fprintf(stderr, "steerctl: not known to be in force yet on %s\n",
                text_clean(names, clean, sizeof clean));
    }
}

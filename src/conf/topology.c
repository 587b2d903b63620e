/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of a topology that has been read: names, and its end. Below whatever reads documents that
 * refer to it; topology_read.c reads the topology itself. */
#include "config.h"

#include "conf/topology.h"

#include "base/arena.h"
#include "base/regex.h"
#include "conf/keytable.h"
#include "tls/tls.h"

#include <stdlib.h>
#include <string.h>

void conf_free_topology(struct conf_topology *topology)
{
    if (topology != NULL) {
        for (size_t i = 0; i < topology->held_count; i++) {
            tls_context_drop(topology->held[i]);
        }
        free(topology->held);
        for (size_t i = 0; i < topology->kept_count; i++) {
            explicit_bzero((void *)(uintptr_t)topology->kept[i].content, topology->kept[i].len);
        }
        free(topology->kept);
        for (size_t i = 0; i < topology->check_count; i++) {
            regex_drop(topology->checks[i].regex);
        }
        tls_authorities_free(topology->authorities);
        arena_free(topology->arena);
        free(topology);
    }
}

const char *conf_kind_text(enum conf_kind kind)
{
    static const char *const texts[] = {[CONF_REGION] = "a region",
                                        [CONF_AZ] = "an az",
                                        [CONF_ENDPOINT] = "an endpoint",
                                        [CONF_GROUP] = "a group"};
    return texts[kind];
}

const struct conf_place *conf_find_place(const struct conf_topology *topology, const char *name)
{
    return keytable_find(topology->places, name, strlen(name));
}

static ptrdiff_t find_kind(const struct conf_topology *topology, const char *name, enum conf_kind kind)
{
    const struct conf_place *place = conf_find_place(topology, name);
    return place == NULL || place->kind != kind ? -1 : (ptrdiff_t)place->index;
}

ptrdiff_t conf_find_region(const struct conf_topology *topology, const char *name)
{
    return find_kind(topology, name, CONF_REGION);
}

ptrdiff_t conf_find_az(const struct conf_topology *topology, const char *name)
{
    return find_kind(topology, name, CONF_AZ);
}

ptrdiff_t conf_find_endpoint(const struct conf_topology *topology, const char *name)
{
    return find_kind(topology, name, CONF_ENDPOINT);
}

ptrdiff_t conf_find_check(const struct conf_topology *topology, const char *name)
{
    const struct conf_check *check = keytable_find(topology->check_names, name, strlen(name));
    return check == NULL ? -1 : check - topology->checks;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names whose endpoints that are host names answer with a CNAME: who is picked decides whether that is a
 * CNAME or an address, for A and for AAAA. Of any other type the name has no records, but where a host name
 * is picked its CNAME leads to them. So there is a steered RRset of type CNAME, too, for which all members
 * are drawn, and those with addresses have nothing. */
#include "config.h"

#include "view/compile_internal.h"

#include "dns/types.h"

#include <string.h>

enum { ALIAS_TYPES = 3 };

bool compile_has_hosts(const struct compile_policy *p, const struct conf_name *name)
{
    const struct conf_topology *topology = p->c->view->topology;
    size_t i = topology->host_count == 0 ? name->member_count : 0;
    while (i < name->member_count && topology->endpoints[name->members[i].endpoint].host == NULL) {
        i++;
    }
    return i < name->member_count;
}

/* One record of this type for members to have. Returns the number of the list. */
static uint16_t add_list(const struct compile_policy *p, struct zone_rdata rdata, uint16_t type,
                         struct compile_type *to)
{
    struct zone_list *list = (struct zone_list *)(uintptr_t)to->lists + to->list_count;
    *list = (struct zone_list){.items = arena_copy(p->arena, &rdata, sizeof rdata), .count = 1, .type = type};
    return to->list_count++;
}

static const struct addr *find_address(const struct conf_endpoint *endpoint, uint16_t type)
{
    const struct addr *addr = type == DNS_TYPE_A ? &endpoint->v4 : &endpoint->v6;
    return type == DNS_TYPE_CNAME || addr->family == ADDR_NONE ? NULL : addr;
}

/* The lists of one type. Members with the same host share one. */
static void fill_type(const struct compile_policy *p, const struct conf_name *name, struct compile_type *to)
{
    const struct conf_topology *topology = p->c->view->topology;
    struct zone_rdata rdata = {.line = name->line, .column = name->column};
    uint16_t *of_host = arena_alloc(p->arena, topology->host_count * sizeof *of_host);
    memset(of_host, 0xff, topology->host_count * sizeof *of_host); /* ZONE_NO_SET */
    to->lists = arena_alloc(p->arena, name->member_count * sizeof *to->lists);
    to->of_member = arena_alloc(p->arena, name->member_count * sizeof *to->of_member);
    for (size_t i = 0; i < name->member_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[name->members[i].endpoint];
        const struct addr *addr = find_address(endpoint, to->type);
        to->of_member[i] = ZONE_NO_SET;
        if (addr != NULL) {
            rdata.bytes = addr->bytes;
            rdata.len = to->type == DNS_TYPE_A ? 4 : 16;
            to->of_member[i] = add_list(p, rdata, to->type, to);
        } else if (endpoint->host != NULL) {
            uint16_t *known = &of_host[endpoint->host->index];
            rdata.bytes = endpoint->host->wire;
            rdata.len = (uint16_t)endpoint->host->wire_len;
            *known = *known == ZONE_NO_SET ? add_list(p, rdata, DNS_TYPE_CNAME, to) : *known;
            to->of_member[i] = *known;
        }
    }
}

void compile_make_aliases(const struct compile_policy *p, const struct conf_name *name,
                          struct compile_records *records)
{
    static const uint16_t types[ALIAS_TYPES] = {DNS_TYPE_A, DNS_TYPE_AAAA, DNS_TYPE_CNAME};
    records->items = arena_alloc(p->arena, ALIAS_TYPES * sizeof *records->items);
    records->count = ALIAS_TYPES;
    for (unsigned i = 0; i < ALIAS_TYPES; i++) {
        records->items[i] = (struct compile_type){.type = types[i], .bit = (uint16_t)(1u << i)};
        records->numbers[i] = types[i];
        fill_type(p, name, &records->items[i]);
    }
    records->number_count = ALIAS_TYPES;
    records->is_alias = true;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Host names of endpoints that lead back, by CNAMEs and steered names of our own zones, to a name whose
 * answers are made of them: they would confirm for ever what they once resolved to. They are found when
 * everything is loaded, are not looked up, and so have no addresses. What leads out of our zones and back
 * cannot be seen. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "view/hosts.h"
#include "zone/walk.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

enum { HOPS_MAX = 16 };

#define NO_POLICY UINT32_MAX

/* Where a host name ends within our zones. */
struct end {
    uint32_t policy; /* NO_POLICY: not at a steered name */
    const char *name;
};

struct hop {
    uint8_t name[DNS_NAME_MAX + 1];
    size_t len;
};

static int take_target(void *context, const struct zone_record *record)
{
    struct hop *hop = context;
    hop->len = record->rdata_len;
    memcpy(hop->name, record->rdata, record->rdata_len);
    return 0;
}

static const struct zone_rrset *find_steered(const struct zone_node *node)
{
    for (unsigned i = 0; i < node->rrset_count; i++) {
        uint16_t type = node->rrsets[i].type;
        bool leads_on = type == DNS_TYPE_A || type == DNS_TYPE_AAAA || type == DNS_TYPE_CNAME;
        if (leads_on && (node->rrsets[i].flags & ZONE_RRSET_STEERED) != 0) {
            return &node->rrsets[i];
        }
    }
    return NULL;
}

/* Where is looked. */
struct ground {
    const struct view *view;
    const struct zone *instead; /* of the zone of the same apex; NULL: the view's zones are all there are */
    struct arena *arena;
};

static const struct zone_node *find_node(const struct ground *ground, const struct hop *hop,
                                         const struct zone **zone)
{
    const struct zone *instead = ground->instead;
    struct dns_key key;
    dns_key_fill(&key, hop->name, hop->len);
    *zone = zone_table_find(ground->view->zones, &key, 0);
    if (*zone != NULL && instead != NULL && (*zone)->apex_len == instead->apex_len &&
        memcmp((*zone)->apex, instead->apex, instead->apex_len) == 0) {
        *zone = instead;
    }
    if (*zone == NULL || (*zone)->failed) {
        return NULL;
    }
    struct zone_lookup found = zone_look_up(*zone, &key, zone_find_node(*zone, &key));
    return found.cut != NULL ? NULL : found.node;
}

static struct end follow(const struct ground *ground, const struct conf_host *host)
{
    struct hop hop = {.len = host->wire_len};
    const struct zone *zone;
    const struct zone_node *node;
    char text[DNS_NAME_TEXT_SIZE];
    memcpy(hop.name, host->wire, host->wire_len);
    for (int hops = 0; hops < HOPS_MAX && (node = find_node(ground, &hop, &zone)) != NULL; hops++) {
        const struct zone_rrset *steered = find_steered(node), *cname = zone_find_rrset(node, DNS_TYPE_CNAME);
        if (steered != NULL) {
            const struct zone_steered *block = zone_get_steered(zone, steered);
            return (struct end){block->policy,
                                arena_copy_text(ground->arena, dns_name_write(hop.name, text))};
        }
        if (cname == NULL) {
            break;
        }
        (void)zone_walk_rrset(zone, hop.name, cname,
                              &(struct zone_sink){.context = &hop, .record = take_target});
    }
    return (struct end){.policy = NO_POLICY};
}

/* Does what a host leads to need that very host? */
struct search {
    const struct view *view;
    const struct end *ends; /* of each host */
    uint32_t *stack;
    bool *seen;
    size_t depth;
};

static void push_members(struct search *search, uint32_t policy_id)
{
    const struct view *view = search->view;
    const struct steer_policy *policy = steer_set_get(view->steer, policy_id);
    for (size_t i = 0; i < policy->member_count; i++) {
        const struct steer_member *member = &policy->members[i];
        const struct conf_host *host = view->topology->endpoints[member->endpoint].host;
        bool is_needed = host != NULL && (member->has_host || member->is_alias);
        if (is_needed && !search->seen[host->index]) {
            search->seen[host->index] = true;
            search->stack[search->depth++] = host->index;
        }
    }
}

static bool leads_back(struct search *search, uint32_t host)
{
    memset(search->seen, 0, search->view->host_count * sizeof *search->seen);
    search->depth = 0;
    push_members(search, search->ends[host].policy);
    while (search->depth != 0 && !search->seen[host]) {
        uint32_t next = search->stack[--search->depth];
        if (search->ends[next].policy != NO_POLICY) {
            push_members(search, search->ends[next].policy);
        }
    }
    return search->seen[host];
}

static void note_loop(struct view_host *host, const char *name, const struct view *view,
                      struct report *report)
{
    struct report_place place = {.file = view->topology->path};
    host->loop = name;
    report_add(report, REPORT_WARNING, &place,
               "the host %s of endpoint \"%s\" leads back to itself by way of the steered name %s: it is not "
               "looked up, and has no addresses",
               host->conf->name, view->topology->endpoints[host->endpoints[0]].name, name);
}

/* For each host the steered name that it leads back to, or NULL. Returns owned. */
static const char **find_loops(const struct ground *ground)
{
    const struct view *view = ground->view;
    size_t count = view->host_count;
    const char **loops = memory_alloc_array(count, sizeof(const char *));
    struct end *ends = memory_alloc_array(count, sizeof *ends);
    struct search search = {.view = view,
                            .ends = ends,
                            .stack = memory_alloc_array(count, sizeof *search.stack),
                            .seen = memory_alloc_array(count, sizeof *search.seen)};
    for (size_t i = 0; i < count; i++) {
        ends[i] = follow(ground, view->hosts[i].conf);
    }
    for (uint32_t i = 0; i < count; i++) {
        loops[i] = ends[i].policy != NO_POLICY && leads_back(&search, i) ? ends[i].name : NULL;
    }
    free(search.seen);
    free(search.stack);
    free(ends);
    return loops;
}

void compile_find_loops(struct view *view, struct report *report)
{
    const char **loops = find_loops(&(struct ground){.view = view, .arena = view->arena});
    for (size_t i = 0; i < view->host_count; i++) {
        if (loops[i] != NULL) {
            note_loop(&view->hosts[i], loops[i], view, report);
        }
    }
    free(loops);
}

bool compile_moves_loops(const struct view *view, const struct zone *instead)
{
    struct arena *arena = arena_new(0);
    const char **loops = find_loops(&(struct ground){view, instead, arena});
    bool moves = false;
    for (size_t i = 0; i < view->host_count && !moves; i++) {
        moves = (loops[i] == NULL) != (view->hosts[i].loop == NULL);
    }
    free(loops);
    arena_free(arena);
    return moves;
}

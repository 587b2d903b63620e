/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where a challenge of a name lies: in which zone that is served, and what there is in its way. What is in
 * its way says where it belongs instead, as far as that is known here. */
#include "config.h"

#include "daemon/challenges_inside.h"

#include "base/arena.h"
#include "base/error.h"
#include "dns/key.h"
#include "dns/name.h"
#include "dns/types.h"
#include "view/view.h"
#include "zone/walk.h"
#include "zone/zone.h"

#include <string.h>

static const uint8_t label[] = "\x0f_acme-challenge";
enum { LABEL_LEN = sizeof label - 1 };

/* ---- names ---- */

static bool begins_with_label(const uint8_t *wire)
{
    uint8_t first[LABEL_LEN];
    memcpy(first, wire, LABEL_LEN);
    dns_name_lower(first, LABEL_LEN);
    return memcmp(first, label, LABEL_LEN) == 0;
}

/* The name of the challenge, lower case. Returns its length, or a negative error. */
static int read_name(const char *text, uint8_t wire[DNS_NAME_MAX])
{
    uint8_t given[DNS_NAME_MAX + LABEL_LEN] = {0};
    int len = dns_name_parse(text, NULL, given);
    if (len < 0) {
        return len;
    }
    const uint8_t *rest = given;
    if (given[0] == 1 && given[1] == '*') { /* RFC 8555 section 7.1.3: that of the name below the wildcard */
        rest += 2;
        len -= 2;
    }
    if (begins_with_label(rest)) {
        memcpy(wire, rest, (size_t)len);
    } else if (len + LABEL_LEN > DNS_NAME_MAX) {
        return ERROR_TOO_LARGE;
    } else {
        memcpy(wire, label, LABEL_LEN);
        memcpy(wire + LABEL_LEN, rest, (size_t)len);
        len += LABEL_LEN;
    }
    dns_name_lower(wire, (size_t)len);
    return len;
}

static const char *write_name(const uint8_t *wire, struct arena *arena)
{
    char text[DNS_NAME_TEXT_SIZE];
    return arena_copy_text(arena, dns_name_write(wire, text));
}

static const char *write_owner(const struct zone *zone, const struct zone_node *node, struct arena *arena)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    memcpy(wire, zone_node_name(node), node->name_len);
    memcpy(wire + node->name_len, zone->apex, zone->apex_len);
    return write_name(wire, arena);
}

/* ---- what is in the way ---- */

static int take_rdata(void *context, const struct zone_record *record)
{
    memcpy(context, record->rdata, record->rdata_len < DNS_NAME_MAX ? record->rdata_len : DNS_NAME_MAX);
    return 0;
}

/* Where a static CNAME or DNAME leads to. */
static void find_target(const struct zone *zone, const uint8_t *owner, const struct zone_rrset *rrset,
                        uint8_t target[DNS_NAME_MAX])
{
    const struct zone_sink sink = {.context = target, .record = take_rdata};
    memset(target, 0, DNS_NAME_MAX);
    (void)zone_walk_rrset(zone, owner, rrset, &sink);
}

static const char *tell_alias(const struct zone *zone, const struct dns_key *key,
                              const struct zone_rrset *cname, struct arena *arena)
{
    uint8_t target[DNS_NAME_MAX];
    if ((cname->flags & ZONE_RRSET_STEERED) != 0) {
        return "a policy answers with a CNAME there";
    }
    find_target(zone, key->name, cname, target);
    return arena_print(arena, "a CNAME leads from there to %s: set it there", write_name(target, arena));
}

static const char *tell_redirection(const struct zone *zone, const struct dns_key *key,
                                    const struct zone_node *node, struct arena *arena)
{
    uint8_t owner[DNS_NAME_MAX + 1], name[DNS_NAME_MAX], target[DNS_NAME_MAX];
    const struct zone_rrset *rrset = zone_find_rrset(node, DNS_TYPE_DNAME);
    size_t below = zone_octets_below(zone, key, node);
    memcpy(owner, key->name + below, key->len - below);
    if (rrset == NULL || (rrset->flags & ZONE_RRSET_STEERED) != 0) {
        return arena_print(arena, "a policy redirects what is below %s", write_owner(zone, node, arena));
    }
    find_target(zone, owner, rrset, target);
    size_t len = dns_name_len(target, sizeof target);
    if (len == 0 || below + len > DNS_NAME_MAX) {
        return arena_print(arena, "the DNAME of %s leads to names that are too long",
                           write_owner(zone, node, arena));
    }
    memcpy(name, key->name, below);
    memcpy(name + below, target, len);
    return arena_print(arena, "the DNAME of %s leads from there to %s: set it there",
                       write_owner(zone, node, arena), write_name(name, arena));
}

static const char *tell_cut(const struct zone *zone, const struct dns_key *key, const struct zone_node *node,
                            struct arena *arena)
{
    if ((node->flags & ZONE_NODE_DNAME) != 0) {
        return tell_redirection(zone, key, node, arena);
    }
    return arena_print(arena, "%s is delegated to other servers: set it at those",
                       write_owner(zone, node, arena));
}

/* NULL: nothing. */
static const char *find_obstacle(const struct zone *zone, const struct dns_key *key, struct arena *arena)
{
    uint32_t at = zone_find_node(zone, key);
    const struct zone_lookup found = zone_look_up(zone, key, at);
    const struct zone_rrset *cname =
        at == 0 || found.node == NULL ? NULL : zone_find_rrset(found.node, DNS_TYPE_CNAME);
    if (found.cut != NULL) {
        return tell_cut(zone, key, found.cut, arena);
    }
    return cname == NULL ? NULL : tell_alias(zone, key, cname, arena);
}

void challenges_find_place(const struct view *view, const char *text, struct arena *arena,
                           struct admin_challenge_place *place)
{
    uint8_t wire[DNS_NAME_MAX];
    struct dns_key key;
    int len = read_name(text, wire);
    *place =
        (struct admin_challenge_place){.why = "expected the name of a certificate, such as www.example.com"};
    if (len < 0 || dns_key_fill(&key, wire, (size_t)len) == 0) {
        return;
    }
    const char *name = write_name(wire, arena);
    if (strlen(name) > CHALLENGE_NAME_MAX) {
        place->why = "the name is too long for the store, written as text";
        return;
    }
    const struct zone *zone = zone_table_find(view->zones, &key, 0);
    place->name = name;
    place->zone = zone == NULL ? NULL : write_name(zone->apex, arena);
    place->why = zone == NULL   ? "no zone that is served here has it"
                 : zone->failed ? "its zone could not be loaded, and is answered with SERVFAIL"
                                : find_obstacle(zone, &key, arena);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See transfer_fixture.h. */
#include "config.h"

#include "transfer_fixture.h"

#include "unit.h"

#include "base/memory.h"
#include "dns/name.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static int compare_primaries(const void *left, const void *right)
{
    const struct view_primary *a = left, *b = right;
    size_t a_len = dns_name_len(a->apex, DNS_NAME_MAX), b_len = dns_name_len(b->apex, DNS_NAME_MAX);
    int order = memcmp(a->apex, b->apex, a_len < b_len ? a_len : b_len);
    return order != 0 ? order : (int)a_len - (int)b_len;
}

static void add_primary(struct transfer_fixture *t, const char *origin)
{
    uint8_t apex[DNS_NAME_MAX];
    assert_true(dns_name_parse(origin, NULL, apex) > 0);
    struct view_primary *primary = &t->primaries[t->f.view.primary_count++];
    primary->apex = zone_table_get(t->f.view.zones, apex)->apex;
    primary->options = &t->options;
}

void transfer_fixture_init(struct transfer_fixture *t, const char *const *origins, const char *const *texts,
                           size_t zones)
{
    static const struct fixture_listed nothing[] = {{NULL, .type = 0}};
    transfer_fixture_init_listed(t, origins, texts, zones, nothing);
}

void transfer_fixture_init_listed(struct transfer_fixture *t, const char *const *origins,
                                  const char *const *texts, size_t zones, const struct fixture_listed *listed)
{
    static const struct tsig_key_plan plans[] = {
        {(const uint8_t *)"\3key", DNS_TSIG_HMAC_SHA256, (const uint8_t *)"secret", 6},
        {(const uint8_t *)"\5other", DNS_TSIG_HMAC_SHA256, (const uint8_t *)"secret", 6}};
    memset(t, 0, sizeof *t);
    fixture_init_listed(&t->f, origins, texts, zones, listed);
    t->peers[0] = (struct conf_transfer_peer){.prefix = {.addr = {.family = ADDR_V4}}, .key = CONF_NO_KEY};
    t->options.transfer_to = t->peers;
    t->options.transfer_to_count = 1;
    t->f.view.primaries = t->primaries;
    for (size_t i = 0; i < zones; i++) {
        add_primary(t, origins[i]);
    }
    qsort(t->primaries, zones, sizeof *t->primaries, compare_primaries);
    t->f.view.keys = tsig_keys_new(plans, 2);
}

void transfer_fixture_fini(struct transfer_fixture *t)
{
    for (size_t i = 0; i < t->f.view.primary_count; i++) {
        view_rendition_release(t->primaries[i].rendition);
    }
    tsig_keys_release(t->f.view.keys);
    fixture_fini(&t->f);
}

static struct view_primary *find_first(struct transfer_fixture *t, struct zone **zone)
{
    uint8_t apex[DNS_NAME_MAX];
    assert_true(dns_name_parse("example.com.", NULL, apex) > 0);
    *zone = zone_table_get(t->f.view.zones, apex);
    return view_find_primary(&t->f.view, apex);
}

void transfer_fixture_render(struct transfer_fixture *t, uint32_t serial)
{
    struct zone *zone;
    struct view_primary *primary = find_first(t, &zone);
    view_rendition_release(primary->rendition);
    primary->rendition = view_render_zone(&t->f.view, zone);
    primary->rendition->serial = serial;
    zone->served = serial;
}

void transfer_fixture_unrender(struct transfer_fixture *t)
{
    struct zone *zone;
    struct view_primary *primary = find_first(t, &zone);
    view_rendition_release(primary->rendition);
    primary->rendition = NULL;
    zone->served = zone->serial;
}

size_t transfer_fixture_ask(struct transfer_fixture *t, const struct transfer_ask *ask, uint8_t *out,
                            size_t cap)
{
    const struct sockaddr_in client = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
    const struct answer_request request = {.bytes = ask->query,
                                           .len = ask->len,
                                           .client = (const struct sockaddr *)(const void *)&client,
                                           .transport = ask->transport,
                                           .transfer = ask->transfer};
    size_t got = answer_query(&t->f.context, &request, out, cap);
    if (got != 0) {
        fixture_check(out, got);
    }
    return got;
}

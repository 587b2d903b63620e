/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Settings of the server, of zones and of the topology that differ. What zones serve and policies say is not
 * here, nor what no query and no check ever notices (log, admin, threads of loads). */
#include "config.h"

#include "operate/compare_internal.h"

#include "base/memory.h"
#include "base/regex.h"
#include "base/wish.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same_bytes(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

static bool is_same_port(const struct addr_port *a, const struct addr_port *b)
{
    return addr_equal(&a->addr, &b->addr) && a->port == b->port;
}

static bool is_same_prefix(const struct addr_prefix *a, const struct addr_prefix *b)
{
    return addr_equal(&a->addr, &b->addr) && a->len == b->len;
}

/* ---- the server ---- */

static void note_server(struct comparing *c, const char *key, bool differs)
{
    if (differs) {
        compare_note(c, OPERATE_OF_SERVER, key, NULL, 1);
    }
}

/* What is bound or counted once. */
static void note_start(struct comparing *c, const char *key, bool differs)
{
    size_t count = c->comparison->setting_count;
    note_server(c, key, differs);
    if (c->comparison->setting_count != count) {
        c->comparison->settings[count].at_start = true;
    }
}

static bool is_same_listen(const struct conf_server *a, const struct conf_server *b)
{
    bool same = a->listen_count == b->listen_count;
    for (size_t i = 0; same && i < a->listen_count; i++) {
        same = is_same_port(&a->listen[i], &b->listen[i]);
    }
    return same;
}

static bool is_same_listener(const struct conf_listener *a, const struct conf_listener *b)
{
    return acl_equal(a->allow, b->allow) && acl_equal(a->proxies, b->proxies) && a->subnets == b->subnets;
}

/* Of addresses that both have. */
static bool has_same_access(const struct conf_server *a, const struct conf_server *b)
{
    for (size_t i = 0; i < a->listen_count; i++) {
        for (size_t j = 0; j < b->listen_count; j++) {
            if (is_same_port(&a->listen[i], &b->listen[j]) &&
                !is_same_listener(&a->listeners[i], &b->listeners[j])) {
                return false;
            }
        }
    }
    return true;
}

static bool is_same_rate(const struct limiter_rate *a, const struct limiter_rate *b)
{
    return a->interval_us == b->interval_us && a->depth_us == b->depth_us && a->slip == b->slip;
}

static bool is_same_rrl(const struct conf_rrl *a, const struct conf_rrl *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    bool same = a->ipv4_prefix == b->ipv4_prefix && a->ipv6_prefix == b->ipv6_prefix &&
                a->table_size == b->table_size && a->log_only == b->log_only &&
                acl_equal(a->exempt, b->exempt);
    for (size_t i = 0; same && i < CONF_RRL_KINDS; i++) {
        same = is_same_rate(&a->rates[i], &b->rates[i]);
    }
    return same;
}

static bool is_same_key(const struct conf_key *a, const struct conf_key *b)
{
    return strcmp(a->name, b->name) == 0 && a->algorithm == b->algorithm &&
           is_same_bytes(a->secret, a->secret_len, b->secret, b->secret_len);
}

static bool has_same_keys(const struct conf_server *a, const struct conf_server *b)
{
    bool same = a->key_count == b->key_count;
    for (size_t i = 0; same && i < a->key_count; i++) {
        same = is_same_key(&a->keys[i], &b->keys[i]);
    }
    return same;
}

static bool is_same_cookies(const struct conf_server *a, const struct conf_server *b)
{
    return a->has_cookies == b->has_cookies && a->cookies_require == b->cookies_require &&
           is_same_bytes(a->secrets, a->secret_count * sizeof *a->secrets, b->secrets,
                         b->secret_count * sizeof *b->secrets);
}

static bool is_same_tcp(const struct conf_tcp *a, const struct conf_tcp *b)
{
    return a->clients == b->clients && a->clients_per_address == b->clients_per_address &&
           a->ipv4_prefix == b->ipv4_prefix && a->ipv6_prefix == b->ipv6_prefix && a->idle_ms == b->idle_ms;
}

static bool is_same_probe(const struct conf_probe *a, const struct conf_probe *b)
{
    return a->in_flight == b->in_flight && a->per_address == b->per_address &&
           a->per_second == b->per_second && a->commands == b->commands;
}

static void compare_servers(struct comparing *c, const struct conf_server *a, const struct conf_server *b)
{
    note_start(c, "listen", !is_same_listen(a, b));
    note_start(c, "threads", a->threads != b->threads);
    note_start(c, "confine",
               a->confine.dns_threads != b->confine.dns_threads ||
                   !is_same_text(a->confine.user, b->confine.user));
    note_server(c, "listen.allow", !has_same_access(a, b));
    note_server(c, "edns_size", a->edns_size != b->edns_size);
    note_server(c, "identity", !is_same_text(a->identity, b->identity));
    note_server(c, "version", !is_same_text(a->version, b->version));
    note_server(c, "cookies", !is_same_cookies(a, b));
    note_server(c, "keys", !has_same_keys(a, b));
    note_server(c, "max_transfers", a->max_transfers != b->max_transfers);
    note_server(c, "rrl", !is_same_rrl(a->rrl, b->rrl));
    note_server(c, "amplification", a->amplification != b->amplification);
    note_server(c, "resolver", !is_same_text(a->resolver_servers, b->resolver_servers));
    note_server(c, "probe", !is_same_probe(&a->probe, &b->probe));
    note_server(c, "tcp", !is_same_tcp(&a->tcp, &b->tcp));
    note_server(c, "minimal_responses", a->minimal_responses != b->minimal_responses);
    note_server(c, "rotate", a->rotate != b->rotate);
    note_server(c, "extended_errors", a->extended_errors != b->extended_errors);
}

/* ---- zones ---- */

enum option { ALLOW_QUERY, TRANSFER_TO, NOTIFY, TRANSFER_STEERED, SERIAL, OPTIONS };

static const char *key_name(const struct conf_server *server, int key)
{
    return key == CONF_NO_KEY ? NULL : server->keys[key].name;
}

static bool has_same_peers(const struct view *const view[2], const struct conf_zone_options *a,
                           const struct conf_zone_options *b)
{
    bool same = a->transfer_to_count == b->transfer_to_count;
    for (size_t i = 0; same && i < a->transfer_to_count; i++) {
        const struct conf_transfer_peer *left = &a->transfer_to[i], *right = &b->transfer_to[i];
        same = is_same_prefix(&left->prefix, &right->prefix) && left->deny == right->deny &&
               is_same_text(key_name(view[0]->server, left->key), key_name(view[1]->server, right->key));
    }
    return same;
}

static bool has_same_secondaries(const struct view *const view[2], const struct conf_zone_options *a,
                                 const struct conf_zone_options *b)
{
    bool same = a->notify_count == b->notify_count;
    for (size_t i = 0; same && i < a->notify_count; i++) {
        const struct conf_secondary *left = &a->notify[i], *right = &b->notify[i];
        same = is_same_port(&left->at, &right->at) &&
               is_same_text(key_name(view[0]->server, left->key), key_name(view[1]->server, right->key));
    }
    return same;
}

/* Bits of the options that differ. */
static unsigned compare_options(const struct view *const view[2], const struct conf_zone_options *a,
                                const struct conf_zone_options *b)
{
    return (acl_equal(a->allow_query, b->allow_query) ? 0u : 1u << ALLOW_QUERY) |
           (has_same_peers(view, a, b) ? 0u : 1u << TRANSFER_TO) |
           (has_same_secondaries(view, a, b) ? 0u : 1u << NOTIFY) |
           (a->renders_steered == b->renders_steered ? 0u : 1u << TRANSFER_STEERED) |
           (a->serial == b->serial ? 0u : 1u << SERIAL);
}

static int compare_origins(const void *left, const void *right)
{
    const struct conf_zone_source *const *a = left, *const *b = right;
    return strcmp((*a)->origin, (*b)->origin);
}

/* By origin. Returns owned. */
static const struct conf_zone_source **sort_sources(const struct conf_server *server)
{
    const struct conf_zone_source **sorted = memory_alloc_array(server->zone_count + 1, sizeof *sorted);
    for (size_t i = 0; i < server->zone_count; i++) {
        sorted[i] = &server->zones[i];
    }
    qsort(sorted, server->zone_count, sizeof *sorted, compare_origins);
    return sorted;
}

/* Of the zones that both have; most share what they have with the one before. */
static void compare_zone_options(struct comparing *c)
{
    static const char *const keys[OPTIONS] = {[ALLOW_QUERY] = "allow_query",
                                              [TRANSFER_TO] = "transfer_to",
                                              [NOTIFY] = "notify",
                                              [TRANSFER_STEERED] = "transfer_steered",
                                              [SERIAL] = "serial"};
    const struct view *const *view = c->compare->view;
    const struct conf_server *before = view[0]->server, *after = view[1]->server;
    const struct conf_zone_options *last[2] = {NULL, NULL};
    const struct conf_zone_source **sorted[2] = {sort_sources(before), sort_sources(after)};
    unsigned differs = 0;
    for (size_t i = 0, j = 0; i < before->zone_count && j < after->zone_count;) {
        const struct conf_zone_source *a = sorted[0][i], *b = sorted[1][j];
        int order = strcmp(a->origin, b->origin);
        i += order <= 0;
        j += order >= 0;
        if (order != 0 || (c->compare->zone != NULL && strcmp(c->compare->zone, a->origin) != 0)) {
            continue;
        }
        assert(a->options != NULL && b->options != NULL);
        if (last[0] != a->options || last[1] != b->options) {
            differs = compare_options(view, a->options, b->options);
            last[0] = a->options;
            last[1] = b->options;
        }
        for (unsigned option = 0; option < OPTIONS && differs != 0; option++) {
            if ((differs >> option & 1) != 0) {
                compare_note(c, OPERATE_OF_ZONE, keys[option], a->origin, 1);
            }
        }
    }
    free(sorted[0]);
    free(sorted[1]);
}

/* ---- the topology ---- */

struct topologies {
    struct comparing *c;
    const struct conf_topology *before, *after;
};

static void note(const struct topologies *t, enum operate_scope scope, const char *key, const char *name,
                 bool differs)
{
    if (differs) {
        compare_note(t->c, scope, key, name, 1);
    }
}

/* Of the same type. */
static bool differs_in_status(const struct conf_check *a, const struct conf_check *b)
{
    return a->statuses != NULL && b->statuses != NULL &&
           memcmp(a->statuses, b->statuses, CONF_STATUS_WORDS * sizeof *a->statuses) != 0;
}

static bool differs_in_tls(const struct conf_tls *a, const struct conf_tls *b)
{
    return a != NULL && b != NULL &&
           (a->mark != b->mark || !is_same_text(a->name, b->name) ||
            !is_same_text(a->protocols, b->protocols) || a->resumes != b->resumes ||
            a->warn_days != b->warn_days || a->min_days != b->min_days);
}

static bool differs_in_regex(const struct regex *a, const struct regex *b)
{
    return !is_same_text(a == NULL ? NULL : regex_get_text(a), b == NULL ? NULL : regex_get_text(b));
}

static void compare_stay(const struct topologies *t, enum operate_scope scope, const char *name,
                         const struct conf_stay *a, const struct conf_stay *b)
{
    note(t, scope, "hold_down", name,
         a->has_hold_down != b->has_hold_down || a->hold_down_ms != b->hold_down_ms);
    note(t, scope, "failback", name, a->failback_ms != b->failback_ms);
    note(t, scope, "flap", name, a->has_flap != b->has_flap || !conf_is_same_flap(&a->flap, &b->flap));
}

static bool differs_in_lag(const struct conf_lag *a, const struct conf_lag *b)
{
    if (a == NULL || b == NULL) {
        return a != b;
    }
    bool differs =
        !is_same_text(a->value, b->value) || a->unit != b->unit || !is_same_text(a->stage, b->stage);
    for (int i = CONF_STAGE_START; i < CONF_STAGES; i++) {
        differs |= !is_same_text(a->words[i], b->words[i]);
    }
    return differs;
}

static void compare_check(const struct topologies *t, const struct conf_check *a, const struct conf_check *b)
{
    const char *name = b->name;
    note(t, OPERATE_OF_CHECK, "type", name, a->type != b->type);
    note(t, OPERATE_OF_CHECK, "port", name, a->port != b->port);
    note(t, OPERATE_OF_CHECK, "interval", name, a->interval_ms != b->interval_ms);
    note(t, OPERATE_OF_CHECK, "timeout", name, a->timeout_ms != b->timeout_ms);
    note(t, OPERATE_OF_CHECK, "recheck", name, a->recheck_ms != b->recheck_ms);
    note(t, OPERATE_OF_CHECK, "back_off", name, a->back_off_ms != b->back_off_ms);
    note(t, OPERATE_OF_CHECK, "fall", name, a->fall != b->fall);
    note(t, OPERATE_OF_CHECK, "rise", name, a->rise != b->rise);
    note(t, OPERATE_OF_CHECK, "window", name,
         a->window.of != b->window.of || a->window.fail != b->window.fail);
    compare_stay(t, OPERATE_OF_CHECK, name, &a->stay, &b->stay);
    if (a->type != b->type) {
        return; /* what one type knows the other one does not */
    }
    note(t, OPERATE_OF_CHECK, "host", name, !is_same_text(a->host, b->host));
    note(t, OPERATE_OF_CHECK, "path", name, !is_same_text(a->path, b->path));
    note(t, OPERATE_OF_CHECK, "status", name, differs_in_status(a, b));
    note(t, OPERATE_OF_CHECK, "method", name, !is_same_text(a->method, b->method));
    note(t, OPERATE_OF_CHECK, "headers", name, !is_same_text(a->headers, b->headers));
    note(t, OPERATE_OF_CHECK, "max_body", name, a->body_max != b->body_max);
    note(t, OPERATE_OF_CHECK, "tls", name, differs_in_tls(a->tls, b->tls));
    note(t, OPERATE_OF_CHECK, "send", name, !is_same_bytes(a->send, a->send_len, b->send, b->send_len));
    note(t, OPERATE_OF_CHECK, "expect", name,
         !is_same_bytes(a->expect, a->expect_len, b->expect, b->expect_len));
    note(t, OPERATE_OF_CHECK, "load", name, !is_same_text(a->load, b->load));
    note(t, OPERATE_OF_CHECK, "lag", name, differs_in_lag(a->lag, b->lag));
    note(t, OPERATE_OF_CHECK, "keep_alive", name, a->keep_alive != b->keep_alive);
    note(t, OPERATE_OF_CHECK, "proxy", name, a->proxy != b->proxy);
    note(t, OPERATE_OF_CHECK, "expect_regex", name, differs_in_regex(a->regex, b->regex));
    note(t, OPERATE_OF_CHECK, "json", name,
         !wishes_are_same(a->wishes, a->wish_count, b->wishes, b->wish_count));
}

/* Of one check: where and for whom it is run. */
static bool is_same_use(const struct conf_use *a, const struct conf_use *b)
{
    bool has_addresses = a->addresses != NULL;
    return a->families == b->families && has_addresses == (b->addresses != NULL) &&
           (!has_addresses || (addr_equal(&a->addresses[0], &b->addresses[0]) &&
                               addr_equal(&a->addresses[1], &b->addresses[1])));
}

/* By name, as endpoints refer to them. */
static bool has_same_checks(const struct topologies *t, const struct conf_endpoint *a,
                            const struct conf_endpoint *b)
{
    bool same = a->check_count == b->check_count;
    for (size_t i = 0; same && i < a->check_count; i++) {
        same =
            strcmp(t->before->checks[a->uses[i].check].name, t->after->checks[b->uses[i].check].name) == 0 &&
            is_same_use(&a->uses[i], &b->uses[i]);
    }
    return same;
}

/* Of endpoints with the same checks. */
static bool combines_alike(const struct conf_endpoint *a, const struct conf_endpoint *b)
{
    bool same = a->at_least == b->at_least;
    for (size_t i = 0; same && i < a->check_count; i++) {
        same = a->uses[i].role == b->uses[i].role;
    }
    return same;
}

static bool is_same_load(const struct conf_load *a, const struct conf_load *b)
{
    return a->is_given == b->is_given && a->max_age_ms == b->max_age_ms &&
           (!a->is_given || (a->low == b->low && a->high == b->high));
}

static void compare_endpoint(const struct topologies *t, const struct conf_endpoint *a,
                             const struct conf_endpoint *b)
{
    const struct conf_manner *was = conf_get_manner(a), *is = conf_get_manner(b);
    const char *name = b->name, *azs[] = {t->before->azs[a->az].name, t->after->azs[b->az].name};
    note(t, OPERATE_OF_ENDPOINT, "az", name, strcmp(azs[0], azs[1]) != 0);
    bool same_checks = has_same_checks(t, a, b);
    note(t, OPERATE_OF_ENDPOINT, "checks", name, !same_checks);
    note(t, OPERATE_OF_ENDPOINT, "healthy_if", name, same_checks && !combines_alike(a, b));
    note(t, OPERATE_OF_ENDPOINT, "capacity", name, a->capacity != b->capacity);
    note(t, OPERATE_OF_ENDPOINT, "load", name, !is_same_load(conf_get_load(a), conf_get_load(b)));
    note(t, OPERATE_OF_ENDPOINT, "families", name, a->together != b->together);
    compare_stay(t, OPERATE_OF_ENDPOINT, name, &was->stay, &is->stay);
    note(t, OPERATE_OF_ENDPOINT, "ramp", name, !conf_is_same_ramp(&was->ramp, &is->ramp));
}

static bool is_same_control(const struct topologies *t, const struct conf_control *a,
                            const struct conf_control *b)
{
    return addr_equal(&a->addr, &b->addr) &&
           strcmp(t->before->checks[a->check].name, t->after->checks[b->check].name) == 0;
}

static bool is_same_brake(const struct topologies *t)
{
    const struct conf_brake *a = &t->before->brake, *b = &t->after->brake;
    bool same = a->is_on == b->is_on && a->share == b->share && a->targets == b->targets &&
                a->hold_ms == b->hold_ms && a->control_count == b->control_count;
    for (size_t i = 0; same && i < a->control_count; i++) {
        same = is_same_control(t, &a->controls[i], &b->controls[i]);
    }
    return same;
}

static const char *name_place(const struct conf_topology *topology, const struct conf_replication *pair,
                              uint32_t index)
{
    return pair->of_azs ? topology->azs[index].name : topology->regions[index].name;
}

static bool is_same_pair(const struct topologies *t, const struct conf_replication *a,
                         const struct conf_replication *b)
{
    return a->of_azs == b->of_azs && a->stage == b->stage && a->is_asked == b->is_asked &&
           a->rpo_ms == b->rpo_ms && a->max_age_ms == b->max_age_ms && a->hold_ms == b->hold_ms &&
           addr_equal(&a->addr, &b->addr) &&
           (!a->is_asked || strcmp(t->before->checks[a->check].name, t->after->checks[b->check].name) == 0) &&
           strcmp(name_place(t->before, a, a->from), name_place(t->after, b, b->from)) == 0 &&
           strcmp(name_place(t->before, a, a->to), name_place(t->after, b, b->to)) == 0;
}

static bool has_same_pairs(const struct topologies *t)
{
    bool same = t->before->replication_count == t->after->replication_count;
    for (size_t i = 0; same && i < t->after->replication_count; i++) {
        same = is_same_pair(t, &t->before->replications[i], &t->after->replications[i]);
    }
    return same;
}

static bool has_same_rules(const struct topologies *t)
{
    const struct conf_rules *a = &t->before->rules, *b = &t->after->rules;
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < b->count; i++) {
        same = strcmp(a->items[i].name, b->items[i].name) == 0 &&
               strcmp(a->items[i].definition, b->items[i].definition) == 0;
    }
    return same;
}

static bool has_same_name_groups(const struct topologies *t)
{
    const struct conf_topology *a = t->before, *b = t->after;
    bool same = a->name_group_count == b->name_group_count;
    for (size_t i = 0; same && i < b->name_group_count; i++) {
        same = strcmp(a->name_groups[i].name, b->name_groups[i].name) == 0 &&
               a->name_groups[i].digest == b->name_groups[i].digest;
    }
    return same;
}

static void compare_places(const struct topologies *t)
{
    for (size_t i = 0; i < t->after->region_count; i++) {
        const struct conf_region *region = &t->after->regions[i];
        ptrdiff_t at = conf_find_region(t->before, region->name);
        if (at != -1) {
            const struct conf_region *old = &t->before->regions[at];
            note(t, OPERATE_OF_REGION, "lost_at", region->name, old->lost_at != region->lost_at);
            compare_stay(t, OPERATE_OF_REGION, region->name, &old->stay, &region->stay);
            note(t, OPERATE_OF_REGION, "ramp", region->name, !conf_is_same_ramp(&old->ramp, &region->ramp));
        }
    }
    for (size_t i = 0; i < t->after->az_count; i++) {
        const struct conf_az *az = &t->after->azs[i];
        ptrdiff_t at = conf_find_az(t->before, az->name);
        if (at != -1) {
            const struct conf_az *old = &t->before->azs[at];
            note(t, OPERATE_OF_AZ, "lost_at", az->name, old->lost_at != az->lost_at);
            compare_stay(t, OPERATE_OF_AZ, az->name, &old->stay, &az->stay);
            note(t, OPERATE_OF_AZ, "ramp", az->name, !conf_is_same_ramp(&old->ramp, &az->ramp));
            note(t, OPERATE_OF_AZ, "region", az->name,
                 strcmp(t->before->regions[old->region].name, t->after->regions[az->region].name) != 0);
        }
    }
}

static void compare_topologies(const struct topologies *t)
{
    note(t, OPERATE_OF_TOPOLOGY, "brake", NULL, !is_same_brake(t));
    note(t, OPERATE_OF_TOPOLOGY, "replicates_to", NULL, !has_same_pairs(t));
    note(t, OPERATE_OF_TOPOLOGY, "rules", NULL, !has_same_rules(t));
    note(t, OPERATE_OF_TOPOLOGY, "name_groups", NULL, !has_same_name_groups(t));
    compare_places(t);
    for (size_t i = 0; i < t->after->endpoint_count; i++) {
        uint32_t same = t->c->same[i];
        if (same < t->c->counts[0]) {
            compare_endpoint(t, &t->before->endpoints[same], &t->after->endpoints[i]);
        }
    }
    for (size_t i = 0; i < t->after->check_count; i++) {
        ptrdiff_t at = conf_find_check(t->before, t->after->checks[i].name);
        if (at != -1) {
            compare_check(t, &t->before->checks[at], &t->after->checks[i]);
        }
    }
}

void compare_documents(struct comparing *c)
{
    const struct view *before = c->compare->view[0], *after = c->compare->view[1];
    bool is_whole = c->compare->zone == NULL;
    if (before->server != NULL && after->server != NULL && before->server != after->server) {
        if (is_whole) {
            compare_servers(c, before->server, after->server);
        }
        compare_zone_options(c);
    }
    if (is_whole && before->topology != NULL && after->topology != NULL &&
        before->topology != after->topology) {
        compare_topologies(&(struct topologies){c, before->topology, after->topology});
    }
}

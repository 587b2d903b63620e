/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What DNS threads read of a drill: whose it is, and where they count. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"
#include "base/arena.h"
#include "base/limiter.h"
#include "base/memory.h"
#include "dns/name.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct conf_key *shadow_find_key(const struct server *server, const char *name)
{
    const struct conf_server *conf = server->view->server;
    uint8_t wire[DNS_NAME_MAX + 1];
    if (dns_name_parse(name, NULL, wire) <= 0) {
        return NULL;
    }
    for (size_t i = 0; i < conf->key_count; i++) {
        if (dns_name_equal(conf->keys[i].wire, wire)) {
            return &conf->keys[i];
        }
    }
    return NULL;
}

static const char *list_known(const struct server *server, struct arena *arena)
{
    char text[ADDR_TEXT_SIZE];
    const char *list = "";
    for (size_t i = 0; i < server->serve_options.listen_count; i++) {
        list = arena_print(arena, "%s%s%s", list, i == 0 ? "" : ", ",
                           addr_write_port(serve_get_address(server->serve, i), text));
    }
    return list;
}

/* 0: there is none. */
static size_t find_listener(const struct server *server, const struct addr_port *at)
{
    for (size_t i = 0; i < server->serve_options.listen_count; i++) {
        const struct addr_port *own = serve_get_address(server->serve, i);
        if (own->port == at->port && addr_equal(&own->addr, &at->addr)) {
            return i + 1;
        }
    }
    return 0;
}

const char *shadow_find_listeners(const struct server *server, const struct admin_shadow_clients *clients,
                                  struct arena *arena, uint64_t *listeners)
{
    char text[ADDR_TEXT_SIZE];
    size_t count = 0;
    *listeners = 0;
    for (size_t i = 0; i < clients->listen_count; i++) {
        size_t number = find_listener(server, &clients->listen[i]);
        if (number == 0 || number >= ANSWER_LISTENERS_MAX) {
            return arena_print(arena, "found \"%s\", expected one of %s: %s",
                               addr_write_port(&clients->listen[i], text),
                               number == 0 ? "those that this server listens on" : "the first 63",
                               list_known(server, arena));
        }
        count += (*listeners >> number & 1) == 0;
        *listeners |= UINT64_C(1) << number;
    }
    return count != 0 && count == server->serve_options.listen_count
               ? arena_print(arena, "found all that this server listens on, %s: that would be everybody",
                             list_known(server, arena))
               : NULL;
}

struct shadow_world *shadow_world_new(const struct server *server, const struct admin_shadow_clients *clients,
                                      const struct conf_key *key)
{
    struct shadow_world *world = memory_alloc(sizeof *world);
    world->clients = *clients;
    world->thread_count = serve_thread_count(&server->serve_options);
    size_t size = world->thread_count * sizeof *world->seen.counters;
    world->seen.counters = aligned_alloc(_Alignof(struct answer_counters), size);
    assert(world->seen.counters != NULL);
    memset(world->seen.counters, 0, size);
    world->seen.clients = (struct answer_clients){.sources = world->clients.sources,
                                                  .source_count = clients->source_count,
                                                  .subnets = world->clients.subnets,
                                                  .subnet_count = clients->subnet_count};
    if (key != NULL) {
        world->seen.clients.key_len = dns_name_len(key->wire, DNS_NAME_MAX);
        world->seen.clients.key = memory_copy(key->wire, world->seen.clients.key_len);
    }
    return world;
}

void shadow_world_free(void *argument)
{
    struct shadow_world *world = argument;
    view_free(world->view);
    view_free(world->without);
    limiter_release(world->limiter);
    free((void *)(uintptr_t)world->seen.clients.key);
    free(world->seen.counters);
    free(world);
}

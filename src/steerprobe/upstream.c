/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See upstream.h. How a server is reached is in fleet/link.c; what its lists come to is in session.c. Why a
 * connection ends is said once in the log as long as it is the same. */
#include "config.h"

#include "steerprobe/upstream.h"

#include "base/hex.h"
#include "base/log.h"
#include "base/memory.h"
#include "steerprobe/lookup.h"
#include "steerprobe/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)LOOKUP_MAX <= (int)FLEET_PLACES_MAX, "a link takes all that is found");

struct upstream {
    const struct world *world;
    struct enrolment enrolment;
    char server[STATE_PLACE_SIZE];
    struct lookup *lookup;
    struct session session;
    struct fleet_link *link;
};

/* ---- hooks of the link ---- */

static void on_found(void *context, const struct addr_port *addresses, size_t count, const char *why)
{
    struct upstream *upstream = context;
    char whole[FLEET_WHY_SIZE];
    upstream->lookup = NULL;
    snprintf(whole, sizeof whole, "its name cannot be looked up: %s", why == NULL ? "" : why);
    fleet_link_found(upstream->link, addresses, count, whole);
}

static void find(void *context)
{
    struct upstream *upstream = context;
    const struct lookup_hooks hooks = {.context = upstream, .found = on_found};
    upstream->lookup = lookup_start(upstream->world->base, &upstream->enrolment.place, &hooks);
    if (upstream->lookup == NULL) {
        fleet_link_found(upstream->link, NULL, 0, "there is no thread to look up its name");
    }
}

static void on_connected(void *context)
{
    const struct upstream *upstream = context;
    struct fleet_link_status status;
    fleet_link_get_status(upstream->link, &status);
    log_info("server connected server=%s calls_itself=%s name=%s", upstream->server, status.says_to_be,
             upstream->enrolment.name);
}

static void on_ended(void *context, const struct fleet_link_end *end)
{
    const struct upstream *upstream = context;
    if (end->was_connected) {
        log_warning("server lost server=%s why=%s again_in_ms=%" PRIu32 " effect=\"checks go on\"",
                    upstream->server, end->why, end->pause_ms);
    } else if (end->is_new) {
        log_warning("server not reached server=%s why=%s again_in_ms=%" PRIu32, upstream->server, end->why,
                    end->pause_ms);
    }
}

/* ---- from outside ---- */

void upstream_tell(struct upstream *upstream)
{
    fleet_link_tell(upstream->link);
}

bool upstream_say(struct upstream *upstream, uint64_t connection, const struct fleet_message *message)
{
    if (fleet_link_connection(upstream->link) != connection) {
        return false;
    }
    if (!fleet_link_say(upstream->link, connection, message)) {
        log_warning("server takes nothing server=%s what=%s", upstream->server,
                    fleet_kind_text(message->kind));
    }
    return true;
}

void upstream_get_status(const struct upstream *upstream, struct upstream_status *status)
{
    struct crew *crew = upstream->world->crew;
    const struct assignment *list = crew_get(crew, upstream->session.slot);
    struct fleet_link_status link;
    fleet_link_get_status(upstream->link, &link);
    *status = (struct upstream_status){.state = link.state,
                                       .server = upstream->server,
                                       .name = upstream->enrolment.name,
                                       .says_to_be = link.says_to_be,
                                       .why = link.why,
                                       .declined = link.declined,
                                       .since_ms = link.since_ms,
                                       .heard_ms = link.heard_ms,
                                       .connections = link.connections,
                                       .attempts = link.attempts,
                                       .told = link.told,
                                       .round_trip_us = link.round_trip_us,
                                       .has_list = list != NULL};
    if (list != NULL) {
        status->generation = assignment_generation(list);
        status->targets = assignment_count(list);
        status->checks = assignment_count_checks(list);
        (void)assignment_refused(list, &status->refused);
        status->counts = crew_sum_up(crew, upstream->session.slot);
    }
}

const struct enrolment *upstream_get_enrolment(const struct upstream *upstream)
{
    return &upstream->enrolment;
}

/* ---- life ---- */

static struct tls_context *make_context(const struct enrolment *enrolment, const char **why)
{
    char said[TLS_WHY_SIZE];
    enum tls_part part;
    const struct tls_plan plan = {.use = TLS_USE_PINNED_CLIENT,
                                  .certificate = {enrolment->certificate, strlen(enrolment->certificate)},
                                  .key = {enrolment->key, strlen(enrolment->key)}};
    struct tls_context *context = tls_context_new(&plan, &part, said);
    *why = context != NULL        ? NULL
           : part == TLS_PART_KEY ? "its key is none, or not that of its certificate"
                                  : "its certificate is none";
    return context;
}

static struct fleet_link *open_link(struct upstream *upstream, struct tls_context *context)
{
    struct fleet_link_plan plan = {
        .base = upstream->world->base,
        .clock = upstream->world->clock,
        .context = context,
        .name = upstream->enrolment.name,
        .run = upstream->world->run,
        .hooks = {.context = upstream, .find = find, .connected = on_connected, .ended = on_ended}};
    (void)hex_read(upstream->enrolment.fingerprint, plan.fingerprint,
                   sizeof plan.fingerprint); /* by state.c */
    session_fill_hooks(&upstream->session, &plan.list);
    return fleet_link_open(&plan);
}

struct upstream *upstream_open(const struct world *world, size_t slot, struct enrolment *enrolment,
                               const char **why)
{
    struct upstream *upstream = memory_alloc(sizeof *upstream);
    *upstream = (struct upstream){.world = world, .enrolment = *enrolment};
    *enrolment = (struct enrolment){.name = NULL};
    (void)state_write_place(&upstream->enrolment.place, upstream->server);
    upstream->session = (struct session){.world = world, .slot = slot, .server = upstream->server};
    struct tls_context *context = make_context(&upstream->enrolment, why);
    if (context != NULL) {
        upstream->link = upstream->session.link = open_link(upstream, context);
        tls_context_drop(context);
    }
    if (upstream->link == NULL) {
        *why = *why == NULL ? "there is no memory" : *why;
        upstream_close(upstream);
        return NULL;
    }
    return upstream;
}

void upstream_close(struct upstream *upstream)
{
    if (upstream == NULL) {
        return;
    }
    const struct world *world = upstream->world;
    size_t slot = upstream->session.slot;
    fleet_link_close(upstream->link);
    lookup_cancel(upstream->lookup);
    if (crew_get(world->crew, slot) != NULL) {
        crew_assign(world->crew, slot, NULL, NULL, 0);
    }
    crew_limit(world->crew, slot, NULL);
    (void)wall_note(world->wall, slot, 0, clock_offset_ms(world->clock));
    state_fini_enrolment(&upstream->enrolment);
    free(upstream);
}

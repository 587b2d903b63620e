/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See session.h. */
#include "config.h"

#include "steerprobe/session.h"

#include "base/error.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

static struct assignment *get_list(const struct session *session)
{
    return crew_get(session->world->crew, session->slot);
}

/* ---- lists ---- */

static void drop(void *context)
{
    struct session *session = context;
    assignment_drop(session->coming);
    session->coming = NULL;
}

/* The one before stays in use. */
static enum fleet_fit decline(const struct session *session, uint64_t generation, const char *why)
{
    log_warning("list refused server=%s generation=%" PRIu64 " why=\"%s\"", session->server, generation, why);
    return FLEET_DECLINED;
}

static enum fleet_fit begin(void *context, uint64_t generation, uint32_t count, char *why)
{
    struct session *session = context;
    if (count > ASSIGNMENT_TARGETS_MAX) {
        snprintf(why, FLEET_WHY_SIZE, "found a list of %" PRIu32 " targets, expected %d at most", count,
                 ASSIGNMENT_TARGETS_MAX);
        return decline(session, generation, why);
    }
    session->coming = assignment_new(generation, count, session->slot);
    return FLEET_FITS;
}

static enum fleet_fit add(void *context, const struct fleet_message *message, char *why)
{
    struct session *session = context;
    struct assignment *coming = session->coming;
    if (message->kind == FLEET_CHECK && message->check.index == ASSIGNMENT_CHECKS_MAX) {
        snprintf(why, FLEET_WHY_SIZE, "found a list of more than %d checks", ASSIGNMENT_CHECKS_MAX);
        return decline(session, assignment_generation(coming), why);
    }
    bool good =
        message->kind == FLEET_CHECK ? assignment_add_check(coming, &message->check, why)
        : message->kind == FLEET_KEEP
            ? assignment_keep(coming, get_list(session), message->keep.items, message->keep.count, why)
            : assignment_add_targets(coming, message->targets.items, message->targets.count, why);
    return good ? FLEET_FITS : FLEET_WRONG;
}

static const struct fleet_untaken *get_refused(void *context, size_t *count)
{
    return assignment_refused(get_list(context), count);
}

static void log_list(const struct session *session)
{
    const struct assignment *list = get_list(session);
    size_t count;
    const struct fleet_untaken *refused = assignment_refused(list, &count);
    log_info("list taken server=%s generation=%" PRIu64 " targets=%zu checks=%zu refused=%zu",
             session->server, assignment_generation(list), assignment_count(list),
             assignment_count_checks(list), count);
    for (size_t i = 0; i < count && i < FLEET_REASONS_MAX; i++) {
        log_warning("check refused server=%s check_number=%" PRIu32 " why=%s", session->server,
                    refused[i].check, refused[i].why);
    }
}

static bool take(void *context, char *why)
{
    struct session *session = context;
    if (!assignment_finish(session->coming, why)) {
        return false;
    }
    crew_assign(session->world->crew, session->slot, session->server, session->coming,
                fleet_link_expires_ms(session->link));
    session->coming = NULL;
    log_list(session);
    return true;
}

static bool get(void *context, uint64_t *generation)
{
    const struct assignment *list = get_list(context);
    *generation = list == NULL ? 0 : assignment_generation(list);
    return list != NULL;
}

static uint64_t get_mark(void *context)
{
    return assignment_mark(get_list(context));
}

static void set_mark(void *context, uint64_t mark)
{
    struct assignment *list = get_list(context);
    if (list != NULL) {
        assignment_set_mark(list, mark);
    }
}

static void rename_list(void *context, uint64_t generation)
{
    const struct session *session = context;
    crew_rename(session->world->crew, session->slot, generation);
}

static bool aim(void *context, const struct fleet_message *message, char *why)
{
    const struct session *session = context;
    return crew_aim(session->world->crew, session->slot, message->aim.items, message->aim.count, why);
}

/* ---- opinions ---- */

static size_t take_changes(void *context, struct fleet_opinion *opinions, size_t max)
{
    const struct session *session = context;
    return crew_take_changes(session->world->crew, session->slot, opinions, max);
}

static size_t take_next(void *context, struct fleet_opinion *opinions, size_t max, bool *ends)
{
    const struct session *session = context;
    return crew_take_next(session->world->crew, session->slot, opinions, max, ends);
}

static void begin_anew(void *context)
{
    const struct session *session = context;
    crew_begin_anew(session->world->crew, session->slot);
}

/* ---- the rest ---- */

static void run(const struct session *session, const struct fleet_message *message)
{
    struct assignment *list = get_list(session);
    ptrdiff_t index = list == NULL ? -1 : assignment_find(list, message->run.identity);
    int error = index == -1 ? ERROR_NOT_FOUND
                            : tries_start(session->world->tries, fleet_link_connection(session->link),
                                          message->run.id, list, (size_t)index);
    if (error == ERROR_NOT_FOUND) {
        fleet_link_refuse_run(session->link, message->run.id, "there is nothing to check of it here");
    } else if (error != 0) {
        fleet_link_refuse_run(session->link, message->run.id,
                              "too many checks that somebody wants to see are waiting");
    }
}

static void note_time(const struct session *session, int64_t wall_ms)
{
    const struct world *world = session->world;
    int64_t own_ms = clock_offset_ms(world->clock);
    if (!wall_note(world->wall, session->slot, wall_ms - clock_boot_ms(), own_ms)) {
        return;
    }
    if (world->wall->is_off) {
        log_warning("clock differs from that of the servers ahead_ms=%" PRId64
                    " effect=\"certificates are judged by theirs\"",
                    wall_measure(world->wall, own_ms));
    } else {
        log_info("clock agrees with that of the servers");
    }
}

static void hear(void *context, const struct fleet_message *message)
{
    const struct session *session = context;
    switch (message->kind) {
    case FLEET_LIMITS: crew_limit(session->world->crew, session->slot, &message->limits); break;
    case FLEET_CLOCK: note_time(session, message->wall_ms); break;
    case FLEET_RUN: run(session, message); break;
    default: break; /* what it says to nodes of its cluster */
    }
}

void session_fill_hooks(struct session *session, struct fleet_client_hooks *hooks)
{
    *hooks = (struct fleet_client_hooks){.context = session,
                                         .begin = begin,
                                         .add = add,
                                         .take = take,
                                         .drop = drop,
                                         .get = get,
                                         .get_mark = get_mark,
                                         .set_mark = set_mark,
                                         .refused = get_refused,
                                         .rename = rename_list,
                                         .aim = aim,
                                         .take_changes = take_changes,
                                         .take_next = take_next,
                                         .begin_anew = begin_anew,
                                         .hear = hear};
}

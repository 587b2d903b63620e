/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Metrics of the hosts that check, too, and of what nodes give each other. Their names need no escape:
 * vantage_is_name(). */
#include "config.h"

#include "daemon/metrics_kept.h"

#include "base/arena.h"
#include "daemon/porter.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/vantages.h"
#include "fleet/listener.h"

#include <string.h>

/* One number of each. */
struct series {
    const char *name, *type, *help;
    double (*get)(const struct admin_vantage *vantage);
};

static double get_up(const struct admin_vantage *vantage)
{
    return strcmp(vantage->state, "connected") == 0;
}

static double get_counts(const struct admin_vantage *vantage)
{
    return vantage->counts && !vantage->drained;
}

static double get_aside(const struct admin_vantage *vantage)
{
    return vantage->aside[0] || vantage->aside[1];
}

static double get_heard(const struct admin_vantage *vantage)
{
    return (double)vantage->heard_ms / 1000;
}

static double get_targets(const struct admin_vantage *vantage)
{
    return vantage->targets;
}

static double get_refused(const struct admin_vantage *vantage)
{
    return vantage->refused;
}

static double get_behind(const struct admin_vantage *vantage)
{
    return (double)vantage->behind_ms / 1000;
}

static double get_round_trip(const struct admin_vantage *vantage)
{
    return (double)vantage->round_trip_us / 1e6;
}

static double get_opinions(const struct admin_vantage *vantage)
{
    return (double)vantage->opinions;
}

static double get_outdated(const struct admin_vantage *vantage)
{
    return (double)vantage->outdated;
}

static double get_connections(const struct admin_vantage *vantage)
{
    return (double)vantage->connections;
}

static const struct series all_series[] = {
    {"steerd_vantage_connected", "gauge", "1: the vantage is connected.", get_up},
    {"steerd_vantage_counts", "gauge", "1: it was heard of lately and is not drained, so its opinions count.",
     get_counts},
    {"steerd_vantage_set_aside", "gauge", "1: it does not agree with the others about control targets.",
     get_aside},
    {"steerd_vantage_heard_time_seconds", "gauge", "Latest line of a vantage, Unix time; 0: none yet.",
     get_heard},
    {"steerd_vantage_targets", "gauge", "Targets of the list that a vantage goes by.", get_targets},
    {"steerd_vantage_refused_checks", "gauge", "Checks of it that the vantage cannot make.", get_refused},
    {"steerd_vantage_behind_seconds", "gauge",
     "For how long there has been a later list than that of a vantage.", get_behind},
    {"steerd_vantage_round_trip_seconds", "gauge",
     "Round trip to a vantage, as the kernel measures; 0: not known.", get_round_trip},
    {"steerd_vantage_opinions_total", "counter", "Opinions heard of a vantage.", get_opinions},
    {"steerd_vantage_outdated_total", "counter", "Opinions of a vantage that were ignored: of another list.",
     get_outdated},
    {"steerd_vantage_connections_total", "counter", "Connections that a vantage has begun.", get_connections},
};

static void print_series(const struct series *series, const struct admin_vantages *list, struct buffer *out)
{
    print_head(out, series->name, series->type, series->help);
    for (size_t i = 0; i < list->count; i++) {
        buffer_print(out, "%s{vantage=\"%s\"} %.15g\n", series->name, list->items[i].name,
                     series->get(&list->items[i]));
    }
}

static void print_verdicts(const struct admin_vantages *list, struct buffer *out)
{
    print_head(out, "steerd_vantage_verdicts", "gauge", "Targets of which a vantage says so.");
    for (size_t i = 0; i < list->count; i++) {
        const struct admin_vantage *vantage = &list->items[i];
        buffer_print(out, "steerd_vantage_verdicts{vantage=\"%s\",verdict=\"up\"} %u\n", vantage->name,
                     vantage->up);
        buffer_print(out, "steerd_vantage_verdicts{vantage=\"%s\",verdict=\"down\"} %u\n", vantage->name,
                     vantage->down);
    }
}

static void print_total(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    print_head(out, name, "counter", help);
    buffer_print(out, "%s %lu\n", name, (unsigned long)value);
}

static void print_porter(struct porter *porter, struct buffer *out)
{
    struct porter_stats stats;
    porter_get_stats(porter, &stats);
    print_head(out, "steerd_bundle_fetching", "gauge", "Bundles that are being fetched from other nodes.");
    buffer_print(out, "steerd_bundle_fetching %u\n", stats.fetching);
    print_total(out, "steerd_bundle_fetched_octets_total", "Octets of bundles that came from other nodes.",
                stats.got_octets);
    print_total(out, "steerd_bundle_given_octets_total", "Octets of bundles that other nodes were given.",
                stats.given_octets);
    print_total(
        out, "steerd_bundle_refused_blocks_total",
        "Blocks of bundles that other nodes were not given, since they were often enough, or not here.",
        stats.refused);
    print_total(out, "steerd_bundle_damaged_blocks_total",
                "Blocks of bundles that came in vain: of damaged files, or a second time.", stats.damaged);
}

void metrics_print_vantages(struct reader *reader, struct buffer *out)
{
    struct admin_vantages list;
    struct fleet_stats stats;
    if (!vantages_get_stats(reader->server->vantages, &stats)) {
        return;
    }
    struct arena *arena = arena_new(0);
    (void)server_list_vantages(reader, arena, &list);
    print_head(out, "steerd_vantage_connections", "gauge", "Connections of vantages, and of strangers.");
    buffer_print(out, "steerd_vantage_connections %u\n", stats.connections);
    print_head(out, "steerd_vantage_accepted_total", "counter", "Connections to where vantages come.");
    buffer_print(out, "steerd_vantage_accepted_total %lu\n", (unsigned long)stats.accepted);
    print_head(out, "steerd_vantage_strangers_total", "counter", "Connections of nobody that is a vantage.");
    buffer_print(out, "steerd_vantage_strangers_total %lu\n", (unsigned long)stats.turned_away);
    for (size_t i = 0; i < sizeof all_series / sizeof *all_series; i++) {
        print_series(&all_series[i], &list, out);
    }
    print_verdicts(&list, out);
    arena_free(arena);
    print_porter(reader->server->porter, out);
}

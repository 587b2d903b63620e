/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The incidents that there are. It writes nothing, so what reads the store late may call it. */
#include "config.h"

#include "daemon/incidents_inside.h"

#include "daemon/incident_json.h"
#include "daemon/metrics_kept.h"
#include "daemon/server.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/store.h"

#include <string.h>

/* ---- keeping ---- */

struct kept_incident *incidents_keep(struct incidents *all, const struct incident *what)
{
    struct kept_incident *kept = memory_alloc(sizeof *kept);
    struct kept_incident **at = &all->first;
    while (*at != NULL && (*at)->what.lost_ms > what->lost_ms) {
        at = &(*at)->next;
    }
    *kept = (struct kept_incident){.all = all, .next = *at, .what = *what};
    *at = kept;
    return kept;
}

struct kept_incident *incidents_find(const struct incidents *all, const char *id)
{
    struct kept_incident *kept = all->first;
    while (kept != NULL && strcmp(kept->what.id, id) != 0) {
        kept = kept->next;
    }
    return kept;
}

/* The one of a target that goes on. */
struct kept_incident *incidents_find_open(const struct incidents *all, enum health_kind kind,
                                          const char *name)
{
    struct kept_incident *kept = all->first;
    while (kept != NULL &&
           (kept->what.back_ms != 0 || kept->what.kind != kind || strcmp(kept->what.name, name) != 0)) {
        kept = kept->next;
    }
    return kept;
}

const char *incidents_find_real(const struct incidents *all)
{
    const struct kept_incident *kept = all->first;
    while (kept != NULL && kept->what.back_ms != 0) {
        kept = kept->next;
    }
    return kept == NULL ? NULL : kept->what.id;
}

void incidents_count(const struct incidents *all, size_t counts[HEALTH_REGION + 1])
{
    memset(counts, 0, (HEALTH_REGION + 1) * sizeof *counts);
    for (const struct kept_incident *kept = all == NULL ? NULL : all->first; kept != NULL;
         kept = kept->next) {
        counts[kept->what.kind] += kept->what.back_ms == 0;
    }
}

void incidents_print_metrics(const size_t counts[HEALTH_REGION + 1], struct buffer *out)
{
    print_head(out, "steerd_incidents_open", "gauge", "Regions and azs that are lost now.");
    buffer_print(out, "steerd_incidents_open{kind=\"region\"} %zu\n", counts[HEALTH_REGION]);
    buffer_print(out, "steerd_incidents_open{kind=\"az\"} %zu\n", counts[HEALTH_AZ]);
}

size_t server_list_incidents(void *context, struct arena *arena, const struct incident ***items)
{
    const struct incidents *all = ((const struct server *)context)->incidents;
    size_t count = 0, at = 0;
    for (const struct kept_incident *kept = all->first; kept != NULL; kept = kept->next) {
        count++;
    }
    const struct incident **list = arena_alloc(arena, (count + 1) * sizeof *list);
    for (const struct kept_incident *kept = all->first; kept != NULL; kept = kept->next) {
        list[at++] = &kept->what;
    }
    *items = list;
    return count;
}

/* ---- from the store ---- */

static void learn_one(struct incidents *all, const char *id, const char *value)
{
    struct incident what;
    const char *why;
    if (incident_read_json(id, value, &what, &why) != 0) {
        log_warning("incident not understood id=%s why=\"%s\"", id, why);
    } else if (incidents_find(all, id) == NULL) {
        incidents_keep(all, &what);
    }
}

bool incidents_read_one(void *context, const struct store_object *object)
{
    learn_one(context, object->key, object->value);
    return true;
}

void incidents_regain(struct incidents *all, const char *id, const char *value)
{
    if (all != NULL) {
        learn_one(all, id, value);
    }
}

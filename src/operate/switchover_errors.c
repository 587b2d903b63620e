/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_errors.h. */
#include "config.h"

#include "operate/switchover_errors.h"

#include "operate/operate.h"

#include <string.h>

enum { PERCENT = 100, MS = 1000 };

struct place {
    enum health_kind kind;
    uint32_t index;
};

/* Of everything that gets more than before: a region, or an az of it. */
static bool gains(const struct operate_places *places, const char *name)
{
    for (size_t i = 0; i < places->count; i++) {
        const struct operate_place *place = &places->items[i];
        if (place->name != NULL && strcmp(place->name, name) == 0) {
            return place->share[1] - place->share[0] > 1e-9;
        }
    }
    return false;
}

/* Does an endpoint lie in it? */
static bool has(const struct conf_endpoint *endpoint, uint32_t index, const struct place *place)
{
    return place->kind == HEALTH_ENDPOINT ? index == place->index
           : place->kind == HEALTH_AZ     ? endpoint->az == place->index
                                          : endpoint->region == place->index;
}

static bool is_destination(const struct switchover_ask *ask, const struct switchover_look *look,
                           const struct conf_endpoint *endpoint)
{
    const struct conf_topology *topology = ask->view->topology;
    const char *to = ask->switchover->to, *region = topology->regions[endpoint->region].name,
               *az = topology->azs[endpoint->az].name;
    if (to[0] != '\0') {
        return strcmp(to, region) == 0 || strcmp(to, az) == 0;
    }
    return gains(&look->answers.regions, region) || gains(&look->answers.azs, az);
}

/* A place takes it if one of its endpoints does. */
static bool takes(const struct switchover_ask *ask, const bool *inside, const struct switchover_look *look,
                  const struct place *place)
{
    const struct conf_topology *topology = ask->view->topology;
    bool returns = ask->aim == SWITCHOVER_AIM_PLAN_RETURN || ask->aim == SWITCHOVER_AIM_RETURN;
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        if (has(endpoint, i, place) &&
            (returns ? inside[i] : !inside[i] && is_destination(ask, look, endpoint))) {
            return true;
        }
    }
    return false;
}

static const char *tell(const struct errors_status *status, double most, struct arena *arena)
{
    const char *place = arena_print(arena, "%s:%s", health_kind_text(status->kind), status->name),
               *limit = most == 0 ? "no objective says how many are too many"
                                  : arena_print(arena, "the objective is %.3g %% at most", most * PERCENT),
               *counted = status->requests == 0
                              ? ""
                              : arena_print(arena, " (%.9g of %.9g)", status->errors, status->requests);
    if (!status->is_known) {
        return arena_print(arena, "what %s last reported of failed requests is %.0f s old", place,
                           (double)status->age_ms / MS);
    }
    return arena_print(arena, "%.3g %% of the requests of %s%s fail; %s", status->share * PERCENT, place,
                       counted, limit);
}

/* What is not known any more is worse than anything that is. */
static bool is_worse(const struct errors_status *status, const struct errors_status *than)
{
    return than == NULL || (than->is_known && (!status->is_known || status->share > than->share));
}

static bool is_good(const struct errors_status *status, double most)
{
    return status->is_known && (most == 0 || status->share <= most);
}

void switchover_judge_errors(const struct switchover_ask *ask, const bool *inside, struct arena *arena,
                             struct switchover_look *look)
{
    const struct errors_status *worst = NULL;
    struct subject *subject = arena_alloc(arena, sizeof *subject);
    *subject = (struct subject){.count = 0};
    double most = ask->view->topology->objective.errors;
    for (size_t i = 0; ask->errors != NULL && i < ask->errors->count; i++) {
        const struct errors_status *status = &ask->errors->items[i];
        ptrdiff_t index = operate_find_target(ask->view, status->kind, status->name);
        const struct place place = {status->kind, (uint32_t)index};
        if (index < 0 || !takes(ask, inside, look, &place)) {
            continue;
        }
        if (!is_good(status, most)) {
            subject_add(subject, health_kind_text(status->kind), status->name,
                        status->is_known ? "fails" : "is not known");
        }
        worst = is_worse(status, worst) ? status : worst;
    }
    if (worst != NULL) {
        subject->amount = worst->is_known ? worst->share : 1;
        switchover_add_finding_about(look, &(struct switchover_finding){"errors", is_good(worst, most),
                                                                        tell(worst, most, arena), subject});
    }
}

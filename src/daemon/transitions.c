/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See transitions.h. The machine counts where it tells of a change. Endpoints are counted together: there may
 * be 100,000 of them, and the stream of events has each by its name. */
#include "config.h"

#include "daemon/transitions.h"

#include "daemon/metrics_kept.h"
#include "base/buffer.h"

static const char *name_of(const struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_status status;
    return health_get_status(health, kind, index, &status) == 0 ? status.name : "";
}

static void print_turns(const struct health *health, enum health_kind kind, uint32_t index, const char *name,
                        struct buffer *out)
{
    uint64_t turns[HEALTH_STATES];
    health_get_turns(health, kind, index, turns);
    for (int state = 0; state < HEALTH_STATES; state++) {
        buffer_print(out, "steerd_transitions_total{kind=\"%s\"", health_kind_text(kind));
        if (name != NULL) {
            buffer_add_text(out, ",name=\"");
            print_label(out, name);
            buffer_add_text(out, "\"");
        }
        buffer_print(out, ",state=\"%s\"} %lu\n", health_state_text((enum health_state)state),
                     (unsigned long)turns[state]);
    }
}

static void print_transitions(const struct health *health, struct buffer *out)
{
    print_head(out, "steerd_transitions_total", "counter",
               "How often a region or az became this; of endpoints, how often any of them did.");
    print_turns(health, HEALTH_ENDPOINT, 0, NULL, out);
    for (enum health_kind kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health_count(health, kind); i++) {
            print_turns(health, kind, i, name_of(health, kind, i), out);
        }
    }
}

static void print_stays(const struct operate_targets *targets, enum health_kind kind, struct buffer *out)
{
    size_t counts[HEALTH_STAYS] = {0};
    for (size_t i = 0; i < targets->count; i++) {
        counts[targets->items[i].status.stay.reason]++;
    }
    for (int reason = HEALTH_STAY_NONE + 1; reason < HEALTH_STAYS; reason++) {
        buffer_print(out, "steerd_stays_down{kind=\"%s\",because=\"%s\"} %zu\n", health_kind_text(kind),
                     health_stay_text((enum health_stay_reason)reason), counts[reason]);
    }
}

void transitions_print_metrics(const struct health *health, const struct operate_targets *targets,
                               struct buffer *out)
{
    if (health != NULL) {
        print_transitions(health, out);
    }
    print_head(out, "steerd_stays_down", "gauge",
               "Regions, azs and endpoints that are well and kept down all the same, by what keeps them.");
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        print_stays(&targets[kind], kind, out);
    }
}

/* ---- from one process to the next ---- */

static void write_turns(const struct health *health, enum health_kind kind, uint32_t index, json_t *items)
{
    uint64_t turns[HEALTH_STATES];
    json_t *item = json_object(), *counts = json_object();
    health_get_turns(health, kind, index, turns);
    for (int state = 0; state < HEALTH_STATES; state++) {
        if (turns[state] != 0) {
            json_object_set_new(counts, health_state_text((enum health_state)state),
                                json_integer((json_int_t)turns[state]));
        }
    }
    json_object_set_new(item, "kind", json_string(health_kind_text(kind)));
    if (kind != HEALTH_ENDPOINT) {
        json_object_set_new(item, "name", json_string(name_of(health, kind, index)));
    }
    json_object_set_new(item, "counts", counts);
    json_array_append_new(items, item);
}

size_t transitions_write(const struct health *health, size_t from, json_t *items)
{
    size_t azs = health_count(health, HEALTH_AZ), all = 1 + azs + health_count(health, HEALTH_REGION);
    size_t end = from + TRANSITIONS_TURN < all ? from + TRANSITIONS_TURN : all;
    for (size_t i = from; i < end; i++) {
        enum health_kind kind = i == 0 ? HEALTH_ENDPOINT : i <= azs ? HEALTH_AZ : HEALTH_REGION;
        write_turns(health, kind, (uint32_t)(i == 0 ? 0 : i <= azs ? i - 1 : i - 1 - azs), items);
    }
    return end < all ? end : 0;
}

static void read_turns(struct health *health, const json_t *item)
{
    enum health_kind kind;
    uint64_t turns[HEALTH_STATES];
    const json_t *counts = json_object_get(item, "counts");
    const char *kind_text = json_string_value(json_object_get(item, "kind"));
    const char *name = json_string_value(json_object_get(item, "name"));
    if (kind_text == NULL || health_parse_kind(kind_text, &kind) != 0 ||
        (kind != HEALTH_ENDPOINT && name == NULL)) {
        return;
    }
    ptrdiff_t index = kind == HEALTH_ENDPOINT ? 0 : health_find(health, kind, name);
    for (int state = 0; state < HEALTH_STATES; state++) {
        const char *text = health_state_text((enum health_state)state);
        json_int_t count = json_integer_value(json_object_get(counts, text));
        turns[state] = count > 0 ? (uint64_t)count : 0;
    }
    if (index >= 0) {
        health_add_turns(health, kind, (uint32_t)index, turns);
    }
}

void transitions_read(struct health *health, const json_t *items)
{
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        read_turns(health, item);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What users notice, as JSON: sums, and lists with an item per second, which is what graphs are drawn from.
 */
#include "config.h"

#include "drill/json.h"

#include <jansson.h>

static json_t *write_list(const double *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, values[i] == 0 ? json_integer(0) : json_real(values[i]));
    }
    return list;
}

static json_t *time_or_null(int64_t ms)
{
    return ms < 0 ? json_null() : json_integer(ms);
}

static json_t *write_series(const struct drill_series *series, size_t count, size_t seconds)
{
    json_t *all = json_object();
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(all, series[i].name, write_list(series[i].shares, seconds));
    }
    return all;
}

static json_t *write_capacities(const struct drill_users *users)
{
    json_t *list = json_array();
    for (size_t i = 0; i < users->capacity_count; i++) {
        const struct drill_capacity *own = &users->capacities[i];
        json_t *item = json_object();
        json_object_set_new(item, "region", json_string(own->region));
        json_object_set_new(item, "capacity", json_real(own->all));
        json_object_set_new(item, "left", json_real(own->capacity));
        json_object_set_new(item, "use", own->at_ms < 0 ? json_null() : json_real(own->use));
        json_object_set_new(item, "at_ms", time_or_null(own->at_ms));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *write_froms(const struct drill_users *users)
{
    json_t *list = json_array();
    for (size_t i = 0; i < users->from_count; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:f}", "where", users->froms[i].where, "share", users->froms[i].share));
    }
    return list;
}

static json_t *write_recorded(const struct drill_recorded *recorded)
{
    return json_pack("{s:s, s:I, s:I, s:I}", "file", recorded->path, "queries", (json_int_t)recorded->queries,
                     "other_names", (json_int_t)recorded->others, "nameless", (json_int_t)recorded->nameless);
}

static json_t *write_moved(const struct drill_users *users)
{
    static const char *const names[] = {"50", "90", "99", "100"};
    json_t *moved = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_object_set_new(moved, names[i], time_or_null(users->moved_ms[i]));
    }
    return moved;
}

json_t *drill_write_users(const struct drill_users *users)
{
    json_t *all = json_object(), *by_second = json_object();
    size_t seconds = users->second_count;
    bool has_rate = users->per_second > 0;
    double requests = users->per_second * (double)seconds;
    json_object_set_new(all, "clients", json_integer((json_int_t)users->clients));
    json_object_set_new(all, "requests_per_second", has_rate ? json_real(users->per_second) : json_null());
    json_object_set_new(all, "resolvers", json_integer(users->resolvers));
    if (users->from_count != 0) {
        json_object_set_new(all, "from", write_froms(users));
    }
    if (users->recorded != NULL) {
        json_object_set_new(all, "recorded", write_recorded(users->recorded));
    }
    json_object_set_new(all, "cohorts", json_integer((json_int_t)users->cohorts));
    json_object_set_new(all, "failed_share", json_real(users->share));
    json_object_set_new(all, "failed_share_first_address", json_real(users->share_one));
    json_object_set_new(all, "failed_share_all_addresses", json_real(users->share_all));
    json_object_set_new(all, "failed_requests", has_rate ? json_real(users->share * requests) : json_null());
    json_object_set_new(all, "failed_worst", json_real(users->worst));
    json_object_set_new(all, "failed_first_ms", time_or_null(users->first_ms));
    json_object_set_new(all, "failed_last_ms", time_or_null(users->last_ms));
    json_object_set_new(all, "moved_ms", write_moved(users));
    json_object_set_new(all, "capacities", write_capacities(users));
    json_object_set_new(by_second, "failed", write_list(users->failed, seconds));
    json_object_set_new(by_second, "failed_first_address", write_list(users->failed_one, seconds));
    json_object_set_new(by_second, "failed_all_addresses", write_list(users->failed_all, seconds));
    json_object_set_new(by_second, "to_lost", write_list(users->misled, seconds));
    json_object_set_new(by_second, "regions", write_series(users->regions, users->region_count, seconds));
    json_object_set_new(by_second, "azs", write_series(users->azs, users->az_count, seconds));
    json_object_set_new(by_second, "nowhere", write_list(users->nowhere, seconds));
    json_object_set_new(all, "by_second", by_second);
    return all;
}

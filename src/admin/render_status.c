/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the server says of itself, as JSON. As everywhere, a field that is not known is null. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

#include <string.h>

json_t *render_counts(const struct operate_targets *targets)
{
    size_t counts[HEALTH_FORCED_DOWN + 1] = {0}, stay_down = 0;
    json_t *object = json_object();
    for (size_t i = 0; i < targets->count; i++) {
        counts[targets->items[i].status.effective.state]++;
        stay_down += targets->items[i].status.stay.reason != HEALTH_STAY_NONE;
    }
    set_number(object, "total", targets->count);
    for (int i = HEALTH_UNKNOWN; i <= HEALTH_FORCED_DOWN; i++) {
        set_number(object, health_state_text((enum health_state)i), counts[i]);
    }
    set_number(object, "stays_down", stay_down);
    return object;
}

json_t *render_info(const struct admin_info *info)
{
    json_t *object = json_object();
    set_text(object, "version", info->version);
    set_number(object, "generation", info->generation);
    set_time(object, "started", info->started_ms);
    set_time(object, "loaded", info->loaded_ms);
    set_number(object, "zones", info->zones);
    set_number(object, "names", info->names);
    set_text(object, "state_folder", info->state_folder);
    return object;
}

json_t *render_ramp(const struct health_ramp_status *ramp)
{
    static const enum health_family families[] = {HEALTH_V4, HEALTH_V6};
    if (ramp->percent == 0) {
        return json_null();
    }
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (ramp->families[families[i]]) {
            json_array_append_new(list, json_string(health_family_text(families[i])));
        }
    }
    set_number(object, "percent", ramp->percent);
    set(object, "families", list);
    set(object, "next_percent", ramp->next_percent == 0 ? json_null() : json_integer(ramp->next_percent));
    set_time(object, "next", ramp->next_ms);
    set_time(object, "ends", ramp->ends_ms);
    return object;
}

json_t *render_ramping(const size_t counts[])
{
    json_t *object = json_object();
    set_number(object, "regions", counts[HEALTH_REGION]);
    set_number(object, "azs", counts[HEALTH_AZ]);
    set_number(object, "endpoints", counts[HEALTH_ENDPOINT]);
    return object;
}

static json_t *render_brake(const struct health_brake_status *brake, int64_t wall_ms)
{
    json_t *object = json_object();
    set_text(object, "state", !brake->is_on ? "off" : brake->engaged ? "holding" : "ready");
    set_time(object, "since", brake->engaged ? wall_ms - brake->engaged_ms : 0);
    set_time(object, "until", brake->engaged ? wall_ms + brake->left_ms : 0);
    set_number(object, "targets", brake->targets);
    set_number(object, "failing", brake->failing);
    set_number(object, "answering", brake->answering);
    set_number(object, "controls", brake->controls);
    set_number(object, "controls_answering", brake->controls_answering);
    set_number(object, "engagements", brake->engagements);
    return object;
}

json_t *render_brakes(const struct admin_info *info)
{
    static const char *const keys[HEALTH_BRAKES] = {"ipv4", "ipv6"};
    json_t *object = json_object();
    for (int i = 0; i < HEALTH_BRAKES; i++) {
        set(object, keys[i], render_brake(&info->brakes[i], info->wall_ms));
    }
    return object;
}

json_t *render_live(const struct admin_live *live)
{
    json_t *object = json_object(), *lose = json_array();
    const char *at = live->lose;
    for (size_t len = strcspn(at, ","); at[0] != '\0'; len = strcspn(at, ",")) {
        json_array_append_new(lose, json_stringn(at, len));
        at += len + (at[len] == ',');
    }
    set_text(object, "id", live->id);
    set(object, "lose", lose);
    set_number(object, "share", live->share);
    set_time(object, "ends", live->ends_ms);
    set_text(object, "actor", live->actor[0] == '\0' ? NULL : live->actor);
    set_text(object, "reason", live->reason[0] == '\0' ? NULL : live->reason);
    if (live->id[0] == '\0') {
        json_decref(object);
        return json_null();
    }
    return object;
}

json_t *render_vantage_counts(const struct admin_vantages *vantages)
{
    size_t enrolled = 0, fresh = 0, silent = 0, aside = 0, drained = 0;
    for (size_t i = 0; i < vantages->count; i++) {
        const struct admin_vantage *it = &vantages->items[i];
        bool is_aside = it->aside[0] || it->aside[1];
        enrolled += it->enrolled_ms != 0;
        drained += it->enrolled_ms != 0 && it->drained;
        silent += it->enrolled_ms != 0 && !it->drained && !it->counts;
        aside += !it->drained && it->counts && is_aside;
        fresh += !it->drained && it->counts && !is_aside;
    }
    if (!vantages->is_on && vantages->count == 0) {
        return json_null();
    }
    json_t *object = json_object();
    set_number(object, "enrolled", enrolled);
    set_number(object, "fresh", fresh);
    set_number(object, "silent", silent);
    set_number(object, "set_aside", aside);
    set_number(object, "drained", drained);
    return object;
}

json_t *render_check_files(const struct admin_file *files, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_object();
        set_text(object, "path", files[i].path);
        set_text(object, "format", files[i].format);
        set_text(object, "state", files[i].state);
        set_number(object, "names", files[i].names);
        set_time(object, "written", files[i].written_ms);
        set_time(object, "read", files[i].read_ms);
        set_number(object, "changes", files[i].changes);
        set_text(object, "error", files[i].why);
        json_array_append_new(list, object);
    }
    return list;
}

json_t *render_last(const struct admin_last *last, size_t waiting)
{
    json_t *object = json_object();
    set_text(object, "start", last->start);
    set(object, "down_ms", last->down_ms == -1 ? json_null() : json_integer((json_int_t)last->down_ms));
    set_number(object, "checks", last->checks);
    set_number(object, "hosts", last->hosts);
    set_number(object, "waiting", waiting);
    set_time(object, "written", last->written_ms);
    set_text(object, "error", last->error);
    return object;
}

json_t *render_work(const struct worker_stats *work)
{
    json_t *object = json_object();
    bool is_running = work->running != NULL;
    set_text(object, "running", work->running);
    set(object, "running_ms", is_running ? json_integer(work->running_ms) : json_null());
    set(object, "done", is_running ? json_integer((json_int_t)work->done) : json_null());
    set(object, "of", is_running ? json_integer((json_int_t)work->of) : json_null());
    set_number(object, "waiting", work->waiting);
    return object;
}

json_t *render_store(const struct admin_store *store)
{
    json_t *object = json_object();
    set_text(object, "state", store->state);
    set_text(object, "reason", store->reason[0] == '\0' ? NULL : store->reason);
    set_time(object, "since", store->since_ms);
    set_number(object, "seq", store->seq);
    set_hash(object, "hash", store->seq == 0 ? NULL : store->hash);
    set_number(object, "owed", store->owed);
    set_number(object, "mended", store->mended);
    set(object, "is_other", json_boolean(store->is_other));
    return object;
}

json_t *render_archive(const struct admin_archive *archive)
{
    json_t *object = json_object();
    set_text(object, "state", archive->state);
    set_text(object, "reason", archive->reason[0] == '\0' ? NULL : archive->reason);
    set_time(object, "since", archive->since_ms);
    set_text(object, "manifest", archive->manifest[0] == '\0' ? NULL : archive->manifest);
    set_number(object, "files", archive->files);
    set_number(object, "missing", archive->missing);
    set_time(object, "kept", archive->kept_ms);
    return object;
}

json_t *render_forgotten(enum health_kind kind, const char *name)
{
    json_t *object = json_object();
    set_text(object, "kind", health_kind_text(kind));
    set_text(object, "name", name);
    set(object, "dormant", json_true());
    set(object, "override", json_null());
    return object;
}

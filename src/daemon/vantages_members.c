/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who the vantages are: read from the store at the start, told to their thread and to the health machine. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/error.h"
#include "base/log.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "health/opinion.h"

#include <stdlib.h>
#include <string.h>

const struct vantage_member *vantages_find(const struct vantages *vantages, const char *name)
{
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        if (vantages->members[i].number != 0 && strcmp(vantages->members[i].name, name) == 0) {
            return &vantages->members[i];
        }
    }
    return NULL;
}

void vantages_tell_fleet(struct vantages *vantages)
{
    if (vantages->fleet == NULL) {
        return;
    }
    struct fleet_member members[FLEET_MEMBERS_MAX];
    size_t count = 0;
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        const struct vantage_member *from = &vantages->members[i];
        if (from->number != 0) {
            struct fleet_member *to = &members[count++];
            *to = (struct fleet_member){.number = from->number, .is_enrolled = from->is_enrolled};
            memcpy(to->name, from->name, sizeof to->name);
            memcpy(to->fingerprint, from->fingerprint, sizeof to->fingerprint);
        }
    }
    fleet_set_members(vantages->fleet, members, count);
}

size_t vantages_list_plans(const struct vantages *vantages, struct health_vantage_plan *plans)
{
    size_t count = 0;
    for (unsigned i = 1; vantages != NULL && vantages->has_read && i < FLEET_MEMBERS_MAX; i++) {
        const struct vantage_member *from = &vantages->members[i];
        if (from->number != 0 && from->is_enrolled) {
            plans[count++] = (struct health_vantage_plan){
                .name = from->name, .number = from->number, .weight = from->weight, .drained = from->drained};
        }
    }
    return count;
}

struct health_enrolment *vantages_make_enrolment(const struct vantages *vantages, const struct health *health)
{
    struct health_vantage_plan plans[FLEET_MEMBERS_MAX];
    if (vantages == NULL || !vantages->has_read) {
        return NULL;
    }
    return health_enrolment_new(health, plans, vantages_list_plans(vantages, plans));
}

void vantages_introduce(struct vantages *vantages, struct health *health, struct health_enrolment *enrolment)
{
    if (enrolment != NULL) {
        health_enrol(health, enrolment, clock_now_ms(&vantages->server->clock));
        if (!vantages->has_awaited) {
            vantages->has_awaited = true;
            health_await_vantages(health, clock_now_ms(&vantages->server->clock));
        }
    }
}

void vantages_await(struct vantages *vantages)
{
    if (vantages != NULL) {
        struct server *server = vantages->server;
        lock_take(&server->lock);
        health_await_vantages(server->view->health, clock_now_ms(&server->clock));
        lock_leave(&server->lock);
    }
}

void vantages_tell_all(struct vantages *vantages)
{
    struct server *server = vantages->server;
    vantages_tell_fleet(vantages);
    struct health_enrolment *enrolment = vantages_make_enrolment(vantages, server->view->health);
    lock_take(&server->lock);
    vantages_introduce(vantages, server->view->health, enrolment);
    lock_leave(&server->lock);
    health_enrolment_free(enrolment);
    struct health_vantage_plan plans[FLEET_MEMBERS_MAX];
    shadows_follow_members(server->shadows, plans, vantages_list_plans(vantages, plans));
}

/* A node whose number it is from now on gets another one, and one that had none the number that is free now.
 */
void vantages_put_member(struct vantages *vantages, unsigned number, const struct vantage_member *member)
{
    static const struct vantage_member none = {.number = 0};
    pthread_mutex_lock(&vantages->lock);
    vantages->members[number] = member == NULL ? none : *member;
    vantages_place_nodes(vantages, vantages->members);
    pthread_mutex_unlock(&vantages->lock);
    vantages_tell_all(vantages);
}

/* ---- from the store ---- */

static void put_read(struct vantage_member members[FLEET_MEMBERS_MAX], const char *name, const char *value)
{
    struct vantage_member member;
    char why[VANTAGE_WHY_SIZE];
    if (vantage_read_member(name, value, &member, why) != 0) {
        log_error("vantage not understood name=%s why=\"%s\" effect=\"it cannot come\"", name, why);
    } else if (members[member.number].number != 0 && !members[member.number].is_node) {
        log_error("vantage not understood name=%s why=\"%s has its number\" effect=\"it cannot come\"", name,
                  members[member.number].name);
    } else {
        members[member.number] = member;
    }
}

static bool read_member(void *context, const struct store_object *object)
{
    put_read(context, object->key, object->value);
    return true;
}

static int read_members(const char *folder, struct vantage_member members[FLEET_MEMBERS_MAX])
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, VANTAGE_KIND, "", NULL, read_member, members);
        store_reader_close(reader);
    }
    report_free(report);
    return error;
}

/* Nobody but this thread changes them; others read them under the lock. */
void vantages_use(struct vantages *vantages, const struct vantage_member members[FLEET_MEMBERS_MAX])
{
    pthread_mutex_lock(&vantages->lock);
    memcpy(vantages->members, members, sizeof vantages->members);
    vantages_place_nodes(vantages, vantages->members);
    pthread_mutex_unlock(&vantages->lock);
    vantages->has_read = true;
}

void vantages_learn(struct vantages *vantages, const char *folder)
{
    struct vantage_member members[FLEET_MEMBERS_MAX] = {{.number = 0}};
    if (vantages == NULL || vantages->is_handed) {
        return;
    }
    int error = folder == NULL ? ERROR_NOT_FOUND : read_members(folder, members);
    if (error == 0 || error == ERROR_NOT_FOUND) {
        vantages_use(vantages, members);
        return;
    }
    log_error("vantages cannot be read why=\"%s\" effect=\"%s\"", error_text(error),
              vantages->has_read ? "they are as they were"
                                 : "none can come, and our own checks alone judge, until they can be read");
}

void vantages_regain(struct vantages *vantages, const char *name, const char *value)
{
    if (vantages != NULL && vantages_find(vantages, name) == NULL) {
        pthread_mutex_lock(&vantages->lock);
        put_read(vantages->members, name, value);
        pthread_mutex_unlock(&vantages->lock);
    }
}

void vantages_follow_member(struct vantages *vantages, const char *name, const char *value)
{
    struct vantage_member member;
    char why[VANTAGE_WHY_SIZE];
    const struct vantage_member *known = vantages == NULL ? NULL : vantages_find(vantages, name);
    if (vantages == NULL || (known == NULL && value == NULL)) {
        return;
    }
    if (value == NULL) {
        vantages_put_member(vantages, known->number, NULL);
    } else if (vantage_read_member(name, value, &member, why) != 0) {
        log_error("vantage not understood name=%s why=\"%s\" effect=\"it cannot come\"", name, why);
    } else {
        if (known != NULL && known->number != member.number) {
            vantages_put_member(vantages, known->number, NULL);
        }
        vantages_put_member(vantages, member.number, &member);
    }
}

void vantages_end_regain(struct vantages *vantages)
{
    if (vantages != NULL) {
        pthread_mutex_lock(&vantages->lock);
        vantages_place_nodes(vantages, vantages->members); /* one may have had the number of what was read */
        pthread_mutex_unlock(&vantages->lock);
        vantages->has_read = true;
        vantages_tell_all(vantages);
    }
}

/* ---- from process to process ---- */

void vantages_list_all(const struct vantages *vantages,
                       void (*take)(void *context, const char *name, const char *value), void *context)
{
    for (unsigned i = 1; vantages != NULL && i < FLEET_MEMBERS_MAX; i++) {
        if (vantages->members[i].number != 0) {
            char *value = vantage_write_member(&vantages->members[i]);
            take(context, vantages->members[i].name, value);
            free(value);
        }
    }
}

void vantages_begin_to_hand(struct vantages *vantages)
{
    if (vantages != NULL) {
        vantages->is_handed = true;
    }
}

void vantages_hand(struct vantages *vantages, const char *name, const char *value)
{
    if (vantages != NULL) {
        put_read(vantages->handed, name, value);
    }
}

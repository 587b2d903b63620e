/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See regain.h. The journal says what the objects were before this process wrote to the store, also if that
 * came first. */
#include "config.h"

#include "daemon/regain.h"

#include "daemon/changes.h"
#include "daemon/kinds.h"
#include "daemon/overrides.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "daemon/vantages.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "base/scribe.h"

#include <errno.h>
#include <search.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum { PATIENCE_MS = 500 * SANITIZER_SLOWNESS, TURN = 64, TOLD_MAX = 64 };

/* What was read; of the thread until it is ready. */
struct found {
    const struct kind *kinds;
    struct arena *texts;
    struct store_object *objects;
    size_t count, capacity;
};

struct target {
    enum health_kind kind;
    char name[];
};

struct regain {
    struct regain_options options;
    struct server *server;
    char *folder;
    struct scribe *thread;
    int fd;
    struct event *woken, *next;
    _Atomic uint64_t base; /* UINT64_MAX: this process has not written yet, as far as is known */
    struct found found;
    atomic_bool is_ready;
    size_t at; /* of what was found */
    struct overrides_reading reading;
    struct report *report;
    size_t superseded, removed;
    void *touched; /* tree of struct target */
};

/* ---- reading, on the thread ---- */

static bool take(void *context, const struct store_object *object)
{
    struct found *found = context;
    enum store_kind_id id = store_kind_find(object->kind);
    if (id != STORE_KINDS && (found->kinds[id].put != NULL || found->kinds[id].regain != NULL)) {
        found->objects = memory_grow(found->objects, found->count, &found->capacity, sizeof *found->objects);
        struct store_object *to = &found->objects[found->count++];
        *to = *object;
        to->kind = store_kind_get(id)->name;
        to->key = arena_copy_text(found->texts, object->key);
        to->value = arena_copy_text(found->texts, object->value);
    }
    return true;
}

static void drop(struct found *found)
{
    if (found->texts != NULL) {
        arena_free(found->texts);
    }
    free(found->objects);
    *found = (struct found){.kinds = found->kinds};
}

static int read_it(struct regain *regain, uint64_t base)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(regain->folder, report, &reader);
    if (error == 0) {
        regain->found.texts = arena_new(0);
        error = store_list_at(reader, base, take, &regain->found);
        store_reader_close(reader);
    }
    report_free(report);
    return error;
}

/* Not again once it has succeeded. */
static int try_it(void *context)
{
    struct regain *regain = context;
    uint64_t base;
    int error;
    if (atomic_load(&regain->is_ready)) {
        return 0;
    }
    do {
        base = atomic_load(&regain->base);
        drop(&regain->found);
        error = read_it(regain, base);
    } while (error == 0 && base != atomic_load(&regain->base));
    if (error == 0) {
        uint64_t one = 1;
        atomic_store(&regain->is_ready, true);
        ssize_t written = write(regain->fd, &one, sizeof one);
        (void)written;
    }
    return error;
}

/* ---- what was ordered meanwhile ---- */

static int compare(const void *a, const void *b)
{
    const struct target *x = a, *y = b;
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static struct target *target_new(enum health_kind kind, const char *name)
{
    size_t size = strlen(name) + 1;
    struct target *target = memory_alloc(sizeof *target + size);
    target->kind = kind;
    memcpy(target->name, name, size);
    return target;
}

void regain_note(struct regain *regain, enum health_kind kind, const char *name)
{
    if (regain != NULL) {
        struct target *target = target_new(kind, name);
        struct target **entered = tsearch(target, &regain->touched, compare);
        if (entered == NULL || *entered != target) {
            free(target);
        }
    }
}

static bool is_touched(const struct regain *regain, const struct overrides_item *item)
{
    struct target *target = target_new(item->kind, item->name);
    bool is = tfind(target, &regain->touched, compare) != NULL;
    free(target);
    return is;
}

/* What holds of the target now. Returns whether anything does. */
static bool find_present(struct regain *regain, const struct overrides_item *item,
                         struct health_override *what)
{
    struct server *server = regain->server;
    lock_take(&server->lock);
    const struct health *health = server->view->health;
    ptrdiff_t index = health_find(health, item->kind, item->name);
    const struct health_dormant *dormant = health_find_dormant(health, item->kind, item->name);
    const struct health_override *override =
        index >= 0 ? health_get_override(health, item->kind, (uint32_t)index) : NULL;
    override = override == NULL && dormant != NULL ? &dormant->what : override;
    if (override != NULL) {
        *what = *override;
    }
    lock_leave(&server->lock);
    return override != NULL;
}

static void tell_superseded(struct regain *regain, const struct overrides_item *before,
                            const struct health_override *now)
{
    if (now != NULL && now->set_ms == before->what.set_ms && now->desired == before->what.desired &&
        strcmp(now->actor, before->what.actor) == 0) {
        return; /* it is that one: it was written before it was read */
    }
    if (regain->superseded++ < TOLD_MAX) {
        log_warning("override superseded kind=%s name=%s stored=%s stored_by=\"%s\" now=%s now_by=\"%s\" "
                    "why=\"ordered while the store could not be read\"",
                    health_kind_text(before->kind), before->name, health_desired_text(before->what.desired),
                    before->what.actor, health_desired_text(now == NULL ? HEALTH_DESIRED_AUTO : now->desired),
                    now == NULL ? "" : now->actor);
    }
}

/* ---- into force ---- */

static void put_other(struct regain *regain, const struct store_object *object)
{
    const struct kind *kind = &regain->server->kinds[store_kind_find(object->kind)];
    if (kind->put != NULL) {
        kind->put(&regain->reading, object);
    } else {
        kind->regain(regain->server, object);
    }
}

static void put(struct regain *regain, const struct store_object *object)
{
    struct overrides_item item;
    struct health_override now;
    if (store_kind_find(object->kind) != STORE_OVERRIDE) {
        if (regain->options.remove == NULL) {
            put_other(regain, object);
        }
        return;
    }
    if (!overrides_parse(&regain->reading, object, &item)) {
        return;
    }
    if (regain->options.remove != NULL) {
        if (!find_present(regain, &item, &now)) {
            regain->options.remove(regain->options.context, item.kind, item.name);
            regain->removed++;
        }
        return;
    }
    bool is_present = find_present(regain, &item, &now);
    if (is_present || is_touched(regain, &item)) {
        tell_superseded(regain, &item, is_present ? &now : NULL);
        return;
    }
    size_t in_force = regain->reading.in_force;
    overrides_put_item(&regain->reading, &item);
    if (regain->reading.in_force != in_force) {
        changes_tell_override(regain->server->changes, item.kind, item.name, &item.what);
    }
}

static void finish(struct regain *regain)
{
    struct server *server = regain->server;
    if (regain->options.remove != NULL) {
        log_info("store holds what does folder=%s removed=%zu", regain->folder, regain->removed);
        regain->options.end(regain->options.context);
        return;
    }
    log_info("store read folder=%s superseded=%zu effect=\"what it held is in force\"", regain->folder,
             regain->superseded);
    overrides_tell(&regain->reading, "restored late");
    vantages_end_regain(server->vantages);
    for (size_t i = 0; i < report_count(regain->report); i++) {
        log_warning("object not understood why=\"%s\"", report_get(regain->report, i)->message);
    }
    server_forget_snapshot(server);
    event_active(server->expiry, EV_TIMEOUT, 0); /* which arms it anew */
    regain->options.end(regain->options.context);
}

static void on_turn(evutil_socket_t fd, short what, void *argument)
{
    struct regain *regain = argument;
    const struct timeval soon = {.tv_usec = 0};
    struct server *server = regain->server;
    (void)fd, (void)what;
    regain->reading.health = server->view->health; /* a reload may have come in between */
    regain->reading.wall_ms = clock_wall_ms(&server->clock);
    for (size_t i = 0; i < TURN && regain->at < regain->found.count; i++) {
        put(regain, &regain->found.objects[regain->at++]);
    }
    server_forget_snapshot(server);
    if (regain->at < regain->found.count) {
        (void)event_add(regain->next, &soon);
    } else {
        finish(regain); /* which frees this */
    }
}

static void on_ready(evutil_socket_t fd, short what, void *argument)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
    on_turn(fd, what, argument);
}

void regain_note_base(struct regain *regain, uint64_t seq)
{
    atomic_store(&regain->base, seq);
}

/* ---- life ---- */

static void destroy(struct regain *regain)
{
    tdestroy(regain->touched, free);
    drop(&regain->found);
    report_free(regain->report);
    if (regain->woken != NULL) {
        event_free(regain->woken);
    }
    if (regain->next != NULL) {
        event_free(regain->next);
    }
    if (regain->fd != -1) {
        close(regain->fd);
    }
    free(regain->folder);
    free(regain);
}

static bool begin(struct regain *regain)
{
    struct event_base *base = regain->server->base;
    regain->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (regain->fd == -1) {
        return false;
    }
    regain->woken = event_new(base, regain->fd, EV_READ | EV_PERSIST, on_ready, regain);
    regain->next = evtimer_new(base, on_turn, regain);
    if (regain->woken == NULL || regain->next == NULL || event_add(regain->woken, NULL) != 0) {
        return false;
    }
    regain->thread = scribe_open(try_it, regain);
    return regain->thread != NULL;
}

struct regain *regain_open(const struct regain_options *options)
{
    struct regain *regain = memory_alloc(sizeof *regain);
    *regain = (struct regain){.options = *options,
                              .server = options->server,
                              .folder = memory_copy_text(options->folder),
                              .fd = -1,
                              .found = {.kinds = options->server->kinds}};
    atomic_store(&regain->base, UINT64_MAX);
    regain->report = report_new();
    options->begin(options->context, regain->report, &regain->reading);
    if (!begin(regain)) {
        log_error("store unread folder=%s error=\"no thread could be started\" effect=\"what it holds is not "
                  "in force until a restart\"",
                  regain->folder);
        destroy(regain);
        return NULL;
    }
    scribe_ask(regain->thread);
    return regain;
}

void regain_close(struct regain *regain)
{
    if (regain == NULL) {
        return;
    }
    if (scribe_close(regain->thread, PATIENCE_MS)) {
        destroy(regain);
    } else { /* its thread goes on with what is left of the process */
        (void)event_del(regain->woken);
        (void)event_del(regain->next);
    }
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See run.h. Once a second the state folder is looked at, so that an enrolment, or a file that was taken
 * away, is followed by the process that runs; SIGHUP has it looked at now. */
#include "config.h"

#include "steerprobe/run.h"

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "base/exits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/report.h"
#include "steerprobe/status.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

enum { FOLDER_MODE = 0700, LOCK_MODE = 0600, SIGNALS = 3, LINE_SIZE = 512, LOOK_MS = 1000 };

struct program {
    const char *folder;
    struct clock clock;
    struct world world;
    struct wall wall;
    struct upstream *upstreams[CREW_SLOTS];
    struct status_socket *status;
    uint64_t seen;     /* state_look() */
    int64_t looked_ms; /* monotonic: when the folder was looked at, or the loop was made */
    int lock_fd, tell_fd;
    _Atomic bool tells; /* it was rung for that */
    struct event *signals[SIGNALS], *look, *tell;
};

/* ---- servers come and go ---- */

static void log_report(const struct report *report)
{
    char line[LINE_SIZE];
    for (size_t i = 0; i < report_count(report); i++) {
        log_error("enrolment cannot be used why=%s",
                  report_write_item(report_get(report, i), line, sizeof line));
    }
}

static bool is_known(const struct program *program, const struct enrolment *enrolment)
{
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        if (program->upstreams[i] != NULL &&
            state_is_equal(upstream_get_enrolment(program->upstreams[i]), enrolment)) {
            return true;
        }
    }
    return false;
}

/* The enrolment at the same place, if any was found. */
static const struct enrolment *find_at(const struct enrolment *found, size_t count,
                                       const struct state_place *place)
{
    size_t at = 0;
    while (at < count &&
           (found[at].place.port != place->port || strcmp(found[at].place.host, place->host) != 0)) {
        at++;
    }
    return at < count ? &found[at] : NULL;
}

/* Who has lost sight of the folder, or of a file in it, has not been told to forget anybody. */
static bool is_gone(const struct program *program, const struct enrolment *known,
                    const struct enrolment *found, size_t count)
{
    const struct enrolment *now = find_at(found, count, &known->place);
    return now != NULL ? !state_is_equal(known, now) : state_is_removed(program->folder, &known->place);
}

static void drop_gone(struct program *program, const struct enrolment *found, size_t count)
{
    char place[STATE_PLACE_SIZE];
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        struct upstream *upstream = program->upstreams[i];
        const struct enrolment *known = upstream == NULL ? NULL : upstream_get_enrolment(upstream);
        if (known == NULL) {
            continue;
        }
        (void)state_write_place(&known->place, place);
        if (is_gone(program, known, found, count)) {
            log_info("server forgotten server=%s", place);
            program->upstreams[i] = NULL;
            upstream_close(upstream);
        } else if (find_at(found, count, &known->place) == NULL) {
            log_warning(
                "enrolment not readable any more server=%s effect=\"it is as it was until the next start\"",
                place);
        }
    }
}

static void add(struct program *program, struct enrolment *enrolment)
{
    char place[STATE_PLACE_SIZE];
    const char *why;
    size_t slot = 0;
    while (slot < CREW_SLOTS && program->upstreams[slot] != NULL) {
        slot++;
    }
    (void)state_write_place(&enrolment->place, place);
    if (slot == CREW_SLOTS) {
        log_error("server not used server=%s why=\"there are too many\"", place);
        return;
    }
    program->upstreams[slot] = upstream_open(&program->world, slot, enrolment, &why);
    if (program->upstreams[slot] == NULL) {
        log_error("server not used server=%s why=%s", place, why);
    } else {
        log_info("server known server=%s name=%s", place,
                 upstream_get_enrolment(program->upstreams[slot])->name);
    }
}

static void follow_folder(struct program *program)
{
    struct enrolment found[STATE_SERVERS_MAX];
    struct report *report = report_new();
    size_t count = state_read(program->folder, report, found);
    log_report(report);
    report_free(report);
    drop_gone(program, found, count);
    for (size_t i = 0; i < count; i++) {
        if (!is_known(program, &found[i])) {
            add(program, &found[i]);
        }
        state_fini_enrolment(&found[i]);
    }
}

static void look(struct program *program)
{
    uint64_t seen = state_look(program->folder);
    if (seen != program->seen) {
        program->seen = seen;
        follow_folder(program);
    }
}

static void on_look(int fd, short events, void *argument)
{
    struct program *program = argument;
    int64_t now_ms = clock_now_ms(&program->clock), late_ms = now_ms - program->looked_ms - LOOK_MS;
    (void)fd, (void)events;
    if (late_ms >= LOOK_MS) {
        crew_hold_up(program->world.crew, late_ms);
    }
    program->looked_ms = now_ms;
    look(program);
}

/* ---- what there is to tell ---- */

static void on_changed(void *context) /* on the prober's thread */
{
    struct program *program = context;
    if (!atomic_exchange(&program->tells, true)) {
        ssize_t written = write(program->tell_fd, &(uint64_t){1}, sizeof(uint64_t));
        (void)written; /* an eventfd below its maximum takes it */
    }
}

static void on_tell(int fd, short events, void *argument)
{
    struct program *program = argument;
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    (void)got, (void)events;
    atomic_store(&program->tells, false);
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        if (program->upstreams[i] != NULL) {
            upstream_tell(program->upstreams[i]);
        }
    }
}

static void on_try(void *context, uint64_t session, const struct fleet_message *message)
{
    struct program *program = context;
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        if (program->upstreams[i] != NULL && upstream_say(program->upstreams[i], session, message)) {
            return;
        }
    }
}

static const struct upstream *get_upstream(void *context, size_t slot)
{
    const struct program *program = context;
    return program->upstreams[slot];
}

/* ---- signals ---- */

static void on_signal(int number, short events, void *argument)
{
    struct program *program = argument;
    (void)events;
    if (number == SIGHUP) {
        program->seen = 0;
        look(program);
        return;
    }
    log_info("stopping signal=%d", number);
    event_base_loopbreak(program->world.base);
}

static int watch_signals(struct program *program)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < SIGNALS; i++) {
        program->signals[i] = evsignal_new(program->world.base, numbers[i], on_signal, program);
        if (program->signals[i] == NULL || evsignal_add(program->signals[i], NULL) != 0) {
            return -ENOMEM;
        }
    }
    return 0;
}

/* ---- life ---- */

/* Two processes would be one vantage with two opinions. */
static int lock_folder(struct program *program)
{
    struct stat status;
    if (mkdir(program->folder, FOLDER_MODE) == -1 && errno != EEXIST) {
        return -errno;
    }
    if (stat(program->folder, &status) == 0 && (status.st_mode & 022) != 0) {
        log_warning("state folder folder=%s why=\"others can write to it, expected mode 0700\"",
                    program->folder);
    }
    char *path = memory_print("%s/lock", program->folder);
    program->lock_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, LOCK_MODE);
    int error = program->lock_fd == -1 || flock(program->lock_fd, LOCK_EX | LOCK_NB) == -1 ? -errno : 0;
    free(path);
    return error;
}

static int open_loop(struct program *program)
{
    static const struct timeval second = {.tv_sec = LOOK_MS / 1000};
    program->world.base = event_base_new();
    program->tell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (program->world.base == NULL || program->tell_fd == -1) {
        return -ENOMEM;
    }
    program->tell = event_new(program->world.base, program->tell_fd, EV_READ | EV_PERSIST, on_tell, program);
    program->look = event_new(program->world.base, -1, EV_PERSIST, on_look, program);
    program->looked_ms = clock_now_ms(&program->clock);
    return program->tell == NULL || program->look == NULL || event_add(program->tell, NULL) != 0 ||
                   event_add(program->look, &second) != 0
               ? -ENOMEM
               : 0;
}

static int open_all(struct program *program)
{
    const _Atomic int64_t *ahead_ms = &program->wall.ahead_ms;
    const struct crew_hooks crew = {.context = program, .changed = on_changed, .ahead_ms = ahead_ms};
    const struct tries_hooks tries = {.context = program, .say = on_try, .ahead_ms = ahead_ms};
    const struct status_hooks status = {.context = program, .get = get_upstream};
    int error = open_loop(program);
    error = error != 0 ? error : watch_signals(program);
    error = error != 0 ? error : crew_open(&program->clock, &crew, &program->world.crew);
    error = error != 0 ? error : tries_open(program->world.base, &tries, &program->world.tries);
    return error != 0 ? error : status_open(&program->world, program->folder, &status, &program->status);
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

static void close_all(struct program *program)
{
    status_close(program->status);
    tries_close(program->world.tries);
    for (size_t i = 0; i < CREW_SLOTS; i++) {
        upstream_close(program->upstreams[i]);
        program->upstreams[i] = NULL;
    }
    crew_close(program->world.crew);
    for (size_t i = 0; i < SIGNALS; i++) {
        free_event(program->signals[i]);
    }
    free_event(program->tell);
    free_event(program->look);
    if (program->world.base != NULL) {
        event_base_free(program->world.base);
    }
    if (program->tell_fd != -1) {
        close(program->tell_fd);
    }
    if (program->lock_fd != -1) {
        close(program->lock_fd);
    }
}

static int start(struct program *program)
{
    int error = lock_folder(program);
    if (error != 0) {
        log_error("start failed state=%s why=%s", program->folder,
                  error == -EWOULDBLOCK ? "another steerprobe runs with it" : error_text(error));
        return error;
    }
    (void)descriptors_raise_limit(); /* who checks goes by it from the beginning */
    error = open_all(program);
    if (error != 0) {
        log_error("start failed state=%s why=%s", program->folder, error_text(error));
        return error;
    }
    log_info("started version=%s state=%s", PACKAGE_VERSION, program->folder);
    look(program);
    if (program->seen == 0 || program->upstreams[0] == NULL) {
        log_warning("enrolled with no server do=\"steerprobe enrol TOKEN --server HOST:PORT\"");
    }
    return 0;
}

int run(const char *folder)
{
    struct program program = {.folder = folder, .lock_fd = -1, .tell_fd = -1};
    clock_init(&program.clock);
    program.world.clock = &program.clock;
    program.world.wall = &program.wall;
    random_make_secret(&program.world.run, sizeof program.world.run);
    int error = start(&program);
    if (error == 0) {
        (void)event_base_dispatch(program.world.base);
    }
    close_all(&program);
    return error == 0 ? EXITS_OK : EXITS_REFUSED;
}

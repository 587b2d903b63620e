/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Starting, running and stopping the server. Order of start: compile, bind, publish, probe, admin, answer
 * (opening.h); the reverse to stop. */
#include "config.h"

#include "daemon/answers.h"
#include "daemon/run.h"

#include "daemon/activated.h"
#include "daemon/archive.h"
#include "daemon/batch.h"
#include "daemon/challenges.h"
#include "daemon/changes.h"
#include "daemon/clustered.h"
#include "daemon/bundles.h"
#include "daemon/documents.h"
#include "daemon/durable.h"
#include "daemon/ends.h"
#include "daemon/expiry.h"
#include "daemon/feed.h"
#include "daemon/geowatch.h"
#include "daemon/hangup.h"
#include "daemon/heir.h"
#include "daemon/hosts.h"
#include "daemon/drill_reports.h"
#include "daemon/drill_schedule.h"
#include "daemon/incidents.h"
#include "daemon/install.h"
#include "daemon/kinds.h"
#include "daemon/lanes.h"
#include "daemon/last.h"
#include "daemon/limits.h"
#include "daemon/opening.h"
#include "daemon/orders.h"
#include "daemon/primaries.h"
#include "daemon/reader.h"
#include "daemon/reclaim.h"
#include "daemon/redaction.h"
#include "daemon/reload.h"
#include "daemon/reload_hold.h"
#include "daemon/restore.h"
#include "daemon/rules_watch.h"
#include "daemon/results.h"
#include "daemon/revisions.h"
#include "daemon/rollouts.h"
#include "daemon/rollouts_choose.h"
#include "daemon/savepoints.h"
#include "daemon/scratch.h"
#include "daemon/serials.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "daemon/sockets.h"
#include "daemon/spawn.h"
#include "daemon/switchovers.h"
#include "daemon/takeover.h"
#include "daemon/targets.h"
#include "daemon/teller.h"
#include "daemon/tokens.h"
#include "daemon/traffic.h"
#include "daemon/vantages.h"
#include "daemon/tidings.h"
#include "daemon/verbs.h"
#include "daemon/withdrawal.h"
#include "view/content.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "conf/commands.h"
#include "probe/probe.h"
#include "sheet/sheets.h"
#include "tap/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

/* ---- signals ---- */

/* After each signal, on the control thread. */
static void on_woken(void *context)
{
    struct server *server = context;
    if (ends_is_stopping(server->ends)) {
        if (!takeover_has_left(server)) {
            spawn_tell_supervisor("STOPPING=1");
        }
        event_base_loopbreak(server->base);
    } else if (ends_take_hangup(server->ends) && !takeover_pass_hangup(server)) {
        server_hang_up(server);
    }
}

/* ---- start and stop ---- */

struct first_load {
    struct server *server;
    struct documents_load *documents;
    struct report *report;
    struct view *view;
};

/* Somebody answers meanwhile, and needs the processors more. */
static void *load_aside(void *argument)
{
    enum { NICE = 10 };
    struct first_load *load = argument;
    if (load->server->heir != NULL) {
        (void)setpriority(PRIO_PROCESS, 0, NICE); /* in Linux of this thread, and those that it starts */
    }
    load->view =
        view_compile_load(&(struct view_load){.path = load->server->path,
                                              .generation = 1,
                                              .wall_ms = clock_wall_ms(&load->server->clock),
                                              .documents = {.context = load->documents,
                                                            .chooser = documents_get_chooser(load->documents),
                                                            .place = documents_place}},
                          load->report);
    return NULL;
}

static struct view *compile_first(struct server *server, struct report *report)
{
    struct first_load load = {.server = server, .report = report};
    pthread_t thread;
    load.documents = documents_begin(server, &(struct documents_options){.is_start = true});
    if (server->heir == NULL || pthread_create(&thread, NULL, load_aside, &load) != 0) {
        load_aside(&load);
    } else {
        pthread_join(thread, NULL);
    }
    if (load.view != NULL) {
        documents_adopt(server->documents, load.documents);
    }
    report_set_places(report, NULL);
    documents_end(load.documents);
    return load.view;
}

/* Whatever this configuration says: only a reload or a stop of the one that serves allows commands again. */
static struct view *refuse_commands(const struct server *server, struct view *view, struct report *report)
{
    const struct commands_place place = {view->topology, view->server};
    if (!heir_has_no_commands(server->heir) || commands_refuse(&place, "the server that runs", report)) {
        return view;
    }
    view_free(view);
    return NULL;
}

static struct view *load_first(struct server *server, struct report *report)
{
    struct view *view = compile_first(server, report);
    if (ends_is_stopping(server->ends)) {
        return view;
    }
    view = view == NULL ? NULL : refuse_commands(server, view, report);
    server_print_report(report);
    if (view == NULL) {
        heir_confess(server->heir, "its configuration cannot be used", report);
        log_error("start failed config=%s errors=%zu why=\"the configuration cannot be used, see above\"",
                  server->path, report_errors(report));
    }
    return view;
}

/* At the socket of the server before, if the configuration means the same one. */
static int listen_to_admin(struct server *server, const struct admin_verbs *verbs, struct report *report)
{
    const struct conf_server *conf = server->view->server;
    int fd = server->heir == NULL ? -1 : heir_take_admin(server->heir);
    if (fd != -1) {
        int error =
            admin_adopt(server->base, fd, conf->admin_socket, conf->admin_socket_mode, verbs, &server->admin);
        if (error != ERROR_NOT_FOUND) {
            return error;
        }
        heir_give_back_admin(server->heir, fd);
    }
    int error =
        admin_open(server->base, conf->admin_socket, conf->admin_socket_mode, verbs, report, &server->admin);
    if (error == 0 && server->heir != NULL) {
        admin_pause(server->admin);
    }
    return error;
}

static int open_admin(struct server *server, struct report *report)
{
    const struct conf_server *conf = server->view->server;
    if (conf->admin_socket == NULL) {
        return 0;
    }
    struct admin_verbs verbs;
    int error = server_open_copier(server);
    error = error == 0 ? lanes_open(server->base, &server->lanes) : error;
    if (error != 0) {
        report_add(report, REPORT_ERROR, NULL, "cannot start the workers: %s", error_text(error));
        return error;
    }
    verbs_open(server);
    server_fill_verbs(server, &verbs);
    withdrawal_fill_verbs(&verbs.serving);
    error = listen_to_admin(server, &verbs, report);
    if (error == 0) {
        admin_set_places(server->admin, server_find_admin_places());
        int *inherited = NULL;
        size_t count = server->heir == NULL ? 0 : heir_lend_listeners(server->heir, &inherited);
        admin_listen(server->admin, conf->doors, conf->door_count, inherited, count);
        answers_learn(server, conf->state_path);
    }
    return error;
}

/* What is known by now is enough, or has to be. */
static int answer_queries(struct server *server)
{
    int error = serve_start(server->serve);
    if (error == 0) {
        opening_say_ready(server);
        opening_tell_supervisor(server);
        documents_settle(server, false);
    } else {
        log_error("start failed config=%s errors=%d why=\"cannot start the DNS threads: %s\"", server->path,
                  1, error_text(error));
    }
    return error;
}

/* What operators have ordered holds from the first answer on. */
static int open_store(struct server *server, struct view *view, struct report *report)
{
    bool is_heir = server->heir != NULL; /* the store is another process's yet */
    int error = durable_open(server, is_heir ? NULL : view->server->state_path, report, &server->durable);
    server->orders = error == 0 ? orders_open(server) : NULL;
    server->batches = error == 0 ? batches_open(server) : NULL;
    server->rules = error == 0 ? rules_watch_new(server) : NULL;
    server->restores = error == 0 ? restores_open(server) : NULL;
    server->switchovers = error == 0 ? switchovers_open(server) : NULL;
    server->incidents = error == 0 ? incidents_open(server) : NULL;
    server->drill_reports = error == 0 ? drill_reports_open(server) : NULL;
    server->drill_schedule = error == 0 ? drill_schedule_open(server) : NULL;
    server->rollouts = error == 0 ? rollouts_open(server) : NULL;
    server->clustered = error == 0 ? clustered_new(server, view) : NULL;
    if (server->orders == NULL || server->batches == NULL || server->restores == NULL ||
        server->rules == NULL || server->switchovers == NULL || server->incidents == NULL ||
        server->drill_reports == NULL || server->drill_schedule == NULL || server->clustered == NULL ||
        server->rollouts == NULL) {
        report_add(report, REPORT_ERROR, NULL, "cannot start the store: %s",
                   error_text(error == 0 ? -ENOMEM : error));
        return error == 0 ? -ENOMEM : error;
    }
    if (!is_heir) {
        server->clock_offset_ms = clock_offset_ms(&server->clock); /* it took a while to load */
        durable_restore(server->durable, view, report);
        redaction_make_key(view->server->state_path);
        revisions_learn(server->revisions, view->server->state_path);
        kinds_learn(server, view->server->state_path, KIND_AFTER);
    }
    changes_hook_turns(server->changes, durable_note_turn, server->durable);
    return 0;
}

/* Serials: nobody else uses the state folder by now. */
static void open_primaries(struct server *server, struct view *view)
{
    server->primaries = primaries_open(server, view);
    primaries_reserve(server->primaries, view);
    primaries_prepare(server->primaries, view);
}

/* ---- taking over ---- */

/* What is durable is in the store, if that is the same one; what the server before said is the rest. */
static int enter_store(struct server *server, struct report *report)
{
    server_follow_clock_step(server); /* durations are told by the clock as it is now */
    redaction_make_key(server->view->server->state_path);
    int error = durable_attach(server->durable, server->view->server->state_path, report);
    bool is_owed, is_calm = durable_is_calm(server->durable, &is_owed);
    revisions_learn(server->revisions, server->view->server->state_path);
    bool has_all = error == 0 && heir_has_store(server->heir) && durable_has_store(server->durable) &&
                   is_calm && !is_owed;
    if (has_all) {
        durable_restore(server->durable, server->view, report);
    }
    heir_use_state(server->heir, !has_all);
    rules_watch_follow(server->rules);
    server_schedule_expiry(server);
    return error;
}

/* The server before has written down what it had, and changes nothing any more. */
static int enter(struct server *server)
{
    struct report *report = report_new();
    int error = enter_store(server, report);
    open_primaries(server, server->view);
    primaries_follow(server->primaries, server->view);
    kinds_learn(server, server->view->server->state_path, KIND_BEFORE_VIEW);
    vantages_adopt(server->vantages);
    last_adopt(server);
    error = error == 0 ? last_open(server, server->view->server->state_path, &server->last) : error;
    error = error == 0 ? tidings_begin(server) : error;
    withdrawal_begin(server->withdrawal, server->view->server->state_path);
    error = error == 0 ? open_admin(server, report) : error;
    error = error == 0 ? serve_start(server->serve) : error;
    server_print_report(report);
    report_free(report);
    return error;
}

/* It ends. */
static int settle(struct server *server)
{
    folders_sign(&server->folders);
    opening_say_ready(server);
    vantages_await(server->vantages); /* only now they are sent here */
    documents_settle(server, true);
    kinds_learn(server, server->view->server->state_path, KIND_AFTER);
    int error = archive_open(server, "takeover", &server->archive);
    error = error == 0 ? savepoints_open(server, &server->savepoints) : error;
    clustered_begin(server->clustered, server->view->server->state_path);
    return error == 0 ? geowatch_start(server, &server->geowatch) : error;
}

/* It reads no queries any more, and has told the supervisor whose word counts from now on. */
static void open_up(struct server *server)
{
    opening_tell_supervisor(server);
    if (server->admin != NULL) {
        admin_resume(server->admin);
    }
}

static int wait_for_turn(struct server *server)
{
    return heir_wait(server->heir,
                     &(struct heir_turns){.enter = enter, .settle = settle, .open_up = open_up});
}

static int start(struct server *server, struct report *report)
{
    enum { LOCK_MS = 10000 };
    struct view *view = load_first(server, report);
    if (view == NULL) {
        return ends_is_stopping(server->ends) ? 0 : ERROR_INVALID;
    }
    struct report *binding = report_new();
    log_configure(&view->server->log); /* whoever reads JSON reads all of it */
    if (server->heir != NULL) {
        heir_use_files(server->heir, view);
    }
    bool may_die = server->is_invited || heir_is_alone(server->heir); /* who has the locks */
    int error = folders_take(view->server, may_die ? LOCK_MS : 0, binding, &server->folders);
    if (error == 0 && view->server->state_path != NULL) {
        (void)scratch_sweep(view->server->state_path); /* what a crash left */
    }
    error = error == 0 ? server_open_sockets(server, view, binding) : error;
    changes_open(server->changes, health_count(view->health, HEALTH_ENDPOINT));
    feed_begin(server);
    traffic_listen(server->traffic, changes_get_stream(server->changes));
    struct known *memory = error == 0 ? last_restore(server, view, &server->restored) : NULL;
    error = error == 0 ? open_store(server, view, binding) : error;
    last_settle(memory, view);
    health_begin(view->health);
    if (error != 0) {
        view_free(view);
    } else if ((error = prober_open(&(struct probe_hooks){.context = server,
                                                          .runner = server->runner,
                                                          .sheets = server->sheets,
                                                          .ended = results_take},
                                    &server->prober)) != 0) {
        report_add(binding, REPORT_ERROR, NULL, "cannot start the prober: %s", error_text(error));
        view_free(view);
    } else {
        if (server->heir == NULL) {
            open_primaries(server, view);
        }
        kinds_learn(server, view->server->state_path, KIND_BEFORE_VIEW);
        server_install_view(server, view, NULL, targets_make_first(view), vantages_prepare(view, binding));
        error = bundles_open(server, &server->bundles);
        if (server->heir == NULL) {
            vantages_begin(server->vantages);
            withdrawal_begin(server->withdrawal, view->server->state_path);
        }
        error = error == 0 && server->heir == NULL
                    ? last_open(server, view->server->state_path, &server->last)
                    : error;
        error = error == 0 && server->heir == NULL ? tidings_begin(server) : error;
        error = error == 0 && server->heir == NULL ? open_admin(server, binding) : error;
        error = error == 0 && server->heir == NULL ? archive_open(server, "start", &server->archive) : error;
        error = error == 0 && server->heir == NULL ? savepoints_open(server, &server->savepoints) : error;
        if (error == 0 && server->heir == NULL) {
            clustered_begin(server->clustered, view->server->state_path);
        }
        error = error == 0 && server_start_reports(server) != 0 ? -ENOMEM : error;
        error = error == 0 && server->heir == NULL ? geowatch_start(server, &server->geowatch) : error;
    }
    server_print_report(binding);
    if (error != 0) {
        heir_confess(server->heir, error_text(error), binding);
    }
    report_free(binding);
    memory_trim(); /* what things were made of is gone */
    return error != 0 ? error : opening_begin(server, server->heir == NULL ? answer_queries : wait_for_turn);
}

/* Nobody asks any more, and nothing new begins. */
static void stop_asking(struct server *server)
{
    opening_end(server);
    archive_hurry(server->archive);
    savepoints_stop(server->savepoints);
    ends_note(server->ends, "workers");
    primaries_hurry(server->primaries);
    shadows_stop(server->shadows);
    clustered_stop(server->clustered, true);
    lanes_close(server->lanes); /* before what they answer for */
    bundles_stop(server->bundles);
    ends_note(server->ends, "admin");
    if (server->admin != NULL && heir_has_admin(server->heir)) {
        admin_disown(server->admin); /* the one before goes on */
    }
    admin_close(server->admin);
    verbs_close(server);
    tidings_stop(server);
    geowatch_stop(server->geowatch);
}

static void stop(struct server *server)
{
    stop_asking(server);
    ends_note(server->ends, "store");
    bool has_ended = durable_close(server->durable);
    if (has_ended) {
        orders_close(server->orders);
    }
    ends_note(server->ends, "loader");
    server_stop_reload(server); /* a dry run looks at a snapshot */
    server_drop_held(server);
    takeover_close(server->takeover);
    heir_close(server->heir);
    server_forget_snapshot(server);
    server_close_copier(server);
    vantages_stop(server->vantages);
    ends_note(server->ends, "primaries");
    primaries_close(server->primaries);
    hosts_close(server->hosts);
    ends_note(server->ends, "dns");
    serve_close(server->serve);
    traffic_close(server->traffic);
    ends_note(server->ends, "taps");
    taps_close(server->taps);
    ends_note(server->ends, "prober");
    prober_close(server->prober);
    shadows_close(server->shadows, has_ended);
    sheets_close(server->sheets);
    last_close(server->last); /* when nothing is heard of any more */
    teller_close(server->teller);
    rules_watch_free(server->rules); /* nobody wakes it any more */
    ends_note(server->ends, "archive");
    archive_close(server->archive);
    if (has_ended) { /* else the store may come back to what is theirs */
        batches_close(server->batches);
        restores_close(server->restores);
        switchovers_close(server->switchovers);
        incidents_close(server->incidents);
        drill_schedule_close(server->drill_schedule);
        drill_reports_close(server->drill_reports);
        savepoints_close(server->savepoints);
        vantages_close(server->vantages);
        tokens_free(server->tokens);
        challenges_free(server->challenges);
        clustered_free(server->clustered);
        rollouts_free(server->rollouts);
        revisions_free(server->revisions);
        durable_free(server->durable); /* who read for the archive knew the folder from it */
    }
    bundles_close(server->bundles);
    withdrawal_free(server->withdrawal);
    activated_free(server->activated);
    ends_note(server->ends, "memory");
    reclaim_close(server->reclaim);
    documents_close(server->documents);
    view_slot_free(server->slot);
    free((void *)(uintptr_t)server->serve_options.listen);
    if (server->expiry != NULL) {
        event_free(server->expiry);
    }
    if (server->report != NULL) {
        event_free(server->report);
    }
    ends_close(server->ends);
    if (server->base != NULL) {
        event_base_free(server->base);
    }
    folders_fini(&server->folders);
    lock_fini(&server->lock);
}

/* Turn by turn, to see how long they take: the longest is how long whoever asks now may have to wait. */
static void dispatch(struct server *server)
{
    uint64_t begun_ns = clock_thread_ns();
    while (event_base_loop(server->base, EVLOOP_ONCE) == 0 && event_base_got_break(server->base) == 0) {
        uint64_t ended_ns = clock_thread_ns();
        spans_note(&server->turns, ended_ns - begun_ns, clock_machine_ns());
        begun_ns = ended_ns;
    }
}

static void store_is_read(struct server *server)
{
    documents_settle(server, true);
}

int server_run(const char *path, char *const *argv, bool takes_over)
{
    struct confined confined;
    if (confined_begin(path, &confined) != 0) {
        return EXIT_FAILURE;
    }
    struct server server = {.path = path,
                            .confined = confined,
                            .argv = argv,
                            .is_invited = takes_over,
                            .slot = view_slot_new(),
                            .kinds = kinds_get(),
                            .folders = {.locks = {-1, -1}}};
    struct report *report = report_new();
    clock_init(&server.clock);
    (void)program_find(argv[0], &server.program);
    server.runner = program_find_part("steerd-exec");
    server.sheets = sheets_open();
    server.started_ms = clock_wall_ms(&server.clock);
    server.clock_offset_ms = clock_offset_ms(&server.clock);
    (void)file_read_boot(server.boot);
    lock_init(&server.lock);
    server.activated = activated_new();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow any more is as good as a full disk */
    server_raise_descriptor_limit();
    server.changes = changes_new();
    server.base = event_base_new();
    if (server.base == NULL ||
        log_start(changes_get_source(server.changes)) != 0 || /* before any thread that it might hold up */
        ends_open(server.base, on_woken, &server, &server.ends) != 0 || feed_open(&server) != 0 ||
        tidings_open(&server) != 0) {
        report_free(report);
        return EXIT_FAILURE;
    }
    report_set_cancel(report, ends_get_progress(server.ends));
    int error = server_open_expiry(&server);
    server.tokens = tokens_new(&server);
    server.challenges = challenges_new(&server);
    server.revisions = revisions_new(&server);
    server.documents = documents_open(&server, rollouts_choose);
    server.store_is_read = store_is_read;
    server.hosts = hosts_open(&server);
    server.withdrawal = withdrawal_new(&server);
    server.serials = serials_new();
    error = error == 0 && (server.hosts == NULL || server.withdrawal == NULL || server.challenges == NULL)
                ? -ENOMEM
                : error;
    error = error == 0 ? reclaim_open(&server.reclaim) : error;
    error = error == 0 ? shadows_open(&server, &server.shadows) : error;
    error = error == 0 ? teller_open(&server, &server.teller) : error;
    error = error == 0 ? traffic_open(&server.clock, &server.traffic) : error;
    error = error == 0 ? vantages_open(&server, &server.vantages) : error;
    error = error == 0 ? heir_open(&server, &server.heir) : error;
    error = error == 0 ? start(&server, report) : error;
    report_free(report);
    if (error == 0 && !ends_is_stopping(server.ends)) {
        ends_note(server.ends, "control");
        dispatch(&server);
        error = server.start_error;
    }
    stop(&server);
    log_info("stopped exit=%d", error == 0 ? 0 : 1);
    free(server.runner);
    bool log_ended = log_close(LOG_PATIENCE_MS);
    serials_free(server.serials);
    feed_close(&server); /* nobody publishes any more */
    tidings_close(&server);
    if (log_ended) { /* it reads them */
        changes_free(server.changes);
    }
    return error == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "admin_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int world_open(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->folder, sizeof w->folder, "/tmp/steerd-admin-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/admin.sock", w->folder);
    signal(SIGPIPE, SIG_IGN);
    setenv("STEERD_SOCKET", w->path, 1);
    w->base = event_base_new();
    w->report = report_new();
    fake_init(&w->fake);
    struct admin_verbs verbs = fake_verbs(&w->fake);
    assert_int_equal(admin_open(w->base, w->path, 0600, &verbs, w->report, &w->admin), 0);
    *state = w;
    return 0;
}

int world_close(void **state)
{
    struct world *w = *state;
    admin_close(w->admin);
    event_base_loop(w->base, EVLOOP_NONBLOCK);
    event_base_free(w->base);
    report_free(w->report);
    unlink(w->path);
    buffer_fini(&w->out);
    buffer_fini(&w->err);
    assert_int_equal(rmdir(w->folder), 0);
    free(w);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Folders that the server needs, made where only their last part is missing, and held against a second
 * server: `lock` in the state folder and SOCKET.lock beside the admin socket are locked (flock) for as long
 * as the process lives, however it ends. In them stands its pid. Private to src/daemon. */
#pragma once

#include "base/report.h"
#include "conf/server.h"

struct folders {
    int locks[2]; /* of the state folder and the admin socket; -1: none */
    char *state;  /* the state folder from the root on, as this process has it; NULL: none. Owned */
};

/* Those that are not there: the state folder, and that of the admin socket. 0, or a
 * negative error in the report. */
int folders_make(const struct conf_server *conf, struct report *report);
/* 0, or a negative error in the report: ERROR_CONFLICT, another process has one of them, and had it yet when
 * patience ended (each waits so long). A lock that cannot be made at all (a full disk) is a warning: serving
 * is more important. */
int folders_take(const struct conf_server *conf, int patience_ms, struct report *report,
                 struct folders *folders);
/* Of the files that another process has open and locked: those of this configuration are in `folders` as if
 * they had been taken, so that folders_take() does not. Takes the descriptors (-1: none). */
void folders_inherit(const struct conf_server *conf, const int locks[2], struct folders *folders);
/* The other process has left: the files tell our pid. */
void folders_sign(const struct folders *folders);
void folders_leave(struct folders *folders);
void folders_fini(struct folders *folders); /* leaves them, too */

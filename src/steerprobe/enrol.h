/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `steerprobe enrol`: a token that a server's operator made becomes trust between this host and that server,
 * both ways. The token names this host and the server's certificate, so whoever else answers is noticed; a
 * key is made here and never leaves this host. Says what it does on standard output and what is wrong on
 * standard error. */
#pragma once

#include "fleet/message.h"
#include "steerprobe/state.h"

/* "v1.NAME.SECRET.FINGERPRINT": a name may have dots, the others have none. */
struct enrol_token {
    char name[FLEET_NAME_MAX + 1];
    char fingerprint[STATE_FINGERPRINT + 1]; /* lower case */
};
/* 0 or ERROR_SYNTAX. */
int enrol_parse_token(const char *text, struct enrol_token *token);

/* With one server. Returns an exit code; waits for the server for some seconds at most. */
int enrol(const char *folder, const char *token, const char *server);

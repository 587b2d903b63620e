/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A client of the admin socket, octet by octet, in one event loop and thread with the server. */
#pragma once

#include "admin_world.h"

#include "base/buffer.h"

#include <stdbool.h>

int dial(const struct world *w);
/* Write all of it, turning the server's loop meanwhile. False: the server closed. */
bool say(struct world *w, int fd, const void *bytes, size_t len);
/* Take what comes until the server closes, or (wanted not NULL) until that text came. Gives up after many
 * idle turns of the loop. */
bool hear(struct world *w, int fd, struct buffer *heard, const char *wanted);
/* One request on a connection of its own; `heard` gets the whole answer. */
void ask_bytes(struct world *w, const void *request, size_t len, struct buffer *heard);
void assert_answer(struct world *w, const char *request, const char *status, const char *part);

#define GET(path)     "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define OK            "HTTP/1.1 200 "
#define PROBLEM(name) "\"type\": \"urn:steerd:problem:" name "\""

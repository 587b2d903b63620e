/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The state folder: what this host needs to know of each server that it works for, one file per server in
 * FOLDER/servers, made by enrolling and removed by forgetting. A file holds the key, so it is its owner's
 * only (0600, the folder 0700); made by root in a folder of somebody else's it is that one's.
 *
 * What cannot be read is said in a report, and does not keep the others from being used. */
#pragma once

#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATE_SERVERS_MAX = 16, STATE_HOST_SIZE = 256, STATE_FINGERPRINT = 64 };

/* "ns1.example:5307", "192.0.2.1:5307", "[2001:db8::1]:5307". */
struct state_place {
    char host[STATE_HOST_SIZE]; /* without brackets */
    uint16_t port;
};
enum { STATE_PLACE_SIZE = STATE_HOST_SIZE + 8 };
/* 0 or ERROR_SYNTAX. */
int state_parse_place(const char *text, struct state_place *place);
/* The one way to write it. Returns text. */
const char *state_write_place(const struct state_place *place, char text[STATE_PLACE_SIZE]);

struct enrolment {
    struct state_place place;
    char *name;              /* of this host, as that server knows it */
    char *fingerprint;       /* of the server's certificate: 64 hexadecimal digits */
    char *certificate, *key; /* of this host, for that server; PEM */
};

void state_fini_enrolment(struct enrolment *enrolment); /* NULL members are fine */
bool state_is_equal(const struct enrolment *a, const struct enrolment *b);

/* All there are, sorted by file name, at most STATE_SERVERS_MAX: returns their number; each is to be ended.
 */
size_t state_read(const char *folder, struct report *report, struct enrolment *enrolments);
/* The key that this host has for another place where it has that name, with the one that it was enrolled with
 * last: the nodes of a cluster share who their vantages are, so it has to show all of them the same. False:
 * there is none, or that was this very place, which is to get another key. Certificate and key are owned. */
bool state_find_key(const char *folder, const char *name, const struct state_place *place,
                    struct enrolment *to);
/* Was it taken away, by whoever had the choice? What is there and cannot be read was not, nor what nobody can
 * look for. */
bool state_is_removed(const char *folder, const struct state_place *place);
/* Changes whenever a file comes, goes or is replaced, as far as the file system tells; 0: no folder. */
uint64_t state_look(const char *folder);
/* Would state_write() have room, and be allowed to? Nothing is left of the attempt. Returns 0, or -errno. */
int state_try(const char *folder, const struct enrolment *enrolment);
/* Replaces that of the same place. Returns 0, or -errno and *path (owned), which could not be written. */
int state_write(const char *folder, const struct enrolment *enrolment, char **path);
/* Returns 0, -ENOENT: it is not known, or another -errno. */
int state_remove(const char *folder, const struct state_place *place);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a machine becomes a node of a cluster (doc/cluster.md): the token that an operator carries there, what
 * the machine says to a node, and what that answers. Text to values and back, strictly; pure. */
#pragma once

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum {
    ADMISSION_NAME_MAX = 58, /* octets of the name of a node or a cluster */
    ADMISSION_PLACES_MAX = 3,
    ADMISSION_SECRET_SIZE = 16, /* octets; twice as many digits */
    ADMISSION_PRINT_SIZE = 32,
    ADMISSION_ETCD_MAX = 9,
    ADMISSION_FILE_MAX = 32 << 10, /* octets of a certificate or a key */
    ADMISSION_TOKEN_MAX = 1000,
    ADMISSION_CLOCK_MS = 10000, /* as far may clocks be apart */
};

/* Where a node listens, and what it shows there. */
struct admission_place {
    uint8_t fingerprint[ADMISSION_PRINT_SIZE];
    struct addr_port at;
};

/* "join1.CLUSTER.NODE.BRINGS.SECRET.FINGERPRINT@ADDRESS/PORT,…", of letters that no shell looks at. BRINGS
 * is what of etcd's credentials the machine has to have itself: "0", "c" (certificate and key), "p" (the
 * password), or "cp". */
struct admission_token {
    char cluster[ADMISSION_NAME_MAX + 1], node[ADMISSION_NAME_MAX + 1];
    bool brings_certificate, brings_password;
    char secret[2 * ADMISSION_SECRET_SIZE + 1];
    struct admission_place places[ADMISSION_PLACES_MAX];
    size_t place_count;
};
bool admission_is_token(const char *text);                                 /* does it say that it is one? */
int admission_read_token(const char *text, struct admission_token *token); /* 0 or ERROR_SYNTAX */
char *admission_write_token(const struct admission_token *token);          /* owned */

/* Who wants to be a node. */
struct admission_ask {
    char cluster[ADMISSION_NAME_MAX + 1], node[ADMISSION_NAME_MAX + 1];
    char secret[2 * ADMISSION_SECRET_SIZE + 1];
    bool has_certificate, has_password; /* it has these itself */
    int64_t wall_ms;                    /* by its clock */
};
int admission_read_ask(const char *text, struct admission_ask *ask); /* 0 or ERROR_SYNTAX */
char *admission_write_ask(const struct admission_ask *ask);          /* owned */

/* What it needs to be one. Texts are borrowed, or the arena's. */
struct admission_grant {
    uint64_t member; /* by which it is that node from now on; not 0 */
    const char *etcd[ADMISSION_ETCD_MAX];
    size_t etcd_count;
    const char *acknowledge; /* "local", "majority", "all" */
    uint32_t deadline_ms;
    const char *ca;                /* PEM; NULL: the authorities of the system */
    const char *certificate, *key; /* PEM; NULL: there is none, or it has them itself: */
    bool uses_certificate;         /* … there is one */
    const char *user, *password;   /* likewise; user NULL: there is none */
};
int admission_read_grant(const char *text, struct arena *arena, struct admission_grant *grant);
char *admission_write_grant(const struct admission_grant *grant); /* owned */

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What etcd's JSON gateway answers (3.4 to 3.6): zero values are omitted, int64 are strings, errors are those
 * of gRPC. Read by steerd-etcd alone. What is unknown is passed over. Pure. */
#pragma once

#include "etcd/frame.h"

enum { ETCD_TOKEN_SIZE = 4096 };

/* Why something did not work, and what that means for who asked. */
struct etcd_fault {
    int error;      /* as of struct etcd_answer; 0: there is none */
    bool no_effect; /* it cannot have had any: another member may be asked, also to write */
    bool is_final;  /* asking another member would not help */
    bool is_token;  /* a new token would */
    bool is_said;   /* by a member, not by what is in between */
    char why[ETCD_WHY_SIZE];
};

void etcd_set_fault(struct etcd_fault *fault, int error, const char *why);

/* The body of an answer with status 200: *answer, borrowed from the arena; but what it says may be a fault as
 * well. Returns fault->error. */
int etcd_read_reply(enum etcd_call_kind kind, const char *text, size_t len, struct arena *arena,
                    struct etcd_answer *answer, struct etcd_fault *fault);
/* The body of an answer with another status. */
void etcd_read_refusal(long status, const char *text, size_t len, struct etcd_fault *fault);
int etcd_read_token(const char *text, size_t len, char token[ETCD_TOKEN_SIZE], struct etcd_fault *fault);

/* One of the lines that a watch is told. */
struct etcd_line {
    int64_t revision;
    bool is_begun, is_fragment; /* of more changes of the same revision */
    const struct etcd_change *changes;
    size_t count;
};
int etcd_read_line(const char *text, size_t len, struct arena *arena, struct etcd_line *line,
                   struct etcd_fault *fault);

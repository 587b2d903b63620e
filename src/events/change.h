/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The record of one change: what every part of the house says that has changed something, and what all who
 * want to know are told. Names are names, never an index: they mean the same after a reload, in a journal and
 * on another server. Plain texts, borrowed; whoever keeps a change copies them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What it is about. The text of a kind is what readers filter by: kinds are added, never renamed. */
enum change_kind {
    CHANGE_BRAKE,  /* "brake": nothing falls any more, since nearly everything failed at once, or it may again
                    */
    CHANGE_HEALTH, /* "health": an endpoint, az or region is observed, or counts, as something else */
    CHANGE_OVERRIDE,    /* "override": set, removed, begun or ended */
    CHANGE_LOAD,        /* "load": an endpoint begins or ends to shed, or its report was deleted */
    CHANGE_HOST,        /* "host": a host name has other addresses, or none */
    CHANGE_RELOAD,      /* "reload": ended, with or without effect */
    CHANGE_RENDITION,   /* "rendition": what copies of a zone hold of steered names */
    CHANGE_DRILL,       /* "drill": was computed */
    CHANGE_CERTIFICATE, /* "certificate": of an endpoint, ends soon, or not any more */
    CHANGE_FAILBACK,    /* "failback": what is well again stays down all the same, or was let back */
    CHANGE_VANTAGE, /* "vantage": a host that checks as well came, went, was heard again, enrolled, drained …
                     */
    CHANGE_REPLICATION, /* "replication": a copy is over its RPO, or not any more, or at another stage */
    CHANGE_INCIDENT,    /* "incident": a region or an az was lost, or is well again */
    CHANGE_SWITCHOVER,  /* "switchover": planned, moved a step, verified, committed, rolled back … */
    CHANGE_RAMP,        /* "ramp": what came back has a part of its weight, another one, or all of it */
    CHANGE_ACCESS,      /* "access": somebody was refused at the admin API */
    CHANGE_WEBHOOK,     /* "webhook": a receiver fails, takes events again, or was not told of some */
    CHANGE_HOOK,        /* "hook": a command has run, or could not */
    CHANGE_RULE,        /* "rule": a safety rule begins or ends to be violated, or an operator overrides it */
    CHANGE_HOLD,        /* "hold": safety rules keep answers where they are, or not any more */
    CHANGE_STEP,        /* "step": of a drill on the server: something begins or ends in it, is seen, or moves
                           answers */
    CHANGE_NODE,   /* "node": of a cluster: it came or went, follows what was said or does not, differs */
    CHANGE_BUNDLE, /* "bundle": of configuration, of a cluster: it is to be active, is, or cannot be */
    CHANGE_KINDS
};

const char *change_kind_text(enum change_kind kind);

/* Longer texts are cut, the body behind a whole pair. */
enum {
    CHANGE_NAME_MAX = 287, /* a kind of object, a colon, a domain name */
    CHANGE_WHO_MAX = 63,
    CHANGE_REASON_MAX = 255,
    CHANGE_BODY_MAX = 511,
};

struct change {
    uint64_t seq;    /* from 1, without gaps; given by the stream */
    int64_t wall_ms; /* given by the stream if it is 0 */
    enum change_kind kind;
    const char *name;   /* "region:us-east", "zone:example.com.", "all" */
    const char *actor;  /* who says to have done it; NULL: nobody did, it came about */
    const char *peer;   /* who the kernel says it was; NULL likewise */
    const char *reason; /* NULL: none was given */
    /* Lines of key=value, or key:=NUMBER: before, after and whatever belongs to it; "" or NULL: none */
    const char *body;
};

/* The body under construction. */
struct change_body {
    size_t len;
    char text[CHANGE_BODY_MAX + 1];
};

void change_body_init(struct change_body *body);
/* A pair more; one that does not fit, or whose value is NULL, is left out. A control character in a value
 * becomes '?'. Keys are lower-case words with underscores. */
void change_body_add(struct change_body *body, const char *key, const char *value);
void change_body_add_number(struct change_body *body, const char *key, int64_t value);
/* Of nine digits; one that is not finite is left out. */
void change_body_add_real(struct change_body *body, const char *key, double value);

/* One pair of a body, for readers: *at begins at the body and moves on. False at the end. */
struct change_pair {
    char key[64], value[CHANGE_BODY_MAX + 1];
    bool is_number; /* whoever added it said so: a text of digits is none */
};
bool change_next_pair(const char **at, struct change_pair *pair);

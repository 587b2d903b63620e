/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is anybody heard of at all? A server that hears of nobody, and whose own sight is gone, is cut off: it is
 * the one in trouble, not everything else. What it serves then is as old as that; after a time that the
 * operator sets it withdraws, so that others are asked, and it comes back by itself.
 *
 * There are witnesses: etcd, the other nodes, vantages, control targets. Each kind that there is has to be
 * silent; where there are no control targets none of the targets may answer either. A server without
 * witnesses is never cut off: that all endpoints are lost and that it has lost its sight look the same to it.
 *
 * Silence is told after CONTACT_TOLD_MS, and its age counts from its beginning. Who has withdrawn announces
 * itself again after `back_after_ms` of unbroken contact. Time in which nobody called contact_follow() (this
 * process was stopped, the machine slept) counts neither way: nothing could be heard.
 *
 * Pure: monotonic milliseconds are an argument. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONTACT_TOLD_MS = 10000, /* as long as who is silent is still believed to be there (conf "expires") */
    CONTACT_HELD_UP_MS = 5000,
    CONTACT_AGAIN_MS = 30000, /* at least so long after a start, before it withdraws */
};

enum contact_witness { CONTACT_ETCD, CONTACT_NODES, CONTACT_VANTAGES, CONTACT_CONTROLS, CONTACT_WITNESSES };

/* "etcd" "nodes" "vantages" "controls" */
const char *contact_witness_text(enum contact_witness witness);

struct contact_signs {
    struct contact_sign {
        uint32_t known, heard;
    } witnesses[CONTACT_WITNESSES];
    uint32_t targets, answering; /* of checks: looked at where there are no control targets */
};

/* Is any of them heard of, or is there none? */
bool contact_is_heard(const struct contact_signs *signs);

struct contact_plan {
    int64_t after_ms; /* 0: it never withdraws by itself */
    int64_t back_after_ms;
};

struct contact {
    bool is_cut; /* off, and that was told */
    bool has_withdrawn;
    int64_t silent_ms;   /* monotonic: nothing is heard since then; -1: something is */
    int64_t heard_ms;    /* likewise: something is heard since then; -1: nothing is */
    int64_t pardoned_ms; /* an operator wants it to be asked; silence counts from then on; -1: nobody */
    int64_t followed_ms; /* the last call */
};

/* What the process before has left. */
struct contact_past {
    bool has_withdrawn;
    int64_t silent_ms; /* it was cut off for so long; -1: it was not */
};

void contact_begin(struct contact *contact, const struct contact_past *past, const struct contact_plan *plan,
                   int64_t now_ms);

/* What changed with this call. */
struct contact_turns {
    bool was_lost, was_found, withdraws, announces;
};

/* To be called about once a second. */
struct contact_turns contact_follow(struct contact *contact, const struct contact_plan *plan, bool is_heard,
                                    int64_t now_ms);

/* It is to be asked, whatever is heard: it withdraws after as much silence from now on. */
void contact_pardon(struct contact *contact, int64_t now_ms);

/* For how long it has been cut off; -1: it is not. */
int64_t contact_get_age(const struct contact *contact, int64_t now_ms);

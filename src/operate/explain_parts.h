/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The parts of an explanation that are files of their own. Internal to the folder. */
#pragma once

#include "operate/explain_work.h"

/* ---- each tells a part of the story, in this order ---- */

void explain_class(struct explain_work *w);   /* explain_class.c: the client, its place, rule and class */
void explain_tiers(struct explain_work *w);   /* explain_tiers.c: what there is, and who gets which share */
void explain_members(struct explain_work *w); /* explain_members.c: who is left out, and why */
void explain_pick(struct explain_work *w);    /* explain_tiers.c: from where, and how it is drawn */
void explain_sticky(struct explain_work *w);  /* explain_members.c: whom this client gets */
/* explain_ramp.c: percent of its weight that a member has, 100 unless it came back a moment ago; why. */
unsigned explain_find_ramp(const struct explain_work *w, uint16_t index);
void explain_tell_ramps(struct explain_work *w);
/* Of any answer: */
void explain_ttl(struct explain_work *w);   /* explain_tiers.c */
void explain_scope(struct explain_work *w); /* explain_class.c: for whom the answer holds */

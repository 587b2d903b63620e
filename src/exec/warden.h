/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is left to do when the process that runs commands is killed itself: the kernel ends its commands with
 * it, but not what those have started. A second process, which does nothing but wait for that moment, kills
 * their groups. Whoever kills both leaves those behind. Used by serve.c only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct warden;

/* Begins to wait for the end of the calling process; for so many groups at a time. NULL: there can be none,
 * and commands run without. */
struct warden *warden_new(size_t count);
/* It has ended: another one, if it was it. Returns whether it was. */
bool warden_renew(struct warden *warden, pid_t pid);
/* The group of a process of ours, which was not waited for; until it is forgotten. Returns where it is kept;
 * -1: nowhere. */
ptrdiff_t warden_keep(struct warden *warden, pid_t group);
void warden_forget(struct warden *warden, ptrdiff_t at);
void warden_free(struct warden *warden); /* ends it, without a kill */

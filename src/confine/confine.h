/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What this process takes away from itself, so that who takes it over has little: identity and capabilities
 * by libcap-ng (capabilities(7)), files by landlock(7), system calls by libseccomp (seccomp(2)). All of it is
 * for good. */
#pragma once

#include <stddef.h>

/* The process becomes this user, with the groups of that one. What is left of privileges are
 * CAP_NET_BIND_SERVICE and CAP_NET_RAW (low ports and pings, also after a reload), which programs that it
 * starts inherit. Nobody else's thread may be there yet. Somebody without privileges can become only who they
 * are. 0; ERROR_NOT_FOUND: there is no such user; -errno. */
int confine_become(const char *user);
/* The calling process, which one that did so has started, keeps none of that. 0 or -errno. */
int confine_drop_inherited(void);
/* No program that is started from now on, by this process or by one of those, gets more than this process
 * has: bits and capabilities of files do not count (PR_SET_NO_NEW_PRIVS). 0 or -errno. */
int confine_no_new_privileges(void);
/* Memory of the process that can be written never becomes executable; not for programs that it starts.
 * -EINVAL: a kernel before 6.6. */
int confine_memory(void);
/* The calling thread, those that it starts from now on, and their programs write, make, move and remove files
 * only below these folders (a file may be named, too; what is not there is left out), as they are now: one
 * that is put in their place, or mounted there, is none of them. Needs confine_no_new_privileges(). 0;
 * -ENOSYS: the kernel has no Landlock; -errno. */
int confine_writing(const char *const *paths, size_t count);
/* The calling thread has no capability any more, and may only do what a thread does that answers queries:
 * send and receive, accept, wait, take memory that is not executable, end. Of files it can write to standard
 * error alone. It cannot open a file, make a socket, start a program, or look
 * into another process; what it asks beyond fails with EPERM, and the thread goes on. Other threads are as
 * they were. 0; -ENOSYS: built with a sanitizer, which needs more; -errno: what the kernel says (-EINVAL: it
 * has no such filters). */
int confine_answering(void);
/* Would that do what it says? In a thread of its own. */
int confine_try_answering(void);

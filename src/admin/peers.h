/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is at the other end of a connection, by the kernel's word. The number is known at once; its name may
 * come from LDAP, which takes as long as it takes: a thread of its own asks for it, and until it knows,
 * the number stands alone. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct peers;

/* Begins to look up the names that are asked for most: root's and that of this process. Returns owned. */
struct peers *peers_new(void);
/* Does not wait for a look-up that is under way. NULL is fine. */
void peers_free(struct peers *peers);

/* "uid:1000(alice)", "uid:1000" as long as the name is not known or if there is none; "unknown" if the kernel
 * does not say. Returns text. */
const char *peers_write(struct peers *peers, int fd, char *text, size_t size);
/* Of a number. */
const char *peers_write_uid(struct peers *peers, uid_t uid, char *text, size_t size);

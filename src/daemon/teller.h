/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread that tells of what a change of much left untold: in turns at the health lock, so that neither
 * prober nor control thread is busy with it, and neither waits for it. */
#pragma once

struct server;
struct teller;

/* 0 and owned, or -errno. */
int teller_open(struct server *server, struct teller **teller);
/* When everything is told. NULL is fine. */
void teller_close(struct teller *teller);
/* There is something to tell. By any thread, under any lock: waits for nothing. */
void teller_wake(struct teller *teller);

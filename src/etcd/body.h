/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Requests as etcd's JSON gateway reads them: base64 for keys and values, int64 as strings. Pure. */
#pragma once

#include "etcd/etcd.h"

struct buffer;

/* Returns 0 and whether it may change anything, or ERROR_INVALID or ERROR_TOO_LARGE and *why (static). */
int etcd_write_txn(const struct etcd_request *request, struct buffer *body, bool *is_write, const char **why);
void etcd_write_grant(int64_t ttl_s, struct buffer *body);
void etcd_write_compact(int64_t revision, struct buffer *body);
void etcd_write_lease(int64_t lease, struct buffer *body); /* to keep or revoke it */
void etcd_write_watch(const char *prefix, int64_t from_revision, struct buffer *body);
void etcd_write_beat(const char *key, struct buffer *body); /* is it there? */
void etcd_write_login(const char *user, const char *password, struct buffer *body);

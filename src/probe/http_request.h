/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an http check says: kept without the address where that is all in which checks differ, so that they
 * share it. Pure. */
#pragma once

#include "probe/check.h"

/* Host is the authority of the target: RFC 9110 section 7.2, RFC 3986 section 3.2.2 for the brackets. Returns
 * text. */
enum { HTTP_HOST_SIZE = ADDR_TEXT_SIZE };
const char *http_request_write_host(const struct addr_port *at, bool is_tls, char text[HTTP_HOST_SIZE]);
/* Is a field among these lines? NULL: there are none. */
bool http_request_has_field(const char *lines, const char *name);

/* Fills request, request_len, host_at and host_len. */
void http_request_prepare(struct check_ask *ask, const struct probe_target *target, struct arena *arena);
/* All request_len octets of it, which may be in the scratch. */
const char *http_request_write(const struct check *check, struct check_scratch *scratch);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A record as a message of dnstap (dnstap.proto, dnstap.info). Pure. Private to tap. */
#pragma once

#include "tap/options.h"
#include "tap/record.h"

#include <stddef.h>
#include <stdint.h>

/* The numbers of the schema. */
enum dnstap_type { DNSTAP_AUTH_QUERY = 1, DNSTAP_AUTH_RESPONSE = 2 };

/* Octets for any record: a query, an answer and what is said of them. */
enum { DNSTAP_MESSAGE_MAX = 2 * 65536 + 8192 };

#define DNSTAP_CONTENT_TYPE "protobuf:dnstap.Dnstap"

/* Both buffers have DNSTAP_MESSAGE_MAX octets; `scratch` is used meanwhile. Returns the length of the message
 * in `to`, or 0: it does not fit, which no record does. */
size_t dnstap_encode(const struct tap_record *record, enum dnstap_type type,
                     const struct tap_options *options, uint8_t *to, uint8_t *scratch);

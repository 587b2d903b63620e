/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A message as a reader without mercy sees it (RFC 1035 section 4.1). Shares no code with what writes
 * messages, and takes nothing for granted. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* NULL, or what is wrong: counts that are not those of the records, octets behind the last one, a name that
 * is too long or ends nowhere, a pointer that leads anywhere but to the begin of a label of an earlier name,
 * compression where it is not allowed (RFC 3597 section 4), rdata that are longer or shorter than their
 * length, OPT or TSIG where they must not be. */
const char *strict_find_fault(const uint8_t *bytes, size_t len);

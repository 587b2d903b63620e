/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Preparing a name for look-up. */
#include "config.h"

#include "dns/key.h"

size_t dns_key_fill(struct dns_key *key, const uint8_t *wire, size_t max)
{
    return dns_key_read(key, wire, max);
}

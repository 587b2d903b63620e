/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Query types for callers that know no DNS. */
#include "config.h"

#include "operate/operate.h"

#include "dns/types.h"

int operate_parse_type(const char *text, uint16_t *type)
{
    return dns_parse_type(text, type);
}

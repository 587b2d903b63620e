/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names of vantages, and versions of the protocol, that are good. */
#include "config.h"

#include "fleet/message.h"

#include <string.h>

bool fleet_speaks(uint32_t version)
{
    return version != 0 && version + 1 >= FLEET_VERSION && version <= FLEET_VERSION + 1;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool fleet_is_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        if (!is_letter(name[i]) && (i == 0 || i == len - 1 || strchr("-_.", name[i]) == NULL)) {
            return false;
        }
    }
    return len != 0 && len <= FLEET_NAME_MAX;
}

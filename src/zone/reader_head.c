/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the head of a record and of $GENERATE, and $TTL, consist of: TTL and class. */
#include "config.h"

#include "zone/reader_internal.h"

#include "base/error.h"

#include <string.h>
#include <strings.h>

int zone_read_ttl(struct zone_reader *reader, const struct zone_token *token, uint32_t *ttl)
{
    char shown[ZONE_SHOW_SIZE];
    if ((token->flags & ZONE_TOKEN_QUOTED) != 0 || token->len == 0 || token->text[0] < '0' ||
        token->text[0] > '9') {
        return ERROR_NOT_FOUND;
    }
    int code = zone_parse_period(token, ttl);
    if (code == ERROR_SYNTAX) {
        return zone_fail(reader, token, "%s is not a TTL; expected seconds or a period such as 1h30m",
                         zone_show(token, shown));
    }
    if (code != 0 || *ttl > ZONE_TTL_MAX) {
        return zone_fail(reader, token, "the TTL %s is above 2147483647", zone_show(token, shown));
    }
    return 0;
}

static bool is_class_number(const struct zone_token *token, const char *number)
{
    char text[16];
    return token->len > 5 && strncasecmp(token->text, "CLASS", 5) == 0 && token->flags == 0 &&
           zone_token_copy(token, text, sizeof text) && (number == NULL || strcmp(text + 5, number) == 0);
}

/* Asked of every type of a record without a class: the length tells nearly all of them apart. */
static bool is_other_class(const struct zone_token *token)
{
    switch (token->len) {
    case 2: return zone_token_is(token, "ch") || zone_token_is(token, "hs") || zone_token_is(token, "cs");
    case 3: return zone_token_is(token, "any");
    case 4: return zone_token_is(token, "none");
    default: return is_class_number(token, NULL);
    }
}

int zone_read_class(struct zone_reader *reader, const struct zone_token *token)
{
    char shown[ZONE_SHOW_SIZE];
    if (token->len == 2 ? zone_token_is(token, "in") : is_class_number(token, "1")) {
        return 0;
    }
    if (!is_other_class(token)) {
        return ERROR_NOT_FOUND;
    }
    return zone_fail(reader, token, "class %s; only IN is served", zone_show(token, shown));
}

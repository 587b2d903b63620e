/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See challenge.h. */
#include "config.h"

#include "daemon/challenge.h"

#include "base/error.h"
#include "base/memory.h"
#include "daemon/stored.h"
#include "dns/name.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

bool challenge_is_value(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t len = strnlen(text, CHALLENGE_VALUE_SIZE);
    return len == ANSWER_CHALLENGE_LEN && strspn(text, letters) == len;
}

char *challenge_write_key(const char *name, const char *value)
{
    return memory_print("%s/%s", name, value);
}

int challenge_read_key(const char *key, char **name, char value[CHALLENGE_VALUE_SIZE])
{
    const char *slash = strrchr(key, '/');
    uint8_t wire[255];
    *name = NULL;
    if (slash == NULL || slash == key || !challenge_is_value(slash + 1)) {
        return ERROR_SYNTAX;
    }
    char *text = memory_copy(key, (size_t)(slash - key) + 1);
    text[slash - key] = '\0';
    if (dns_name_parse(text, NULL, wire) < 0) {
        free(text);
        return ERROR_SYNTAX;
    }
    memcpy(value, slash + 1, CHALLENGE_VALUE_SIZE);
    *name = text;
    return 0;
}

char *challenge_write(const struct challenge_value *value)
{
    json_t *object = json_object();
    stored_set_time(object, "set", value->set_ms);
    stored_set_time(object, "expires", value->expires_ms);
    stored_set_text(object, "actor", value->actor);
    stored_set_text(object, "peer", value->peer);
    stored_set_text(object, "reason", value->reason);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static void read_object(struct stored_reading *r, struct challenge_value *value)
{
    stored_need(r, "expires", "\"expires\" is missing");
    value->set_ms = stored_get_time(r, "set", "\"set\" is no time");
    value->expires_ms = stored_get_time(r, "expires", "\"expires\" is no time");
    stored_get_text(r, "actor", value->actor, sizeof value->actor, "\"actor\" is no name");
    stored_get_text(r, "peer", value->peer, sizeof value->peer, "\"peer\" is no name");
    stored_get_text(r, "reason", value->reason, sizeof value->reason, "\"reason\" is no text");
    if (r->found != json_object_size(r->object)) {
        stored_fail(r, "it has something that this version does not know");
    }
}

int challenge_read(const char *key, const char *text, char **name, struct challenge_value *value,
                   const char **why)
{
    *value = (struct challenge_value){.value = ""};
    *why = "its key is none of a challenge";
    if (challenge_read_key(key, name, value->value) != 0) {
        return ERROR_SYNTAX;
    }
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct stored_reading reading = {.object = object};
    if (json_is_object(object)) {
        read_object(&reading, value);
    } else {
        reading.why = "it is no JSON object";
    }
    json_decref(object);
    *why = reading.why;
    if (*why != NULL) {
        free(*name);
        *name = NULL;
    }
    return *why == NULL ? 0 : ERROR_SYNTAX;
}

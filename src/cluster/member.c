/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See member.h. */
#include "config.h"

#include "cluster/member.h"

#include "cluster/json.h"

#include <stdio.h>

static const char times[] = "a time: expected milliseconds";

char *cluster_write_member(const struct cluster_member *member)
{
    json_t *object = json_object();
    if (member->is_removed) {
        json_object_set_new(object, "removed", json_true());
    } else {
        json_set_word(object, "id", member->id);
    }
    json_set_time(object, "at", member->at_ms);
    json_put_text(object, "by", member->by);
    return json_finish(object);
}

int cluster_read_member(const char *text, size_t len, struct cluster_member *member)
{
    struct json_reading reading;
    *member = (struct cluster_member){.id = 0};
    json_open(&reading, text, len);
    member->is_removed = json_find_flag(&reading, "removed", "\"removed\": expected true or false");
    if (!member->is_removed) {
        member->id = json_get_word(&reading, "id", "\"id\": expected 16 hexadecimal digits");
        if (member->id == 0) {
            json_fail(&reading, "\"id\": expected another one than 0");
        }
    }
    member->at_ms = json_find_time(&reading, "at", times);
    const char *by = json_get_text(&reading, "by", "\"by\": expected a text");
    snprintf(member->by, sizeof member->by, "%s", cluster_is_name(by) ? by : "");
    return json_close(&reading, NULL);
}

char *cluster_write_invite(const struct cluster_invite *invite)
{
    json_t *object = json_object();
    json_set_hex(object, "sha256", invite->hash, sizeof invite->hash);
    json_set_time(object, "until", invite->until_ms);
    json_object_set_new(object, "replaces", json_boolean(invite->replaces));
    json_set_time(object, "used", invite->used_ms);
    return json_finish(object);
}

int cluster_read_invite(const char *text, size_t len, struct cluster_invite *invite)
{
    struct json_reading reading;
    *invite = (struct cluster_invite){.until_ms = 0};
    json_open(&reading, text, len);
    json_get_hex(&reading, "sha256", invite->hash, sizeof invite->hash,
                 "\"sha256\": expected 64 hexadecimal digits");
    invite->until_ms = json_find_time(&reading, "until", times);
    invite->used_ms = json_find_time(&reading, "used", times);
    invite->replaces = json_find_flag(&reading, "replaces", "\"replaces\": expected true or false");
    return json_close(&reading, NULL);
}

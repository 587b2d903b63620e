/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See share.h. A record is {"first", "last", "is", "events": [{"at", "key", "text"}]}. */
#include "config.h"

#include "herald/share.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/hex.h"
#include "post/frame.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    NEAR_MS = 5000,   /* two servers see the same within that */
    ALONE_MS = 60000, /* what was not recorded though events so much later were nobody else sees */
    ROOM = 4096,      /* of a body, around its events */
};

/* ---- what an event is ---- */

/* What each server makes of what all see; the rest happens to one of them. */
static bool is_shared(const json_t *event)
{
    static const char *const kinds[] = {"health", "override", "failback", "hold",       "rule",
                                        "ramp",   "incident", "brake",    "certificate"};
    const char *kind = json_string_value(json_object_get(event, "kind"));
    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kind, kinds[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool share_concerns(const char *text, size_t len)
{
    json_t *event = json_loadb(text, len, 0, NULL);
    bool is = is_shared(event);
    json_decref(event);
    return is;
}

static uint64_t hash_member(uint64_t hash, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? hash_bytes(hash, "\1", 1) : hash_bytes(hash, text, strlen(text) + 1);
}

/* Kind, object and what became of it. Not what it was, times and figures, and not the name of an incident,
 * which each server gives. */
static uint64_t find_key(const char *text, size_t len)
{
    static const char *const members[] = {"turn",  "target",  "observed", "effective",
                                          "state", "percent", "check",    "family"};
    json_t *event = json_loadb(text, len, 0, NULL);
    const json_t *body = json_object_get(event, "body");
    const char *kind = json_string_value(json_object_get(event, "kind"));
    uint64_t hash = hash_member(HASH_START, event, "kind");
    if (kind == NULL || strcmp(kind, "incident") != 0) {
        hash = hash_member(hash, event, "name");
    }
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        hash = hash_member(hash, body, members[i]);
    }
    json_decref(event);
    return hash_finish(hash);
}

static bool are_near(int64_t a_ms, int64_t b_ms)
{
    return a_ms - b_ms < NEAR_MS && b_ms - a_ms < NEAR_MS;
}

/* ---- held and seen ---- */

static bool take_seen(struct share *share, uint64_t key, int64_t wall_ms)
{
    for (size_t i = 0; i < share->seen_count; i++) {
        if (share->seen[i].key == key && are_near(share->seen[i].wall_ms, wall_ms)) {
            memmove(&share->seen[i], &share->seen[i + 1],
                    (share->seen_count - i - 1) * sizeof share->seen[0]);
            share->seen_count--;
            return true;
        }
    }
    return false;
}

static void see(struct share *share, uint64_t key, int64_t wall_ms)
{
    if (share->seen_count == SHARE_SEEN_MAX) { /* the oldest has had its time */
        memmove(&share->seen[0], &share->seen[1], (SHARE_SEEN_MAX - 1) * sizeof share->seen[0]);
        share->seen_count--;
    }
    share->seen[share->seen_count++] = (struct share_seen){key, wall_ms};
}

static bool drop_held(struct share *share, uint64_t key, int64_t wall_ms)
{
    for (size_t i = 0; i < share->held.count; i++) {
        const struct letter *letter = share->held.items[i];
        if (are_near(letter->wall_ms, wall_ms) && find_key(letter->text, letter->len) == key) {
            letters_drop(&share->held, i, 1);
            return true;
        }
    }
    return false;
}

void share_take(struct share *share, struct letter *letter)
{
    if (share->seen_count != 0 && take_seen(share, find_key(letter->text, letter->len), letter->wall_ms)) {
        return;
    }
    if (share->held.count == SHARE_HELD_MAX) {
        letters_drop(&share->held, 0, 1);
        share->lost++;
    }
    letters_add(&share->held, letter_hold(letter));
}

void share_find_alone(struct share *share, struct letters *to)
{
    size_t count = 0;
    while (count < share->held.count && share->held.items[count]->wall_ms + ALONE_MS < share->latest_ms) {
        count++;
    }
    letters_move(&share->held, count, to);
}

/* ---- records ---- */

static void add_event(struct buffer *text, const struct letter *letter)
{
    json_t *one = json_string(letter->text);
    char *quoted = json_dumps(one, JSON_ENCODE_ANY | JSON_COMPACT);
    buffer_print(text, "{\"at\":%" PRId64 ",\"key\":\"%016" PRIx64 "\",\"text\":%s}", letter->wall_ms,
                 find_key(letter->text, letter->len), quoted);
    free(quoted);
    json_decref(one);
}

static void write_record(const struct share *share, const char *is, struct buffer *text)
{
    buffer_print(text, "{\"first\":%" PRIu64 ",\"last\":%" PRIu64 ",\"is\":\"%s\",\"events\":[",
                 share->open.items[0]->seq, share->last, is);
    for (size_t i = 0; i < share->open.count && strcmp(is, "open") == 0; i++) {
        buffer_add_text(text, i == 0 ? "" : ",");
        add_event(text, share->open.items[i]);
    }
    buffer_add_text(text, "]}");
}

/* Its number among all that is shared stands in its text, too: receivers know it by that. */
static struct letter *number_letter(const struct share *share, const struct letter *letter, uint64_t number)
{
    static const char head[] = "{\"seq\":";
    size_t at = sizeof head - 1;
    struct buffer text;
    buffer_init(&text);
    if (strncmp(letter->text, head, at) == 0) {
        at += strspn(letter->text + at, "0123456789");
        buffer_print(&text, "%s%" PRIu64, head, number);
    } else {
        at = 0;
    }
    buffer_add(&text, letter->text + at, letter->len - at);
    struct letter *made = letter_make(share->run, number, letter->wall_ms, text.bytes, text.len);
    buffer_fini(&text);
    return made;
}

/* Numbers go on from the latest record's; and none comes again where that was lost. */
bool share_record(struct share *share, size_t batch, int64_t wall_ms, struct buffer *text)
{
    size_t len = ROOM;
    uint64_t number = share->last < (uint64_t)wall_ms ? (uint64_t)wall_ms : share->last + 1;
    if (share->open.count != 0 || share->held.count == 0) {
        return false;
    }
    while (share->open.count < batch && share->open.count < share->held.count) {
        const struct letter *letter = share->held.items[share->open.count];
        len += letter->len + 1;
        if (share->open.count != 0 && len > POST_BODY_MAX) {
            break;
        }
        letters_add(&share->open, number_letter(share, letter, number++));
        share->latest_ms = letter->wall_ms > share->latest_ms ? letter->wall_ms : share->latest_ms;
    }
    letters_drop(&share->held, 0, share->open.count);
    share->before = share->last;
    share->last = number - 1;
    share->is_mine = true;
    write_record(share, "open", text);
    return true;
}

void share_undo(struct share *share)
{
    letters_put_before(&share->held, &share->open);
    share->last = share->before;
    share->is_mine = false;
}

void share_end(struct share *share, struct buffer *text)
{
    write_record(share, "over", text);
    letters_drop(&share->open, 0, share->open.count);
    share->is_mine = false;
}

static void hear_event(struct share *share, const json_t *event, uint64_t number)
{
    const char *text = json_string_value(json_object_get(event, "text")),
               *digits = json_string_value(json_object_get(event, "key"));
    int64_t at_ms = json_integer_value(json_object_get(event, "at"));
    uint64_t key;
    if (text == NULL || digits == NULL || !hex_read_word(digits, &key)) {
        return;
    }
    letters_add(&share->open, letter_make(share->run, number, at_ms, text, strlen(text)));
    share->latest_ms = at_ms > share->latest_ms ? at_ms : share->latest_ms;
    if (!drop_held(share, key, at_ms) && at_ms >= share->since_ms) {
        see(share, key, at_ms);
    }
}

static void hear(struct share *share, const json_t *record)
{
    uint64_t first = (uint64_t)json_integer_value(json_object_get(record, "first")),
             last = (uint64_t)json_integer_value(json_object_get(record, "last"));
    const json_t *events = json_object_get(record, "events"), *event;
    const char *is = json_string_value(json_object_get(record, "is"));
    size_t i;
    bool is_known = share->open.count != 0 && share->open.items[0]->seq == first && share->last == last;
    bool is_open = strcmp(is, "open") == 0;
    if (!is_known && is_open && share->is_mine) {
        share_undo(share); /* somebody else works by now */
    }
    if ((is_known && is_open) || (!is_known && last <= share->last)) {
        return; /* this server's own, or heard before */
    }
    letters_drop(&share->open, 0, share->open.count);
    share->is_mine = false;
    share->last = last;
    json_array_foreach(events, i, event)
    {
        hear_event(share, event, first + i);
    }
}

int share_hear(struct share *share, const char *text)
{
    json_t *record = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool good =
        json_is_string(json_object_get(record, "is")) && json_is_integer(json_object_get(record, "first")) &&
        json_is_integer(json_object_get(record, "last")) && json_is_array(json_object_get(record, "events"));
    if (good) {
        hear(share, record);
    }
    json_decref(record);
    return good ? 0 : ERROR_SYNTAX;
}

void share_fini(struct share *share)
{
    letters_fini(&share->held);
    letters_fini(&share->open);
}

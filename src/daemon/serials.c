/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See serials.h. A line for each zone: its origin, the fingerprint of what copies hold, and the serial. */
#include "config.h"

#include "daemon/serials.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/hex.h"
#include "base/number.h"
#include "base/serial.h"
#include "conf/keytable.h"
#include "dns/name.h"
#include "fleet/link.h"
#include "health/opinion.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { TURN_MAX = 64 }; /* zones of a message: names may be long */
_Static_assert(TURN_MAX *(DNS_NAME_TEXT_SIZE + 64) <= FLEET_ORDER_MAX, "a message has to fit");

/* A zone at one node. */
struct served {
    const uint8_t *apex;
    uint64_t fingerprint;
    uint32_t serial;
    uint64_t version; /* of ours: when it became so */
    bool is_due;      /* of others: to be followed */
};

/* All of a node. */
struct shelf {
    struct arena *arena; /* NULL: nothing was said yet */
    struct keytable *table;
    struct served **list;
    size_t count, capacity;
    bool is_due, was_fresh;
};

/* What is to be followed, without the lock: whoever does may say something of ours. */
struct due_list {
    struct due {
        const uint8_t *apex; /* stays for as long as all of it */
        struct keeper_heard heard;
    } * items;
    size_t count, capacity;
};

struct serials {
    pthread_mutex_t lock;
    struct shelf shelves[HEALTH_VANTAGES_MAX]; /* by number; 0: ours */
    uint64_t version;
};

struct serials *serials_new(void)
{
    struct serials *serials = memory_alloc(sizeof *serials);
    pthread_mutex_init(&serials->lock, NULL);
    return serials;
}

void serials_free(struct serials *serials)
{
    if (serials == NULL) {
        return;
    }
    for (size_t i = 0; i < HEALTH_VANTAGES_MAX; i++) {
        if (serials->shelves[i].arena != NULL) {
            arena_free(serials->shelves[i].arena);
        }
        free(serials->shelves[i].list);
    }
    pthread_mutex_destroy(&serials->lock);
    free(serials);
}

static struct served *find(const struct shelf *shelf, const uint8_t *apex)
{
    return shelf->arena == NULL ? NULL : keytable_find(shelf->table, apex, dns_name_len(apex, DNS_NAME_MAX));
}

static struct served *get(struct shelf *shelf, const uint8_t *apex)
{
    size_t len = dns_name_len(apex, DNS_NAME_MAX);
    struct served *served = find(shelf, apex);
    if (served != NULL) {
        return served;
    }
    if (shelf->arena == NULL) {
        shelf->arena = arena_new(0);
        shelf->table = keytable_new(shelf->arena);
    }
    served = arena_alloc(shelf->arena, sizeof *served);
    served->apex = arena_copy(shelf->arena, apex, len);
    (void)keytable_add(shelf->table, served->apex, len, served);
    shelf->list = memory_grow(shelf->list, shelf->count, &shelf->capacity, sizeof(struct served *));
    shelf->list[shelf->count++] = served;
    return served;
}

/* ---- ours ---- */

bool serials_set(struct serials *serials, const uint8_t *apex, uint64_t fingerprint, uint32_t serial)
{
    pthread_mutex_lock(&serials->lock);
    struct served *served = get(&serials->shelves[0], apex);
    bool is_other = served->version == 0 || served->fingerprint != fingerprint || served->serial != serial;
    if (is_other) {
        served->fingerprint = fingerprint;
        served->serial = serial;
        served->version = ++serials->version;
    }
    pthread_mutex_unlock(&serials->lock);
    return is_other;
}

/* Of those that became so after `told` and up to a moment. */
static void write_news(const struct shelf *shelf, uint64_t told, uint64_t until, struct buffer *text)
{
    char origin[DNS_NAME_TEXT_SIZE];
    for (size_t i = 0; i < shelf->count; i++) {
        const struct served *served = shelf->list[i];
        if (served->version > told && served->version <= until) {
            buffer_print(text, "%s %016" PRIx64 " %" PRIu32 "\n", dns_name_write(served->apex, origin),
                         served->fingerprint, served->serial);
        }
    }
}

void serials_tell(struct serials *serials, struct fleet_link *link, uint64_t *told)
{
    for (bool goes_on = true; goes_on;) {
        struct buffer text;
        buffer_init(&text);
        pthread_mutex_lock(&serials->lock);
        uint64_t until = serials->version - *told > TURN_MAX ? *told + TURN_MAX : serials->version;
        write_news(&serials->shelves[0], *told, until, &text);
        goes_on = until != serials->version;
        pthread_mutex_unlock(&serials->lock);
        bool is_told = text.len == 0 ||
                       fleet_link_say(link, fleet_link_connection(link),
                                      &(struct fleet_message){.kind = FLEET_SERIALS, .serials = text.bytes});
        *told = is_told ? until : *told;
        goes_on = goes_on && is_told;
        buffer_fini(&text);
    }
}

/* ---- theirs ---- */

static bool parse_line(char *line, uint8_t apex[DNS_NAME_MAX], struct served *to)
{
    uint64_t number;
    char *rest = NULL, *origin = strtok_r(line, " ", &rest);
    char *fingerprint = strtok_r(NULL, " ", &rest), *serial = strtok_r(NULL, " ", &rest);
    int len = serial == NULL ? -1 : dns_name_parse(origin, NULL, apex);
    if (len < 0) {
        return false;
    }
    dns_name_lower(apex, (size_t)len);
    bool is_good =
        hex_read_word(fingerprint, &to->fingerprint) && number_read(serial, 10, UINT32_MAX, &number);
    to->serial = is_good ? (uint32_t)number : 0;
    return is_good;
}

void serials_hear(struct serials *serials, unsigned number, const char *text)
{
    if (number == 0 || number >= HEALTH_VANTAGES_MAX) {
        return;
    }
    char *copy = memory_copy_text(text), *rest = NULL;
    pthread_mutex_lock(&serials->lock);
    struct shelf *shelf = &serials->shelves[number];
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        uint8_t apex[DNS_NAME_MAX];
        struct served said = {.serial = 0};
        if (parse_line(line, apex, &said)) {
            struct served *served = get(shelf, apex);
            served->fingerprint = said.fingerprint;
            served->serial = said.serial;
            served->is_due = shelf->is_due = true;
        }
    }
    pthread_mutex_unlock(&serials->lock);
    free(copy);
}

/* Does anybody who is there have that serial, or a newer one? */
static bool is_held(const struct serials *serials, const bool *is_fresh, const struct served *served)
{
    for (size_t i = 1; i < HEALTH_VANTAGES_MAX; i++) {
        const struct served *other = is_fresh[i] ? find(&serials->shelves[i], served->apex) : NULL;
        if (other != NULL && !serial_is_newer(served->serial, other->serial)) {
            return true;
        }
    }
    return false;
}

/* Of one node, what is to be followed. */
static void list_due(struct serials *serials, size_t number, const bool *is_fresh, struct due_list *list)
{
    struct shelf *shelf = &serials->shelves[number];
    bool is_gone = shelf->was_fresh && !is_fresh[number];
    for (size_t i = 0; i < shelf->count && (shelf->is_due || is_gone); i++) {
        struct served *served = shelf->list[i];
        if (served->is_due || is_gone) {
            bool is_last = !is_fresh[number] && !is_held(serials, is_fresh, served);
            list->items = memory_grow(list->items, list->count, &list->capacity, sizeof *list->items);
            list->items[list->count++] =
                (struct due){served->apex, {served->fingerprint, served->serial, is_last}};
        }
        served->is_due = false;
    }
    shelf->is_due = false;
    shelf->was_fresh = is_fresh[number];
}

void serials_follow(struct serials *serials, const bool *is_fresh, serials_follow_fn *follow, void *context)
{
    struct due_list list = {.items = NULL};
    pthread_mutex_lock(&serials->lock);
    for (size_t i = 1; i < HEALTH_VANTAGES_MAX; i++) {
        list_due(serials, i, is_fresh, &list);
    }
    pthread_mutex_unlock(&serials->lock);
    for (size_t i = 0; i < list.count; i++) {
        follow(context, list.items[i].apex, &list.items[i].heard);
    }
    free(list.items);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * file: another program writes what is up and what is down into a file, which is followed by a thread of its
 * own (sheet/sheets.h); a check looks into what that has read, and ends at once. Only before the file was
 * read for the first time it waits. When the file changes those checks are due that it says something else
 * of.
 *
 * That there is nothing to look into, or that it is too old, is a matter of this host and of who writes, not
 * of the endpoint: local_error. */
#include "config.h"

#include "base/buffer.h"
#include "base/memory.h"
#include "exec/ask.h"
#include "probe/check.h"
#include "probe/document.h"
#include "probe/engine_inside.h"
#include "sheet/sheets.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What all of them share: the bell that rings when a file has changed, and who waits for one to be read. */
struct looks {
    struct engine *engine;
    void (*heard)(void *flight, const void *bytes, size_t len);
    int fd; /* -1: there is none */
    struct event *event;
    struct flight *waiting;
};

/* ---- targets ---- */

/* The request is the path and the key, but for the address. */
static void prepare(struct check *check, struct check_ask *ask, const struct probe_target *target,
                    struct arena *arena)
{
    const struct probe_file *file = target->file;
    const struct exec_names names = {.endpoint = file->endpoint, .host = file->host};
    struct sheet_ask given;
    struct buffer texts;
    buffer_init(&texts);
    buffer_add(&texts, file->ask->path, strlen(file->ask->path) + 1);
    size_t key_at = texts.len;
    exec_fill(file->key != NULL ? file->key : file->ask->key, &names, &texts);
    buffer_add(&texts, "", 1);
    ask->request = arena_share(arena, texts.bytes, texts.len);
    ask->request_len = (uint32_t)texts.len;
    memcpy(&given, file->ask, sizeof given);
    given.path = given.key = NULL;
    ask->file = arena_share(arena, &given, sizeof given);
    document_prepare(ask, target, arena);
    check_make_own(check, arena)->file = arena_alloc(arena, sizeof(struct check_file));
    if (check->own->turns == NULL && strchr(ask->request + key_at, '%') == NULL) {
        check->at = (struct addr_port){.port = 0}; /* of whatever address, it is the same */
    }
    buffer_fini(&texts);
}

static const char *get_key(const struct check *check)
{
    return check->ask->request + strlen(check->ask->request) + 1;
}

static bool is_same(const struct check *a, const struct check *b)
{
    const struct sheet_ask *one = a->ask->file, *other = b->ask->file;
    return one->format == other->format && one->absent == other->absent &&
           one->max_age_ms == other->max_age_ms && document_is_same(a->ask, b->ask);
}

static void carry(struct check *from, struct check *to)
{
    to->own->said = from->own->said;
    *to->own->file = *from->own->file;
    from->own->said = NULL;
    from->own->file->sheet = NULL;
}

static void drop(struct check *check)
{
    free(check->own->said);
    check->own->said = NULL;
    sheet_release(check->own->file->sheet);
    check->own->file->sheet = NULL;
}

/* ---- what is looked for ---- */

enum { KEY_SIZE = SHEET_KEY_MAX + 1 };

/* Returns false if it is longer than any name in a file. */
static bool write_key(const struct check *check, char key[KEY_SIZE])
{
    char address[ADDR_TEXT_SIZE] = "";
    struct buffer text;
    if (check->at.addr.family != ADDR_NONE) {
        addr_write(&check->at.addr, address);
    }
    const struct exec_names names = {.address = address,
                                     .endpoint = address, /* those that are left have none of their own */
                                     .host = address,
                                     .family = check->at.addr.family == ADDR_V4 ? "4" : "6"};
    buffer_init(&text);
    exec_fill(get_key(check), &names, &text);
    bool fits = text.len < KEY_SIZE;
    snprintf(key, KEY_SIZE, "%.*s", (int)text.len, text.len == 0 ? "" : text.bytes);
    buffer_fini(&text);
    sheet_write_key(key);
    return fits;
}

/* The host name of the endpoint leads to no address, and the key has one in it. */
static bool lacks_address(const struct check *check)
{
    const struct check_turns *turns = check->own->turns;
    return turns != NULL && turns->address_count == 0 && strchr(get_key(check), '%') != NULL;
}

static bool is_news(struct check *check)
{
    struct check_file *file = check->own->file;
    char key[KEY_SIZE];
    uint64_t version = file->sheet == NULL ? 0 : sheet_get_version(file->sheet);
    if (file->sheet == NULL || version == file->version) {
        return false;
    }
    (void)write_key(check, key);
    if (sheet_look(file->sheet, key, check->ask->file->max_age_ms) != file->mark) {
        return true;
    }
    file->version = version;
    return false;
}

/* ---- one look ---- */

static void say(struct check *check, const char *text)
{
    free(check->own->said);
    check->own->said = text[0] == '\0' ? NULL : memory_print("%.*s", PROBE_TEXT_MAX, text);
}

static void wait_for_file(struct flight *flight)
{
    struct looks *looks = flight->shared;
    flight->file.next = looks->waiting;
    flight->file.link = &looks->waiting;
    if (looks->waiting != NULL) {
        looks->waiting->file.link = &flight->file.next;
    }
    looks->waiting = flight;
}

static void stop_waiting(struct flight *flight)
{
    if (flight->file.link != NULL) {
        *flight->file.link = flight->file.next;
        if (flight->file.next != NULL) {
            flight->file.next->file.link = flight->file.link;
        }
        flight->file.link = NULL;
    }
}

static int begin(struct flight *flight)
{
    struct check *check = flight->check;
    struct sheets *sheets = flight->engine->hooks.sheets;
    if (check->own->file->sheet == NULL && sheets != NULL) {
        check->own->file->sheet = sheets_hold(sheets, check->ask->request, check->ask->file->format);
    } else if (check->own->file->sheet != NULL) {
        sheet_follow(check->own->file->sheet);
    }
    flight->stage = FLIGHT_JUDGED;
    flight->end = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = PROBE_CAUSE_FILE};
    return 0; /* advance() looks */
}

static void trace_answer(const struct flight *flight, const char *key, const struct sheet_answer *answer)
{
    static const char *const words[] = {"not read yet", "nothing", "up", "down", "nothing"};
    struct buffer text;
    buffer_init(&text);
    buffer_print(&text, "%s: %s: %s", flight->check->ask->request, key, words[answer->word]);
    if (answer->line != 0) {
        buffer_print(&text, " (line %u)", answer->line);
    }
    if (answer->text[0] != '\0') {
        buffer_print(&text, ", %s", answer->text);
    }
    flight_trace(flight, PROBE_STEP_LOOKED, text.bytes, text.len);
    buffer_fini(&text);
}

static struct check_end judge(const struct check *check, enum sheet_word word)
{
    struct check_end end = {.outcome = HEALTH_OUTCOME_OK};
    bool fails =
        word == SHEET_DOWN || (word == SHEET_UNNAMED && check->ask->file->absent == SHEET_ABSENT_DOWN);
    bool is_well = word == SHEET_UP || (word == SHEET_UNNAMED && check->ask->file->absent == SHEET_ABSENT_UP);
    if (fails) {
        end.outcome = HEALTH_OUTCOME_REPORTED_DOWN;
    } else if (!is_well) {
        end = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = PROBE_CAUSE_FILE};
    }
    return end;
}

/* A document, for what is looked for in it. */
struct reading {
    const struct check_ask *ask;
    struct check_end *end;
};

static void hear(void *context, const char *text, size_t len)
{
    const struct reading *reading = context;
    document_read(reading->ask, text, len, reading->end);
}

static enum check_progress advance(struct flight *flight, bool readable, struct check_scratch *scratch,
                                   struct check_end *end)
{
    struct check *check = flight->check;
    struct sheet_answer answer = {.word = SHEET_USELESS, .text = "files are looked into by steerd only"};
    char key[KEY_SIZE];
    (void)readable, (void)scratch;
    bool fits = write_key(check, key);
    if (lacks_address(check)) {
        snprintf(answer.text, sizeof answer.text, "the host name leads to no address to look for");
    } else if (check->own->file->sheet != NULL) {
        sheet_find(check->own->file->sheet, key, check->ask->file->max_age_ms, &answer);
    }
    check->own->file->version = answer.version;
    check->own->file->mark = answer.mark; /* also of what was not read in time: it is news when it is */
    if (answer.word == SHEET_UNREAD) {
        if (flight->file.link == NULL) {
            say(check, "the file could not be read in time");
            wait_for_file(flight);
        }
        return CHECK_GOES_ON;
    }
    answer.word = !fits && answer.word != SHEET_USELESS ? SHEET_UNNAMED : answer.word;
    say(check, answer.text);
    if (flight->traced != NULL) {
        trace_answer(flight, key, &answer);
    }
    *end = judge(check, answer.word);
    if (answer.word == SHEET_UP) {
        sheet_read(check->own->file->sheet, hear, &(struct reading){check->ask, end});
    }
    return CHECK_ENDED;
}

/* ---- the bell ---- */

static void on_ring(evutil_socket_t fd, short what, void *context)
{
    struct looks *looks = context;
    uint64_t rings;
    ssize_t got = read(fd, &rings, sizeof rings);
    (void)what, (void)got;
    for (struct flight *flight = looks->waiting, *next; flight != NULL; flight = next) {
        next = flight->file.next; /* this one may end, the others stay */
        looks->heard(flight, NULL, 0);
    }
    engine_hurry(looks->engine);
}

static void *open_looks(struct engine *engine, void (*heard)(void *flight, const void *bytes, size_t len))
{
    struct looks *looks = memory_alloc(sizeof *looks);
    *looks = (struct looks){.engine = engine, .heard = heard, .fd = -1};
    if (engine->hooks.sheets == NULL || (looks->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) == -1) {
        return looks; /* then nothing is due before its time */
    }
    looks->event = event_new(engine->base, looks->fd, EV_READ | EV_PERSIST, on_ring, looks);
    if (looks->event != NULL && event_add(looks->event, NULL) == 0) {
        sheets_listen(engine->hooks.sheets, looks->fd);
    }
    return looks;
}

static void close_looks(void *shared)
{
    struct looks *looks = shared;
    if (looks->event != NULL) {
        event_free(looks->event);
    }
    if (looks->fd != -1) {
        sheets_forget(looks->engine->hooks.sheets, looks->fd);
        (void)close(looks->fd);
    }
    free(looks);
}

static const struct check_shared bell = {.open = open_looks, .close = close_looks};

const struct check_kind check_file = {.shared = &bell,
                                      .has_own_way = true,
                                      .asks_nobody = true,
                                      .prepare = prepare,
                                      .is_same = is_same,
                                      .carry = carry,
                                      .drop = drop,
                                      .is_news = is_news,
                                      .open = begin,
                                      .advance = advance,
                                      .close = stop_waiting};

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See witness.h. What was read of the stream at once waits for readers once. */
#include "config.h"

#include "daemon/witness.h"

#include "daemon/changes.h"
#include "base/memory.h"
#include "base/thread.h"
#include "events/bell.h"
#include "events/stream.h"
#include "view/view.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTES = 1024 /* all regions and azs may be lost at once */, TEXT = 64 };

struct kept_note {
    enum change_kind kind;
    char target[CHANGE_NAME_MAX + 1]; /* "": none */
    struct witness_note what;
};

struct witness {
    const struct clock *clock;
    struct bell bell;
    struct stream_reader reader;
    pthread_t thread;
    bool runs;
    _Atomic bool ends;
    pthread_mutex_t lock; /* of what follows */
    struct kept_note notes[NOTES];
    size_t next;
};

/* The value of a pair of the body, or "". */
static void find_pair(const struct change *change, const char *key, char value[TEXT])
{
    struct change_pair pair;
    const char *at = change->body == NULL ? "" : change->body;
    value[0] = '\0';
    while (change_next_pair(&at, &pair)) {
        if (strcmp(pair.key, key) == 0) {
            snprintf(value, TEXT, "%.63s", pair.value);
        }
    }
}

static bool is_of_interest(const struct change *change)
{
    char one[TEXT], other[TEXT];
    bool is_wide = change->name != NULL &&
                   (strncmp(change->name, "region:", 7) == 0 || strncmp(change->name, "az:", 3) == 0);
    if (is_wide && change->kind == CHANGE_HEALTH) {
        find_pair(change, "effective", one);
        find_pair(change, "effective_was", other);
        return strcmp(one, other) != 0;
    }
    if (is_wide && change->kind == CHANGE_HOLD) {
        find_pair(change, "turn", one);
        return strcmp(one, "allowed") == 0 || strcmp(one, "released") == 0;
    }
    return false;
}

/* What is there, up to as many as are kept. Returns how many. */
static size_t read_changes(struct witness *witness, struct kept_note *news)
{
    size_t count = 0;
    uint64_t missed;
    enum stream_result result;
    while (count < NOTES && (result = stream_read(&witness->reader, &missed)) != STREAM_NOTHING) {
        const struct change *change = &witness->reader.change;
        if (result == STREAM_CHANGE && is_of_interest(change)) {
            news[count].kind = change->kind;
            news[count].what.at_ms = change->wall_ms;
            snprintf(news[count].target, sizeof news[count].target, "%s", change->name);
            count++;
        }
    }
    return count;
}

static void take_news(struct witness *witness, struct kept_note *news)
{
    size_t count = read_changes(witness, news);
    while (count != 0) {
        view_synchronize();
        int64_t wall_ms = clock_wall_ms(witness->clock);
        pthread_mutex_lock(&witness->lock);
        for (size_t i = 0; i < count; i++) {
            news[i].what.published_ms = wall_ms > news[i].what.at_ms ? wall_ms : news[i].what.at_ms;
            witness->notes[witness->next] = news[i];
            witness->next = (witness->next + 1) % NOTES;
        }
        pthread_mutex_unlock(&witness->lock);
        count = read_changes(witness, news);
    }
}

static void *run(void *argument)
{
    struct witness *witness = argument;
    struct pollfd bell = {.fd = witness->bell.fd, .events = POLLIN};
    struct kept_note *news = memory_alloc_array(NOTES, sizeof *news);
    pthread_setname_np(pthread_self(), "witness");
    while (!atomic_load(&witness->ends)) {
        take_news(witness, news);
        (void)poll(&bell, 1, -1);
        bell_take(&witness->bell);
    }
    free(news);
    return NULL;
}

int witness_open(const struct clock *clock, struct changes *changes, struct witness **to)
{
    struct witness *witness = memory_alloc(sizeof *witness);
    witness->clock = clock;
    int error = bell_init(&witness->bell);
    if (error != 0) {
        free(witness);
        return error;
    }
    pthread_mutex_init(&witness->lock, NULL);
    changes_add_bell(changes, &witness->bell);
    *to = witness;
    return 0;
}

int witness_begin(struct witness *witness, struct stream *stream)
{
    stream_reader_init(&witness->reader, stream);
    bell_listen(&witness->bell, true);
    int error = thread_start(&witness->thread, run, witness);
    witness->runs = error == 0;
    return -error;
}

void witness_close(struct witness *witness)
{
    if (witness == NULL) {
        return;
    }
    if (witness->runs) {
        atomic_store(&witness->ends, true);
        bell_ring(&witness->bell);
        pthread_join(witness->thread, NULL);
    }
    bell_fini(&witness->bell);
    pthread_mutex_destroy(&witness->lock);
    free(witness);
}

bool witness_find(struct witness *witness, enum change_kind kind, const char *target, int64_t from_ms,
                  struct witness_note *note)
{
    bool is_there = false;
    pthread_mutex_lock(&witness->lock);
    for (size_t i = 0; i < NOTES; i++) {
        const struct kept_note *kept = &witness->notes[i];
        if (kept->kind == kind && strcmp(kept->target, target) == 0 && kept->what.at_ms >= from_ms &&
            (!is_there || kept->what.at_ms < note->at_ms)) {
            *note = kept->what;
            is_there = true;
        }
    }
    pthread_mutex_unlock(&witness->lock);
    return is_there;
}

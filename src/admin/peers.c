/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A small table of names, and one thread that fills it. The table belongs to both: the last one frees it. The
 * lock is held for a look at the table only, never while a name is looked up. */
#include "config.h"

#include "admin/peers.h"

#include "base/memory.h"
#include "base/utf8.h"

#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENTRIES = 64, NAME_SIZE = 48 };

struct entry {
    uid_t uid;
    bool is_wanted;       /* to be looked up */
    char name[NAME_SIZE]; /* "": not known */
};

struct peers {
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    unsigned owners; /* the server and the thread */
    bool ends;
    struct entry entries[ENTRIES];
    size_t count, next; /* next: to be replaced when all are taken */
};

/* With the lock, which it gives back. */
static void let_go(struct peers *peers)
{
    bool is_last = --peers->owners == 0;
    pthread_mutex_unlock(&peers->lock);
    if (is_last) {
        pthread_cond_destroy(&peers->wanted);
        pthread_mutex_destroy(&peers->lock);
        free(peers);
    }
}

static struct entry *find(struct peers *peers, uid_t uid)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->entries[i].uid == uid) {
            return &peers->entries[i];
        }
    }
    return NULL;
}

/* ---- the thread ---- */

static void look_up(uid_t uid, char name[NAME_SIZE])
{
    struct passwd entry, *found = NULL;
    char texts[4096];
    name[0] = '\0';
    if (getpwuid_r(uid, &entry, texts, sizeof texts, &found) == 0 && found != NULL) {
        snprintf(name, NAME_SIZE, "%s", found->pw_name);
        name[0] = utf8_is_plain(name, strlen(name))
                      ? name[0]
                      : '\0'; /* half a character may be at its end: its number has to do */
    }
}

static struct entry *find_wanted(struct peers *peers)
{
    for (size_t i = 0; i < peers->count; i++) {
        if (peers->entries[i].is_wanted) {
            return &peers->entries[i];
        }
    }
    return NULL;
}

static void *run(void *argument)
{
    struct peers *peers = argument;
    char name[NAME_SIZE];
    pthread_mutex_lock(&peers->lock);
    while (!peers->ends) {
        struct entry *entry = find_wanted(peers);
        if (entry == NULL) {
            pthread_cond_wait(&peers->wanted, &peers->lock);
            continue;
        }
        uid_t uid = entry->uid;
        entry->is_wanted = false;
        pthread_mutex_unlock(&peers->lock);
        look_up(uid, name);
        pthread_mutex_lock(&peers->lock);
        entry = find(peers, uid); /* another may have its place */
        if (entry != NULL) {
            memcpy(entry->name, name, sizeof name);
        }
    }
    let_go(peers);
    return NULL;
}

/* Without it all works, with numbers. */
static void start(struct peers *peers)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all); /* signals are others' business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    peers->owners++;
    if (pthread_create(&thread, NULL, run, peers) == 0) {
        pthread_setname_np(thread, "peers");
        pthread_detach(thread);
    } else {
        peers->owners--;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the control thread ---- */

struct peers *peers_new(void)
{
    struct peers *peers = memory_alloc(sizeof *peers);
    char text[64];
    pthread_mutex_init(&peers->lock, NULL);
    pthread_cond_init(&peers->wanted, NULL);
    peers->owners = 1;
    (void)peers_write_uid(peers, 0, text, sizeof text);
    (void)peers_write_uid(peers, geteuid(), text, sizeof text);
    pthread_mutex_lock(&peers->lock);
    start(peers);
    pthread_mutex_unlock(&peers->lock);
    return peers;
}

void peers_free(struct peers *peers)
{
    if (peers != NULL) {
        pthread_mutex_lock(&peers->lock);
        peers->ends = true;
        pthread_cond_signal(&peers->wanted);
        let_go(peers);
    }
}

static void want(struct peers *peers, uid_t uid)
{
    size_t at = peers->count;
    if (at == ENTRIES) {
        at = peers->next;
        peers->next = (peers->next + 1) % ENTRIES;
    } else {
        peers->count++;
    }
    peers->entries[at] = (struct entry){.uid = uid, .is_wanted = true};
    pthread_cond_signal(&peers->wanted);
}

const char *peers_write_uid(struct peers *peers, uid_t uid, char *text, size_t size)
{
    pthread_mutex_lock(&peers->lock);
    const struct entry *entry = find(peers, uid);
    if (entry == NULL) {
        want(peers, uid);
    }
    if (entry == NULL || entry->name[0] == '\0') {
        snprintf(text, size, "uid:%u", (unsigned)uid);
    } else {
        snprintf(text, size, "uid:%u(%s)", (unsigned)uid, entry->name);
    }
    pthread_mutex_unlock(&peers->lock);
    return text;
}

const char *peers_write(struct peers *peers, int fd, char *text, size_t size)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1) {
        snprintf(text, size, "unknown");
        return text;
    }
    return peers_write_uid(peers, peer.uid, text, size);
}

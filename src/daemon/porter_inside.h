/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of porter.h share: porter.c (the thread, and who calls it), porter_fetch.c (what comes),
 * porter_show.c (how far it is), porter_give.c (what goes) and porter_ware.c (what there is). All of it
 * belongs to the thread, but for what a lock is named for. Private to them. */
#pragma once

#include "daemon/porter.h"

#include "base/progress.h"
#include "base/random.h"
#include "cluster/swarm.h"
#include "conf/cluster.h"

#include <pthread.h>
#include <sys/queue.h>

_Static_assert((int)FLEET_BUNDLE_SIZE == (int)BUNDLE_ID_SIZE, "a name has to fit");
_Static_assert((int)FLEET_BLOCK_MAX == (int)BUNDLE_BLOCK_SIZE, "a block has to fit");

/* ---- what there is: porter_ware.c ---- */

/* Of one part of a bundle. */
struct shelf {
    uint64_t size; /* octets; of what is coming maybe not known yet (0 blocks) */
    uint32_t blocks;
    bool is_whole;        /* all of them are here */
    uint32_t *log, count; /* else: those that are, in the order in which they came */
    uint64_t epoch;       /* another one when what was said to be here is not, maybe; never 0 */
    struct swarm_giver giver;
};

struct ware {
    LIST_ENTRY(ware) link;
    char id[BUNDLE_ID_SIZE];
    struct bundle *bundle; /* it is whole: owned, with its folder */
    char *folder;
    uint8_t *manifest;        /* it is coming: room for it, once its size is known */
    struct bundle_part *part; /* likewise; NULL: its manifest is not whole yet */
    struct shelf shelves[FLEET_PARTS];
    int64_t used_ms;
    bool is_unreadable; /* in parts; the log knows */
};

bool ware_is_stored(const struct porter *porter, const char *id); /* the store has it whole */
struct ware *ware_peek(struct porter *porter, const char *id);    /* NULL: there is none */
/* Likewise, if the store has it whole it is opened; and it is used. */
struct ware *ware_open(struct porter *porter, const char *id);
struct ware *ware_begin(struct porter *porter, const char *id); /* it is coming: nothing is here yet */
void ware_remove(struct ware *ware);                            /* what was coming goes away */
void ware_leave_all(struct porter *porter); /* the store is not ours any more; nobody else uses them */
void ware_size(struct porter *porter, struct ware *ware, enum fleet_part part, uint64_t size);
void ware_put(struct ware *ware, enum fleet_part part, uint32_t block); /* it is here now */
/* What is here is looked at anew: some is not any more. */
void ware_recount(struct porter *porter, struct ware *ware, enum fleet_part part);
/* It has come to its end: the store has it whole. It may be gone then, if that cannot be read. */
void ware_settle(struct porter *porter, struct ware *ware);
/* Owned octets, *len of them; NULL: it is not here (any more). */
uint8_t *ware_read(struct ware *ware, enum fleet_part part, uint32_t block, size_t *len);
void ware_forget_old(struct porter *porter, int64_t now_ms); /* what nobody asks for */

/* ---- who is linked ---- */

/* A node that we are connected to: by number in each swarm. */
struct neighbour {
    bool is_up;
    char name[CONF_NODE_NAME_MAX + 1];
    uint64_t connection;
};

/* ---- what comes: porter_fetch.c ---- */

struct fetch {
    TAILQ_ENTRY(fetch) link;
    char id[BUNDLE_ID_SIZE];
    struct ware *ware; /* NULL: it is here, has failed, or is tried later */
    enum fleet_part part;
    struct swarm *swarm; /* of that part; NULL: how long it is nobody has said yet */
    unsigned tries;      /* that came to nothing good */
    unsigned turn;       /* whose it is to say alone what the manifest is; 0: of all */
    int only;            /* the manifest is asked of this neighbour alone; -1: of all */
    int64_t again_ms;    /* it waits until then */
    int64_t followed_ms; /* all were asked what they have */
    struct porter_status status, shown;
};

void fetch_begin(struct porter *porter, const char *id);
void fetch_drop(struct porter *porter, const char *id);
void fetch_yield(struct porter *porter, const char *id);
void fetch_leave_all(struct porter *porter); /* what came so far is for others to remove; they begin anew */
void fetch_free_all(struct porter *porter);
void fetch_hear_link(struct porter *porter, const char *node, uint64_t connection, bool is_up);
struct mail;
void fetch_hear(struct porter *porter, const struct mail *mail); /* has, none, block */
/* Returns when it wants to be called again. */
int64_t fetch_go_on(struct porter *porter, int64_t now_ms);

/* ---- how far it is: porter_show.c ---- */

void fetch_show(struct porter *porter); /* to whoever looks, if there is anything new */

/* ---- what goes: porter_give.c ---- */

enum { WISHES_MAX = 64, FOLLOWS_MAX = 2 * PORTER_FETCHES_MAX };

struct wish {
    char id[BUNDLE_ID_SIZE];
    enum fleet_part part;
    uint32_t block;
    bool scarce;
};

/* It is told what there is of that. */
struct follow {
    char id[BUNDLE_ID_SIZE];
    enum fleet_part part;
    uint64_t epoch; /* of what it was told; 0: nothing yet */
    uint32_t told;  /* of that shelf's log */
    uint32_t tired; /* … of what it does not give any more */
};

struct asker {
    uint64_t connection;
    unsigned on_way; /* messages to it that have not gone yet */
    struct follow follows[FOLLOWS_MAX];
    unsigned follow_count;
    struct wish wishes[WISHES_MAX]; /* a ring */
    unsigned head, waiting;
};

void give_hear_want(struct porter *porter, const struct mail *mail);
void give_hear_given(struct porter *porter, const struct mail *mail);
void give_hear_left(struct porter *porter, unsigned number);
/* One step for each. Returns when it wants to be called again. */
int64_t give_go_on(struct porter *porter, int64_t now_ms);

/* ---- the thread: porter.c ---- */

enum mail_kind {
    MAIL_STORE,
    MAIL_FETCH,
    MAIL_DROP,
    MAIL_YIELD,
    MAIL_LINK,
    MAIL_HEARD,
    MAIL_WANT,
    MAIL_GIVEN,
    MAIL_LEFT
};

struct mail {
    STAILQ_ENTRY(mail) link;
    enum mail_kind kind;
    bool is_up;
    unsigned number;
    char node[CONF_NODE_NAME_MAX + 1];
    uint64_t connection;
    struct fleet_message message; /* texts and items: of this */
    char id[BUNDLE_ID_SIZE];
    struct bundle_store *store;
    uint8_t *octets; /* of a block; owned */
    size_t size;     /* what it takes */
    struct fleet_blocks items[];
};

enum { ASKERS_MAX = 64 };

struct porter {
    struct porter_options options;
    struct bundle_store *store; /* borrowed; NULL: it is not ours */
    pthread_t thread;
    int fd;
    struct random random;
    struct progress progress; /* cancelled at the end */
    LIST_HEAD(wares, ware) wares;
    uint64_t last_epoch;
    char unreadable[BUNDLE_ID_SIZE]; /* one that the log knows of */
    struct neighbour neighbours[SWARM_PEERS_MAX];
    TAILQ_HEAD(fetches, fetch) fetches;
    struct asker askers[ASKERS_MAX]; /* by number, */
    unsigned asker_count;            /* … below this */
    int64_t said_ms, looked_ms;      /* what is here, to who follows; for what they wait for */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t comes;
    bool has_thread, is_closing;
    STAILQ_HEAD(mails, mail) mails;
    size_t mail_size;
    struct {
        char id[BUNDLE_ID_SIZE];
        struct porter_status status;
    } shown[PORTER_FETCHES_MAX];
    size_t shown_count;
    struct porter_stats stats;
};

/* One of its stats. */
static inline void porter_count(struct porter *porter, uint64_t *of, uint64_t more)
{
    pthread_mutex_lock(&porter->lock);
    *of += more;
    pthread_mutex_unlock(&porter->lock);
}

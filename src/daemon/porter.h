/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles on their way from node to node (doc/cluster.md): what this node is to have is fetched from whoever
 * is linked and has some of it, and what it has is given to others. A thread of its own, "porter", is the one
 * that waits for the disk; links only bring and take what it has prepared, so nothing that is said of health
 * waits for it; it begins when there is something to do for it. It knows no links: what goes out goes by
 * struct porter_ways, what comes is told by porter_hear_…(). All functions may be called from any thread and
 * return at once, but for those that say otherwise. Private to src/daemon. */
#pragma once

#include "fleet/message.h"
#include "past/bundle.h"

struct clock;
struct porter;

enum { PORTER_WHY_SIZE = 200, PORTER_FETCHES_MAX = 4 };

/* Called on the porter's thread; must not wait. */
struct porter_ways {
    void *context;
    /* `want` is to be said to that node in that very connection of ours to it; borrowed. */
    void (*ask)(void *context, const char *node, uint64_t connection, const struct fleet_message *want);
    /* has, none or block (then with its octets, taken) to who has asked in that connection;
     * porter_hear_given() once it is gone, or porter_hear_left(). */
    void (*give)(void *context, unsigned number, uint64_t connection, const struct fleet_message *message,
                 uint8_t *octets);
};

struct porter_options {
    const struct clock *clock; /* borrowed */
    struct porter_ways ways;
};

/* 0 and owned, or -errno. No thread yet. */
int porter_open(const struct porter_options *options, struct porter **porter);
/* The store (borrowed) is ours from now on, or not any more (NULL): what was coming is let go. Before the
 * first time nothing is here, and what is to be fetched waits. */
void porter_use(struct porter *porter, struct bundle_store *store);
/* Ends the thread, which may wait for the disk meanwhile. NULL is fine, here and below. */
void porter_close(struct porter *porter);

/* ---- what this node is to have ---- */

/* Fetch it, however long that takes; what is here already stays, what is being fetched goes on, what has
 * failed is tried anew. */
void porter_fetch(struct porter *porter, const char *id);
/* Nobody wants it any more: what came of it so far goes away. What is whole stays. */
void porter_drop(struct porter *porter, const char *id);

/* It is being brought here by another way: what does not come on lets go of the store for a while. */
void porter_yield(struct porter *porter, const char *id);

enum porter_is {
    PORTER_NONE,      /* "none": it is not here, and nobody wants it */
    PORTER_FETCHING,  /* "fetching" */
    PORTER_VERIFYING, /* "verifying": all of it came, and is looked at */
    PORTER_HERE,      /* "here": whole, as its name says, and on the disk */
    PORTER_FAILED,    /* "failed": until it is to be fetched again */
};
const char *porter_is_text(enum porter_is is);

struct porter_status {
    enum porter_is is;
    unsigned percent;          /* of its octets that are here; 100 when verifying or here */
    uint64_t size;             /* octets; 0: not known yet */
    char why[PORTER_WHY_SIZE]; /* it has failed, or does not come on (nobody has it, say); "": it does */
};
/* What was wanted since the start; else NONE, also if it is here: bundle.h knows that. */
void porter_get_status(struct porter *porter, const char *id, struct porter_status *status);
/* Becomes readable when some status is another one (an eventfd; whoever waits for it reads it). -1: none. */
int porter_get_fd(const struct porter *porter);

struct porter_stats {
    uint64_t got_octets, given_octets; /* of blocks; since the start */
    uint64_t refused, damaged; /* blocks: not given, since they were often enough; that came in vain */
    unsigned fetching;         /* bundles */
};
void porter_get_stats(struct porter *porter, struct porter_stats *stats);

/* ---- from our links to others ---- */

void porter_hear_link(struct porter *porter, const char *node, uint64_t connection, bool is_up);
/* has or none, in this connection; borrowed. */
void porter_hear(struct porter *porter, const char *node, uint64_t connection,
                 const struct fleet_message *message);
/* A block, whole: takes the octets. */
void porter_hear_block(struct porter *porter, const char *node, uint64_t connection,
                       const struct fleet_message *message, uint8_t *octets);

/* ---- from others' links to us ---- */

/* A node wants something in this connection; borrowed. */
void porter_hear_want(struct porter *porter, unsigned number, uint64_t connection,
                      const struct fleet_message *message);
void porter_hear_given(struct porter *porter, unsigned number, uint64_t connection); /* a message is gone */
void porter_hear_left(struct porter *porter, unsigned number);

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The leases of a node: the session, with which the turn, the work and a filling go when the node dies, the
 * presence, with which its name and what it said of itself do, later, and the one with which "alive/NAME"
 * goes, by which others know that it is gone: keeping a lease makes no revision of etcd. A lease counts here
 * from when it was asked to be kept, and for less than etcd keeps it: who looks at its own clock never has
 * what somebody else has already. */
#include "config.h"

#include "cluster/inside.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>

static void granted(void *context, const struct etcd_answer *answer)
{
    struct lease *lease = context;
    lease->grant.number = 0;
    if (cluster_hear(lease->cluster, answer) != HEARD_YES) {
        lease->grant.has_failed = true;
        return;
    }
    lease->id = answer->lease;
    lease->granted_s = answer->ttl_s;
    lease->until_ms = lease->asked_ms + lease->ttl_s * 1000 - MARGIN_MS;
    lease->next_ms = lease->asked_ms + lease->ttl_s * 1000 / 3;
}

static void kept(void *context, const struct etcd_answer *answer)
{
    struct lease *lease = context;
    lease->keep.number = 0;
    if (answer->error == -ETIMEDOUT && !lease->is_exclusive) {
        lease->keep.has_failed = true; /* its deadline is short: longer requests tell that etcd is away */
        cluster_note(lease->cluster);
        return;
    }
    enum heard heard = cluster_hear(lease->cluster, answer);
    if (heard == HEARD_YES && answer->ttl_s > 0) {
        lease->until_ms = lease->asked_ms + lease->ttl_s * 1000 - MARGIN_MS;
        lease->next_ms = lease->asked_ms + lease->ttl_s * 1000 / 3;
    } else if (answer->error == 0 || answer->error == ERROR_NOT_FOUND) {
        lease->id = 0; /* it is gone */
    } else {
        lease->keep.has_failed = true;
    }
}

static void step(struct cluster *cluster, struct lease *lease)
{
    lease->cluster = cluster;
    if (lease->id != 0 && lease->is_exclusive && cluster->now_ms >= lease->until_ms) {
        lease->id = 0; /* it may go any moment, or is gone */
        cluster_call_off(cluster, &lease->keep);
    }
    if (lease->id == 0) {
        if (cluster_is_ready(cluster, &lease->grant)) {
            lease->asked_ms = cluster->now_ms;
            lease->grant.number = etcd_grant(cluster->etcd, lease->ttl_s, WRITE_MS, granted, lease);
        }
        return;
    }
    if (lease->is_exclusive) {
        cluster_due(cluster, lease->until_ms);
    }
    if (cluster->now_ms < lease->next_ms) {
        cluster_due(cluster, lease->next_ms);
    } else if (cluster_is_ready(cluster, &lease->keep)) {
        lease->asked_ms = cluster->now_ms;
        uint32_t deadline_ms = lease->is_exclusive ? WRITE_MS : (uint32_t)lease->ttl_s * 1000 / 3;
        lease->keep.number = etcd_keep(cluster->etcd, lease->id, deadline_ms, kept, lease);
    }
}

/* It is not kept, and a later one takes its place: what was put with it goes with it. */
static void step_marks(struct cluster *cluster)
{
    struct lease *marks = &cluster->marks;
    marks->cluster = cluster;
    if ((marks->id == 0 || cluster->now_ms >= marks->next_ms) && cluster_is_ready(cluster, &marks->grant)) {
        marks->asked_ms = cluster->now_ms;
        marks->grant.number = etcd_grant(cluster->etcd, marks->ttl_s, WRITE_MS, granted, marks);
    }
}

/* With it goes what is this node's. */
static void give_up(struct cluster *cluster, struct lease *lease)
{
    cluster_call_off(cluster, &lease->grant);
    cluster_call_off(cluster, &lease->keep);
    if (lease->id != 0) {
        (void)etcd_revoke(cluster->etcd, lease->id, WRITE_MS, cluster_ignore, NULL);
        lease->id = 0;
    }
}

void cluster_lease_step(struct cluster *cluster)
{
    if (cluster->claim.is_shut) { /* there is nothing that it could have */
        give_up(cluster, &cluster->session);
        give_up(cluster, &cluster->presence);
        give_up(cluster, &cluster->alive);
        return;
    }
    step(cluster, &cluster->session);
    step(cluster, &cluster->presence);
    step(cluster, &cluster->alive);
    step_marks(cluster);
}

void cluster_lease_fini(struct cluster *cluster)
{
    struct lease *const leases[] = {&cluster->session, &cluster->presence, &cluster->alive};
    for (size_t i = 0; i < sizeof leases / sizeof leases[0]; i++) {
        cluster_call_off(cluster, &leases[i]->grant);
        cluster_call_off(cluster, &leases[i]->keep);
    }
    cluster_call_off(cluster, &cluster->marks.grant); /* marks stay */
    if (cluster->session.id != 0) {
        /* what is the node's goes to another one at once: the owner may wait for that, see etcd_settle() */
        (void)etcd_revoke(cluster->etcd, cluster->session.id, WRITE_MS, cluster_ignore, NULL);
    }
}

void cluster_ignore(void *context, const struct etcd_answer *answer)
{
    (void)context;
    (void)answer;
}

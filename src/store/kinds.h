/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The kinds of objects that a store may hold: one table of what is true of a kind wherever it is met. What
 * the server does with objects of a kind is beside it, row by row, in daemon/kinds.h. tests/lint/kinds fails
 * when a kind is written or listed anywhere that has no row here. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Names of kinds that several rooms write or read. */
#define OVERRIDE_KIND "override"
#define FAILBACK_KIND "failback"
#define RELEASE_KIND  "release"
#define CONFLICT_KIND "conflict" /* / "override:region:us-east": of all nodes */
#define DOCUMENT_KIND "document"

enum store_kind_id {
    STORE_OVERRIDE,
    STORE_FAILBACK,
    STORE_RELEASE,
    STORE_VANTAGE,
    STORE_TOKEN,
    STORE_CHALLENGE,
    STORE_SWITCHOVER,
    STORE_DRILLING,
    STORE_BUNDLE,
    STORE_INCIDENT,
    STORE_DRILL,
    STORE_DRILL_SCHEDULE,
    STORE_DRILL_STOP,
    STORE_LIVE_DRILL,
    STORE_ANSWER,
    STORE_CONFLICT,
    STORE_NODE_MEMBER,
    STORE_NODE_INVITE,
    STORE_CLUSTER,
    STORE_CLUSTER_PENDING,
    STORE_CONFIGURATION,
    STORE_DOCUMENT,
    STORE_POINT,
    STORE_DRILL_REPORT,
    STORE_DRILL_OBSERVED,
    STORE_REFUSAL,
    STORE_KINDS
};

struct store_kind {
    const char *name;
    bool is_shared;    /* all nodes of a cluster have the same; else nobody but this server writes it */
    bool is_restored;  /* a restore turns it back; all others are found out, or count on */
    bool is_aside;     /* the journal shows it to those who ask for this kind */
    bool has_resource; /* the API has resources of it, with revisions */
    bool names_files;  /* its values name contents in the state folder */
};

/* In the order in which a start reads them. */
const struct store_kind *store_kind_get(enum store_kind_id id);
/* STORE_KINDS: no kind of this version. */
enum store_kind_id store_kind_find(const char *name);

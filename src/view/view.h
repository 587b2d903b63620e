/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The immutable compiled whole: zones, policies, topology and the health that goes with them, numbered by
 * generation. A loader compiles a view off-line; DNS threads read the published one. liburcu (QSBR) tells
 * when nobody reads an old one any more. */
#pragma once

#include "base/report.h"
#include "conf/policy.h"
#include "conf/server.h"
#include "conf/topology.h"
#include "health/health.h"
#include "steer/steer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lock;
struct source_chooser;
struct tsig_keys;
struct view_caches; /* owners of what a view points to: content.h */
struct view_content;
struct view_hold;
struct view_host;
struct view_rendition;
struct view_sources;
struct view_slot; /* where the current view is */
struct view_state;
struct view_succession;
struct zone;
struct zone_table;

/* One steered name, for explain and drills. */
struct view_name {
    const char *owner; /* absolute presentation form; may be a wildcard */
    const char *zone;  /* origin */
    uint32_t policy;   /* id in steer */
    uint32_t number;   /* under which its answers are counted */
    uint32_t ttl;
    uint16_t types; /* that some member has: bits of the policy's types */
};

/* What is listed of a zone; changes under the lock of the application while the view serves. */
struct view_zone {
    const char *origin;
    const char *path;
    _Atomic uint32_t serial;
    uint32_t names, records, steered;
    bool failed;       /* the file is broken and there is no older version: answered with SERVFAIL */
    bool stale;        /* the file is broken: the previous version is served */
    bool has_includes; /* it is made of files that its source does not name */
    uint64_t stamp;    /* of its files (unchanged.c); 0: unknown */
};

/* The file of a geo database. */
struct view_geo {
    const char *real;               /* where it is */
    int64_t loaded_ms;              /* wall time at which the database that serves was read */
    struct geo_signature signature; /* of the file as it was found last */
    bool stale;                     /* the file is broken or gone: its last good version serves */
};

/* One check of one address of one endpoint, or of the addresses of one family that its host name has.
 * Monitors are numbered endpoint by endpoint, per endpoint check by check, per check IPv4 then IPv6. */
struct view_monitor {
    uint64_t identity;
    const struct addr *addr; /* what is asked, borrowed from the topology; NULL: those of the host */
    uint32_t endpoint, check;
    uint8_t family; /* enum addr_family: whose verdict it makes; what is asked may be of the other one */
    uint8_t role;   /* enum conf_role */
};

/* A zone that others copy from us, that others are told of, or whose serial is kept. */
struct view_primary {
    const uint8_t *apex; /* lower case wire */
    size_t zone;         /* number in zone_list */
    const struct conf_zone_options *options;
    uint64_t fingerprint; /* of the zone's content (zone.h); 0: it is not served */
    bool is_news;         /* of the thread that publishes: secondaries have to be told */
    /* What copies hold at steered names; NULL: what the zone file does. Owned. Stored by the thread that
     * publishes; a reader holds it while it is online. */
    _Atomic(struct view_rendition *) rendition;
};

/* What answers have to look at beside the zones. */
enum view_guard {
    VIEW_GUARD_LISTEN = 1,        /* a listen address has an access list */
    VIEW_GUARD_ZONE = 2,          /* a zone has one */
    VIEW_GUARD_COOKIE = 4,        /* UDP clients that know cookies have to have good ones */
    VIEW_GUARD_AMPLIFICATION = 8, /* UDP answers are bounded by their queries */
    VIEW_GUARD_RATE = 16,         /* UDP answers are rate-limited */
    VIEW_GUARD_TAP = 32,          /* somebody is told of them */
    VIEW_GUARD_SUBNET = 64,       /* on a listen address client subnets do not count */
};

struct view_acls; /* of zones, by apex */

/* What those who read need, as pointers into the owners that the view holds: its *content*, which is shared
 * by views and immutable once it is published, and its *state*, which is not. */
struct view {
    uint64_t generation;
    uint64_t renewals; /* loads since that found everything as it was; under the lock of the application */
    int64_t loaded_ms; /* wall time of the last one; likewise */

    /* ---- content ---- */
    struct conf_server *server;
    struct conf_topology *topology; /* NULL: none */
    struct zone_table *zones;
    struct steer_set *steer;
    struct geo_db **geo;
    struct view_geo *geo_files; /* of each */
    size_t geo_count;
    struct view_monitor *monitors; /* of the topology, in the order of health's */
    size_t monitor_count;
    uint32_t *monitors_by_identity; /* their numbers, sorted */
    struct view_name *names;        /* sorted by owner */
    size_t name_count;
    struct tsig_keys *keys; /* of `server`, in its order */
    /* The secrets of cookies in force: of `server`, or the random one. secret_count 0: no cookies. */
    const uint8_t (*secrets)[CONF_SECRET_SIZE];
    size_t secret_count;
    uint8_t random_secret[1][CONF_SECRET_SIZE]; /* the same in every view of a process */
    unsigned guards;                            /* enum view_guard; 0: nothing is restricted */
    struct view_acls *acls;                     /* NULL: no zone has a list of its own */
    struct limiter *limiter;                    /* NULL: no rates */
    /* Who may ask at which of the addresses that are served (those of `server`, until somebody maps them);
     * NULL: everybody. */
    const struct conf_listener *listeners;
    size_t listen_count;
    struct arena *arena;
    uint64_t ground_stamp;  /* of topology and databases (unchanged.c); 0: unknown */
    struct view_seen *seen; /* what else of it was read (unchanged.c); NULL: unknown */

    /* ---- state ---- */
    struct health *health; /* to be touched under the lock of the application, unless the view is a copy */
    const struct health_table *table; /* of health */
    struct view_host *hosts;          /* of the topology, in its order (hosts.h) */
    size_t host_count;
    struct view_primary *primaries; /* by apex; copies have none */
    size_t primary_count;
    struct view_zone *zone_list; /* in configuration order */
    size_t zone_count;
    struct steer_cache **caches; /* one per DNS thread, for `steer` and `table`; copies have none */
    size_t cache_count;

    /* ---- what holds them; NULL in views that were put together by hand ---- */
    struct view_content *content;
    struct view_state *state;
    struct view_caches *own_caches;
    struct view_hold *hold; /* of a copy: who reads without being a reader */

    /* What a load read (sources.h), until somebody takes it; else NULL. Owned. */
    struct view_sources *sources;
};

/* Compile everything that the document at `path` leads to. `previous` (may be NULL) is the running view: a
 * zone that is broken now is taken from it; it is only read. Returns owned, or NULL when the running view had
 * better stay: the document or the topology is invalid, no zone could be loaded, or a broken zone that
 * `previous` serves could not be kept. A view with broken zones is returned with errors in the report. Health
 * starts unknown: the publisher carries it over. cache_count DNS threads can use it (0: as many as the
 * configuration wants). */
struct view *view_compile(const char *path, const struct view *previous, uint64_t generation, int64_t wall_ms,
                          size_t cache_count, struct report *report);
/* The same where somebody says from where documents are read (report_set_places()), once it is known which
 * there are and before the first of them is. */
struct view_documents {
    void *context;
    const struct source_chooser *chooser; /* NULL: the report's, if it has one */
    void (*place)(void *context, const struct conf_server *server, struct report *report);
};
struct view_load {
    const char *path;
    const struct view *previous;
    uint64_t generation;
    int64_t wall_ms;
    size_t cache_count;
    struct view_documents documents; /* place NULL: where their paths lead to */
};
struct view *view_compile_load(const struct view_load *load, struct report *report);
/* The view of files that were laid out below the folder `root` (past/manifest.h): documents, zones, what they
 * include and keys are looked up there, each by its path, while paths in messages and in the view stay what
 * they were; `path`, absolute, is that of steerd.json without the root. Geo databases are not laid out: they
 * are taken from where they are, or over from `current` (may be NULL; a view that somebody holds, or a copy)
 * if that has the same file. One that is missing or broken is an error in the report and does not stop the
 * view, whose geo_count is less than server->geo_count then; whether one is the same as then is for the
 * caller to compare (geo_files). Zones that are broken are answered with SERVFAIL. Touches no socket, and no
 * state folder. Returns owned, or NULL: it cannot be put together. */
struct view *view_compile_past(const char *path, const char *root, const struct view *current,
                               struct report *report);
/* Where view_compile() gave up because of a broken document: read all the same files once more, and go on
 * after every error as far as that makes sense, so that all errors of all files are in the report. With a
 * broken topology policies are looked at for their syntax only. */
void view_check(const char *path, struct report *report);
void view_free(struct view *view); /* NULL is fine */
/* The policies that have the endpoint as a member, as far as is known: those up to *known - 1, in order. */
const uint32_t *view_find_policies(const struct view *view, uint32_t endpoint, size_t *count, size_t *known);
/* The number of a view that is told: each load that succeeds has one. Results are of a generation. */
static inline uint64_t view_number(const struct view *view)
{
    return view->generation + view->renewals;
}
/* Would compiling again make the same view, as no file or folder that it was made of has changed? Then what
 * was warned of goes to the report again. Files are looked at, and not read. false also if that is not known.
 */
bool view_is_unchanged(const struct view *view, const struct source_chooser *chooser, struct report *report);
/* The monitors of an endpoint: the number of the first one; *count of them. */
size_t view_find_monitors(const struct view *view, uint32_t endpoint, size_t *count);
/* The number of the monitor of this identity, or -1: for results that belong to another view. */
ptrdiff_t view_find_monitor(const struct view *view, uint64_t identity);

/* ---- one zone of a running view ---- */

/* The number in zone_list of the zone with this origin (with or without final dot, any case), or -1. */
ptrdiff_t view_find_zone(const struct view *view, const char *origin);
/* False: compile everything instead, because copies hold the zone's steered names as they are answered, or
 * because policies that are not in use any more have added up. */
bool view_can_update_zone(const struct view *view, size_t index);
/* Read zone number `index` anew, from the files that the view was loaded with, with the view's topology and
 * databases. Reads the view, which has to be current until the update is installed. Returns owned; NULL and
 * why in the report if the zone is broken. */
struct view_zone_update;
struct view_zone_update *view_read_zone(const struct view *view, size_t index, struct report *report);
/* With this zone other endpoints lead back to themselves: compile everything instead. Reads the view. */
bool view_update_moves_loops(const struct view *view, const struct view_zone_update *update);
void view_free_update(struct view_zone_update *update);               /* not installed; NULL is fine */
struct zone *view_peek_update(const struct view_zone_update *update); /* its zone; NULL for NULL */
/* The view that will be current then, with the zone in it; NULL: the same one, with the zone in its table. */
const struct view *view_peek_successor(const struct view_zone_update *update);
/* Put it into the current view of the slot, by exchanging a pointer. update NULL: the files are broken, say
 * so in zone_list. Returns the view that is current now, with the same generation: the same one, or if names
 * are steered one with another content over the same state. For the thread that publishes, with the lock of
 * the application; never waits. What is old stays in the update, for view_finish_update(). */
struct view *view_install_zone(struct view_slot *slot, size_t index, struct view_zone_update *update);
/* Wait until no reader uses what was replaced, and free it. For any thread that may wait; NULL is fine. */
void view_finish_update(struct view_zone_update *update);

/* The primary of this apex (lower case wire), or NULL. */
struct view_primary *view_find_primary(const struct view *view, const uint8_t *apex);

/* ---- access ---- */

/* Who may query the zone, when guards has VIEW_GUARD_ZONE. NULL: everybody. */
const struct acl *view_find_acl(const struct view *view, const struct zone *zone);
/* Addresses are bound once, and documents change: give listeners the order of the addresses that are
 * served. One that the view's document does not have any more keeps the list that it had in `previous`.
 * Before the view is published. */
void view_map_listeners(struct view *view, const struct addr_port *served, size_t count,
                        const struct view *previous);

/* Who passes on there for others, by number of the listen address; NULL: nobody. */
static inline const struct acl *view_listen_proxies(const struct view *view, size_t listener)
{
    return listener < view->listen_count ? view->listeners[listener].proxies : NULL;
}

static inline const struct acl *view_listen_acl(const struct view *view, size_t listener)
{
    return listener < view->listen_count ? view->listeners[listener].allow : NULL;
}

/* How many caches a server with this configuration needs. */
size_t view_cache_count(const struct conf_server *server);

/* The health machine's plan of a topology, as view_compile uses it, for drills. Returns owned. */
struct health *view_new_health(const struct conf_topology *topology, const struct conf_vantages *vantages,
                               int64_t wall_ms);
/* A machine of one's own that knows what the view's does, overrides included. The lock of the application is
 * taken for moments; NULL: nobody else has the view. Returns owned. */
struct health *view_copy_health(const struct view *view, int64_t wall_ms, struct lock *lock);
/* A view over the same content with a state of its own, which is at first as that of `view` (without caches
 * and what copies of zones hold): what is done to it changes no answer, and what becomes of `view` does not
 * matter to it. Any thread may read it, for as long as it likes, without being a reader. By the thread that
 * publishes, with the lock of the application, which is taken for moments; or of a view that nobody else has,
 * with NULL. Returns owned. */
struct view *view_copy(const struct view *view, int64_t wall_ms, struct lock *lock);
/* A view that shares the content and the caches, for whoever reads what these count: what they have counted
 * stays readable when they are not used any more. By the thread that publishes. Returns owned. */
struct view *view_hold_counts(const struct view *view);
/* Were two views' answers counted in the same place? */
bool view_counts_alike(const struct view *a, const struct view *b);
/* The same in two parts. The first one is short, by the thread that publishes; the second one is for any
 * thread, whatever becomes of `view` meanwhile, and returns the copy, which is whole then. */
struct view *view_begin_copy(const struct view *view);
struct view *view_finish_copy(struct view *copy, int64_t wall_ms, struct lock *lock);
void view_abandon_copy(struct view *copy); /* instead of finishing it */
/* Room for the choices of so many DNS threads, which then may answer from this copy. */
void view_add_caches(struct view *copy, size_t count);
/* Targets that speak for steerd itself: they are checked beside the monitors. */
static inline size_t view_count_controls(const struct view *view)
{
    return view->topology == NULL || !view->topology->brake.is_on ? 0 : view->topology->brake.control_count;
}

/* Copies whose lag is asked for: likewise, behind those. How many, and which lag of the machine (and pair of
 * the topology) number `asked` of them is. */
size_t view_count_asked(const struct view *view);
size_t view_find_asked(const struct view *view, size_t asked);

/* All monitors of a topology, in that order. */
size_t view_list_monitors(const struct conf_topology *topology,
                          struct view_monitor **monitors); /* owned array */

/* ---- publishing: DNS threads are readers ---- */

struct view_slot *view_slot_new(void);
void view_slot_free(struct view_slot *slot); /* frees the current view too; no readers any more */
/* Make `view` current (takes it) and return the old one, which readers may still use: to be freed by the
 * caller after view_synchronize(). One thread at a time; never waits. */
struct view *view_exchange(struct view_slot *slot, struct view *view);
/* Both: returns the old one once no reader uses it. Blocks for the grace period; not to be called from a
 * reader. */
struct view *view_publish(struct view_slot *slot, struct view *view);
/* For the thread that publishes: the current view. */
struct view *view_current(struct view_slot *slot);

/* A new view takes over what is known in the one that serves: health, and addresses of hosts. Everything
 * once, on any thread but a reader: the lock of the application is taken for moments, and from now on what
 * changes is noted. `previous` goes on serving until the end. Returns owned. */
struct view_succession *view_succession_new(struct view *next, const struct view *previous, int64_t wall_ms,
                                            struct lock *lock);
/* What changed since, until little is left; takes the lock for moments. */
void view_succession_catch_up(struct view_succession *succession);
/* The rest. With the lock held, in which `next` is published, or to give up. Hosts may have other addresses
 * than when the succession was new. */
void view_succession_end(struct view_succession *succession);
void view_succession_free(struct view_succession *succession); /* after its end; NULL is fine */

/* Wait until no reader uses anything that it had before. Not to be called from a reader. */
void view_synchronize(void);

/* Readers: register once per thread; between online and offline the view that view_read() gave stays alive.
 */
void view_reader_register(void); /* ends online */
void view_reader_unregister(void);
void view_reader_online(void);
void view_reader_offline(void); /* before anything that blocks */
const struct view *view_read(struct view_slot *slot);

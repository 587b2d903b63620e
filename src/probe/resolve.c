/* SPDX-License-Identifier: BSD-3-Clause
 *
 * c-ares under libevent: an event per socket that it opens, one timer for its time-outs and for what is due,
 * which a heap tells. What is neither due nor heard of is not looked at, however many hosts there are. A host
 * that leaves the list while it is asked for lives until its answer has come. */
#include "config.h"

#include "probe/resolve.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "probe/names.h"
#include "probe/timers.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum {
    IN_FLIGHT_MAX = 64,
    ASK_TURN = 16,     /* queries at a time: others of this thread have their turn between them */
    TIMEOUT_MS = 2000, /* of the first try; c-ares doubles it */
    TRIES = 2,
    SCAN_MAX = 64, /* records of an answer that are looked at */
    NODATA_S = 60, /* no record of the type: look again */
    RESOLV_CONF_MAX = 1 << 20,
};
#define RESOLV_CONF "/etc/resolv.conf"
#define NOTHING     "/dev/null"

/* In the heap unless it is in flight or its host has left. */
struct family {
    struct timer timer; /* first: the heap gives it back */
    struct host *host;
    struct resolve_set *set; /* v4 or v6 of the host */
    bool is_v6, in_flight;
    unsigned failures; /* in a row */
};

struct host {
    struct name_entry entry; /* first: the table gives it back */
    struct resolve_host told;
    struct resolver *resolver; /* NULL: not in the list any more */
    size_t index;
    uint64_t list; /* the number of the list that this is its place in */
    struct family families[2];
};

struct watch {
    SLIST_ENTRY(watch) link;
    ares_socket_t fd;
    struct event *event;
};

struct resolver {
    struct event_base *base;
    struct event *timer;
    ares_channel channel;
    struct resolve_hooks hooks;
    struct clock clock;
    bool has_library;
    SLIST_HEAD(watch_list, watch) watches;
    struct host **hosts;
    size_t count, placed; /* places from `placed` on are empty yet */
    const char *const *names;
    struct name_table table;
    struct host **old; /* of the list before, those that have no place in this one; until all are looked at */
    size_t old_count, old_done;
    struct name_table old_table;
    uint64_t list;
    size_t in_flight;
    struct timer_heap due;
    char *servers;      /* owned; NULL: those of the system */
    struct file system; /* resolv.conf, as it was when they were found */
    struct resolve_stats stats;
};

/* ---- the timer ---- */

/* Monotonic. */
static void schedule(struct resolver *r, struct family *family, int64_t due_ms)
{
    timer_heap_remove(&r->due, &family->timer);
    timer_heap_add(&r->due, &family->timer, due_ms * 1000);
}

/* The one that is due first, if it may be asked for. */
static struct family *find_due(struct resolver *r, int64_t *due_ms)
{
    const struct timer_slot *slot = r->in_flight < IN_FLIGHT_MAX ? timer_heap_find_first(&r->due) : NULL;
    r->stats.looked_at += slot != NULL;
    *due_ms = slot == NULL ? INT64_MAX : slot->at_us / 1000;
    return slot == NULL ? NULL : (struct family *)(void *)slot->timer;
}

static void arm(struct resolver *r)
{
    struct timeval cares, mine = {.tv_sec = 3600};
    if (r->channel == NULL) { /* nobody to ask */
        (void)event_del(r->timer);
        return;
    }
    int64_t due_ms;
    if (find_due(r, &due_ms) != NULL) {
        int64_t left_ms = due_ms - clock_now_ms(&r->clock);
        left_ms = left_ms < 0 ? 0 : left_ms;
        mine = (struct timeval){.tv_sec = left_ms / 1000, .tv_usec = left_ms % 1000 * 1000};
    }
    const struct timeval *wait = ares_timeout(r->channel, &mine, &cares);
    (void)event_add(r->timer, wait);
}

/* ---- answers ---- */

static int compare_addresses(const void *left, const void *right)
{
    const struct addr *a = left, *b = right;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

/* Reads the addresses of an answer; 0 or an ARES_ status. */
static int read_v4(const unsigned char *bytes, int len, struct addr *to, int *count, int *ttl_s)
{
    struct ares_addrttl found[SCAN_MAX];
    int status = ares_parse_a_reply(bytes, len, NULL, found, count);
    for (int i = 0; status == ARES_SUCCESS && i < *count; i++) {
        to[i] = (struct addr){.family = ADDR_V4};
        memcpy(to[i].bytes, &found[i].ipaddr, 4);
        *ttl_s = found[i].ttl < *ttl_s ? found[i].ttl : *ttl_s;
    }
    return status;
}

static int read_v6(const unsigned char *bytes, int len, struct addr *to, int *count, int *ttl_s)
{
    struct ares_addr6ttl found[SCAN_MAX];
    int status = ares_parse_aaaa_reply(bytes, len, NULL, found, count);
    for (int i = 0; status == ARES_SUCCESS && i < *count; i++) {
        to[i] = (struct addr){.family = ADDR_V6};
        memcpy(to[i].bytes, &found[i].ip6addr, 16);
        *ttl_s = found[i].ttl < *ttl_s ? found[i].ttl : *ttl_s;
    }
    return status;
}

static void take_addresses(struct resolve_set *set, struct addr *found, size_t count)
{
    size_t kept = 0;
    if (count != 0) { /* qsort may not be given nothing */
        qsort(found, count, sizeof *found, compare_addresses);
    }
    for (size_t i = 0; i < count && kept < RESOLVE_ADDRESSES_MAX; i++) {
        if (kept == 0 || !addr_equal(&found[kept - 1], &found[i])) {
            found[kept++] = found[i];
        }
    }
    memcpy(set->addresses, found, kept * sizeof *found);
    set->count = kept;
}

static void note_answer(struct family *family, struct addr *found, size_t count, int64_t again_s)
{
    struct resolver *r = family->host->resolver;
    struct resolve_set *set = family->set;
    if (count == 0 && set->count != 0) { /* it may have moved to the other family */
        struct family *other = &family->host->families[!family->is_v6];
        if (!other->in_flight) {
            schedule(r, other, clock_now_ms(&r->clock));
        }
    }
    take_addresses(set, found, count);
    set->state = RESOLVE_GOOD;
    set->answered_ms = clock_wall_ms(&r->clock);
    set->until_ms = set->answered_ms + again_s * 1000;
    set->error = NULL;
    family->failures = 0;
    schedule(r, family, clock_now_ms(&r->clock) + again_s * 1000);
    r->stats.answered++;
}

static void note_failure(struct family *family, int status)
{
    struct resolver *r = family->host->resolver;
    int64_t wait_s = family->failures < 5 ? INT64_C(1) << family->failures : RESOLVE_RETRY_MAX_S;
    family->set->state = RESOLVE_FAILING;
    family->set->error = ares_strerror(status);
    family->failures++;
    schedule(r, family, clock_now_ms(&r->clock) + wait_s * 1000);
    r->stats.failed++;
}

static void judge(struct family *family, int status, const unsigned char *bytes, int len)
{
    struct addr found[SCAN_MAX];
    int count = SCAN_MAX, ttl_s = RESOLVE_TTL_MAX_S;
    if (status == ARES_SUCCESS) {
        status = family->is_v6 ? read_v6(bytes, len, found, &count, &ttl_s)
                               : read_v4(bytes, len, found, &count, &ttl_s);
    }
    if (status == ARES_ENODATA) {
        note_answer(family, found, 0, NODATA_S);
    } else if (status != ARES_SUCCESS) {
        note_failure(family, status);
    } else {
        note_answer(family, found, (size_t)count, ttl_s < RESOLVE_TTL_MIN_S ? RESOLVE_TTL_MIN_S : ttl_s);
    }
}

static void free_host(struct host *host)
{
    free((void *)(uintptr_t)host->told.name);
    free(host);
}

static void on_answer(void *argument, int status, int timeouts, unsigned char *bytes, int len)
{
    struct family *family = argument;
    struct host *host = family->host;
    struct resolver *r = host->resolver;
    (void)timeouts;
    family->in_flight = false;
    if (r == NULL) { /* it has left the list */
        if (!host->families[0].in_flight && !host->families[1].in_flight) {
            free_host(host);
        }
        return;
    }
    r->in_flight--;
    if (status == ARES_EDESTRUCTION) { /* it is asked again, or the end */
        schedule(r, family, clock_now_ms(&r->clock));
    } else {
        judge(family, status, bytes, len);
        if (host->list == r->list) {
            r->hooks.heard(r->hooks.context, host->index);
        }
    }
}

/* ---- asking ---- */

static void ask_what_is_due(struct resolver *r)
{
    int64_t now_ms = clock_now_ms(&r->clock), due_ms;
    struct family *family;
    for (int i = 0; i < ASK_TURN && r->channel != NULL; i++) {
        if ((family = find_due(r, &due_ms)) == NULL || due_ms > now_ms) {
            return;
        }
        timer_heap_remove(&r->due, &family->timer);
        family->in_flight = true;
        r->in_flight++;
        r->stats.asked++;
        ares_query(r->channel, family->host->told.name, C_IN, family->is_v6 ? T_AAAA : T_A, on_answer,
                   family);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct resolver *r = argument;
    (void)fd;
    (void)what;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    ask_what_is_due(r);
    arm(r);
}

static void on_socket(evutil_socket_t fd, short what, void *argument)
{
    struct resolver *r = argument;
    ares_process_fd(r->channel, (what & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
                    (what & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
    ask_what_is_due(r);
    arm(r);
}

/* ---- sockets ---- */

static struct watch *find_watch(const struct resolver *r, ares_socket_t fd)
{
    struct watch *watch = SLIST_FIRST(&r->watches);
    while (watch != NULL && watch->fd != fd) {
        watch = SLIST_NEXT(watch, link);
    }
    return watch;
}

static void drop_watch(struct resolver *r, struct watch *watch)
{
    SLIST_REMOVE(&r->watches, watch, watch, link);
    event_free(watch->event);
    free(watch);
}

/* c-ares has opened a socket, wants to know other things of it, or (neither) is about to close it. */
static void on_socket_state(void *argument, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = argument;
    struct watch *watch = find_watch(r, fd);
    if (watch != NULL) {
        drop_watch(r, watch);
    }
    if (readable == 0 && writable == 0) {
        return;
    }
    short what = (short)((readable != 0 ? EV_READ : 0) | (writable != 0 ? EV_WRITE : 0) | EV_PERSIST);
    watch = memory_alloc(sizeof *watch);
    watch->fd = fd;
    watch->event = event_new(r->base, fd, what, on_socket, r);
    if (watch->event == NULL || event_add(watch->event, NULL) != 0) { /* the time-out will tell */
        if (watch->event != NULL) {
            event_free(watch->event);
        }
        free(watch);
        return;
    }
    SLIST_INSERT_HEAD(&r->watches, watch, link);
}

/* ---- the list ---- */

static struct host *new_host(struct resolver *r, const char *name)
{
    struct host *host = memory_alloc(sizeof *host);
    int64_t now_ms = clock_now_ms(&r->clock);
    struct family *families = host->families;
    host->told.name = memory_copy_text(name);
    host->resolver = r;
    families[0] = (struct family){.host = host, .set = &host->told.v4};
    families[1] = (struct family){.host = host, .set = &host->told.v6, .is_v6 = true};
    schedule(r, &families[0], now_ms);
    schedule(r, &families[1], now_ms);
    return host;
}

static void drop_host(struct resolver *r, struct host *host)
{
    size_t in_flight = (size_t)host->families[0].in_flight + host->families[1].in_flight;
    r->in_flight -= in_flight;
    timer_heap_remove(&r->due, &host->families[0].timer);
    timer_heap_remove(&r->due, &host->families[1].timer);
    host->resolver = NULL;
    if (in_flight == 0) {
        free_host(host);
    }
}

static void place(struct resolver *r)
{
    const char *name = r->names[r->placed];
    struct name_entry *same = name_table_take(&r->old_table, name);
    struct host *host = same == NULL ? new_host(r, name) : (struct host *)(void *)same;
    host->index = r->placed;
    host->list = r->list;
    name_table_add(&r->table, &host->entry, host->told.name);
    r->hosts[r->placed++] = host;
}

static void forget_old(struct resolver *r)
{
    free(r->old);
    name_table_fini(&r->old_table);
    r->old = NULL;
    r->old_count = r->old_done = 0;
}

bool resolver_follow_hosts(struct resolver *r, size_t max)
{
    for (; max != 0 && r->placed < r->count; max--) {
        place(r);
    }
    for (; max != 0 && r->old_done < r->old_count; max--) {
        struct host *host = r->old[r->old_done++];
        if (host->list != r->list) {
            drop_host(r, host);
        }
    }
    bool more = r->placed < r->count || r->old_done < r->old_count;
    if (!more) {
        forget_old(r);
    }
    arm(r);
    return more;
}

void resolver_begin_hosts(struct resolver *r, const char *const *names, size_t count)
{
    while (resolver_follow_hosts(r, SIZE_MAX)) { /* the list before, should it not be done with */
    }
    r->old = r->hosts;
    r->old_count = r->count;
    r->old_table = r->table;
    r->hosts = memory_alloc_array(count, sizeof(struct host *));
    r->count = count;
    r->placed = 0;
    r->names = names;
    r->list++;
    name_table_init(&r->table, count);
}

void resolver_set_hosts(struct resolver *r, const char *const *names, size_t count)
{
    resolver_begin_hosts(r, names, count);
    while (resolver_follow_hosts(r, SIZE_MAX)) {
    }
}

size_t resolver_count_hosts(const struct resolver *r)
{
    return r->placed;
}

void resolver_remember(struct resolver *r, size_t index, const struct resolve_set *v4,
                       const struct resolve_set *v6)
{
    struct resolve_host *told = &r->hosts[index]->told;
    told->v4 = told->v4.state == RESOLVE_PENDING ? *v4 : told->v4;
    told->v6 = told->v6.state == RESOLVE_PENDING ? *v6 : told->v6;
}

const struct resolve_host *resolver_get_host(const struct resolver *r, size_t index)
{
    return &r->hosts[index]->told;
}

/* ---- life ---- */

/* c-ares opens the file by its name, and would wait for a FIFO: it is given what was opened already. Who has
 * servers of his own needs no file. */
static int init_channel(struct resolver *r, const char *path)
{
    struct ares_options options = {.timeout = TIMEOUT_MS,
                                   .tries = TRIES,
                                   .sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = r,
                                   .lookups = (char[]){"b"}, /* nobody asks for nsswitch.conf */
                                   .resolvconf_path = (char *)(uintptr_t)path};
    int mask =
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF;
    int status = ares_init_options(&r->channel, &options, mask);
    if (status != ARES_SUCCESS) {
        r->channel = NULL;
        return status == ARES_ENOMEM ? -ENOMEM : -EIO;
    }
    return 0;
}

static int find_system(struct resolver *r)
{
    char path[32];
    const char *conf = r->hooks.resolv_conf == NULL ? RESOLV_CONF : r->hooks.resolv_conf;
    int error = file_open(conf, RESOLV_CONF_MAX, &r->system);
    if (error == -ENOENT) {
        return init_channel(r, NOTHING); /* a server on this host */
    }
    if (error == 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", r->system.fd);
        error = init_channel(r, path);
        file_close(&r->system);
    }
    return error;
}

static int start_cares(struct resolver *r, const char *servers)
{
    free(r->servers);
    r->servers = memory_copy_text(servers);
    int error = servers == NULL ? find_system(r) : init_channel(r, NOTHING);
    if (error == 0 && servers != NULL && ares_set_servers_ports_csv(r->channel, servers) != ARES_SUCCESS) {
        error = ERROR_SYNTAX;
    }
    return error;
}

/* Would they be found where they were found before? */
static bool are_same(const struct resolver *r, const char *servers)
{
    struct file now;
    if (r->channel == NULL || (servers == NULL) != (r->servers == NULL)) {
        return false;
    }
    if (servers != NULL) {
        return strcmp(servers, r->servers) == 0;
    }
    (void)file_look(r->hooks.resolv_conf == NULL ? RESOLV_CONF : r->hooks.resolv_conf, &now);
    return now.device == r->system.device && now.inode == r->system.inode && now.size == r->system.size &&
           now.modified_ns == r->system.modified_ns;
}

/* What is in flight ends without a result; hosts that have left and waited for it go with it. */
static void stop_cares(struct resolver *r)
{
    if (r->channel != NULL) {
        ares_destroy(r->channel);
        r->channel = NULL;
    }
    while (!SLIST_EMPTY(&r->watches)) {
        drop_watch(r, SLIST_FIRST(&r->watches));
    }
}

int resolver_set_servers(struct resolver *r, const char *servers)
{
    if (are_same(r, servers)) {
        return 0;
    }
    stop_cares(r);
    int error = start_cares(r, servers);
    if (error != 0) {
        stop_cares(r);
    }
    arm(r);
    return error;
}

static void shift_set(struct resolve_set *set, int64_t by_ms)
{
    if (set->answered_ms != 0) {
        set->answered_ms += by_ms;
        set->until_ms += by_ms;
    }
}

static void shift_host(struct host *host, int64_t by_ms)
{
    shift_set(&host->told.v4, by_ms);
    shift_set(&host->told.v6, by_ms);
}

void resolver_shift_clock(struct resolver *r, int64_t by_ms)
{
    for (size_t i = 0; i < r->placed; i++) {
        shift_host(r->hosts[i], by_ms);
    }
    for (size_t i = r->old_done; i < r->old_count; i++) {
        if (r->old[i]->list != r->list) {
            shift_host(r->old[i], by_ms);
        }
    }
}

void resolver_get_stats(const struct resolver *r, struct resolve_stats *stats)
{
    *stats = r->stats;
}

int resolver_open(struct event_base *base, const char *servers, const struct resolve_hooks *hooks,
                  struct resolver **resolver)
{
    struct resolver *r = memory_alloc(sizeof *r);
    r->base = base;
    r->hooks = *hooks;
    clock_init(&r->clock);
    SLIST_INIT(&r->watches);
    timer_heap_init(&r->due);
    r->timer = evtimer_new(base, on_timer, r);
    r->has_library = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    int error = r->timer == NULL || !r->has_library ? -ENOMEM : start_cares(r, servers);
    if (error != 0) {
        resolver_close(r);
        return error;
    }
    *resolver = r;
    return 0;
}

void resolver_close(struct resolver *r)
{
    if (r == NULL) {
        return;
    }
    while (r->table.slots != NULL && resolver_follow_hosts(r, SIZE_MAX)) {
    }
    for (size_t i = 0; i < r->placed; i++) {
        drop_host(r, r->hosts[i]);
    }
    free(r->hosts);
    name_table_fini(&r->table);
    stop_cares(r);
    timer_heap_fini(&r->due);
    free(r->servers);
    if (r->has_library) {
        ares_library_cleanup();
    }
    if (r->timer != NULL) {
        event_free(r->timer);
    }
    free(r);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See porter.h. The thread, its mailbox, and who calls it. What links bring waits in the mailbox, as much as
 * is bounded: what is beyond that is dropped, and asked for again when it is missed. */
#include "config.h"

#include "daemon/porter_inside.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MAIL_MAX = 32 << 20 }; /* octets that may wait */

const char *porter_is_text(enum porter_is is)
{
    static const char *const texts[] = {"none", "fetching", "verifying", "here", "failed"};
    return texts[is];
}

/* ---- mail ---- */

static void free_mail(struct mail *mail)
{
    free(mail->octets);
    free(mail);
}

static struct mail *new_mail(enum mail_kind kind, const char *node, size_t items)
{
    struct mail *mail = memory_alloc(sizeof *mail + items * sizeof *mail->items);
    mail->kind = kind;
    mail->size = sizeof *mail + items * sizeof *mail->items;
    snprintf(mail->node, sizeof mail->node, "%s", node);
    return mail;
}

static void *run(void *context);

/* Under the lock. Whoever has nothing to do with bundles needs no thread for them. */
static void begin(struct porter *porter, const struct mail *mail)
{
    if (!porter->has_thread && mail->kind != MAIL_STORE && mail->kind != MAIL_LEFT) {
        int error = thread_start(&porter->thread, run, porter);
        porter->has_thread = error == 0;
        if (error != 0) {
            log_error("no thread for bundles error=\"%s\"", strerror(error));
        }
    }
}

/* Takes it. What others can make as much of as they like is let go where there is no room. */
static void send_mail(struct porter *porter, struct mail *mail)
{
    bool is_bulk = mail->kind == MAIL_HEARD || mail->kind == MAIL_WANT;
    pthread_mutex_lock(&porter->lock);
    bool fits = !is_bulk || porter->mail_size + mail->size <= MAIL_MAX;
    if (fits) {
        STAILQ_INSERT_TAIL(&porter->mails, mail, link);
        porter->mail_size += mail->size;
        begin(porter, mail);
        pthread_cond_signal(&porter->comes);
    }
    pthread_mutex_unlock(&porter->lock);
    if (!fits) {
        free_mail(mail);
    }
}

static void send_id(struct porter *porter, enum mail_kind kind, const char *id)
{
    if (porter != NULL && bundle_is_id(id)) {
        struct mail *mail = new_mail(kind, "", 0);
        snprintf(mail->id, sizeof mail->id, "%s", id);
        send_mail(porter, mail);
    }
}

void porter_use(struct porter *porter, struct bundle_store *store)
{
    if (porter != NULL) {
        struct mail *mail = new_mail(MAIL_STORE, "", 0);
        mail->store = store;
        send_mail(porter, mail);
    }
}

void porter_fetch(struct porter *porter, const char *id)
{
    send_id(porter, MAIL_FETCH, id);
}

void porter_drop(struct porter *porter, const char *id)
{
    send_id(porter, MAIL_DROP, id);
}

void porter_hear_link(struct porter *porter, const char *node, uint64_t connection, bool is_up)
{
    if (porter != NULL) {
        struct mail *mail = new_mail(MAIL_LINK, node, 0);
        mail->connection = connection;
        mail->is_up = is_up;
        send_mail(porter, mail);
    }
}

void porter_yield(struct porter *porter, const char *id)
{
    send_id(porter, MAIL_YIELD, id);
}

/* has, none or want. */
static struct mail *copy_bulk(enum mail_kind kind, const char *node, const struct fleet_message *message)
{
    const struct fleet_bulk *bulk = &message->bulk;
    struct mail *mail = new_mail(kind, node, bulk->count);
    mail->message = *message;
    snprintf(mail->id, sizeof mail->id, "%s", bulk->bundle);
    for (size_t i = 0; i < bulk->count; i++) {
        mail->items[i] = bulk->items[i];
    }
    mail->message.bulk.bundle = mail->id;
    mail->message.bulk.items = mail->items;
    return mail;
}

void porter_hear(struct porter *porter, const char *node, uint64_t connection,
                 const struct fleet_message *message)
{
    if (porter != NULL) {
        struct mail *mail = copy_bulk(MAIL_HEARD, node, message);
        mail->connection = connection;
        send_mail(porter, mail);
    }
}

void porter_hear_block(struct porter *porter, const char *node, uint64_t connection,
                       const struct fleet_message *message, uint8_t *octets)
{
    if (porter == NULL) {
        free(octets);
        return;
    }
    struct mail *mail = new_mail(MAIL_HEARD, node, 0);
    mail->connection = connection;
    mail->message = *message;
    snprintf(mail->id, sizeof mail->id, "%s", message->piece.bundle);
    mail->message.piece.bundle = mail->id;
    mail->octets = octets;
    mail->size += message->piece.of;
    send_mail(porter, mail);
}

void porter_hear_want(struct porter *porter, unsigned number, uint64_t connection,
                      const struct fleet_message *message)
{
    if (porter != NULL) {
        struct mail *mail = copy_bulk(MAIL_WANT, "", message);
        mail->number = number;
        mail->connection = connection;
        send_mail(porter, mail);
    }
}

static void send_number(struct porter *porter, enum mail_kind kind, unsigned number, uint64_t connection)
{
    if (porter != NULL) {
        struct mail *mail = new_mail(kind, "", 0);
        mail->number = number;
        mail->connection = connection;
        send_mail(porter, mail);
    }
}

void porter_hear_given(struct porter *porter, unsigned number, uint64_t connection)
{
    send_number(porter, MAIL_GIVEN, number, connection);
}

void porter_hear_left(struct porter *porter, unsigned number)
{
    send_number(porter, MAIL_LEFT, number, 0);
}

/* ---- the thread ---- */

static void use(struct porter *porter, struct bundle_store *store)
{
    fetch_leave_all(porter);
    ware_leave_all(porter);
    porter->store = store;
}

static void take(struct porter *porter, const struct mail *mail)
{
    switch (mail->kind) {
    case MAIL_STORE: use(porter, mail->store); break;
    case MAIL_FETCH: fetch_begin(porter, mail->id); break;
    case MAIL_DROP: fetch_drop(porter, mail->id); break;
    case MAIL_YIELD: fetch_yield(porter, mail->id); break;
    case MAIL_LINK: fetch_hear_link(porter, mail->node, mail->connection, mail->is_up); break;
    case MAIL_HEARD: fetch_hear(porter, mail); break;
    case MAIL_WANT: give_hear_want(porter, mail); break;
    case MAIL_GIVEN: give_hear_given(porter, mail); break;
    case MAIL_LEFT: give_hear_left(porter, mail->number); break;
    }
}

/* Waits for mail until then. False: the thread is to end. */
static bool take_all(struct porter *porter, int64_t until_ms)
{
    struct mails mails = STAILQ_HEAD_INITIALIZER(mails);
    int64_t wait_ms = until_ms == INT64_MAX ? INT64_MAX : until_ms - clock_now_ms(porter->options.clock);
    struct timespec until = thread_after_ms(wait_ms == INT64_MAX || wait_ms < 0 ? 0 : wait_ms);
    pthread_mutex_lock(&porter->lock);
    for (int late = 0; STAILQ_EMPTY(&porter->mails) && !porter->is_closing && wait_ms > 0 && late == 0;) {
        late = wait_ms == INT64_MAX ? pthread_cond_wait(&porter->comes, &porter->lock)
                                    : pthread_cond_timedwait(&porter->comes, &porter->lock, &until);
    }
    STAILQ_CONCAT(&mails, &porter->mails);
    porter->mail_size = 0;
    bool goes_on = !porter->is_closing;
    pthread_mutex_unlock(&porter->lock);
    for (struct mail *mail; (mail = STAILQ_FIRST(&mails)) != NULL; free_mail(mail)) {
        STAILQ_REMOVE_HEAD(&mails, link);
        take(porter, mail);
    }
    return goes_on;
}

static void *run(void *context)
{
    struct porter *porter = context;
    int64_t until_ms = INT64_MAX;
    pthread_setname_np(pthread_self(), "porter");
    while (take_all(porter, until_ms)) {
        int64_t now_ms = clock_now_ms(porter->options.clock);
        int64_t fetches_ms = fetch_go_on(porter, now_ms), gives_ms = give_go_on(porter, now_ms);
        until_ms = fetches_ms < gives_ms ? fetches_ms : gives_ms;
        fetch_show(porter);
    }
    return NULL;
}

/* ---- looking ---- */

void porter_get_status(struct porter *porter, const char *id, struct porter_status *status)
{
    *status = (struct porter_status){.is = PORTER_NONE};
    if (porter == NULL) {
        return;
    }
    pthread_mutex_lock(&porter->lock);
    for (size_t i = 0; i < porter->shown_count; i++) {
        if (strcmp(porter->shown[i].id, id) == 0) {
            *status = porter->shown[i].status;
        }
    }
    pthread_mutex_unlock(&porter->lock);
}

int porter_get_fd(const struct porter *porter)
{
    return porter == NULL ? -1 : porter->fd;
}

void porter_get_stats(struct porter *porter, struct porter_stats *stats)
{
    *stats = (struct porter_stats){.fetching = 0};
    if (porter == NULL) {
        return;
    }
    pthread_mutex_lock(&porter->lock);
    *stats = porter->stats;
    for (size_t i = 0; i < porter->shown_count; i++) {
        enum porter_is is = porter->shown[i].status.is;
        stats->fetching += is == PORTER_FETCHING || is == PORTER_VERIFYING;
    }
    pthread_mutex_unlock(&porter->lock);
}

/* ---- life ---- */

static void free_porter(struct porter *porter)
{
    if (porter->fd != -1) {
        close(porter->fd);
    }
    pthread_cond_destroy(&porter->comes);
    pthread_mutex_destroy(&porter->lock);
    free(porter);
}

int porter_open(const struct porter_options *options, struct porter **opened)
{
    struct porter *porter = memory_alloc(sizeof *porter);
    porter->options = *options;
    random_init(&porter->random, random_seed());
    LIST_INIT(&porter->wares);
    TAILQ_INIT(&porter->fetches);
    STAILQ_INIT(&porter->mails);
    pthread_mutex_init(&porter->lock, NULL);
    thread_init_cond(&porter->comes);
    porter->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int error = porter->fd == -1 ? -errno : 0;
    if (error != 0) {
        free_porter(porter);
        return error;
    }
    *opened = porter;
    return 0;
}

void porter_close(struct porter *porter)
{
    if (porter == NULL) {
        return;
    }
    progress_cancel(&porter->progress);
    pthread_mutex_lock(&porter->lock);
    porter->is_closing = true;
    bool has_thread = porter->has_thread;
    pthread_cond_signal(&porter->comes);
    pthread_mutex_unlock(&porter->lock);
    if (has_thread) {
        pthread_join(porter->thread, NULL);
    }
    fetch_leave_all(porter);
    fetch_free_all(porter);
    ware_leave_all(porter);
    for (struct mail *mail; (mail = STAILQ_FIRST(&porter->mails)) != NULL; free_mail(mail)) {
        STAILQ_REMOVE_HEAD(&porter->mails, link);
    }
    free_porter(porter);
}

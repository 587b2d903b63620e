/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See traffic.h. A view that is replaced goes on counting until its readers have ended, so its last sums are
 * taken after that, and only then do those of the next one begin to be read: none is lost, none comes twice.
 */
#include "config.h"

#include "daemon/traffic_inside.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

#include <stdlib.h>

enum { PAUSE_MS = 1000 };

int64_t traffic_read(struct traffic *traffic)
{
    int64_t now_ms = clock_now_ms(traffic->clock);
    if (traffic->counts != NULL && now_ms > traffic->read_ms) {
        struct traffic_span span = traffic_make_span(traffic->read_ms, now_ms);
        int64_t wall_ms = clock_wall_ms(traffic->clock) - (now_ms - traffic->read_ms);
        uint64_t more = traffic_counts_read(traffic->counts, traffic->book, &span, wall_ms);
        more +=
            traffic->drill == NULL ? 0 : traffic_counts_read(traffic->drill, traffic->book, &span, wall_ms);
        traffic_rate_add(&traffic->answers, &span, more);
        traffic->read_ms = now_ms;
    }
    traffic_crowd_read(traffic->crowd, now_ms, clock_wall_ms(traffic->clock));
    return traffic->read_ms;
}

/* ---- views come and go ---- */

static void take_over(struct traffic *traffic, struct view *view)
{
    view_synchronize();
    pthread_mutex_lock(&traffic->lock);
    int64_t now_ms = traffic_read(traffic), wall_ms = clock_wall_ms(traffic->clock);
    struct traffic_counts *before = traffic->counts;
    traffic->counts = traffic_counts_new(view, before);
    traffic_crowd_follow(traffic->crowd, view);
    traffic_book_begin_sweep(traffic->book);
    traffic_counts_enter(traffic->counts, traffic->book, now_ms, wall_ms);
    traffic_counts_keep(traffic->counts, traffic->book);
    traffic_book_end_sweep(traffic->book);
    pthread_mutex_unlock(&traffic->lock);
    traffic_counts_free(before);
}

/* Who was answered from there is counted; and from now on who is answered from here. */
static void take_drill(struct traffic *traffic, struct view *view)
{
    view_synchronize();
    pthread_mutex_lock(&traffic->lock);
    int64_t now_ms = traffic_read(traffic), wall_ms = clock_wall_ms(traffic->clock);
    struct traffic_counts *before = traffic->drill;
    traffic->drill = view == NULL ? NULL : traffic_counts_new(view, NULL);
    if (traffic->drill != NULL) {
        traffic_counts_enter(traffic->drill, traffic->book, now_ms, wall_ms);
    }
    pthread_mutex_unlock(&traffic->lock);
    traffic_counts_free(before);
}

/* Takes the view. */
static void tell(struct traffic *traffic, struct view *view, bool is_drill)
{
    struct traffic_news *news = memory_alloc(sizeof *news), **at = &traffic->news;
    news->view = view;
    news->is_drill = is_drill;
    pthread_mutex_lock(&traffic->door);
    while (*at != NULL) {
        at = &(*at)->next;
    }
    *at = news;
    traffic->pending++;
    pthread_cond_signal(&traffic->bell);
    pthread_mutex_unlock(&traffic->door);
}

void traffic_follow(struct traffic *traffic, const struct view *view)
{
    tell(traffic, view_hold_counts(view), false);
}

void traffic_follow_drill(struct traffic *traffic, const struct view *view)
{
    tell(traffic, view == NULL ? NULL : view_hold_counts(view), true);
}

struct sights **traffic_make_sights(struct traffic *traffic, size_t threads)
{
    pthread_mutex_lock(&traffic->lock);
    struct sights **sights = traffic_crowd_make_sights(traffic->crowd, threads);
    pthread_mutex_unlock(&traffic->lock);
    return sights;
}

void traffic_listen(struct traffic *traffic, struct stream *stream)
{
    pthread_mutex_lock(&traffic->lock);
    traffic_crowd_listen(traffic->crowd, stream);
    pthread_mutex_unlock(&traffic->lock);
}

void traffic_catch_up(struct traffic *traffic)
{
    enum { PATIENCE_MS = 2000 };
    struct timespec until = thread_after_ms(PATIENCE_MS);
    int error = 0;
    pthread_mutex_lock(&traffic->door);
    while (traffic->pending != 0 && error == 0) {
        error = pthread_cond_timedwait(&traffic->followed, &traffic->door, &until);
    }
    pthread_mutex_unlock(&traffic->door);
}

bool traffic_is_behind(struct traffic *traffic)
{
    pthread_mutex_lock(&traffic->door);
    bool is_behind = traffic->pending != 0;
    pthread_mutex_unlock(&traffic->door);
    return is_behind;
}

/* ---- the thread ---- */

/* What is new, or NULL: it is time to read. false: it is over. */
static bool wait_for_news(struct traffic *traffic, struct traffic_news **news)
{
    struct timespec until = thread_after_ms(PAUSE_MS);
    int error = 0;
    pthread_mutex_lock(&traffic->door);
    while (traffic->news == NULL && !traffic->is_closing && error == 0) {
        error = pthread_cond_timedwait(&traffic->bell, &traffic->door, &until);
    }
    *news = traffic->news;
    if (*news != NULL) {
        traffic->news = (*news)->next;
    }
    bool goes_on = !traffic->is_closing;
    pthread_mutex_unlock(&traffic->door);
    return goes_on;
}

static void *run(void *argument)
{
    struct traffic *traffic = argument;
    struct traffic_news *news;
    pthread_setname_np(pthread_self(), "traffic");
    while (wait_for_news(traffic, &news)) {
        if (news != NULL) {
            (news->is_drill ? take_drill : take_over)(traffic, news->view);
            free(news);
            pthread_mutex_lock(&traffic->door);
            traffic->pending--;
            pthread_cond_broadcast(&traffic->followed);
            pthread_mutex_unlock(&traffic->door);
        } else {
            pthread_mutex_lock(&traffic->lock);
            (void)traffic_read(traffic);
            pthread_mutex_unlock(&traffic->lock);
        }
    }
    for (; news != NULL; traffic->news = news->next, free(news), news = traffic->news) {
        view_free(news->view);
    }
    return NULL;
}

static void free_parts(struct traffic *traffic)
{
    traffic_counts_free(traffic->counts);
    traffic_counts_free(traffic->drill);
    traffic_book_free(traffic->book);
    traffic_crowd_free(traffic->crowd);
    pthread_mutex_destroy(&traffic->door);
    pthread_mutex_destroy(&traffic->lock);
    pthread_cond_destroy(&traffic->bell);
    pthread_cond_destroy(&traffic->followed);
    free(traffic);
}

int traffic_open(const struct clock *clock, struct traffic **to)
{
    struct traffic *traffic = memory_alloc(sizeof *traffic);
    traffic->clock = clock;
    traffic->book = traffic_book_new();
    traffic->crowd = traffic_crowd_new();
    traffic->read_ms = clock_now_ms(clock);
    traffic->since_ms = clock_wall_ms(clock);
    traffic_rate_init(&traffic->answers, traffic->read_ms);
    pthread_mutex_init(&traffic->door, NULL);
    pthread_mutex_init(&traffic->lock, NULL);
    thread_init_cond(&traffic->bell);
    thread_init_cond(&traffic->followed);
    int error = thread_start(&traffic->thread, run, traffic);
    if (error != 0) {
        free_parts(traffic);
        return -error;
    }
    *to = traffic;
    return 0;
}

void traffic_close(struct traffic *traffic)
{
    if (traffic == NULL) {
        return;
    }
    pthread_mutex_lock(&traffic->door);
    traffic->is_closing = true;
    pthread_cond_signal(&traffic->bell);
    pthread_mutex_unlock(&traffic->door);
    pthread_join(traffic->thread, NULL);
    free_parts(traffic);
}

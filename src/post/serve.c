/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See serve.h. libcurl's multi interface: any number of requests at once, none of which waits for another;
 * what looks up names are its threads, and one that hangs is left behind (CURLOPT_QUICK_EXIT). */
#include "config.h"

#include "post/serve.h"

#include "base/memory.h"
#include "base/pass.h"
#include "post/frame.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { POSTS_MAX = 64, TAKEN_MAX = 65536, WAIT_MS = 60000, CONNECTIONS_KEPT = 16 };

struct post {
    CURL *easy;
    struct curl_slist *headers;
    char *bytes; /* of the order */
    struct post_order order;
    int story;
    size_t taken; /* octets of the answer */
    char said[POST_SAID_MAX];
    size_t said_len;
    char why[CURL_ERROR_SIZE];
};

struct server {
    int channel;
    CURLM *multi;
    struct post *posts[POSTS_MAX];
    size_t count;
    char bytes[POST_ORDER_MAX];
};

/* ---- stories ---- */

static void tell(int story, const struct post_story *head, const char *text, size_t len)
{
    struct post_story copy = *head;
    struct iovec parts[2] = {
        {.iov_base = &copy, .iov_len = sizeof copy},
        {.iov_base = (void *)(uintptr_t)text, .iov_len = len < POST_SAID_MAX ? len : POST_SAID_MAX}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    (void)sendmsg(story, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void refuse(int story, int error)
{
    tell(story, &(struct post_story){.kind = POST_REFUSED, .value = error}, NULL, 0);
    (void)close(story);
}

static void tell_end(struct post *post, CURLcode code)
{
    struct post_story head = {.kind = POST_FAILED, .value = (int32_t)code};
    long status = 0;
    curl_off_t after_s = 0;
    bool is_whole = code == CURLE_OK || (code == CURLE_WRITE_ERROR && post->taken > TAKEN_MAX);
    (void)curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &after_s);
    if (is_whole && status != 0) {
        head =
            (struct post_story){.kind = POST_ANSWERED,
                                .value = (int32_t)status,
                                .retry_after_s = after_s < 0 || after_s > UINT32_MAX ? 0 : (uint32_t)after_s};
        tell(post->story, &head, post->said, post->said_len);
        return;
    }
    const char *why = post->why[0] != '\0' ? post->why : curl_easy_strerror(code);
    tell(post->story, &head, why, strlen(why));
}

/* ---- requests ---- */

static void free_post(struct post *post)
{
    if (post->easy != NULL) {
        curl_easy_cleanup(post->easy);
    }
    curl_slist_free_all(post->headers);
    if (post->story != -1) {
        (void)close(post->story);
    }
    free(post->bytes);
    free(post);
}

static void drop(struct server *server, size_t i)
{
    struct post *post = server->posts[i];
    (void)curl_multi_remove_handle(server->multi, post->easy);
    server->posts[i] = server->posts[--server->count];
    free_post(post);
}

/* The beginning is for people; of the rest only a bounded part is waited for. */
static size_t on_answer(char *bytes, size_t size, size_t count, void *argument)
{
    struct post *post = argument;
    size_t len = size * count, room = sizeof post->said - post->said_len;
    memcpy(post->said + post->said_len, bytes, len < room ? len : room);
    post->said_len += len < room ? len : room;
    post->taken += len;
    return post->taken > TAKEN_MAX ? 0 : len;
}

/* Nothing but HTTP, to whom the configuration names: no redirection, no proxy of the environment, no
 * password file. */
static bool prepare(struct post *post)
{
    static const char agent[] = PACKAGE "/" PACKAGE_VERSION;
    const struct post_order *order = &post->order;
    CURL *easy = post->easy;
    for (size_t i = 0; i < order->header_count; i++) {
        struct curl_slist *list = curl_slist_append(post->headers, order->headers[i]);
        if (list == NULL) {
            return false;
        }
        post->headers = list;
    }
    bool good = curl_easy_setopt(easy, CURLOPT_URL, order->url) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    /* It would keep what was in that file for a day, whatever is there now. */
    good = good && curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L) == CURLE_OK;
    good = good && (order->ca[0] == '\0' || curl_easy_setopt(easy, CURLOPT_CAINFO, order->ca) == CURLE_OK);
    good = good && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, order->body) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)order->body_len) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_USERAGENT, agent) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)order->timeout_ms) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->why) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_WRITEDATA, post) == CURLE_OK;
    return good && curl_easy_setopt(easy, CURLOPT_PRIVATE, post) == CURLE_OK;
}

/* Takes `story`. */
static void begin(struct server *server, size_t len, int story)
{
    struct post *post = memory_alloc(sizeof *post);
    post->story = story;
    post->bytes = memory_copy(server->bytes, len);
    int error = post_parse_order(post->bytes, len, &post->order);
    error = error == 0 && server->count == POSTS_MAX ? -EAGAIN : error;
    post->easy = error == 0 ? curl_easy_init() : NULL;
    error = error == 0 && post->easy == NULL ? -ENOMEM : error;
    error = error == 0 && !prepare(post) ? -EINVAL : error;
    if (error == 0 && curl_multi_add_handle(server->multi, post->easy) == CURLM_OK) {
        server->posts[server->count++] = post;
        return;
    }
    post->story = -1;
    free_post(post);
    refuse(story, error == 0 ? ENOMEM : -error);
}

/* ---- orders ---- */

/* Returns false when nobody wants anything any more. */
static bool take_order(struct server *server)
{
    int story;
    ssize_t n = pass_receive(server->channel, server->bytes, sizeof server->bytes, &story);
    if (n <= 0 && n != -EBADMSG) {
        return n == -EAGAIN;
    }
    if (story == -1) {
        return true; /* no descriptor was left here: the near end hears that nobody holds the far one */
    }
    if (n < 0) {
        refuse(story, EBADMSG);
    } else {
        begin(server, (size_t)n, story);
    }
    return true;
}

/* ---- the loop ---- */

static void take_ends(struct server *server)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(server->multi, &left)) != NULL) {
        size_t i = 0;
        while (i < server->count && server->posts[i]->easy != message->easy_handle) {
            i++;
        }
        if (message->msg == CURLMSG_DONE && i < server->count) {
            tell_end(server->posts[i], message->data.result);
            drop(server, i);
        }
    }
}

/* Whose near end is closed is called off. */
static bool look(struct server *server, const struct curl_waitfd *fds)
{
    for (size_t i = server->count; i-- > 0;) {
        if (fds[i + 1].revents != 0) {
            drop(server, i);
        }
    }
    return fds[0].revents == 0 || take_order(server);
}

static bool turn(struct server *server)
{
    struct curl_waitfd fds[POSTS_MAX + 1] = {{.fd = server->channel, .events = CURL_WAIT_POLLIN}};
    int running;
    for (size_t i = 0; i < server->count; i++) {
        fds[i + 1] = (struct curl_waitfd){.fd = server->posts[i]->story, .events = CURL_WAIT_POLLIN};
    }
    if (curl_multi_poll(server->multi, fds, (unsigned)server->count + 1, WAIT_MS, NULL) != CURLM_OK) {
        return false;
    }
    bool is_wanted = look(server, fds);
    (void)curl_multi_perform(server->multi, &running);
    take_ends(server);
    return is_wanted;
}

int post_serve(int channel)
{
    struct server *server = memory_alloc(sizeof *server);
    server->channel = channel;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || (server->multi = curl_multi_init()) == NULL) {
        free(server);
        return -ENOMEM;
    }
    (void)curl_multi_setopt(server->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    while (turn(server)) {
    }
    while (server->count != 0) {
        drop(server, server->count - 1);
    }
    (void)curl_multi_cleanup(server->multi);
    curl_global_cleanup();
    free(server);
    return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See exchange.h. */
#include "config.h"

#include "etcd/exchange.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    REFUSAL_MAX = 65536,
    DEAD_MS = 3000, /* without an acknowledgement of the other end's kernel */
    KEEP_ALIVE_S = 1,
};

/* ---- what libcurl calls ---- */

static size_t on_send(char *to, size_t size, size_t count, void *argument)
{
    struct exchange *exchange = argument;
    size_t room = size * count, left = exchange->options.body_len - exchange->handed;
    size_t n = room < left ? room : left;
    memcpy(to, exchange->options.body + exchange->handed, n);
    exchange->handed += n;
    return n;
}

/* A connection is there, and the request is about to be sent: for the second time, where a kept connection
 * turned out to be dead. */
static int on_before(void *argument, char *ours, char *theirs, int our_port, int their_port)
{
    struct exchange *exchange = argument;
    (void)ours, (void)theirs, (void)our_port, (void)their_port;
    if (exchange->handed != 0 && exchange->options.is_once) {
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->handed = 0;
    return CURL_PREREQFUNC_OK;
}

static int on_rewind(void *argument, curl_off_t offset, int origin)
{
    const struct exchange *exchange = argument;
    bool may = origin == SEEK_SET && offset == 0 && !(exchange->options.is_once && exchange->handed != 0);
    return may ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL; /* on_before() does it */
}

static size_t on_answer(char *bytes, size_t size, size_t count, void *argument)
{
    struct exchange *exchange = argument;
    size_t len = size * count;
    bool is_good = exchange_find_status(exchange) == 200;
    size_t most = is_good ? exchange->options.answer_max : REFUSAL_MAX;
    if (exchange->options.is_full(exchange->options.context)) {
        exchange->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    if (exchange->in.len + len > most) {
        exchange->is_too_long = true;
        return 0;
    }
    buffer_add(&exchange->in, bytes, len);
    if (is_good && exchange->options.came != NULL) {
        exchange->options.came(exchange->options.context);
    }
    return len;
}

/* A cable that is pulled, a machine that is off: noticed by the kernel within seconds, also where only one of
 * many connections is lost. */
static int on_socket(void *argument, curl_socket_t fd, curlsocktype purpose)
{
    static const int on = 1, alive_s = KEEP_ALIVE_S, dead_ms = DEAD_MS;
    (void)argument, (void)purpose;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &alive_s, sizeof alive_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &alive_s, sizeof alive_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof dead_ms);
    return CURL_SOCKOPT_OK;
}

/* ---- life ---- */

static bool add_header(struct exchange *exchange, const char *text)
{
    struct curl_slist *list = curl_slist_append(exchange->headers, text);
    exchange->headers = list == NULL ? exchange->headers : list;
    return list != NULL;
}

static bool add_headers(struct exchange *exchange)
{
    bool good = add_header(exchange, "Content-Type: application/json") && add_header(exchange, "Expect:");
    /* Who has no leader says so at once, where it would wait and be silent. */
    good = good && add_header(exchange, "Grpc-Metadata-hasleader: true");
    if (good && exchange->options.token[0] != '\0') {
        char *text = memory_print("Authorization: %s", exchange->options.token);
        good = add_header(exchange, text);
        free(text);
    }
    return good;
}

static bool set_tls(struct exchange *exchange)
{
    const struct exchange_options *options = &exchange->options;
    CURL *easy = exchange->easy;
    bool good = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    /* It would keep what was in that file for a day, whatever is there now. */
    good = good && curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L) == CURLE_OK;
    good =
        good && (options->ca[0] == '\0' || (curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca) == CURLE_OK &&
                                            curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK));
    good = good && (options->certificate[0] == '\0' ||
                    curl_easy_setopt(easy, CURLOPT_SSLCERT, options->certificate) == CURLE_OK);
    return good &&
           (options->key[0] == '\0' || curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key) == CURLE_OK);
}

static bool set_calls(struct exchange *exchange)
{
    CURL *easy = exchange->easy;
    bool good = curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_READDATA, exchange) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_before) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_PREREQDATA, exchange) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_socket) == CURLE_OK;
    return good && curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange->options.context) == CURLE_OK;
}

/* Nothing but HTTP, to whom the configuration names: no redirection, no proxy of the environment, no password
 * file. When it is over is decided elsewhere. */
static bool prepare(struct exchange *exchange)
{
    static const char agent[] = PACKAGE "/" PACKAGE_VERSION;
    const struct exchange_options *options = &exchange->options;
    CURL *easy = exchange->easy;
    char *url = memory_print("%s%s", options->endpoint, options->path);
    bool good = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
    free(url);
    good = good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK;
    good = good &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)options->body_len) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_USERAGENT, agent) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->why) == CURLE_OK;
    return good && set_tls(exchange) && set_calls(exchange);
}

struct exchange *exchange_begin(const struct exchange_options *options)
{
    struct exchange *exchange = memory_alloc(sizeof *exchange);
    exchange->options = *options;
    exchange->easy = curl_easy_init();
    if (exchange->easy != NULL && add_headers(exchange) && prepare(exchange) &&
        curl_multi_add_handle(options->multi, exchange->easy) == CURLM_OK) {
        return exchange;
    }
    exchange_end(exchange);
    return NULL;
}

void exchange_end(struct exchange *exchange)
{
    if (exchange == NULL) {
        return;
    }
    if (exchange->easy != NULL) {
        (void)curl_multi_remove_handle(exchange->options.multi, exchange->easy);
        curl_easy_cleanup(exchange->easy);
    }
    curl_slist_free_all(exchange->headers);
    buffer_fini(&exchange->in);
    free(exchange);
}

void exchange_go_on(struct exchange *exchange)
{
    if (exchange->is_paused) {
        exchange->is_paused = false;
        (void)curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
    }
}

long exchange_find_status(const struct exchange *exchange)
{
    long status = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static int find_errno(const struct exchange *exchange, int instead)
{
    long found = 0;
    (void)curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &found);
    return found > 0 ? -(int)found : instead;
}

int exchange_judge(const struct exchange *exchange, CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_CONNECT: return find_errno(exchange, -ECONNREFUSED);
    case CURLE_COULDNT_RESOLVE_HOST: return -EHOSTUNREACH;
    case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
    case CURLE_WRITE_ERROR: return exchange->is_too_long ? ERROR_TOO_LARGE : -EIO;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE: return -EPROTO;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_SEND_FAIL_REWIND: return -ECONNRESET;
    default: return -EIO;
    }
}

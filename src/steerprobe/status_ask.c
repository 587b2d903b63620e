/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who asks what a running steerprobe does: see status.h. */
#include "config.h"

#include "steerprobe/status.h"

#include "base/buffer.h"
#include "base/exits.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

enum { PATIENCE_S = 5, CHUNK = 4096, MS = 1000, MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

static int connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    if (strlen(path) >= sizeof at.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == -1) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* All that it says; returns false if it did not end. */
static bool read_all(int fd, struct buffer *text)
{
    char chunk[CHUNK];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0) {
        buffer_add(text, chunk, (size_t)got);
    }
    return got == 0;
}

/* ---- for people ---- */

static const char *get_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static long get_number(const json_t *object, const char *key)
{
    return (long)json_integer_value(json_object_get(object, key));
}

static const char *write_length(long ms, char text[32])
{
    long s = ms / MS;
    if (s < MINUTE_S) {
        snprintf(text, 32, "%ld s", s);
    } else if (s < HOUR_S) {
        snprintf(text, 32, "%ld min %ld s", s / MINUTE_S, s % MINUTE_S);
    } else if (s < DAY_S) {
        snprintf(text, 32, "%ld h %ld min", s / HOUR_S, s % HOUR_S / MINUTE_S);
    } else {
        snprintf(text, 32, "%ld d %ld h", s / DAY_S, s % DAY_S / HOUR_S);
    }
    return text;
}

static void print_list(const json_t *list)
{
    if (list == NULL) {
        puts("  list         none yet");
        return;
    }
    printf("  list         %ld targets, %ld checks, generation %ld\n", get_number(list, "targets"),
           get_number(list, "checks"), get_number(list, "generation"));
    printf("  opinions     %ld up, %ld down, %ld none, %ld idle\n", get_number(list, "up"),
           get_number(list, "down"), get_number(list, "none"), get_number(list, "idle"));
    if (get_number(list, "refused") != 0) {
        printf("  refused      %ld checks that this version cannot make, see the log\n",
               get_number(list, "refused"));
    }
}

static void print_server(const json_t *server)
{
    char length[32];
    bool connected = strcmp(get_text(server, "state"), "connected") == 0;
    const char *calls_itself = get_text(server, "calls_itself");
    printf("%s%s%s%s\n", get_text(server, "server"), calls_itself[0] == '\0' ? "" : " (", calls_itself,
           calls_itself[0] == '\0' ? "" : ")");
    printf("  state        %s for %s", connected ? "connected" : "away",
           write_length(get_number(server, "for_ms"), length));
    if (connected) {
        putchar('\n');
    } else {
        printf(", %s, attempt %ld\n", get_text(server, "state"), get_number(server, "attempts"));
    }
    if (get_text(server, "why")[0] != '\0') {
        printf("  why          %s\n", get_text(server, "why"));
    }
    printf("  known as     %s\n", get_text(server, "name"));
    if (connected) {
        printf("  heard        %ld ms ago, round trip %.1f ms\n", get_number(server, "heard_ms_ago"),
               (double)get_number(server, "round_trip_us") / MS);
    }
    if (get_text(server, "list_refused")[0] != '\0') {
        printf("  list refused %s; the one before stays\n", get_text(server, "list_refused"));
    }
    print_list(json_object_get(server, "list"));
}

static void print_checks(const json_t *checks)
{
    const char *key;
    json_t *value;
    printf("checks         %ld for %ld targets, %ld made, %ld under way\n", get_number(checks, "checks"),
           get_number(checks, "targets"), get_number(checks, "started"), get_number(checks, "in_flight"));
    json_object_foreach(json_object_get(checks, "not_possible"), key, value)
    {
        printf("  not possible %" JSON_INTEGER_FORMAT " targets, for a reason of this host: %s\n",
               json_integer_value(value), key);
    }
    json_object_foreach(json_object_get(checks, "limits"), key, value)
    {
        printf("  limit        %s %" JSON_INTEGER_FORMAT "\n", key, json_integer_value(value));
    }
}

static void print_clock(long ahead_ms)
{
    char length[32];
    if (labs(ahead_ms) >= MINUTE_S * MS) {
        printf("clock          %s %s that of the servers, by which certificates are judged\n",
               write_length(labs(ahead_ms), length), ahead_ms > 0 ? "ahead of" : "behind");
    }
}

static void print(const json_t *root)
{
    char length[32];
    size_t index;
    const json_t *server, *servers = json_object_get(root, "servers");
    printf("steerprobe %s, pid %ld, up for %s\n", get_text(root, "version"), get_number(root, "pid"),
           write_length(get_number(root, "up_ms"), length));
    json_array_foreach(servers, index, server)
    {
        print_server(server);
    }
    if (json_array_size(servers) == 0) {
        puts("enrolled with no server: steerprobe enrol TOKEN --server HOST:PORT");
    }
    print_checks(json_object_get(root, "checks"));
    print_clock(get_number(root, "clock_ahead_ms"));
}

static int print_answer(const struct buffer *text, bool json)
{
    json_t *root = json_loadb(text->bytes == NULL ? "" : text->bytes, text->len, 0, NULL);
    if (root == NULL) {
        fputs("steerprobe: what answers is no steerprobe, or it was cut off\n", stderr);
        return EXITS_UNREACHABLE;
    }
    if (json) {
        puts(text->bytes);
    } else {
        print(root);
    }
    json_decref(root);
    return EXITS_OK;
}

int status_print(const char *folder, bool json)
{
    char *path = memory_print("%s/status", folder);
    int fd = connect_to(path), code = EXITS_UNREACHABLE;
    struct buffer text;
    buffer_init(&text);
    if (fd == -1) {
        fprintf(stderr,
                "steerprobe: no steerprobe runs with the state folder %s, or you may not ask it (%s: %s)\n",
                folder, path, strerror(errno));
    } else if (!read_all(fd, &text)) {
        fprintf(stderr, "steerprobe: the one that runs with %s does not answer\n", folder);
    } else {
        code = print_answer(&text, json);
    }
    if (fd != -1) {
        close(fd);
    }
    buffer_fini(&text);
    free(path);
    return code;
}

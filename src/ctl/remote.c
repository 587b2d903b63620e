/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The API from elsewhere. TLS is spoken by a program of its own, steerctl-tls, over one end of a pair of
 * sockets, whose other end is as good as the unix socket: OpenSSL costs a start milliseconds, and most starts
 * are for the socket. */
#include "config.h"

#include "ctl/steerctl.h"

#include "base/file.h"
#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "steerctl-tls"

enum { TOKEN_MAX = 1024, CONFIG_MAX = 1 << 20, HOST_SIZE = 256, PORT_SIZE = 6 };

extern char **environ;

/* ---- profiles ---- */

static char *find_config(void)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    return config != NULL && config[0] == '/' ? memory_print("%s/steerctl/config.json", config)
           : home != NULL                     ? memory_print("%s/.config/steerctl/config.json", home)
                                              : memory_copy_text("/etc/steerctl/config.json");
}

static void refuse(const char *path, const char *what)
{
    fprintf(stderr, "steerctl: %s: %s\n", path, what);
}

/* Members go where nothing stands. False: it was said why not. */
static bool use_members(struct steerctl *ctl, const char *path, const json_t *profile)
{
    const struct {
        const char *key, **to;
    } members[] = {{"url", &ctl->url}, {"token_file", &ctl->token_file},
                   {"ca", &ctl->ca},   {"cert", &ctl->cert},
                   {"key", &ctl->key}, {"socket", NULL}};
    const char *key;
    json_t *value;
    bool has_url = ctl->url != NULL;
    json_object_foreach((json_t *)(uintptr_t)profile, key, value)
    {
        size_t i = 0, count = sizeof members / sizeof *members;
        while (i < count && strcmp(members[i].key, key) != 0) {
            i++;
        }
        if (i == count || !json_is_string(value)) {
            char why[128];
            snprintf(why, sizeof why,
                     "found \"%.40s\", expected texts url, token_file, ca, cert, key or socket", key);
            refuse(path, why);
            return false;
        }
        if (members[i].to == NULL) {
            ctl->socket = has_url ? ctl->socket : json_string_value(value);
        } else if (*members[i].to == NULL) {
            *members[i].to = json_string_value(value);
        }
    }
    return true;
}

static bool use(struct steerctl *ctl, const char *name, const char *path)
{
    json_error_t error = {.text = ""};
    struct file file;
    size_t len = 0;
    int code = 0;
    char *text = file_read_all(path, CONFIG_MAX, &file, &len, &code);
    json_t *config = text == NULL ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    const json_t *profile = json_object_get(json_object_get(config, "profiles"), name);
    bool good = false;
    if (config == NULL) {
        refuse(path, text == NULL ? file.why : error.text);
    } else if (!json_is_object(profile)) {
        fprintf(stderr, "steerctl: %s: there is no profile \"%s\" in \"profiles\"\n", path, name);
    } else {
        good = use_members(ctl, path, profile);
    }
    ctl->config = config;
    free(text);
    return good;
}

bool remote_use_profile(struct steerctl *ctl)
{
    const char *name = ctl->profile != NULL ? ctl->profile : getenv("STEERCTL_PROFILE");
    if (name != NULL && name[0] != '\0') {
        char *path = find_config();
        bool good = use(ctl, name, path);
        free(path);
        return good;
    }
    if (ctl->url == NULL &&
        (ctl->token_file != NULL || ctl->ca != NULL || ctl->cert != NULL || ctl->key != NULL)) {
        fputs("steerctl: --token-file, --ca, --cert and --key need a --url\n", stderr);
        return false;
    }
    return true;
}

/* ---- whom to ask ---- */

struct place {
    char host[HOST_SIZE], port[PORT_SIZE];
    const char *authority; /* as it is written */
    size_t authority_len;
};

/* "https://host[:port][/]"; an address of IPv6 in brackets. */
static bool read_url(const char *url, struct place *place)
{
    static const char scheme[] = "https://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    const char *at = url + sizeof scheme - 1, *end = at + strcspn(at, "/"), *host = at;
    place->authority = at;
    place->authority_len = (size_t)(end - at);
    bool is_v6 = *at == '[';
    size_t len = is_v6 ? strcspn(++host, "]/") : strcspn(host, ":/");
    const char *rest = host + len + (is_v6 ? 1 : 0);
    if ((is_v6 && host[len] != ']') || (*end == '/' && end[1] != '\0') || len == 0 || len >= HOST_SIZE ||
        rest > end || (rest < end && (*rest != ':' || end - rest < 2 || end - rest > PORT_SIZE))) {
        return false;
    }
    snprintf(place->host, sizeof place->host, "%.*s", (int)len, host);
    snprintf(place->port, sizeof place->port, "%.*s", rest < end ? (int)(end - rest - 1) : 3,
             rest < end ? rest + 1 : "443");
    for (const char *c = at; c < end; c++) {
        if (!isalnum((unsigned char)*c) && strchr("-._:[]", *c) == NULL) {
            return false;
        }
    }
    return place->port[strspn(place->port, "0123456789")] == '\0';
}

/* One line of a file; owned, to be wiped. NULL, and why is appended to. */
static char *read_token(const char *path, struct buffer *why)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/="; /* RFC 6750 section 2.1 */
    struct file file;
    size_t len = 0;
    int code = 0;
    char *token = file_read_all(path, TOKEN_MAX, &file, &len, &code);
    if (token == NULL) {
        buffer_print(why, "the file %s cannot be read: %s", path, file.why);
        return NULL;
    }
    if ((file.mode & 077) != 0) {
        fprintf(stderr, "steerctl: others can use the file %s: it holds a token, expected mode 0600\n", path);
    }
    while (len > 0 && isspace((unsigned char)token[len - 1])) {
        token[--len] = '\0';
    }
    if (len == 0 || strspn(token, letters) != len) {
        buffer_print(why, "the file %s holds no token", path);
        explicit_bzero(token, len);
        free(token);
        return NULL;
    }
    return token;
}

bool remote_write_head(const struct steerctl *ctl, struct buffer *head, struct buffer *why)
{
    struct place place;
    if (!read_url(ctl->url, &place)) {
        buffer_print(why, "found \"%s\", expected https://HOST:PORT", ctl->url);
        return false;
    }
    buffer_print(head, "Host: %.*s\r\n", (int)place.authority_len, place.authority);
    if (ctl->token_file == NULL) {
        return true;
    }
    char *token = read_token(ctl->token_file, why);
    if (token == NULL) {
        return false;
    }
    buffer_print(head, "Authorization: Bearer %s\r\n", token);
    explicit_bzero(token, strlen(token));
    free(token);
    return true;
}

/* ---- the program ---- */

/* Its end of the pair is its standard input; it says on stderr what goes wrong, and ends with the connection.
 */
static int start(const struct steerctl *ctl, const struct place *place, int end)
{
    char name[] = PROGRAM, *path = steerctl_find_program(PROGRAM);
    const char *const words[] = {name,
                                 place->host,
                                 place->port,
                                 ctl->ca == NULL ? "" : ctl->ca,
                                 ctl->cert == NULL ? "" : ctl->cert,
                                 ctl->key == NULL ? "" : ctl->key,
                                 NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO);
        error = error == 0 ? posix_spawn(&pid, path, &actions, NULL, (char *const *)(uintptr_t)words, environ)
                           : error;
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    if (error != 0) {
        fprintf(stderr,
                "steerctl: %s cannot be run: %s; it is a part of steerd that has to be installed with it\n",
                path, strerror(error));
    }
    free(path);
    return error;
}

bool remote_connect(const struct steerctl *ctl, int *fd, struct buffer *why)
{
    struct place place;
    int pair[2];
    *fd = -1;
    while (waitpid(-1, NULL, WNOHANG) > 0) { /* those of requests before */
    }
    if (!read_url(ctl->url, &place)) {
        buffer_print(why, "found \"%s\", expected https://HOST:PORT", ctl->url);
        return false;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1) {
        buffer_print(why, "cannot make a pair of sockets: %s", strerror(errno));
        return false;
    }
    int error = start(ctl, &place, pair[1]);
    close(pair[1]);
    if (error != 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) == -1) {
        buffer_print(why, "%s cannot be asked", ctl->url);
        close(pair[0]);
        return false;
    }
    *fd = pair[0];
    return true;
}

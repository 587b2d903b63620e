/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerctl runs for `push`: a folder becomes a bundle (past/bundle.h), the server is given the blocks
 * that it does not have, says what is wrong with it or what it would change for traffic, and then it is to be
 * active on all nodes. A program of its own, for the sake of what hashes. */
#include "config.h"

#include "ctl/http.h"
#include "ctl/options.h"
#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/words.h"
#include "past/bundle.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    AT_ONCE = 8,     /* blocks in a request */
    ROUNDS = 3,      /* of sending what came damaged, or was forgotten */
    BUSY_TRIES = 80, /* an upload that was abandoned makes room after 30 s */
    BUSY_MS = 500,
    SHORT = 12,
    PATH_SIZE = 160,
};

struct push {
    const struct steerctl *ctl;
    const char *folder;
    struct bundle *bundle;
    char *bytes;       /* of a request */
    uint32_t sent;     /* blocks */
    bool is_shown;     /* how far it is */
    bool is_here;      /* all of it */
    bool is_forgotten; /* by the server: it was started anew, say */
    char why[BUNDLE_WHY_SIZE];
};

static enum steerctl_exit fail(const struct push *push)
{
    fprintf(stderr, "steerctl: %s\n", push->why);
    return STEERCTL_REFUSED;
}

/* ---- sending ---- */

static void show_sent(const struct push *push)
{
    if (push->is_shown) {
        double done = (double)push->sent * BUNDLE_BLOCK_SIZE / 1e6, of = (double)push->bundle->size / 1e6;
        fprintf(stderr, "\r%.*s: %.1f of %.1f MB sent ", SHORT, push->bundle->id, done < of ? done : of, of);
        (void)fflush(stderr);
    }
}

static void end_line(const struct push *push)
{
    if (push->is_shown && push->sent != 0) {
        fputc('\n', stderr);
    }
}

static bool is_text(const json_t *object, const char *key, const char *wanted)
{
    const char *text = text_of(object, key);
    return text != NULL && strcmp(text, wanted) == 0;
}

static enum steerctl_exit send_blocks(struct push *push, uint32_t first, uint32_t count, json_t **answer)
{
    char target[PATH_SIZE];
    size_t len = 0;
    struct steerctl_reply reply;
    for (uint32_t i = 0; i < count; i++) {
        if (bundle_read_block(push->folder, push->bundle, first + i, push->bytes + len, push->why) != 0) {
            return fail(push);
        }
        len += bundle_block_len(push->bundle->size, first + i);
    }
    snprintf(target, sizeof target, "/v1/bundles/%s/blocks/%u", push->bundle->id, first);
    const struct http_octets body = {"application/octet-stream", push->bytes, len};
    if (!steerctl_ask_octets(push->ctl, "PUT", target, &body, &reply)) {
        return STEERCTL_UNREACHABLE;
    }
    push->is_forgotten = reply.status == 404;
    enum steerctl_exit code = push->is_forgotten ? STEERCTL_OK : steerctl_judge(push->ctl, &reply);
    *answer = code == STEERCTL_OK && !push->is_forgotten ? json_incref(reply.json) : NULL;
    steerctl_reply_fini(&reply);
    push->sent += count;
    show_sent(push);
    return code;
}

/* What an answer says is missing, first to last. The answer to the last request takes its place. */
static enum steerctl_exit send_missing(struct push *push, json_t **answer)
{
    json_t *missing = json_incref(json_object_get(*answer, "missing"));
    const json_t *range;
    size_t i;
    enum steerctl_exit code = STEERCTL_OK;
    json_array_foreach(missing, i, range)
    {
        uint32_t at = (uint32_t)json_integer_value(json_array_get(range, 0));
        uint32_t last = (uint32_t)json_integer_value(json_array_get(range, 1));
        while (code == STEERCTL_OK && at <= last && *answer != NULL) {
            uint32_t count = last - at + 1 < AT_ONCE ? last - at + 1 : AT_ONCE;
            json_decref(*answer);
            *answer = NULL;
            code = send_blocks(push, at, count, answer);
            at += count;
        }
    }
    json_decref(missing);
    return code;
}

/* The server has no room for it yet: after a pause it is asked again, and the reply is gone. */
static bool waits(struct steerctl_reply *reply, const char *problem, unsigned *left)
{
    const struct timespec pause = {.tv_nsec = BUSY_MS * 1000000L};
    if (!is_text(reply->json, "type", problem) || *left == 0) {
        return false;
    }
    if ((*left)-- == BUSY_TRIES) {
        fprintf(stderr, "steerctl: %s; waiting\n", text_or_dash(text_of(reply->json, "detail")));
    }
    steerctl_reply_fini(reply);
    nanosleep(&pause, NULL);
    return true;
}

static enum steerctl_exit begin(struct push *push, json_t **answer)
{
    struct steerctl_reply reply;
    const struct http_octets body = {NULL, push->bundle->manifest, push->bundle->manifest_len};
    unsigned left = BUSY_TRIES;
    *answer = NULL;
    do {
        if (!steerctl_ask_octets(push->ctl, "POST", "/v1/bundles", &body, &reply)) {
            return STEERCTL_UNREACHABLE;
        }
    } while (waits(&reply, "urn:steerd:problem:busy", &left));
    enum steerctl_exit code = steerctl_judge(push->ctl, &reply);
    if (code == STEERCTL_OK && !is_text(reply.json, "id", push->bundle->id)) {
        fputs("steerctl: the server gives the bundle another ID, expected steerd\n", stderr);
        code = STEERCTL_UNREACHABLE;
    }
    *answer = code == STEERCTL_OK ? json_incref(reply.json) : NULL;
    steerctl_reply_fini(&reply);
    return code;
}

/* A round: until all of it is there, or something of it is missing again. */
static enum steerctl_exit send_round(struct push *push)
{
    json_t *answer;
    enum steerctl_exit code = begin(push, &answer);
    push->sent = push->is_forgotten ? 0 : push->sent;
    push->is_forgotten = false;
    if (code == STEERCTL_OK && !is_text(answer, "state", "here")) {
        code = send_missing(push, &answer);
    }
    push->is_here = code == STEERCTL_OK && answer != NULL && is_text(answer, "state", "here");
    const char *damaged = answer == NULL ? NULL : text_of(answer, "damaged");
    if (damaged != NULL) {
        snprintf(push->why, sizeof push->why, "%s; did files change while they were sent?", damaged);
    }
    json_decref(answer);
    return code;
}

static enum steerctl_exit send_all(struct push *push)
{
    enum steerctl_exit code = STEERCTL_OK;
    push->bytes = memory_alloc((size_t)AT_ONCE * BUNDLE_BLOCK_SIZE);
    push->is_shown = isatty(STDERR_FILENO) == 1 && !push->ctl->json;
    snprintf(push->why, sizeof push->why, "the server does not keep what it was given");
    for (unsigned i = 0; i < ROUNDS && code == STEERCTL_OK && !push->is_here; i++) {
        code = send_round(push);
    }
    end_line(push);
    free(push->bytes);
    return code == STEERCTL_OK && !push->is_here ? fail(push) : code;
}

/* ---- checking ---- */

static enum steerctl_exit check(const struct push *push)
{
    struct buffer target;
    struct steerctl_reply reply;
    json_t *nothing = json_object();
    unsigned left = BUSY_TRIES;
    bool answered;
    buffer_init(&target);
    buffer_print(&target, "/v1/bundles/%s:check", push->bundle->id);
    steerctl_add_query(&target, "limit", push->ctl->limit);
    do {
        answered = steerctl_ask(push->ctl, "POST", target.bytes, nothing, &reply);
    } while (answered && waits(&reply, "urn:steerd:problem:reload-running", &left));
    buffer_fini(&target);
    json_decref(nothing);
    if (!answered) {
        return STEERCTL_UNREACHABLE;
    }
    enum steerctl_exit code = steerctl_judge(push->ctl, &reply);
    if (push->ctl->json && reply.body.len != 0) {
        text_put_json(reply.body.bytes, reply.body.len);
        fputs(reply.body.bytes[reply.body.len - 1] == '\n' ? "" : "\n", stdout);
    } else if (code == STEERCTL_OK) {
        (void)show_reload(push->ctl, reply.json);
    }
    steerctl_reply_fini(&reply);
    return code;
}

/* ---- the whole ---- */

static void tell_scanned(const struct push *push, const struct bundle_skipped *skipped)
{
    const struct bundle *bundle = push->bundle;
    if (push->ctl->json) {
        return;
    }
    printf("bundle %.*s: %zu file%s, %.1f MB\n", SHORT, bundle->id, bundle->count,
           words_plural(bundle->count), (double)bundle->size / 1e6);
    if (skipped->settings + skipped->states + skipped->hidden != 0) {
        printf("left out: %zu steerd.json, %zu folder%s var, %zu that begin%s with \".\"\n",
               skipped->settings, skipped->states, words_plural(skipped->states), skipped->hidden,
               skipped->hidden == 1 ? "s" : "");
    }
    (void)fflush(stdout);
}

static enum steerctl_exit push_bundle(struct push *push)
{
    const struct steerctl *ctl = push->ctl;
    bool only_checks = (ctl->given & (OPTION_ONLY_CHECK | OPTION_DRY_RUN)) != 0;
    char name[SHORT + 1];
    enum steerctl_exit code = send_all(push);
    code = code == STEERCTL_OK ? check(push) : code;
    if (code != STEERCTL_OK || only_checks) {
        return code;
    }
    snprintf(name, sizeof name, "%.*s", SHORT, push->bundle->id);
    code = confirm_typed(ctl, name, "make it the configuration of all nodes");
    return code == STEERCTL_OK ? push_activate(ctl, push->bundle->id) : code;
}

/* Before a gigabyte is read for nobody. */
static enum steerctl_exit look_for_server(const struct steerctl *ctl)
{
    struct steerctl_reply reply;
    if (!steerctl_ask(ctl, "GET", "/v1/bundles", NULL, &reply)) {
        return STEERCTL_UNREACHABLE;
    }
    enum steerctl_exit code = steerctl_judge(ctl, &reply);
    steerctl_reply_fini(&reply);
    return code;
}

static enum steerctl_exit run(const struct steerctl *ctl)
{
    struct push push = {.ctl = ctl};
    struct bundle_skipped skipped;
    if (ctl->word_count != 2 || strcmp(ctl->words[0], "push") != 0) {
        return steerctl_usage("found %d words, expected: push DIR", ctl->word_count);
    }
    push.folder = ctl->words[1];
    enum steerctl_exit code = look_for_server(ctl);
    if (code != STEERCTL_OK) {
        return code;
    }
    int error = bundle_scan(push.folder, NULL, &push.bundle, &skipped, push.why);
    if (error != 0) {
        return fail(&push);
    }
    tell_scanned(&push, &skipped);
    code = push_bundle(&push);
    bundle_free(push.bundle);
    return code;
}

int main(int argc, char **argv)
{
    const char *socket = getenv("STEERD_SOCKET");
    struct steerctl ctl = {.socket = socket != NULL && socket[0] != '\0' ? socket : SOCKET_DEFAULT};
    setlocale(LC_CTYPE, "");
    enum steerctl_exit code = options_parse(&ctl, argc, argv);
    if (code == STEERCTL_OK) {
        code = remote_use_profile(&ctl) ? run(&ctl) : STEERCTL_USAGE;
    }
    free(ctl.arguments);
    json_decref(ctl.config);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("steerctl: the output could not be written\n", stderr);
        return code == STEERCTL_OK ? STEERCTL_REFUSED : (int)code;
    }
    return (int)code;
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is a node of the cluster: others are invited, and taken out; and this host becomes one, which is the
 * work of a program of its own, steerctl-join. */
#include "config.h"

#include "ctl/text.h"
#include "ctl/verbs.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "steerctl-join"
#define CONFIG  "/etc/steerd/steerd.json"

/* ---- others ---- */

static void show_token(const json_t *json)
{
    size_t i;
    const json_t *item;
    printf("%s may join until %s. There:\n\n  steerctl cluster join %s\n\n"
           "The token can be used once, and is not shown again.\n",
           text_or_dash(text_of(json, "name")), text_or_dash(text_of(json, "expires")),
           text_or_dash(text_of(json, "token")));
    json_array_foreach(json_object_get(json, "brings"), i, item)
    {
        const char *what = json_string_value(item);
        printf("Bring the %s for etcd before, to the folder of steerd.json there: cluster/etcd.%s\n", what,
               strcmp(what, "certificate") == 0 ? "pem" : what);
    }
}

static enum steerctl_exit invite(const struct steerctl *ctl)
{
    json_t *json, *body = steerctl_make_body(ctl);
    steerctl_set(body, "name", ctl->words[2]);
    steerctl_set(body, "expires_in", ctl->expires);
    if ((ctl->given & OPTION_REPLACE) != 0) {
        json_object_set_new(body, "replace", json_true());
    }
    enum steerctl_exit code = steerctl_ask_json(ctl, "POST", "/v1/nodes", body, &json);
    if (code == STEERCTL_OK && !ctl->json) {
        show_token(json);
        nodes_show_spread(json);
    }
    json_decref(json);
    return code;
}

static enum steerctl_exit take_out(const struct steerctl *ctl)
{
    json_t *json = NULL;
    enum steerctl_exit code = confirm_typed(ctl, ctl->words[2], "take it out of the cluster");
    if (code == STEERCTL_OK) {
        code = steerctl_ask_one(ctl, "DELETE", "/v1/nodes/", "", NULL, &json);
    }
    if (code == STEERCTL_OK && !ctl->json) {
        printf("%s is no node any more\n", ctl->words[2]);
        nodes_show_spread(json);
    }
    json_decref(json);
    return code;
}

/* ---- this host ---- */

/* It takes the place of this process; returns only if it cannot. */
static enum steerctl_exit become(const char *const *arguments)
{
    char *path = steerctl_find_program(PROGRAM);
    (void)fflush(NULL);
    (void)execv(path, (char *const *)(uintptr_t)arguments);
    fprintf(stderr,
            "steerctl: %s cannot be run: %s; it is a part of steerd that has to be installed with it\n", path,
            strerror(errno));
    free(path);
    return STEERCTL_REFUSED;
}

static const char *said(const char *text)
{
    return text == NULL ? "" : text;
}

static enum steerctl_exit join(const struct steerctl *ctl)
{
    const char *const arguments[] = {
        PROGRAM, "join", ctl->words[2], ctl->file == NULL ? CONFIG : ctl->file, said(ctl->listen), NULL};
    return become(arguments);
}

static enum steerctl_exit init(const struct steerctl *ctl)
{
    const char *const arguments[] = {PROGRAM,
                                     "init",
                                     ctl->file == NULL ? CONFIG : ctl->file,
                                     said(ctl->listen),
                                     said(ctl->cluster_name),
                                     said(ctl->node),
                                     said(ctl->etcd),
                                     said(ctl->etcd_ca),
                                     said(ctl->etcd_cert),
                                     said(ctl->etcd_key),
                                     said(ctl->etcd_user),
                                     said(ctl->etcd_password),
                                     NULL};
    if (ctl->cluster_name == NULL || ctl->node == NULL || ctl->etcd == NULL) {
        return steerctl_usage("cluster init takes --name CLUSTER, --node NAME and --etcd URL,…");
    }
    return become(arguments);
}

/* ---- all of them ---- */

static const struct way {
    const char *word;
    bool has_name;
    option_set options;
    enum steerctl_exit (*run)(const struct steerctl *ctl);
} ways[] = {
    {"invite", true, OPTION_EXPIRES | OPTION_REPLACE | OPTION_REASON | OPTION_ACTOR, invite},
    {"remove", true, OPTION_CONFIRM | OPTION_REASON | OPTION_ACTOR, take_out},
    {"join", true, OPTION_CONFIG | OPTION_LISTEN, join},
    {"init", false, OPTION_CONFIG | OPTION_LISTEN | OPTION_INIT, init},
};

bool members_run(const struct steerctl *ctl, enum steerctl_exit *code)
{
    const char *what = ctl->word_count == 1 ? "" : ctl->words[1];
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const struct way *way = &ways[i];
        if (strcmp(way->word, what) != 0) {
            continue;
        }
        const char *odd = options_find_odd(ctl, way->options);
        if ((ctl->word_count == 3) != way->has_name) {
            *code = steerctl_usage("cluster %s takes %s", what,
                                   !way->has_name              ? "options only"
                                   : strcmp(what, "join") == 0 ? "a token"
                                                               : "the name of a node");
        } else if (odd != NULL) {
            *code = steerctl_usage("cluster %s does not take --%s", what, odd);
        } else {
            *code = way->run(ctl);
        }
        return true;
    }
    return false;
}

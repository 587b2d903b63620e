/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which verb a command line means, and whether it has what that takes; and the verbs that are about verbs. */
#include "config.h"

#include "ctl/completion.h"
#include "ctl/verbs.h"

#include "base/words.h"

#include <string.h>

enum steerctl_exit run_version(const struct steerctl *ctl)
{
    printf(ctl->json ? "{\"version\": \"%s\"}\n" : "steerctl %s\n", PACKAGE_VERSION);
    return STEERCTL_OK;
}

static const struct verb *find_verb(const struct steerctl *ctl, const char *name)
{
    for (size_t i = 0; i < ctl->verb_count; i++) {
        if (strcmp(ctl->verbs[i].name, name) == 0) {
            return &ctl->verbs[i];
        }
    }
    return NULL;
}

static enum steerctl_exit refuse_verb(const struct steerctl *ctl, const char *name)
{
    struct words_nearest nearest = {.found = name};
    for (size_t i = 0; i < ctl->verb_count; i++) {
        words_offer(&nearest, ctl->verbs[i].name);
    }
    const char *meant = words_nearest(&nearest);
    return meant == NULL ? steerctl_usage("there is no verb \"%s\"", name)
                         : steerctl_usage("there is no verb \"%s\", did you mean \"%s\"?", name, meant);
}

/* "help drain", and "drain --help" */
enum steerctl_exit run_help(const struct steerctl *ctl)
{
    int at = ctl->word_count > 0 && strcmp(ctl->words[0], "help") == 0 ? 1 : 0;
    if (at >= ctl->word_count) {
        help_print_all();
        return STEERCTL_OK;
    }
    const struct verb *verb = find_verb(ctl, ctl->words[at]);
    if (verb == NULL) {
        return refuse_verb(ctl, ctl->words[at]);
    }
    help_print_verb(verb);
    return STEERCTL_OK;
}

enum steerctl_exit run_completion(const struct steerctl *ctl)
{
    return completion_print(ctl->words[1], ctl->verbs, ctl->verb_count);
}

static enum steerctl_exit check(struct steerctl *ctl)
{
    if (ctl->word_count == 0) {
        return steerctl_usage("a verb is missing");
    }
    const struct verb *verb = find_verb(ctl, ctl->words[0]);
    if (verb == NULL) {
        return refuse_verb(ctl, ctl->words[0]);
    }
    if (ctl->word_count - 1 < verb->min_words || ctl->word_count - 1 > verb->max_words) {
        return steerctl_usage("found %d argument%s, expected: %s%s%s", ctl->word_count - 1,
                              words_plural((size_t)ctl->word_count - 1), verb->name,
                              verb->words[0] == '\0' ? "" : " ", verb->words);
    }
    const char *odd = options_find_odd(ctl, verb->options);
    if (odd != NULL) {
        return steerctl_usage("%s does not take --%s", verb->name, odd);
    }
    ctl->verb = verb;
    return STEERCTL_OK;
}

enum steerctl_exit verb_run(struct steerctl *ctl)
{
    if (ctl->wants_help || ctl->wants_version) {
        return ctl->wants_help ? run_help(ctl) : run_version(ctl);
    }
    enum steerctl_exit code = check(ctl);
    return code == STEERCTL_OK ? ctl->verb->run(ctl) : code;
}

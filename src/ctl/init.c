/* SPDX-License-Identifier: BSD-3-Clause
 *
 * `steerctl init`: five questions, and a configuration that steerd takes. What an option answers is not
 * asked; where nobody sits at a terminal the options have to. No server is asked. */
#include "config.h"

#include "ctl/init.h"

#include "ctl/verbs.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUESTIONS = 5, TRIES = 3, LINE_SIZE = 65536 };

#define FOLDER "/etc/steerd"

struct question {
    const char *text, *otherwise; /* otherwise NULL: there is no usual answer */
    const char *option;
    bool (*parse)(struct init_answers *answers, const char *text);
};

static const struct question questions[QUESTIONS] = {
    {"1. Where are queries answered? Addresses with ports, commas between", "127.0.0.1:5300", "listen",
     init_parse_listen},
    {"2. Which zone is served?", "example.com", "zone", init_parse_zone},
    {"3. Which of its names leads to the servers? (@: the zone itself)", "www", "names", init_parse_name},
    {"4. Where are the servers? REGION=ADDRESS,ADDRESS for each region, the one that is to answer first; an "
     "IPv6\n   address of the same server behind a +",
     NULL, "endpoints", init_parse_endpoints},
    {"5. How does one see that they work? http:PORT/PATH, https:PORT/PATH, tcp:PORT, icmp or none",
     "http:80/", "check", init_parse_check}};

/* What was typed, in a line that stays; "": nothing. NULL: the end. */
static char *ask(const struct question *question)
{
    char *line = memory_alloc(LINE_SIZE);
    fprintf(stderr, "%s", question->text);
    if (question->otherwise != NULL) {
        fprintf(stderr, " [%s]", question->otherwise);
    }
    fputs("\n   ", stderr);
    if (fgets(line, LINE_SIZE, stdin) == NULL) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static enum steerctl_exit ask_until_good(const struct question *question, struct init_answers *answers,
                                         char **line)
{
    for (int i = 0; i < TRIES; i++) {
        free(*line);
        *line = ask(question);
        if (*line == NULL) {
            break;
        }
        bool is_usual = (*line)[0] == '\0' && question->otherwise != NULL;
        if (question->parse(answers, is_usual ? question->otherwise : *line)) {
            return STEERCTL_OK;
        }
    }
    return steerctl_usage("nothing was written: question %c has no answer", question->text[0]);
}

/* The line is kept, for answers point into it. */
static enum steerctl_exit answer(const struct question *question, const char *given,
                                 struct init_answers *answers, char **line)
{
    if (given == NULL && isatty(STDIN_FILENO) == 1) {
        return ask_until_good(question, answers, line);
    }
    if (given == NULL && question->otherwise == NULL) {
        return steerctl_usage("it takes --%s where nobody can be asked", question->option);
    }
    return question->parse(answers, given == NULL ? question->otherwise : given) ? STEERCTL_OK
                                                                                 : STEERCTL_USAGE;
}

static void show(const struct steerctl *ctl, const struct init_answers *answers, const char *folder,
                 const json_t *files)
{
    char text[ADDR_TEXT_SIZE];
    size_t i;
    const json_t *file;
    if (ctl->json) {
        char *json = json_dumps(files, JSON_COMPACT);
        printf("{\"files\": %s}\n", json);
        free(json);
        return;
    }
    json_array_foreach(files, i, file)
    {
        printf("wrote %s\n", json_string_value(file));
    }
    printf(
        "\nThen:\n  steerd -c %s/steerd.json --check\n  steerd -c %s/steerd.json\n  dig @%s -p %u %s%s%s\n",
        folder, folder, addr_write(&answers->listen[0].addr, text), answers->listen[0].port,
        strcmp(answers->name, "@") == 0 ? "" : answers->name, strcmp(answers->name, "@") == 0 ? "" : ".",
        answers->zone);
}

enum steerctl_exit run_init(const struct steerctl *ctl)
{
    const char *given[QUESTIONS] = {ctl->listen, ctl->zone, ctl->names, ctl->endpoints, ctl->check};
    const char *folder = ctl->to == NULL ? FOLDER : ctl->to;
    char *lines[QUESTIONS] = {NULL};
    struct init_answers *answers = memory_alloc(sizeof *answers);
    enum steerctl_exit code = STEERCTL_OK;
    for (int i = 0; i < QUESTIONS && code == STEERCTL_OK; i++) {
        code = answer(&questions[i], given[i], answers, &lines[i]);
    }
    if (code == STEERCTL_OK) {
        json_t *files = json_array();
        if (init_write(answers, folder, (ctl->given & OPTION_FORCE) != 0, files)) {
            show(ctl, answers, folder, files);
        } else {
            code = STEERCTL_REFUSED;
        }
        json_decref(files);
    }
    for (int i = 0; i < QUESTIONS; i++) {
        free(lines[i]);
    }
    free(answers);
    return code;
}

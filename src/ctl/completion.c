/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What shells complete after `steerctl`: verbs, their first words and options, made from the tables that help
 * is made from. Nothing here asks a server. Names of verbs and options are plain words; only what is said of
 * them has to be quoted. */
#include "config.h"

#include "ctl/completion.h"

#include "ctl/options.h"

#include <string.h>

enum { WORD_SIZE = 32 };

/* ---- the first word behind a verb ---- */

/* From "[check TARGET | release RULE]": "check", then "release". Words of other kinds, such as NAME, are the
 * operator's. Returns false at the end. */
static bool next_word(const char **at, char word[WORD_SIZE])
{
    while (**at != '\0') {
        const char *from = *at + strspn(*at, " [");
        size_t len = strspn(from, "abcdefghijklmnopqrstuvwxyz-");
        bool is_word = len > 0 && len < WORD_SIZE && from[0] != '-' &&
                       (from[len] == '\0' || strchr(" |]", from[len]) != NULL);
        *at = from + strcspn(from, "|");
        *at += **at == '|';
        if (is_word) {
            snprintf(word, WORD_SIZE, "%.*s", (int)len, from);
            return true;
        }
    }
    return false;
}

/* Was it there before? */
static bool is_known(const struct verb *verb, const char *stop, const char *word)
{
    char other[WORD_SIZE];
    for (const char *at = verb->words; at < stop && next_word(&at, other) && at < stop;) {
        if (strcmp(other, word) == 0) {
            return true;
        }
    }
    return false;
}

static bool next_new_word(const struct verb *verb, const char **at, char word[WORD_SIZE])
{
    bool found;
    while ((found = next_word(at, word)) && is_known(verb, *at, word)) {
    }
    return found;
}

/* ---- options ---- */

static bool is_path(const char *value)
{
    return strcmp(value, "FILE") == 0 || strcmp(value, "DIR") == 0 || strcmp(value, "SOCKET") == 0;
}

/* All that take a value, of a path or of something else, with a bar between each. */
static void print_valued(bool paths)
{
    struct options_item item;
    const char *between = "";
    for (size_t at = 0; options_next(&at, NULL, OPTIONS_ALL, &item);) {
        if (item.value != NULL && is_path(item.value) == paths) {
            printf("%s--%s", between, item.name);
            between = " | ";
        }
    }
}

/* Within single quotes of a shell; up to the end of the line. */
static void print_quoted(const char *text, const char *quote)
{
    for (; *text != '\0' && *text != '\n'; text++) {
        if (*text == '\'') {
            fputs(quote, stdout);
        } else {
            putchar(*text);
        }
    }
}

/* ---- bash ---- */

static void print_bash_verb(const struct verb *verb)
{
    struct options_item item;
    char word[WORD_SIZE];
    printf("\t%s)\n\t\twords=\"", verb->name);
    for (const char *at = verb->words; next_new_word(verb, &at, word);) {
        printf("%s ", word);
    }
    fputs("\"\n\t\toptions=\"", stdout);
    for (size_t at = 0; options_next(&at, verb->name, verb->options, &item);) {
        printf("--%s ", item.name);
    }
    fputs("\"\n\t\t;;\n", stdout);
}

static void print_bash(const struct verb *verbs, size_t count)
{
    struct options_item item;
    fputs("# bash completion of steerctl, as `steerctl completion bash` prints it\n"
          "_steerctl() {\n"
          "\tlocal cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= words= options= "
          "common= i at=0\n"
          "\tCOMPREPLY=()\n"
          "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
          "\t\tcase ${COMP_WORDS[i]} in\n"
          "\t\t-s | -o | ",
          stdout);
    print_valued(true);
    fputs(" | ", stdout);
    print_valued(false);
    fputs(") i=$((i + 1)) ;;\n"
          "\t\t-*) ;;\n"
          "\t\t*) [ -n \"$verb\" ] || { verb=${COMP_WORDS[i]} && at=$i; } ;;\n"
          "\t\tesac\n"
          "\tdone\n"
          "\tcase $before in\n"
          "\t-s | -o | ",
          stdout);
    print_valued(true);
    fputs(") mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") && return ;;\n\t", stdout);
    print_valued(false);
    fputs(") return ;;\n\tesac\n\tcommon=\"", stdout);
    for (size_t at = 0; options_next(&at, NULL, OPTIONS_COMMON, &item);) {
        printf("--%s ", item.name);
    }
    fputs("\"\n\tcase $verb in\n\t'' | help)\n\t\twords=\"", stdout);
    for (size_t i = 0; i < count; i++) {
        printf("%s ", verbs[i].name);
    }
    fputs("\"\n\t\t;;\n", stdout);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(verbs[i].name, "help") != 0) {
            print_bash_verb(&verbs[i]);
        }
    }
    fputs("\tesac\n"
          "\t[ -z \"$verb\" ] || [ $((COMP_CWORD - 1)) -eq \"$at\" ] || words=\n"
          "\tcase $cur in -*) words=\"$options$common\" ;; esac\n"
          "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "}\n"
          "complete -F _steerctl steerctl\n",
          stdout);
}

/* ---- zsh ---- */

static void print_zsh_item(const char *dashes, const char *name, const char *help)
{
    printf(" '%s%s:", dashes, name);
    print_quoted(help, "'\\''");
    putchar('\'');
}

static void print_zsh_verb(const struct verb *verb)
{
    struct options_item item;
    char word[WORD_SIZE];
    printf("\t%s)\n\t\twords_of=(", verb->name);
    for (const char *at = verb->words; next_new_word(verb, &at, word);) {
        printf(" %s", word);
    }
    fputs(" )\n\t\toptions=(", stdout);
    for (size_t at = 0; options_next(&at, verb->name, verb->options, &item);) {
        print_zsh_item("--", item.name, item.help);
    }
    fputs(" )\n\t\t;;\n", stdout);
}

static void print_zsh(const struct verb *verbs, size_t count)
{
    struct options_item item;
    fputs("#compdef steerctl\n"
          "# as `steerctl completion zsh` prints it\n"
          "_steerctl() {\n"
          "\tlocal -a verbs words_of options common\n"
          "\tlocal verb='' at=0 i\n"
          "\tfor ((i = 2; i < CURRENT; i++)); do\n"
          "\t\tcase $words[i] in\n"
          "\t\t-s | -o | ",
          stdout);
    print_valued(true);
    fputs(" | ", stdout);
    print_valued(false);
    fputs(") i=$((i + 1)) ;;\n"
          "\t\t-*) ;;\n"
          "\t\t*) [[ -n $verb ]] || { verb=$words[i]; at=$i } ;;\n"
          "\t\tesac\n"
          "\tdone\n"
          "\tcase $words[CURRENT-1] in\n"
          "\t-s | -o | ",
          stdout);
    print_valued(true);
    fputs(") _files; return ;;\n\t", stdout);
    print_valued(false);
    fputs(") return 1 ;;\n\tesac\n\tcommon=(", stdout);
    for (size_t at = 0; options_next(&at, NULL, OPTIONS_COMMON, &item);) {
        print_zsh_item("--", item.name, item.help);
    }
    fputs(" )\n\tverbs=(", stdout);
    for (size_t i = 0; i < count; i++) {
        print_zsh_item("", verbs[i].name, verbs[i].help);
    }
    fputs(" )\n\tcase $verb in\n", stdout);
    for (size_t i = 0; i < count; i++) {
        print_zsh_verb(&verbs[i]);
    }
    fputs("\tesac\n"
          "\tif [[ $words[CURRENT] == -* ]]; then\n"
          "\t\t_describe -o 'option' options -- common\n"
          "\telif [[ -z $verb || ( $verb == help && $at -eq $((CURRENT - 1)) ) ]]; then\n"
          "\t\t_describe 'verb' verbs\n"
          "\telif [[ $at -eq $((CURRENT - 1)) && ${#words_of} -gt 0 ]]; then\n"
          "\t\tcompadd -a words_of\n"
          "\tfi\n"
          "}\n"
          "_steerctl \"$@\"\n",
          stdout);
}

/* ---- fish ---- */

static void print_fish_option(const char *when, const struct options_item *item)
{
    printf("complete -c steerctl%s -l %s%s -d '", when, item->name,
           item->value == NULL    ? ""
           : is_path(item->value) ? " -r -F"
                                  : " -x");
    print_quoted(item->help, "\\'");
    fputs("'\n", stdout);
}

static void print_fish_verb(const struct verb *verb)
{
    struct options_item item;
    char word[WORD_SIZE], when[80];
    printf("complete -c steerctl -n __fish_use_subcommand -a %s -d '", verb->name);
    print_quoted(verb->help, "\\'");
    fputs("'\n", stdout);
    snprintf(when, sizeof when, " -n '__fish_seen_subcommand_from %s'", verb->name);
    for (const char *at = verb->words; next_new_word(verb, &at, word);) {
        printf("complete -c steerctl%s -a %s\n", when, word);
    }
    for (size_t at = 0; options_next(&at, verb->name, verb->options, &item);) {
        print_fish_option(when, &item);
    }
}

static void print_fish(const struct verb *verbs, size_t count)
{
    struct options_item item;
    fputs("# fish completion of steerctl, as `steerctl completion fish` prints it\n"
          "complete -c steerctl -f\n",
          stdout);
    for (size_t at = 0; options_next(&at, NULL, OPTIONS_COMMON, &item);) {
        print_fish_option("", &item);
    }
    for (size_t i = 0; i < count; i++) {
        print_fish_verb(&verbs[i]);
    }
}

enum steerctl_exit completion_print(const char *shell, const struct verb *verbs, size_t count)
{
    if (strcmp(shell, "bash") == 0) {
        print_bash(verbs, count);
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh(verbs, count);
    } else if (strcmp(shell, "fish") == 0) {
        print_fish(verbs, count);
    } else {
        return steerctl_usage("found the shell \"%s\", expected bash, zsh or fish", shell);
    }
    return STEERCTL_OK;
}

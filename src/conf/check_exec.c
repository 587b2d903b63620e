/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading a command, its environment, and which of its exit codes are good. There is no shell: each text is
 * one argument, whatever is put in for %ADDRESS% and so on. */
#include "config.h"

#include "conf/check_exec.h"

#include "exec/ask.h"

#include <string.h>

enum { OUTPUT_DEFAULT = 4096 };

static const char path_default[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static bool check_word(const struct doc_node *item, const char *word, bool is_program, uint16_t port)
{
    size_t len;
    const char *strange = exec_find_strange(word, &len);
    if (is_program && word[0] != '/') {
        doc_error_expected(item, "the absolute path of a program");
    } else if (strange != NULL) {
        doc_error(item,
                  "found %.*s, expected one of %%ADDRESS%%, %%FAMILY%%, %%PORT%%, %%ENDPOINT%%, %%HOST%% and "
                  "%%TIMEOUT%%",
                  (int)len, strange);
    } else if (port == 0 && exec_has_name(word, "PORT")) {
        doc_error(item, "found %%PORT%% in a check without \"port\", expected both or none");
    } else {
        return true;
    }
    return false;
}

static void read_command(const struct doc_node *node, struct arena *arena, uint16_t port,
                         struct exec_ask *ask, size_t *total)
{
    struct doc_node list, item = {0};
    const char **words = arena_alloc(arena, (EXEC_WORDS_MAX + 1) * sizeof *words);
    words[0] = "";
    ask->words = words;
    ask->word_count = 1;
    if (!doc_require(node, "command", &list) ||
        !doc_check_array(&list, "an array of a program and its arguments")) {
        return;
    }
    size_t count = doc_count(&list), at = 0;
    if (count == 0 || count > EXEC_WORDS_MAX) {
        doc_error(&list, "found %zu texts, expected a program and its arguments, 1 to %d", count,
                  EXEC_WORDS_MAX);
        return;
    }
    while (doc_next_text(&list, "an array of a program and its arguments", &item)) {
        const char *word = doc_text(&item);
        if (check_word(&item, word, at == 0, port)) {
            words[at] = arena_copy_text(arena, word);
            *total += strlen(word) + 1;
            ask->word_count = ++at;
        }
    }
}

static bool is_variable(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    size_t len = strlen(name);
    return len != 0 && strchr(letters, name[0]) != NULL &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == len;
}

static void read_variables(const struct doc_node *environment, struct arena *arena, const char **variables,
                           struct exec_ask *ask, size_t *total)
{
    struct doc_node item = {0};
    while (doc_next(environment, &item)) {
        const char *value = doc_text(&item);
        if (!is_variable(item.key)) {
            doc_error_at_key(&item,
                             "found \"%.100s\", expected the name of a variable: letters, digits and \"_\"",
                             item.key);
        } else if (value == NULL) {
            doc_error_expected(&item, "a text");
        } else {
            variables[ask->variable_count++] = arena_print(arena, "%s=%s", item.key, value);
            *total += strlen(variables[ask->variable_count - 1]) + 1;
        }
    }
}

static void read_environment(const struct doc_node *node, struct arena *arena, struct exec_ask *ask,
                             size_t *total)
{
    struct doc_node environment, path;
    const char **variables = arena_alloc(arena, (EXEC_WORDS_MAX + 1) * sizeof *variables);
    ask->variables = variables;
    bool has_any = doc_find(node, "environment", &environment) && doc_check_object(&environment, NULL);
    if (!has_any || !doc_find(&environment, "PATH", &path)) {
        variables[ask->variable_count++] = path_default;
        *total += sizeof path_default;
    }
    if (has_any && doc_count(&environment) >= EXEC_WORDS_MAX) {
        doc_error(&environment, "found %zu variables, expected at most %d", doc_count(&environment),
                  EXEC_WORDS_MAX - 1);
    } else if (has_any) {
        read_variables(&environment, arena, variables, ask, total);
    }
}

void check_exec_read(const struct doc_node *node, struct arena *arena, struct conf_check *check)
{
    static const char *const warnings[] = {"up", "down", NULL}, *const unknowns[] = {"unknown", "down", NULL};
    static const uint32_t output_range[2] = {EXEC_OUTPUT_LEAST, EXEC_OUTPUT_MOST};
    struct exec_ask *ask = arena_alloc(arena, sizeof *ask);
    size_t total = 0;
    check->exec = ask;
    read_command(node, arena, check->port, ask, &total);
    read_environment(node, arena, ask, &total);
    ask->output_max = doc_get_number(node, "output_max", output_range, OUTPUT_DEFAULT);
    ask->warning_fails = doc_get_choice(node, "warning", warnings, 1) == 1;
    ask->unknown_fails = doc_get_choice(node, "unknown", unknowns, 0) == 1;
    if (total > EXEC_TEXT_MAX) {
        doc_error(node, "found a command and an environment of %zu octets, expected at most %d", total,
                  EXEC_TEXT_MAX);
    }
}

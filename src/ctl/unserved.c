/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last place: names that nobody would serve, and how to go on all the same. */
#include "config.h"

#include "ctl/text.h"

#include <string.h>

enum { NAMES_SHOWN = 20 };

static void print_name(FILE *out, const json_t *name)
{
    char clean[TABLE_CELL_SIZE], list[TEXT_LIST_SIZE], class[TABLE_CELL_SIZE];
    json_int_t classes = json_integer_value(json_object_get(name, "classes"));
    fprintf(out, "  %s %s (class %s", text_clean(text_or_dash(text_of(name, "name")), clean, sizeof clean),
            text_join(json_object_get(name, "types"), " ", list),
            text_clean(text_or_dash(text_of(name, "class")), class, sizeof class));
    if (classes > 1) {
        fprintf(out, " and %lld more", (long long)classes - 1);
    }
    fputs(")\n", out);
}

void show_unserved(FILE *out, const json_t *unserved)
{
    const json_t *names = json_object_get(unserved, "names");
    json_int_t total = json_integer_value(json_object_get(unserved, "total"));
    size_t count = json_array_size(names), shown = count < NAMES_SHOWN ? count : NAMES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        print_name(out, json_array_get(names, i));
    }
    if (total > (json_int_t)shown) {
        fprintf(out, "  and %lld more\n", (long long)total - (long long)shown);
    }
}

/* As a shell reads it. */
static void print_word(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/=@%+,";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (const char *at = word; *at != '\0'; at++) {
        if (*at == '\'') {
            fputs("'\\''", out);
        } else {
            putc(*at, out);
        }
    }
    putc('\'', out);
}

void show_way_on(const struct steerctl *ctl, FILE *out)
{
    bool ends = false;
    for (char *const *at = ctl->arguments; *at != NULL; at++) {
        ends |= strcmp(*at, "--") == 0;
    }
    fputs(ends ? "to do it all the same: steerctl --yes-unserved" : "to do it all the same: steerctl", out);
    for (char *const *at = ctl->arguments; *at != NULL; at++) {
        putc(' ', out);
        print_word(out, *at);
    }
    fputs(ends ? "\n" : " --yes-unserved\n", out);
}

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `steerctl help` prints: all verbs in a line each, or one of them with everything that it takes. */
#include "config.h"

#include "ctl/verbs.h"

void help_print_all(const struct verb *verbs, size_t count)
{
    puts("usage: steerctl [-s SOCKET] [--json] VERB [ARGUMENT...] [OPTION...]\n");
    for (size_t i = 0; i < count; i++) {
        char left[48];
        snprintf(left, sizeof left, "%s %s", verbs[i].name, verbs[i].words);
        printf("  %-29s %s\n", left, verbs[i].help);
    }
    puts(
        "\n"
        "TARGET is region:NAME, az:NAME or endpoint:NAME. `steerctl help VERB` has the options of a verb, "
        "what it\n"
        "does and an example.\n\n"
        "  -s, --socket SOCKET   the admin socket of the server; else $STEERD_SOCKET,\n"
        "                        else " SOCKET_DEFAULT "\n"
        "  --url URL             the API at https://HOST:PORT instead; with --token-file FILE or --cert and\n"
        "                        --key FILE, and --ca FILE if the system does not know who signs there\n"
        "  --profile NAME        all of that from ~/.config/steerctl/config.json; else $STEERCTL_PROFILE\n"
        "  -j, --json            print the JSON of the API\n"
        "  -h, --help            this text, or that of the verb\n"
        "  -V, --version         the version of steerctl\n\n"
        "Exit: 0 done, 1 refused, 2 usage, 3 not reachable, 4 not found, 6 journal or "
        "backup broken.");
}

void help_print_verb(const struct verb *verb)
{
    printf("usage: steerctl %s%s%s%s\n\n%s.\n", verb->name, verb->words[0] == '\0' ? "" : " ", verb->words,
           verb->options == 0 ? "" : " [OPTION...]", verb->about);
    if (verb->options != 0) {
        putchar('\n');
        options_print(verb->options);
    }
    printf("\n%s\n", verb->example);
}

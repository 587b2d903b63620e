/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What `steerctl help` prints: all verbs, by what one wants to do; or one verb with everything it takes. */
#include "config.h"

#include "ctl/verbs.h"

#include <string.h>

enum { COLUMNS = 80, OPTION_COLUMN = 26 };

/* All verbs; without text: a heading. */
static const struct help_line {
    const char *verbs, *text;
} lines[] = {
    {"See", NULL},
    {"status, show TARGET", "a summary of the server; all about a target"},
    {"regions, azs, endpoints", "list targets with their state"},
    {"checks, vantages", "list checks with results, remote probe agents"},
    {"watch, events", "follow the state live; list or follow events"},
    {"explain NAME, names", "why a client gets an answer; list steered names"},
    {"traffic, resolvers, drains", "where answers led, who asks, who has moved off"},
    {"errors, replication, lag", "reported request errors, replication lag of data"},
    {"zones, geo", "list zones, geo databases"},
    {"history, diff, incidents", "what was ordered, what changed, what was lost"},
    {"check, metrics", "report health to monitoring systems"},
    {"Steer", NULL},
    {"drain, down, up TARGET", "override the health of a target"},
    {"auto TARGET, overrides", "remove an override, list overrides"},
    {"failback TARGET", "return a recovered target that is held down"},
    {"what-if", "show the effect of overrides on all names"},
    {"rules, objectives", "show safety rules, recovery objectives"},
    {"load, report", "report load, or the result of a push check"},
    {"Switch over", NULL},
    {"switchover", "move traffic off a target and back, step by step"},
    {"Rehearse", NULL},
    {"drill, observe", "rehearse a loss; see one as resolvers do"},
    {"Configure", NULL},
    {"init", "write a first configuration"},
    {"config, reload", "edit topology and policies; reload files"},
    {"push, bundles", "deploy configuration to all nodes of a cluster"},
    {"import, acme", "convert files of others; answer ACME challenges"},
    {"Run the server", NULL},
    {"cluster, nodes, vantage", "manage the cluster, its nodes, probe agents"},
    {"serving, withdraw, announce", "take this server out of service and back"},
    {"takeover, operations", "upgrade without losing a query; list requests"},
    {"token, tokens, openapi", "manage access to the API, and its description"},
    {"webhooks, retry, hooks", "who is notified of events, and commands that run"},
    {"Recover", NULL},
    {"point, restore", "recovery points, and the return to one"},
    {"backup, export, salvage", "back up, export or rescue what the server keeps"},
    {"audit", "verify that the journal is complete and unchanged"},
    {"About steerctl", NULL},
    {"help VERB, version", "show the options of a verb; print the version"},
    {"completion", "print a completion script for a shell"},
};

void help_print_all(void)
{
    puts("usage: steerctl [OPTION...] VERB [ARGUMENT...] [OPTION...]");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (lines[i].text == NULL) {
            puts(lines[i].verbs);
        } else {
            printf("  %-27s %s\n", lines[i].verbs, lines[i].text);
        }
    }
    puts("Options of every verb (TARGET is region:NAME, az:NAME or endpoint:NAME)\n"
         "  -s, --socket SOCKET         the admin socket; else $STEERD_SOCKET, else\n"
         "                              " SOCKET_DEFAULT "\n"
         "  --url URL                   the API at https://HOST:PORT: --token-file FILE\n"
         "                              or --cert FILE and --key FILE; --ca FILE: its CA\n"
         "  --profile NAME              these from ~/.config/steerctl/config.json\n"
         "  -j, --json                  print the JSON of the API\n"
         "Exit: 0 done, 1 refused, 2 usage, 3 not reachable, 4 not found, 6 data broken");
}

/* In lines of 80 columns; the first begins at column `at`, the others at `column`. */
static void print_wrapped(const char *text, size_t at, size_t column)
{
    bool is_first = true;
    while (*text != '\0') {
        size_t len = strcspn(text, " \n");
        if (!is_first && at + 1 + len > COLUMNS) {
            printf("\n%*s", (int)column, "");
            at = column;
        } else if (!is_first) {
            putchar(' ');
            at++;
        }
        printf("%.*s", (int)len, text);
        at += len;
        text += len;
        is_first = false;
        if (strncmp(text, "\n\n", 2) == 0) {
            printf("\n\n%*s", (int)column, "");
            at = column;
            is_first = true;
        }
        text += strspn(text, " \n");
    }
    putchar('\n');
}

/* Columns, not octets: of UTF-8 without wide characters. */
static size_t find_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

static void print_options(const struct verb *verb)
{
    struct options_item item;
    for (size_t at = 0; options_next(&at, verb->name, verb->options, &item);) {
        char left[80];
        bool has_value = item.value != NULL;
        snprintf(left, sizeof left, "  --%s%s%s", item.name, has_value ? " " : "",
                 has_value ? item.value : "");
        size_t width = find_width(left);
        bool fits = width < OPTION_COLUMN;
        printf("%s%s%*s", left, fits ? "" : "\n", (int)(OPTION_COLUMN - (fits ? width : 0)), "");
        print_wrapped(item.help, OPTION_COLUMN, OPTION_COLUMN);
    }
}

void help_print_verb(const struct verb *verb)
{
    static const char usage[] = "usage:";
    char words[512];
    snprintf(words, sizeof words, "%s steerctl %s%s%s%s", usage, verb->name,
             verb->words[0] == '\0' ? "" : " ", verb->words, verb->options == 0 ? "" : " [OPTION...]");
    print_wrapped(words, 0, sizeof usage + 1);
    putchar('\n');
    print_wrapped(verb->about, 0, 0);
    if (verb->options != 0) {
        putchar('\n');
        print_options(verb);
    }
    printf("\n%s\n", verb->example);
}

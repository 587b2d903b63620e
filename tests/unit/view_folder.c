/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "view_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char folder[64];

void folder_open(void)
{
    char zones[80];
    snprintf(folder, sizeof folder, "/tmp/steerd-view-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(zones, sizeof zones, "%s/zones", folder);
    assert_int_equal(mkdir(zones, 0700), 0);
}

int folder_close(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

void put(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void remove_file(const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)remove(path);
}

struct view *folder_compile(const char *expected)
{
    char path[160], line[1024], text[4096] = "";
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view = view_compile(path, NULL, 1, 0, 0, report);
    for (size_t i = 0; i < report_count(report); i++) {
        report_write_item(report_get(report, i), line, sizeof line);
        const char *shown = strncmp(line, folder, strlen(folder)) == 0 ? line + strlen(folder) + 1 : line;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", shown);
    }
    report_free(report);
    assert_string_equal(text, expected);
    return view;
}

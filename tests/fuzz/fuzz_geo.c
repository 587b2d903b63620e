/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Any bytes as a geo database: opening either succeeds or reports an error, and what opened agrees with the
 * tree that is compiled from it at addresses taken from the input itself. */
#include "config.h"

#include "geo/geo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool truth)
{
    if (!truth) {
        abort();
    }
}

static void look_up(const struct geo_db *db, const struct geo_tree *tree, const uint8_t *bytes, size_t len)
{
    for (size_t at = 0; at < 16 && at < len; at++) {
        struct addr addr = {.family = at % 2 == 0 ? ADDR_V4 : ADDR_V6};
        for (size_t i = 0; i < addr_len(&addr); i++) {
            addr.bytes[i] = bytes[(at * 37 + i) % len];
        }
        struct geo_place place;
        bool known = geo_find_place(db, &addr, &place);
        check(known == (place.country[0] != 0 || place.continent[0] != 0));
        struct geo_match match = geo_find_class(tree, &addr);
        check(match.class_id == (strcmp(place.continent, "EU") == 0 ? 1
                                 : strcmp(place.country, "US") == 0 ? 2
                                                                    : 0));
        check(match.scope <= addr_len(&addr) * 8 && match.scope <= place.prefix_len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const europe[] = {"EU"}, *const us[] = {"US"};
    const struct geo_rule rules[] = {{.continents = europe, .continent_count = 1, .class_id = 1},
                                     {.countries = us, .country_count = 1, .class_id = 2}};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    check(fd != -1);
    check(write(fd, bytes, len) == (ssize_t)len);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct report *report = report_new();
    struct geo_db *db = geo_open_db(path, report);
    close(fd);
    check((db == NULL) == (report_errors(report) > 0));
    if (db != NULL) {
        struct geo_tree *tree = geo_build_tree(rules, 2, &db, 1);
        look_up(db, tree, bytes, len);
        geo_free_tree(tree);
        geo_close_db(db);
    }
    report_free(report);
    return 0;
}

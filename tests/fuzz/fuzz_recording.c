/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recordings of queries. Whatever is in a file: what is told of a query is in order, and a recording that is
 * refused says why and where, within the file. */
#include "config.h"

#include "drill/recording.h"

#include "base/error.h"
#include "dns/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void expect(bool holds)
{
    if (!holds) {
        abort();
    }
}

struct seen {
    size_t count, most;
};

static bool take(void *context, const struct recording_query *query)
{
    struct seen *seen = context;
    struct addr masked = query->client.addr;
    uint8_t wire[255];
    addr_mask(&masked, query->client.len);
    expect(addr_equal(&masked, &query->client.addr));
    expect(query->client.len <= (masked.family == ADDR_V4 ? 24 : 48));
    if (query->name != NULL) {
        expect(masked.family != ADDR_NONE && dns_name_parse(query->name, NULL, wire) > 0);
        expect(query->name[strlen(query->name) - 1] == '.' && strpbrk(query->name, "ABCXYZ") == NULL);
    }
    return seen->count++ < seen->most;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    expect(fd != -1);
    expect(write(fd, bytes, len) == (ssize_t)len);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct recording_fault fault;
    struct seen all = {0, SIZE_MAX}, some = {0, 1};
    int error = recording_read(path, &(struct recording_visitor){take, &all}, &fault);
    expect((error == 0) == (fault.why[0] == '\0') && fault.offset <= len);
    int other = recording_read(path, &(struct recording_visitor){take, &some}, &fault);
    expect(all.count > 1 ? other == ERROR_TOO_LARGE : other == error);
    close(fd);
    return 0;
}

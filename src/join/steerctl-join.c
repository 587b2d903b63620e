/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steerctl runs for `cluster join` and `cluster init`: a program of its own, since its libraries would
 * triple the time in which steerctl starts. Its arguments are all there, "" for what was not said. */
#include "config.h"

#include "base/exits.h"
#include "join/join.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "join") == 0) {
        return join(&(struct join_order){.token = argv[2], .config = argv[3], .listen = argv[4]});
    }
    if (argc == 12 && strcmp(argv[1], "init") == 0) {
        return init(&(struct init_order){.config = argv[2],
                                         .listen = argv[3],
                                         .name = argv[4],
                                         .node = argv[5],
                                         .etcd = argv[6],
                                         .ca = argv[7],
                                         .certificate = argv[8],
                                         .key = argv[9],
                                         .user = argv[10],
                                         .password_file = argv[11]});
    }
    fputs("steerctl-join: this is a part of steerctl, which runs it\n", stderr);
    return EXITS_USAGE;
}

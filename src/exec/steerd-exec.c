/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The program that runs the commands of checks of type exec for steerd, so that nothing is ever forked there.
 * steerd starts and ends it; nobody else has a use for it. */
#include "config.h"

#include "base/exits.h"
#include "base/part.h"
#include "confine/confine.h"
#include "exec/frame.h"
#include "exec/serve.h"

int main(int argc, char **argv)
{
    (void)argv;
    if (!part_begin(argc, EXEC_CHANNEL, "steerd-exec: steerd starts this program, for checks of type exec")) {
        return EXITS_USAGE;
    }
    (void)confine_drop_inherited();
    return exec_serve(EXEC_CHANNEL) == 0 ? EXITS_OK : EXITS_REFUSED;
}

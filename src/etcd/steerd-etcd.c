/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The program that talks to etcd for steerd, so that libcurl and the twenty libraries that it brings along
 * are never loaded there, and what etcd answers is read elsewhere. steerd starts and ends it; nobody else has
 * a use for it. */
#include "config.h"

#include "base/exits.h"
#include "base/part.h"
#include "confine/confine.h"
#include "etcd/frame.h"
#include "etcd/serve.h"

int main(int argc, char **argv)
{
    (void)argv;
    if (!part_begin(argc, ETCD_CHANNEL, "steerd-etcd: steerd starts this program, to talk to etcd")) {
        return EXITS_USAGE;
    }
    (void)confine_drop_inherited();
    part_ignore_signals();
    return etcd_serve(ETCD_CHANNEL) == 0 ? EXITS_OK : EXITS_REFUSED;
}

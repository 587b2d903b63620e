/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The program that sends webhooks for steerd, so that libcurl and the twenty libraries that it brings along
 * are never loaded there, and what receivers answer is read elsewhere. steerd starts and ends it; nobody else
 * has a use for it. */
#include "config.h"

#include "base/exits.h"
#include "base/part.h"
#include "confine/confine.h"
#include "post/frame.h"
#include "post/serve.h"

int main(int argc, char **argv)
{
    (void)argv;
    if (!part_begin(argc, POST_CHANNEL, "steerd-post: steerd starts this program, for webhooks")) {
        return EXITS_USAGE;
    }
    (void)confine_drop_inherited();
    part_ignore_signals();
    return post_serve(POST_CHANNEL) == 0 ? EXITS_OK : EXITS_REFUSED;
}

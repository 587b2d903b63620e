/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The server: wiring, signals, reload. */
#include "config.h"

#include <stdio.h>

int main(void)
{
    fputs("steerd " PACKAGE_VERSION ": nothing to serve yet\n", stderr);
    return 1;
}

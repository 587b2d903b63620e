/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See descriptors.h. */
#include "config.h"

#include "base/descriptors.h"

#include <errno.h>
#include <sys/resource.h>

int descriptors_raise_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1) {
        return -errno;
    }
    if (limit.rlim_cur == limit.rlim_max) {
        return 0;
    }
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == -1 ? -errno : 0;
}

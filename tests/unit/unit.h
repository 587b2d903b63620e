/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cmocka with the headers that it needs. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The one table of error texts. */
#include "config.h"

#include "base/error.h"

#include <string.h>

static const char *own_text(int code)
{
    switch (code) {
    case ERROR_OK: return "success";
    case ERROR_SYNTAX: return "syntax error";
    case ERROR_INVALID: return "value not acceptable";
    case ERROR_NOT_FOUND: return "not found";
    case ERROR_CONFLICT: return "conflicts with the current state";
    case ERROR_TOO_LARGE: return "too large";
    case ERROR_UNSUPPORTED: return "not supported";
    case ERROR_BUSY: return "busy";
    case ERROR_PRECONDITION: return "it is not what it was taken for";
    case ERROR_CANCELLED: return "cancelled";
    case ERROR_LIBRARY: return "library error";
    default: return "unknown error";
    }
}

const char *error_text(int code)
{
    if (code < 0 && code > ERROR_LIBRARY) { /* own codes lie below every errno */
        return strerror(-code);
    }
    return own_text(code);
}

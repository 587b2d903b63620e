/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One error code for the whole program: 0 is success, a value below 0 is either -errno (system calls) or one
 * of the ERROR_ codes here. Functions return the code; values come back through pointers. */
#pragma once

enum error_code {
    ERROR_OK = 0,
    ERROR_SYNTAX = -2000, /* input is not in the format it has to have */
    ERROR_INVALID,        /* well-formed, but a value is not acceptable */
    ERROR_NOT_FOUND,      /* no such object */
    ERROR_CONFLICT,       /* the object is in a state that does not permit this */
    ERROR_TOO_LARGE,      /* a limit was exceeded */
    ERROR_UNSUPPORTED,    /* known, but not implemented */
    ERROR_BUSY,           /* no room for one more now; later there will be */
    ERROR_PRECONDITION,   /* the object is not what whoever asks takes it for */
    ERROR_CANCELLED,      /* nobody wants it any more */
    ERROR_LIBRARY,        /* a library refused; its own message is in the report or log */
};

/* The text for a code, errno values included. Never NULL; static or thread-local storage. */
const char *error_text(int code);

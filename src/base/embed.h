/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A file of the sources as it was when this was built, in the program: EMBED(page, PATH) in a .c file makes
 * page_begin and page_end, which is where it ends; there is a NUL behind it. The path is a string literal
 * that the Makefile defines, and the object depends on it there. C23 has #embed for this. */
#pragma once

#define EMBED(name, path)                                                                                    \
    __asm__(".pushsection .rodata." #name ",\"a\"\n"                                                         \
            ".hidden " #name "_begin\n.globl " #name "_begin\n" #name "_begin:\n"                            \
            ".incbin \"" path "\"\n"                                                                         \
            ".hidden " #name "_end\n.globl " #name "_end\n" #name "_end:\n.byte 0\n"                         \
            ".popsection\n");                                                                                \
    extern const char name##_begin[], name##_end[]

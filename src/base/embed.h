/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A text file of the sources as it was when this was built, in the program: EMBED(page, PATH) in a .c file
 * makes page_text, which ends with a NUL. The path is a string literal that the Makefile defines, and the
 * object depends on it there. C23 has #embed for this. */
#pragma once

#define EMBED(name, path)                                                                                    \
    __asm__(".pushsection .rodata." #name ",\"a\"\n"                                                         \
            ".hidden " #name "_text\n.globl " #name "_text\n" #name "_text:\n"                               \
            ".incbin \"" path "\"\n.byte 0\n"                                                                \
            ".popsection\n");                                                                                \
    extern const char name##_text[]

# SPDX-License-Identifier: BSD-3-Clause
"""A debugger of a few lines: a thread of another process is stopped, told to make system calls, and goes on as if nothing had
been (ptrace(2), x86-64). gdb does the same, where it knows the registers of the processor."""
import ctypes
import os
import platform

import pytest

NUMBERS = {"read": 0, "write": 1, "open": 2, "close": 3, "pwrite": 18, "writev": 20, "dup": 32, "dup2": 33, "fcntl": 72, "mmap": 9, "mprotect": 10, "socket": 41, "fork": 57, "execve": 59, "kill": 62, "truncate": 76, "rename": 82, "mkdir": 83, "unlink": 87,
           "symlink": 88, "ptrace": 101, "setuid": 105, "mount": 165}
ATTACH, DETACH, STEP, GET, SET = 16, 17, 9, 12, 13
WALL = 0x40000000
ROOM = 8192  # below the stack of the thread
ORDER = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")


class Registers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ORDER]


def ptrace(request, tid, data=None):
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    library.ptrace.restype = ctypes.c_long
    if library.ptrace(request, tid, None, data) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def find_instruction(tid, memory):
    """Where "syscall" stands in what the kernel maps into every process."""
    with open(f"/proc/{tid}/maps", encoding="ascii") as maps:
        begin, end = next(line.split()[0].split("-") for line in maps if line.rstrip().endswith("[vdso]"))
    begin, end = int(begin, 16), int(end, 16)
    return begin + os.pread(memory, end - begin, begin).index(b"\x0f\x05")


def call_once(tid, memory, saved, name, arguments):
    registers, at = Registers.from_buffer_copy(saved), saved.rsp - ROOM
    registers.rax, registers.orig_rax, registers.rip = NUMBERS[name], (1 << 64) - 1, find_instruction(tid, memory)
    for register, argument in zip(ARGUMENTS, arguments):
        if isinstance(argument, int):
            setattr(registers, register, argument)
        else:
            text = os.fsencode(argument) + b"\0"
            os.pwrite(memory, text, at)
            setattr(registers, register, at)
            at += len(text)
    ptrace(SET, tid, ctypes.byref(registers))
    ptrace(STEP, tid)
    os.waitpid(tid, WALL)
    ptrace(GET, tid, ctypes.byref(registers))
    return ctypes.c_longlong(registers.rax).value


def call(tid, calls):
    """Each is a name of NUMBERS and its arguments, numbers and texts. What the kernel gave: a value, or -errno."""
    if platform.machine() != "x86_64":
        pytest.skip("the debugger knows x86-64 only")
    ptrace(ATTACH, tid)
    os.waitpid(tid, WALL)
    memory, saved, values = os.open(f"/proc/{tid}/mem", os.O_RDWR), Registers(), []
    try:
        ptrace(GET, tid, ctypes.byref(saved))
        for name, *arguments in calls:
            values.append(call_once(tid, memory, saved, name, arguments))
        ptrace(SET, tid, ctypes.byref(saved))
    finally:
        os.close(memory)
        ptrace(DETACH, tid)
    return values

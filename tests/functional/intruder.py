# SPDX-License-Identifier: BSD-3-Clause
"""A debugger that makes a thread of another process do system calls of ours, as somebody would who has taken it over: it sets general
registers only, since others cannot be written back everywhere. For x86-64."""
import ctypes
import os
import struct

import kit

ATTACH, DETACH, STEP, GET_REGISTERS, SET_REGISTERS, ALL_THREADS = 16, 17, 9, 12, 13, 0x40000000
REGISTERS = ("r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs",
             "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs")
SHAPE, NONE = struct.Struct(f"{len(REGISTERS)}Q"), 2**64 - 1
ARGUMENTS = ("rdi", "rsi", "rdx", "r10", "r8", "r9")
SYSCALL = b"\x0f\x05"  # the instruction
NUMBERS = {"open": 2, "socket": 41, "fork": 57, "execve": 59, "kill": 62, "unlink": 87, "ptrace": 101, "openat": 257}
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes, LIBC.ptrace.restype = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p], ctypes.c_long


def ptrace(request, thread, data=None):
    if LIBC.ptrace(request, thread, None, data) == -1:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


class Intruder:
    """On one thread, by its name, while it waits in the kernel."""

    def __init__(self, pid, name):
        self.pid = pid
        self.thread = next(int(task) for task in sorted(os.listdir(f"/proc/{pid}/task"), key=int)
                           if open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8").read().strip() == name)

    def __enter__(self):
        kit.wait_for(self.catch, "the thread waits in the kernel")
        return self

    def __exit__(self, *_):
        self.write(self.before)
        ptrace(DETACH, self.thread)

    def catch(self):
        ptrace(ATTACH, self.thread)
        os.waitpid(self.thread, ALL_THREADS)
        self.before = self.read()
        if self.peek(self.before["rip"] - len(SYSCALL), len(SYSCALL)) == SYSCALL:
            return True
        ptrace(DETACH, self.thread)
        return False

    def peek(self, at, length):
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(at)
            return memory.read(length)

    def read(self):
        octets = ctypes.create_string_buffer(SHAPE.size)
        ptrace(GET_REGISTERS, self.thread, ctypes.cast(octets, ctypes.c_void_p))
        return dict(zip(REGISTERS, SHAPE.unpack(octets.raw)))

    def write(self, registers):
        octets = ctypes.create_string_buffer(SHAPE.pack(*(registers[name] for name in REGISTERS)), SHAPE.size)
        ptrace(SET_REGISTERS, self.thread, ctypes.cast(octets, ctypes.c_void_p))

    def call(self, name, *words):
        """What the kernel says to it: below 0 an error. Texts go below the thread's stack."""
        room, values = self.before["rsp"] - 4096, []
        with open(f"/proc/{self.pid}/mem", "wb", buffering=0) as memory:
            for word in words:
                if isinstance(word, str):
                    memory.seek(room)
                    memory.write(word.encode() + b"\0")
                    word, room = room, room - 1024
                values.append(word)
        self.write({**self.before, **dict(zip(ARGUMENTS, values)), "rax": NUMBERS[name], "orig_rax": NONE, "rip": self.before["rip"] - len(SYSCALL)})
        ptrace(STEP, self.thread)
        os.waitpid(self.thread, ALL_THREADS)
        return struct.unpack("q", struct.pack("Q", self.read()["rax"]))[0]

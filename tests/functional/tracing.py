# SPDX-License-Identifier: BSD-3-Clause
"""One thread of a running steerd, stopped and let go at will (ptrace(2)): for what has to happen between two of its steps.
To be used by one thread of the test only, which is the tracer."""
import ctypes
import errno
import os
import pathlib

import pytest

CONT, DETACH, SEIZE, INTERRUPT = 7, 17, 0x4206, 0x4207
WALL = 0x40000000


class Thread:
    def __init__(self, server, name):
        tasks = pathlib.Path(f"/proc/{server.process.pid}/task")
        self.tid = next(int(task.name) for task in tasks.iterdir() if (task / "comm").read_text().strip() == name)
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        try:
            self.trace(SEIZE)
        except PermissionError:
            pytest.skip("no thread may be traced here")

    def trace(self, request):
        if self.libc.ptrace(request, self.tid, None, None) == -1:
            error = ctypes.get_errno()
            raise PermissionError(error, "ptrace") if error == errno.EPERM else OSError(error, "ptrace")

    def stop(self):
        self.trace(INTERRUPT)
        os.waitpid(self.tid, WALL)

    def resume(self):
        self.trace(CONT)

    def close(self):
        """It is stopped; and goes on without us."""
        self.trace(DETACH)

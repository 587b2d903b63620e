# SPDX-License-Identifier: BSD-3-Clause
"""A small internet: hosts in network namespaces of their own, each behind a link to a router in another one, which drops
what goes between any two of them on request. What is dropped is dropped in silence, as a real partition does it."""
import contextlib
import ctypes
import os

from kit import run_ip

CLONE_NEWNET = 0x40000000


class Internet:
    """Whatever is started `with internet.at(name):` is on that host; its addresses are internet.address(name, number)."""

    def __init__(self, *names, addresses=2):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.home = open("/proc/thread-self/ns/net", "rb")
        self.names, self.hosts, self.router = list(names), {}, None
        self.cut = set()
        try:
            self.router = self.make()
            with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as switch:
                switch.write("1")
            for name in names:
                self.hosts[name] = self.make()
                self.plug_in(name, addresses)
        except BaseException:
            self.close()
            raise
        self.enter(self.home)

    def enter(self, namespace):
        if self.libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def make(self):
        if self.libc.unshare(CLONE_NEWNET) != 0:
            raise PermissionError(ctypes.get_errno(), "unshare")
        run_ip("link", "set", "lo", "up")
        return open("/proc/thread-self/ns/net", "rb")

    def number(self, name):
        return self.names.index(name) + 1

    def address(self, name, number=0):
        return f"10.77.{self.number(name)}.{number + 2}"

    def plug_in(self, name, addresses):
        """This thread is at the host."""
        subnet, far = f"10.77.{self.number(name)}", f"to{self.number(name)}"
        run_ip("link", "add", "up0", "type", "veth", "peer", "name", far)
        run_ip("link", "set", far, "netns", f"/proc/{os.getpid()}/fd/{self.router.fileno()}")
        for number in range(addresses):
            run_ip("address", "add", f"{self.address(name, number)}/24", "dev", "up0")
        run_ip("link", "set", "up0", "up")
        self.enter(self.router)
        run_ip("address", "add", f"{subnet}.1/24", "dev", far)
        run_ip("link", "set", far, "up")
        self.enter(self.hosts[name])
        run_ip("route", "add", "default", "via", f"{subnet}.1")

    @contextlib.contextmanager
    def at(self, name):
        self.enter(self.hosts[name])
        try:
            yield
        finally:
            self.enter(self.home)

    def set_cut(self, one, other, cut):
        """Nothing gets from either to the other any more, or everything does again."""
        pair = frozenset((one, other))
        if cut == (pair in self.cut):
            return
        self.cut ^= {pair}
        self.enter(self.router)
        try:
            for here, there in ((one, other), (other, one)):
                run_ip("rule", "add" if cut else "del", "iif", f"to{self.number(here)}", "to",
                       f"10.77.{self.number(there)}.0/24", "blackhole")
        finally:
            self.enter(self.home)

    def close(self):
        self.enter(self.home)
        for namespace in [self.home, self.router, *self.hosts.values()]:
            if namespace is not None:
                namespace.close()

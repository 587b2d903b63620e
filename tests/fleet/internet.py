# SPDX-License-Identifier: BSD-3-Clause
"""A small internet: hosts in network namespaces of their own, each behind a link to a router in another one, which drops or
delays what goes between any two of them on request. What is dropped is dropped in silence, as a real partition does it."""
import contextlib
import ctypes
import fcntl
import multiprocessing
import os
import select
import struct
import time

from kit import run_ip

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
SLOW, SLOW_TABLE = "slow0", "77"
RULES = 1000  # the place of the first one, each has its own: one is deleted that is as described, and others may be as well


def delay(tun, seconds):
    """What comes out of the router there goes in again later. There is no netem in every kernel."""
    waiting = []
    while True:
        pause = None if not waiting else max(0, waiting[0][0] - time.monotonic())
        if select.select([tun], [], [], pause)[0]:
            with contextlib.suppress(BlockingIOError):
                while True:
                    waiting.append((time.monotonic() + seconds, os.read(tun, 65536)))
        while waiting and waiting[0][0] <= time.monotonic():
            with contextlib.suppress(OSError):
                os.write(tun, waiting[0][1])
            waiting.pop(0)


class Internet:
    """Whatever is started `with internet.at(name):` is on that host; its addresses are internet.address(name, number)."""

    def __init__(self, *names, addresses=2):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.home = open("/proc/thread-self/ns/net", "rb")
        self.here = self.home
        self.names, self.hosts, self.router = list(names), {}, None
        self.ways, self.dark, self.slow = {}, set(), None
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
        self.here = namespace

    def make(self):
        if self.libc.unshare(CLONE_NEWNET) != 0:
            raise PermissionError(ctypes.get_errno(), "unshare")
        run_ip("link", "set", "lo", "up")
        return open("/proc/thread-self/ns/net", "rb")

    def number(self, name):
        return self.names.index(name) + 1

    def address(self, name, number=0):
        return f"10.77.{self.number(name)}.{number + 2}"

    def network(self, name):
        return f"10.77.{self.number(name)}.0/24"

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
    def inside(self, namespace):
        before = self.here
        self.enter(namespace)
        try:
            yield
        finally:
            self.enter(before)

    def at(self, name):
        return self.inside(self.hosts[name])

    def make_slow(self, seconds):
        """From now on ways can be "slow", by so much; for the whole time. Needs /dev/net/tun."""
        with self.inside(self.router):
            tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", SLOW.encode(), IFF_TUN | IFF_NO_PI))
            run_ip("link", "set", SLOW, "up")
            run_ip("route", "add", "default", "dev", SLOW, "table", SLOW_TABLE)
        self.slow = multiprocessing.Process(target=delay, args=(tun, seconds), daemon=True)
        self.slow.start()
        os.close(tun)

    def set_way(self, here, there, how):
        """What goes from here to there: None, as it comes; "cut"; "slow"."""
        before = self.ways.get((here, there))
        if how == before:
            return
        self.ways[here, there] = how
        place = RULES + 100 * self.number(here) + self.number(there)
        with self.inside(self.router):
            if before is not None:
                run_ip("rule", "del", "pref", str(place))
            if how is not None:
                run_ip("rule", "add", "pref", str(place), "iif", f"to{self.number(here)}", "to", self.network(there),
                       *(["blackhole"] if how == "cut" else ["lookup", SLOW_TABLE]))

    def set_cut(self, one, other, cut):
        """Nothing gets from either to the other any more, or everything does again."""
        for pair in ((one, other), (other, one)):
            self.set_way(*pair, "cut" if cut else None)

    def set_dark(self, name, is_dark):
        """Nothing gets from there to anybody, or the reverse."""
        if is_dark == (name in self.dark):
            return
        self.dark ^= {name}
        with self.inside(self.router):
            for place, words in ((self.number(name), ("iif", f"to{self.number(name)}")), (100 + self.number(name), ("to", self.network(name)))):
                run_ip("rule", *(["add", "pref", str(place), *words, "blackhole"] if is_dark else ["del", "pref", str(place)]))

    def close(self):
        if self.slow is not None:
            self.slow.kill()
            self.slow.join()
        self.enter(self.home)
        for namespace in [self.home, self.router, *self.hosts.values()]:
            if namespace is not None:
                namespace.close()

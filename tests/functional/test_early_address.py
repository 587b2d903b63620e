# SPDX-License-Identifier: BSD-3-Clause
"""Listen addresses that no interface has yet (IPv6 while it is tentative, the standby of VRRP, IPv6 switched off): steerd starts with a
warning, and answers as soon as they are there; so after a reload, and after a takeover."""
import os
import socket
import subprocess

import dns.exception
import dns.message
import kit
import pytest
from takeovers import installed, take_over  # noqa: F401  pylint: disable=unused-import

LATER = "192.0.2.53", "2001:db8::53"
NO_IPV6 = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
int socket(int family, int type, int protocol)
{
    if (family == AF_INET6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return ((int (*)(int, int, int))dlsym(RTLD_NEXT, "socket"))(family, type, protocol);
}
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def network():
    if os.geteuid() != 0:
        pytest.skip("needs root")
    try:
        made = kit.Network()
    except PermissionError:
        pytest.skip("making network namespaces is not allowed")
    yield made
    made.close()


def assert_answers(server, address):
    """An IPv6 address is tentative for a moment even on a loopback interface, and the kernel sends nothing from it: clients ask again."""
    def answers():
        try:
            return server.send(dns.message.make_query("www.example.com", "A"), at=(address, kit.DNS_PORT), timeout=1).rcode() == 0
        except dns.exception.Timeout:
            return False
    server.wait(answers, f"{address} answers")


@pytest.mark.parametrize("between", ["nothing", "reload", "takeover"])
def test_an_address_may_come_later(network, installed, site, between):  # noqa: F811
    site.listen += [(address, kit.DNS_PORT) for address in LATER]
    server = site.zone("example.com", "www 60 IN A 192.0.2.1\n").start()
    for number, address in enumerate(LATER, 1):
        server.wait_log(f"$.listen[{number}]", address)
    if between == "reload":
        assert server.request("POST", "/v1/reload").status == 200
    elif between == "takeover":
        take_over(server)
    ip("address", "add", f"{LATER[0]}/32", "dev", "lo")
    ip("address", "add", f"{LATER[1]}/128", "dev", "lo")
    for address in LATER:
        assert_answers(server, address)


def test_an_address_may_be_tentative(network, site):
    """While duplicate address detection asks whether somebody has it, an address is on its interface, and nobody may use it."""
    ip("link", "add", "near", "type", "veth", "peer", "name", "far")
    subprocess.run(["sysctl", "-qw", "net.ipv6.conf.near.dad_transmits=1000"], check=True, stdin=subprocess.DEVNULL)
    for end in "near", "far":
        ip("link", "set", end, "up")
    ip("address", "add", f"{LATER[1]}/64", "dev", "near")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one, pytest.raises(OSError, match="Cannot assign"):
        one.bind((LATER[1], 0))
    site.listen += [(LATER[1], kit.DNS_PORT)]
    server = site.zone("example.com", "www 60 IN A 192.0.2.1\n").start()
    server.wait_log("$.listen[1]", LATER[1])
    assert server.ask("www.example.com", "A").rcode() == 0
    ip("address", "delete", f"{LATER[1]}/64", "dev", "near")
    ip("address", "add", f"{LATER[1]}/64", "dev", "near", "nodad")
    assert_answers(server, LATER[1])


def test_ipv6_that_is_switched_off_keeps_nobody_down(network, site):
    subprocess.run(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"], check=True, stdin=subprocess.DEVNULL)
    site.listen += [("::1", kit.DNS_PORT)]
    server = site.zone("example.com", "www 60 IN A 192.0.2.1\n").start()
    server.wait_log("$.listen[1]", "::1")
    assert server.ask("www.example.com", "A").rcode() == 0


@pytest.fixture(scope="module")
def no_ipv6(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preload")
    (folder / "no_ipv6.c").write_text(NO_IPV6)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "no_ipv6.so", folder / "no_ipv6.c"], check=True)
    return str(folder / "no_ipv6.so")


def test_a_family_that_is_off(site, no_ipv6):
    """As with ipv6.disable=1 on the kernel's command line. A reload changes nothing, and all the rest serves."""
    site.zone("example.com", "www 60 A 192.0.2.1")
    site.listen.append(("::1", 5300))
    site.environment = {**kit.make_environment(), "LD_PRELOAD": no_ipv6}
    server = site.start()
    assert "[::1]:5300 is not served: this system has IPv6 disabled" in server.read_log()
    assert server.addresses("www.example.com") == ["192.0.2.1"]
    assert server.reload().status == 200
    assert server.addresses("www.example.com") == ["192.0.2.1"]

# SPDX-License-Identifier: BSD-3-Clause
"""Listen addresses that no interface has yet (IPv6 while it is tentative, the standby of VRRP, IPv6 switched off): steerd starts with a
warning, and answers as soon as they are there; so after a reload, and after a takeover."""
import os
import subprocess

import kit
import pytest
from takeovers import installed, take_over  # noqa: F401  pylint: disable=unused-import

LATER = "192.0.2.53", "2001:db8::53"


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


@pytest.fixture
def network():
    if os.geteuid() != 0:
        pytest.skip("needs root")
    made = kit.Network()
    yield made
    made.close()


def assert_answers(server, address):
    server.wait(lambda: server.ask("www.example.com", "A", at=(address, kit.DNS_PORT)).rcode() == 0, f"{address} answers")


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


def test_ipv6_that_is_switched_off_keeps_nobody_down(network, site):
    subprocess.run(["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"], check=True, stdin=subprocess.DEVNULL)
    site.listen += [("::1", kit.DNS_PORT)]
    server = site.zone("example.com", "www 60 IN A 192.0.2.1\n").start()
    server.wait_log("$.listen[1]", "::1")
    assert server.ask("www.example.com", "A").rcode() == 0

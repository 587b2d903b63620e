# SPDX-License-Identifier: BSD-3-Clause
"""The malformed and odd packets of tests/functional/packets.py, of steerd, NSD and Knot: where those two agree on an
rcode, or on silence, so does steerd, but for the differences that ALLOWED gives a reason for."""
import pathlib
import re
import socket
import tempfile
import time

import dns.rcode
import pytest

import kit
import oracles
import packets

ALLOWED = {
    r"a subnet of IPv. .*|two subnets":
        "NSD does not look at client subnets, Knot not at what is wrong in one beyond its family and length; RFC 7871 "
        "sections 6 and 7.2.1 demand the format error that we and BIND send",
}


class Nsd(oracles.Nsd):
    def configure(self):
        return super().configure().replace("server:\n", "server:\n  answer-cookie: yes\n")


class Knot(oracles.Knot):
    def configure(self):
        return super().configure().replace("server:\n", "server:\n    edns-client-subnet: on\n").replace(
            "template:\n  - id: default\n", "template:\n  - id: default\n    global-module: mod-cookies\n")


def ask(at, case, tries):
    for _ in range(tries):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(kit.PATIENCE_S)
            sock.connect(at)
            reply = packets.ask_udp(sock, case.wire)
        if reply is not None:
            return dns.rcode.to_text(packets.rcode_of(reply))
        time.sleep(0.1 if tries > 1 else 0)
    return packets.SILENCE


def ask_all(server, at):
    """The rcode of every case, or packets.SILENCE. NSD answers so many format errors per second, whatever it is told:
    what it is silent on is asked again for two seconds, unless it has to be silent."""
    return {case.name: ask(at, case, 20 if server == "nsd" and case.expected != packets.SILENCE else 1)
            for case in packets.every()}


@pytest.fixture
def rcodes():
    """By server, what each case was answered with."""
    for kind in Nsd, Knot:
        if kind.find() is None:
            pytest.skip(f"{kind.program} is not installed (contrib/packages oracle)")
    with tempfile.TemporaryDirectory(prefix="steerd.") as name:
        folder, running = pathlib.Path(name), []
        site = kit.Site(folder).zone(packets.ORIGIN, packets.ZONE)
        try:
            site.start()
            at = {"steerd": site.listen[0]}
            for kind in Nsd, Knot:
                (folder / kind.program).mkdir()
                peer = kind(folder / kind.program, {packets.ORIGIN + ".": f"$ORIGIN {packets.ORIGIN}.\n{kit.SOA}{packets.ZONE}"})
                running.append(peer)
                at[kind.program] = peer.start().at
            yield {server: ask_all(server, where) for server, where in at.items()}
        finally:
            for peer in running:
                if peer.process is not None:
                    peer.stop()
            site.close()


def test_where_nsd_and_knot_agree_so_do_we(rcodes):
    agreed, differing = 0, []
    for case in packets.every():
        ours, nsd, knot = (rcodes[server][case.name] for server in ("steerd", "nsd", "knotd"))
        agreed += nsd == knot
        if nsd == knot != ours and not any(re.fullmatch(pattern, case.name) for pattern in ALLOWED):
            differing.append(f"{case.name} ({case.source}): {ours}, they say {nsd}")
    print(f"NSD and Knot agree on {agreed} of {len(packets.every())} packets")
    assert agreed > len(packets.every()) / 2
    assert not differing, "\n".join(differing)

# SPDX-License-Identifier: BSD-3-Clause
"""Secondaries may copy from any node of a cluster: the same content has the same serial everywhere, what is newer has a newer one,
and a secondary that copied from a node that is gone is not stuck with it."""
import contextlib
import shutil
import subprocess

import dns.exception
import dns.message
import dns.name
import dns.query
import pytest

import kit
import nodekit
from test_primary import copied
from transfers import fetch, serial_of
from takeovers import reaper, take_over  # noqa: F401  pylint: disable=unused-import

WWW = dns.name.from_text("www.example.com")
KNOT = shutil.which("knotd", path="/usr/sbin:/usr/bin")


def add_copies(nodes, notify=()):
    for site in nodes.sites.values():
        site.server["zone_options"] = {"example.com": {"transfer_to": ["127.0.0.0/8"], "transfer_steered": "rendered", "notify": list(notify)}}
        site.policies["example.com"]["names"]["www"]["ttl"] = 5
        site.write()


@pytest.fixture
def two():
    with nodekit.new_cluster(2, **nodekit.PATIENT) as nodes:
        add_copies(nodes)
        nodes.start().wait_whole()
        nodes.wait_healthy()
        yield nodes


def read_copy(server):
    """The serial and what www is with it, of one transfer."""
    records, _ = fetch(server)
    return records[0][2].serial, tuple(sorted((rdata.rdtype, rdata.to_text()) for owner, _, rdata in records if owner == WWW))


def wait_same(nodes, above=0):
    """The same serial on all, and it is a newer one; whatever flips meanwhile, one serial is one content."""
    def look():
        found = dict.fromkeys(read_copy(server) for server in nodes.servers.values())
        serials = {serial for serial, _ in found}
        assert len(serials) == len(found), f"one serial with two contents: {list(found)}"
        return serials.pop() if len(serials) == 1 and min(serials) > above else None
    return next(iter(nodes.servers.values())).wait(look, "all have one serial")


def test_the_same_content_has_the_same_serial(two):
    serial = wait_same(two)
    for blind in (("*",), ()):
        two.see("us", *blind)
        two.wait_answers("eu" if blind else "us")
        serial = wait_same(two, serial)
    two.servers["ns2"].stop()  # and comes back above what it had, or follows
    two.start("ns2").wait_whole()
    assert wait_same(two) >= serial
    two.servers["ns1"].kill()
    two.start("ns1").wait_whole()
    assert wait_same(two) >= serial
    take_over(two.servers["ns2"])
    two.wait_whole()
    assert wait_same(two) >= serial


def test_one_that_is_ahead_and_gone_leaves_nobody_behind(two):
    """ns1 alone has other content, by an order that only it was given, and dies: who copied it gets what ns2 has."""
    serial = wait_same(two)
    one, other = two.servers["ns1"], two.servers["ns2"]
    two.wait_whole()
    one.override("region", "us", "drain")
    one.wait(lambda: serial_of(one) > serial and copied(one, "www") == [two.eu], "ns1 has another copy")
    ahead = serial_of(one)
    assert copied(other, "www") == [two.us]
    other.wait(lambda: other.read_log() and two.row("ns2", "ns1")["opinions"]["count"], "ns2 hears ns1")
    one.kill()
    other.wait(lambda: serial_of(other) > ahead, "ns2 goes beyond it")
    assert copied(other, "www") == [two.us]


@contextlib.contextmanager
def knot(folder, primaries):
    """A secondary of all of these."""
    address = kit.new_address()
    at = address, kit.find_port(address)
    remotes = "".join(f"  - id: p{i}\n    address: {host}@{port}\n" for i, (host, port) in enumerate(primaries))
    masters = ", ".join(f"p{i}" for i in range(len(primaries)))
    (folder / "knot.conf").write_text(f"""server:
    listen: {at[0]}@{at[1]}
    rundir: {folder}/run
log:
  - target: stderr
    any: info
database:
    storage: {folder}/db
remote:
{remotes}
acl:
  - id: all
    address: 127.0.0.0/8
    action: [notify, transfer]
zone:
  - domain: example.com
    storage: {folder}
    master: [{masters}]
    acl: all
    refresh-min-interval: 2
    retry-min-interval: 1
    retry-max-interval: 1
    refresh-max-interval: 3
""")
    (folder / "run").mkdir()
    with open(folder / "knot.log", "wb") as log, subprocess.Popen([KNOT, "-c", str(folder / "knot.conf")], stderr=log, stdout=log) as process:
        try:
            yield at
        finally:
            process.kill()


def ask(at, name, rtype):
    try:
        return [rdata for rrset in dns.query.udp(dns.message.make_query(name, rtype), at[0], port=at[1], timeout=1).answer for rdata in rrset]
    except (OSError, dns.exception.Timeout):
        return []


@pytest.mark.skipif(KNOT is None, reason="knot is not there")
def test_a_secondary_of_both_follows(tmp_path):
    """While both flip, and while one after the other is away: its serial never goes back, and what it has is what the nodes have."""
    with nodekit.new_cluster(2, **nodekit.PATIENT) as two:
        add_copies(two)
        two.start().wait_whole()
        two.wait_healthy()
        with knot(tmp_path, [site.listen[0] for site in two.sites.values()]) as at:
            seen = []

            def has(region):
                soa = ask(at, "example.com", "SOA")
                seen.extend(rdata.serial for rdata in soa)
                return soa and [rdata.to_text() for rdata in ask(at, "www.example.com", "A")] == [getattr(two, region)]

            def wait(region):
                kit.wait_for(lambda: has(region), f"the secondary has {region}", 3 * kit.PATIENCE_S)

            wait("us")
            for away in (None, "ns1", "ns2", None):
                if away:
                    two.servers[away].kill()
                up = [name for name in two.servers if name != away]
                two.see("us", "*")
                two.wait_answers("eu", *up)
                wait("eu")
                if away:
                    two.start(away).wait_whole()
                two.wait_answers("eu")
                two.see("us")
                two.wait_answers("us")
                wait("us")
            wait_same(two)
            assert seen == sorted(seen), "it never went back"
